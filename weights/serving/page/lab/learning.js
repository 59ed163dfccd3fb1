// The section about learning: steps of backpropagation on this picture, which the server takes.
(() => {
  const { SIDE, PIXELS, DIGITS, $, $$, put, number, readable, bracketed, brief, percentRight, unpacked, best, runnerUp } = window.lab.tools;
  const { article, paint, strongest, signed, succeed, answered, shared } = window.lab.tools;

  const MOST_LOSSES = 8; // that are shown of all steps
  const SURE = 0.9; // a probability from which on the network is called sure

  // A probability of less than the tables show
  const probability = (share) => (share >= 0.00005 || !share ? number(share) : readable(Number(share.toPrecision(1))));

  // room: {server, asked: gives {pixels, run}, net: gives the numbers of the pass, unit: gives the chosen one, touched:
  // gives whether a weight or unit was changed, choose: takes a unit, look: shows all anew, again: asks about
  // another network}
  function learning(element, room) {
    const section = $(element, ".learning");
    let steps = 0; // taken
    let wanted = 0; // steps that were asked for
    let attempt = 0; // grows when the steps taken are forgotten
    let step = null; // the last one, with `changes` of W1

    const target = () => Number($(section, ".target").value);

    function aimAt(digit) {
      for (const menu of $$(element, ".target")) menu.value = String(digit);
      pretend();
    }

    // Before anything is chosen: what a tapped digit is, where it is misread, else the runner-up.
    function aim() {
      const { probs } = room.net();
      const label = shared.tapped?.label;
      aimAt(label === undefined || Number(label) === best(probs) ? runnerUp(probs) : label);
    }

    function pretend() {
      const { probs } = room.net();
      const says = best(probs);
      const [thinks, aimed] = [probs[says] > SURE ? "is sure" : "thinks", target()];
      put(
        section,
        ".pretend",
        aimed === says
          ? `It already says that this is ${article(says)}: little is left to learn. Choose another digit.`
          : Number(shared.tapped?.label) === aimed
            ? `It ${thinks} that this is ${article(says)}, but it is ${article(aimed)}: there is something to learn.`
            : `It ${thinks} that this is ${article(says)}. Pretend that it should be ${article(aimed)}, so that there is something to learn.`,
      );
    }

    function forget() {
      steps = wanted = 0;
      attempt += 1;
      step = null;
      $(section, ".taken").hidden = true;
      for (const place of [".said", ".problem"]) put(section, place, "");
      put(section, '[data-learn="again"]', "Take one step");
      $(section, '[data-learn="again"]').disabled = false;
      $(section, '[data-learn="over"]').disabled = true;
    }

    async function learn() {
      const aimed = target();
      const [subject, mine] = [room.net(), attempt];
      const again = $(section, '[data-learn="again"]');
      const mostSteps = Number(again.dataset.most);
      wanted = Math.min(wanted + 1, mostSteps);
      const rate = Number($(section, ".rate").value);
      const answer = await answered(section, room.server.learn({ ...room.asked(), target: aimed, steps: wanted, rate }));
      if (subject !== room.net() || mine !== attempt) return;
      if (!answer) wanted = steps;
      if (!answer || answer.steps < steps) return; // a later press was answered first
      // The visitor's network is gone, and another one learned.
      if (answer.own !== subject.own || String(answer.widths) !== String(subject.widths)) return room.again();
      steps = answer.steps;
      wanted = Math.max(wanted, steps); // where an earlier press failed
      step = { ...answer, target: aimed };
      for (const key of ["change", "W2", "change2"]) step[key] = unpacked(step[key]);
      again.textContent = "Again";
      const over = $(section, '[data-learn="over"]');
      over.disabled = false;
      again.disabled = steps >= mostSteps;
      if (again.disabled) succeed(over);
      showStep(room.touched());
      // The unit that changes most is the one to look at.
      room.choose(step.delta1.reduce((most, d, j) => (Math.abs(d) > Math.abs(step.delta1[most]) ? j : most), 0));
    }

    function showStep(touched) {
      const { before, after, delta2, blame, delta1, losses, unseen, h, target } = step;
      const ofDigit = (k) =>
        `<tr${k === target ? ' class="chosen"' : ""}><th scope="row">${k}</th><td class="figure">${number(before[k])}</td>` +
        `<td class="figure">${k === target ? 1 : 0}</td><td>${signed(delta2[k], 1)}</td><td class="figure">${number(delta2[k])}</td>` +
        `<td class="figure"><b>${number(after[k])}</b></td></tr>`;
      put(section, ".deltas tbody", DIGITS.map(ofDigit).join(""));
      const mostBlame = strongest(blame);
      const ofUnit = (b, j) =>
        `<tr><th scope="row"><button type="button" data-unit="${j}" aria-pressed="false">unit ${j + 1}</button></th>` +
        `<td>${signed(b, mostBlame)}</td><td class="figure">${number(b)}</td>` +
        `<td class="figure">${h[j] === 0 ? "0 (silent)" : number(delta1[j])}</td></tr>`;
      put(section, ".blames tbody", blame.map(ofUnit).join(""));
      const shown = losses.slice(-MOST_LOSSES).map(brief);
      shown.push(`<b>${shown.pop()}</b>`);
      put(
        section,
        ".said",
        `<p>Step ${steps}: the probability of ${article(target)} went from ${probability(before[target])} to <b>${probability(after[target])}</b>. ` +
          `Now it says <b>${best(after)}</b>. The answer above is from before the first step.` +
          `${touched ? " Steps start without the weight that you moved and with all units on." : ""}</p>` +
          `<p class="losses">Loss: ${losses.length > MOST_LOSSES ? "… → " : ""}${shown.join(" → ")}</p>` +
          `<p class="others">Of 1,000 new digits it reads ${percentRight(unseen[0])} → <b>${percentRight(unseen[1])}</b></p>`,
      );
      $(section, ".taken").hidden = false;
    }

    // What the step means for one unit.
    function show() {
      if (!step) return;
      const unit = room.unit();
      for (const button of $$(section, ".blames button"))
        button.setAttribute("aria-pressed", Number(button.dataset.unit) === unit);
      const { rate, delta1, delta2, blame, h, target, W2, change2 } = step;
      const out = (k) => W2[DIGITS.length * unit + k];
      const term = (k) =>
        `<tr${k === target ? ' class="chosen"' : ""}><th scope="row">${k}</th><td class="figure">${number(delta2[k])}</td>` +
        `<td class="figure">× ${number(out(k))}</td><td class="figure">${number(delta2[k] * out(k))}</td></tr>`;
      const total = `<tr class="total"><th scope="row" colspan="3">blame</th><td class="figure">${number(blame[unit])}</td></tr>`;
      put(section, ".terms tbody", DIGITS.map(term).join("") + total);
      const silent = h[unit] === 0;
      put(
        section,
        ".passes",
        silent
          ? "The unit was silent, and ReLU lets no blame through: delta1 is 0."
          : "The unit was not silent, so ReLU lets all of it through: delta1 is the blame.",
      );
      const mine = Array.from({ length: PIXELS }, (_, i) => step.change[i * h.length + unit]);
      paint($(section, ".change canvas"), mine, strongest(mine));
      const [pixel, old] = [step.most_moved[unit], step.weights[unit]];
      const place = `row ${Math.floor(pixel / SIDE) + 1}, column ${(pixel % SIDE) + 1}`;
      const rule = (which, [name, input], [delta, error], weight, change) =>
        `<p>${which}</p><p class="sums">gradient = ${name} × ${delta}<br>= ${number(input)} × ${bracketed(error)} = <b>${number(input * error)}</b></p>` +
        `<p class="sums">weight − learning rate × gradient<br>= ${number(weight)} − ${rate} × ${bracketed(input * error)} = <b>${number(weight + change)}</b></p>`;
      put(
        section,
        ".first",
        silent
          ? `<p>Unit ${unit + 1} was silent: h and delta1 are 0, and so are all gradients of its weights. None of them moves, neither those from the pixels nor those to the digits.</p>`
          : rule(
              `<b>From a pixel to unit ${unit + 1}.</b> The weight that moves most, at ${place}:`,
              ["pixel", room.net().x[pixel]],
              ["delta1", delta1[unit]],
              old,
              mine[pixel],
            ),
      );
      const biases =
        `<p><b>Biases</b> learn as well. The input of a bias is always 1, so its gradient is delta itself: ` +
        `${number(delta1[unit])} for unit ${unit + 1}, ${number(delta2[target])} for the ${target}.</p>`;
      const second = () =>
        rule(
          `<b>From unit ${unit + 1} to the ${target}.</b> Second-layer weights learn by the same rule:`,
          ["h", h[unit]],
          ["delta2", delta2[target]],
          out(target),
          change2[DIGITS.length * unit + target],
        );
      put(section, ".second", (silent ? "" : second()) + biases);
    }

    section.addEventListener("click", ({ target: pressed }) => {
      const { learn: press } = pressed.closest("button")?.dataset ?? {};
      if (!room.net()) return;
      if (press === "again") learn();
      if (press === "over") {
        forget();
        succeed($(section, '[data-learn="again"]'));
      }
    });
    element.addEventListener("change", ({ target: menu }) => {
      if (!menu.matches(".target, .rate") || !room.net()) return;
      if (menu.matches(".target")) aimAt(menu.value);
      forget();
      room.look();
    });
    return { target, aim, forget, show };
  }

  window.lab.learning = learning;
})();
