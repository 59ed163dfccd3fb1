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
          now.blob = new Promise((done) => canvas.toBlob(done)).then((blob) => ((now.size = blob.size), blob));
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

  // The same ink goes to the server once: who uploads it again gets the first answer.
  const NAME = "layer_0.png"; // as gradio calls it
  const TRIES = 3; // to upload the newest ink, while more is drawn
  const KEEP = 60_000; // ms; the server deletes its files after minutes
  let sent = null; // the ink that was read last
  const fetched = window.fetch;
  window.fetch = (input, init) => {
    const file = init?.body instanceof FormData && init.body.get("files");
    if (!file || file.name !== NAME || file.size !== sent?.size) return fetched(input, init);
    const ink = sent;
    ink.upload ??= fetched(input, init).then((response) => (response.ok || (ink.upload = null), response));
    ink.upload.catch(() => (ink.upload = null));
    return ink.upload.then((response) => response.clone());
  };

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

  // Esc clears and Ctrl+Z or Cmd+Z undoes, wherever the focus is, except where text is typed or the pad is out of sight.
  function keys(event) {
    const pad = document.getElementById("pad");
    if (!pad?.offsetParent || event.defaultPrevented || event.target.closest?.("input, textarea, select, dialog")) return;
    const z = event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
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
  for (const type of ["error", "load"]) document.addEventListener(type, mark, { capture: true });
})();
