// Train one in the browser: asks the server for an epoch after the other while Play is on, and shows each.
(() => {
  const { $, $$, put, percent, paint, bars, strongest, follow, answered } = window.lab.tools;
  const EVERY = 220; // ms a frame: at most five in a second
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const pieces = (array) => Array.from({ length: array.length / 784 }, (_, i) => Array.from(array.subarray(784 * i, 784 * i + 784)));
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  function train(element, server) {
    let run = null;
    let pixels = null;
    let playing = false;
    let labels = [];
    let course = []; // [seen, unseen] of each frame
    let turn = 0; // a Reset or a Pause ends what an older turn still has to show

    function settings() {
      const form = new FormData($(element, ".settings"));
      return {
        pixels,
        hidden: form.get("hidden").split("-").filter(Boolean).map(Number),
        rate: form.get("rate"),
        digits: Number(form.get("digits")),
        activation: form.get("activation"),
        optimizer: form.get("optimizer"),
        batch_size: Number(form.get("batch_size")),
        dropout: Number(form.get("dropout")),
        decay: Number(form.get("decay")),
        seed: Number(form.get("seed")),
      };
    }

    function curves() {
      const width = Math.max(course.length - 1, 12);
      const points = (which) => course.map((each, i) => `${i},${100 - 100 * each[which]}`).join(" ");
      put(
        element,
        ".curves",
        `<svg viewBox="0 -4 ${width} 108" preserveAspectRatio="none" aria-hidden="true"><path d="M0 0H${width}M0 50H${width}M0 100H${width}"/>` +
          `<polyline points="${points(0)}"/><polyline class="unseen" points="${points(1)}"/></svg>`,
      );
    }

    function show(frame, keep = true) {
      if (keep) course.push([frame.seen, frame.unseen]);
      curves();
      put(element, ".big b", percent(frame.unseen));
      put(element, ".round", frame.epoch ? `${frame.epoch} ${frame.epoch === 1 ? "round" : "rounds"} through the digits` : "Not trained yet");
      const weights = pieces(new Int8Array(bytes(frame.weights).buffer));
      const tiles = $(element, ".weights");
      if (tiles.children.length !== weights.length)
        tiles.innerHTML = weights.map((_, i) => `<canvas role="img" aria-label="Weights ${i + 1}"></canvas>`).join("");
      weights.forEach((each, i) => paint(tiles.children[i], each, strongest(each)));
      $$(element, ".digits li").forEach((item, i) => {
        const right = frame.tests[i] === labels[i];
        item.className = right ? "right" : "wrong";
        put(item, "span", `${frame.tests[i]} ${right ? "✓" : "✗"}`);
      });
      put(element, ".mine", frame.drawing ? bars(frame.drawing) : "");
      put(element, ".theirs", frame.served ? bars(frame.served) : "");
      if (pixels) paint($(element, ".you canvas"), pixels.map((value) => value / 255));
      put(
        element,
        ".note",
        !pixels
          ? "Draw a digit on <i>Draw</i>, and watch here how the guess becomes an answer."
          : frame.drawing
            ? `Your network says <b>${frame.drawing.indexOf(Math.max(...frame.drawing))}</b>.`
            : "Its numbers are out of bounds: it has no answer.",
      );
      $(element, ".you").classList.toggle("empty", !pixels);
      for (const button of $$(element, ".teach button")) button.disabled = !pixels;
    }

    // What the served network reads is most likely what the drawing is.
    function suggest({ served }) {
      const read = served ? served.indexOf(Math.max(...served)) : 10;
      if (read < 10) $(element, ".label").value = String(read);
    }

    function play(on) {
      playing = on;
      put(element, "[data-press=play]", on ? "Pause" : "Play");
    }

    async function reset() {
      play(false);
      const mine = ++turn;
      const answer = await answered(element, server.start(settings()));
      if (!answer || mine !== turn) return;
      run = answer.run;
      labels = answer.tests.labels;
      course = [];
      put(element, ".digits", labels.map((label) => `<li><canvas role="img" aria-label="A ${label}"></canvas><span></span></li>`).join(""));
      pieces(bytes(answer.tests.pixels)).forEach((each, i) =>
        paint($$(element, ".digits canvas")[i], each.map((value) => value / 255)),
      );
      put(element, ".told", "");
      put(element, ".taken", "");
      show(answer.frames[0]);
      suggest(answer.frames[0]);
      element.dataset.ready = "true";
    }

    // One round; false when there is nothing more to come.
    async function round(mine) {
      const answer = await answered(element, server.go({ run, pixels }));
      if (!answer || mine !== turn) return false;
      if (answer.place) {
        put(element, ".told", `Two others train at the moment. Your place in the line: ${answer.place}.`);
        await pause(1000);
        return true;
      }
      for (const frame of answer.frames) {
        show(frame);
        await pause(EVERY);
        if (mine !== turn) return false;
      }
      put(element, ".told", answer.said);
      return !answer.ended;
    }

    async function start(once) {
      if (!run) return;
      const mine = ++turn;
      play(!once);
      do {
        if (!(await round(mine))) {
          if (mine === turn) play(false);
          return;
        }
      } while (!once && playing && mine === turn && element.isConnected && element.offsetParent);
      if (mine === turn) play(false);
    }

    async function teach(mixed) {
      play(false);
      turn++;
      const label = Number($(element, ".label").value);
      const answer = await answered(element, server.teach({ run, pixels, label, mixed }));
      if (!answer) return;
      show(answer.frames[0]);
      put(element, ".told", answer.said);
    }

    async function take() {
      const answer = await answered(element, server.take({ run }));
      if (!answer) return;
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([bytes(answer.zip)], { type: "application/zip" }));
      link.download = "my-network.zip";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
      put(element, ".taken", "Saved. This command trains one like it: <code></code>");
      $(element, ".taken code").textContent = answer.command;
    }

    element.addEventListener("click", ({ target }) => {
      const press = target.closest("[data-press]")?.dataset.press;
      if (press === "play" && playing) {
        turn++;
        play(false);
      } else if (press === "play") start(false);
      if (press === "step") start(true);
      if (press === "reset") reset();
      if (press === "mixed" || press === "alone") teach(press === "mixed");
      if (press === "take") take();
    });
    // A link names settings by their values: #lab=64,wild.
    for (const value of (location.hash.match(/^#lab=(.*)/)?.[1] ?? "").split(",")) {
      const chip = value && $(element, `.settings input[value="${CSS.escape(value)}"]`);
      if (chip) chip.checked = true;
    }
    element.addEventListener("submit", (event) => event.preventDefault());
    element.addEventListener("change", ({ target }) => target.closest(".settings") && reset());
    follow(element, async (given) => {
      pixels = given;
      if (!run) return reset();
      const answer = await answered(element, server.look({ run, pixels }));
      if (!answer) return;
      show(answer.frames[0], false);
      suggest(answer.frames[0]);
    });
  }

  window.lab.train = train;
})();
