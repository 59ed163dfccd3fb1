"""Signs between digits: points, commas, dashes and the like, told by their size and their place in the row.

The network answers "not a digit" to + - x and =, so for these it is asked. A point fills MNIST's frame like any blob
and a comma looks exactly like a 1: both are told from digits by what surrounds them.
"""

from __future__ import annotations

import itertools
import math
from enum import Enum

import numpy as np

from preprocessing.pieces.components import HALF, longer_sides, pieces_of
from preprocessing.pieces.rows import Place
from preprocessing.pixels.morphology import with_margin
from preprocessing.pixels.shapes import PIXEL_VARIANCE, second_moments

# Lengths and places below are shares of the height of the digits beside the sign; places are measured from their top.
# A dot is no larger than this in both directions.
DOT = 0.3
# A dot is no larger than this many stroke widths: a tap of the pen with a little movement.
DOT_STROKES = 2.5
# What is no larger than this is a dot, however thin the pen.
SURE_DOT = 0.18
# A dot on the baseline has its middle at this place or below.
ON_BASELINE = 0.7
# A comma or an apostrophe is no taller than this.
COMMA = 0.55
# A comma or an apostrophe is no wider than this.
COMMA_WIDTH = 0.35
# A comma or an apostrophe is taller than this share of its width: it may be almost as wide as tall.
COMMA_ASPECT = 0.8
# The middle of a comma lies at this place or below.
COMMA_BELOW = 0.72
# An apostrophe ends at this place or above.
APOSTROPHE_END = 0.62
# A dash is no shorter and no longer than this.
DASH_LENGTH = 0.15, 1.3
# A dash is at least this many times as long as high.
DASH_ASPECT = 1.8
# The middle of a dash lies between these places.
DASH_MIDDLE = 0.25, 0.85
# Two marks stand above each other if they share at least this part of the narrower one's columns.
STACKED = 0.5
# A colon or an equals sign starts and ends between these places: a little outside the digits at most.
STACK_ENDS = -0.1, 1.25
# The dot of an exclamation or a question mark ends no farther from the digits' lower end than this.
DOT_ON_LINE = 0.2
# What stands over it starts no farther from their upper end than this.
MARK_TOP = 0.3
# It is at least as high as this.
MARK_TALL = 0.45
# A slash leans to the right by this much more (columns per row) than the digits beside it.
SLASH_LEAN = 0.22
# A slash reaches this far above and below the digits beside it. Of 83 straight 1s by other writers one leans and
# reaches so.
SLASH_REACH = 0.04
# A printed slash is at most this much shorter than the digits at either end.
PRINTED_SHORT = 0.05
# Its middle strays from a straight line by this share of its height at most, as a root mean square. Of 288 straight 1s
# of MNIST that lean, one in forty keeps so straight.
PRINTED_STRAIGHT = 0.0053
# This share of its height at either end does not count: it may be cut off level.
SLASH_END = 0.1
# Each ring of a percent sign is no taller and no wider than this share of the sign's height.
RING = 0.65
# The middles of its rings lie at least this far apart, as shares of the sign's width and height: those of an 8 stand
# above each other.
RINGS_ACROSS, RINGS_DOWN = 0.2, 0.3
# A percent sign is no wider than this many times its height: two digits side by side are.
PERCENT_WIDE = 1.35
# Its stroke is ink along at least this share of a straight line.
STROKE_DRAWN = 0.85
# That line is looked for between so many places above and below ...
STROKE_PLACES = 9
# ... that lie within one of these shares of the height from the top and from the bottom: rings may reach farther.
STROKE_ENDS = (0, 0.08, 0.16)
# A degree sign is a ring no taller and no wider than this share of the digits' height ...
DEGREE = 0.55
# ... that ends at this place or above ...
DEGREE_END = 0.55
# ... and whose shorter side is at least this share of its longer one.
DEGREE_ROUND = 0.6
# A bracket bows by at least this share of its height. Of MNIST's 1s 4 % bow so far to the left, and 3 % to the right.
BRACKET_BOW = 0.07
# The arms of a square bracket lie in this share of its height at either end ...
ARM = 0.2
# ... and reach this share of its height to one side of its stem, and less than half of that to the other.
ARM_LONG = 0.1
# It reaches no less far up and down than the digits in it, to within this share of their height.
BRACKET_SHORT = 0.1
# In nearly all rows, this share, a bracket is a single stroke.
ONE_STROKE = 0.9
# In fewer rows than this nobody can tell a bow.
FEWEST_ROWS = 8


class Sign(Enum):
    """What a piece of ink is, if it is no digit."""

    POINT = "point"  # a dot on the baseline: a decimal point, if there are digits on both sides
    COMMA = "comma"  # the same
    DOT = "dot"  # higher up
    DASH = "dash"  # a minus, if a number follows and none comes before
    OTHER = "other"


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


def opens(ink: np.ndarray) -> int:
    """1 if a stroke, ink (H, W) in [0, 1], may open a bracket, round or square; -1 if it may close one; else 0."""
    bowed = bow(ink)
    if abs(bowed) >= BRACKET_BOW:
        return 1 if bowed > 0 else -1
    right, left = arms(ink), arms(ink[:, ::-1])
    long = ARM_LONG * len(ink)
    if min(right) >= long and max(left) < long / 2:
        return 1
    return -1 if min(left) >= long and max(right) < long / 2 else 0


def arms(ink: np.ndarray) -> tuple[float, float]:
    """How far a stroke, ink (H, W) in [0, 1], reaches at its upper and at its lower end to the right of its stem, in
    pixels. The stem may lean.
    """
    dark = ink >= HALF
    rows = np.flatnonzero(dark.any(axis=1))
    end = int(ARM * len(rows))
    if len(rows) < FEWEST_ROWS:
        return 0.0, 0.0
    edge = ink.shape[1] - 1 - dark[rows, ::-1].argmax(axis=1)
    stem = np.polynomial.Polynomial.fit(rows[end:-end], edge[end:-end], 1)
    beyond = edge - stem(rows)
    return float(beyond[:end].max()), float(beyond[-end:].max())


def is_slash(ink: np.ndarray, box: np.ndarray, place: Place, leaning: float) -> bool:
    """Whether a straight stroke, ink (H, W) in its box (4,), that leans more than its neighbours, by `leaning`, is a
    slash and no 1. A printed one need not be longer than they are: no hand draws so straight.
    """
    if leaning < SLASH_LEAN:
        return False
    reach = min(place.top - box[1], box[3] - place.bottom) / place.height
    return reach >= SLASH_REACH or (reach >= -PRINTED_SHORT and unevenness(ink) <= PRINTED_STRAIGHT)


def unevenness(ink: np.ndarray) -> float:
    """How far the middle of a stroke, ink (H, W) in [0, 1], strays from a straight line, as a share of its height: the
    root mean square, without its ends.
    """
    mass = ink.sum(axis=1)
    rows = np.flatnonzero(mass > HALF)
    end = int(SLASH_END * len(rows))
    rows = rows[end : len(rows) - end]
    if len(rows) < FEWEST_ROWS:
        return math.inf
    middles = ink[rows] @ np.arange(ink.shape[1]) / mass[rows]
    line = np.polynomial.Polynomial.fit(rows, middles, 1)
    return float(np.sqrt(np.mean((middles - line(rows)) ** 2))) / len(rows)


def is_bracket(box: np.ndarray, inside: np.ndarray) -> bool:
    """Whether a stroke in this box (4,) is as tall as what stands in brackets, whose box (4,) is `inside`."""
    room = BRACKET_SHORT * (inside[3] - inside[1])
    return bool(box[1] <= inside[1] + room and box[3] >= inside[3] - room)


def is_dotted_below(boxes: np.ndarray, place: Place, stroke: float) -> bool:
    """Whether two pieces are an exclamation or a question mark: a stroke over a dot that stands on the line.

    Args: as for `is_stacked`.
    """
    upper, dot = boxes[np.argsort(boxes[:, 1])]
    if dot[1] < upper[3] or dot[2] < upper[0] or dot[0] > upper[2]:
        return False
    if not is_dot(longer_sides(boxes).min() / place.height, stroke / place.height):
        return False
    off = abs(dot[3] - place.bottom) / place.height, abs(upper[1] - place.top) / place.height
    tall = (upper[3] - upper[1]) / place.height
    return bool(off[0] <= DOT_ON_LINE and off[1] <= MARK_TOP and tall >= MARK_TALL)


def is_percent(ink: np.ndarray) -> bool:
    """Whether ink (H, W) in [0, 1] in its box is a percent sign: a small ring above on the left, another below on the
    right, and a straight stroke between them that leans to the right. They may touch.
    """
    height, width = ink.shape
    paper = pieces_of(with_margin(ink, 1) < HALF)
    inside = np.flatnonzero(paper.labels[0, 0] != np.arange(1, paper.count + 1))
    if width > PERCENT_WIDE * height or len(inside) < 2:
        return False
    largest = inside[np.argsort(paper.pixels()[inside])[-2:]]
    first, second = sorted(paper.boxes[largest] - 1, key=lambda box: box[0] + box[2])
    if max(longer_sides(np.array([first, second]))) > RING * height:
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
    upper, lower = np.linspace(width / 2, width - 1, STROKE_PLACES), np.linspace(0, width / 2, STROKE_PLACES)
    for above, below, start, end in itertools.product(upper, lower, STROKE_ENDS, STROKE_ENDS):
        rows = np.arange(int(start * height), height - int(end * height))
        slope = (below - above) / len(rows)
        middles = [above + slope * ((hole[1] + hole[3]) / 2 - rows[0]) for hole in holes]
        if not (middles[0] >= holes[0][2] and middles[1] < holes[1][0]):
            continue
        columns = np.rint(above + slope * (rows - rows[0])).astype(int)
        if np.mean(ink[rows, columns] >= HALF) >= STROKE_DRAWN:
            return True
    return False


def is_degree(ink: np.ndarray, box: np.ndarray, place: Place, line: np.ndarray) -> bool:
    """Whether a piece of ink (H, W) in its box (4,) is a degree sign: a small ring, high up beside digits.

    line: (n, 4) the boxes of all whole pieces in its line. One of several raised ones may be a digit, as in a price.
    """
    sides = box[2:] - box[:2]
    if sides.max() > DEGREE * place.height or sides.min() < DEGREE_ROUND * sides.max():
        return False
    raised = (line[:, 3] <= place.top + DEGREE_END * place.height) & (longer_sides(line) <= DEGREE * place.height)
    return bool(box[3] <= place.top + DEGREE_END * place.height) and raised.sum() == 1 and has_hole(ink)


def has_hole(ink: np.ndarray) -> bool:
    """Whether ink (H, W) in [0, 1] goes around paper."""
    return pieces_of(with_margin(ink, 1) < HALF).count > 1


def sign_of(box: np.ndarray, place: Place, stroke: float) -> Sign | None:
    """The sign that one solid piece of ink is by its size and place; None for what may as well be a digit.

    Args:
        box: (4,) left, top, right, bottom.
        place: of the digits beside it.
        stroke: the width of the pen in pixels.
    """
    height, width = (box[3] - box[1]) / place.height, (box[2] - box[0]) / place.height
    start, end = (box[1] - place.top) / place.height, (box[3] - place.top) / place.height
    middle = (start + end) / 2
    if is_dot(max(height, width), stroke / place.height):
        return Sign.POINT if middle >= ON_BASELINE else Sign.DOT
    if width >= DASH_ASPECT * height and DASH_LENGTH[0] <= width <= DASH_LENGTH[1]:
        return Sign.DASH if DASH_MIDDLE[0] <= middle <= DASH_MIDDLE[1] else None
    if height <= COMMA and width <= COMMA_WIDTH and height > COMMA_ASPECT * width:
        if middle >= COMMA_BELOW:
            return Sign.COMMA
        if end <= APOSTROPHE_END:
            return Sign.OTHER
    return None


def is_dot(size: float, stroke: float) -> bool:
    """Whether a solid mark of this size may be a dot of a pen of this width, both as shares of the digits' height."""
    return size <= min(DOT, max(DOT_STROKES * stroke, SURE_DOT))


def is_stacked(boxes: np.ndarray, place: Place, stroke: float) -> bool:
    """Whether two pieces are one sign made of two dots or two dashes above each other, as : and =.

    Args:
        boxes: (2, 4) left, top, right, bottom of the pieces.
        place: of the digits beside them.
        stroke: the width of the pen in pixels.
    """
    upper, lower = boxes[np.argsort(boxes[:, 1])]
    shared = min(upper[2], lower[2]) - max(upper[0], lower[0])
    sizes = boxes[:, 2:] - boxes[:, :2]
    if shared < STACKED * sizes[:, 0].min() or lower[1] < upper[3]:
        return False
    start, end = (upper[1] - place.top) / place.height, (lower[3] - place.top) / place.height
    if start < STACK_ENDS[0] or end > STACK_ENDS[1]:
        return False
    dots = is_dot(sizes.max() / place.height, stroke / place.height)
    dashes = (sizes[:, 0] >= DASH_ASPECT * sizes[:, 1]).all() and sizes[:, 0].max() <= DASH_LENGTH[1] * place.height
    return bool(dots or dashes)
