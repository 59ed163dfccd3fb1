"""Signs between digits: points, commas, dashes and the like, told by their size and their place in the row.

The network answers "not a digit" to + - x and =, so for these it is asked. A point fills MNIST's frame like any blob
and a comma looks exactly like a 1: both are told from digits by what surrounds them. Shapes are told
by glyphs.py.
"""

from __future__ import annotations

from enum import Enum

import numpy as np

from preprocessing.pieces.components import longer_sides
from preprocessing.pieces.glyphs import is_cut_level, is_ring, unevenness
from preprocessing.pieces.rows import Place

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
# It is at least as high as this ...
MARK_TALL = 0.45
# ... and ends at least this far above the digits' lower end: a 7 over a speck seldom does.
MARK_END = 0.08
# The dot lies below it, or at most this far beside the line along which it leans.
DOT_ASIDE = 0.12
# Such a dot is at most this many times as long as wide: the lower part of a broken 1 is longer.
DOT_LONG = 1.7
# A slash leans to the right by this much more (columns per row) than the digits beside it.
SLASH_LEAN = 0.22
# A slash reaches this far above and below the digits beside it. Of 83 straight 1s by other writers one leans and
# reaches so.
SLASH_REACH = 0.04
# A printed slash is at most this much shorter than the digits at either end.
PRINTED_SHORT = 0.05
# Its middle strays from a straight line by at most this many pixels: print is rounded to the grid. Of 45 leaning 1s
# that people drew, 100 pixels tall, none keeps so straight.
PRINTED_STRAIGHT = 0.21
# Short 1s that people draw do. So in a stroke of fewer rows than this the limit is lower, and falls evenly towards this
# one.
STRAIGHT_ROWS, STRAIGHT_LOW = 60, 0.08
# A degree sign is a ring no taller and no wider than this share of the digits' height ...
DEGREE = 0.55
# ... that ends at this place or above ...
DEGREE_END = 0.55
# ... whose shorter side is at least this share of its longer one ...
DEGREE_ROUND = 0.6
# ... and that stands farther than this from any other raised piece: the cents of a price stand closer together.
DEGREE_ALONE = 0.5
# A bracket reaches no less far up and down than the digits in it, to within this share of their height.
BRACKET_SHORT = 0.1
# These are at least this share of its height.
BRACKET_FILLED = 0.6


class Sign(Enum):
    """What a piece of ink is, if it is no digit."""

    POINT = "point"  # a dot on the baseline: a decimal point, if there are digits on both sides
    COMMA = "comma"  # the same
    DOT = "dot"  # higher up
    DASH = "dash"  # a minus, if a number follows and none comes before
    OTHER = "other"


def is_slash(ink: np.ndarray, box: np.ndarray, place: Place, leaning: float) -> bool:
    """Whether a straight stroke, ink (H, W) in its box (4,), that leans more than its neighbours, by `leaning`, is a
    slash and no 1. A printed one need not be longer than they are: it is straight, and its ends are cut level.
    """
    if leaning < SLASH_LEAN:
        return False
    reach = min(place.top - box[1], box[3] - place.bottom) / place.height
    if reach >= SLASH_REACH:
        return True
    straight = np.interp(len(ink), (0, STRAIGHT_ROWS), (STRAIGHT_LOW, PRINTED_STRAIGHT))
    return bool(reach >= -PRINTED_SHORT and unevenness(ink) <= straight and is_cut_level(ink))


def is_around(brackets: np.ndarray, inside: np.ndarray) -> bool:
    """Whether two strokes in these boxes (2, 4) are as tall as what stands between them, in the box `inside` (4,), and
    not much taller: the halves of a 0 may hold a dot or a slash.
    """
    tall = inside[3] - inside[1]
    room = BRACKET_SHORT * tall
    if tall < BRACKET_FILLED * (brackets[:, 3] - brackets[:, 1]).max():
        return False
    return bool((brackets[:, 1] <= inside[1] + room).all() and (brackets[:, 3] >= inside[3] - room).all())


def is_dotted_below(boxes: np.ndarray, place: Place, stroke: float) -> bool:
    """Whether two pieces are as high as the parts of an exclamation or a question mark: a stroke over a dot that stands
    on the line. Takes the same as `is_stacked`.
    """
    upper, dot = boxes[np.argsort(boxes[:, 1])]
    height, sides = place.height, dot[2:] - dot[:2]
    if dot[1] < upper[3] or not is_dot(sides.max() / height, stroke / height) or sides.max() > DOT_LONG * sides.min():
        return False
    off = abs(dot[3] - place.bottom) / height, abs(upper[1] - place.top) / height
    tall, end = (upper[3] - upper[1]) / height, (place.bottom - upper[3]) / height
    return bool(off[0] <= DOT_ON_LINE and off[1] <= MARK_TOP and tall >= MARK_TALL and end >= MARK_END)


def stands_over(boxes: np.ndarray, leaning: float, place: Place) -> bool:
    """Whether the upper one of two pieces in these boxes (2, 4) stands over the lower one: right above it, or where it
    points to, since it leans to the right by so many columns per row, `leaning`. place: of the digits beside them.
    """
    upper, dot = boxes[np.argsort(boxes[:, 1])]
    left, right = dot[2] <= upper[0], dot[0] >= upper[2]
    if not (left or right):
        return True
    across = (dot[0] + dot[2] - upper[0] - upper[2] + leaning * (dot[1] + dot[3] - upper[1] - upper[3])) / 2
    return bool(abs(across) <= DOT_ASIDE * place.height and (leaning > 0 if left else leaning < 0))


def is_degree(ink: np.ndarray, box: np.ndarray, place: Place, line: np.ndarray) -> bool:
    """Whether a piece of ink (H, W) in its box (4,) is a degree sign: a small ring, high up beside digits.

    line: (n, 4) the boxes of all whole pieces in its line. Where another raised one stands beside it, both may be
        digits, as the cents of a price are.
    """
    sides, lowest = box[2:] - box[:2], place.top + DEGREE_END * place.height
    if box[3] > lowest or sides.max() > DEGREE * place.height or sides.min() < DEGREE_ROUND * sides.max():
        return False
    raised = line[(line[:, 3] <= lowest) & (longer_sides(line) <= DEGREE * place.height)]
    room = DEGREE_ALONE * place.height
    beside = (raised[:, 0] < box[2] + room) & (raised[:, 2] > box[0] - room)
    return beside.sum() == 1 and is_ring(ink)


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
