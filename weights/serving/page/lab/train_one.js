// Train one in the browser: asks the server for an epoch after the other while Play is on, and shows each.
(() => {
  const { $, $$, put, percent, bytes, pieces, greys, best, article, paint, strongest, bars, number } = window.lab.tools;
  const { drawing, follow, answered, invitation, keep, kept, shared, tap, succeed } = window.lab.tools;
  const { archives } = window.lab;
  const EVERY = 220; // ms a frame: at most five in a second
  const IN_LINE = 1000; // ms between two looks whether it is this network's turn
  const WAITS = "waits"; // said of a round whose turn it is not yet
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  // The moment at which a hidden tab is in sight again.
  const back = () => new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));

  function train(element, server) {
    let run = null;
    let pixels = null;
    let playing = false;
    let tests = { labels: [], pictures: [] };
    let course = []; // what the curves show of each frame of this network
    let taught = false; // whether it learned drawings
    let over = ""; // why it does not train any further
    let earlier = null; // the network that this one took the place of, as `snapshot` gives it
    let made = {}; // the settings that the network in sight was made with
    let latest = null; // the frame in sight
    let turn = 0; // a Reset or a Pause ends what an older turn still has to show
    let networks = 0; // asked for so far
    let shape = {}; // of the network in sight, and its test digits: what the server said of it at first
    let queue = Promise.resolve(); // of all questions about the network
    let fromFiles = false; // whether the network in sight began so
    let wanted = null; // the files that the network begins from; null: from random numbers
    let refused = false; // whether there is no network of the settings in sight
    let inLine = false; // whether it waits for its turn to train
    let before = kept("network"); // what `leave` kept of it when the page was left
    const settings = window.lab.settings($(element, ".settings"));
    const curves = window.lab.curves($(element, ".score"));
    const set = window.lab.drawings($(element, ".set"), server, { stop, inTurn, teach });

    function show(frame) {
      const { seen, unseen, losses, epoch, step } = frame;
      const point = { seen, unseen, losses, epoch, step };
      const isNew = JSON.stringify(point) !== JSON.stringify(course.at(-1));
      if (isNew) course.push(point);
      latest = frame;
      curves.show(course);
      put(element, ".big b", percent(frame.unseen));
      put(element, ".round", progress(frame));
      showWeights(frame.weights);
      showTests(frame.tests);
      showDrawing(frame);
      if (isNew && frame.epoch) worthSeeing();
    }

    function showWeights(packed) {
      const weights = pieces(new Int8Array(bytes(packed).buffer), shape.side ** 2);
      const tiles = $(element, ".weights");
      const tile = (_, i) =>
        `<button type="button" data-weights="${i}" aria-label="${meaning(i)}"><canvas></canvas>${shape.widths.length === 2 ? i : ""}</button>`;
      if (tiles.children.length !== weights.length) tiles.innerHTML = weights.map(tile).join("");
      weights.forEach((each, i) => paint($(tiles.children[i], "canvas"), each, strongest(each)));
      const units = shape.kernels || shape.widths[1];
      put(element, ".filters .some", weights.length < units ? `These are the first ${weights.length} of ${units}. ` : "");
    }

    function showTests(answers) {
      $$(element, ".digits button").forEach((tile, i) => {
        const [said, label] = [answers[i], tests.labels[i]];
        tile.className = said === label ? "right" : "wrong";
        tile.setAttribute("aria-label", `This ${label} was read as ${said}: see inside`);
        put(tile, "span", `${said} ${said === label ? "✓" : "✗"}`);
      });
    }

    function showDrawing({ drawing: mine, served: theirs }, unread = "Its numbers are out of bounds: it has no answer.") {
      put(element, ".mine", mine ? bars(mine) : "");
      put(element, ".theirs", theirs ? bars(theirs) : "");
      if (pixels) paint($(element, ".you canvas"), greys(pixels));
      const none = () => invitation("Draw a digit on <a href='#draw'>Draw</a>, and watch here how the guess becomes an answer.");
      const said = () => (mine ? `Your network says <b>${best(mine)}</b>.` : unread);
      put(element, ".note", pixels ? said() : none());
      $(element, ".you").classList.toggle("empty", !pixels);
      teachable();
    }

    function teachable() {
      for (const button of $$(element, ".teach button")) button.disabled = !pixels || !$(element, ".label").value;
    }

    function meaning(unit) {
      if (shape.kernels) return `What kernel ${unit + 1} looks for`;
      return shape.widths.length === 2 ? `What speaks for ${article(unit)}` : `What unit ${unit + 1} looks for`;
    }

    function explainWeights() {
      const units = shape.widths.length === 2 ? "What speaks for each digit" : "What its units look for";
      put(element, ".filters h2", shape.kernels ? "What its kernels look for" : units);
      put(element, ".filters .side", `${shape.side} × ${shape.side}`);
      $(element, ".filters .convolved").hidden = !shape.kernels;
      const small = shape.shown_inside ? "Tap one to see inside." : "Tap one to see what a small network makes of it.";
      put(element, ".tapped-to", shape.kernels ? "Tap one to see what the kernels find in it." : small);
    }

    function progress({ epoch, step }) {
      if (over) return over;
      if (step) return `First round, after ${step} ${step === 1 ? "step" : "steps"}`;
      if (epoch) return `${epoch} ${epoch === 1 ? "round" : "rounds"} through the digits`;
      if (taught) return "Taught drawings, no round yet";
      return fromFiles ? "As it was in its file" : "Not trained yet";
    }

    // See inside and Fool it show this network as soon as it is more than random numbers.
    function worthSeeing(is = true) {
      shared.own = { run: is ? run : null, kernels: is ? shape.kernels : 0, version: shared.own.version + 1 };
      keep("own", shared.own);
    }

    // A drawing without an answer; those to the drawing before are not about it.
    function showUnread() {
      showDrawing({}, "There is no answer to this drawing.");
      suggest({});
    }

    // What the served network reads is most likely what the drawing is.
    function suggest({ served }) {
      const read = served ? best(served) : 10;
      $(element, ".label").value = read < 10 ? String(read) : "";
      teachable();
    }

    function play(on) {
      playing = on;
      put(element, "[data-press=play]", on ? "Pause" : "Play");
    }

    // why: it does not train any further
    function setOver(why = "") {
      over = why;
      for (const press of ["play", "step"]) $(element, `[data-press=${press}]`).disabled = Boolean(over);
    }

    function stop() {
      play(false);
      if (inLine) put(element, ".told", "");
      inLine = false;
      if (latest) put(element, ".round", progress(latest));
      return ++turn;
    }

    // What is needed to come back to the network in sight.
    const snapshot = () => ({ shape, course, taught, fromFiles, over, latest, ...made });

    // A new network takes the place of the one until now, which the server keeps for a while. One that has learned
    // nothing is not worth coming back to.
    function take(answer) {
      if (run !== answer.run && latest && (latest.epoch || taught || fromFiles)) earlier = snapshot();
      else if (earlier?.shape.run === answer.run) earlier = null;
      const was = earlier && `${earlier.latest.epoch} ${earlier.latest.epoch === 1 ? "round" : "rounds"}, ${percent(earlier.latest.unseen)}`;
      const offer = `This is a new network. <button type="button" data-press="earlier">Back to the one before</button> (${was})`;
      put(element, ".earlier", earlier ? offer : "");
      made = { values: settings.link(), loaded: settings.isLoaded() };
      setOver("");
      run = answer.run;
      refused = false;
      shape = { ...answer, frames: [] };
      explainWeights();
      worthSeeing(false);
      tests = { labels: answer.tests.labels, pictures: pieces(bytes(answer.tests.pixels)) };
      course = [];
      put(element, ".weights", "");
      const tile = (_, i) => `<li><button type="button" data-test="${i}"><canvas></canvas><span></span></button></li>`;
      put(element, ".digits", tests.labels.map(tile).join(""));
      tests.pictures.forEach((each, i) => paint($$(element, ".digits canvas")[i], greys(each)));
      for (const place of [".problem", ".told", ".along .problem", ".taken"]) put(element, place, "");
      taught = fromFiles = false;
      show(answer.frames[0]);
      if (!$(element, ".label").value) suggest(answer.frames[0]); // the visitor's own choice stays
      element.dataset.ready = "true";
    }

    // Questions about the network go one after the other, so that each answer is about the network in sight, and none
    // disturbs an epoch.
    function inTurn(question) {
      const answer = queue.then(question);
      queue = answer.catch(() => {});
      return answer;
    }

    // Asks for the network that the settings and the files say. Only in turn; false when there is none, and the section
    // says why.
    async function begin(section = element) {
      const files = wanted;
      const asked = { pixels, instead_of: run, ...settings.question() };
      const answer = await answered(section, files ? server.load({ ...asked, preset: null, files }) : server.start(asked));
      if (!files) refused = !answer; // files that are no network leave the one in sight
      if (refused) setOver(); // Play asks for a network once more
      if (!answer) return false;
      const isLoaded = files && files === wanted; // not when other settings were chosen meanwhile
      if (isLoaded) settings.chooseLoaded(answer);
      take(answer);
      fromFiles = Boolean(files);
      put(element, ".round", progress(latest));
      if (!isLoaded) return true;
      worthSeeing();
      const kernels = answer.kernels ? `, ${answer.kernels} kernels of ${answer.side} × ${answer.side}` : "";
      put(element, ".taken", `Loaded: ${answer.widths.join("-")}${kernels}. Play goes on from here.`);
      return true;
    }

    // The network before takes the place of the one in sight, which then is the one before; unless another one was asked
    // for meanwhile.
    async function goBack(mine) {
      const left = earlier;
      const sent = server.look({ run: left.shape.run, pixels });
      const answer = await answered(element, sent);
      if (mine !== networks) return;
      if (answer) {
        wanted = null;
        settings.choose(left.values);
        if (left.loaded) settings.chooseLoaded(left.shape);
        settings.nameAddress();
        comeBack(left, answer);
        succeed($(element, "[data-press=earlier]") ?? $(element, "[data-press=play]"));
      } else if (await isGone(sent)) {
        earlier = null;
        put(element, ".problem", "");
        put(element, ".earlier", "The network before is not kept any longer.");
        succeed($(element, "[data-press=play]"));
      }
    }

    // Of several networks that are asked for at once the last one is made.
    function renew(section) {
      stop();
      if (!wanted) before = null; // the visitor wants another one
      const mine = ++networks;
      return inTurn(() => mine !== networks || begin(section));
    }

    // One round, or a second in the line for it: WAITS. False when there is nothing more to come.
    async function round(mine) {
      if (!(await have())) return false;
      const answer = await answered(element, server.go({ run, pixels }));
      if (!answer) return false;
      inLine = Boolean(answer.place);
      setOver(answer.ended);
      if (over) succeed($(element, "[data-press=reset]"));
      if (inLine) {
        put(element, ".round", progress(latest));
        put(element, ".told", answer.said);
        await pause(IN_LINE);
        return WAITS;
      }
      const last = answer.frames.at(-1);
      for (const frame of answer.frames) {
        if (mine !== turn && frame !== last) continue; // stopped halfway: the network itself is at the end
        show(frame);
        if (frame === last) put(element, ".told", answer.said);
        await pause(EVERY);
      }
      if (!last && answer.said) put(element, ".told", answer.said);
      return mine === turn && !over;
    }

    // On a small screen they lie below the settings.
    function showCurves() {
      const { top, bottom } = $(element, ".score").getBoundingClientRect();
      if (top < 0 || bottom > innerHeight) $(element, ".score").scrollIntoView({ block: "nearest", behavior: "smooth" });
    }

    async function start(once) {
      const mine = ++turn;
      play(!once);
      if (latest && !latest.epoch) put(element, ".round", "First round …"); // it may take seconds
      showCurves();
      let more;
      try {
        do {
          if (document.hidden) await back(); // what nobody sees keeps no other visitor from training
          more = await inTurn(() => (once || mine === turn) && round(mine));
        } while ((once ? more === WAITS : more) && mine === turn && element.isConnected && element.offsetParent);
      } finally {
        if (mine === turn) stop();
        if (more === true && !once && !element.offsetParent) put(element, ".told", "It paused when you left this tab.");
      }
    }

    // --- Teaching ---

    function teach(drawings, mixed, section = element) {
      stop();
      return inTurn(() => learn(drawings, mixed, section));
    }

    async function learn(drawings, mixed, section) {
      if (!(await have())) return;
      const answer = await answered(section, server.teach({ run, pixels, mixed, ...drawings }));
      if (!answer) return;
      taught = true;
      show(answer.frames[0]);
      worthSeeing();
      put(element, ".told", answer.said);
    }

    function teachDrawing(mixed) {
      const chosen = $(element, ".label").value;
      if (!pixels || !chosen) return;
      teach(set.add(Number(chosen), pixels), mixed);
    }

    // --- Files ---

    async function loadNetwork(chosen) {
      const section = $(element, ".along");
      const files = await archives.fit(chosen, section);
      if (!files) return;
      const earlier = wanted;
      wanted = files;
      if (!(await renew(section)) && wanted === files) wanted = earlier;
    }

    async function takeAlong() {
      if (!(await have())) return;
      const answer = await answered($(element, ".along"), server.take({ run }));
      if (!answer) return;
      archives.save(answer.zip, "my-network.zip");
      put(element, ".taken", "<span></span> <code></code>");
      $(element, ".taken span").textContent = answer.said;
      $(element, ".taken code").textContent = answer.command;
    }

    // --- Large ---

    async function enlarge(unit) {
      const answer = await answered(element, server.unit({ run, unit }));
      if (!answer || !element.offsetParent) return; // the visitor is elsewhere by now
      const weights = Array.from(new Int8Array(bytes(answer.weights).buffer));
      put(element, "dialog h2", meaning(unit));
      $(element, "dialog .largest").hidden = !shape.kernels; // of those at all places
      paint($(element, "dialog .large"), weights, strongest(weights));
      const tile = (label, i) => `<li><canvas role="img" aria-label="${label}"></canvas><span>${number(answer.sums[i]).slice(0, -2)}</span></li>`;
      put(element, "dialog .tiles", answer.labels.map(tile).join(""));
      pieces(bytes(answer.pixels)).forEach((each, i) => paint($$(element, "dialog .tiles canvas")[i], greys(each)));
      $(element, "dialog").showModal();
      $(element, "dialog").scrollTop = 0; // not where it was closed
    }

    element.addEventListener("click", ({ target }) => {
      const data = target.closest("button")?.dataset ?? {};
      const press = data.press;
      if (press === "play" && playing) stop();
      else if (press === "play") start(false);
      if (press === "step") start(true);
      if (press === "reset") {
        wanted = null;
        renew();
      }
      if (press === "earlier") {
        stop();
        const mine = ++networks;
        inTurn(() => mine === networks && earlier && goBack(mine));
      }
      if (press === "mixed" || press === "alone") teachDrawing(press === "mixed");
      if (press === "take") inTurn(takeAlong);
      if (press === "load") $(element, ".along input").click();
      if (press === "close" || target.matches("dialog")) $(element, "dialog").close();
      if (data.weights) inTurn(() => enlarge(Number(data.weights)));
      if (data.test) {
        const i = Number(data.test);
        stop();
        const room = shape.kernels ? "#inside=kernels" : "#inside";
        // With the network as it will be, unless the visitor is elsewhere by then.
        inTurn(() => element.offsetParent && tap(tests.pictures[i], tests.labels[i], room));
      }
    });
    const linked = () => location.hash.match(/^#lab=(.*)/)?.[1];
    document.addEventListener("room:link", () => {
      if (!linked() || !element.isConnected) return;
      wanted = null;
      settings.choose(linked());
      renew();
    });
    $(element, ".label").addEventListener("change", teachable);
    element.addEventListener("change", ({ target }) => {
      if (target.matches(".along input")) loadNetwork(archives.takenFrom(target));
      if (!target.closest(".settings")) return;
      if (settings.isShape(target)) wanted = null;
      settings.changed(target);
      renew();
    });
    element.addEventListener("drop", ({ dataTransfer }) => {
      const files = [...(dataTransfer?.files ?? [])];
      if (files.length) $(element, ".along").scrollIntoView({ block: "nearest" }); // there it is said what became of it
      loadNetwork(files);
    });

    // --- Leaving the page, and coming back ---

    function leave() {
      if (!run || !element.isConnected) return;
      keep("network", { shape, course, taught, fromFiles, over, loaded: settings.isLoaded(), values: settings.link() });
    }
    for (const type of ["pagehide", "visibilitychange"]) addEventListener(type, leave); // some phones tell the second alone

    // The settings of a link, or else those that were left; with other settings than those it is another network.
    function recall() {
      settings.choose(before?.values ?? "");
      const left = settings.link();
      if (linked() !== undefined) settings.choose(linked());
      else if (before) settings.nameAddress();
      if (settings.link() !== left) before = null;
      if (before?.loaded) settings.chooseLoaded(before.shape);
    }

    // Gradio's client gives undefined where nothing came.
    const isGone = async (sent) => Boolean((await sent.catch(() => null))?.gone);

    // The network that was left. Without it `before` becomes null, unless the server does not answer now.
    async function resume() {
      const left = before;
      const sent = server.look({ run: left.shape.run, pixels });
      const answer = await answered(element, sent);
      if (answer) comeBack(left, answer);
      else if (await isGone(sent)) before = null;
      return Boolean(answer);
    }

    function comeBack(left, answer) {
      const { run: own } = shared.own;
      take({ ...left.shape, frames: answer.frames });
      ({ course, taught, fromFiles } = left);
      setOver(left.over);
      show(answer.frames[0]); // the server may have gone on meanwhile
      worthSeeing(own === run || latest.epoch > 0 || taught || fromFiles);
    }

    recall();
    follow(
      element,
      (given) => {
        pixels = given;
        return inTurn(async () => (await look()) || showUnread());
      },
      drawing,
    );

    // A network to work with: the one in hand, the one that was left, or else a new one.
    async function have() {
      if (run && !refused) return true;
      if (!run && before && (await resume())) return true;
      return !run && before ? false : begin();
    }

    async function look() {
      if (!run) return have();
      const answer = await answered(element, server.look({ run, pixels }));
      if (!answer) return false;
      show(answer.frames[0]);
      suggest(answer.frames[0]);
      return true;
    }
  }

  window.lab.train = train;
})();
