"""Outlines: hollow digits, which are drawn by their contours alone, are filled."""

from __future__ import annotations

import numpy as np

from preprocessing.pieces.components import FAINT, Pieces, holds, lies_in, pieces_of
from preprocessing.pixels.morphology import dilated, with_margin
from preprocessing.pixels.pen import stroke_width
from preprocessing.pixels.shapes import solidity

# The inside of an outline is a band that turns: its solidity is at most this. The holes of plain digits, also of a 0
# with a dot or a slash, are more solid. A hollow 1 is as solid as the hole of a narrow 0, and stays as it is.
BAND = 0.65
# A band around a contour with another hole is so solid at most: no hole of a plain digit has such a thing inside.
BAND_AROUND_CONTOUR = 0.8
# The band of a hollow 8 goes around two contours. What goes around more is no digit.
MOST_CONTOURS = 2
# A contour's box is larger than the box of the hole inside it by at most this many stroke widths: where a contour turns
# sharply it takes more than two. The letter in an @ exceeds this, or is of one piece with the ring.
CONTOUR = 4.0
# Blurred edges add up to this many pixels to that difference, both sides together.
RIMS = 4
# The band is no wider than this share of its longer side.
BAND_WIDE = 0.2
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
    for hole in np.flatnonzero(may_be_large(boxes, ink.shape)):
        box = boxes[hole]
        place, band = paper.in_box(hole)
        if not is_band(band.astype(np.float32), BAND_AROUND_CONTOUR):  # before all contours are looked at
            continue
        around = contours[holds(contours, box)]
        if not len(around) or band.size < BAND_LARGE * (around[:, 2:] - around[:, :2]).prod(axis=1).min():
            continue
        inner = boxes[lies_in(boxes, box) & wide]
        if len(inner) > MOST_CONTOURS or not (len(inner) or is_band(band.astype(np.float32), BAND)):
            continue
        rings = contours[lies_in(contours, box)]
        if all(is_ringed(each, rings, stroke) for each in inner):
            filled[place] |= band
    return np.where(dilated(filled), 1, ink).astype(ink.dtype) if filled.any() else ink


def may_be_large(boxes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Which holes, boxes (n, 4) in ink of this shape (H, W), are large enough for the inside of an outline, (n,) bool,
    if a contour of a pixel is around them.
    """
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    inside = (boxes[:, :2] > 0).all(axis=1) & (boxes[:, 2:] < shape[::-1]).all(axis=1)
    return inside & (width * height >= BAND_LARGE * (width + 2) * (height + 2))


def is_ringed(hole: np.ndarray, rings: np.ndarray, stroke: float) -> bool:
    """Whether a hole, box (4,), has one of the rings (n, 4) for a contour of its own; stroke: their width in pixels."""
    own = rings[holds(rings, hole)]
    excess = own[:, 2:] - own[:, :2] - (hole[2:] - hole[:2])
    return bool((excess <= CONTOUR * stroke + RIMS).all(axis=1).any())


def is_band(hole: np.ndarray, most: float) -> bool:
    """Whether a hole in the ink, (H, W) float32 0 or 1 in its box, may be the inside of an outline. most: how solid it
    may be.
    """
    return solidity(hole) <= most and stroke_width(hole) <= BAND_WIDE * max(hole.shape)
