// Keeps gradio's Sketchpad ready to draw. Its buttons are found by their place, since their names are translated.
(() => {
  const tools = (pad) => pad.querySelectorAll(".toolbar-wrap .half-container:first-child button"); // brush, eraser

  // The pad puts its tool away on load and after every clear; without one chosen, a stroke is lost.
  function arm(pad) {
    const [brush, eraser] = tools(pad);
    if (brush && !brush.matches(".highlight") && !eraser?.matches(".highlight")) brush.click();
    // A blurred shadow round the paper, out of sight here, is drawn anew in every frame: without it, and without a
    // graphics card, strokes follow the hand half as fast again.
    if (window.editor?.outline_graphics) window.editor.outline_graphics.filters = [];
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
    document.getElementById("answer")?.setAttribute("aria-live", "polite");
  }

  // gradio builds the page after this script has run, and may build the pad anew.
  let known = null;
  function look() {
    const pad = document.getElementById("pad");
    if (pad && pad !== known) ready((known = pad));
  }
  new MutationObserver(look).observe(document, { subtree: true, childList: true });
})();
