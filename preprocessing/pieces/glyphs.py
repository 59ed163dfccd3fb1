"""The shapes of strokes and signs: brackets, percent signs and rings; how a stroke leans, how straight it is, and
whether its ends are cut level.
"""

from __future__ import annotations

import math

import numpy as np

from preprocessing.pieces.components import HALF, Pieces, longer_sides, pieces_of
from preprocessing.pixels.morphology import with_margin
from preprocessing.pixels.shapes import PIXEL_VARIANCE, second_moments

# How straight a stroke is, is measured without this share of its height at either end: it may be cut off level.
STROKE_END = 0.1
# The end of a stroke is cut level if it lacks no more rows of ink than this. The round cap of a pen lacks more, unless
# the pen is thinner than 5 pixels: then its cap is taken for level, too.
CUT_ROWS = 0.45
# Blur takes ink from a level end as well: as many rows as this share of the columns over which the sides fade. The cap
# of a pen up to 10 pixels wide lacks no more where it is blurred.
CUT_FADING = 0.85
# In a stroke of fewer rows than this blur is left out of account: its round caps would all be taken for level.
FADING_ROWS = 40
# The hole in each ring of a percent sign is no taller and no wider than this share of the sign's height.
RING = 0.65
# The middles of its rings lie at least this far apart, as shares of the sign's width and height: those of an 8 stand
# above each other.
RINGS_ACROSS, RINGS_DOWN = 0.12, 0.3
# The hole in the lower ring begins at most this share of the height above the end of the other.
RINGS_BESIDE = 0.15
# Any other hole is smaller than this share of the smaller ring's hole: an 8 beside a 9 has three alike.
OTHER_HOLE = 0.5
# Its stroke is ink at this share of so many points along a straight line, at least ...
STROKE_DRAWN, STROKE_POINTS = 0.85, 48
# ... that leans to the right by at least so many columns per row: where a 9 touches a 6, their upright strokes are one.
STROKE_LEAN = 0.2
# That line is looked for between so many places at the top, in this share of the width on the right, and as many at the
# bottom, on the left. Where a 9 touches a 6, the line along both ends farther right than that.
STROKE_PLACES, STROKE_ASIDE = 9, 0.36
# Both ends of that line lie at one of these shares of the height from the top or the bottom: the rings may reach
# farther than the stroke.
STROKE_ENDS = (0, 0.08, 0.16)
# The middle of a ring's hole is no farther from that of the ring than this share of its longer side.
RING_ASIDE = 0.1
# A bracket bows by at least this share of its height. Of MNIST's 1s 4 % bow so far to the left, and 3 % to the right:
# other digits rarely stand between one of each.
BRACKET_BOW = 0.07
# The arms of a square bracket lie in this share of its height at either end ...
ARM = 0.2
# ... and reach this share of its height to one side of its stem, and less than half of that to the other.
ARM_LONG = 0.1
# In nearly all rows, this share, a bracket is a single stroke.
ONE_STROKE = 0.9
# In fewer rows than this nobody can tell a bow.
FEWEST_ROWS = 8


def lean(ink: np.ndarray) -> float:
    """By how many columns a row the ink (H, W) in [0, 1] leans to the right: the slope of the line that fits its rows
    best; 0.0 without ink.
    """
    _, yy, xy = second_moments(ink)
    return -xy / max(yy, PIXEL_VARIANCE)


def bow(ink: np.ndarray) -> float:
    """How far the middle of a thin stroke, ink (H, W) in [0, 1], stands out to the left of its ends, as a share of its
    height: above 0 for "(", below 0 for ")"; 0.0 for what is no single stroke from top to bottom.
    """
    mass = ink.sum(axis=1)
    rows = np.flatnonzero(mass > HALF)
    if len(rows) < FEWEST_ROWS:
        return 0.0
    columns = np.arange(ink.shape[1])
    middles = ink[rows] @ columns / mass[rows]
    spread = np.sqrt((ink[rows] * (columns - middles[:, None]) ** 2).sum(axis=1) / mass[rows])
    place = np.linspace(-1, 1, len(rows))
    factors = np.polynomial.polynomial.polyfit(place, middles, 2)
    off = np.abs(middles - np.polynomial.polynomial.polyval(place, factors))
    thick = float(np.median(mass[rows]))
    one_stroke = np.quantile(spread, ONE_STROKE) <= thick / 2 and np.quantile(off, ONE_STROKE) <= thick / 2
    return float(factors[2]) / len(rows) if one_stroke else 0.0


def bracket_of(ink: np.ndarray) -> str | None:
    """Which bracket a stroke, ink (H, W) in [0, 1], may be: one of "()[]", or None."""
    bowed = bow(ink)
    if abs(bowed) >= BRACKET_BOW:
        return "(" if bowed > 0 else ")"
    right, left, long = arms(ink), arms(ink[:, ::-1]), ARM_LONG * len(ink)
    if min(right) >= long > 2 * max(left):
        return "["
    return "]" if min(left) >= long > 2 * max(right) else None


def arms(ink: np.ndarray) -> tuple[float, float]:
    """How far a stroke, ink (H, W) in [0, 1], reaches at its upper and at its lower end to the right of its stem, in
    pixels. The stem may lean.
    """
    dark = ink >= HALF
    rows = np.flatnonzero(dark.any(axis=1))
    if len(rows) < FEWEST_ROWS:
        return 0.0, 0.0
    end = int(ARM * len(rows))
    edge = ink.shape[1] - 1 - dark[rows, ::-1].argmax(axis=1)
    stem = np.polynomial.Polynomial.fit(rows[end:-end], edge[end:-end], 1)
    beyond = edge - stem(rows)
    return float(beyond[:end].max()), float(beyond[-end:].max())


def unevenness(ink: np.ndarray) -> float:
    """By how many pixels the middle of a stroke, ink (H, W) in [0, 1], strays from a straight line: the root mean
    square over the rows between its ends.
    """
    mass = ink.sum(axis=1)
    rows = np.flatnonzero(mass > HALF)
    end = int(STROKE_END * len(rows))
    rows = rows[end : len(rows) - end]
    if len(rows) < FEWEST_ROWS:
        return math.inf
    middles = ink[rows] @ np.arange(ink.shape[1]) / mass[rows]
    line = np.polynomial.Polynomial.fit(rows, middles, 1)
    return float(np.sqrt(np.mean((middles - line(rows)) ** 2)))


def is_cut_level(ink: np.ndarray) -> bool:
    """Whether both ends of an upright stroke, ink (H, W) in [0, 1], are cut level, as in print. Those that a pen draws
    are round.
    """
    mass = ink.sum(axis=1)
    inner = ink[int(STROKE_END * len(ink)) : math.ceil((1 - STROKE_END) * len(ink))]
    width = float(np.median(mass))
    # a pixel that is half covered counts as one, and one that is all ink or all paper as none
    fading = float(np.median((4 * inner * (1 - inner)).sum(axis=1))) if len(ink) >= FADING_ROWS else 0.0
    missing = np.maximum(1 - mass / width, 0)
    cap = max(round(width), 2)  # that of a round pen is half as high
    return max(missing[:cap].sum(), missing[-cap:].sum()) <= max(CUT_ROWS, CUT_FADING * fading)


def is_percent(ink: np.ndarray) -> bool:
    """Whether ink (H, W) in [0, 1] in its box is a percent sign: a small ring above on the left, another below on the
    right, and a straight stroke between them that leans to the right. They may touch.
    """
    height, width = ink.shape
    holes = holes_of(ink)
    pixels = holes.pixels()
    by_size = np.argsort(pixels)[::-1]
    if holes.count < 2 or (holes.count > 2 and pixels[by_size[2]] >= OTHER_HOLE * pixels[by_size[1]]):
        return False
    first, second = sorted(holes.boxes[by_size[:2]], key=lambda box: box[0] + box[2])
    if max(longer_sides(np.array([first, second]))) > RING * height or first[3] - second[1] > RINGS_BESIDE * height:
        return False
    across, down = (second[i] + second[i + 2] - first[i] - first[i + 2] for i in (0, 1))
    if across < 2 * RINGS_ACROSS * width or down < 2 * RINGS_DOWN * height:
        return False
    return line_between(ink, (first, second))


def line_between(ink: np.ndarray, holes: tuple[np.ndarray, np.ndarray]) -> bool:
    """Whether ink (H, W) has a straight stroke that leans to the right, from top to bottom, between two holes, (4,)
    boxes: to the right of the upper one, and to the left of the lower one.
    """
    height, width = ink.shape
    ends = np.meshgrid(
        np.linspace((1 - STROKE_ASIDE) * (width - 1), width - 1, STROKE_PLACES),
        np.linspace(0, STROKE_ASIDE * (width - 1), STROKE_PLACES),
        STROKE_ENDS,
        STROKE_ENDS,
    )
    above, below, start, end = (each.reshape(-1, 1) for each in ends)  # a row for each line that is tried
    start, end = start * height, height - 1 - end * height
    slope = (below - above) / (end - start)
    first, second = (above + slope * ((hole[1] + hole[3]) / 2 - start) for hole in holes)
    able = ((first >= holes[0][2]) & (second < holes[1][0]) & (slope <= -STROKE_LEAN))[:, 0]
    rows = start + np.linspace(0, 1, STROKE_POINTS) * (end - start)
    drawn = ink[np.rint(rows).astype(int), np.rint(above + slope * (rows - start)).astype(int)] >= HALF
    return bool((able & (drawn.mean(axis=1) >= STROKE_DRAWN)).any())


def is_ring(ink: np.ndarray) -> bool:
    """Whether ink (H, W) in [0, 1] in its box has one hole, and has it in its middle. The hole of a 6 lies lower."""
    holes = holes_of(ink)
    if holes.count != 1:
        return False
    off = (holes.boxes[0, :2] + holes.boxes[0, 2:] - ink.shape[::-1]) / 2
    return bool(np.abs(off).max() <= RING_ASIDE * max(ink.shape))


def holes_of(ink: np.ndarray) -> Pieces:
    """The pieces of paper that ink (H, W) in [0, 1] goes around."""
    paper = pieces_of(with_margin(ink, 1) < HALF)
    inside = paper.those(np.arange(1, paper.count + 1) != paper.labels[0, 0])
    return Pieces(inside.labels[1:-1, 1:-1], inside.count)
