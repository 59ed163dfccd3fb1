// The rooms of the page: a link to #lab, #inside or #fool opens one. #lab=64,wild also sets the network there.
(() => {
  const ROOMS = ["draw", "lab", "inside", "fool"]; // in the order of the tabs
  const named = (hash) => ROOMS.indexOf(hash.slice(1).split("=")[0]);
  const tab = (index) => document.querySelectorAll("#rooms > .tab-wrapper .tab-container [role=tab]")[index];
  const enter = (hash) => tab(named(hash))?.click();

  function go(hash) {
    history.replaceState(null, "", hash);
    enter(hash);
    scrollTo(0, 0);
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='#']");
    if (!link || named(link.hash) < 0) return;
    event.preventDefault(); // a new fragment would load the page anew
    go(link.hash);
  });
  document.addEventListener("pad:ready", () => enter(location.hash)); // gradio builds what a tab holds while it is in sight
  window.rooms = { named, go };
})();
