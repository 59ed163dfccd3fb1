"""Ink -> MNIST's own frame.

MNIST's makers scaled each digit into a 20x20 box with its proportions, antialiased, and placed its center of mass at
the centre of 28x28 (LeCun, Cortes and Burges). A network trained on MNIST expects that and no other picture.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from preprocessing.pieces.components import FAINT
from preprocessing.pixels.morphology import grown, with_margin
from preprocessing.pixels.pen import stroke_width

# The side of MNIST's frame, in pixels.
SIDE = 28
# The longer side of a digit in it.
BOX = 20
# Strokes are mended at four times the final resolution: fine enough that a half-pixel change of width shows.
OVERSAMPLING = 4
# Thinned ink is kept only if some of it still has this level (of 255): thinning must not lose the digit.
STILL_INK = 128
# The stroke widths between which 90% of MNIST's training digits lie, in pixels of the frame, as stroke_width() measures
# them. Thinner strokes are thickened to the lower, thicker ones thinned to the upper bound.
MNIST_STROKE_WIDTHS = (1.8, 3.4)
# Where MNIST has its centers of mass, measured from the frame's edge: the middle of pixel 14, not the frame's middle.
CENTER = 14.5


def bounding_box(ink: np.ndarray) -> tuple[int, int, int, int] | None:
    """(left, top, right, bottom) of ink (H, W) in [0, 1], right and bottom exclusive; None without ink."""
    mask = ink >= FAINT
    (rows,), (columns,) = mask.any(axis=1).nonzero(), mask.any(axis=0).nonzero()
    if not rows.size:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def center_of_mass(ink: np.ndarray) -> tuple[float, float]:
    """(x, y) of ink (H, W) in [0, 1] that is not blank, in pixels, the middle of the first pixel being 0.5."""
    total = ink.sum()
    x = ink.sum(axis=0) @ (np.arange(ink.shape[1]) + 0.5) / total
    y = ink.sum(axis=1) @ (np.arange(ink.shape[0]) + 0.5) / total
    return float(x), float(y)


def to_frame(ink: np.ndarray) -> tuple[np.ndarray, float] | None:
    """Ink (H, W) float32 in [0, 1], not blank -> the (28, 28) float32 tensor in [0, 1], and the stroke width that the
    digit had in it before mending, in pixels. None when what there is vanishes at this size: lone pixels far apart, or
    a long row of strokes.
    """
    large = fit_box(ink, BOX * OVERSAMPLING)
    width = stroke_width(large)
    low, high = MNIST_STROKE_WIDTHS
    drawn_width = width / OVERSAMPLING
    if not low <= drawn_width <= high:
        large = with_stroke_width(large, width, low if drawn_width < low else high)
    digit = fit_box(large, BOX)
    return (centred(digit), drawn_width) if digit is not None and (digit >= FAINT).any() else None


def fit_box(ink: np.ndarray, side: int) -> np.ndarray | None:
    """Ink (H, W) float32 in [0, 1], cropped and resized, antialiased, so that its longer side is `side` pixels,
    proportions kept. None without ink.
    """
    if (box := bounding_box(ink)) is None:
        return None
    left, top, right, bottom = box
    scale = side / max(right - left, bottom - top)
    size = max(round((right - left) * scale), 1), max(round((bottom - top) * scale), 1)
    cut = Image.fromarray(ink[top:bottom, left:right])
    return np.asarray(cut.resize(size, Image.Resampling.BICUBIC)).clip(0, 1)


def with_stroke_width(large: np.ndarray, width: float, wanted: float) -> np.ndarray:
    """Thickens or thins the strokes of oversampled ink so that they have the `wanted` width in the 20-pixel box.

    Moving every edge by r turns a width w in a box of side B into w + 2r in a box of B + 2r: solved for r.
    """
    side = max(large.shape)
    share = wanted / BOX
    r = (share * side - width) / (2 * (1 - share))
    room = int(np.ceil(abs(r))) + 1
    padded = with_margin(np.rint(large * 255).astype(np.uint8), room)
    moved = grown(padded, r) if r > 0 else 255 - grown(255 - padded, -r)
    return moved.astype(np.float32) / 255 if moved.max() >= STILL_INK else large


def centred(digit: np.ndarray) -> np.ndarray:
    """A digit of at most 20x20 -> (28, 28) float32 with its center of mass at the centre, to the nearest pixel.

    A very lopsided digit is moved less, so that none of it is cut off.
    """
    tensor = np.zeros((SIDE, SIDE), np.float32)
    height, width = digit.shape
    x, y = center_of_mass(digit)
    left = min(max(round(CENTER - x), 0), SIDE - width)
    top = min(max(round(CENTER - y), 0), SIDE - height)
    tensor[top : top + height, left : left + width] = digit
    return tensor
