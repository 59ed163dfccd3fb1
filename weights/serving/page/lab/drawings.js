// A set of the visitor's own drawings: what is taught is collected here. It can be taught as a whole, saved and loaded.
(() => {
  const { $, $$, put, bytes, base64, pieces, greys, paint, succeed, answered, keep, kept } = window.lab.tools;
  const { save, fit, takenFrom } = window.lab.archives;

  // A list of {label, pixels} as the server takes and gives it, and back.
  const packed = (set) => ({
    labels: set.map((each) => each.label),
    drawings: base64(Uint8Array.from(set.flatMap((each) => each.pixels))),
  });
  function unpacked({ labels, drawings }) {
    const pictures = pieces(bytes(drawings));
    return labels.map((label, i) => ({ label, pixels: pictures[i] }));
  }

  // network: {stop, inTurn, teach}, where teach takes drawings as the server does.
  function drawings(section, server, network) {
    const most = Number(section.dataset.most);
    let set = unpacked(kept("set") ?? { labels: [], drawings: "" });

    const counted = (text) => put(section, ".counted", text);

    // Drawings join the set. Gives a sentence about those for which it has no room any more.
    function collect(more) {
      const all = [...set, ...more];
      set = all.slice(-most);
      const gone = all.length - set.length;
      const full = gone ? ` The oldest ${gone === 1 ? "one" : gone} left the set: it holds at most ${most}.` : "";
      keep("set", packed(set));
      const tile = ({ label }, i) =>
        `<li><button type="button" data-drop="${i}" aria-label="Take this ${label} out of the set"><canvas></canvas><span>${label} ✕</span></button></li>`;
      put(section, ".own", set.map(tile).join(""));
      $$(section, "canvas").forEach((canvas, i) => paint(canvas, greys(set[i].pixels)));
      for (const button of $$(section, "[data-needs]")) button.disabled = !set.length;
      const usual = set.length ? `${set.length} of at most ${most}` : "Drawings that you teach are collected here.";
      counted(full ? `${set.length} drawings.${full}` : usual);
      return full;
    }

    // The drawing joins the set. Gives it as `teach` takes it.
    function add(label, pixels) {
      const drawn = [{ label, pixels }];
      set = set.filter((each) => String(each.pixels) !== String(pixels)); // said to be something else before
      collect(drawn);
      return packed(drawn);
    }

    async function saveAll() {
      const answer = await answered(section, server.save_set(packed(set)));
      if (!answer) return;
      save(answer.zip, "my-digits.zip");
      counted("Saved. Unpacked, it is a folder that <code>python -m nn.train --data</code> reads.");
    }

    async function load(all) {
      const files = await fit(all, section);
      if (!files) return;
      network.stop();
      const answer = await network.inTurn(() => answered(section, server.load_set({ files })));
      if (!answer) return;
      const earlier = set.length;
      const full = collect(unpacked(answer));
      const were = (number, what) => `${number} ${what}${number === 1 ? " was" : "s were"}`;
      const left = answer.left_out ? ` ${were(answer.left_out, "file")} left out.` : "";
      counted(`${were(answer.labels.length, "drawing")} loaded${earlier ? `, ${set.length} now` : ""}.${left}${full}`);
    }

    function drop(i) {
      set.splice(i, 1);
      collect([]);
      succeed($$(section, "[data-drop]")[Math.min(i, set.length - 1)] ?? $(section, "[data-press=load-set]"));
    }

    section.addEventListener("click", ({ target }) => {
      const data = target.closest("button")?.dataset ?? {};
      if (data.press === "all") network.teach(packed(set), true, section);
      if (data.press === "save-set") saveAll();
      if (data.press === "load-set") $(section, "input").click();
      if (data.drop) drop(Number(data.drop));
    });
    section.addEventListener("change", ({ target }) => target.files && load(takenFrom(target)));
    collect([]);
    return { add };
  }

  window.lab.drawings = drawings;
})();
