"""A second look at the ink of a picture, from as close as its pieces need to be read one by one."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from preprocessing.components import longer_sides, piece_boxes
from preprocessing.frame import bounding_box
from preprocessing.ink import inked
from preprocessing.morphology import dilated
from preprocessing.prepare import CLOSE_UP_MARGIN, CLOSE_UP_SIDE, LeftOut, Where

# Where the pieces are small, the picture is reduced up to this many times less. The work grows with the square of this.
MOST_ZOOM = 4
# A piece of up to this many touching digits is looked at again from close by.
MOST_TOUCHING = 4
# A digit on a page of many has at least this many pixels: two and a half times those of its box in MNIST.
PAGE_SIDE = 50
# This many pieces at most may be one digit in many strokes: it is tried whether they are, and whether neighbouring rows
# are one. More pieces are a page of digits.
FEW_PIECES = 16


def look_closer(
    picture: Image.Image,
    ink: np.ndarray,
    where: Where,
    boxes: np.ndarray,
    left_out: LeftOut,
) -> tuple[np.ndarray, Where]:
    """The ink, dots included, and its place on a less reduced picture, where the pieces are large enough to be read one
    by one.

    Lines and frames that were left out at the first look stay out. Lines are not looked for again on the larger
    picture, which would take longest. A stain may turn out to be a thin stroke, and a thing at the edge a digit of a
    page, so these are not kept out.

    Args:
        picture: in L or RGB.
        ink: (H, W) in [0, 1], as `look` gives it.
        where: where the ink lies in the picture.
        boxes: (n, 4) of the pieces of ink, at least one.
        left_out: what the first look left out.
    """
    kept = left_out.kept
    left, top, scale = where
    widths, heights = (boxes[:, 2:] - boxes[:, :2]).T
    sizes = np.maximum(heights, widths / MOST_TOUCHING)
    wanted = CLOSE_UP_SIDE if len(boxes) <= FEW_PIECES else PAGE_SIDE
    zoom = min(math.ceil(wanted / np.median(sizes)), MOST_ZOOM)
    factor = max(int(scale / zoom), 1)
    box = bounding_box(ink)
    margin = round(CLOSE_UP_MARGIN * max(widths.max(), heights.max()))  # the paper must stay visible
    start = [round(max(offset + scale * (edge - margin), 0)) for offset, edge in zip((left, top), box[:2], strict=True)]
    end = [
        round(min(offset + scale * (edge + margin), side))
        for offset, edge, side in zip((left, top), box[2:], picture.size, strict=True)
    ]
    closer = picture.crop((*start, *end)).reduce(factor)
    within = np.ones((closer.height, closer.width), bool)
    if kept is not None:
        rows, columns = (
            np.clip((first + factor * (np.arange(size) + 0.5) - offset) // scale, 0, limit - 1).astype(int)
            for first, size, offset, limit in zip(start[::-1], within.shape, (top, left), kept.shape, strict=True)
        )
        within = dilated(kept)[np.ix_(rows, columns)]
    return np.where(within, inked(closer, within, dark_ink=left_out.sheet).ink, 0), Where(*start, factor)


def without_grain(pieces: np.ndarray, count: int, size: float) -> tuple[np.ndarray, int]:
    """Numbers of pieces (H, W) and how many there are -> the same without those that are smaller than `size` pixels in
    both directions, numbered anew.
    """
    kept = longer_sides(piece_boxes(pieces, count)) >= size
    number = np.zeros(count + 1, np.int32)
    number[1:][kept] = np.arange(1, np.count_nonzero(kept) + 1)
    return number[pieces], int(np.count_nonzero(kept))
