// The visitor's drawing in Train one, or the example, what two networks read, and what the visitor says it is.
(() => {
  const { $, $$, put, bytes, greys, best, paint, bars, whichPicture } = window.lab.tools;

  // teach(label, pixels, mixed): teaches the network this drawing, mixed with old digits or alone.
  function reading(section, teach) {
    let pixels = null; // of the drawing
    let example = null;
    const chosen = () => $(section, ".label").value;

    function show({ drawing: mine, served: theirs }, unread = "Its numbers are out of bounds: it has no answer.") {
      put(section, ".mine", mine ? bars(mine) : "");
      put(section, ".theirs", theirs ? bars(theirs) : "");
      put(section, "h2", `${pixels ? "Your drawing" : "The example"}, now`);
      if (pixels ?? example) paint($(section, "canvas"), greys(pixels ?? example));
      const said = mine ? `Your network says <b>${best(mine)}</b>.` : unread;
      put(section, ".note", `${said} ${whichPicture(pixels)}`);
      section.classList.toggle("unread", !example && !pixels);
      section.classList.toggle("example", !pixels);
      teachable();
    }

    // answer: what the server says of a network at first.
    const introduce = (answer) => (example = bytes(answer.example));

    // A drawing without an answer; those to the drawing before are not about it.
    function showUnread() {
      show({}, "The server gave no answer to this picture.");
      suggest({});
    }

    // What the served network reads is most likely what the drawing is.
    function suggest({ served }) {
      const read = served ? best(served) : 10;
      $(section, ".label").value = read < 10 ? String(read) : "";
      teachable();
    }

    function teachable() {
      for (const button of $$(section, ".teach button")) button.disabled = !pixels || !chosen();
    }

    section.addEventListener("click", ({ target }) => {
      const press = target.closest("button")?.dataset.press;
      if (["mixed", "alone"].includes(press) && pixels && chosen()) teach(Number(chosen()), pixels, press === "mixed");
    });
    $(section, ".label").addEventListener("change", teachable);
    const setDrawing = (given) => (pixels = given);
    return { introduce, show, showUnread, suggest, chosen, setDrawing, pixels: () => pixels };
  }

  window.lab.reading = reading;
})();
