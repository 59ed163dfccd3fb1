// Keeps gradio's Sketchpad ready to draw, gives it keys and names, and makes its answers come sooner.
// Buttons are found by their place, since their names are translated.
//
//   window.pad       newest(drawing): the Sketchpad's value, brought up to date
//   pad:ready        event, once the pad has been built; detail: gradio's editor
//   pad:ink          event, each time the ink was read; detail: a canvas with the ink on nothing
//   pad:clear        event, when all ink went
(() => {
  const find = (pad, selector) => [...pad.querySelectorAll(selector)];
  const tools = (pad) => find(pad, ".toolbar-wrap .half-container:first-child button"); // brush, eraser
  const undo = (pad) => pad.querySelector(".top-panel > .separator + button");
  const clear = (pad) => pad.querySelector(".top-panel > button:last-child");
  const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

  // The pad puts its tool away on load and after every clear; without one chosen, a stroke is lost.
  function arm(pad) {
    const [brush, eraser] = tools(pad);
    if (brush && !brush.matches(".highlight") && !eraser?.matches(".highlight")) brush.click();
    for (const tool of tools(pad)) {
      const pressed = String(tool.matches(".highlight"));
      if (tool.getAttribute("aria-pressed") !== pressed) tool.setAttribute("aria-pressed", pressed);
    }
    if (brush && window.editor && window.editor !== known.editor) mend((known.editor = window.editor));
  }

  function mend(editor) {
    // A blurred shadow round the paper, out of sight here, is drawn anew in every frame: without it, and without a
    // graphics card, strokes follow the hand half as fast again.
    if (editor.outline_graphics) editor.outline_graphics.filters = [];

    // For each stroke gradio reads three pictures back from the graphics card and uploads them: background, ink, and
    // both together; and then again, several times, whenever it looks what the pad holds. The paper is always blank, so
    // the ink is all there is to say, and once is enough until it changes.
    const all = editor.get_blobs.bind(editor);
    let kept = null;
    editor.on("change", () => (kept = null));
    editor.get_blobs = async () => {
      try {
        if (!kept || Date.now() > kept.until) {
          const canvas = read(editor);
          const now = (kept = sent = { until: Date.now() + KEEP });
          now.blob = new Promise((done) => canvas.toBlob(done));
        }
        return { background: null, layers: [await kept.blob], composite: null };
      } catch {
        return all(); // another gradio than the one this was written for
      }
    };
    const reset = editor.reset_canvas.bind(editor);
    editor.reset_canvas = (...given) => {
      kept = null;
      tell("pad:clear");
      return reset(...given);
    };
    tell("pad:ready", editor);
  }

  // For each picture that it shows gradio asks dozens of times for the same file, and uploads it as often. Each goes to
  // the server once: who asks or uploads again gets the first answer.
  const NAME = "layer_0.png"; // as gradio calls the ink
  const TRIES = 3; // to upload the newest ink, while more is drawn
  const KEEP = 60_000; // ms; the server deletes its files after minutes
  const LARGE = 2_000_000; // bytes; so much takes long to compare, and nobody sends it twice
  let sent = null; // the ink that was read last
  const answers = new Map();
  const fetched = window.fetch;
  window.fetch = async (input, init) => {
    const question = await repeatable(input, init).catch(() => null);
    if (!question) return fetched(input, init);
    for (const [old, { until }] of answers) if (Date.now() > until) answers.delete(old);
    if (!answers.has(question)) answers.set(question, { until: Date.now() + KEEP, response: fetched(input, init) });
    try {
      const response = await answers.get(question).response;
      if (!response.ok) answers.delete(question);
      return response.clone();
    } catch (error) {
      answers.delete(question);
      window.live?.lost();
      throw error;
    }
  };

  // A text that two requests share if they have the same answer; null for all that should be asked again.
  async function repeatable(input, init) {
    if (init?.signal) return null; // it may be broken off for one and not for the other
    const url = String(input?.url ?? input);
    if (!init?.method || init.method === "GET") return /\/file=[^?]*$/.test(url) && !init?.headers ? url : null;
    const files = init.body instanceof FormData && url.endsWith("/upload") ? init.body.getAll("files") : [];
    if (files.length !== 1 || files[0].size > LARGE) return null;
    const bytes = new Uint8Array(await files[0].arrayBuffer());
    return [url, files[0].name, bytes.length, ...hashes(bytes)].join(" ");
  }

  // FNV-1a (Fowler, Noll and Vo 1991) and its like with another factor: a page without https has no crypto.subtle.
  function hashes(bytes) {
    let [a, b] = [0x811c9dc5, 0xdeadbeef];
    for (const byte of bytes) {
      a = Math.imul(a ^ byte, 0x01000193);
      b = Math.imul(b ^ byte, 0x85ebca6b);
    }
    return [a, b];
  }

  // gradio gathers a drawing, uploads it, and only then counts its question as asked: a stroke or a clear meanwhile
  // brings a second question, and their answers may come in any order. So what is asked about is the ink of that moment.
  async function newest(drawing) {
    try {
      const [layer] = drawing.layers;
      const root = layer.url.split("/file=")[0];
      let path, ink;
      for (let tries = 0; tries < TRIES && ink !== sent; tries++) {
        const { layers } = await known.editor.get_blobs();
        ink = sent;
        window.live?.asked();
        const body = new FormData();
        body.append("files", layers[0], NAME);
        [path] = await (await window.fetch(`${root}/upload`, { method: "POST", body })).json();
        await known.editor.get_blobs(); // reads the ink again if it has changed
      }
      return { ...drawing, layers: [{ ...layer, path, url: `${root}/file=${path}` }] };
    } catch {
      window.live?.asked();
      return drawing;
    }
  }
  window.pad = { newest };

  // The ink on a canvas of its own. It is black, so only its alpha matters.
  function read(editor) {
    const { app, layer_manager, width, height } = editor;
    const [layer] = layer_manager.get_layers();
    const frame = new app.screen.constructor(0, 0, width, height);
    const { pixels } = app.renderer.extract.pixels({ target: layer.container, resolution: 1, frame });
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const ink = new ImageData(width, height);
    for (let i = 3; i < ink.data.length; i += 4) ink.data[i] = pixels[i];
    canvas.getContext("2d").putImageData(ink, 0, 0);
    tell("pad:ink", canvas);
    return canvas;
  }

  // One finger or pen draws. A palm or a thumb beside it would be taken for leaps of the stroke; and a touch that the
  // system takes away, for a call or a gesture, ends its stroke like any other: the ink that is there stays.
  let drawing = null; // the pointer that draws
  function only(event) {
    const { type, target, pointerId, pointerType, isPrimary, clientX, clientY } = event;
    if (!target.closest?.("#pad .pixi-target") && pointerId !== drawing?.pointerId) return;
    // The first of its kind where another draws: that one is gone, or it is a hand on which a pen now comes down.
    const replaces = isPrimary && (pointerType === drawing?.pointerType || pointerType === "pen");
    if (type === "pointerdown" && (!drawing || replaces)) drawing = { pointerId, pointerType };
    if (!drawing) return; // nobody draws: it only passes over the pad
    if (pointerId !== drawing.pointerId) return event.stopImmediatePropagation();
    if (type === "pointercancel") {
      const up = { bubbles: true, cancelable: true, pointerId, pointerType, isPrimary, clientX, clientY };
      target.dispatchEvent(new PointerEvent("pointerup", up));
    }
    if (type !== "pointerdown" && type !== "pointermove") drawing = null;
  }

  // Esc clears and Ctrl+Z or Cmd+Z undoes, wherever the focus is, except where text is typed or the pad is out of sight,
  // or behind gradio's page about the API.
  function keys(event) {
    const pad = document.getElementById("pad");
    const elsewhere = !pad?.offsetParent || document.querySelector(".api-docs");
    if (elsewhere || event.defaultPrevented || event.target.closest?.("input, textarea, select, dialog")) return;
    const z = event.key?.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
    if (event.key !== "Escape" && !z) return;
    event.preventDefault();
    (z ? undo(pad) : clear(pad))?.click();
  }

  function ready(pad) {
    new MutationObserver(() => arm(pad)).observe(pad, {
      subtree: true,
      childList: true,
      attributes: true,
      attributeFilter: ["class"],
    });
    // The wheel would zoom the canvas or be swallowed by it; here it scrolls the page as everywhere else.
    pad.addEventListener("wheel", (event) => event.stopPropagation(), { capture: true, passive: true });
    arm(pad);
  }

  // What gradio leaves without a name, or without a word for screen readers.
  function name() {
    document.querySelector("#words")?.setAttribute("aria-live", "polite");
    for (const button of document.querySelectorAll("#examples button:not([aria-label])")) {
      const file = button.querySelector("img")?.src.split("/").pop().split(".")[0];
      if (file) button.setAttribute("aria-label", `Example: ${file.replaceAll("-", " ")}`);
    }
  }

  // A file that is no picture would show as a broken one.
  function mark({ type, target }) {
    if (target.matches?.("#picture img")) target.closest("#picture").classList.toggle("broken", type === "error");
  }

  // gradio builds the page after this script has run, and may build the pad anew.
  const known = { pad: null, editor: null };
  function look() {
    const pad = document.getElementById("pad");
    if (pad && pad !== known.pad) ready((known.pad = pad));
    name();
  }
  new MutationObserver(look).observe(document, { subtree: true, childList: true });
  setInterval(() => known.pad && arm(known.pad), 500); // should the pad have missed a click while it was being built
  document.addEventListener("keydown", keys);
  for (const type of ["pointerdown", "pointermove", "pointerup", "pointercancel"])
    document.addEventListener(type, only, { capture: true });
  for (const type of ["error", "load"]) document.addEventListener(type, mark, { capture: true });
})();
