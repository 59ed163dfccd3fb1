"""A sheet of paper that lies on something else: a table, a cloth, tiles, another sheet.

    picture, box = on_paper_alone(picture)

The ink is found by the paper, and the paper by the picture's border (ink.py). Where the border shows the table, the
whole sheet would be taken for ink. So the sheet is found first, and all else is painted over with paper. A sheet is
whatever is even, has four straight edges at most, besides those of the picture, and is written on. It may be lighter
or darker than what it lies on, or of another colour; what it lies on may be of any kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

from preprocessing.background.beyond import with_paper_beyond
from preprocessing.background.surround import may_be_photo
from preprocessing.light.darkness import FAINTEST_INK
from preprocessing.pieces.components import pieces_of
from preprocessing.pixels.morphology import dilated, eroded, mean_of
from preprocessing.pixels.pen import INK_TONE_QUANTILE, SAME_PEN, stroke_width
from preprocessing.pixels.shapes import filled, half_planes, quadrilateral
from preprocessing.pixels.tones import median

# The sheet is looked for on a picture reduced to about this many pixels along its longer side: its edges are long.
SHEET_SIDE = 120
# Neighbouring pixels that differ by at least so many levels lie on an edge. A sheet may differ from the table by
# little, and its grain may be coarse; each is tried.
STEPS = 4, 7, 12, 20
# The sheet covers between these shares of the picture. A smaller thing may be a chalk stroke or a label; of a larger
# one nothing lies around.
SHARES = 0.08, 0.97
# The sheet covers this share of the quadrilateral around it. An ellipse, such as a thick 0, covers 0.79 at most.
STRAIGHT = 0.86
# What lies around the sheet somewhere reaches this far from it, as a share of the picture's longer side: a line along
# the picture's edge does not.
FARTHEST = 0.05
# The sheet's blurred edge is so many pixels wide on the smaller picture, and beyond it so many are looked at.
RIM, BEYOND_RIM = 2, 3
# Along this share of the sheet's edge what lies beyond is of another colour. Beyond a line is the same paper.
OTHER = 0.85
# If what lies beyond is lighter, a step of at least this share of the difference lies at the edge itself. Glare fades.
SHARP = 0.4
# Two inks are of one colour if they differ by no more than this share of the darker one.
SAME_INK = 0.2
# The paper under ink is the mean of what lies within this share of the picture.
BESIDE = 0.2
# The ink on the sheet is at least this long, as a share of the sheet's side. A thick chalk 1 holds none.
SMALLEST_INK = 0.08
# Ink that runs from the sheet's edge to more than so many pixels from it, on the smaller picture, is cut off there: the
# edge is none, or somebody wrote over it.
CROSSING = 4
# On a whole page of writing the digits are smaller, but there are at least so many pieces of ink inside the sheet.
PAGE_PIECES = 4
# A piece of ink on a page is so many pixels long at least, on the smaller picture: a pixel alone may be grain.
PAGE_PIXELS = 2
# The strokes on the sheet are no wider than this share of its side. The hole of a thick angular chalk 0 is wider.
WIDEST_PEN = 0.15
# So much is seen around the sheet, as a share of its sides: what is written near its edge is not at the picture's.
MARGIN = 0.1

Box = tuple[int, int, int, int]


class Sheet(NamedTuple):
    """A sheet in a small picture, (H, W) bool each."""

    whole: np.ndarray  # all its pixels
    blank: np.ndarray  # those that nothing is written on


class Ink(NamedTuple):
    """What is written on a sheet.

    where: its pixels, (H, W) bool.
    width: of its strokes, in pixels.
    colour: which share of the paper's light it lacks in each channel, (channels,).
    crosses: whether it runs on to the sheet's edge.
    """

    where: np.ndarray
    width: float
    colour: np.ndarray
    crosses: bool


def on_paper_alone(picture: Image.Image) -> tuple[Image.Image, Box]:
    """A picture in L or RGB -> a copy with paper in the place of all that lies around the sheet, and the box (left,
    top, right, bottom) of the sheet with a margin; the same picture and all of it if there is no such sheet.
    """
    whole = (0, 0, *picture.size)
    if not may_be_photo(picture):
        return picture, whole
    small = picture.reduce(max(1, round(max(picture.size) / SHEET_SIDE)))
    levels = np.asarray(small).astype(np.float32).reshape(small.height, small.width, -1)
    sheet = sheet_on(levels)
    if sheet is None:
        return picture, whole
    return with_paper_beyond(picture, levels, sheet.blank, sheet.whole), box_around(sheet.whole, picture.size)


def sheet_on(levels: np.ndarray) -> Sheet | None:
    """The sheet in a small picture (H, W, channels) of levels 0 to 255; None without one, or if the writing on it goes
    on beyond it.
    """
    planes, steps = half_planes(levels.shape[:2]), largest_steps(levels)
    best, best_share, best_step = None, STRAIGHT, 0
    for step in STEPS:
        for blank in even_pieces(steps < step):
            sheet = Sheet(filled(blank), blank)
            if sheet.whole.mean() > SHARES[1]:
                continue
            share = sheet.whole.sum() / quadrilateral(sheet.whole, planes).sum()
            if share <= best_share or not is_on_table(levels, steps, sheet, step):
                continue
            ink = ink_on(levels, sheet)
            if ink is not None and not ink.crosses:
                best, best_share, best_step = (sheet, ink), share, step
    if best is None:
        return None
    sheet, ink = best
    for other in even_pieces((steps < best_step) & ~sheet.whole):
        for part in (filled(other) & ~sheet.whole, ~sheet.whole):  # what is written there, and what runs on there
            also = ink_on(levels, Sheet(part, other))
            if also is not None and goes_on(ink, also):
                return None
    return sheet


def even_pieces(even: np.ndarray) -> Iterator[np.ndarray]:
    """The pieces of the pixels (H, W) bool that lie on no edge and are large enough for a sheet, (H, W) bool each."""
    pieces = pieces_of(even)
    for piece in np.flatnonzero(pieces.pixels() >= SHARES[0] * even.size):
        yield pieces.labels == piece + 1


def largest_steps(levels: np.ndarray) -> np.ndarray:
    """By how much each pixel differs from its four neighbours at most, in any channel of (H, W, channels): (H, W)."""
    found = np.zeros(levels.shape[:2], np.float32)
    for view, out in ((levels, found), (levels.swapaxes(0, 1), found.T)):
        apart = np.abs(np.diff(view, axis=0)).max(axis=2)
        np.maximum(out[:-1], apart, out=out[:-1])
        np.maximum(out[1:], apart, out=out[1:])
    return found


def is_on_table(levels: np.ndarray, steps: np.ndarray, sheet: Sheet, step: int) -> bool:
    """Whether what lies beyond the edges of a sheet is of another colour by `step` levels, and wider than a line, and
    no glare.

    levels: (H, W, channels) 0 to 255. steps: as `largest_steps` gives them.
    """
    if not eroded((~sheet.whole).astype(np.float32), 2 * round(FARTHEST * max(sheet.whole.shape)) + 1).any():
        return False
    rim = widened(sheet.whole, RIM)
    ring = widened(sheet.whole, RIM + BEYOND_RIM) & ~rim
    window = 2 * (2 * RIM + BEYOND_RIM) + 1  # from the ring to paper behind the blurred edge
    lighter = np.stack([view - paper_beside(view, sheet.blank, window) for view in levels.transpose(2, 0, 1)])
    apart = np.abs(lighter).max(axis=0)
    steepest = -eroded(-np.where(rim, steps, 0), 2 * (RIM + BEYOND_RIM) + 1)
    glare = (lighter.mean(axis=0) > 0) & (steepest < SHARP * apart)
    return bool(ring.any() and np.mean((apart > step)[ring] & ~glare[ring]) > OTHER)


def ink_on(levels: np.ndarray, sheet: Sheet) -> Ink | None:
    """What a pen wrote on a sheet; None if it wrote nothing there. levels: (H, W, channels) 0 to 255."""
    views = levels.transpose(2, 0, 1)
    window = 2 * (round(BESIDE * max(sheet.whole.shape)) // 2) + 1
    light = max(float(median(view[sheet.blank])) for view in views)
    missing = np.stack([paper_beside(view, sheet.blank, window) - view for view in views]) / max(light, 1)
    dark = sheet.whole & (missing.max(axis=0) > FAINTEST_INK)
    labels = pieces_of(dark).labels
    rim, core = dilated(~sheet.whole), ~widened(~sheet.whole, CROSSING)
    crosses = np.intersect1d(labels[rim & dark], labels[core & dark]).size > 0
    ink = dark & ~rim
    sizes, side = pieces_of(ink).longest, sheet.whole.sum() ** 0.5
    large = sizes.max(initial=0) >= SMALLEST_INK * side
    if not large and np.count_nonzero(sizes >= PAGE_PIXELS) < PAGE_PIECES:
        return None
    width = stroke_width(ink.astype(np.float32))
    if width > WIDEST_PEN * side:
        return None
    return Ink(ink, width, np.quantile(missing[:, ink], INK_TONE_QUANTILE, axis=1), crosses)


def goes_on(ink: Ink, beyond: Ink) -> bool:
    """Whether the writing on a sheet goes on beyond its edge: in one stroke, or by the same pen."""
    close = widened(beyond.where, RIM + BEYOND_RIM) & ink.where  # nothing but an edge parts them
    if close.any() and np.linalg.norm(beyond.colour) >= (1 - SAME_INK) * np.linalg.norm(ink.colour):
        return True
    widths = ink.width, beyond.width
    return not beyond.crosses and max(widths) <= SAME_PEN * min(widths) and is_like(ink.colour, beyond.colour)


def is_like(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two colours of ink, (channels,) each, are about the same."""
    lengths = np.linalg.norm(one), np.linalg.norm(other)
    return bool(np.linalg.norm(one - other) <= SAME_INK * max(lengths))


def paper_beside(view: np.ndarray, paper: np.ndarray, window: int) -> np.ndarray:
    """The mean level of the paper (H, W) bool around each pixel of (H, W)."""
    return mean_of(paper, view, window, float(median(view[paper])))


def widened(mask: np.ndarray, pixels: int) -> np.ndarray:
    """The pixels of (H, W) bool and all within so many pixels."""
    for _ in range(pixels):
        mask = dilated(mask)
    return mask


def box_around(sheet: np.ndarray, size: tuple[int, int]) -> Box:
    """The box of a sheet (H, W) bool with a margin, in pixels of a picture of this size."""
    sides = []
    for axis, length in zip((0, 1), size, strict=True):
        inside = np.flatnonzero(sheet.any(axis=axis))
        scale, margin = length / sheet.shape[1 - axis], MARGIN * len(inside)
        sides.append((max(int(scale * (inside[0] - margin)), 0), min(int(scale * (inside[-1] + 1 + margin)), length)))
    (left, right), (top, bottom) = sides
    return left, top, right, bottom
