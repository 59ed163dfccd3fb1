// The section about kernels. The server sends the kernels and the picture once; pointing at windows then works on them
// here, with the same formulas.
(() => {
  const { SIDE, $, $$, put, unpacked, pieces, best, paint, greyCell, strongest, signed } = window.lab.tools;
  const { readable: number, pointed, follow, answered, shared, tappedOrDrawn } = window.lab.tools;
  const FEW = 24; // kernels that are shown at first: two rows on a laptop

  function kernels(section, server) {
    let net = null;
    let order = []; // the kernels, those that push the answer up most first
    let chosen = 0;
    let row = 0; // of the window, of all that begin in net.starts
    let column = 0;
    let all = false;
    let own = true; // whether the visitor's network is asked for
    let asked = 0;

    const answer = () => (net.answer < 10 ? `the ${net.answer}` : "“not a digit”");
    const along = () => net.starts.length; // windows along an edge
    const windowOf = (r, c) =>
      Array.from({ length: net.side ** 2 }, (_, i) => {
        const pixel = SIDE * (net.starts[r] + Math.floor(i / net.side)) + net.starts[c] + (i % net.side);
        return net.x[pixel];
      });
    const sum = (r, c) => windowOf(r, c).reduce((total, value, i) => total + value * net.kernels[chosen][i], 0);
    const start = (at) => at - (at % net.pool); // of the windows that are pooled with this one
    // The windows of one place, row by row: as the network numbers them.
    const pooled = (r, c) =>
      Array.from({ length: net.pool ** 2 }, (_, i) => [
        start(r) + Math.floor(i / net.pool),
        start(c) + (i % net.pool),
      ]);
    const place = (r, c) => (start(r) / net.pool) * (along() / net.pool) + start(c) / net.pool;

    function choose(kernel) {
      chosen = kernel;
      lookAt(best(net.h[kernel]));
    }

    // The window that a unit kept.
    function lookAt(position) {
      const rows = along() / net.pool;
      const windows = pooled(net.pool * Math.floor(position / rows), net.pool * (position % rows));
      [row, column] = windows[best(windows.map(([r, c]) => sum(r, c)))];
      show();
    }

    function frame(name, r, c, size) {
      const style = $(section, `.${name}`).style;
      style.left = `${(100 * net.starts[c]) / SIDE}%`;
      style.top = `${(100 * net.starts[r]) / SIDE}%`;
      style.width = style.height = `${(100 * size) / SIDE}%`;
    }

    function show() {
      const [patch, kernel] = [windowOf(row, column), net.kernels[chosen]];
      const product = patch.map((value, i) => value * kernel[i]);
      frame("window", row, column, net.side);
      frame("pooled", start(row), start(column), net.starts[net.pool - 1] - net.starts[0] + net.side);
      put(section, ".chosen-kernel", `Kernel ${chosen + 1}`);
      paint($(section, ".patch canvas"), patch);
      paint($(section, ".kernel canvas"), kernel, strongest(kernel));
      paint($(section, ".contribution canvas"), product, strongest(product));
      put(section, ".added", `<span>all ${net.side ** 2} added<b data-sum>${number(sum(row, column))}</b></span>`);
      const sums = pooled(row, column).map(([r, c]) => ({ r, c, sum: sum(r, c) }));
      const kept = best(sums.map((each) => each.sum));
      put(
        section,
        ".four",
        sums
          .map(
            (each, i) =>
              `<button type="button" data-window="${each.r} ${each.c}" class="${i === kept ? "kept" : ""}" aria-pressed="${each.r === row && each.c === column}">${number(each.sum)}</button>`,
          )
          .join(""),
      );
      const [position, bias] = [place(row, column), net.biases[chosen][place(row, column)]];
      const z = sums[kept].sum + bias;
      put(
        section,
        ".pooled-sum",
        `<span>largest<b>${number(sums[kept].sum)}</b></span>+<span>bias<b>${number(bias)}</b></span>=` +
          `<span>z<b>${number(z)}</b></span>→<span>${net.relu ? "ReLU: " : ""}h<b>${number(net.h[chosen][position])}</b></span>`,
      );
      const rows = along() / net.pool;
      const most = strongest(net.h[chosen]);
      $(section, ".places").style.gridTemplateColumns = `repeat(${rows}, minmax(0, 1fr))`;
      put(
        section,
        ".places",
        net.h[chosen]
          .map((h, i) => {
            // On a phone a tile has room for three digits.
            const short = h < 1 ? Number(h.toFixed(2)) : h < 100 ? Number(h.toPrecision(2)) : Math.round(h);
            const [r, c] = [Math.floor(i / rows) + 1, (i % rows) + 1];
            return (
              `<button type="button" data-place="${i}" aria-pressed="${i === position}" aria-label="Row ${r}, column ${c}: ${number(h)}" ` +
              `${greyCell(Math.max(h / most, 0))}>${number(short)}</button>`
            );
          })
          .join(""),
      );
      for (const tile of $$(section, ".found button"))
        tile.setAttribute("aria-pressed", Number(tile.dataset.kernel) === chosen);
      const push = net.pushes[chosen];
      put(
        section,
        ".push",
        `Without kernel ${chosen + 1} the score of ${answer()} would be <b>${number(Math.abs(push))}</b> ${push < 0 ? "higher" : "lower"}.`,
      );
      const sheet = $(section, ".sheet");
      sheet.setAttribute("aria-valuenow", row * along() + column);
      sheet.setAttribute("aria-valuetext", `Row ${row + 1}, column ${column + 1} of the windows: ${number(sum(row, column))}`);
    }

    function tiles() {
      const shown = all ? order : order.slice(0, FEW);
      const most = strongest(net.pushes);
      put(
        section,
        ".found",
        shown
          .map(
            (k) =>
              `<button type="button" data-kernel="${k}" aria-label="Kernel ${k + 1}"><canvas></canvas>${signed(net.pushes[k], most)}</button>`,
          )
          .join(""),
      );
      $$(section, ".found canvas").forEach((canvas, i) => paint(canvas, net.kernels[shown[i]], strongest(net.kernels[shown[i]])));
      $(section, ".found").classList.toggle("all", all);
      put(section, ".which-are", all || order.length <= FEW ? `All its kernels: first those that push ${answer()} up most` : `The ${FEW} kernels that push ${answer()} up most`);
      const button = $(section, "[data-all]");
      button.hidden = order.length <= FEW;
      button.textContent = all ? `Show ${FEW}` : `Show all ${order.length}`;
    }

    async function ask(pixels) {
      const turn = ++asked;
      const sent = await answered(section, server.kernels({ pixels, run: own ? shared.own.run : null }));
      if (!sent || turn !== asked) return Boolean(sent); // a newer question is under way
      section.classList.toggle("none", !sent.side); // another network is served, and it has no kernels
      if (!sent.side) return true;
      net = sent;
      net.x = Array.from(unpacked(net.x));
      net.kernels = pieces(unpacked(net.kernels), net.side ** 2);
      net.biases = pieces(unpacked(net.biases), (along() / net.pool) ** 2);
      net.h = pieces(unpacked(net.h), (along() / net.pool) ** 2);
      net.pushes = Array.from(unpacked(net.pushes));
      order = net.pushes.map((_, k) => k).sort((a, b) => net.pushes[b] - net.pushes[a]);
      introduce();
      tiles();
      paint($(section, ".sheet canvas"), net.x);
      $(section, ".sheet").setAttribute("aria-valuemax", along() ** 2 - 1);
      choose(order[0]);
      section.dataset.ready = "true";
      return true;
    }

    function introduce() {
      const whose = net.own
        ? "<b>Your network</b>, as you left it on <i>Train one</i>, has"
        : "The first layer of the network on <i>Draw</i> has";
      put(
        section,
        ".lead",
        `${whose} ${net.kernels.length} kernels, small pictures of ${net.side} × ${net.side} weights. ` +
          `Each is compared with ${along() ** 2} windows of the picture. Choose a kernel: the window that it fits best is marked.`,
      );
      put(
        section,
        ".whole-numbers",
        !net.own && net.kernels.every((kernel) => kernel.every(Number.isInteger)) // another network may be served
          ? "Its weights are whole numbers from −127 to 127: rounded, the network is small and answers fast."
          : "",
      );
      const button = $(section, "[data-whose]");
      button.hidden = !net.own && (own || !shared.own.kernels);
      button.textContent = net.own ? "Show the network on Draw" : "Show your network";
    }

    section.addEventListener("click", ({ target }) => {
      const data = target.closest("button")?.dataset ?? {};
      if (!net) return;
      if ("whose" in data) {
        own = !net.own;
        look();
      }
      if ("all" in data) {
        all = !all;
        tiles();
        show();
      }
      if (data.kernel) choose(Number(data.kernel));
      if (data.place) {
        lookAt(Number(data.place));
        $(section, `[data-place="${data.place}"]`).focus();
      }
      if (data.window) {
        [row, column] = data.window.split(" ").map(Number);
        show();
        $(section, `[data-window="${data.window}"]`).focus();
      }
    });
    const inside = (at) => Math.min(Math.max(at, 0), along() - 1);
    function chooseWindow(nextRow, nextColumn) {
      [row, column] = [inside(nextRow), inside(nextColumn)];
      show();
    }
    const windowAt = (share) => Math.round((SIDE * share - net.side / 2 - net.starts[0]) / (net.starts[1] - net.starts[0]));
    pointed(
      $(section, ".sheet"),
      (x, y) => net && chooseWindow(windowAt(y), windowAt(x)),
      (right, down) => net && chooseWindow(row + down, column + right),
    );
    const look = follow(section, ask, tappedOrDrawn, () => `${own && shared.own.run} ${shared.own.version}`);
  }

  window.lab.kernels = kernels;
})();
