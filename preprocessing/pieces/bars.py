"""Bars: the lines that are drawn below numbers and between them."""

from __future__ import annotations

import numpy as np

from preprocessing.pieces.components import FAINT, Pieces, pieces_of, without
from preprocessing.pixels.morphology import with_margin
from preprocessing.pixels.pen import stroke_width
from preprocessing.pixels.shapes import filled_columns, is_straight, slope_of

# A bar is a line, and no stroke of a digit, if it is at least this many times as long as the digits beside it are high.
LONGER = 1.6
# A bar above or below several digits needs to be so many times as long only: a stroke belongs to one of them.
LONGER_OF_SEVERAL = 1.2
# What is higher than this share of the highest piece beside a bar is a digit.
DIGIT = 0.6
# The digits beside it are at least this many times as high as it is thick: beside a dash there may be specks.
THIN = 3.0
# A bar is at least this many times as long as the strokes of the picture are thick.
ASPECT = 3.5
# It is at least this many times as long as it is thick itself, blur included: a dot below a stroke is shorter.
OWN_ASPECT = 2.0
# A bar rises or falls by no more than this for each column: a 7 is a line, too, if its columns alone are looked at.
STEEPEST = 0.5
# A bar is as thick as usual along at least this share of it: strokes may come close to it.
EVEN = 0.8
# Bars below digits may be shorter. They are at least as long as this share of the digits' width: the bars of an equals
# sign below are shorter.
UNDERLINE_LONG = 0.7
# Between one such bar and the digits there are at least this many stroke widths of paper: the foot of a 1 is mostly
# closer.
UNDERLINE_APART = 0.5
# It is no farther below the digits than this share of their height: a minus in the next row is.
UNDERLINE_NEAR = 0.4
# A digit ends in a stem if this share of its height, at its bottom, is narrow.
STEM = 0.2
# A stem is no wider than this many stroke widths.
STEM_WIDE = 2.0
# Of two such bars, each lies below the other along this share of their length.
TWINS = 0.7
# The middles of two such bars are no farther apart than this share of their length.
TWINS_APART = 0.4
# The digits end no farther below the upper bar than this share of their height: a line is drawn aslant.
TWINS_BELOW = 0.15


def without_bars(ink: np.ndarray) -> np.ndarray:
    """Ink (H, W) in [0, 1] without straight bars across that are much longer than the digits above and below them are
    high: numbers are underlined, and a sum stands below a line. Bars that are plainly below digits may be shorter.
    """
    pieces = pieces_of(ink >= FAINT)
    boxes = pieces.boxes
    left, top, right, bottom = boxes.T
    widths, heights = right - left, bottom - top
    stroke = stroke_width(ink)
    long = np.flatnonzero(widths >= ASPECT * stroke)
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
        if heights[piece] < highest and (
            longer
            or underlines_twice(boxes[piece], boxes[long], boxes[digits])
            or (is_below(boxes[piece], boxes[digits], stroke) and not may_be_one(pieces, digits, stroke))
        ):
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
    return bool(below and bar[2] - bar[0] >= UNDERLINE_LONG * (digits[:, 2].max() - digits[:, 0].min()))


def is_below(bar: np.ndarray, digits: np.ndarray, stroke: float) -> bool:
    """Whether what has this box (4,) lies plainly below digits, whose boxes (n, 4) these are, and close to them.

    stroke: the width of the pen in pixels.
    """
    if not len(digits) or bar[2] - bar[0] < UNDERLINE_LONG * (digits[:, 2].max() - digits[:, 0].min()):
        return False
    lowest, highest = digits[:, 3].max(), np.ptp(digits[:, 1::2], axis=1).max()
    return bool(UNDERLINE_APART * stroke <= bar[1] - lowest <= UNDERLINE_NEAR * highest)


def may_be_one(pieces: Pieces, digits: np.ndarray, stroke: float) -> bool:
    """Whether a bar below these of the pieces, (n,) bool, may be the foot of a 1: they end in a stem, without a loop.

    stroke: the width of the pen in pixels.
    """
    ink = pieces.where(digits)
    ink = ink[ink.any(axis=1)]
    lowest = ink[-max(round(STEM * len(ink)), 1) :]
    if np.median(filled_columns(lowest.T).sum(axis=0)) > STEM_WIDE * stroke:
        return False
    return pieces_of(~with_margin(ink, 1)).count == 1


def is_bar(piece: np.ndarray, highest: int) -> bool:
    """Whether a piece of ink, (H, W) bool between its left and its right end, is a straight bar across. It may be
    turned a little. highest: the height in pixels of the digits beside it.
    """
    thick = piece.sum(axis=0)
    thickness = float(np.median(thick))
    if len(thick) < OWN_ASPECT * thickness:
        return False
    if np.median(filled_columns(piece).sum(axis=0)) > thickness:
        return False  # the upper and the lower side of a 0 are no bar
    middles = (piece * np.arange(len(piece))[:, None]).sum(axis=0) / np.maximum(thick, 1)
    slope = slope_of(middles)
    straight = abs(slope) <= STEEPEST and is_straight(middles, slope, max(thickness / 2, 1.0))
    even = np.mean(np.abs(thick - thickness) <= max(thickness / 2, 1.0)) >= EVEN
    return bool(straight and even and highest >= THIN * thickness)
