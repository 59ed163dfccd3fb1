"""What a reading of a picture is worth: the confidence of its digits and signs, less these prices.

Confidences are multiplied, so prices are natural logarithms of probabilities.
"""

from __future__ import annotations

import math

import numpy as np

from preprocessing.reading.writing import Read, union_box

# A gap between the pieces of a digit, or an overlap of two digits, divides the probability of the reading by e if it is
# as wide as this share of the digit. Wider ones cost proportionally more.
TOLERANCE = 0.25
# Each digit must make a reading better by this much: of two equally likely readings the one with fewer digits is right
# more often.
DIGIT_PRICE = 0.1
# Each line costs this much: it decides between readings with as many digits.
LINE_PRICE = 0.01
# Digits below each other cost up to 1 if less than this share of the lower one's height is free between them: rows of
# writing lie farther apart, the parts of a digit do not.
CLOSE_BELOW = 0.25
# A sign that its size and place tell.
PLACED_SIGN_PRICE = 0.3
# A sign that only the reader tells.
SIGN_PRICE = 1.5
# A dot that is left out as meaningless.
SPECK_PRICE = 1.0
# A digit is small below this share of its neighbours' height.
SMALL = 0.55
# The log probability of a small digit falls by this much for each halving below SMALL.
SMALL_PRICE = 4.0
# A digit is broad if it is wider than this many times its height.
BROAD = 1.0
# The log probability of a broad digit falls by this much for each doubling above BROAD.
BROAD_PRICE = 3.0
# A comma stands behind something, so one at the beginning costs this much.
LEADING_COMMA_PRICE = 3.0
# A sign that only the reader tells is large above this share of its neighbours' height.
LARGE_SIGN = 0.75
# A large sign costs this much for each height of its neighbours above LARGE_SIGN.
LARGE_PRICE = 6.0
# A cut costs this much.
CUT_PRICE = 0.1
# A cut costs this much more for each stroke width of ink that it crosses.
CROSSING_PRICE = 0.05
# The confidence of a digit that was cut off counts this often: parts of a letter look like digits as well, but less so,
# and a digit that is cut in the right place looks most like one.
PART_WEIGHT = 3.0
# No confidence counts as less than this: the logarithm stays finite.
LEAST_CONFIDENCE = 1e-9


def log_confidence(confidence: float) -> float:
    """The natural logarithm of a confidence, finite for 0 as well."""
    return math.log(max(confidence, LEAST_CONFIDENCE))


def gap_cost(boxes: np.ndarray) -> float:
    """The price of taking these pieces, boxes (n, 4), for one digit: the empty columns and rows between them, by its
    size.
    """
    left, top, right, bottom = union_box(boxes)
    empty = sum(emptiness(boxes[:, axis], boxes[:, axis + 2]) for axis in (0, 1))
    return empty / (TOLERANCE * max(right - left, bottom - top))


def overlap_cost(shared: float, size: float) -> float:
    """The price of taking neighbours for two digits that share this many columns, by the size of one of them."""
    return max(shared, 0) / (TOLERANCE * size)


def closeness_price(upper: np.ndarray, lower: np.ndarray) -> float:
    """The price of taking what has these boxes, (4,) each, for two digits, the one below the other. Those beside each
    other cost as much if they share rows: one of them is only raised.
    """
    shared = min(upper[2], lower[2]) - max(upper[0], lower[0])
    close = (upper[3] - lower[1]) / (lower[3] - lower[1]) / CLOSE_BELOW
    return min(max(close + (shared > 0), 0), 1)


def emptiness(starts: np.ndarray, ends: np.ndarray) -> float:
    """The length that intervals leave uncovered between the first and the last; (n,) where they start and end."""
    order = np.argsort(starts)
    covered = np.maximum.accumulate(ends[order])
    return float(np.maximum(starts[order][1:] - covered[:-1], 0).sum())


def broadness_price(box: np.ndarray, read: Read, pieces: int) -> float:
    """The price of a digit that is broad. In one piece it counts only as far as the reader doubts the digit."""
    price = BROAD_PRICE * max(math.log2((box[2] - box[0]) / (BROAD * (box[3] - box[1]))), 0)
    return price if pieces > 1 else price * (1 - read.digit)
