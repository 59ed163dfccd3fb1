"""Bars: the lines that are drawn below numbers and between them."""

from __future__ import annotations

import numpy as np

from preprocessing.components import FAINT, pieces_of, without
from preprocessing.pen import stroke_width
from preprocessing.shapes import is_straight, slope_of

# A bar is a line, and no stroke of a digit, if it is at least this many times as long as the digits beside it are high.
LONGER = 1.6
# A bar above or below several digits needs to be so many times as long only: a stroke belongs to one of them.
LONGER_OF_SEVERAL = 1.2
# What is higher than this share of the highest piece beside a bar is a digit.
DIGIT = 0.6
# The digits beside it are at least this many times as high as it is thick: beside a dash there may be specks.
THIN = 3.0
# A bar is at least this many times as long as thick.
ASPECT = 6.0
# A bar is as thick as usual along at least this share of it: strokes may come close to it.
EVEN = 0.8
# Two bars below a digit may be shorter than it is high, if they lie below each other along this share of their length.
TWINS = 0.7
# The middles of two such bars are no farther apart than this share of their length.
TWINS_APART = 0.4
# Two such bars are at least as long as this share of the digit's width: those of an equals sign below it are shorter.
TWINS_LONG = 0.7
# The digit ends no farther below the upper bar than this share of its height: a line is drawn aslant.
TWINS_BELOW = 0.15


def without_bars(ink: np.ndarray) -> np.ndarray:
    """Ink (H, W) in [0, 1] without straight bars across that are much longer than the digits above and below them are
    high: numbers are underlined, and a sum stands below a line. Two bars below each other may be shorter.
    """
    pieces = pieces_of(ink >= FAINT)
    boxes = pieces.boxes
    left, top, right, bottom = boxes.T
    widths, heights = right - left, bottom - top
    long = np.flatnonzero(widths >= ASPECT * stroke_width(ink))
    bars = np.zeros(pieces.count, bool)
    for piece in long:
        beside = (left < right[piece]) & (right > left[piece])
        beside[piece] = False
        beside &= ~bars
        highest = heights[beside].max(initial=0)
        digits = beside & (heights >= DIGIT * highest)
        # they stand side by side, unlike the strokes of one: the last begins where the first has ended
        several = left[digits].max(initial=0) >= right[digits].min(initial=ink.shape[1])
        longer = widths[piece] >= (LONGER_OF_SEVERAL if several else LONGER) * highest
        if heights[piece] < highest and (longer or underlines_twice(boxes[piece], boxes[long], boxes[digits])):
            bars[piece] = is_bar(pieces.labels[:, left[piece] : right[piece]] == piece + 1, highest)
    return without(ink, pieces.where(bars)) if bars.any() else ink


def underlines_twice(bar: np.ndarray, others: np.ndarray, digits: np.ndarray) -> bool:
    """Whether what has this box (4,) may be one of two bars below digits. others: the boxes (n, 4) of all pieces that
    may be bars. digits: those of the digits above and below it.
    """
    left, top, right, bottom = others.T
    lengths = np.maximum(right - left, bar[2] - bar[0])
    shared = np.minimum(right, bar[2]) - np.maximum(left, bar[0])
    apart = np.abs(top + bottom - bar[1] - bar[3]) / 2
    twins = (shared >= TWINS * lengths) & (apart > 0) & (apart <= TWINS_APART * lengths)
    if not twins.any() or not len(digits):
        return False
    lowest, highest = digits[:, 3].max(), np.ptp(digits[:, 1::2], axis=1).max()
    below = lowest - min(bar[1], top[twins].min()) <= TWINS_BELOW * highest
    return bool(below and bar[2] - bar[0] >= TWINS_LONG * (digits[:, 2].max() - digits[:, 0].min()))


def is_bar(piece: np.ndarray, highest: int) -> bool:
    """Whether a piece of ink, (H, W) bool between its left and its right end, is a straight bar across. It may be
    turned a little. highest: the height in pixels of the digits beside it.
    """
    thick = piece.sum(axis=0)
    thickness = float(np.median(thick))
    middles = (piece * np.arange(len(piece))[:, None]).sum(axis=0) / np.maximum(thick, 1)
    straight = is_straight(middles, slope_of(middles), max(thickness / 2, 1.0))
    even = np.mean(np.abs(thick - thickness) <= max(thickness / 2, 1.0)) >= EVEN
    return bool(straight and even and highest >= THIN * thickness)
