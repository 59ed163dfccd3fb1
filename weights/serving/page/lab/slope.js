// The loss over one weight: the curve, its slope at the present weight, and steps downhill.
(() => {
  const { DIGITS, $, put, number, readable, bracketed, brief, softmax } = window.lab.tools;
  // Four steps, as a rule, from where a curve is steep to where it is rather flat; on 51 pictures none overshot.
  const RATE = 1;
  const POINTS = 161;
  const MOST_LOSSES = 4; // that are shown of all steps: one line
  const [WIDTH, HEIGHT] = [300, 132]; // of the drawing, in its own units
  const [SIDE, TOP, BOTTOM] = [8, 10, 116]; // of the plot: half a slider's thumb from the edges
  const TANGENT = 46; // to either side

  // Everything that the loss depends on, with all but one weight held fixed.
  // at: {x: the pixel, rest: the unit's sum without this weight, scores: those without the unit, out: the unit's weights
  // to the digits, on: whether the unit is switched on, target}
  const sum = (at, weight) => at.rest + at.x * weight;
  function scores(at, weight) {
    const h = at.on ? Math.max(sum(at, weight), 0) : 0;
    return at.scores.map((score, k) => score + h * at.out[k]);
  }
  function loss(at, weight) {
    const all = scores(at, weight);
    const top = Math.max(...all);
    return top + Math.log(all.reduce((total, score) => total + Math.exp(score - top), 0)) - all[at.target];
  }
  // The chain rule, as in nn/backprop.py: pixel * delta1.
  function gradient(at, weight) {
    if (!at.on || sum(at, weight) <= 0) return 0;
    const p = softmax(scores(at, weight));
    return at.x * DIGITS.reduce((blame, k) => blame + (p[k] - (k === at.target ? 1 : 0)) * at.out[k], 0);
  }

  // How far the loss can fall below the one at this weight; 0 where no slope leads down.
  const drop = (at, weight, range) =>
    gradient(at, weight) && loss(at, weight) - Math.min(...along(range).map((w) => loss(at, w)));
  const along = (range) => Array.from({ length: POINTS }, (_, i) => range * ((2 * i) / (POINTS - 1) - 1));

  // Whether the curve is rather flat where the way down leaves this range.
  const bends = (at, weight, range) => {
    const slopeHere = gradient(at, weight);
    return 4 * Math.abs(gradient(at, slopeHere < 0 ? range : -range)) < Math.abs(slopeHere);
  };

  // moveTo: is told the weight after a step. Gives the function that shows another weight.
  function slope(part, moveTo) {
    let now = null; // what is shown: {at, weight, range, name}
    let trail = []; // weights before the steps downhill
    let reached = null; // the weight that the last of them led to

    // name: of the weight and the digit. With another one, or a weight that no step led to, the steps are forgotten.
    function show(at, weight, range, name) {
      if (weight !== reached || now?.name !== name) trail = [];
      now = { at, weight, range, name };
      const slopeHere = gradient(at, weight);
      const next = weight - RATE * slopeHere;
      put(part, ".loss", number(loss(at, weight)));
      put(part, ".gradient", number(slopeHere));
      put(
        part,
        ".next",
        slopeHere
          ? `weight − learning rate × gradient<br>= ${number(weight)} − ${RATE} × ${bracketed(slopeHere)} = <b>${number(next)}</b>`
          : `The curve is flat here, so there is no step: ${at.x ? (at.on ? "the unit is silent" : "the unit is switched off") : "the pixel is black"}.`,
      );
      const losses = [...trail, weight].map((each) => brief(loss(at, each)));
      put(part, ".fell", trail.length ? `Loss: ${losses.length > MOST_LOSSES ? "… → " : ""}${losses.slice(-MOST_LOSSES).join(" → ")}` : "");
      put(part, ".curve", drawn(at, weight, range, slopeHere));
    }

    function drawn(at, weight, range, slopeHere) {
      const x = (w) => SIDE + ((WIDTH - 2 * SIDE) * (w + range)) / (2 * range);
      const weights = along(range);
      const losses = weights.map((w) => loss(at, w));
      const most = Math.max(...losses, 0.1);
      const y = (l) => BOTTOM - ((BOTTOM - TOP) * l) / most;
      const points = weights.map((w, i) => `${x(w).toFixed(1)},${y(losses[i]).toFixed(1)}`).join(" ");
      const [cx, cy] = [x(weight), y(loss(at, weight))];
      const rise = -(slopeHere * 2 * range * (BOTTOM - TOP)) / (most * (WIDTH - 2 * SIDE)); // of the drawing, per unit right
      const reach = TANGENT / Math.hypot(1, rise);
      const falls = losses[0] > losses[POINTS - 1]; // there is room for a word at the right
      const dots = trail.map((w) => `<circle class="was" cx="${x(w).toFixed(1)}" cy="${y(loss(at, w)).toFixed(1)}" r="3"/>`).join("");
      return (
        `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="The loss over this weight, from ${number(-range)} to ${number(range)}. ` +
        `At ${number(weight)} the loss is ${number(loss(at, weight))} and the slope ${number(slopeHere)}.">` +
        `<path class="axis" d="M${SIDE} ${BOTTOM}H${WIDTH - SIDE}"/><polyline points="${points}"/>` +
        `<text x="${falls ? WIDTH - SIDE : SIDE}" y="${TOP + 8}"${falls ? ' text-anchor="end"' : ""}>loss</text>` +
        `<path class="tangent" d="M${cx - reach} ${cy - reach * rise}L${cx + reach} ${cy + reach * rise}"/>${dots}` +
        `<circle class="at" cx="${cx.toFixed(1)}" cy="${cy.toFixed(1)}" r="5"/>` +
        `<text x="${SIDE}" y="${HEIGHT - 3}">${readable(-range)}</text><text x="${WIDTH / 2}" y="${HEIGHT - 3}" text-anchor="middle">weight</text>` +
        `<text x="${WIDTH - SIDE}" y="${HEIGHT - 3}" text-anchor="end">${readable(range)}</text></svg>`
      );
    }

    $(part, "[data-downhill]").addEventListener("click", () => {
      if (!now) return;
      const { at, weight } = now;
      const step = RATE * gradient(at, weight);
      if (!step) return;
      trail.push(weight);
      reached = weight - step;
      moveTo(reached);
    });
    return show;
  }

  window.lab.slope = Object.assign(slope, { drop, bends });
})();
