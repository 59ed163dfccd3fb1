// What the rooms share: pictures painted on canvases, bars, questions to the server, and what one room leaves another.
(() => {
  const SIDE = 28;
  const PIXELS = SIDE * SIDE;
  const DIGITS = [...Array(10).keys()];
  const FOR = [107, 184, 255]; // blue and orange on black, as in "Why" on the page Draw
  const AGAINST = [255, 140, 51];
  const DARK = 117; // the lightest grey on which white stands out more than black
  const MOVED = 0.004; // a bar that changed by less, a pixel or two, has no mark where it was

  const $ = (root, selector) => root.querySelector(selector);
  const $$ = (root, selector) => [...root.querySelectorAll(selector)];
  // What stays the same is left alone: else a screen reader would say it again.
  function put(root, selector, html) {
    const place = $(root, selector);
    if (place.innerHTML !== html) place.innerHTML = html;
  }
  const minus = (text) => text.replace("-", "−");
  const number = (value) => minus(value.toFixed(4).replace(/^-(?=0\.0+$)/, "")); // no −0.0000
  // Four digits that count: weights of the served network are whole numbers up to 127, a visitor's are below 1.
  const readable = (value) => minus(Number(value.toPrecision(4)).toLocaleString("en", { maximumSignificantDigits: 4 }));
  const bracketed = (value) => number(value).replace(/^−.*/, "($&)"); // after another sign
  // A loss in a row of several: three digits that count, or three decimal places.
  const brief = (value) => (value >= 100 ? readable(value) : value < 1 ? value.toFixed(3) : value.toPrecision(3));
  // As percent.py has them, as HTML. How sure a network is: a whole number of percent, neither 0% nor 100%.
  function percentSure(share) {
    if (share < 0.005) return "&lt;1%";
    return share < 0.995 ? `${Math.floor(100 * share + 0.5)}%` : "&gt;99%";
  }
  // A share of digits that were counted: one decimal place, two near 0 and 100%; "100%" and "0%" have none.
  function percentRight(share) {
    const text = (100 * share).toFixed(share > 0.9995 || share < 0.0005 ? 2 : 1);
    return `${text.replace(/^(100|0)\.00$/, "$1")}%`;
  }
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const base64 = (array) => btoa(Array.from(array, (byte) => String.fromCharCode(byte)).join(""));
  const unpacked = (text) => new Float32Array(bytes(text).buffer);
  // An array of several pictures of `size` numbers -> a list of plain lists.
  const pieces = (array, size = PIXELS) =>
    Array.from({ length: array.length / size }, (_, i) => Array.from(array.subarray(size * i, size * (i + 1))));
  const greys = (levels) => Array.from(levels, (value) => value / 255);
  const best = (probs) => probs.indexOf(Math.max(...probs));
  const runnerUp = (probs) => best(probs.map((prob, k) => (k === best(probs) ? -1 : prob)));
  const name = (index) => (index < 10 ? String(index) : "not a digit");
  const article = (digit) => `${Number(digit) === 8 ? "an" : "a"} ${digit}`;

  function softmax(logits) {
    const top = Math.max(...logits);
    const exps = logits.map((logit) => Math.exp(logit - top));
    const sum = exps.reduce((a, b) => a + b);
    return exps.map((e) => e / sum);
  }

  // Of several digits the one that was chosen on Draw is shown there step by step. Without one the first is taken; a sign
  // may stand before it.
  const chosenImage = () => document.querySelector("#why ol:not(.blank) > .seen img");
  function firstOfSeveral() {
    const tiles = $$(document, "#why button[data-tile]"); // without the boxes on the sheet
    return chosenImage() ? null : (tiles.find((tile) => /\d/.test($(tile, "b").textContent)) ?? tiles[0]);
  }

  // What the network saw of the newest drawing, as 784 integers; null before anything is drawn.
  async function drawing() {
    const image = chosenImage() ?? firstOfSeveral()?.querySelector("img");
    if (!image) return null;
    const { src } = image;
    try {
      await image.decode();
    } catch {
      return image.isConnected && image.src === src ? null : drawing(); // a newer one took its place meanwhile
    }
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = SIDE;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0, SIDE, SIDE);
    const { data } = context.getImageData(0, 0, SIDE, SIDE);
    return Array.from({ length: PIXELS }, (_, i) => data[4 * i]);
  }

  // Paints a square of numbers. Grey: in [0, 1]. Otherwise blue above zero and orange below, full at `most`.
  function paint(canvas, values, most = 0) {
    const side = (canvas.width = canvas.height = Math.sqrt(values.length));
    const context = canvas.getContext("2d");
    const image = context.createImageData(side, side);
    for (let i = 0; i < values.length; i++) {
      const share = most ? Math.min(Math.abs(values[i]) / most, 1) : values[i];
      const colour = most ? (values[i] > 0 ? FOR : AGAINST) : [255, 255, 255];
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = Math.round(share * colour[c]);
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }
  // The attribute of a cell that is as light as its number, in [0, 1], which is written on it.
  function greyCell(level) {
    const grey = Math.round(255 * level);
    return `style="background:rgb(${grey},${grey},${grey});color:${grey > DARK ? "#000" : "#fff"}"`;
  }

  const strongest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);

  // Bars of probabilities, one a class; `before` leaves a mark where a bar was. The longest one stands out, unless they
  // are shares of each digit that were counted.
  function bars(probs, before = null, areCounted = false) {
    const written = areCounted ? percentRight : percentSure;
    return probs
      .map((prob, i) => {
        const mark = before && Math.abs(before[i] - prob) > MOVED ? `<s style="left:${100 * before[i]}%"></s>` : "";
        const top = !areCounted && i === best(probs) ? ' class="top"' : "";
        return `<li${top}><b>${i < 10 ? i : "none"}</b><i><u style="width:${100 * prob}%"></u>${mark}</i><em>${written(prob)}</em></li>`;
      })
      .join("");
  }

  // A picture that is pointed at, or walked over with the arrow keys. at: is told the place, as shares of its sides. by: is
  // told how far right and down.
  function pointed(picture, at, by) {
    const point = ({ clientX, clientY }) => {
      const { left, top, width, height } = picture.getBoundingClientRect();
      at((clientX - left) / width, (clientY - top) / height);
    };
    picture.addEventListener("pointermove", (event) => event.pointerType === "mouse" && point(event));
    picture.addEventListener("pointerdown", point);
    picture.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!move || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return; // Alt and left: Back
      event.preventDefault();
      by(...move);
    });
  }

  // Where an element with the focus is gone, or cannot be pressed any longer, its successor gets it.
  function succeed(successor) {
    const { activeElement } = document;
    if (activeElement === document.body || activeElement.disabled) successor?.focus({ preventScroll: true });
  }

  // Scrolls until the element is in sight; in one go for those who want no motion.
  function glideTo(element, block) {
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    element.scrollIntoView({ block, behavior: isStill ? "auto" : "smooth" });
  }

  // Esc closes what a word says, until it is left.
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    for (const word of $$(document, ".lab .word:is(:focus, :hover)")) {
      word.classList.add("closed");
      for (const type of ["blur", "pointerleave"])
        word.addEventListener(type, () => word.classList.remove("closed"), { once: true });
    }
  });

  // What a room says of the picture that it shows, where that may surprise. The example is the server's.
  function whichPicture(pixels) {
    const padless = document.documentElement.matches(".padless"); // nothing can be drawn
    if (!pixels)
      return `This picture is an example. ${padless ? "Add a picture" : "Draw a digit"} on <a href='#draw'>Draw</a>, and it appears here.`;
    return firstOfSeveral() ? "This is the first of several digits; choose another on <a href='#draw'>Draw</a>." : "";
  }

  // Asks whenever the element comes into sight, or an answer comes while it is, about another picture, other words about
  // it, or something else that `about` names. Gives the function that looks again.
  // ask: gives false when nothing was answered. Then, or if it fails, the next look asks once more.
  function follow(element, ask, given = drawing, about = () => "") {
    let asked;
    const look = async () => {
      const pixels = await given();
      const key = `${about()} ${pixels} ${whichPicture(pixels)}`;
      if (key === asked) return;
      asked = key;
      let done = false;
      try {
        done = await ask(pixels);
      } finally {
        if (!done && asked === key) asked = null;
      }
    };
    new IntersectionObserver((seen) => seen.some((each) => each.isIntersecting) && look()).observe(element);
    const why = document.getElementById("why"); // what the network saw of the drawing comes with each answer
    new MutationObserver(() => element.offsetParent && look()).observe(why, { childList: true, subtree: true });
    return look;
  }

  // The answer, or null where there is none: then the first .problem in the element says why.
  async function answered(element, question) {
    const problem = $(element, ".problem");
    try {
      const answer = await question;
      problem.textContent = answer.error ?? "";
      return answer.error ? null : answer;
    } catch {
      problem.textContent = "The server is busy or does not answer. Try again in a moment.";
      return null;
    }
  }

  // A reload of this tab loses nothing of this, if the browser keeps anything for this page.
  function keep(name, value) {
    try {
      sessionStorage.setItem(name, JSON.stringify(value));
    } catch {
      // then it does
    }
  }

  function kept(name) {
    try {
      return JSON.parse(sessionStorage.getItem(name));
    } catch {
      return null;
    }
  }

  // What one room leaves another: the visitor's own network as it is now, {run, kernels, version}, and a digit that was
  // tapped.
  const shared = { own: kept("own") ?? { run: null, kernels: 0, version: 0 }, tapped: null };

  // The tapped digit, until something else is drawn; otherwise the drawing.
  async function tappedOrDrawn() {
    const pixels = await drawing();
    if (shared.tapped && String(pixels) !== shared.tapped.beside) shared.tapped = null;
    return shared.tapped?.pixels ?? pixels;
  }

  async function tap(pixels, label, room) {
    shared.tapped = { pixels, label, beside: String(await drawing()) };
    window.rooms.go(room);
  }

  const signed = (value, most) =>
    `<i class="signed"><u class="${value < 0 ? "minus" : ""}" style="width:${(50 * Math.abs(value)) / most}%"></u></i>`;

  const tools = {
    SIDE, PIXELS, DIGITS, $, $$, put, minus, number, readable, bracketed, brief, percentSure, percentRight, bytes, base64,
    unpacked, pieces, greys, best, runnerUp, name, article, softmax, drawing, whichPicture, paint, greyCell, strongest, bars,
    signed, pointed, succeed, glideTo, follow, answered, keep, kept, shared, tappedOrDrawn, tap,
  };
  window.lab = Object.assign(window.lab ?? {}, { tools });
})();
