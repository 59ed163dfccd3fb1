// A drawing as a short text, and what that makes possible: a link to it, a reload that keeps it, and Undo after a clear
// or an example that took its place.
//
// The text has the form of a URL's fragment, which browsers send to no server: the example that the strokes lie on, if
// any, and for each stroke its kind and its points, packed into bytes.
//
//   drawing.text(longest)    the drawing as a text, coarser if it would be longer than that; "" for a blank pad
//   drawing.isNameless()     whether a digit lies under the strokes that no text names
//   drawing.kept()           the text of the drawing that this tab kept
//   drawing.returns()        whether the page was here before: a reload, or Back from elsewhere
// Events on the document: drawing:begin before the strokes of a text are drawn; drawing:opened when the first drawing of
// the page is there.
//
// A link is opened once. A reload shows what the visitor has made of it.
(() => {
  const TOLERANCES = [0.6, 1.2, 2.5, 5, 10]; // pixels a point may lie off before it is kept; coarser for longer drawings
  const LIMIT = 4000; // points that a link may hold; the visitor's own drawing may have any number
  // Pixels of ink that a link may draw: a number of four digits has 3,000. Without a graphics card each takes up to a
  // millisecond, and a stroke is drawn in one go, so one that is longer comes in parts.
  const MOST_INK = 12_000;
  const MOST_OWN_INK = 60_000; // of the visitor's own drawing: nobody would wait longer for it
  const LONGEST_STROKE = 1_500;
  const EXAMPLE = "example";
  const STROKES = "strokes";
  const KINDS = ["draw", "erase"];
  const MISREAD = "misread-"; // and a number: the name of a misread digit, as network.py gives it
  const KEPT = "drawing"; // its name in the tab's session storage
  const LINKED = "drawing-linked"; // that of the link which was opened last
  const MOST = 20_000; // characters that a link may have
  const MOST_KEPT = 500_000; // characters that are kept in the tab: an hour of scribbling

  const LATER = 1000; // ms after a stroke the drawing is kept
  const PATIENCE = 5000; // ms that a linked room waits for a drawing whose example is slow or lost

  let later = 0;
  let isReady = false; // whether the pad is there; before that nothing is kept
  // The drawing that is on its way to the pad: its text, whether the visitor made it, and whether it waits for the
  // example under its strokes. Null once all of it is there, or something else.
  let opening = null;
  let example = null; // the example under the strokes
  let nameless = false; // whether a misread digit is there in its place
  let wanted = null; // the name of an example or misread digit that was chosen and is not there yet
  let replaced = null; // the drawing that was on its way to the pad when it was chosen
  let cleared = null; // what a clear or an example took away: its text, and whether the visitor made it

  // --- Strokes to text and back ---

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
    let bytes = "";
    for (const n of numbers) {
      let z = n < 0 ? -2 * n - 1 : 2 * n;
      for (; z > 127; z >>= 7) bytes += String.fromCharCode((z & 127) | 128);
      bytes += String.fromCharCode(z);
    }
    return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
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

  function encoded(strokes, tolerance) {
    let [x, y] = [0, 0];
    const numbers = strokes.flatMap(({ kind, points }) => {
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

  // The strokes of a text. Anybody may have written a link, so it has limits, and what lies far off the paper is no
  // stroke of ours.
  function decoded(text, isOwn) {
    const numbers = isOwn ? unpack(text) : unpack(text.slice(0, MOST)).slice(0, 2 * LIMIT);
    const [low, high] = [-pad.side, 2 * pad.side];
    const found = [];
    let [i, x, y] = [0, 0, 0];
    while (i < numbers.length) {
      const [kind, count] = [KINDS[numbers[i]], numbers[i + 1]];
      i += 2;
      const there = Math.min(count, Math.floor((numbers.length - i) / 2)); // some programs cut a link
      if (!kind || !(there > 0)) break;
      const points = [];
      for (let k = 0; k < there; k++, i += 2) points.push([(x += numbers[i]), (y += numbers[i + 1])]);
      if (!isOwn && points.flat().some((value) => value < low || value > high)) break;
      found.push({ kind, points });
    }
    return bounded(found, isOwn ? MOST_OWN_INK : MOST_INK);
  }

  // Strokes with so much ink at most, none longer than is drawn in one go.
  function bounded(strokes, most) {
    const found = [];
    let left = most;
    for (const { kind, points } of strokes) {
      let [part, ink] = [[points[0]], 0];
      left -= 1; // a dot
      for (const point of points.slice(1)) {
        const [u, v] = part.at(-1);
        const length = Math.hypot(point[0] - u, point[1] - v) + 1;
        if (length > left) break;
        if (ink && ink + length > LONGEST_STROKE) {
          found.push({ kind, points: part });
          [part, ink] = [[[u, v]], 0];
        }
        part.push(point);
        ink += length;
        left -= length;
      }
      found.push({ kind, points: part });
      if (left <= 0) break;
    }
    return found;
  }

  function textOf(strokes, longest) {
    const found = new URLSearchParams();
    if (example) found.set(EXAMPLE, example);
    let packed = "";
    for (const tolerance of TOLERANCES) if ((packed = encoded(strokes, tolerance)).length <= longest) break;
    if (packed) found.set(STROKES, packed.slice(0, longest));
    return found.toString();
  }

  // --- A text to a drawing ---

  // A drawing goes on the pad, a photo elsewhere.
  const buttonOf = (name) =>
    [...document.querySelectorAll("#examples button[data-drawing]")].find((each) => each.dataset.drawing === name);

  // Strokes make no sense without the example that they lie on, so they wait for it as long as it takes. A stroke, a
  // clear, another example or another drawing takes their place.
  async function open(text, isOwn) {
    const mine = (opening = { text, isOwn, waits: false });
    const given = new URLSearchParams(text);
    const button = buttonOf(given.get(EXAMPLE));
    if (button) {
      mine.waits = true;
      const there = isLaid(button.dataset.drawing);
      button.click();
      await there;
      if (opening !== mine) return;
      mine.waits = false;
    }
    try {
      const strokes = decoded(given.get(STROKES) ?? "", isOwn);
      if (strokes.length) document.dispatchEvent(new Event("drawing:begin"));
      await pad.draw(strokes, () => opening === mine);
    } catch {
      // not a link of ours, or a torn one: the pad stays as it is
    }
    if (opening === mine) opening = null;
  }

  function isLaid(name) {
    return new Promise((done) => {
      const look = ({ detail }) => {
        if (detail !== name) return;
        document.removeEventListener("pad:laid", look);
        done();
      };
      document.addEventListener("pad:laid", look);
    });
  }

  function keep() {
    if (!isReady) return;
    try {
      if (opening && !opening.isOwn) return sessionStorage.removeItem(LINKED); // a reload opens the link again
      sessionStorage.setItem(KEPT, (opening ?? replaced)?.text ?? textOf(pad.strokes(), MOST_KEPT));
      sessionStorage.setItem(LINKED, linked);
    } catch {
      // the browser keeps nothing for this page: then a reload loses the drawing
    }
  }

  function stored(name) {
    try {
      return sessionStorage.getItem(name) ?? "";
    } catch {
      return "";
    }
  }

  const kept = () => stored(KEPT);

  function forget() {
    cleared = null;
    pad.undoable(false);
  }

  document.addEventListener("click", ({ target }) => {
    const taken = target.closest?.("#examples [data-drawing], #network [data-mistake]");
    if (!taken) return;
    wanted = taken.dataset.drawing ?? MISREAD + taken.dataset.mistake;
    if (opening && wanted !== new URLSearchParams(opening.text).get(EXAMPLE)) [replaced, opening] = [opening, null];
  });
  // It comes from the server, in its own time: not over what was drawn since, nor twice.
  document.addEventListener("pad:lay", (event) => {
    if (event.detail !== wanted) return event.preventDefault();
    const gone = replaced ?? { text: textOf(pad.strokes(), MOST_KEPT), isOwn: true };
    if (gone.text) cleared = nameless ? null : gone;
    wanted = replaced = null;
    nameless = event.detail.startsWith(MISREAD); // other weights misread other digits: a link would show another one
    example = nameless ? null : event.detail;
  });
  document.addEventListener("pad:laid", () => pad.undoable(Boolean(cleared)));
  document.addEventListener("pad:begin", () => {
    wanted = replaced = null;
    if (opening?.waits) opening = null;
    forget();
  });
  document.addEventListener("pad:ink", () => {
    clearTimeout(later); // after the answer, which somebody waits for
    later = setTimeout(keep, LATER);
  });
  addEventListener("pagehide", keep);
  document.addEventListener("pad:clear", ({ detail }) => {
    const gone = opening ?? replaced ?? { text: textOf(detail, MOST_KEPT), isOwn: true };
    if (gone.text) cleared = gone; // gradio clears more than once
    example = opening = wanted = replaced = null;
    nameless = false;
    pad.undoable(Boolean(cleared));
    setTimeout(keep);
  });
  document.addEventListener("pad:undo", async (event) => {
    if (!cleared) return;
    event.preventDefault();
    const { text, isOwn } = cleared;
    forget();
    if (example || nameless) await pad.clear();
    forget(); // of what the clear took away
    wanted = null;
    open(text, isOwn);
  });
  document.addEventListener("pad:ready", async () => {
    if (isReady) return open(opening?.text ?? kept(), opening?.isOwn ?? true); // gradio has made the pad anew
    isReady = true;
    const isNew = link() && !(returns() && link() === stored(LINKED));
    const there = open(isNew ? linked.slice(1) : kept(), !isNew);
    await Promise.race([there, new Promise((done) => setTimeout(done, PATIENCE))]);
    document.dispatchEvent(new Event("drawing:opened"));
  });
  // A link to another drawing, pasted where the page is open already, or come back to. Of rooms rooms.js takes care.
  function link() {
    const named = new URLSearchParams(location.hash.slice(1));
    return named.has(EXAMPLE) || named.has(STROKES) ? location.hash : "";
  }
  function returns() {
    const [{ type }] = performance.getEntriesByType("navigation");
    return type !== "navigate" || document.wasDiscarded;
  }
  // A reload may show a room, and Back lead from there to the link that was opened before.
  let linked = link() || (returns() ? stored(LINKED) : "");
  addEventListener("hashchange", () => {
    if (rooms.isOurs(history.state) && (!link() || link() === linked)) return;
    linked = ""; // the reload opens the link, also one that was opened before
    location.reload();
  });

  window.drawing = {
    text: (longest) => (opening?.text.length <= longest ? opening.text : textOf(pad.strokes(), longest)),
    isNameless: () => nameless,
    kept,
    returns,
  };
})();
