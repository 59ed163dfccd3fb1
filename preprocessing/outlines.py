"""Outlines: hollow digits, which are drawn by their contours alone, are filled."""

from __future__ import annotations

import numpy as np

from preprocessing.components import FAINT, Pieces, pieces_of
from preprocessing.morphology import dilated, with_margin
from preprocessing.pen import stroke_width
from preprocessing.signs import solidity

# The inside of an outline is a band that turns: its solidity is at most this. The holes of plain digits, also of a 0
# with a dot, are more solid. A hollow 1 is as solid as the hole of a narrow 0, and stays as it is.
BAND = 0.7
# A band with another hole inside it is so solid at most: no hole of a plain digit has one.
BAND_AROUND_HOLE = 0.8
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
    filled = np.zeros(ink.shape, bool)
    for hole, (left, top, right, bottom) in enumerate(boxes):
        around = contours[(contours[:, :2] < (left, top)).all(axis=1) & (contours[:, 2:] > (right, bottom)).all(axis=1)]
        if max(right - left, bottom - top) < BAND_LONG or not len(around):
            continue
        smallest = (around[:, 2:] - around[:, :2]).prod(axis=1).min()
        place, band = paper.in_box(hole)
        has_hole = ((boxes[:, :2] > (left, top)).all(axis=1) & (boxes[:, 2:] < (right, bottom)).all(axis=1)).any()
        if band.size >= BAND_LARGE * smallest and is_band(band.astype(np.float32), has_hole):
            filled[place] |= band
    return np.where(dilated(filled), 1, ink).astype(ink.dtype) if filled.any() else ink


def is_band(hole: np.ndarray, has_hole: bool) -> bool:
    """Whether a hole in the ink, (H, W) float32 0 or 1 in its box, may be the inside of an outline. has_hole: whether
    another hole lies within it.
    """
    most = BAND_AROUND_HOLE if has_hole else BAND
    return solidity(hole) <= most and stroke_width(hole) <= BAND_WIDE * max(hole.shape)
