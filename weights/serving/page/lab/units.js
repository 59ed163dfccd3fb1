// What a network in Train one looks for: the weights of its units or kernels as pictures, and one of them large.
(() => {
  const { $, $$, put, bytes, pieces, greys, article, paint, strongest, number } = window.lab.tools;

  // network: {inTurn, unit}, where unit(k) gives what the server says of a unit, or null.
  function units(room, network) {
    let shape = null; // what the server said of the network at first

    function introduce(answer) {
      shape = answer;
      const title = shape.widths.length === 2 ? "What speaks for each digit" : "What its units look for";
      put(room, ".filters h2", shape.kernels ? "What its kernels look for" : title);
      put(room, ".filters .side", `${shape.side} × ${shape.side}`);
      $(room, ".filters .convolved").hidden = !shape.kernels;
      put(room, ".weights", "");
    }

    function show(packed) {
      const weights = pieces(new Int8Array(bytes(packed).buffer), shape.side ** 2);
      const tiles = $(room, ".weights");
      const tile = (_, i) =>
        `<button type="button" data-weights="${i}" aria-label="${meaning(i)}"><canvas></canvas>${shape.widths.length === 2 ? i : ""}</button>`;
      if (tiles.children.length !== weights.length) tiles.innerHTML = weights.map(tile).join("");
      weights.forEach((each, i) => paint($(tiles.children[i], "canvas"), each, strongest(each)));
      const all = shape.kernels || shape.widths[1];
      put(room, ".filters .some", weights.length < all ? `These are the first ${weights.length} of ${all}. ` : "");
    }

    function meaning(unit) {
      if (shape.kernels) return `What kernel ${unit + 1} looks for`;
      return shape.widths.length === 2 ? `What speaks for ${article(unit)}` : `What unit ${unit + 1} looks for`;
    }

    async function enlarge(unit) {
      const answer = await network.unit(unit);
      if (!answer || !room.offsetParent) return; // the visitor is elsewhere by now
      const weights = Array.from(new Int8Array(bytes(answer.weights).buffer));
      put(room, "dialog h2", meaning(unit));
      paint($(room, "dialog .large"), weights, strongest(weights));
      const tile = (label, i) => `<li><canvas role="img" aria-label="${label}"></canvas><span>${number(answer.sums[i]).slice(0, -2)}</span></li>`;
      put(room, "dialog .tiles", answer.labels.map(tile).join(""));
      pieces(bytes(answer.pixels)).forEach((each, i) => paint($$(room, "dialog .tiles canvas")[i], greys(each)));
      $(room, "dialog").showModal();
      $(room, "dialog").scrollTop = 0; // not where it was closed
    }

    room.addEventListener("click", ({ target }) => {
      const data = target.closest("button")?.dataset ?? {};
      if (data.weights) network.inTurn(() => enlarge(Number(data.weights)));
      if (data.press === "close" || target.matches("dialog")) $(room, "dialog").close();
    });
    return { introduce, show };
  }

  window.lab.units = units;
})();
