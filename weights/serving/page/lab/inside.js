// See inside and Fool it in the browser. The server sends the numbers of one pass once; pointing at a pixel, moving a
// weight and switching units off then work on them here, with the same formulas.
(() => {
  const SIDE = 28;
  const PIXELS = SIDE * SIDE;
  const DIGITS = [...Array(10).keys()];
  const FOR = [92, 142, 255]; // blue and orange on black, as in "Why" on the page Draw
  const AGAINST = [255, 150, 50];
  const LIVE = 150; // ms after the last move of a slider

  // --- Tools ---------------------------------------------------------------------------------------------------------

  const $ = (root, selector) => root.querySelector(selector);
  const $$ = (root, selector) => [...root.querySelectorAll(selector)];
  const put = (root, selector, html) => ($(root, selector).innerHTML = html);
  const minus = (text) => text.replace("-", "−");
  const number = (value) => minus(value.toFixed(4));
  const percent = (share) => `${(100 * share).toFixed(share > 0.9995 || share < 0.0005 ? 2 : 1)}%`;
  const unpacked = (text) =>
    new Float32Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
  const best = (probs) => probs.indexOf(Math.max(...probs));
  const name = (index) => (index < 10 ? String(index) : "not a digit");

  function softmax(logits) {
    const top = Math.max(...logits);
    const exps = logits.map((logit) => Math.exp(logit - top));
    const sum = exps.reduce((a, b) => a + b);
    return exps.map((e) => e / sum);
  }

  // What the network saw of the newest drawing, as 784 integers; null before anything is drawn.
  async function drawing() {
    const image = document.querySelector("#why ol:not(.blank) > .seen img");
    if (!image) return null;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = SIDE;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0, SIDE, SIDE);
    const { data } = context.getImageData(0, 0, SIDE, SIDE);
    return Array.from({ length: PIXELS }, (_, i) => data[4 * i]);
  }

  // Paints 784 numbers. Grey: in [0, 1]. Otherwise blue above zero and orange below, full at `most`.
  function paint(canvas, values, most = 0) {
    canvas.width = canvas.height = SIDE;
    const context = canvas.getContext("2d");
    const image = context.createImageData(SIDE, SIDE);
    for (let i = 0; i < PIXELS; i++) {
      const share = most ? Math.min(Math.abs(values[i]) / most, 1) : values[i];
      const colour = most ? (values[i] > 0 ? FOR : AGAINST) : [255, 255, 255];
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = Math.round(share * colour[c]);
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }
  const strongest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);

  // Bars of probabilities, one a class; `before` leaves a mark where each bar was.
  function bars(probs, before = null) {
    return probs
      .map((prob, i) => {
        const mark = before ? `<s style="left:${100 * before[i]}%"></s>` : "";
        const top = i === best(probs) ? ' class="top"' : "";
        return `<li${top}><b>${i < 10 ? i : "none"}</b><i><u style="width:${100 * prob}%"></u>${mark}</i><em>${percent(prob)}</em></li>`;
      })
      .join("");
  }

  // Asks whenever the element comes into sight with another drawing.
  function follow(element, ask) {
    let asked;
    const look = async () => {
      const pixels = await drawing();
      const key = String(pixels);
      if (key === asked) return;
      asked = key;
      await ask(pixels);
    };
    new IntersectionObserver((seen) => seen.some((each) => each.isIntersecting) && look()).observe(element);
  }

  async function answered(element, question) {
    const problem = $(element, ".problem");
    try {
      const answer = await question;
      problem.textContent = answer.error ?? "";
      return answer.error ? null : answer;
    } catch {
      problem.textContent = "The server does not answer. Try again in a moment.";
      return null;
    }
  }

  // --- See inside ----------------------------------------------------------------------------------------------------

  function inside(element, server) {
    let net = null; // the numbers of one pass
    let unit = 0;
    let pixel = 0;
    let digit = 0;
    let weight = null; // the chosen weight while it is moved
    let off = new Set();
    let steps = 0;
    let pixels = null;
    let changes = null; // of W1 by the last step

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

    function showAnswer() {
      const scores = logits();
      const probs = softmax(scores);
      const changed = weight !== null || off.size > 0;
      put(element, ".answer ol", bars(probs, net.probs));
      put(
        element,
        ".answer p",
        changed
          ? `Now ${best(probs)}; unchanged it says ${best(net.probs)}. <button type="button" data-undo>Undo</button>`
          : `It says <b>${best(probs)}</b>.`,
      );
      const most = Math.max(...scores.map(Math.abs), 1e-6);
      put(
        element,
        ".scores tbody",
        scores
          .map(
            (score, k) =>
              `<tr${k === digit ? ' class="chosen"' : ""}><th scope="row"><button type="button" data-digit="${k}" aria-pressed="${k === digit}">${k}</button></th>` +
              `<td>${signed(score, most)}</td><td class="figure" data-logit="${k}">${number(score)}</td></tr>`,
          )
          .join(""),
      );
      const pushes = Array.from({ length: net.width }, (_, j) => push(j, digit));
      const largest = strongest(pushes);
      put(
        element,
        ".pushes tbody",
        pushes
          .map(
            (p, j) =>
              `<tr><th scope="row">unit ${j + 1}</th><td>${signed(p, largest)}</td><td class="figure">${number(p)}</td></tr>`,
          )
          .join("") +
          `<tr><th scope="row">bias</th><td></td><td class="figure">${number(net.b2[digit])}</td></tr>` +
          `<tr class="total"><th scope="row">score</th><td></td><td class="figure">${number(scores[digit])}</td></tr>`,
      );
      put(element, ".pushes caption", `How each unit pushes the ${digit}`);
      const exps = scores.map(Math.exp);
      const sum = exps.reduce((a, b) => a + b);
      put(
        element,
        ".shares tbody",
        scores
          .map(
            (score, k) =>
              `<tr><th scope="row">${k}</th><td class="figure">${number(score)}</td><td class="figure">${exps[k].toPrecision(4)}</td><td class="figure" data-prob="${k}">${number(exps[k] / sum)}</td></tr>`,
          )
          .join(""),
      );
    }

    const signed = (value, most) =>
      `<i class="signed"><u class="${value < 0 ? "minus" : ""}" style="width:${(50 * Math.abs(value)) / most}%"></u></i>`;

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
        tiles[j].classList.toggle("silent", h(j) === 0);
        put(tiles[j], ".value", `z ${number(z(j))}<br>h ${number(h(j))}`);
        put(tiles[j], ".fired", signed(z(j), most));
      }
      for (const title of $$(element, ".which")) title.textContent = `unit ${unit + 1}`;
      if (changes) {
        const mine = Array.from({ length: PIXELS }, (_, i) => changes[i * net.width + unit]);
        paint($(element, ".change canvas"), mine, strongest(mine));
      }
      showPixel();
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

    async function ask(given) {
      pixels = given;
      const answer = await answered(element, server.numbers({ pixels }));
      if (!answer) return;
      net = { ...answer, width: answer.widths[1] };
      for (const key of ["x", "W1", "W2"]) net[key] = unpacked(net[key]);
      net.x = Array.from(net.x);
      off = new Set();
      unit = net.h.indexOf(Math.max(...net.h));
      digit = best(net.probs);
      pixel = net.x.indexOf(Math.max(...net.x));
      weight = null;
      const served = net.served.slice(1, -1).reduce((a, b) => a + b);
      put(
        element,
        ".lead",
        `This network has ${net.width} hidden units, few enough to see them all. The one that answers on <i>Draw</i> has ${served.toLocaleString("en")}.` +
          (pixels ? "" : " This is an example; draw a digit on <i>Draw</i> and it comes here."),
      );
      units();
      forget();
      show();
      element.dataset.ready = "true";
    }

    function forget() {
      steps = 0;
      changes = null;
      $(element, ".taken").hidden = true;
      put(element, '[data-learn="again"]', "Take one step");
      $(element, '[data-learn="over"]').disabled = true;
    }

    async function learn() {
      const target = Number($(element, ".target").value);
      const answer = await answered(element, server.learn({ pixels, target, steps: steps + 1 }));
      if (!answer) return;
      steps = answer.steps;
      changes = unpacked(answer.change);
      put(element, '[data-learn="again"]', "Again");
      $(element, '[data-learn="over"]').disabled = false;
      const { before, after, delta2, blame, delta1 } = answer;
      const largest = strongest(delta2);
      put(
        element,
        ".deltas tbody",
        DIGITS.map(
          (k) =>
            `<tr${k === target ? ' class="chosen"' : ""}><th scope="row">${k}</th><td class="figure">${number(before[k])}</td>` +
            `<td class="figure">${k === target ? 1 : 0}</td><td>${signed(delta2[k], largest)}</td><td class="figure">${number(delta2[k])}</td>` +
            `<td class="figure"><b>${number(after[k])}</b></td></tr>`,
        ).join(""),
      );
      const most = strongest(blame);
      put(
        element,
        ".blames tbody",
        blame
          .map(
            (b, j) =>
              `<tr><th scope="row">unit ${j + 1}</th><td>${signed(b, most)}</td><td class="figure">${number(b)}</td><td class="figure">${delta1[j] ? number(delta1[j]) : "0, was silent"}</td></tr>`,
          )
          .join(""),
      );
      put(
        element,
        ".said",
        `Step ${steps}, learning rate ${answer.rate}: the chance of a ${target} went from ${percent(before[target])} to <b>${percent(after[target])}</b>. The loss before it was ${number(answer.loss)}.`,
      );
      $(element, ".taken").hidden = false;
      // The unit that changes most is the one to look at.
      unit = delta1.reduce((most, d, j) => (Math.abs(d) > Math.abs(delta1[most]) ? j : most), 0);
      show();
    }

    function stepTo(next) {
      for (const tab of $$(element, ".stepper button")) {
        const chosen = tab.dataset.step === next;
        tab.setAttribute("aria-pressed", chosen);
      }
      for (const part of $$(element, ".part")) part.hidden = !part.dataset.of.split(" ").includes(next);
    }

    element.addEventListener("click", ({ target }) => {
      const data = target.closest("button")?.dataset ?? {};
      if (data.step && data.step !== "learn") stepTo(data.step);
      if (target.closest(".show"))
        $(element, data.step === "learn" ? ".learning" : ".stepper").scrollIntoView({ block: "start" });
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
      }
      if (data.learn === "again") learn();
      if (data.learn === "over") {
        forget();
        show();
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
    for (const map of $$(element, ".map")) {
      const point = (event) => {
        if (!net) return;
        const box = map.getBoundingClientRect();
        const at = (place, start, side) => Math.min(Math.max(Math.floor((SIDE * (place - start)) / side), 0), SIDE - 1);
        choosePixel(SIDE * at(event.clientY, box.top, box.height) + at(event.clientX, box.left, box.width));
      };
      map.addEventListener("pointermove", (event) => event.pointerType === "mouse" && point(event));
      map.addEventListener("pointerdown", point);
      map.addEventListener("keydown", (event) => {
        const move = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -SIDE, ArrowDown: SIDE }[event.key];
        if (!move || !net) return;
        event.preventDefault();
        choosePixel(pixel + move);
      });
    }
    stepTo("pixels");
    follow(element, ask);
    return { stepTo };
  }

  // --- Fool it -------------------------------------------------------------------------------------------------------

  // Missions are done when the answers say so; the gradient's help does not count.
  const MISSIONS = {
    seven: ({ small, served }) => best(served) === 7 && best(small) === 1,
    letter: ({ small, served }) => best(served) === 10 && Math.max(...small) > 0.9,
    even: ({ small }) => small.filter((prob) => prob >= 0.45 && prob <= 0.55).length === 2,
  };

  function fool(element, server) {
    let pixels = null;
    let waiting;
    let asked = 0;
    let fooling = false;

    const values = () => ({
      pixels,
      degrees: Number($(element, "[name=degrees]").value),
      thicker: Number($(element, "[name=thicker]").value),
      noise: Number($(element, "[name=noise]").value) / 100,
      invert: $(element, "[name=invert]").checked,
      ...(fooling && { target: Number($(element, ".target").value) }),
      strength: Number($(element, "[name=strength]").value) / 100,
    });

    function labels() {
      const now = values();
      put(element, "[data-of=strength]", `at most ${now.strength.toFixed(2)} a pixel`);
      put(element, "[data-of=degrees]", `${minus(String(now.degrees))}°`);
      put(element, "[data-of=thicker]", now.thicker ? `${now.thicker} pixels` : "as drawn");
      put(element, "[data-of=noise]", now.noise ? `${Math.round(100 * now.noise)}% of the pixels` : "none");
    }

    async function ask() {
      labels();
      const turn = ++asked;
      const answer = await answered(element, server.change(values()));
      if (!answer || turn !== asked) return; // a newer question is under way
      const before = Array.from(unpacked(answer.pixels));
      const after = Array.from(unpacked(answer.after));
      paint($(element, ".before canvas"), before);
      const change = after.map((value, i) => 10 * (value - before[i]));
      paint($(element, ".times canvas"), change, 1);
      paint($(element, ".after canvas"), after);
      put(element, ".small ol", bars(answer.small[1], answer.small[0]));
      put(element, ".served ol", bars(answer.served[1], answer.served[0]));
      const [said, saidServed] = [answer.small[1], answer.served[1]].map((probs) => name(best(probs)));
      put(element, ".small p", `It says <b>${said}</b>, ${percent(Math.max(...answer.small[1]))}.`);
      put(element, ".served p", `It says <b>${saidServed}</b>, ${percent(Math.max(...answer.served[1]))}.`);
      const target = values().target;
      const steps = `${answer.steps} ${answer.steps === 1 ? "step" : "steps"}, no pixel changed by more than ${answer.most.toFixed(2)}`;
      put(
        element,
        ".outcome",
        answer.fooled === null
          ? "Choose a digit and press: the picture changes until the small network sees that digit."
          : answer.steps === 0
            ? `It says ${said} already, with nothing changed.`
            : answer.fooled
              ? `<b>Fooled:</b> it now sees a ${target}. ${steps}.`
              : `Not fooled: ${steps}. Give it more strength.`,
      );
      if (answer.fooled === null)
        for (const [mission, done] of Object.entries(MISSIONS))
          if (pixels && done({ small: answer.small[1], served: answer.served[1] })) {
            const item = $(element, `[data-mission=${mission}]`);
            item.classList.add("done");
            put(item, ".state", "done");
          }
      element.dataset.ready = "true";
      element.dataset.fooled = String(answer.fooled);
    }

    const soon = () => {
      labels();
      clearTimeout(waiting);
      waiting = setTimeout(ask, LIVE);
    };
    element.addEventListener("click", ({ target }) => {
      const press = target.closest("[data-press]")?.dataset.press;
      if (press === "fool") fooling = true;
      if (press === "back") {
        fooling = false;
        for (const input of $$(element, "input")) {
          input.checked = false;
          input.value = input.defaultValue;
        }
      }
      if (press) ask();
    });
    element.addEventListener("input", ({ target }) => target.matches("input") && soon());
    element.addEventListener("change", ({ target }) => target.matches(".target") && fooling && ask());
    follow(element, (given) => {
      pixels = given;
      fooling = false;
      put(element, ".example", pixels ? "" : "This is an example; draw a digit on <i>Draw</i> and it comes here.");
      return ask();
    });
  }

  const tools = { $, $$, put, percent, paint, strongest, bars, follow, answered }; // for train_one.js
  window.lab = Object.assign(window.lab ?? {}, { inside, fool, tools });
})();
