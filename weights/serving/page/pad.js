// Gradio's Sketchpad: kept ready to draw, given keys and names, and made to answer sooner.
//
// This is the only script that touches the object `window.editor`, which gradio does not document. The tables below list
// what is used of it and of the HTML inside gradio's pad, picture and answer; `pad.missing()` tells after an upgrade what
// is gone.
//
// The other scripts use this:
//   pad.strokes()        the finished strokes, each {kind, points}
//   pad.isDrawing()      whether a stroke is being drawn
//   pad.segments()       the pieces of the stroke that is being drawn or has just been finished
//   pad.draw(strokes, goesOn)  draws strokes on top of what is there, as long as goesOn() is true
//   pad.clear()          takes all ink away
//   pad.undoable(bool)   says whether Undo has something to do although the pad is empty
//   pad.side             width and height of the paper in pixels
//   pad.part(name)       an element from the tables, or null
//   pad.missing()        names of insides that do not exist
//   pad.withNewestInk()  what gradio is about to send, with the ink of this moment
//   pad.isTyping(element) whether keys are meant for this element
// Events on the document: pad:ready; pad:ink (detail: a canvas with the ink) each time the ink was read; pad:begin and
// pad:end of a stroke; pad:clear (detail: the strokes that go) before all ink goes; pad:undo, cancelable, before Undo;
// pad:lay, cancelable, before a drawing from the server takes the place of all ink, and pad:laid after it (detail: its
// name); pad:asked when a question takes the ink; pad:lost when something did not reach the server; pad:refused (detail:
// the file) when the server refused an upload; pad:none where the browser has no WebGL.
(() => {
  const INSIDES = {
    "app.stage.on": "function",
    "app.screen.constructor": "function",
    "app.renderer.extract.pixels": "function",
    "layer_manager.get_layers": "function",
    "command_manager.history": "object",
    "tools.get": "function",
    "brush.is_drawing": "boolean",
    "brush.brush_size": "number",
    "brush.eraser_size": "number",
    "brush.state.color": "string",
    "brush.notify": "function",
    "brush.brush_textures.current_stroke_segments": "object",
    "brush.brush_textures.preserve_canvas_state": "function",
    "brush.brush_textures.draw_segment": "function",
    "brush.brush_textures.commit_stroke": "function",
    "outline_graphics.filters": "object",
    add_layers_from_url: "function",
    get_blobs: "function",
    reset_canvas: "function",
    on: "function",
    ready: "object",
    width: "number",
    height: "number",
  };
  // Buttons are found by their place, since their names are translated.
  const PARTS = {
    brush: "#pad .toolbar-wrap .half-container:first-child button",
    eraser: "#pad .toolbar-wrap .half-container:first-child button + button",
    undo: "#pad .top-panel > .separator + button",
    clear: "#pad .top-panel > button:last-child",
    canvas: "#pad .pixi-target canvas",
    padTab: "#input [role=tab]:first-child",
    pictureTab: "#input [role=tab]:last-child",
  };
  // There once the tab for pictures was opened
  const IN_TAB = {
    file: "#picture input[type=file]",
    upload: "#picture [data-testid=source-select] button",
    webcam: "#picture [data-testid=source-select] button + button",
  };
  // There while there is something to show
  const AT_TIMES = {
    digit: "#label [data-testid=label-output-value]",
    picture: "#picture .image-frame img",
    camera: "#picture [title='grant webcam access'] button",
  };
  const NAME = "layer_0.png"; // as gradio calls the ink
  const TRIES = 3; // to upload the newest ink, while more is drawn
  const KEEP = 60_000; // ms; the server deletes its files after minutes
  const NO_PAD = "The pad needs WebGL, which this browser does not have. Use a picture instead.";
  const LARGE = 2_000_000; // bytes; so much takes long to compare, and nobody sends it twice

  let editor = null;
  let cleared = null; // a promise, while a clear is under way
  let emptyUndo = false; // Undo has something to do although there are no strokes
  const part = (name) => document.querySelector({ ...PARTS, ...IN_TAB, ...AT_TIMES }[name]);
  const tell = (name, detail) =>
    document.dispatchEvent(new CustomEvent(name, { detail, cancelable: ["pad:undo", "pad:lay"].includes(name) }));
  const brush = () => editor.tools.get("brush");

  function inside(path) {
    const [first, ...rest] = path.split(".");
    return rest.reduce((at, key) => at?.[key], first === "brush" ? editor?.tools?.get("brush") : editor?.[first]);
  }

  const isDrawing = () => inside("brush.is_drawing");

  function missing() {
    const parts = document.getElementById("picture") ? { ...PARTS, ...IN_TAB } : PARTS;
    return [...Object.keys(parts).filter((name) => !part(name)), ...Object.keys(INSIDES).filter((path) => typeof inside(path) !== INSIDES[path])];
  }

  // --- Ready to draw ---

  // The pad puts its tool away on load and after every clear; without one chosen, a stroke is lost.
  function arm() {
    const tools = [part("brush"), part("eraser")].filter(Boolean);
    if (tools.length && !tools.some((tool) => tool.matches(".highlight"))) tools[0].click();
    for (const tool of tools) {
      const pressed = String(tool.matches(".highlight"));
      if (tool.getAttribute("aria-pressed") !== pressed) tool.setAttribute("aria-pressed", pressed);
    }
    if (emptyUndo && part("undo")?.disabled) part("undo").disabled = false;
    if (tools.length && window.editor && window.editor !== editor) attach(window.editor);
  }

  function attach(found) {
    editor = found;
    // A blurred shadow round the paper, out of sight here, is drawn anew in every frame: without it, and without a
    // graphics card, strokes follow the hand half as fast again.
    if (editor.outline_graphics) editor.outline_graphics.filters = [];

    // For each stroke gradio reads three pictures back from the graphics card: background, ink, and both together; and
    // then again, several times, whenever it looks what the pad holds. The paper is always blank, so the ink is all
    // there is to say, and once is enough until it changes.
    const all = editor.get_blobs.bind(editor);
    let kept = null;
    editor.on("change", () => (kept = null));
    editor.get_blobs = async () => {
      try {
        if (!kept || Date.now() > kept.until) {
          const canvas = read();
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
      tell("pad:clear", strokes());
      return (cleared = reset(...given));
    };
    // What is drawn while gradio loads the file would be lost, so the browser has it before.
    const lay = editor.add_layers_from_url.bind(editor);
    editor.add_layers_from_url = async (urls) => {
      for (const url of urls) {
        const response = await fetched(url).catch(() => null);
        if (!response?.ok) return tell("pad:lost");
        await response.blob();
      }
      const name = decodeURIComponent(urls[0].split("/").at(-1).replace(/\.[^.]*$/, ""));
      if (!tell("pad:lay", name)) return;
      await lay(urls);
      tell("pad:laid", name);
    };

    // After the brush has taken the stroke up, and after the pad has put it among the finished ones.
    editor.app.stage.on("pointerdown", () => setTimeout(() => isDrawing() && tell("pad:begin")));
    for (const up of ["pointerup", "pointerupoutside"]) editor.app.stage.on(up, () => tell("pad:end"));
    editor.ready.then(() => {
      document.documentElement.classList.add("armed");
      tell("pad:ready");
    });
  }

  // --- Ink and strokes ---

  // The ink on a canvas of its own. It is black, so only its alpha matters.
  function read() {
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

  function segments() {
    const current = brush()?.brush_textures?.current_stroke_segments ?? [];
    return current.length || isDrawing() ? current : (editor.command_manager.history.command?.stroke_data?.segments ?? []);
  }

  function strokes() {
    const found = [];
    for (let at = editor?.command_manager.history; at; at = at.previous) {
      if (at.command?.stroke_data?.segments.length) found.unshift(at.command.stroke_data.segments);
    }
    return found.map((all) => ({
      kind: all[0].mode,
      points: [[all[0].from_x, all[0].from_y], ...all.slice(1).map((each) => [each.to_x, each.to_y])],
    }));
  }

  async function draw(found, goesOn) {
    await cleared;
    for (const { kind: mode, points } of found) {
      if (!goesOn()) break;
      const { brush_textures: textures, state, brush_size, eraser_size } = brush();
      const size = mode === "erase" ? eraser_size : brush_size;
      let [from_x, from_y] = points[0];
      textures.preserve_canvas_state();
      textures.draw_segment(from_x, from_y, from_x, from_y, size, state.color, 1, mode);
      for (const [to_x, to_y] of points.slice(1)) {
        textures.current_stroke_segments.push({ from_x, from_y, to_x, to_y, size, color: state.color, opacity: 1, mode });
        [from_x, from_y] = [to_x, to_y];
      }
      textures.commit_stroke(); // draws them all at once
      await new Promise((done) => setTimeout(done)); // the editor puts the stroke into its history
    }
    if (found.length) brush().notify("change");
  }

  // --- What goes to the server ---

  // For each picture that it shows gradio asks dozens of times for the same file, and uploads it as often. Each goes to
  // the server once: who asks or uploads again gets the first answer. What gradio sends as "blobs" it uploads as well.
  let sent = null; // the ink that was read last
  const answers = new Map();
  const fetched = window.fetch;
  window.fetch = async (input, init) => {
    if (isBlob(input, init)) return new Response("null", { headers: { "Content-Type": "application/json" } });
    const question = await repeatable(input, init).catch(() => null);
    if (!question) return carriesDrawing(input, init) ? delivered(input, init) : fetched(input, init);
    for (const [old, { until }] of answers) if (Date.now() > until) answers.delete(old);
    if (!answers.has(question)) answers.set(question, { until: Date.now() + KEEP, response: fetched(input, init) });
    try {
      const response = await answers.get(question).response;
      if (!response.ok) answers.delete(question);
      tellRefused(response, input, init);
      return response.clone();
    } catch (error) {
      answers.delete(question);
      return tellLost(error);
    }
  };

  // A server may have lost the upload that a question names: after a refusal the same ink goes there once more.
  async function delivered(input, init) {
    const response = await fetched(input, init).catch(tellLost);
    if (!response.ok) answers.clear();
    tellRefused(response, input, init);
    return response;
  }

  function tellRefused({ ok }, input, init) {
    if (!ok && /\/upload(\?|$)/.test(addressOf(input))) tell("pad:refused", init.body.get("files"));
  }

  function tellLost(error) {
    if (error instanceof TypeError) tell("pad:lost"); // the network's error; one who breaks off gets another
    throw error;
  }

  const addressOf = (input) => String(input?.url ?? input);

  // Not what the rooms ask, nor a photo of a phone. What the section about the network asks counts: once that is lost,
  // gradio has no words for the next stroke.
  function carriesDrawing(input, init) {
    return init?.method === "POST" && !/(^|\/)(component_server|heic)\b/.test(addressOf(input));
  }

  function isBlob(input, init) {
    return addressOf(input).includes("/component_server") && init?.body instanceof FormData && init.body.get("fn_name") === "accept_blobs";
  }

  // A text that two requests share if they have the same answer; null for all that should be asked again.
  async function repeatable(input, init) {
    if (init?.signal) return null; // it may be broken off for one and not for the other
    const url = addressOf(input);
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

  // Gradio gathers a drawing, uploads it, and only then counts its question as asked: a stroke or a clear meanwhile
  // brings a second question, and their answers may come in any order. So each question is about the ink of that moment.
  async function withNewestInk(drawing) {
    try {
      const [layer] = drawing.layers;
      const root = layer.url.split("/file=")[0];
      let path, ink;
      for (let tries = 0; tries < TRIES && ink !== sent; tries++) {
        const { layers } = await editor.get_blobs();
        ink = sent;
        tell("pad:asked");
        const body = new FormData();
        body.append("files", layers[0], NAME);
        [path] = await (await window.fetch(`${root}/upload`, { method: "POST", body })).json();
        await editor.get_blobs(); // reads the ink again if it has changed
      }
      return { ...drawing, layers: [{ ...layer, path, url: `${root}/file=${path}` }] };
    } catch {
      tell("pad:asked");
      return drawing;
    }
  }

  // --- Fingers, pens and keys ---

  // One finger or pen draws, or the mouse with its main button: gradio would draw with the others too, and the menu that
  // the right one opens would keep the stroke's end. A palm or a thumb beside a finger would be taken for leaps of the
  // stroke. A touch that the system takes away, for a call or a gesture, ends its stroke like any other: the ink that is
  // there stays.
  let drawing = null; // the pointer that draws
  function keepToOnePointer(event) {
    const { type, target, pointerId, pointerType, isPrimary, button, clientX, clientY } = event;
    if (!target.closest?.("#pad .pixi-target") && pointerId !== drawing?.pointerId) return;
    if (type === "pointerdown" && pointerType === "mouse" && button) return event.stopImmediatePropagation();
    const same = { bubbles: true, cancelable: true, pointerId, pointerType, isPrimary, clientX, clientY };
    // The first of its kind where another draws: that one is gone, or it is a hand on which a pen now comes down.
    const replaces = isPrimary && (pointerType === drawing?.pointerType || pointerType === "pen");
    if (type === "pointerdown" && (!drawing || replaces)) {
      // After a clear the pad believes that the pointer is elsewhere until it has moved.
      target.dispatchEvent(new PointerEvent("pointermove", same));
      drawing = { pointerId, pointerType };
    }
    if (!drawing) return; // nobody draws: it only passes over the pad
    if (pointerId !== drawing.pointerId) return event.stopImmediatePropagation();
    // A button of the mouse may be let go where the page hears nothing of it, as on a message of the system.
    const isLetGo = type === "pointermove" && pointerType === "mouse" && !event.buttons;
    if (type === "pointercancel" || isLetGo) target.dispatchEvent(new PointerEvent("pointerup", same));
    if ((type !== "pointerdown" && type !== "pointermove") || isLetGo) drawing = null;
  }

  // Whether this element takes keys and what is pasted. Radios, checkboxes, sliders and inputs for files do not.
  const isTyping = (element) =>
    Boolean(element.closest?.("input:not([type=radio], [type=checkbox], [type=range], [type=file]), textarea, select, dialog"));

  // Esc clears and Ctrl+Z or Cmd+Z undoes, wherever the focus is, except where text is typed or the pad is out of sight,
  // or behind gradio's page about the API.
  function keys(event) {
    const elsewhere = !document.getElementById("pad")?.offsetParent || document.querySelector(".api-docs");
    if (elsewhere || event.defaultPrevented || isTyping(event.target)) return;
    const z = event.key?.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
    if (event.key !== "Escape" && !z) return;
    event.preventDefault();
    if (!z) part("clear")?.click();
    else if (!isDrawing() && tell("pad:undo")) part("undo")?.click();
  }

  // Once gradio, which clears more than once, has done so.
  async function clear() {
    part("clear")?.click();
    await new Promise((done) => setTimeout(done));
    await cleared;
  }

  function undoable(yes) {
    emptyUndo = yes;
    if (!strokes().length && part("undo")) part("undo").disabled = !yes;
  }

  // While a stroke is drawn there is no Undo: gradio would bring the ink that it takes away back with the stroke's end.
  function undoes(event) {
    if (!event.isTrusted || !event.target.closest?.(PARTS.undo)) return;
    if (isDrawing() || !tell("pad:undo")) event.stopImmediatePropagation();
  }

  // Gradio's pad draws with WebGL alone, and says nothing where there is none.
  function hasWebGL() {
    const canvas = document.createElement("canvas");
    return Boolean(canvas.getContext("webgl2") ?? canvas.getContext("webgl"));
  }

  function ready(pad) {
    if (!hasWebGL()) {
      document.documentElement.classList.add("padless");
      pad.append(Object.assign(document.createElement("p"), { className: "none", textContent: NO_PAD }));
      return tell("pad:none");
    }
    new MutationObserver(arm).observe(pad, {
      subtree: true,
      childList: true,
      attributes: true,
      attributeFilter: ["class", "disabled"],
    });
    // The wheel would zoom the canvas or be swallowed by it; here it scrolls the page as everywhere else.
    pad.addEventListener("wheel", (event) => event.stopPropagation(), { capture: true, passive: true });
    arm();
  }

  // A file that is no picture would show as a broken one.
  function markBroken({ type, target }) {
    if (target.matches?.(AT_TIMES.picture)) target.closest("#picture").classList.toggle("broken", type === "error");
  }

  // Gradio builds the page after this script has run, and may build the pad anew.
  let known = null;
  function findPad() {
    const pad = document.getElementById("pad");
    if (pad && pad !== known) ready((known = pad));
    document.querySelector("#words")?.setAttribute("aria-live", "polite");
  }
  new MutationObserver(findPad).observe(document, { subtree: true, childList: true });
  setInterval(() => known && arm(), 500); // should the pad have missed a click while it was being built
  document.addEventListener("keydown", keys);
  document.addEventListener("click", undoes, { capture: true });
  for (const type of ["pointerdown", "pointermove", "pointerup", "pointercancel"])
    document.addEventListener(type, keepToOnePointer, { capture: true });
  for (const type of ["error", "load"]) document.addEventListener(type, markBroken, { capture: true });

  window.pad = { withNewestInk, isDrawing, strokes, segments, draw, clear, undoable, part, missing, isTyping, get side() { return editor?.width; } };
})();
