// Train one in the browser: asks the server for an epoch after the other while Play is on, and shows each.
(() => {
  const { $, $$, put, percent, bytes, base64, pieces, greys, best, article, paint, strongest, bars, number } = window.lab.tools;
  const { drawing, succeed, follow, answered, invitation, keep, kept, shared, tap } = window.lab.tools;
  const EVERY = 220; // ms a frame: at most five in a second
  const KERNELS = "kernels"; // the chip for a convolution
  const WAITS = "waits"; // said of a round whose turn it is not yet
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  function save(zip, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([bytes(zip)], { type: "application/zip" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  async function sent(files) {
    const all = await Promise.all(files.map(async (file) => [file.name, new Uint8Array(await file.arrayBuffer())]));
    return all.map(([name, content]) => ({ name: name.slice(0, 200), content: base64(content) }));
  }

  // A list of {label, pixels} as the server takes and gives it, and back.
  const packed = (set) => ({
    labels: set.map((each) => each.label),
    drawings: base64(Uint8Array.from(set.flatMap((each) => each.pixels))),
  });
  function unpacked({ labels, drawings }) {
    const pictures = pieces(bytes(drawings));
    return labels.map((label, i) => ({ label, pixels: pictures[i] }));
  }

  function train(element, server) {
    let run = null;
    let pixels = null;
    let playing = false;
    let tests = { labels: [], pictures: [] };
    let course = []; // what the curves show of each frame of this network
    let taught = false; // whether it learned drawings
    let latest = null; // the frame in sight
    let turn = 0; // a Reset or a Pause ends what an older turn still has to show
    let networks = 0; // asked for so far
    let shape = {}; // of the network in sight, and its test digits: what the server said of it at first
    let queue = Promise.resolve(); // of all questions about the network
    let set = unpacked(kept("set") ?? { labels: [], drawings: "" }); // the visitor's own drawings, {label, pixels}
    let loaded = null; // the shape of a network from a file, which need not be one of the chips'
    let fromFiles = false; // whether the network in sight began so
    let wanted = null; // the files that the network begins from; null: from random numbers
    let refused = false; // whether there is no network of the settings in sight
    let inLine = false; // whether it waits for its turn to train
    let before = kept("network"); // what `leave` kept of it when the page was left

    // The convolution that its chip stands for.
    function usual() {
      const { kernels, kernelSize } = $(element, ".settings").dataset;
      return { kernels: Number(kernels), side: Number(kernelSize) };
    }

    function settings() {
      // Not as FormData, which leaves out what a preset disables.
      const chosen = (name) => $(element, `input[name=${name}]:checked, select[name=${name}]`)?.value ?? "";
      const kernels = chosen("hidden") === KERNELS;
      return {
        pixels,
        instead_of: run,
        kernels: kernels ? usual().kernels : 0,
        hidden: kernels ? [] : chosen("hidden").split("-").filter(Boolean).map(Number),
        activation: chosen("activation"),
        ...loaded,
        rate: chosen("rate"),
        digits: Number(chosen("digits")),
        optimizer: chosen("optimizer"),
        batch_size: Number(chosen("batch_size")),
        dropout: Number(chosen("dropout")),
        decay: Number(chosen("decay")),
        seed: Number(chosen("seed")),
        preset: chosen("preset") || null,
      };
    }

    function curves() {
      const width = Math.max(course.length - 1, 12);
      const points = (which) => course.map((each, i) => `${i},${100 - 100 * each[which]}`).join(" ");
      // The first round is shown step by step, the others as one point each.
      const first = course.findIndex(({ epoch, step }) => epoch === 1 && !step);
      const rounds = course.at(-1)?.epoch ?? 0;
      const label = (i, text, kind = "") => `<i class="${kind}" style="left:${Math.min((100 * i) / width, 100)}%">${text}</i>`;
      put(
        element,
        ".curves div",
        `<svg viewBox="0 -4 ${width} 108" preserveAspectRatio="none" aria-hidden="true"><path d="M0 0H${width}M0 50H${width}M0 100H${width}"/>` +
          `${first > 0 ? `<path class="first" d="M${first} 0V100"/>` : ""}` +
          `<polyline points="${points("seen")}"/><polyline class="unseen" points="${points("unseen")}"/></svg>` +
          `${first > 0 ? label(first, "1 round") : ""}${rounds > 4 ? label(course.length - 1, `${rounds} rounds`, "end") : ""}`,
      );
    }

    function show(frame, keep = true) {
      if (keep) course.push({ seen: frame.seen, unseen: frame.unseen, epoch: frame.epoch, step: frame.step });
      latest = frame;
      curves();
      put(element, ".big b", percent(frame.unseen));
      put(element, ".round", progress(frame));
      const weights = pieces(new Int8Array(bytes(frame.weights).buffer), shape.side ** 2);
      const tiles = $(element, ".weights");
      if (tiles.children.length !== weights.length)
        tiles.innerHTML = weights
          .map((_, i) => `<button type="button" data-weights="${i}" aria-label="${meaning(i)}"><canvas></canvas>${shape.widths.length === 2 ? i : ""}</button>`)
          .join("");
      weights.forEach((each, i) => paint($(tiles.children[i], "canvas"), each, strongest(each)));
      $$(element, ".digits button").forEach((tile, i) => {
        const said = frame.tests[i];
        const right = said === tests.labels[i];
        tile.className = right ? "right" : "wrong";
        tile.setAttribute("aria-label", `This ${tests.labels[i]} was read as ${said}: see inside`);
        put(tile, "span", `${said} ${right ? "✓" : "✗"}`);
      });
      put(element, ".mine", frame.drawing ? bars(frame.drawing) : "");
      put(element, ".theirs", frame.served ? bars(frame.served) : "");
      if (pixels) paint($(element, ".you canvas"), greys(pixels));
      put(
        element,
        ".note",
        !pixels
          ? invitation("Draw a digit on <a href='#draw'>Draw</a>, and watch here how the guess becomes an answer.")
          : frame.drawing
            ? `Your network says <b>${best(frame.drawing)}</b>.`
            : "Its numbers are out of bounds: it has no answer.",
      );
      $(element, ".you").classList.toggle("empty", !pixels);
      teachable();
      if (keep && frame.epoch) worthSeeing();
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

    function stop() {
      play(false);
      if (inLine) put(element, ".told", "");
      inLine = false;
      if (latest) put(element, ".round", progress(latest));
      return ++turn;
    }

    // A new network takes the place of the one until now.
    function take(answer) {
      run = answer.run;
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
      taught = false;
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
      const answer = await answered(section, files ? server.load({ ...settings(), preset: null, files }) : server.start(settings()));
      if (!files) refused = !answer; // files that are no network leave the one in sight
      if (!answer) return false;
      refused = false;
      const isLoaded = files && files === wanted; // not when other settings were chosen meanwhile
      if (isLoaded) chooseLoaded(answer);
      const lost = fromFiles && !files;
      fromFiles = Boolean(files);
      take(answer);
      if (lost) put(element, ".taken", "This is a new network. The one you loaded is still in its file.");
      if (!isLoaded) return true;
      worthSeeing();
      const kernels = answer.kernels ? `, ${answer.kernels} kernels of ${answer.side} × ${answer.side}` : "";
      put(element, ".taken", `Loaded: ${answer.widths.join("-")}${kernels}. Play goes on from here.`);
      return true;
    }

    // Of several networks that are asked for at once the last one is made.
    function renew(section) {
      stop();
      const mine = ++networks;
      return inTurn(() => mine !== networks || begin(section));
    }

    // One round, or a second in the line for it: WAITS. False when there is nothing more to come.
    async function round(mine) {
      if (!(await have())) return false;
      const answer = await answered(element, server.go({ run, pixels }));
      if (!answer) return false;
      inLine = Boolean(answer.place);
      if (inLine) {
        put(element, ".round", progress(latest));
        put(element, ".told", `Two others train at the moment. Your place in the line: ${answer.place}.`);
        await pause(1000);
        return WAITS;
      }
      const last = answer.frames.at(-1);
      for (const frame of answer.frames) {
        show(frame);
        await pause(EVERY);
        if (mine === turn) continue;
        if (frame !== last) show(last); // stopped halfway: the network itself is at the end
        return false;
      }
      put(element, ".told", answer.said);
      return !answer.ended;
    }

    async function start(once) {
      const mine = ++turn;
      play(!once);
      if (latest && !latest.epoch) put(element, ".round", "First round …"); // it may take seconds
      let more;
      do more = await inTurn(() => (once || mine === turn) && round(mine));
      while ((once ? more === WAITS : more) && mine === turn && element.isConnected && element.offsetParent);
      if (mine === turn) stop();
    }

    // --- Teaching, and a set of one's own ---

    function teach(drawings, mixed, section = element) {
      stop();
      return inTurn(() => learn(drawings, mixed, section));
    }

    async function learn(drawings, mixed, section) {
      if (!(await have())) return;
      const answer = await answered(section, server.teach({ run, pixels, mixed, ...packed(drawings) }));
      if (!answer) return;
      taught = true;
      show(answer.frames[0]);
      worthSeeing();
      put(element, ".told", answer.said);
    }

    function teachDrawing(mixed) {
      const chosen = $(element, ".label").value;
      if (!pixels || !chosen) return;
      const label = Number(chosen);
      set = set.filter((each) => String(each.pixels) !== String(pixels)); // said to be something else before
      collect([{ label, pixels }]);
      teach([{ label, pixels }], mixed);
    }

    function collect(more) {
      const most = Number($(element, ".set").dataset.most);
      set = [...set, ...more].slice(-most);
      keep("set", packed(set));
      const tile = ({ label }, i) =>
        `<li><button type="button" data-drop="${i}" aria-label="Take this ${label} out of the set"><canvas></canvas><span>${label} ✕</span></button></li>`;
      put(element, ".set .own", set.map(tile).join(""));
      $$(element, ".set canvas").forEach((canvas, i) => paint(canvas, greys(set[i].pixels)));
      for (const button of $$(element, ".set [data-needs]")) button.disabled = !set.length;
      put(element, ".counted", set.length ? `${set.length} of at most ${most}` : "Drawings that you teach are collected here.");
    }

    async function saveSet() {
      const answer = await answered($(element, ".set"), server.save_set(packed(set)));
      if (!answer) return;
      save(answer.zip, "my-digits.zip");
      put(element, ".counted", "Saved. Unpacked, it is a folder that <code>python -m nn.train --data</code> reads.");
    }

    // --- Files ---

    // Files as the server takes them; null, and a sentence in this section, when they are too many or too large.
    async function fit(files, section) {
      const { mostFiles, mostBytes } = $(element, ".bench").dataset;
      const refuse = (error) => answered(section, Promise.resolve({ error }));
      if (!files.length) return null;
      if (files.length > mostFiles) return refuse(`Choose at most ${mostFiles} files.`);
      if (files.reduce((sum, file) => sum + file.size, 0) > mostBytes)
        return refuse(`The files may have ${mostBytes / 1e6} MB in all.`);
      return sent(files);
    }

    function chosenFiles(input) {
      const files = [...input.files];
      input.value = ""; // so that the same file can be chosen again
      return files;
    }

    async function loadNetwork(chosen) {
      const section = $(element, ".along");
      const files = await fit(chosen, section);
      if (!files) return;
      const earlier = wanted;
      wanted = files;
      if (!(await renew(section)) && wanted === files) wanted = earlier;
    }

    // The settings in sight become those of a network from a file.
    function chooseLoaded(answer) {
      const { widths, kernels, side, activation } = answer;
      loaded = { hidden: widths.slice(kernels ? 2 : 1, -1), activation, kernels, ...(kernels && { kernel_size: side }) };
      const isUsual = kernels === usual().kernels && side === usual().side && widths.length === 3;
      const hidden = kernels ? isUsual && KERNELS : loaded.hidden.join("-");
      for (const [name, value] of [["hidden", hidden], ["activation", activation], ["preset", ""]])
        for (const chip of $$(element, `.settings [name=${name}]`)) chip.checked = chip.value === value;
      chosenPreset();
      name();
    }

    async function loadSet(chosen) {
      const section = $(element, ".set");
      const files = await fit(chosen, section);
      if (!files) return;
      stop();
      const answer = await inTurn(() => answered(section, server.load_set({ files })));
      if (!answer) return;
      const earlier = set.length;
      collect(unpacked(answer));
      const count = (number, what) => `${number} ${what}${number === 1 ? " was" : "s were"}`;
      const left = answer.left_out ? ` ${count(answer.left_out, "file")} left out.` : "";
      put(element, ".counted", `${count(answer.labels.length, "drawing")} loaded${earlier ? `, ${set.length} now` : ""}.${left}`);
    }

    async function takeAlong() {
      if (!(await have())) return;
      const answer = await answered($(element, ".along"), server.take({ run }));
      if (!answer) return;
      save(answer.zip, "my-network.zip");
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
    }

    // --- Settings ---

    // A preset says all but the digits and the seed.
    function chosenPreset() {
      const chosen = $(element, "[name=preset]:checked");
      put(element, ".about", chosen.dataset.about ?? "");
      for (const part of $$(element, "[data-own-settings]")) part.disabled = Boolean(chosen.value);
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
      if (press === "mixed" || press === "alone") teachDrawing(press === "mixed");
      if (press === "all") teach(set, true, $(element, ".set"));
      if (press === "save-set") saveSet();
      if (press === "take") inTurn(takeAlong);
      if (press === "load" || press === "load-set") $(element, `input[data-for=${press}]`).click();
      if (press === "close") $(element, "dialog").close();
      if (data.weights) inTurn(() => enlarge(Number(data.weights)));
      if (data.drop) {
        set.splice(Number(data.drop), 1);
        collect([]);
        succeed($$(element, "[data-drop]")[Math.min(data.drop, set.length - 1)] ?? $(element, "[data-press=load-set]"));
      }
      if (data.test) {
        const i = Number(data.test);
        stop();
        const room = shape.kernels ? "#inside=kernels" : "#inside";
        // With the network as it will be, unless the visitor is elsewhere by then.
        inTurn(() => element.offsetParent && tap(tests.pictures[i], tests.labels[i], room));
      }
    });
    // A link names chips by their values, and what a menu says by the menu's name too: #lab=64,wild,optimizer=adam. The
    // address always says which chips were chosen, and which menus say something unusual.
    const unusual = () => $$(element, ".settings select").filter((menu) => menu.selectedIndex);

    function choose(values) {
      $(element, ".settings").reset();
      for (const value of values.split(",")) {
        const [menu, option] = value.split("=").map(CSS.escape);
        const named = value === "none" ? "[name=hidden][value='']" : `[value="${CSS.escape(value)}"]`;
        const chip = value && $(element, `.settings input${named}`);
        if (chip) chip.checked = true;
        const said = option && $(element, `.settings select[name="${menu}"] option[value="${option}"]`);
        if (said) said.selected = true;
      }
      if (unusual().length) $(element, ".more").open = true;
      chosenPreset();
    }

    function values() {
      const chips = $$(element, ".settings input:checked").map((chip) => chip.value || (chip.name === "hidden" && "none"));
      const menus = unusual().map((menu) => `${menu.name}=${menu.value}`);
      return [...chips.filter(Boolean), ...menus].join(",");
    }

    const name = () => window.rooms.name(`#lab=${values()}`);

    const linked = () => location.hash.match(/^#lab=(.*)/)?.[1];
    document.addEventListener("room:link", () => {
      if (!linked() || !element.isConnected) return;
      loaded = wanted = null;
      choose(linked());
      renew();
    });
    $(element, ".label").addEventListener("change", teachable);
    element.addEventListener("submit", (event) => event.preventDefault());
    element.addEventListener("change", ({ target }) => {
      if (target.dataset.for === "load") loadNetwork(chosenFiles(target));
      if (target.dataset.for === "load-set") loadSet(chosenFiles(target));
      if (!target.closest(".settings")) return;
      if (["hidden", "activation", "preset"].includes(target.name)) forgetLoaded();
      chosenPreset();
      name();
      renew();
    });
    element.addEventListener("drop", ({ dataTransfer }) => {
      const files = [...(dataTransfer?.files ?? [])];
      if (files.length) $(element, ".along").scrollIntoView({ block: "nearest" }); // there it is said what became of it
      loadNetwork(files);
    });

    // Another shape is a new network; what no chip says is the usual one then.
    function forgetLoaded() {
      loaded = wanted = null;
      if (!$(element, "[name=hidden]:checked")) $(element, "[name=hidden][value='16']").checked = true;
    }

    // --- Leaving the page, and coming back ---

    const leave = () => run && element.isConnected && keep("network", { shape, course, taught, loaded, fromFiles, values: values() });
    for (const type of ["pagehide", "visibilitychange"]) addEventListener(type, leave); // some phones tell the second alone

    // The settings of a link, or else those that were left; with other settings than those it is another network.
    function recall() {
      choose(before?.values ?? "");
      const left = values();
      if (linked() !== undefined) choose(linked());
      else if (before) name();
      if (values() !== left) before = null;
      if (before?.loaded) chooseLoaded(before.shape);
    }

    // The network that was left. Without it `before` becomes null, unless the server does not answer now.
    async function resume() {
      const sent = server.look({ run: before.shape.run, pixels });
      const answer = await answered(element, sent);
      if (!answer) {
        if ((await sent.catch(() => ({}))).gone) before = null;
        return false;
      }
      const { run: own } = shared.own;
      take({ ...before.shape, frames: answer.frames });
      ({ course, taught, fromFiles } = before);
      show(answer.frames[0], false);
      worthSeeing(own === run);
      return true;
    }

    recall();
    collect([]);
    follow(
      element,
      (given) => {
        pixels = given;
        return inTurn(look);
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
      show(answer.frames[0], false);
      suggest(answer.frames[0]);
      return true;
    }
  }

  window.lab.train = train;
})();
