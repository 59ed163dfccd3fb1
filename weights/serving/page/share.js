// Copy a link that draws the same again, or save a picture of drawing and answer.
(() => {
  const LONGEST = 1800; // characters of strokes: links of 2,000 survive every messenger
  const SAVED = 10_000; // ms after which a browser has begun to save a file

  let ink = null; // canvas with what is on the pad
  const say = (button, text) => pictures.say(button, text);
  const get = (id) => document.getElementById(id);
  const hideLink = () => get("link")?.classList.remove("shown");

  async function copy(button) {
    hideLink();
    if (drawing.isNameless()) return say(button, "This digit has no link");
    const here = new URL(location.href);
    here.hash = drawing.text(LONGEST);
    if (!here.hash) return say(button, "Draw first");
    try {
      await navigator.clipboard.writeText(here.href);
      say(button, "Copied");
    } catch {
      // A Space runs inside a frame that may not write to the clipboard: then the visitor copies it.
      const input = get("link");
      input.classList.add("shown");
      input.value = here.href;
      input.focus();
      input.select();
    }
  }

  const said = (selector) => document.querySelector(selector)?.textContent.trim() ?? "";
  const one = () => pad.part("digit")?.textContent.trim() ?? "";
  // The text of several digits, a line at a time: <br> parts them.
  const lines = () =>
    [...(document.querySelector("#words strong")?.childNodes ?? [])]
      .map((node) => node.textContent.replaceAll(" ", ""))
      .filter(Boolean);

  // A picture of what is in sight: the drawing left, the answer right, and below it where it comes from.
  function picture() {
    const [width, height, side, edge] = [1000, 500, 400, 50];
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const c = canvas.getContext("2d");
    const style = getComputedStyle(document.querySelector("#words p"));
    const write = (text, x, y, size, colour, weight = 400, most = width - left - edge) => {
      c.font = `${weight} ${size}px ${style.fontFamily}`;
      c.fillStyle = style.getPropertyValue(colour);
      c.fillText(text, x, y, most);
    };
    const left = 2 * edge + side;
    c.textBaseline = "middle";
    c.fillStyle = style.getPropertyValue("--desk");
    c.fillRect(0, 0, width, height);
    c.fillStyle = "white";
    c.beginPath();
    c.roundRect(edge, edge, side, side, 14);
    c.fill();
    const photo = pictures.inSight() && pad.part("picture");
    const source = photo || ink;
    const [w, h] = photo ? [photo.naturalWidth, photo.naturalHeight] : [side, side];
    const scale = side / Math.max(w, h);
    if (source) c.drawImage(source, edge + (side - w * scale) / 2, edge + (side - h * scale) / 2, w * scale, h * scale);

    if (one()) write(one(), left, 130, one().length > 1 ? 56 : 170, "--accent", 700);
    const all = lines();
    const high = Math.min(170, 750 / Math.max(...all.map((line) => line.length)), 180 / all.length);
    all.forEach((line, i) => write(line, left, 130 + high * (i - (all.length - 1) / 2), high, "--accent", 700));
    write(said("#words p"), left, 240, 26, "--ink");
    c.textAlign = "center";
    document.querySelectorAll("#words .chart i").forEach((column, i) => {
      const [x, bottom, wide] = [left + 41 * i, 385, 34];
      const tall = Math.max(2, 80 * column.style.getPropertyValue("--p"));
      const colour = column.matches(".best") ? "--accent" : "--ink";
      c.fillStyle = style.getPropertyValue("--accent");
      c.fillRect(x, bottom - tall, wide, tall);
      write(column.firstChild.textContent, x + wide / 2, bottom - tall - 11, 14, colour);
      write(column.lastChild.textContent, x + wide / 2, bottom + 14, 16, colour, 400, wide);
    });
    c.textAlign = "left";
    write(`${document.title}  ·  ${location.host}${location.pathname.replace(/\/$/, "")}`, left, 440, 18, "--faded");
    return canvas;
  }

  function save(button) {
    const text = one() || lines().join("-");
    const isOld = document.querySelector("#answer.old"); // it belongs to the drawing before
    if (!text || isOld) return say(button, "No answer yet");
    picture().toBlob((blob) => download(blob, `${text.replaceAll(" ", "-")}.png`));
  }

  function download(blob, name) {
    const a = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), SAVED);
  }

  document.addEventListener("click", ({ target }) => {
    if (target.closest?.("#copy-link")) copy(target);
    if (target.closest?.("#save-picture")) save(target);
  });
  document.addEventListener("pad:ink", ({ detail }) => {
    ink = detail;
    hideLink(); // it was about another drawing
  });
  document.addEventListener("pad:clear", () => (ink = null));

  window.share = { download };
})();
