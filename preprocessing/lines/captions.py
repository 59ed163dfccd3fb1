"""Leaves out captions, the words that are printed beside the boxes of a form: "Date", "ZIP code", "Name:".

Digits are written in the boxes. What lies outside is a caption if it is set smaller than they are written. Digits that
are written beside a row of boxes are as tall as those in it, and stay. Small print may stand in a corner of a box, too.
"""

from __future__ import annotations

import numpy as np

from preprocessing.lines.line import Edges, Lines, zone_of
from preprocessing.pieces.components import FAINT, HALF, Pieces, label, pieces_of, without
from preprocessing.pieces.rows import usual_height
from preprocessing.pixels.shapes import SOLID, solidity

# A piece of ink is written in a box if at least this share of it lies there: digits reach over the edges of their box.
IN_FIELD = 0.5
# A word is a caption if its letters are lower than this share of the digits: those of a large caption come near it.
LOWER = 0.8
# Letters are of one word if the gap between them is no wider than this share of their height.
LETTER_GAP = 0.6
# A letter in a corner of a box is smaller than this share of the digits' height: the loose bar of a 7 is wider.
SMALL_PRINT = 0.35
# Print in a corner lies no farther from both lines than this share of the digits' height.
IN_CORNER = 0.1
# Digits taller than their boxes by this factor are written over the squares of a sheet, and these are no boxes.
TALLER_THAN_BOX = 1.3


def without_captions(ink: np.ndarray, rows: list[Edges], lines: Lines) -> np.ndarray:
    """Ink (H, W) in [0, 1] without captions beside rows of boxes and in their corners; the ink itself if nothing is
    written in these.

    rows: the edges of the rows of boxes. lines: all printed lines.
    """
    if not rows:
        return ink
    pieces = pieces_of(ink >= FAINT)
    inside = inside_of(rows, ink.shape)
    written = pieces.pixels(inside) >= IN_FIELD * pieces.pixels()
    if not written.any():
        return ink
    boxes = pieces.boxes
    digits = usual_height(boxes[written])
    high = np.median([row.height for row in rows])
    if digits > TALLER_THAN_BOX * high:
        return ink
    gone = np.zeros(pieces.count, bool)
    for word in grouped_letters(boxes, np.flatnonzero(~written), ink.shape):
        sign = len(word) == 1 and is_sign(ink, pieces, word[0], rows)
        gone[word] = usual_height(boxes[word]) < LOWER * digits and not sign
    small = np.flatnonzero(written & (pieces.longest < SMALL_PRINT * digits))
    if small.size:
        zones = zone_of(ink.shape, (lines[0], [])), zone_of(ink.shape, ([], lines[1]))
        for word in grouped_letters(boxes, small, ink.shape):
            gone[word] = is_in_corner(boxes[word], zones, IN_CORNER * digits)
    if not gone.any():
        return ink
    rim = (pieces.labels == 0) & ~inside & (ink > 0)  # the faint edges of letters go with them
    return without(ink, pieces.where(gone) | rim)


def inside_of(rows: list[Edges], shape: tuple[int, int]) -> np.ndarray:
    """The pixels in rows of boxes, bool (H, W)."""
    inside = np.zeros(shape, bool)
    down = np.arange(shape[0])[:, None]
    for upper, lower in rows:
        columns = np.arange(max(upper.start, lower.start, 0), min(upper.end, lower.end, shape[1]))
        inside[:, columns] |= (down >= upper.at(columns)) & (down <= lower.at(columns))
    return inside


def grouped_letters(boxes: np.ndarray, pieces: np.ndarray, shape: tuple[int, int]) -> list[np.ndarray]:
    """Some of the pieces with these boxes (n, 4), as words: letters side by side, with small gaps."""
    covered = np.zeros(shape, bool)
    for left, top, right, bottom in boxes[pieces].tolist():
        room = round(LETTER_GAP / 2 * (bottom - top))
        covered[top:bottom, max(left - room, 0) : right + room + 1] = True
    number, count = label(covered)
    own = number[boxes[pieces, 1], boxes[pieces, 0]]
    return [pieces[own == word] for word in range(1, count + 1)]


def is_sign(ink: np.ndarray, pieces: Pieces, piece: int, rows: list[Edges]) -> bool:
    """Whether a piece of the ink is a minus or a point beside a row of boxes: solid, as high up as the boxes."""
    left, top, right, bottom = pieces.boxes[piece]
    across, middle = (left + right) / 2, (top + bottom) / 2
    if not any(upper.at(across) < middle < lower.at(across) for upper, lower in rows):
        return False
    crop, mine = pieces.in_box(piece)
    own = np.where(mine, ink[crop], 0)
    return bool(own.max() > HALF and solidity(own) >= SOLID)


def is_in_corner(boxes: np.ndarray, zones: tuple[np.ndarray, np.ndarray], room: float) -> bool:
    """Whether a word, whose letters have these boxes (n, 4), lies beside a line across and an upright one. `zones`
    (H, W) bool are what the lines cover.
    """
    reach = int(np.ceil(room))
    left, top = np.maximum(boxes[:, :2].min(axis=0) - reach, 0)
    right, bottom = boxes[:, 2:].max(axis=0) + reach
    return all(zone[top:bottom, left:right].any() for zone in zones)
