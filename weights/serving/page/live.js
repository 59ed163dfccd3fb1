// An answer while the stroke is still being drawn.
//
// The pad tells nobody of a stroke before it ends, but it keeps the stroke's segments. They are drawn again here, on a
// small canvas of our own over the ink that was there before, so that nothing is read back from the graphics card while
// the hand moves. Every EVERY ms this canvas is sent to POST /live, one request at a time. The answer goes into the same
// components as the final one: on live:show the page (app.py) takes it from here.
(() => {
  const EVERY = 120; // ms between two looks at a stroke
  const SIDE = 200; // preprocessing reduces the pad's 400 pixels to this many as well
  const LOST = "<p>The server does not answer. Keep drawing: I will ask again.</p>";
  const GONE_PICTURE = "<p>The server has deleted this picture by now. Add it again.</p>";
  const LOST_PICTURE = "<p>The server does not answer. Add the picture again in a moment.</p>";
  const PATIENCE = 10000; // ms without a final answer after which the live one goes
  const SOON = 5000; // ms that a live answer is waited for; the next stroke asks for its own
  const LOOK = 3000; // ms between two looks whether a server that was lost answers again

  const ink = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const paper = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const pen = ink.getContext("2d");

  let down = false; // a stroke is being drawn
  let drawn = 0; // how many of its segments are on our canvas
  let timer = 0;
  let asking = false;
  let again = false; // there is more to see than was sent
  let off = false; // the server has had enough, until the next stroke
  let values = []; // what the page shall show: of gr.Label, and the words beside it
  let patience = 0;
  let looking = 0;

  // The live answer is shown until the final one to the same strokes is there, and never after it.
  let strokes = 0; // begun so far; a clear counts as one
  let read = 0; // of these, how many the pad had finished when its ink was last read
  let asked = 0; // and how many the last question for a final answer was about
  let settled = 0; // and how many the final answer in sight is about
  let lost = false; // the newest ink did not reach the server

  const answer = () => document.getElementById("answer");

  function follow() {
    const all = pad.segments();
    if (all.length <= drawn) return false;
    const scale = SIDE / pad.side;
    pen.lineCap = "round";
    for (const { from_x, from_y, to_x, to_y, size, mode } of all.slice(drawn)) {
      pen.globalCompositeOperation = mode === "erase" ? "destination-out" : "source-over";
      pen.lineWidth = 2 * size * scale;
      pen.beginPath();
      pen.moveTo(from_x * scale, from_y * scale);
      pen.lineTo(to_x * scale, to_y * scale + 0.01); // a dot is a line as well
      pen.stroke();
    }
    drawn = all.length;
    return true;
  }

  function blank() {
    pen.globalCompositeOperation = "source-over";
    pen.clearRect(0, 0, SIDE, SIDE);
  }

  async function ask() {
    if (off) return;
    again = asking;
    if (asking) return;
    asking = true;
    const about = strokes;
    try {
      const sheet = paper.getContext("2d");
      sheet.fillStyle = "white";
      sheet.fillRect(0, 0, SIDE, SIDE);
      sheet.drawImage(ink, 0, 0);
      const body = await new Promise((done) => paper.toBlob(done));
      const response = await fetch("live", { method: "POST", body, signal: AbortSignal.timeout(SOON) });
      if (!response.ok) throw response.status;
      const { label, words } = await response.json();
      if (about === strokes && settled < strokes) show(label, words);
    } catch {
      off = true; // the final answer comes on its own way
    }
    asking = false;
    if (again) ask();
  }

  function show(label, words) {
    values = [label, words];
    document.dispatchEvent(new Event("live:show"));
    answer()?.classList.add("live");
    answer()?.classList.remove("old");
    clearTimeout(patience);
    patience = setTimeout(late, PATIENCE);
  }

  // While a stroke is drawn its answers change several times a second. A screen reader waits for what is said after it.
  const setBusy = (is) => document.getElementById("words")?.setAttribute("aria-busy", is);

  // An old answer beside a new drawing would be a wrong one, and so would "Nothing here yet": it fades until the new one
  // comes.
  function fade() {
    answer()?.classList.add("old");
  }

  // No final answer is due while the stroke goes on, however long the pen rests.
  function late() {
    if (down) patience = setTimeout(late, PATIENCE);
    else away();
  }

  function away() {
    lost = true;
    unanswered = "";
    setBusy(false);
    show({}, pictures.inSight() ? LOST_PICTURE : LOST);
    clearTimeout(patience);
    clearInterval(looking);
    if (!pictures.inSight()) looking = setInterval(lookForServer, LOOK); // a picture did not arrive: nothing to ask about
  }

  async function lookForServer() {
    if (!lost) return clearInterval(looking);
    const patient = { method: "HEAD", signal: AbortSignal.timeout(LOOK) };
    const { ok } = await fetch("health", patient).catch(() => ({}));
    if (ok && lost && !down && !pictures.inSight()) document.dispatchEvent(new Event("live:ask"));
  }

  function tick() {
    if (follow()) ask();
  }

  document.addEventListener("pad:begin", () => {
    down = true;
    off = false;
    drawn = 0;
    strokes += 1;
    setBusy(true);
    fade();
    clearInterval(timer);
    timer = setInterval(tick, EVERY);
  });

  // The strokes of a link or of the page before are about to come.
  document.addEventListener("drawing:begin", fade);

  document.addEventListener("pad:end", () => {
    if (!down) return;
    down = false;
    clearInterval(timer);
    if (answer()?.matches(".live")) {
      clearTimeout(patience);
      patience = setTimeout(late, PATIENCE); // from here on the final answer is due
    }
    setBusy(false);
    setTimeout(tick); // after the pad has put the stroke among the finished ones
  });

  document.addEventListener("pad:ink", ({ detail }) => {
    blank();
    pen.drawImage(detail, 0, 0, SIDE, SIDE);
    read = down ? strokes - 1 : strokes;
    drawn = down ? 0 : Infinity;
    follow();
  });

  document.addEventListener("pad:clear", () => {
    blank();
    read = ++strokes;
    drawn = Infinity;
    again = lost = false;
    if (pictures.inSight()) return; // the answer in sight is not the pad's
    if (answer()?.matches(".live, .old, :has(h2)") || document.querySelector("#words strong")) show({}, "");
  });

  document.addEventListener("pad:asked", () => {
    lost = false;
    asked = read;
  });

  // Whatever it was that did not reach the server, gradio does not ask about it again.
  document.addEventListener("pad:lost", away);

  document.addEventListener("click", ({ target }) => {
    if (target.closest?.("#examples [data-index], #network [data-mistake], #input [role=tab]:not([aria-selected=true])")) fade();
  });

  // Undo may change the drawing, or there is nothing to undo.
  document.addEventListener("click", ({ target }) => {
    if (!pad.part("undo")?.contains(target)) return;
    const before = pad.strokes().length;
    setTimeout(() => pad.strokes().length !== before && fade());
  }, { capture: true });

  // Gradio counts a question as asked once it is sent. Ink takes a while to upload, and a later question may overtake it:
  // the older one would be answered last. So a question that was overtaken is not sent, and none is sent while another
  // waits for its answer. Nor is a second one about a picture that waits: gradio asks twice when one takes the place of
  // another.
  const BLANK = { background: null, layers: [], composite: null };
  let newest = null; // the newest question
  let sent = null; // the one that was sent last
  let answered = Promise.resolve(); // once that one has its answer
  let hasAnswer = () => {}; // ends that wait
  let unanswered = ""; // the picture that was asked about last, until there is an answer
  const never = () => new Promise(() => {});

  async function inSight(drawing, picture) {
    if (pictures.inSight()) {
      lost = false;
      const file = await pictures.shown(picture);
      if (file !== undefined) return [null, file, crop.of(file)];
      show({}, GONE_PICTURE);
      clearTimeout(patience);
      return null;
    }
    return [(await pad.withNewestInk(drawing)) ?? BLANK, null, null];
  }

  async function given(drawing, picture) {
    const mine = (newest = {});
    if (!pictures.inSight()) await answered; // and then ask about the ink of that moment
    const values = await inSight(drawing, picture);
    if (mine !== newest || !values) return never();
    const [, file, part] = values;
    const same = file ? [file.url, part].join() : "";
    if (same && same === unanswered) {
      newest = sent;
      return never();
    }
    await answered;
    if (mine !== newest) return never();
    sent = mine;
    unanswered = same;
    answered = new Promise((done) => {
      hasAnswer = done;
      setTimeout(done, PATIENCE); // the answer was lost on its way
    });
    return values;
  }

  window.live = {
    given,
    // The same once more, for words about what could not be read, unless a newer question waits.
    failed(drawing, picture) {
      hasAnswer();
      return newest === sent ? live.again(drawing, picture) : never();
    },
    // The words about a picture that could not be read are in sight. A drawing's go on waiting for the next answer.
    unread() {
      pictures.endReading();
      if (pictures.inSight() && newest === sent) answer()?.classList.remove("old");
    },
    // These words did not come either. A drawing is asked about again; see `late`.
    unsaid() {
      if (pictures.inSight() && newest === sent) away();
    },
    // The same once more, for the way of one of several digits. A newer question goes first.
    async again(drawing, picture) {
      unanswered = "";
      const before = newest;
      const values = await inSight(drawing, picture);
      return before === newest && values ? values : never();
    },
    // The page shows these in gr.Label and the words beside it.
    shown: () => values,
    // The page has the final answer to what was asked about last.
    final() {
      hasAnswer();
      pictures.endReading();
      unanswered = "";
      answer()?.classList.remove("old");
      settled = pictures.inSight() ? strokes : asked; // a picture has no strokes to come
      if (settled !== strokes || lost) return;
      clearTimeout(patience);
      answer()?.classList.remove("live");
    },
  };
})();
