// The curves of Train one: how many digits the network reads right, or its loss, for those that it learns from and for
// new ones.
(() => {
  const { $, $$, put, percentRight } = window.lab.tools;
  const FIRST_WIDTH = 12; // frames: before there are so many, a curve leaves room for them
  const FEW_ROUNDS = 4; // a curve says how many rounds it shows when they are more
  const FIRST_LOSS = 2.4; // the top of its curve: ten digits that are equally likely have ln 10, which is 2.3
  const MOST_LOSS = 20; // and at most; what grows beyond it goes along the top
  const WIDE_ENOUGH = 0.4; // the share of a phone's width that the steps of the first round need to be named there

  // What the curves can show: of each frame its values for the digits it learns from and for the unseen ones, in words,
  // on the axis, and what the top of the curves stands for: at least and at most. A frame may have no loss: numbers out
  // of bounds.
  const MEASURES = {
    share: { of: ({ seen, unseen }) => [seen, unseen], words: percentRight, axis: (value) => `${100 * value}%`, tops: [1, 1] },
    loss: {
      of: ({ losses }) => losses ?? [null, null],
      words: (value) => (value === null ? "out of bounds" : value.toFixed(2)),
      axis: (value) => value.toFixed(1),
      tops: [FIRST_LOSS, MOST_LOSS],
    },
  };

  function drawn(course, { of }, most) {
    const width = Math.max(course.length - 1, FIRST_WIDTH);
    const place = (value) => 100 - 100 * Math.min((value ?? most) / most, 1);
    const points = (which) => course.map((each, i) => `${i},${place(of(each)[which])}`).join(" ");
    // The first round is shown step by step, the others as one point each.
    const first = course.findIndex(({ epoch, step }) => epoch === 1 && !step);
    const rounds = course.at(-1)?.epoch ?? 0;
    const label = (i, text, kind = "") => `<i class="${kind}" style="left:${Math.min((100 * i) / width, 100)}%">${text}</i>`;
    const steps = first / width > WIDE_ENOUGH ? label(first / 2, "first steps") : "";
    return (
      `<svg viewBox="0 -4 ${width} 108" preserveAspectRatio="none" aria-hidden="true"><path d="M0 0H${width}M0 50H${width}M0 100H${width}"/>` +
      `${first > 0 ? `<path class="first" d="M${first} 0V100"/>` : ""}` +
      `<polyline points="${points(0)}"/><polyline class="unseen" points="${points(1)}"/></svg>` +
      `${steps}${first > 0 ? label(first, "1 round") : ""}${rounds > FEW_ROUNDS ? label(course.length - 1, `${rounds} rounds`, "end") : ""}`
    );
  }

  // show(course) draws the frames so far, each {seen, unseen, losses, epoch, step}. The section's buttons choose the
  // measure.
  function curves(section) {
    let measure = "share";
    let course = [];

    function show(frames) {
      course = frames;
      const { of, words, axis, tops } = MEASURES[measure];
      const largest = Math.max(tops[0], ...course.flatMap(of));
      const most = Math.min(largest, tops[1]);
      put(section, ".curves div", drawn(course, MEASURES[measure], most));
      $$(section, ".curves > span").forEach((label, i) => (label.textContent = axis(most * (1 - i / 2))));
      $$(section, ".curves > span")[0].classList.toggle("more", largest > most);
      $$(section, ".key b").forEach((value, i) => (value.textContent = words(of(course.at(-1))[i])));
      const way = (which) => `from ${words(of(course[0])[which])} to ${words(of(course.at(-1))[which])}`;
      const name = $(section, `[data-curve=${measure}]`).textContent;
      const said = `${name}: ${way(0)} for digits it learns from, ${way(1)} for new digits`;
      $(section, ".curves").setAttribute("aria-label", said);
      for (const button of $$(section, "[data-curve]")) button.setAttribute("aria-pressed", button.dataset.curve === measure);
    }

    section.addEventListener("click", ({ target }) => {
      const chosen = target.closest("[data-curve]")?.dataset.curve;
      if (!chosen) return;
      measure = chosen;
      if (course.length) show(course);
    });
    return { show };
  }

  window.lab.curves = curves;
})();
