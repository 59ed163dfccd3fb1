"""Dotted and dashed lines: what a form prints to write on, to fill in or to cut along. Their dots are left out.

A dot or a dash alone may be a decimal point or a minus. Many of them, alike, in a straight row and evenly spaced, with
less between them than a digit is high, are a printed line.
"""

from __future__ import annotations

import numpy as np

from preprocessing.pieces.components import FAINT, Pieces, longer_sides, pieces_of, without
from preprocessing.pieces.rows import SLOPES, digits_height
from preprocessing.pixels.lattices import UNEVEN
from preprocessing.pixels.morphology import dilated

# A dotted line shows at least so many dots: writers put three.
FEWEST_DOTS = 4
# Where there is one, others may show so many: the short sides of a dashed box.
FEWEST_BESIDE = 3
# The search ends after this many rows that are no lines: the fullest rows are tried first.
MOST_IN_VAIN = 4
# More pieces than this are noise, and no line is looked for.
MOST_PIECES = 2000
# A dot or a dash is no longer than this share of the digits' height: digits that are written small are longer.
SMALL = 0.25
# It is no thicker than this share of the digits' height.
THIN = 0.2
# It may always have so many pixels, however small the digits.
SMALLEST = 3
# It is at most this share of the digits' height from one dot to the next: decimal points and minus signs below each
# other are a line of writing apart.
APART = 0.5
# The middles of dots lie no farther from their line than this share of their thickness, and a pixel.
OFF_LINE = 0.5
# Dots are as long as their median to within this share of it.
ALIKE = 0.5
# The place of a dot is off by up to this many pixels.
OFF_PLACE = 1.0
# Dots are next to each other, with none missing between them, up to so many times the usual distance.
NEXT = 1.5
# At least this share of what lies in a line, and of its distances, is regular: a point of the writing may stand in it.
REGULAR = 0.7
# Between two dots the paper is blank for at least this share of a dot. The parts of a pencil's stroke lie closer.
BLANK = 0.25
# It is blank for at least so many pixels, however small the dots.
BLANK_PIXELS = 1.5


def without_dotted_lines(ink: np.ndarray) -> np.ndarray:
    """Ink (H, W) in [0, 1] without the dots of dotted lines and the dashes of dashed ones, across and upright; the ink
    itself without such lines. Dots that a digit touches stay with it.
    """
    pieces = pieces_of(ink >= FAINT)  # a pale stroke is in one piece, however often its dark parts are parted
    if not FEWEST_DOTS < pieces.count <= MOST_PIECES:
        return ink
    gone = dotted_pieces(pieces.boxes, pieces.pixels())
    return without(ink, around(pieces, gone)) if gone.any() else ink


def dotted_pieces(boxes: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Which of the pieces with these boxes (n, 4), and so many pixels (n,), belong to dotted lines, (n,) bool."""
    digits = digits_height(boxes, pixels)
    small = longer_sides(boxes) <= max(SMALL * digits, SMALLEST)
    gone = np.zeros(len(boxes), bool)
    for fewest in (FEWEST_DOTS, FEWEST_BESIDE):
        for view in (boxes, boxes[:, [1, 0, 3, 2]]):
            for line in dotted_lines(view, small & ~gone, digits, fewest):
                gone |= line
        if not gone.any():
            break
    return gone


def around(pieces: Pieces, gone: np.ndarray) -> np.ndarray:
    """The pixels of pieces that are gone, (H, W) bool, with their blurred edges, as far as no other piece has them."""
    return dilated(pieces.where(gone)) & ~pieces.where(~gone)


def dotted_lines(boxes: np.ndarray, small: np.ndarray, digits: float, fewest: int) -> list[np.ndarray]:
    """The pieces of each dotted line across, of at least so many dots, (n,) bool.

    boxes: (n, 4) of all pieces. small: which of them may be dots, (n,) bool. digits: their height in pixels.
    """
    starts, ends = boxes[:, :2], boxes[:, 2:]
    (along, across), (lengths, widths) = ((starts + ends) / 2).T, (ends - starts).T
    able = small & (widths <= max(THIN * digits, SMALLEST)) & (widths <= lengths + 1)
    found, in_vain = [], 0
    while np.count_nonzero(able) >= fewest and in_vain < MOST_IN_VAIN:
        members, slope = fullest_row(along, across, widths, able)
        dots = regular(along, lengths, members, APART * digits, fewest)
        if dots is None:
            able, in_vain = able & ~members, in_vain + 1
            continue
        level, period = np.median((across - slope * along)[dots]), np.median(np.diff(np.sort(along[dots])))
        # what else lies on the line and next to its dots: the last one, which is shorter, and corners
        rows = level + slope * along
        on_line = small & (boxes[:, 1] - 1 <= rows) & (rows <= boxes[:, 3] + 1)
        beside = np.maximum(starts[:, 0] - along[dots].max(), along[dots].min() - ends[:, 0]) <= NEXT * period
        line = dots | (on_line & beside)
        found.append(line)
        able = able & ~line & ~members
    return found


def fullest_row(
    along: np.ndarray, across: np.ndarray, widths: np.ndarray, able: np.ndarray
) -> tuple[np.ndarray, float]:
    """Which of the pieces that are `able`, (n,) bool, lie in the straight row that holds most of them, and its slope.

    along, across: (n,) their middles. widths: (n,) across the row.
    """
    numbers = np.flatnonzero(able)
    room = max(2 * OFF_LINE * float(np.median(widths[numbers])), 1.0) + 1
    levels = across[numbers] - np.multiply.outer(SLOPES, along[numbers])
    order = np.argsort(levels, axis=1)
    levels = np.take_along_axis(levels, order, axis=1)
    held = np.array([np.searchsorted(row, row + room, side="right") for row in levels]) - np.arange(len(numbers))
    best, first = np.unravel_index(held.argmax(), held.shape)
    members = np.zeros(len(along), bool)
    members[numbers[order[best, first : first + held[best, first]]]] = True
    return members, float(SLOPES[best])


def regular(
    along: np.ndarray, lengths: np.ndarray, members: np.ndarray, apart: float, fewest: int
) -> np.ndarray | None:
    """The dots of a row, (n,) bool, if at least `fewest` are alike and evenly spaced, at most `apart`; None for a row
    that is no line.

    along: (n,) the middles of all pieces. lengths: (n,) along the row. members: (n,) bool, those in the row.
    """
    usual = float(np.median(lengths[members]))
    dots = members & (np.abs(lengths - usual) <= max(ALIKE * usual, OFF_PLACE))
    gaps = np.diff(np.sort(along[dots]))
    if len(gaps) < fewest - 1 or np.count_nonzero(dots) < REGULAR * np.count_nonzero(members):
        return None
    period = float(np.median(gaps))
    if period - usual < max(BLANK * usual, BLANK_PIXELS):
        return None
    even = np.abs(gaps - np.maximum(np.rint(gaps / max(period, 1)), 1) * period) <= UNEVEN * gaps + OFF_PLACE
    in_turn = np.count_nonzero(even & (gaps < NEXT * period))
    if period > apart or even.mean() < REGULAR or in_turn < fewest - 1:
        return None
    return dots
