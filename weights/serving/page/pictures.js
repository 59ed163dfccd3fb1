// Pictures: taken, chosen or pasted.
//
//   pictures.inSight()    whether the tab for pictures is open
//   pictures.shown(file)  a promise of the file of the picture that is shown; without one, of the file that gradio gave;
//                         of undefined when the server has deleted it
//   pictures.openTab()    opens the tab to which the example or the misread digit goes that was pressed last
//   pictures.comesBack()  whether a reload is to bring a picture back
//   pictures.endReading() says no longer that a picture is being read
(() => {
  const TRIES = 50; // until gradio has built what was asked for
  const BETWEEN = 100; // ms between two of them
  const SAID = 2500; // ms that a button says something
  // When a tab is opened for the first time, gradio builds what is in it, waits for a frame or two, and then sets every
  // value to the one that the page began with. A picture that was there already would be gone.
  const FRAMES = 3;
  const REFUSALS = { 413: "Larger than 20 MB", 429: "Busy: try again" }; // by the status of the server's answer
  const READING = "Reading the picture …";
  const KEPT = "picture"; // its name in the tab's session storage
  const FRESH = 9 * 60_000; // ms that the server keeps a picture at least
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const inSight = () => Boolean(document.getElementById("picture")?.offsetParent);

  // A question that opening the tab asks may carry the picture from before, and be answered last: what counts is the
  // picture in sight. Its address holds the path that the server knows it by.
  const address = () => pad.part("picture")?.getAttribute("src");
  function inPlaceOf(file) {
    const url = address();
    const path = url?.split("/file=")[1];
    if (!path || url === file?.url) return file;
    return { path: decodeURIComponent(path), url, meta: { _type: "gradio.FileData" } };
  }

  // A picture may be in sight for longer than the server keeps it, in a lecture for one. Then its file goes there again.
  let sent = null; // {file, number}: the file that gradio took last, and the number of its picture
  let since = 0; // when the server got it
  async function shown(given) {
    const file = inPlaceOf(given) ?? null;
    if (!file || Date.now() - since < FRESH) return file;
    const there = await fetch(file.url, { cache: "no-store", headers: { Range: "bytes=0-0" } }).catch(() => null);
    if (!there || there.ok) return file; // a server that does not answer is said elsewhere
    if (sent?.number !== newest) return undefined;
    const body = new FormData();
    body.append("files", sent.file);
    const answer = await fetch(`${file.url.split("/file=")[0]}/upload`, { method: "POST", body }).catch(() => null);
    if (!answer?.ok) return undefined;
    since = Date.now();
    const [path] = await answer.json();
    return { ...file, path };
  }

  // The tab for pictures, and what takes a file in it.
  async function open() {
    if (!inSight()) pad.part("pictureTab").click();
    await there("file");
    for (let frames = 0; frames < FRAMES; frames++) await new Promise(requestAnimationFrame);
    return pad.part("file");
  }

  let newest = 0; // number of the picture that was taken last: an earlier one that takes longer does not replace it
  let tab = "padTab";
  document.addEventListener("click", ({ target }) => {
    const taken = target.closest?.("#examples [data-index], #network [data-mistake]");
    if (!taken) return;
    const isDrawing = taken.matches("[data-drawing], [data-mistake]") && !document.documentElement.matches(".padless");
    tab = isDrawing ? "padTab" : "pictureTab";
    newest += 1;
  });

  // Gradio's own input takes the file, as if it had been chosen there. Gives whether it does.
  async function give(file, mine = ++newest) {
    const input = await open();
    if (mine !== newest) return false;
    if (!input) {
      say(chooser(), "That did not work: try again");
      return false;
    }
    const files = new DataTransfer();
    files.items.add(file);
    input.files = files.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    return true;
  }

  // The input is not there before the tab was opened, nor while the camera is on.
  async function there(name) {
    for (let tries = 0; !pad.part(name) && tries < TRIES; tries++) {
      if (name === "file") pad.part("upload")?.click();
      await pause(BETWEEN);
    }
    return pad.part(name);
  }

  // Browsers show no HEIC, which iPhones store: the server makes a JPEG of it. Many do not know its type.
  const isHeic = (file) => /\.hei[cf]$/i.test(file?.name ?? "") || /^image\/hei[cf]/.test(file?.type ?? "");
  const isPicture = (file) => file.type.startsWith("image/") || isHeic(file);
  const firstPicture = (files) => [...files].find(isPicture) ?? files[0];

  async function giveHeic(file) {
    const mine = ++newest;
    await open();
    try {
      const sent = fetch("heic", { method: "POST", body: file });
      say(chooser(), "Reading it …", sent.catch(() => {}));
      const answer = await sent;
      if (mine !== newest) return;
      if (!answer.ok) return say(chooser(), REFUSALS[answer.status] ?? "I cannot read this HEIC");
      const picture = new File([await answer.blob()], `${file.name}.jpg`, { type: "image/jpeg" });
      if (inSight()) give(picture, mine); // the visitor may draw by now, or be in another room
    } catch {
      if (mine === newest) say(chooser(), "The server does not answer");
    }
  }

  // What gradio is about to take. A HEIC it would refuse, of a file that is no picture it would say "Only image/*
  // allowed", and after one that is too large nothing would follow.
  function take(event, files) {
    newest += 1;
    const file = firstPicture(files);
    if (!file) return;
    if (file === files[0] && isPicture(file) && !isHeic(file) && !isTooLarge(file)) {
      sent = { file, number: newest };
      document.getElementById("answer").classList.add("old"); // until live.js has the answer to this one
      return say(null, READING);
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    giveAny(file);
  }

  async function giveAny(file) {
    const why = isTooLarge(file) ? REFUSALS[413] : isPicture(file) ? "" : "Not a picture: choose another";
    if (!why) return isHeic(file) ? giveHeic(file) : give(file);
    newest += 1;
    await open();
    say(chooser(), why);
  }

  const chooser = () => document.querySelector("#ways [data-way=choose]");
  // Not known before the tab was opened; `take` asks once more.
  const isTooLarge = (file) => file.size > Number(chooser()?.dataset.mostBytes);
  const isPhone = () => matchMedia("(pointer: coarse)").matches;
  const isMac = /Mac/.test(navigator.platform);

  // The browser may let no button read the clipboard.
  async function paste(button) {
    try {
      for (const item of await navigator.clipboard.read()) {
        const type = item.types.find((each) => each.startsWith("image/"));
        if (type) return give(new File([await item.getType(type)], "pasted", { type }));
      }
      say(button, "No picture to paste");
    } catch {
      say(button, isPhone() ? "Not allowed here: choose a file" : `Press ${isMac ? "⌘V" : "Ctrl+V"}`);
    }
  }

  // A button says what became of it, for a while or until this promise is settled; #said says it to those who do not see
  // it. Without a button it is said to them alone.
  async function say(button, text, until = pause(SAID)) {
    document.getElementById("said").textContent = text;
    if (!button) return;
    button.dataset.name ??= button.textContent;
    button.textContent = text;
    const mine = (button.saying = {});
    await until;
    if (button.saying === mine) button.textContent = button.dataset.name;
  }

  function endReading() {
    const said = document.getElementById("said");
    if (said.textContent === READING) said.textContent = "";
  }

  // Gradio asks nothing about a picture that did not reach the server: the answer in sight is the one before.
  function notSent() {
    sent = null;
    document.getElementById("answer").classList.remove("old");
    endReading();
  }
  document.addEventListener("pad:refused", ({ detail: file }) => {
    if (isUnderWay() && file.size === sent.file.size && file.name === sent.file.name) notSent();
  });
  document.addEventListener("pad:lost", () => (isUnderWay() ? notSent() : endReading()));

  // Why there is none; gradio would say nothing.
  async function noCamera() {
    if (!navigator.mediaDevices) return "The camera needs https";
    const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    if (!devices.some(({ kind }) => kind === "videoinput")) return "No camera found";
    const permission = await navigator.permissions?.query({ name: "camera" }).catch(() => null);
    return permission?.state === "denied" ? "Camera not allowed" : "";
  }

  // A phone has a camera app of its own; elsewhere gradio shows what the camera sees.
  async function photo(button, input) {
    if (isPhone()) return input.click();
    newest += 1;
    const why = await noCamera();
    if (why) return say(button, why);
    for (const name of ["webcam", "camera"]) {
      const part = await there(name);
      if (inSight()) part?.click(); // the visitor may have left meanwhile
    }
  }

  // Ends the camera when its tab is out of sight.
  function endCamera() {
    if (inSight()) return;
    const tracks = document.querySelector("#picture video")?.srcObject?.getTracks() ?? [];
    const live = tracks.filter((track) => track.readyState === "live");
    for (const track of live) track.stop();
    if (live.length) pad.part("upload")?.click(); // what gradio shows in the place of the camera
  }
  document.addEventListener("playing", endCamera, { capture: true }); // who has left may allow it only now
  document.addEventListener("click", () => setTimeout(endCamera)); // once the tab that was clicked is open

  document.addEventListener("click", async ({ target }) => {
    const button = target.closest?.("#ways button");
    if (!button) return;
    if (button.dataset.way === "paste") paste(button);
    if (button.dataset.way === "choose") {
      const input = await there("file");
      if (input) input.accept = "image/*,.heic,.heif"; // without their suffixes some systems hide them
      input?.click();
    }
    if (button.dataset.way === "photo") photo(button, button.parentElement.querySelector("input"));
  });
  document.addEventListener("change", ({ target }) => {
    if (!target.matches?.("#ways input") || !target.files.length) return;
    const [file] = target.files;
    target.value = ""; // the same one may be chosen again
    giveAny(file);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches?.("#picture input[type=file]")) take(event, event.target.files);
  }, { capture: true });
  // A file may be dropped anywhere: the browser would leave the page, and the drawing or the network, to show it.
  const isOpen = () => Boolean(document.getElementById("stage")?.offsetParent);
  document.addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    const files = [...(event.dataTransfer?.files ?? [])];
    if (event.target.closest?.("#picture")) return take(event, files);
    if (!files.length) return;
    event.preventDefault();
    if (!isOpen()) return; // Train one takes files of its own
    event.stopImmediatePropagation();
    giveAny(firstPicture(files));
  }, { capture: true });
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find(isPicture);
    if (!file || pad.isTyping(event.target)) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // gradio would take it a second time
    if (!isOpen()) return; // as with a file that is dropped in another room
    giveAny(file);
  }, { capture: true });

  // --- The input in sight ---

  // The other rooms show what is in the input in sight. Who drew, looked for a picture and brought none, and then goes to
  // another room, means the drawing.
  let isDrawn = false;
  let arrived = 0; // number of the newest picture that came into sight
  const isUnderWay = () => sent?.number === newest && arrived !== newest;
  const hasInk = (canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value, i) => i % 4 === 3 && value); // black ink: only its alpha matters
  };
  document.addEventListener("pad:ink", ({ detail }) => (isDrawn = hasInk(detail))); // Undo may have left none
  document.addEventListener("pad:clear", () => (isDrawn = false));
  document.addEventListener("click", ({ target }) => {
    const room = target.closest?.("#rooms > .tab-wrapper [role=tab]:not([aria-selected=true])");
    if (room && isDrawn && inSight() && !address() && !isUnderWay()) pad.part("padTab").click();
  }, { capture: true });

  // --- A reload ---
  //
  // It keeps the picture that is in sight, as it keeps a drawing, but no longer than the server does, as the page
  // promises: what the tab keeps is the picture's address there, and which part was framed.

  let waiting = drawing.returns() ? kept() : null; // what was kept, until it is asked for
  let returning = null; // {number, box}: the picture that comes back, and its part

  function kept() {
    try {
      return JSON.parse(sessionStorage.getItem(KEPT));
    } catch {
      return null; // the browser keeps nothing for this page
    }
  }

  function keep() {
    const isChosen = pad.part("pictureTab")?.getAttribute("aria-selected") === "true"; // also while another room is open
    const url = isChosen ? address() : null;
    try {
      if (waiting) return; // Draw was not in sight yet
      if (url) sessionStorage.setItem(KEPT, JSON.stringify({ url, box: crop.of({ url }) }));
      else sessionStorage.removeItem(KEPT);
    } catch {
      // as above
    }
  }

  async function bringBack() {
    if (!waiting) return;
    const { url, box } = waiting;
    const number = ++newest;
    waiting = null;
    const answer = await fetch(url).catch(() => null);
    if (number !== newest) return;
    if (!answer?.ok) {
      await open();
      return say(chooser(), "Deleted by now: choose again");
    }
    const picture = await answer.blob();
    if (number !== newest) return;
    const file = new File([picture], decodeURIComponent(url.split("/").at(-1)), { type: picture.type });
    if (await give(file, number)) returning = { number: newest, box };
  }

  // Not before the pad is there and Draw in sight: a question about a picture out of sight would be about the pad.
  function whenInSight({ type }) {
    let isOnlyWay = type === "pad:none"; // without a pad
    new IntersectionObserver((seen) => {
      if (!seen.some((each) => each.isIntersecting)) return;
      if (isOnlyWay) pad.part("pictureTab").click();
      isOnlyWay = false;
      bringBack();
    }).observe(document.getElementById("stage"));
  }
  for (const type of ["drawing:opened", "pad:none"]) document.addEventListener(type, whenInSight, { once: true });
  // Who draws or brings another picture before it is there waits for it no longer.
  document.addEventListener("pad:begin", () => {
    waiting = null;
    newest += 1;
  });
  document.addEventListener("load", ({ target }) => {
    if (target !== pad.part("picture")) return;
    since = Date.now();
    arrived = newest;
    crop.leave(target);
    if (returning?.number !== newest || !returning.box) return;
    crop.take(target, returning.box);
    returning = null;
  }, { capture: true });
  for (const type of ["pagehide", "visibilitychange"]) addEventListener(type, keep); // some phones tell the second alone

  window.pictures = { inSight, shown, say, openTab: () => pad.part(tab).click(), comesBack: () => Boolean(waiting), endReading };
})();
