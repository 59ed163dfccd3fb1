"""Signs between digits: points, commas, dashes and the like, told by their size and their place in the row.

The network answers "not a digit" to + - x and =, so for these it is asked. A point fills MNIST's frame like any blob
and a comma looks exactly like a 1: both are told from digits by what surrounds them.
"""

from __future__ import annotations

import math
from enum import Enum

import numpy as np

from preprocessing.rows import Place

# A dot or a straight stroke fills at least this share of its extent; the strokes of a small digit turn.
SOLID = 0.75
# All sizes are shares of the height of the digits beside the sign.
DOT = 0.3  # a point is no larger than this in both directions
DOT_STROKES, SURE_DOT = 2.5, 0.18  # ... and no larger than so many stroke widths, or than this
COMMA = 0.55  # a comma or an apostrophe is no taller than this
COMMA_WIDTH = 0.35  # ... and no wider
COMMA_BELOW = 0.72  # a comma's middle lies at least so far down from the digits' top ...
COMMA_START = 0.45  # ... and it starts below this
APOSTROPHE_END = 0.62  # an apostrophe ends above this
ON_BASELINE = 0.7  # a point's middle lies at least so far down
DASH_LENGTH = 0.15, 1.3  # a dash is no shorter and no longer ...
DASH_ASPECT = 1.8  # ... so many times as long as high at least ...
DASH_MIDDLE = 0.25, 0.85  # ... and its middle lies between these
SLASH_LEAN = 0.22  # a slash leans to the right by so much more (columns per row) than the digits beside it ...
SLASH_REACH = 0.04  # ... and reaches so far above and below them: 1 of 83 straight ones of other writers does both


class Sign(Enum):
    """What a piece of ink is, if it is no digit."""

    POINT = "point"  # a dot on the baseline: a decimal point, if there are digits on both sides
    COMMA = "comma"  # the same
    DOT = "dot"  # higher up
    DASH = "dash"  # a minus, if a number follows and none comes before
    OTHER = "other"


def solidity(ink: np.ndarray) -> float:
    """How much of its extent a piece of ink (H, W) fills: about 1 for a dot or a straight bar at any angle, less for
    strokes that turn. The extent is that of a rectangle with the same second moments.
    """
    total = float(ink.sum())
    if total <= 0:
        return 0.0
    y, x = (np.arange(side, dtype=np.float32) + 0.5 for side in ink.shape)
    columns, rows = ink.sum(axis=0) / total, ink.sum(axis=1) / total
    x, y = x - columns @ x, y - rows @ y
    # a pixel has an extent of its own: 1/12 is the variance of its width
    xx, yy, xy = columns @ x**2 + 1 / 12, rows @ y**2 + 1 / 12, float(y @ ink @ x) / total
    return total / (12 * math.sqrt(max(xx * yy - xy * xy, 1e-9)))


def lean(ink: np.ndarray) -> float:
    """By how many columns a row the ink (H, W) leans to the right: the slope of the line that fits its rows best."""
    total = max(float(ink.sum()), 1e-6)
    y, x = (np.arange(side, dtype=np.float32) for side in ink.shape)
    columns, rows = ink.sum(axis=0) / total, ink.sum(axis=1) / total
    x, y = x - columns @ x, y - rows @ y
    return -float(y @ ink @ x) / total / max(float(rows @ y**2), 1 / 12)


def is_slash(box: np.ndarray, place: Place, leaning: float) -> bool:
    """Whether a straight stroke that leans more than its neighbours, by `leaning`, is a slash and no 1."""
    reach = min(place.top - box[1], box[3] - place.bottom) / place.height
    return leaning >= SLASH_LEAN and reach >= SLASH_REACH


def sign_of(box: np.ndarray, place: Place, stroke: float) -> Sign | None:
    """The sign that one solid piece of ink is by its size and place; None for what may as well be a digit.

    Args:
        box: (4,) left, top, right, bottom.
        place: of the digits beside it.
        stroke: the width of the pen.
    """
    height, width = (box[3] - box[1]) / place.height, (box[2] - box[0]) / place.height
    start, end = (box[1] - place.top) / place.height, (box[3] - place.top) / place.height
    middle = (start + end) / 2
    if max(height, width) <= min(DOT, max(DOT_STROKES * stroke / place.height, SURE_DOT)):
        return Sign.POINT if middle >= ON_BASELINE else Sign.DOT
    if width >= DASH_ASPECT * height and DASH_LENGTH[0] <= width <= DASH_LENGTH[1]:
        return Sign.DASH if DASH_MIDDLE[0] <= middle <= DASH_MIDDLE[1] else None
    if height <= COMMA and width <= COMMA_WIDTH and height > width * 0.8:
        if middle >= COMMA_BELOW and start >= COMMA_START:
            return Sign.COMMA
        if end <= APOSTROPHE_END:
            return Sign.OTHER
    return None


def is_stacked(boxes: np.ndarray, place: Place, stroke: float) -> bool:
    """Whether two pieces are one sign made of two dots or two dashes above each other, as : and =."""
    upper, lower = boxes[np.argsort(boxes[:, 1])]
    shared = min(upper[2], lower[2]) - max(upper[0], lower[0])
    sizes = boxes[:, 2:] - boxes[:, :2]
    if shared < 0.5 * sizes[:, 0].min() or lower[1] < upper[3]:
        return False
    start, end = (upper[1] - place.top) / place.height, (lower[3] - place.top) / place.height
    if start < -0.1 or end > 1.25:
        return False
    dots = sizes.max() <= min(DOT * place.height, max(DOT_STROKES * stroke, SURE_DOT * place.height))
    dashes = (sizes[:, 0] >= DASH_ASPECT * sizes[:, 1]).all() and sizes[:, 0].max() <= DASH_LENGTH[1] * place.height
    return bool(dots or dashes)
