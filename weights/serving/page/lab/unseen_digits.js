// Some new digits, which the network in Train one never saw, and what it reads. One that is tapped is seen inside.
(() => {
  const { $$, put, bytes, pieces, greys, paint, tap } = window.lab.tools;

  // network: {stop, inTurn}
  function unseenDigits(section, network) {
    let [labels, pictures] = [[], []];
    let kernels = 0; // of the network

    // answer: what the server says of a network at first.
    function introduce(answer) {
      ({ kernels } = answer);
      ({ labels } = answer.tests);
      pictures = pieces(bytes(answer.tests.pixels));
      const tile = (_, i) => `<li><button type="button" data-test="${i}"><canvas></canvas><span></span></button></li>`;
      put(section, ".digits", labels.map(tile).join(""));
      pictures.forEach((each, i) => paint($$(section, "canvas")[i], greys(each)));
      const small = answer.shown_inside ? "Tap one to see inside." : "Tap one to see what a small network makes of it.";
      put(section, ".tapped-to", kernels ? "Tap one to see what the kernels find in it." : small);
    }

    function show(answers) {
      $$(section, "button").forEach((tile, i) => {
        const [said, label] = [answers[i], labels[i]];
        tile.className = said === label ? "right" : "wrong";
        tile.setAttribute("aria-label", `This ${label} was read as ${said}: see inside`);
        put(tile, "span", `${said} ${said === label ? "✓" : "✗"}`);
      });
    }

    section.addEventListener("click", ({ target }) => {
      const i = target.closest("button")?.dataset.test;
      if (!i) return;
      network.stop();
      const room = kernels ? "#inside=kernels" : "#inside";
      // With the network as it will be, unless the visitor is elsewhere by then.
      network.inTurn(() => section.offsetParent && tap(pictures[i], labels[i], room));
    });
    return { introduce, show };
  }

  window.lab.unseenDigits = unseenDigits;
})();
