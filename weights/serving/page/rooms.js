// The rooms of the page: a link to #lab, #inside or #fool opens one. #lab=64,wild also sets the
// network there, #inside=scores the step and #inside=kernels or #inside=learn the section. Back returns to the room
// before.
(() => {
  const ROOMS = ["draw", "lab", "inside", "fool"]; // in the order of the tabs
  const named = (hash) => ROOMS.indexOf(hash.slice(1).split("=")[0]);
  const tabs = () => [...document.querySelectorAll("#rooms > .tab-wrapper .tab-container [role=tab]")];
  const inSight = (room) => tabs()[room]?.getAttribute("aria-selected") === "true";
  const newest = {}; // fragment of each room
  const enter = (hash) => tabs()[named(hash)]?.click();
  const drawn = location.pathname + location.search; // the address of Draw without a drawing's link
  let current = Math.max(named(location.hash), 0); // the room in sight

  // Each place that Back may return to says in its state which room it is. Gradio's own pages forget the state.
  const isOurs = (state) => ROOMS.includes(state?.room);
  const addressOf = (room) => newest[room] ?? (room ? `#${ROOMS[room]}` : drawn);
  const renamed = (address) => history.replaceState({ room: ROOMS[current] }, "", address);
  function entered(room, address) {
    if (!isOurs(history.state)) renamed(addressOf(current));
    current = room;
    history.pushState({ room: ROOMS[room] }, "", address);
  }

  // The address says what a room shows, now or when it comes into sight again.
  function name(hash) {
    newest[named(hash)] = hash;
    if (inSight(named(hash))) renamed(hash);
  }

  function go(hash) {
    if (hash.includes("=")) newest[named(hash)] = hash;
    inSight(named(hash)) ? renamed(hash) : entered(named(hash), hash);
    enter(hash);
    tabs()[named(hash)]?.focus({ preventScroll: true }); // the link may be out of sight now
    scrollTo(0, 0);
    document.dispatchEvent(new CustomEvent("room:link")); // a room may scroll to what the link names
    renamed(newest[named(hash)] ?? hash); // a link without settings leaves them
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='#']");
    if (!link || named(link.hash) < 0) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // for the browser: a tab of its own
    event.preventDefault(); // a new fragment would load the page anew
    go(link.hash);
  });

  // The address names the room in sight, so that a reload or a bookmark comes back to it. Every way to a room clicks its
  // tab.
  document.addEventListener("click", (event) => {
    const room = tabs().indexOf(event.target.closest?.("[role=tab]"));
    if (room < 0) return;
    document.querySelector("#rooms dialog[open]")?.close(); // out of sight it would leave the page dead
    if (room !== current) entered(room, addressOf(room));
  });
  addEventListener("popstate", ({ state }) => {
    if (!isOurs(state)) return;
    current = ROOMS.indexOf(state.room);
    tabs()[current]?.click();
    if (newest[current]) renamed(newest[current]); // a room is as it was left
  });
  // Not before: gradio builds the pad, and lets it be drawn on, while it is in sight.
  for (const type of ["drawing:opened", "pad:none"]) document.addEventListener(type, () => enter(location.hash));
  renamed(location.href);
  if (current) newest[current] = location.hash;
  window.rooms = { name, go, isOurs };
})();
