"""Outlines: hollow digits, which are drawn by their contours alone, are filled."""

from __future__ import annotations

import numpy as np

from preprocessing.pieces.components import FAINT, Pieces, pieces_of
from preprocessing.pieces.signs import solidity
from preprocessing.pixels.morphology import dilated, with_margin
from preprocessing.pixels.pen import stroke_width

# The inside of an outline is a band that turns: its solidity is at most this. The holes of plain digits, also of a 0
# with a dot or a slash, are more solid. A hollow 1 is as solid as the hole of a narrow 0, and stays as it is.
BAND = 0.65
# A band around a contour with another hole is so solid at most: no hole of a plain digit has such a thing inside.
BAND_AROUND_CONTOUR = 0.8
# A contour is no larger than the hole inside it but for this many stroke widths: where it turns sharply it takes more
# than two. The letter in an @ is larger, or of one piece with the ring.
CONTOUR = 4.0
# The rims of contours are up to this many pixels wide together, on both sides.
RIMS = 4
# The band is no wider than this share of its longer side.
BAND_WIDE = 0.2
# A band is at least this many pixels long: what is shorter lies between two passes of a pen.
BAND_LONG = 12
# The box of a band covers at least this share of the box around its contours. A hole between two digits that touch
# covers less, and so does the hole of a digit that a fat pen drew twice.
BAND_LARGE = 0.4


def with_outlines_filled(ink: np.ndarray) -> np.ndarray:
    """Coverage (H, W) in [0, 1] with full ink in the bands between the contours of hollow digits."""
    paper = pieces_of(with_margin(ink, 1) < FAINT)  # holes, and what is around all ink
    if paper.count < 2:
        return ink
    paper = Pieces(paper.labels[1:-1, 1:-1], paper.count)
    boxes, contours = paper.boxes, pieces_of(ink >= FAINT).boxes
    filled, stroke = np.zeros(ink.shape, bool), stroke_width(ink)
    wide = paper.longest > stroke  # others lie between two passes of a pen
    for hole in np.flatnonzero(paper.longest >= BAND_LONG):
        box = boxes[hole]
        around = contours[holds(contours, box)]
        if not len(around):
            continue
        place, band = paper.in_box(hole)
        large = band.size >= BAND_LARGE * (around[:, 2:] - around[:, :2]).prod(axis=1).min()
        inner, rings = boxes[is_held(boxes, box) & wide], contours[is_held(contours, box)]
        ringed = all(is_ringed(each, rings, stroke) for each in inner)
        if large and ringed and is_band(band.astype(np.float32), len(inner) > 0):
            filled[place] |= band
    return np.where(dilated(filled), 1, ink).astype(ink.dtype) if filled.any() else ink


def holds(boxes: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Which of the boxes (n, 4) hold a box (4,), with room on all sides; (n,) bool."""
    return (boxes[:, :2] < box[:2]).all(axis=1) & (boxes[:, 2:] > box[2:]).all(axis=1)


def is_held(boxes: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Which of the boxes (n, 4) lie in a box (4,), with room on all sides; (n,) bool."""
    return (boxes[:, :2] > box[:2]).all(axis=1) & (boxes[:, 2:] < box[2:]).all(axis=1)


def is_ringed(hole: np.ndarray, rings: np.ndarray, stroke: float) -> bool:
    """Whether a hole, box (4,), has one of the rings (n, 4) for a contour of its own; stroke: their width in pixels."""
    own = rings[holds(rings, hole)]
    excess = own[:, 2:] - own[:, :2] - (hole[2:] - hole[:2])
    return bool((excess <= CONTOUR * stroke + RIMS).all(axis=1).any())


def is_band(hole: np.ndarray, around_contour: bool) -> bool:
    """Whether a hole in the ink, (H, W) float32 0 or 1 in its box, may be the inside of an outline. around_contour:
    whether another hole lies within it.
    """
    most = BAND_AROUND_CONTOUR if around_contour else BAND
    return solidity(hole) <= most and stroke_width(hole) <= BAND_WIDE * max(hole.shape)
