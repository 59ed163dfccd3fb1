// Train one in the browser: which network is in sight. It is a new one, one from files, the one before, or the one that
// was left with the page. network.js shows it, rounds.js trains it.
(() => {
  const { $, put, answered, follow, drawing, keep, kept, succeed, glideTo } = window.lab.tools;
  const { archives } = window.lab;

  function train(element, server) {
    let queue = Promise.resolve(); // of all questions about the network
    let networks = 0; // asked for so far
    let wanted = null; // the files that the network begins from; null: from random numbers
    let refused = false; // whether there is no network of the settings in sight
    let before = kept("network"); // what `leave` kept of it when the page was left

    const settings = window.lab.settings($(element, ".settings"));
    const reading = window.lab.reading($(element, ".you"), (label, pixels, mixed) => teach(set.add(label, pixels), mixed));
    const about = () => ({ run: network.run(), pixels: reading.pixels() });
    const network = window.lab.network(element, settings, {
      reading,
      curves: window.lab.curves($(element, ".score")),
      units: window.lab.units(element, {
        inTurn,
        unit: (unit) => answered(element, server.unit({ run: network.run(), unit })),
      }),
      unseen: window.lab.unseenDigits($(element, ".tests"), { stop, inTurn }),
    });
    const rounds = window.lab.rounds(element, network, { inTurn, have, go: () => answered(element, server.go(about())) });
    const set = window.lab.drawings($(element, ".set"), server, { stop, inTurn, teach });

    function stop() {
      rounds.stop();
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
      const asked = { pixels: reading.pixels(), instead_of: network.run(), ...settings.question() };
      const answer = await answered(section, files ? server.load({ ...asked, preset: null, files }) : server.start(asked));
      if (!files) refused = !answer; // files that are no network leave the one in sight
      if (refused) network.setOver(); // Play asks for a network once more
      if (!answer) return false;
      const isLoaded = files && files === wanted; // not when other settings were chosen meanwhile
      if (isLoaded) settings.chooseLoaded(answer);
      refused = false;
      network.take(answer, { fromFiles: Boolean(files) });
      if (!isLoaded) return true;
      network.worthSeeing();
      const kernels = answer.kernels ? `, ${answer.kernels} kernels of ${answer.side} × ${answer.side}` : "";
      put(element, ".taken", `Loaded: ${answer.widths.join("-")}${kernels}. Play goes on from here.`);
      return true;
    }

    // Of several networks that are asked for at once the last one is made.
    function renew(section) {
      stop();
      if (!wanted) before = null; // the visitor wants another one
      const mine = ++networks;
      return inTurn(() => mine !== networks || begin(section));
    }

    // A network to work with: the one in hand, the one that was left, or else a new one.
    async function have() {
      if (network.run() && !refused) return true;
      if (!network.run() && before && (await resume())) return true;
      return !network.run() && before ? false : begin();
    }

    // The network in hand as it is, with the drawing. False when there is no answer.
    async function look() {
      if (!network.run()) return have();
      const answer = await answered(element, server.look(about()));
      if (!answer) return false;
      network.show(answer.frames[0]);
      reading.suggest(answer.frames[0]);
      return true;
    }

    // --- Coming back to a network ---

    // Gradio's client gives undefined where nothing came.
    const isGone = async (sent) => Boolean((await sent.catch(() => null))?.gone);

    function comeBack(left, answer) {
      refused = false;
      network.comeBack(left, answer);
    }

    // The network before takes the place of the one in sight, which then is the one before; unless another one was asked
    // for meanwhile.
    async function goBack(mine) {
      const left = network.earlier();
      const sent = server.look({ ...about(), run: left.shape.run });
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
        put(element, ".problem", "");
        network.forgetEarlier();
        succeed($(element, "[data-press=play]"));
      }
    }

    // The network that was left. Without it `before` becomes null, unless the server does not answer now.
    async function resume() {
      const left = before;
      const sent = server.look({ ...about(), run: left.shape.run });
      const answer = await answered(element, sent);
      if (answer) comeBack(left, answer);
      else if (await isGone(sent)) before = null;
      return Boolean(answer);
    }

    function leave() {
      if (network.run() && element.isConnected) keep("network", network.toKeep());
    }
    for (const type of ["pagehide", "visibilitychange"]) addEventListener(type, leave); // some phones tell the second alone

    const linked = () => location.hash.match(/^#lab=(.*)/)?.[1];

    // The settings of a link, or else those that were left; with other settings than those it is another network.
    function recall() {
      settings.choose(before?.values ?? "");
      const left = settings.link();
      if (linked() !== undefined) settings.choose(linked());
      else if (before) settings.nameAddress();
      if (settings.link() !== left) before = null;
      if (before?.loaded) settings.chooseLoaded(before.shape);
    }

    // --- Teaching, and files ---

    function teach(drawings, mixed, section = element) {
      stop();
      return inTurn(() => learn(drawings, mixed, section));
    }

    async function learn(drawings, mixed, section) {
      if (!(await have())) return;
      const answer = await answered(section, server.teach({ ...about(), mixed, ...drawings }));
      if (!answer) return;
      network.learnDrawings(answer.frames[0]);
      put(element, ".told", answer.said);
      // On a small screen it lies above the buttons that teach.
      glideTo($(element, ".told"), "nearest");
    }

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
      const answer = await answered($(element, ".along"), server.take({ run: network.run() }));
      if (!answer) return;
      archives.save(answer.zip, "my-network.zip");
      put(element, ".taken", "<span></span> <code></code>");
      $(element, ".taken span").textContent = answer.said;
      $(element, ".taken code").textContent = answer.command;
    }

    // --- What the visitor does ---

    element.addEventListener("click", ({ target }) => {
      const press = target.closest("button")?.dataset.press;
      if (press === "reset") {
        wanted = null;
        renew();
      }
      if (press === "earlier") {
        stop();
        const mine = ++networks;
        inTurn(() => mine === networks && network.earlier() && goBack(mine));
      }
      if (press === "take") inTurn(takeAlong);
      if (press === "load") $(element, ".along input").click();
    });
    document.addEventListener("room:link", () => {
      if (!linked() || !element.isConnected) return;
      wanted = null;
      settings.choose(linked());
      // Play is what comes next. Until the new network is there it may be disabled, and the focus stays on the tab.
      const toPlay = () => $(element, "[data-press=play]").focus({ preventScroll: true });
      renew().then(() => element.offsetParent && document.activeElement?.matches("[role=tab]") && toPlay());
      requestAnimationFrame(() => { // once it is in sight
        toPlay();
        glideTo($(element, ".running"), "nearest");
      });
    });
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

    recall();
    follow(
      element,
      (given) => {
        reading.setDrawing(given);
        return inTurn(async () => (await look()) || reading.showUnread());
      },
      drawing,
    );
  }

  window.lab.train = train;
})();
