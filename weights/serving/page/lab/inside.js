// See inside in the browser. The server sends the numbers of one pass once; pointing at a pixel, moving a weight and
// switching units off then work on them here, with the same formulas.
(() => {
  const { SIDE, PIXELS, DIGITS, $, $$, put, number, readable, percent, unpacked, best, article, softmax } = window.lab.tools;
  const { paint, greyCell, strongest, bars, signed, pointed, succeed, follow, answered, invitation, shared, tappedOrDrawn } =
    window.lab.tools;

  const NEAR = 4; // pixels to each side of the chosen one whose numbers are shown
  const ACROSS = 2 * NEAR + 1;

  function inside(element, server) {
    let net = null; // the numbers of one pass
    let unit = 0;
    let pixel = 0;
    let digit = 0;
    let weight = null; // the chosen weight while it is moved
    let off = new Set();
    let steps = 0; // taken
    let wanted = 0; // steps that were asked for
    let attempt = 0; // grows when the steps taken are forgotten
    let pixels = null;
    let step = null; // the last one, with `changes` of W1
    let asked = 0;
    let own = true; // whether the visitor's network is asked for

    const W1 = (i, j) => (weight !== null && i === pixel && j === unit ? weight : net.W1[i * net.width + j]);
    const worth = (i, j) => net.x[i] * W1(i, j);
    const moved = () => (weight === null ? 0 : net.x[pixel] * (weight - net.W1[pixel * net.width + unit]));
    const z = (j) => net.z[j] + (j === unit ? moved() : 0);
    const h = (j) => (off.has(j) ? 0 : Math.max(z(j), 0));
    const push = (j, k) => h(j) * net.W2[10 * j + k];
    const logits = () =>
      DIGITS.map((k) => net.b2[k] + Array.from({ length: net.width }, (_, j) => push(j, k)).reduce((a, b) => a + b));

    const column = (j) => Array.from({ length: PIXELS }, (_, i) => net.W1[i * net.width + j]);

    function choosePixel(next) {
      pixel = Math.min(Math.max(next, 0), PIXELS - 1);
      weight = null;
      showPixel();
    }

    function chooseUnit(next) {
      unit = next;
      weight = null;
      show();
    }

    function showPixel() {
      const row = Math.floor(pixel / SIDE);
      const at = pixel % SIDE;
      for (const cursor of $$(element, ".cursor")) {
        cursor.style.left = `${(100 * at) / SIDE}%`;
        cursor.style.top = `${(100 * row) / SIDE}%`;
      }
      const value = net.x[pixel];
      showNear(row, at);
      put(element, ".place", `Row ${row + 1}, column ${at + 1}: <b>${number(value)}</b>`);
      $(element, ".map").setAttribute("aria-valuenow", pixel);
      $(element, ".map").setAttribute("aria-valuetext", `Row ${row + 1}, column ${at + 1}: ${number(value)}`);
      let sum = 0;
      const course = [];
      let soFar = 0;
      for (let i = 0; i < PIXELS; i++) {
        sum += worth(i, unit);
        course.push(sum);
        if (i === pixel) soFar = sum;
      }
      put(
        element,
        ".product",
        `<span>pixel<b>${number(value)}</b></span>×<span>weight<b>${number(W1(pixel, unit))}</b></span>=` +
          `<span>contribution<b>${number(worth(pixel, unit))}</b></span>`,
      );
      const low = Math.min(0, ...course);
      const high = Math.max(0, ...course, low + 1e-6);
      const y = (v) => (58 - (54 * (v - low)) / (high - low)).toFixed(1);
      const points = course.map((v, i) => (i % 4 === 0 || i === PIXELS - 1 ? `${i},${y(v)}` : "")).join(" ");
      put(
        element,
        ".course",
        `<svg viewBox="0 0 784 62" preserveAspectRatio="none" aria-hidden="true"><path d="M0 ${y(0)}H784"/>` +
          `<polyline points="${points}"/><path class="at" d="M${pixel} 0V62"/></svg>` +
          `<p>Sum up to this pixel: <b>${number(soFar)}</b></p>`,
      );
      put(
        element,
        ".sum",
        `<span>all 784<b>${number(z(unit) - net.b1[unit])}</b></span>+<span>bias<b>${number(net.b1[unit])}</b></span>=` +
          `<span>z<b class="z">${number(z(unit))}</b></span>→<span>ReLU: h<b class="h">${number(h(unit))}</b></span>`,
      );
      const slider = $(element, ".weight input");
      if (weight === null) slider.value = W1(pixel, unit);
      slider.disabled = !net.x[pixel];
      put(element, ".weight output", net.x[pixel] ? number(W1(pixel, unit)) : "black pixel: no effect");
      showAnswer();
    }

    // The numbers around the chosen pixel, each on its own grey.
    function showNear(row, at) {
      const [top, left] = [row, at].map((place) => Math.min(Math.max(place - NEAR, 0), SIDE - ACROSS));
      const cells = Array.from({ length: ACROSS ** 2 }, (_, i) => {
        const index = SIDE * (top + Math.floor(i / ACROSS)) + left + (i % ACROSS);
        const chosen = index === pixel ? ' class="chosen"' : "";
        return `<span${chosen} ${greyCell(net.x[index])}>${net.x[index].toFixed(2)}</span>`;
      });
      $(element, ".near").style.setProperty("--across", ACROSS);
      put(element, ".near", cells.join(""));
    }

    function showAnswer() {
      const scores = logits();
      const probs = softmax(scores);
      const says = weight !== null || off.size > 0
        ? `Now ${best(probs)}; unchanged it says ${best(net.probs)}. <button type="button" data-undo>Undo</button>`
        : `It says <b>${best(probs)}</b>.`;
      put(element, ".answer p", says);
      put(element, ".answer ol", bars(probs, net.probs));
      showScores(scores);
      showPushes(scores[digit]);
      showShares(scores, probs);
    }

    function showScores(scores) {
      const most = Math.max(...scores.map(Math.abs), 1e-6);
      const row = (score, k) =>
        `<tr${k === digit ? ' class="chosen"' : ""}><th scope="row"><button type="button" data-digit="${k}" aria-pressed="${k === digit}">${k}</button></th>` +
        `<td>${signed(score, most)}</td><td class="figure" data-logit="${k}">${number(score)}</td></tr>`;
      put(element, ".scores tbody", scores.map(row).join(""));
    }

    function showPushes(score) {
      const pushes = Array.from({ length: net.width }, (_, j) => push(j, digit));
      const most = strongest(pushes);
      const row = (name, bar, value, kind = "") =>
        `<tr${kind}><th scope="row">${name}</th><td>${bar}</td><td class="figure">${number(value)}</td></tr>`;
      const rows = pushes.map((p, j) => row(`unit ${j + 1}`, signed(p, most), p));
      rows.push(row("bias", "", net.b2[digit]), row("score", "", score, ' class="total"'));
      put(element, ".pushes tbody", rows.join(""));
      put(element, ".pushes caption", `How each unit pushes the ${digit}`);
    }

    function showShares(scores, probs) {
      const row = (score, k) =>
        `<tr><th scope="row">${k}</th><td class="figure">${number(score)}</td><td class="figure">${readable(Math.exp(score))}</td>` +
        `<td class="figure" data-prob="${k}">${number(probs[k])}</td>` +
        `<td class="wide"><i class="share"><u style="width:${100 * probs[k]}%"></u></i></td></tr>`;
      put(element, ".shares tbody", scores.map(row).join(""));
      const top = best(probs);
      const loss = Math.max(-Math.log(probs[top]), 0);
      put(
        element,
        ".lossline",
        `If ${top} is right, the loss is −ln(${number(probs[top])}) = <b>${number(loss)}</b>. Learning makes it smaller.`,
      );
    }

    function show() {
      const weights = column(unit);
      paint($(element, ".seen canvas"), net.x);
      paint($(element, ".looks canvas"), weights, strongest(weights));
      const worths = weights.map((_, i) => worth(i, unit));
      paint($(element, ".worths canvas"), worths, strongest(worths));
      put(element, ".inked", `${net.pixels.filter(Boolean).length} of 784 pixels are not black.`);
      const most = Math.max(...net.z.map(Math.abs));
      const tiles = $$(element, ".units li");
      for (let j = 0; j < net.width; j++) {
        $(tiles[j], ".pick").setAttribute("aria-pressed", j === unit);
        $(tiles[j], ".off").setAttribute("aria-pressed", off.has(j));
        $(tiles[j], ".off").textContent = off.has(j) ? "is off" : "off";
        tiles[j].classList.toggle("silent", h(j) === 0);
        put(tiles[j], ".value", `z ${number(z(j))}<br>h ${number(h(j))}`);
        put(tiles[j], ".fired", signed(z(j), most));
      }
      for (const title of $$(element, ".which")) title.textContent = `unit ${unit + 1}`;
      if (step) showChange();
      showPixel();
    }

    function showChange() {
      const mine = Array.from({ length: PIXELS }, (_, i) => step.changes[i * net.width + unit]);
      paint($(element, ".change canvas"), mine, strongest(mine));
      const [moved, weight] = [step.most_moved[unit], step.weights[unit]];
      const gradient = -mine[moved] / step.rate;
      const place = `row ${Math.floor(moved / SIDE) + 1}, column ${(moved % SIDE) + 1}`;
      put(
        element,
        ".rule",
        mine[moved]
          ? `The weight that moves most, at ${place}:<br>weight − learning rate × gradient<br>` +
              `= ${number(weight)} − ${step.rate} × ${number(gradient).replace("−", "(−")}${gradient < 0 ? ")" : ""} = <b>${number(weight + mine[moved])}</b>`
          : step.silent[unit]
            ? "This unit was silent: its gradients are 0, and no weight of it moves."
            : "The gradients of this unit are too small to move a weight.",
      );
    }

    function units() {
      put(
        element,
        ".units ul",
        Array.from(
          { length: net.width },
          (_, j) =>
            `<li><button type="button" class="pick" data-unit="${j}" aria-label="Unit ${j + 1}"><canvas></canvas><b>${j + 1}</b></button>` +
            `<span class="fired"></span><span class="value"></span>` +
            `<button type="button" class="off" data-off="${j}" aria-label="Switch unit ${j + 1} off">off</button></li>`,
        ).join(""),
      );
      $$(element, ".units canvas").forEach((canvas, j) => paint(canvas, column(j), strongest(column(j))));
    }

    const run = () => (own ? shared.own.run : null);

    async function ask(given) {
      pixels = given;
      const turn = ++asked;
      const answer = await answered(element, server.numbers({ pixels, run: run() }));
      if (!answer || turn !== asked) return Boolean(answer); // a newer question is under way
      net = { ...answer, width: answer.widths[1] };
      for (const key of ["x", "W1", "W2"]) net[key] = unpacked(net[key]);
      net.x = Array.from(net.x);
      off = new Set();
      unit = net.h.indexOf(Math.max(...net.h));
      digit = best(net.probs);
      pixel = net.x.indexOf(Math.max(...net.x));
      weight = null;
      if (shared.tapped) $(element, ".target").value = String(shared.tapped.label);
      introduce();
      units();
      forget();
      const most = Math.ceil(strongest(net.W1)); // the slider reaches each weight of this network
      Object.assign($(element, ".weight input"), { min: -most, max: most });
      show();
      element.dataset.ready = "true";
      return true;
    }

    // Which network this is, and which picture.
    function introduce() {
      const served = net.served.slice(1, -1).reduce((a, b) => a + b);
      const other = (to, text) => ` <button type="button" data-own="${to}">${text}</button>`;
      put(
        element,
        ".lead",
        (net.own ? "This is <b>your network</b>, as you left it on <i>Train one</i>: " : `${net.why} This network comes with the page: `) +
          `${net.width} hidden units, few enough to see them all. The network on <i>Draw</i> has ${served.toLocaleString("en")}.` +
          (net.own ? other("", "Show the page's network") : shared.own.run && !own ? other("yes", "Show your network") : ""),
      );
      put(
        element,
        ".which-picture",
        shared.tapped
          ? `This is one of the digits that it never saw, <b>${article(shared.tapped.label)}</b>. <button type="button" data-untap>Back to ${shared.tapped.beside === "null" ? "the example" : "your drawing"}</button>`
          : pixels
            ? ""
            : invitation("The picture is an example; draw a digit on <a href='#draw'>Draw</a> and it comes here."),
      );
    }

    function forget() {
      steps = wanted = 0;
      attempt += 1;
      step = null;
      $(element, ".taken").hidden = true;
      put(element, ".said", "");
      put(element, '[data-learn="again"]', "Take one step");
      $(element, '[data-learn="again"]').disabled = false;
      $(element, '[data-learn="over"]').disabled = true;
    }

    async function learn() {
      const target = Number($(element, ".target").value);
      const [subject, mine] = [net, attempt];
      const mostSteps = Number($(element, '[data-learn="again"]').dataset.most);
      wanted = Math.min(wanted + 1, mostSteps);
      const answer = await answered(element, server.learn({ pixels, target, steps: wanted, run: run() }));
      if (subject !== net || mine !== attempt) return;
      if (!answer) wanted = steps;
      if (!answer || answer.steps < steps) return; // a later press was answered first
      // The visitor's network is gone, and another one learned.
      if (answer.own !== net.own || String(answer.widths) !== String(net.widths)) return ask(pixels);
      steps = answer.steps;
      wanted = Math.max(wanted, steps); // where an earlier press failed
      step = { ...answer, changes: unpacked(answer.change) };
      const again = $(element, '[data-learn="again"]');
      again.textContent = "Again";
      const over = $(element, '[data-learn="over"]');
      over.disabled = false;
      again.disabled = steps >= mostSteps;
      if (again.disabled) succeed(over);
      showStep(answer, target);
      // The unit that changes most is the one to look at.
      const { delta1 } = answer;
      chooseUnit(delta1.reduce((most, d, j) => (Math.abs(d) > Math.abs(delta1[most]) ? j : most), 0));
    }

    // A chance of less than the tables show
    const chance = (share) => (share >= 0.0005 || !share ? percent(share) : `${readable(100 * Number(share.toPrecision(1)))}%`);

    function showStep({ before, after, delta2, blame, delta1, rate, losses }, target) {
      const mostBlame = strongest(blame);
      const ofDigit = (k) =>
        `<tr${k === target ? ' class="chosen"' : ""}><th scope="row">${k}</th><td class="figure">${number(before[k])}</td>` +
        `<td class="figure">${k === target ? 1 : 0}</td><td>${signed(delta2[k], 1)}</td><td class="figure">${number(delta2[k])}</td>` +
        `<td class="figure"><b>${number(after[k])}</b></td></tr>`;
      put(element, ".deltas tbody", DIGITS.map(ofDigit).join(""));
      const ofUnit = (b, j) =>
        `<tr><th scope="row">unit ${j + 1}</th><td>${signed(b, mostBlame)}</td><td class="figure">${number(b)}</td>` +
        `<td class="figure">${step.silent[j] ? "0, was silent" : number(delta1[j])}</td></tr>`;
      put(element, ".blames tbody", blame.map(ofUnit).join(""));
      put(
        element,
        ".said",
        `Step ${steps}, learning rate ${rate}: the loss went from ${number(losses[0])} to <b>${number(losses[1])}</b>, the chance of ${article(target)} from ${chance(before[target])} to <b>${chance(after[target])}</b>. Now it says <b>${best(after)}</b>. The answer above is from before the first step.`,
      );
      $(element, ".taken").hidden = false;
    }

    // A link names the step: #inside=scores.
    const stepNames = $$(element, ".stepper [data-step]").map((tab) => tab.dataset.step);
    const named = () => stepNames.find((step) => location.hash === `#inside=${step}`);

    function stepTo(next) {
      for (const tab of $$(element, ".stepper button")) {
        const chosen = tab.dataset.step === next;
        tab.setAttribute("aria-pressed", chosen);
      }
      for (const part of $$(element, ".part")) part.hidden = !part.dataset.of.split(" ").includes(next);
    }
    const stepInSight = () => $(element, ".stepper [aria-pressed=true]");

    element.addEventListener("click", async ({ target }) => {
      const data = target.closest("button")?.dataset ?? {};
      if (data.step && data.step !== "learn") {
        stepTo(data.step);
        window.rooms.name(`#inside=${data.step}`);
      }
      if (target.closest(".show")) {
        $(element, data.step === "learn" ? ".learning" : ".stepper").scrollIntoView({ block: "start" });
        (data.step === "learn" ? $(element, '[data-learn="again"]') : stepInSight()).focus({ preventScroll: true });
      }
      if ("own" in data) {
        own = Boolean(data.own);
        await look();
        succeed($(element, "[data-own]"));
      }
      if ("untap" in data) {
        shared.tapped = null;
        await look();
        succeed(stepInSight());
      }
      if (!net) return;
      if (data.unit) chooseUnit(Number(data.unit));
      if (data.digit) {
        digit = Number(data.digit);
        showAnswer();
        $(element, `[data-digit="${digit}"]`).focus();
      }
      if (data.off) {
        const j = Number(data.off);
        off.has(j) ? off.delete(j) : off.add(j);
        show();
      }
      if ("undo" in data) {
        off = new Set();
        weight = null;
        show();
        succeed(stepInSight());
      }
      if (data.learn === "again") learn();
      if (data.learn === "over") {
        forget();
        show();
        succeed($(element, '[data-learn="again"]'));
      }
    });
    element.addEventListener("change", ({ target }) => {
      if (target.matches(".target") && net) forget();
    });
    element.addEventListener("input", ({ target }) => {
      if (!target.matches(".weight input") || !net) return;
      weight = Number(target.value);
      showPixel();
    });
    const pixelAt = (share) => Math.min(Math.max(Math.floor(SIDE * share), 0), SIDE - 1);
    pointed(
      $(element, ".map"),
      (x, y) => net && choosePixel(SIDE * pixelAt(y) + pixelAt(x)),
      (right, down) => net && choosePixel(pixel + right + SIDE * down),
    );
    function open() {
      if (named()) stepTo(named());
      const section = { "#inside=kernels": ".kernels", "#inside=learn": ".learning" }[location.hash];
      if (section) requestAnimationFrame(() => $(element, section).scrollIntoView({ block: "start" })); // once it is in sight
    }
    window.lab.kernels($(element, ".kernels"), server);
    stepTo(stepNames[0]);
    open();
    document.addEventListener("room:link", open);
    const look = follow(element, ask, tappedOrDrawn, () => `${run()} ${shared.own.version} ${shared.tapped?.label}`);
  }

  window.lab.inside = inside;
})();
