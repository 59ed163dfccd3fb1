// The rooms of the page: a link to #lab, #inside or #fool opens one. #lab=64,wild also sets the
// network there, #inside=scores the step and #inside=kernels the section.
(() => {
  const ROOMS = ["draw", "lab", "inside", "fool"]; // in the order of the tabs
  const named = (hash) => ROOMS.indexOf(hash.slice(1).split("=")[0]);
  const tabs = () => [...document.querySelectorAll("#rooms > .tab-wrapper .tab-container [role=tab]")];
  const inSight = (room) => tabs()[room]?.getAttribute("aria-selected") === "true";
  const newest = {}; // fragment of each room
  const enter = (hash) => tabs()[named(hash)]?.click();

  // The address says what a room shows, now or when it comes into sight again.
  function name(hash) {
    newest[named(hash)] = hash;
    if (inSight(named(hash))) history.replaceState(null, "", hash);
  }

  function go(hash) {
    if (hash.includes("=")) newest[named(hash)] = hash;
    history.replaceState(null, "", hash);
    enter(hash);
    scrollTo(0, 0);
    document.dispatchEvent(new CustomEvent("room:link")); // a room may scroll to what the link names
    history.replaceState(null, "", newest[named(hash)] ?? hash); // a link without settings leaves them
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='#']");
    if (!link || named(link.hash) < 0) return;
    event.preventDefault(); // a new fragment would load the page anew
    go(link.hash);
  });

  // The address names the room in sight, so that a reload or a bookmark comes back to it. That of a drawing stays.
  document.addEventListener("click", (event) => {
    const room = tabs().indexOf(event.target.closest?.("[role=tab]"));
    if (room < 0 || named(location.hash) === room || (room === 0 && named(location.hash) < 0)) return;
    history.replaceState(null, "", room ? (newest[room] ?? `#${ROOMS[room]}`) : location.pathname + location.search);
  });
  document.addEventListener("pad:ready", () => enter(location.hash)); // gradio builds what a tab holds while it is in sight
  if (named(location.hash) > 0) newest[named(location.hash)] = location.hash;
  window.rooms = { named, name, go };
})();
