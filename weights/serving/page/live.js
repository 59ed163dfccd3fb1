// An answer while the stroke is still being drawn.
//
// The pad tells nobody of a stroke before it ends, but its editor keeps the stroke's segments. They are drawn again here,
// on a small canvas of our own over the ink that was there before, so that nothing is read back from the graphics card
// while the hand moves. Every EVERY ms this canvas is sent to POST /live, one request at a time, and the answer is shown
// in the place of the final one until that has come.
(() => {
  const EVERY = 120; // ms between two looks at a stroke
  const SIDE = 200; // preprocessing reduces the pad's 400 pixels to this many as well
  const LOST = "The server does not answer. Draw on, and I ask again.";
  const PATIENCE = 10000; // ms without a final answer after which the live one goes

  const ink = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const paper = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const pen = ink.getContext("2d");

  let editor = null;
  let down = false; // a stroke is being drawn
  let drawn = 0; // how many of its segments are on our canvas
  let timer = 0;
  let asking = false;
  let again = false; // there is more to see than was sent
  let off = false; // the server has had enough, until the next stroke

  // The live answer is shown until the final one to the same strokes is there, and never after it.
  let strokes = 0; // begun so far; a clear counts as one
  let read = 0; // of these, how many the pad had finished when its ink was last read
  let asked = 0; // and how many the last question for a final answer was about
  let settled = 0; // and how many the final answer in sight is about
  let lost = false; // the newest ink did not reach the server

  const textures = () => editor?.tools.get("brush")?.brush_textures;
  const box = () => document.getElementById("answer");

  function segments() {
    const current = textures()?.current_stroke_segments ?? [];
    return current.length || down ? current : (editor.command_manager.history.command?.stroke_data?.segments ?? []);
  }

  function follow() {
    const all = segments();
    if (all.length <= drawn) return false;
    const scale = SIDE / editor.width;
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
      const response = await fetch("live", { method: "POST", body });
      if (!response.ok) throw response.status;
      const answer = await response.json();
      if (about === strokes && settled < strokes) show(answer);
    } catch {
      off = true; // the final answer comes on its own way
    }
    asking = false;
    if (again) ask();
  }

  function show({ answer, top, words }) {
    const [digit, ...rest] = [...document.querySelectorAll("#live strong, #live .row, #live p")];
    if (!digit) return;
    digit.textContent = answer;
    digit.style.setProperty("--count", answer.split(" ").length);
    digit.className = top.length ? (answer.length > 1 ? "long" : "") : "several";
    const line = rest.pop();
    line.textContent = words;
    rest.forEach((row, i) => {
      const [name, share] = top[i] ?? ["", 0];
      const long = name.length > 1;
      row.querySelector("b").textContent = long ? "none" : name;
      row.querySelector("b").className = long ? "none" : "";
      row.querySelector("u").style.width = `${share * 100}%`;
      row.querySelector("span").textContent = name && `${Math.round(share * 100)}%`;
    });
    box()?.classList.add("live");
    clearTimeout(show.end);
    show.end = setTimeout(hide, PATIENCE);
  }

  function hide() {
    box()?.classList.remove("live");
  }

  function begin() {
    if (!editor.tools.get("brush").is_drawing) return;
    down = true;
    off = false;
    drawn = 0;
    strokes += 1;
    clearInterval(timer);
    timer = setInterval(tick, EVERY);
  }

  function tick() {
    if (follow()) ask();
  }

  document.addEventListener("pad:ready", ({ detail }) => {
    editor = detail;
    const stage = editor.app.stage;
    stage.on("pointerdown", () => setTimeout(begin)); // after the brush has taken it up
    const up = () => {
      if (!down) return;
      down = false;
      clearInterval(timer);
      setTimeout(tick); // after the pad has put the stroke among the finished ones
    };
    stage.on("pointerup", up);
    stage.on("pointerupoutside", up);
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
    if (box()?.matches(".live, :has(h2)")) show({ answer: "", top: [], words: "" });
  });

  // Called by pad.js when the page asks for the final answer to a drawing, by the page (app.py) when that stands, and by
  // pad.js when the drawing does not reach the server: an old answer beside new ink would be a wrong one.
  window.live = {
    asked() {
      lost = false;
      asked = read;
    },
    final() {
      settled = asked;
      if (settled === strokes && !lost) hide();
    },
    lost() {
      lost = true;
      show({ answer: "", top: [], words: LOST });
      clearTimeout(show.end);
    },
  };
})();
