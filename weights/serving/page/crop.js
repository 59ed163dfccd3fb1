// A part of the picture is framed, with the pointer or with keys, and then read alone.
//
//   crop.of(file)          the part of this file's picture that was framed, [left, top, right, bottom] as shares; or null
//   crop.take(image, box)  frames this part
//   crop.leave(image)      takes the frame back: all of the picture is read
//
// A frame lies on the picture: round the part that is read, else round all of it, where it shows with the focus alone.
// The pointer draws it anew. Keys move and resize it.
(() => {
  const SMALLEST = 12; // pixels of a part's sides: less is a click, which takes the part back
  const WHOLE = [0, 0, 1, 1];
  const MIDDLE = [0.25, 0.25, 0.75, 0.75]; // where the first arrow key lays it
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const STEP = 0.02; // of the picture's side, for each press of such a key
  const RESTED = 400; // ms after the last key the part is read
  const KEYS = "Arrow keys move it. Shift and an arrow key resize it. Escape removes it, and all of the picture is read.";

  let framed = null; // {url, box}: the part that was framed last, and of which picture
  const of = (file) => (framed && framed.url === file?.url ? framed.box : null);

  let from = null; // where the pointer came down
  let frame = null;
  let resting = 0;
  const ask = () => document.dispatchEvent(new Event("picture:part"));
  const tell = (text) => (document.getElementById("said").textContent = text); // those who do not see the frame

  // Where the picture itself is: it may be smaller than its element.
  function place(image) {
    const box = image.getBoundingClientRect();
    const scale = Math.min(box.width / image.naturalWidth, box.height / image.naturalHeight);
    const [width, height] = [image.naturalWidth * scale, image.naturalHeight * scale];
    return { left: box.left + (box.width - width) / 2, top: box.top + (box.height - height) / 2, width, height };
  }

  function shares({ clientX, clientY }) {
    const { left, top, width, height } = place(from.image);
    return [(clientX - left) / width, (clientY - top) / height].map((share) => Math.min(Math.max(share, 0), 1));
  }

  // Lays the frame round a part of the picture, or all of it. Gives its sides in pixels.
  function layFrame(image, box) {
    if (frame?.parentElement !== image.parentElement) {
      frame = Object.assign(document.createElement("div"), { className: "frame", tabIndex: 0, role: "application" });
      frame.ariaLabel = `Frame round the part that is read. ${KEYS}`;
      frame.addEventListener("keydown", steer);
      image.parentElement.append(frame);
      resized.disconnect();
      resized.observe(image);
    }
    frame.classList.toggle("part", box !== WHOLE);
    const [left, top, right, bottom] = box;
    const [inner, outer] = [place(image), image.parentElement.getBoundingClientRect()];
    const [width, height] = [(right - left) * inner.width, (bottom - top) * inner.height];
    Object.assign(frame.style, {
      left: `${inner.left - outer.left + left * inner.width}px`,
      top: `${inner.top - outer.top + top * inner.height}px`,
      width: `${width}px`,
      height: `${height}px`,
    });
    return [width, height];
  }

  // The picture is as large as the window lets it be: a phone may be turned.
  const resized = new ResizeObserver(([{ target }]) => from || layFrame(target, framed?.box ?? WHOLE));

  function cut(event) {
    if (event.type === "pointerdown") {
      if (event.target !== pad.part("picture") || !event.isPrimary || event.button) return;
      event.preventDefault(); // would drag the picture away
      from = { image: event.target, id: event.pointerId };
      from.start = shares(event);
      event.target.setPointerCapture(event.pointerId);
      return;
    }
    if (event.pointerId !== from?.id) return;
    const end = shares(event);
    const box = [Math.min, Math.max].flatMap((pick) => [0, 1].map((i) => pick(from.start[i], end[i])));
    const [width, height] = layFrame(from.image, box);
    if (event.type === "pointermove") return;
    const { image } = from;
    from = null;
    if (Math.min(width, height) < SMALLEST || event.type === "pointercancel") return leave(image);
    clearTimeout(resting);
    take(image, box);
    frame.focus({ preventScroll: true }); // for keys, which are finer
  }

  function steer(event) {
    const image = pad.part("picture");
    if (event.key === "Escape" && framed) {
      leave(image);
      tell("All of the picture is read.");
    } else if (ARROWS[event.key] && !event.altKey && !event.ctrlKey && !event.metaKey) {
      const box = framed ? moved(framed.box, ARROWS[event.key], event.shiftKey, place(image)) : MIDDLE;
      framed = { url: image.getAttribute("src"), box };
      layFrame(image, framed.box);
      clearTimeout(resting);
      resting = setTimeout(rested, RESTED);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // A box that went one step further. resizes: its right or lower edge alone.
  function moved([left, top, right, bottom], [x, y], resizes, { width, height }) {
    const along = (low, high, by, least) => {
      if (resizes) return [low, Math.min(Math.max(high + by, low + least), 1)];
      const step = Math.min(Math.max(by, -low), 1 - high);
      return [low + step, high + step];
    };
    [left, right] = along(left, right, x * STEP, SMALLEST / width);
    [top, bottom] = along(top, bottom, y * STEP, SMALLEST / height);
    return [left, top, right, bottom];
  }

  function rested() {
    const [left, top, right, bottom] = framed.box.map((share) => `${Math.round(100 * share)}%`);
    tell(`Framed: ${left} to ${right} across, ${top} to ${bottom} down.`);
    ask();
  }

  function leave(image) {
    clearTimeout(resting);
    const was = framed;
    framed = null;
    layFrame(image, WHOLE);
    if (was) ask();
  }

  function take(image, box) {
    framed = { url: image.getAttribute("src"), box };
    layFrame(image, box);
    ask();
  }

  for (const type of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) document.addEventListener(type, cut);
  window.crop = { of, take, leave };
})();
