// See inside in the browser. The server sends the numbers of one pass once; pointing at a pixel, moving a weight and
// switching units off then work on them here, with the same formulas.
(() => {
  const { SIDE, PIXELS, DIGITS, $, $$, put, number, readable, unpacked, best, article, softmax } = window.lab.tools;
  const { paint, greyCell, strongest, bars, signed, pointed, succeed, follow, answered, whichPicture, shared, tappedOrDrawn } =
    window.lab.tools;

  const NEAR = 4; // pixels to each side of the chosen one whose numbers are shown
  const ACROSS = 2 * NEAR + 1;
  // The slider and the curve reach this many times further than any weight: a curve bends where a weight has moved far.
  // The second is for a curve that is still steep where the first ends.
  const REACHES = [4, 8];

  function inside(element, server) {
    let net = null; // the numbers of one pass
    let unit = 0;
    let pixel = 0;
    let digit = 0;
    let reach = 1; // of the slider, to either side
    let weight = null; // the chosen weight while it is moved
    let off = new Set();
    let pixels = null;
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
      Object.assign(slider, { min: -range(), max: range(), value: W1(pixel, unit) });
      slider.disabled = !net.x[pixel];
      put(element, ".weight output", net.x[pixel] ? number(W1(pixel, unit)) : "black pixel: no effect");
      showAnswer();
      const name = `${pixel} ${unit} ${learning.target()}`;
      showSlope(lossOver(unit), W1(pixel, unit), range(), name);
    }

    // What the loss depends on when only the chosen pixel's weight to a unit moves; see slope.js.
    const lossOver = (j) => ({
      x: net.x[pixel],
      rest: z(j) - worth(pixel, j),
      scores: logits().map((score, k) => score - push(j, k)),
      out: Array.from(net.W2.subarray(DIGITS.length * j, DIGITS.length * (j + 1))),
      on: !off.has(j),
      target: learning.target(),
    });

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

    const changed = (now, before) =>
      now === before ? `It still says <b>${now}</b>.` : `Now it says <b>${now}</b>; before your change, ${before}.`;

    function showAnswer() {
      const scores = logits();
      const probs = softmax(scores);
      const says = weight !== null || off.size > 0
        ? `${changed(best(probs), best(net.probs))} <button type="button" data-undo>Undo</button>`
        : `It says <b>${best(probs)}</b>.`;
      put(element, ".answer p", says);
      put(element, ".answer ol", bars(probs, net.probs));
      showScores(scores);
      showPushes(scores[digit]);
      showShares(scores, probs);
      showNow();
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
      const rows = pushes.map(
        (p, j) =>
          `<tr><th scope="row">unit ${j + 1}</th><td class="figure">${number(h(j))}</td><td class="figure">× ${number(net.W2[10 * j + digit])}</td>` +
          `<td>${signed(p, most)}</td><td class="figure">${number(p)}</td></tr>`,
      );
      const last = (name, value, kind = "") =>
        `<tr${kind}><th scope="row" colspan="4">${name}</th><td class="figure">${number(value)}</td></tr>`;
      rows.push(last("bias", net.b2[digit]), last("score", score, ' class="total"'));
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
        $(tiles[j], ".off").textContent = off.has(j) ? "off" : "switch off";
        tiles[j].classList.toggle("silent", h(j) === 0);
        put(tiles[j], ".value", `z ${number(z(j))}<br>h ${number(h(j))}`);
        put(tiles[j], ".fired", signed(z(j), most));
      }
      for (const title of $$(element, ".which")) title.textContent = `unit ${unit + 1}`;
      learning.show();
      showPixel();
    }

    // What the answers of the lesson say of this picture. A unit that is switched off is not called silent.
    function showNow() {
      const worths = Array.from({ length: PIXELS }, (_, i) => worth(i, unit));
      const most = best(worths);
      const outputs = Array.from({ length: net.width }, (_, j) => h(j));
      const silent = outputs.flatMap((_, j) => (z(j) <= 0 ? [j + 1] : []));
      const pushes = outputs.map((_, j) => push(j, digit));
      const [hardest, against] = [best(pushes), best(pushes.map((each) => -each))];
      const pushing = (j, way) => `unit ${j + 1} pushes the ${digit} ${way} most (${number(pushes[j])})`;
      const now = {
        pixels: `${net.pixels.filter(Boolean).length} of the 784 are not black`,
        unit: worths[most] > 0
          ? `for unit ${unit + 1} it is row ${Math.floor(most / SIDE) + 1}, column ${(most % SIDE) + 1}: ${number(net.x[most])} × ${number(W1(most, unit))} = ${number(worths[most])}`
          : `no pixel adds anything to the sum of unit ${unit + 1}`,
        units: `${silent.length ? `silent: ${silent.join(", ")}` : "none is silent"}; ${Math.max(...outputs) > 0 ? `unit ${best(outputs) + 1} is the loudest` : "no unit says anything"}`,
        scores:
          `${pushes[hardest] > 0 ? pushing(hardest, "up") : `no unit pushes the ${digit} up`}, ` +
          `${pushes[against] < 0 ? pushing(against, "down") : `no unit pushes the ${digit} down`}`,
      };
      for (const [name, text] of Object.entries(now)) put(element, `[data-now="${name}"]`, `Now: ${text}.`);
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
            `<button type="button" class="off" data-off="${j}" aria-label="Switch off unit ${j + 1}">switch off</button></li>`,
        ).join(""),
      );
      $$(element, ".units canvas").forEach((canvas, j) => paint(canvas, column(j), strongest(column(j))));
    }

    const run = () => (own ? shared.own.run : null);

    // Where the loss can fall furthest if only the chosen pixel's weight moves: its slope is steep, and no step ends it.
    function steepest() {
      const drops = Array.from({ length: net.width }, (_, j) => window.lab.slope.drop(lossOver(j), W1(pixel, j), range()));
      return best(drops);
    }
    const range = () => Math.max(reach, Math.ceil(Math.abs(weight ?? 0)));

    async function ask(given) {
      pixels = given;
      const turn = ++asked;
      const answer = await answered(element, server.numbers({ pixels, run: run() }));
      if (!answer || turn !== asked) return Boolean(answer); // a newer question is under way
      net = { ...answer, width: answer.widths[1] };
      for (const key of ["x", "W1", "W2"]) net[key] = unpacked(net[key]);
      net.x = Array.from(net.x);
      off = new Set();
      digit = best(net.probs);
      pixel = net.x.indexOf(Math.max(...net.x));
      weight = null;
      const most = Math.ceil(strongest(net.W1));
      reach = REACHES[0] * most;
      learning.aim();
      learning.forget();
      unit = steepest();
      if (!window.lab.slope.bends(lossOver(unit), W1(pixel, unit), reach)) reach = REACHES[1] * most;
      introduce();
      units();
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
        (net.own ? "This is <b>your network</b>, as you left it on <i>Train one</i>: " : `${net.why ? `${net.why}<br>Shown here is the one that comes with the page: ` : "This network comes with the page: "}`) +
          `${net.width} hidden units, few enough to see them all. The network on <i>Draw</i> has ${served.toLocaleString("en")}.` +
          (net.own ? other("", "Show the page's network") : shared.own.run && !own ? other("yes", "Show your network") : ""),
      );
      put(
        element,
        ".which-picture",
        shared.tapped
          ? `This is one of the new digits, <b>${article(shared.tapped.label)}</b>. <button type="button" data-untap>Back to ${shared.tapped.beside === "null" ? "the example" : "your drawing"}</button>`
          : whichPicture(pixels),
      );
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

    // A question of the lesson stays in sight above what answers it, until its answer is asked for.
    let posed = null; // its list item
    function pose(item, isAboutLearning) {
      const place = $(element, isAboutLearning ? ".learning" : ".stepper");
      const line = $(element, ".asked");
      posed = item;
      $(element, ".asked span").textContent = item.firstChild.textContent;
      line.hidden = false;
      isAboutLearning ? place.before(line) : place.after(line);
      (isAboutLearning ? line : place).scrollIntoView({ block: "start" });
      const again = $(element, '[data-learn="again"]');
      const next = isAboutLearning ? (again.disabled ? place : again) : stepInSight(); // all steps may be taken
      next.focus({ preventScroll: true });
    }

    function answerAsked() {
      $(element, ".asked").hidden = true;
      posed.closest("details").open = true; // the lesson may be folded by now
      $(posed, "details").open = true;
      posed.scrollIntoView({ block: "center" });
      $(posed, "summary").focus({ preventScroll: true });
    }

    element.addEventListener("click", async ({ target }) => {
      const data = target.closest("button")?.dataset ?? {};
      if (data.step && data.step !== "learn") {
        stepTo(data.step);
        window.rooms.name(`#inside=${data.step}`);
      }
      if (target.closest(".show")) pose(target.closest("li"), data.step === "learn");
      if ("answer" in data) answerAsked();
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
      const section = $(element, { "#inside=kernels": ".kernels", "#inside=learn": ".learning" }[location.hash] ?? ":not(*)");
      if (!section) return;
      requestAnimationFrame(() => {
        section.scrollIntoView({ block: "start" }); // once it is in sight
        // Who came here with a link goes on from here with the next key.
        if (document.activeElement?.matches("[role=tab]")) section.focus({ preventScroll: true });
      });
    }
    const showSlope = window.lab.slope($(element, ".slope"), (moved) => {
      weight = moved;
      showPixel();
    });
    const learning = window.lab.learning(element, {
      server,
      asked: () => ({ pixels: net.pixels, run: run() }), // of the picture in sight: a newer one may be asked about
      net: () => net,
      unit: () => unit,
      touched: () => weight !== null || off.size > 0,
      choose: chooseUnit,
      look: show,
      again: () => ask(pixels),
    });
    window.lab.kernels($(element, ".kernels"), server);
    stepTo(stepNames[0]);
    open();
    document.addEventListener("room:link", open);
    const look = follow(element, ask, tappedOrDrawn, () => `${run()} ${shared.own.version} ${shared.tapped?.label}`);
  }

  window.lab.inside = inside;
})();
