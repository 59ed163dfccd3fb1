// Play, Pause and One round in Train one: asks the server for one round after another while Play is on, and shows each.
(() => {
  const { $, put, succeed, glideTo } = window.lab.tools;
  const EVERY = 220; // ms a frame: at most five in a second
  const IN_LINE = 1000; // ms between two looks whether it is this network's turn
  const WAITS = "waits"; // said of a round whose turn it is not yet
  const FIRST = "First round …"; // it may take seconds
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  // The moment at which a hidden tab is in sight again.
  const back = () => new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));

  // network: the one in sight. inTurn(question): asks it after those before. have(): false when there is no network to
  // train. go(): gives what the server says of a round, or null.
  function rounds(room, network, { inTurn, have, go }) {
    let playing = false;
    let turn = 0; // a Reset or a Pause ends what an older turn still has to show
    let inLine = false; // whether it waits for its turn to train

    function play(on) {
      playing = on;
      put(room, "[data-press=play]", on ? "Pause" : "Play");
    }

    // While rounds go on the share changes several times a second. A screen reader waits for what is said after them.
    const setBusy = (is) => $(room, ".big").setAttribute("aria-busy", is);

    function stop() {
      play(false);
      setBusy(false);
      if (inLine) put(room, ".told", "");
      inLine = false;
      network.showProgress();
      turn++;
    }

    // One round, or a second in the line for it: WAITS. False when there is nothing more to come.
    async function round(mine) {
      if (!(await have())) return false;
      if (network.latest().epoch === 0 && !inLine) put(room, ".round", FIRST);
      const answer = await go();
      if (!answer) return false;
      if (inLine && !answer.place) put(room, ".told", "");
      inLine = Boolean(answer.place);
      network.setOver(answer.ended);
      if (answer.ended) succeed($(room, "[data-press=reset]"));
      if (inLine) {
        network.showProgress();
        put(room, ".told", answer.said);
        await pause(IN_LINE);
        return WAITS;
      }
      const last = answer.frames.at(-1);
      for (const frame of answer.frames) {
        if (mine !== turn && frame !== last) continue; // stopped halfway: the network itself is at the end
        network.show(frame);
        if (frame === last) put(room, ".told", answer.said);
        await pause(EVERY);
      }
      if (!last && answer.said) put(room, ".told", answer.said);
      return mine === turn && !answer.ended;
    }

    // On a small screen they lie below the settings.
    function showCurves() {
      const { top, bottom } = $(room, ".score").getBoundingClientRect();
      if (top < 0 || bottom > innerHeight) glideTo($(room, ".score"), "nearest");
    }

    async function start(once) {
      const mine = ++turn;
      play(!once);
      setBusy(true);
      if (network.latest()?.epoch === 0) put(room, ".round", FIRST);
      showCurves();
      let more;
      try {
        do {
          if (document.hidden) await back(); // what nobody sees keeps no other visitor from training
          more = await inTurn(() => (once || mine === turn) && round(mine));
        } while ((once ? more === WAITS : more) && mine === turn && room.isConnected && room.offsetParent);
      } finally {
        if (mine === turn) stop();
        if (more === true && !once && !room.offsetParent) put(room, ".told", "It paused when you left this tab.");
      }
    }

    room.addEventListener("click", ({ target }) => {
      const press = target.closest("button")?.dataset.press;
      if (press === "play" && playing) stop();
      else if (press === "play") start(false);
      if (press === "step") start(true);
    });
    return { stop };
  }

  window.lab.rounds = rounds;
})();
