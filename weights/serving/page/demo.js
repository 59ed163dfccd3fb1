// The first screen: one example draws itself, and every step to its answer fills in. It lies above the pad, so that the
// pad is blank for the first stroke; the first touch, key, paste or dropped file takes it away.
(() => {
  const AFTER = 900; // ms of a quiet page before it begins
  const DRAWS = 1400; // ms that the stroke takes
  // The example 2-slanted on its 400 x 400 paper, and its brush.
  const STROKE =
    "M139 135C149 118 160 103 178 92 200 79 246 68 282 84 302 96 306 130 288 162 269 191 231 215 195 239 160 265 128 291 92 323 130 321 212 318 292 323";
  const WIDTH = 26;

  let read = null; // asks the server for what the page shows of the example
  let show = null; // shows `values`
  let values = [];
  let blank = []; // what the page shows of a blank pad
  let sheet = null;
  let over = false; // there is nothing to begin any more
  const html = (id) => document.querySelector(`#${id} .prose`)?.innerHTML ?? "";

  async function begin() {
    if (over || matchMedia("(prefers-reduced-motion: reduce)").matches || !document.getElementById("pad")?.offsetParent) return;
    blank = [{}, html("words"), html("why"), html("details")];
    sheet = document.createElement("div");
    sheet.className = "demo";
    sheet.innerHTML = `<svg viewBox="0 0 400 400" style="--draws: ${DRAWS}ms" aria-hidden="true"><path d="${STROKE}" pathLength="1" stroke-width="${WIDTH}"/></svg><span>Your turn: draw here</span>`;
    document.getElementById("pad").append(sheet);
    const [example] = await Promise.all([read().catch(() => null), new Promise((done) => setTimeout(done, DRAWS))]);
    if (!over && example) put(example);
  }

  function put(these) {
    values = these;
    show();
  }

  // Keys that only look around leave it.
  const LOOKS = /^(Tab|Shift|Control|Alt|Meta|Arrow.*|Page.*|Home|End)$/;
  function end({ type, key }) {
    if (over || (type === "keydown" && LOOKS.test(key))) return;
    over = true;
    sheet?.remove();
    if (values.length) put(blank);
  }

  document.addEventListener("pad:ready", () => {
    if (location.hash.length > 1 || drawing.kept() || pictures.comesBack()) over = true;
    else setTimeout(begin, AFTER);
  });
  // On the window, which hears of it before any other script may keep it from the rest.
  for (const type of ["pointerdown", "keydown", "paste", "drop"]) addEventListener(type, end, { capture: true });

  window.demo = {
    connect: (...given) => ([read, show] = given),
    values: () => values,
  };
})();
