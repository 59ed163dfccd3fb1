// Copy a link that draws the same again, or save a picture of drawing and answer.
//
// The link carries the strokes in its fragment, which browsers send to no server: the example they lie on, if any, and for
// each stroke its kind and its points, packed into bytes. Whoever opens it sees the strokes drawn and read anew.
(() => {
  const LONGEST = 1800; // characters of strokes: links of 2,000 survive every messenger
  const TOLERANCES = [0.6, 1.2, 2.5, 5, 10]; // pixels a point may lie off before it is kept; coarser for longer drawings
  const LIMIT = 4000; // points that a link may hold
  const PHOTO = ".jpg"; // as in inputs.py
  const EXAMPLE = "example";
  const STROKES = "strokes";
  const KINDS = ["draw", "erase"];

  let editor = null;
  let ink = null; // canvas with what is on the pad
  let example = null; // the example under the strokes
  const get = (id) => document.getElementById(id);
  const photosInSight = () => Boolean(get("picture")?.offsetParent);

  // --- Strokes to text and back ---

  function strokes() {
    const found = [];
    for (let at = editor?.command_manager.history; at; at = at.previous) {
      if (at.command?.stroke_data) found.unshift(at.command.stroke_data.segments);
    }
    return found
      .filter((segments) => segments.length)
      .map((segments) => ({
        kind: segments[0].mode,
        points: [[segments[0].from_x, segments[0].from_y], ...segments.slice(1).map((s) => [s.to_x, s.to_y])],
      }));
  }

  // Points that matter (Ramer 1972, Douglas and Peucker 1973).
  function simplified(points, tolerance) {
    if (points.length < 3) return points;
    const [[x, y], [u, v]] = [points[0], points.at(-1)];
    const length = Math.hypot(u - x, v - y);
    const away = ([a, b]) =>
      length ? Math.abs((u - x) * (y - b) - (x - a) * (v - y)) / length : Math.hypot(a - x, b - y);
    let [far, at] = [0, 0];
    points.slice(1, -1).forEach((p, i) => away(p) > far && ([far, at] = [away(p), i + 1]));
    if (far <= tolerance) return [points[0], points.at(-1)];
    return [
      ...simplified(points.slice(0, at + 1), tolerance).slice(0, -1),
      ...simplified(points.slice(at), tolerance),
    ];
  }

  // Whole numbers of either sign as bytes of seven bits: small ones, as steps between points are, take one.
  function pack(numbers) {
    const bytes = [];
    for (const n of numbers) {
      let z = n < 0 ? -2 * n - 1 : 2 * n;
      for (; z > 127; z >>= 7) bytes.push((z & 127) | 128);
      bytes.push(z);
    }
    return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  }

  function unpack(text) {
    const numbers = [];
    let [z, shift] = [0, 0];
    for (const c of atob(text.replaceAll("-", "+").replaceAll("_", "/"))) {
      const byte = c.charCodeAt(0);
      z |= (byte & 127) << shift;
      shift += 7;
      if (byte > 127) continue;
      numbers.push(z & 1 ? -(z + 1) / 2 : z / 2);
      [z, shift] = [0, 0];
    }
    return numbers;
  }

  function encoded(tolerance) {
    let [x, y] = [0, 0];
    const numbers = strokes().flatMap(({ kind, points }) => {
      const kept = simplified(points, tolerance);
      return [
        KINDS.indexOf(kind),
        kept.length,
        ...kept.flatMap(([u, v]) => {
          const step = [Math.round(u) - x, Math.round(v) - y];
          [x, y] = [x + step[0], y + step[1]];
          return step;
        }),
      ];
    });
    return pack(numbers);
  }

  // The strokes of a link; anybody may have written it, so what lies far off the paper is no stroke of ours.
  function decoded(text) {
    const numbers = unpack(text).slice(0, 2 * LIMIT);
    const [low, high] = [-editor.width, 2 * editor.width];
    const found = [];
    let [i, x, y] = [0, 0, 0];
    while (i < numbers.length) {
      const [kind, count] = [KINDS[numbers[i]], numbers[i + 1]];
      i += 2;
      if (!kind || !(count > 0) || i + 2 * count > numbers.length) break;
      const points = [];
      for (let k = 0; k < count; k++, i += 2) points.push([(x += numbers[i]), (y += numbers[i + 1])]);
      if (points.flat().some((value) => value < low || value > high)) break;
      found.push({ kind, points });
    }
    return found;
  }

  function link() {
    const found = new URLSearchParams();
    if (example) found.set(EXAMPLE, example);
    const text = TOLERANCES.map(encoded).find((each) => each.length <= LONGEST) ?? encoded(TOLERANCES.at(-1)).slice(0, LONGEST);
    if (text) found.set(STROKES, text);
    const here = new URL(location.href);
    here.hash = found.toString();
    return here.href;
  }

  // --- A link that was opened ---

  const file = (button) => button.querySelector("img")?.src.split("/").pop() ?? "";
  const name = (button) => file(button).split(".")[0];
  const isPhoto = (button) => file(button).endsWith(PHOTO); // goes where photos go, not on the pad

  async function open() {
    const given = new URLSearchParams(location.hash.slice(1));
    const button = [...document.querySelectorAll("#examples button")].find((b) => name(b) === given.get(EXAMPLE));
    if (button && !isPhoto(button)) {
      const there = new Promise((done) => document.addEventListener("pad:ink", done, { once: true }));
      button.click();
      await there;
    }
    try {
      await draw(decoded(given.get(STROKES) ?? ""));
    } catch {
      // not a link of ours, or a torn one: the pad stays as it is
    }
  }

  async function draw(found) {
    const brush = editor.tools.get("brush");
    for (const { kind, points } of found) {
      const size = kind === "erase" ? brush.eraser_size : brush.brush_size;
      let [x, y] = points[0];
      brush.brush_textures.preserve_canvas_state();
      for (const [u, v] of points) {
        brush.brush_textures.draw_segment(x, y, u, v, size, brush.state.color, 1, kind);
        [x, y] = [u, v];
      }
      brush.brush_textures.commit_stroke();
      await new Promise((done) => setTimeout(done)); // the editor puts the stroke into its history
    }
    if (found.length) brush.notify("change");
  }

  // --- The buttons ---

  async function copy(button) {
    if (photosInSight()) return say(button, "Drawings only");
    if (!strokes().length && !example) return say(button, "Draw first");
    const text = link();
    try {
      await navigator.clipboard.writeText(text);
      say(button, "Copied");
    } catch {
      // A Space runs inside a frame that may not write to the clipboard: then the visitor copies it.
      const input = get("link").querySelector("input");
      get("link").classList.add("shown");
      input.value = text;
      input.focus();
      input.select();
    }
  }

  function say(button, text) {
    button.dataset.name ??= button.textContent;
    button.textContent = text;
    clearTimeout(button.timer);
    button.timer = setTimeout(() => (button.textContent = button.dataset.name), 2000);
  }

  const said = (selector) => document.querySelector(selector)?.textContent.trim() ?? "";
  const one = () => said("#label h2"); // the answer, of one digit or of several
  const several = () => said("#words strong").replaceAll(" ", "");
  const answer = () => one() || several();

  // A picture of what is in sight: the drawing left, the answer right.
  function picture() {
    const [width, height, side, edge] = [1000, 500, 400, 50];
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const c = canvas.getContext("2d");
    const style = getComputedStyle(document.body);
    const colour = (variable) => style.getPropertyValue(variable).trim();
    const font = (size, weight = 400) => (c.font = `${weight} ${size}px ${style.fontFamily}`);
    c.fillStyle = colour("--desk");
    c.fillRect(0, 0, width, height);
    c.fillStyle = "white";
    c.beginPath();
    c.roundRect(edge, edge, side, side, 14);
    c.fill();
    const photo = photosInSight() && document.querySelector("#picture img");
    const source = photo || ink;
    const [w, h] = photo ? [photo.naturalWidth, photo.naturalHeight] : [side, side];
    const scale = side / Math.max(w, h);
    if (source) c.drawImage(source, edge + (side - w * scale) / 2, edge + (side - h * scale) / 2, w * scale, h * scale);

    const left = 2 * edge + side;
    c.fillStyle = colour("--accent");
    font(one().length > 1 ? 56 : Math.min(190, 750 / several().length), 700);
    c.textBaseline = "middle";
    c.fillText(answer(), left, 150, width - left - edge);
    c.fillStyle = colour("--ink");
    font(28);
    c.fillText(said("#words p"), left, 275, width - left - edge);
    [...document.querySelectorAll("#label .confidence-set")].forEach((row, i) => {
      const y = 335 + 38 * i;
      const share = Number(row.querySelector("meter").value);
      const [label, percent] = [row.querySelector("dt"), row.querySelector("dd")].map((e) => e.textContent.trim());
      font(22, 700);
      c.fillStyle = colour("--ink");
      c.fillText(label.length > 1 ? "none" : label, left, y);
      c.fillStyle = colour("--accent-soft");
      c.fillRect(left + 70, y - 9, 290, 16);
      c.fillStyle = colour("--accent");
      c.fillRect(left + 70, y - 9, Math.max(290 * share, 3), 16);
      font(20);
      c.fillStyle = colour("--ink");
      c.fillText(percent, left + 374, y);
    });
    return canvas;
  }

  function save(button) {
    const text = answer();
    if (!text) return say(button, "Draw first");
    picture().toBlob((blob) => {
      const a = Object.assign(document.createElement("a"), {
        href: URL.createObjectURL(blob),
        download: `${text.replaceAll(" ", "-")}.png`,
      });
      a.click();
      setTimeout(() => URL.revokeObjectURL(a.href), 10000);
    });
  }

  document.addEventListener("click", ({ target }) => {
    if (target.closest?.("#copy-link")) copy(target);
    if (target.closest?.("#save-picture")) save(target);
    const taken = target.closest?.("#examples button");
    if (taken && !isPhoto(taken)) example = name(taken);
  });
  document.addEventListener("pad:ink", ({ detail }) => {
    ink = detail;
    get("link")?.classList.remove("shown"); // it was about another drawing
  });
  document.addEventListener("pad:clear", () => (ink = example = null));
  addEventListener("hashchange", () => location.reload()); // a link pasted where the page is open already
  document.addEventListener("pad:ready", ({ detail }) => {
    editor = detail;
    if (location.hash.length > 1) detail.ready.then(open);
  });
})();
