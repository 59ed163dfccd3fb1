// Fool it in the browser: each question goes to the server, which has both networks.
(() => {
  const { $, $$, put, minus, percentSure, percentRight, bytes, unpacked, pieces, best, runnerUp, name, paint, strongest, bars } =
    window.lab.tools;
  const { article, drawing, glideTo, follow, answered, whichPicture, keep, kept, shared } = window.lab.tools;
  const LIVE = 150; // ms after the last move of a slider

  function fool(element, server) {
    let pixels = null;
    let asked = 0;
    let fooling = false;
    let aimed = false; // whether the visitor chose the digit for this picture

    // Whether an input has a say in the picture: the gradient alone has a strength.
    const hasSay = ({ name }) => name && (name !== "strength" || fooling);
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
      put(element, "[data-of=thicker]", now.thicker ? `${now.thicker} pixel${now.thicker === 1 ? "" : "s"}` : "as drawn");
      put(element, "[data-of=noise]", now.noise ? `${Math.round(100 * now.noise)}% of the pixels` : "none");
    }

    // What became of the change.
    function outcome({ fooled, steps, most, small }, said, { target, strength, degrees, thicker, noise, invert }) {
      const drawn = name(best(small[0]));
      if (fooled === null && said !== drawn)
        return `<b>Fooled without the gradient:</b> it now sees ${article(said)}; as drawn it saw ${article(drawn)}.`;
      if (fooled === null && (degrees || thicker || noise || invert)) return `Not fooled: it still sees ${article(drawn)}.`;
      if (fooled === null)
        return "Choose a digit and press <i>Fool it</i>: the picture changes until the small network sees that digit.";
      if (fooled && !steps) return `It says ${said} already, before the gradient changed anything. Choose another digit.`;
      const changed = `${steps} ${steps === 1 ? "step" : "steps"} no pixel changed by more than ${most.toFixed(2)}.`;
      if (fooled) return `<b>Fooled:</b> it now sees ${article(target)}. In ${changed}`;
      if (!strength) return "Not fooled: at strength 0 no pixel may change.";
      return `Not fooled: ${steps ? `in ${changed} Give it more strength.` : "the gradient finds no pixel to change."}`;
    }

    // Where the window is low, the pictures and answers lie below it.
    function bringIntoSight() {
      if ($(element, ".fooling .pair").getBoundingClientRect().bottom > innerHeight)
        glideTo($(element, ".outcome"), "start");
    }

    function complete(mission) {
      const item = $(element, `[data-mission="${mission}"]`);
      if (!item) return; // one that an earlier page had
      item.classList.add("done");
      put(item, ".state", "done");
      const done = $$(element, "[data-mission].done");
      put(element, ".achieved", `✓ Missions done: ${done.length} of ${$$(element, "[data-mission]").length}`);
      $(element, ".achieved").hidden = false;
      keep("missions", done.map((each) => each.dataset.mission));
    }

    async function ask() {
      labels();
      const turn = ++asked;
      const question = values();
      const answer = await answered(element, server.change(question));
      if (!answer || turn !== asked) return Boolean(answer); // a newer question is under way
      if (!aimed) $(element, ".target").value = runnerUp(answer.small[0].slice(0, 10));
      const [drawn, start, after] = ["drawn", "pixels", "after"].map((key) => Array.from(unpacked(answer[key])));
      paint($(element, ".before canvas"), drawn);
      const before = answer.fooled === null ? drawn : start; // people's ways change more than the gradient does
      const change = after.map((value, i) => 10 * (value - before[i]));
      paint($(element, ".times canvas"), change, 1);
      paint($(element, ".after canvas"), after);
      put(element, ".small ol", bars(answer.small[1], answer.small[0]));
      put(element, ".served ol", bars(answer.served[1], answer.served[0]));
      const [said, saidServed] = [answer.small[1], answer.served[1]].map((probs) => name(best(probs)));
      put(element, ".small p", `It says <b>${said}</b>, ${percentSure(Math.max(...answer.small[1]))}.`);
      put(element, ".served p", `It says <b>${saidServed}</b>, ${percentSure(Math.max(...answer.served[1]))}.`);
      put(element, ".outcome", outcome(answer, said, question));
      $(element, ".gradient-on").hidden = !fooling;
      for (const mission of answer.missions) {
        const item = $(element, `[data-mission=${mission}]:not(.done)`);
        if (item) put(element, ".outcome", `<b>A mission is done:</b> ${item.lastChild.textContent}`);
        complete(mission);
      }
      element.dataset.ready = "true";
      element.dataset.fooled = String(answer.fooled);
      return true;
    }

    // --- Units that are switched off ---

    let off = []; // of each hidden layer, the numbers of its silent units
    let hidden = [];
    let shown = ""; // which network the switches belong to
    let rebuild = true; // the switches, with the next answer: until then those in sight may be of another network
    let silenced = 0;

    async function silence() {
      const turn = ++silenced;
      const section = $(element, ".silenced");
      const sent = server.silence({ pixels, run: shared.own.run, off: rebuild ? [] : off });
      const answer = await answered(section, sent);
      if (turn !== silenced) return Boolean(answer);
      const gone = !answer && !rebuild && (await sent.catch(() => null))?.gone;
      if (!answer && !gone) return false; // what is switched off stays so
      if (gone || (!rebuild && shown !== String([answer.own, answer.hidden]))) {
        rebuild = true; // the visitor's network is gone: these switches are not of the one that answered
        return silence();
      }
      if (rebuild) layers(answer);
      showSwitches();
      const [before, now] = answer.right;
      put(element, ".silenced .big", `<b>${percentRight(now)}</b> right on 1,000 new digits${now === before ? "" : `; ${percentRight(before)} with all units`}`);
      put(element, ".silenced .of-digits", bars(answer.digits[1], answer.digits[0], true));
      put(element, ".silenced .of-drawing", bars(answer.drawing[1], answer.drawing[0]));
      return true;
    }

    function showSwitches() {
      off.forEach((units, layer) => {
        for (const button of $$(element, `[data-layer="${layer}"][data-silence]`))
          button.setAttribute("aria-pressed", units.includes(Number(button.dataset.silence)));
        const slider = $(element, `input[data-layer="${layer}"]`);
        if (!slider) return;
        slider.value = units.length;
        slider.nextElementSibling.textContent = `${units.length} of ${hidden[layer]} off`;
      });
    }

    function allOn() {
      off = hidden.map(() => []);
      showSwitches(); // whatever the answer will be
      silence();
    }

    // The switches of a network: a few units have one each, many have a slider that silences the first of them.
    function layers(answer) {
      const few = Number($(element, ".switches").dataset.few); // units that have a switch each
      hidden = answer.hidden;
      shown = String([answer.own, hidden]);
      rebuild = false;
      off = hidden.map(() => []);
      const whose = answer.own ? "These are units of <b>your network</b>, as you left it on <i>Train one</i>." : `${answer.why} These are units of the small network.`;
      put(element, ".silenced .network", `${whose}${Math.min(...hidden) <= few ? " Tap one to switch it off." : ""}`);
      const single = (layer, unit) =>
        `<button type="button" data-layer="${layer}" data-silence="${unit}" aria-pressed="false" aria-label="Switch unit ${unit + 1} of layer ${layer + 1} off">` +
        `${layer ? "" : "<canvas></canvas>"}<b>${unit + 1}</b></button>`;
      put(
        element,
        ".silenced .switches",
        hidden
          .map((width, layer) =>
            width <= few
              ? `<h3>Hidden layer ${layer + 1}</h3><div class="tiles">${Array.from({ length: width }, (_, unit) => single(layer, unit)).join("")}</div>`
              : `<div class="sliders"><label>Hidden layer ${layer + 1} <input type="range" data-layer="${layer}" min="0" max="${width}" value="0"><output></output></label></div>`,
          )
          .join(""),
      );
      const weights = pieces(new Int8Array(bytes(answer.weights).buffer));
      $$(element, '.switches [data-layer="0"] canvas').forEach((canvas, i) => paint(canvas, weights[i], strongest(weights[i])));
    }

    function flip({ layer, silence: unit }) {
      const units = off[layer];
      off[layer] = units.includes(Number(unit)) ? units.filter((each) => each !== Number(unit)) : [...units, Number(unit)];
      showSwitches();
      silence();
    }

    // The question, once a slider has come to rest.
    function rested(question) {
      let waiting;
      return () => {
        clearTimeout(waiting);
        waiting = setTimeout(question, LIVE);
      };
    }
    const askSoon = rested(ask);
    const silenceSoon = rested(silence);
    element.addEventListener("click", ({ target }) => {
      const data = target.closest("button")?.dataset ?? {};
      const press = data.press;
      if (data.silence) flip(data);
      if (press === "on") allOn();
      if (press === "fool") fooling = true;
      if (press === "back") {
        fooling = false;
        for (const input of $$(element, "input[name]")) {
          input.checked = false;
          input.value = input.defaultValue;
        }
      }
      if (press === "fool" || press === "back") ask().then((done) => done && press === "fool" && bringIntoSight());
    });
    element.addEventListener("input", ({ target }) => {
      if (target.name) {
        labels();
        if (hasSay(target)) askSoon();
      }
      if (!target.dataset.layer) return;
      off[Number(target.dataset.layer)] = Array.from({ length: Number(target.value) }, (_, unit) => unit);
      silenceSoon();
    });
    element.addEventListener("change", ({ target }) => {
      if (target.matches(".target")) aimed = true;
      if (target.matches(".target") && fooling) ask();
      // On a small screen the pictures lie below the sliders. "nearest" scrolls no further than it takes, so that the
      // slider stays in sight.
      if (hasSay(target)) glideTo($(element, ".three"), "nearest");
    });
    for (const mission of kept("missions") ?? []) complete(mission);
    const about = () => `${shared.own.run} ${shared.own.version}`;
    follow(element, async (given) => {
      pixels = given;
      fooling = aimed = false;
      rebuild = true;
      put(element, ".which-picture", pixels ? "Your drawing" : "The example");
      put(element, ".example", whichPicture(pixels));
      return (await ask()) && silence();
    }, drawing, about);
  }

  window.lab.fool = fool;
})();
