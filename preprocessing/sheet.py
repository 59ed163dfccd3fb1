"""A sheet of paper that lies on something darker, turned or askew: a table, a dark desk, a cloth.

The ink is found by the paper, and the paper by the picture's border (ink.py). Where the border shows the table, the
whole sheet would be taken for light ink. So the sheet is found first, and the table is painted over with paper.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from preprocessing.components import label, longer_sides, piece_boxes, stroke_width
from preprocessing.morphology import box_mean, dilated, mean_of
from preprocessing.tones import border, deviation_of, two_classes

# The sheet is looked for on a smaller picture, whose longer side has at least this many pixels and fewer than twice as
# many: its edges are long.
SHEET_SIDE = 100
# The sheet is lighter than the table by at least this many levels of 255; less may be a shadow on one sheet.
LIGHTER = 30
# The table shows along at least this share of the picture's border; with less the border still tells the paper.
TABLE_SHARE = 0.5
# The sheet covers at least this share of the picture; something smaller may be a chalk stroke or a label.
SMALLEST_SHEET = 0.15
# The sheet covers this share of its rectangle. Ink covers a tenth; an ellipse, such as a thick 0, covers 0.79 at most.
RECTANGULAR = 0.81
# The rectangle is tried at angles this many degrees apart: its corners then are wrong by 3 % of its side at most.
ANGLE_STEP = 3
# The ink on the sheet is at least this long, as a share of the picture's side. A thick chalk 1 holds none.
SMALLEST_INK = 0.08
# On a whole page of writing the digits are smaller, but there are at least so many pieces of ink inside the sheet.
PAGE_PIECES = 4
# A piece of ink on a page is so many pixels long at least, on the smaller picture: a pixel alone may be grain.
PAGE_PIXELS = 2
# The strokes on the sheet are no wider than this share of its side. The hole of a thick angular chalk 0 is wider.
WIDEST_PEN = 0.15
# The paper beyond the sheet's edge is the mean of what lies within this share of the picture.
BEYOND = 0.25


def on_paper_alone(picture: Image.Image) -> Image.Image:
    """A picture in L or RGB -> a copy with paper in the place of a darker table around the sheet; the same picture if
    there is no sheet on a table.
    """
    small = picture.convert("L").reduce(max(1, max(picture.size) // SHEET_SIDE))
    sheet = sheet_mask(np.asarray(small).astype(np.float32))
    if sheet is None:
        return picture
    inner = Image.fromarray(np.where(sheet, 255, 0).astype(np.uint8)).resize(picture.size, Image.Resampling.BILINEAR)
    return with_paper_beyond(picture, np.asarray(inner) == 255)


def sheet_mask(levels: np.ndarray) -> np.ndarray | None:
    """Where a sheet lies in a small picture (H, W) of levels 0 to 255, bool without its rim; None without a sheet."""
    edge = border(levels)
    if np.median(edge) > levels.mean() or np.ptp(levels) < LIGHTER:
        return None  # most pictures end here: the paper reaches to their border
    between = float(threshold(levels))
    light = levels > between
    if levels[light].mean() - levels[~light].mean() < LIGHTER or np.mean(edge <= between) < TABLE_SHARE:
        return None
    labels, count = label(light)
    largest = int(np.bincount(labels.ravel(), minlength=count + 1)[1:].argmax()) + 1
    piece = labels == largest
    if piece.mean() < SMALLEST_SHEET:
        return None
    rectangle = smallest_rectangle(piece)
    if piece.sum() < RECTANGULAR * rectangle.sum():
        return None
    sheet = filled(piece)
    inner = sheet & ~dilated(dilated(~sheet))  # the sheet's blurred edge is no ink on it
    labels, count = label(inner & ~light)
    sizes = longer_sides(piece_boxes(labels, count))
    large = sizes.max(initial=0) >= SMALLEST_INK * max(levels.shape)
    if not large and np.count_nonzero(sizes >= PAGE_PIXELS) < PAGE_PIECES:
        return None
    width = stroke_width((labels > 0).astype(np.float32))
    return inner if width <= WIDEST_PEN * piece.sum() ** 0.5 else None


def threshold(levels: np.ndarray) -> int:
    """The level between the two tones of levels 0 to 255, an array of any shape."""
    return two_classes(np.bincount(levels.astype(np.uint8).ravel(), minlength=256), np.arange(256))


def smallest_rectangle(piece: np.ndarray) -> np.ndarray:
    """Where the smallest rectangle around a piece (H, W) bool lies in the picture, whichever way it is turned."""
    y, x = np.mgrid[: piece.shape[0], : piece.shape[1]].astype(np.float32)
    best = None
    for degrees in range(0, 90, ANGLE_STEP):
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        inside = np.ones_like(piece)
        for place in (x * cosine + y * sine, y * cosine - x * sine):
            taken = place[piece]
            inside &= (place >= taken.min()) & (place <= taken.max())
        if best is None or inside.sum() < best.sum():
            best = inside
    return best


def filled(piece: np.ndarray) -> np.ndarray:
    """The piece (H, W) bool with all that lies between parts of it, both in its row and in its column."""

    def between(mask: np.ndarray) -> np.ndarray:
        after = np.logical_or.accumulate(mask, axis=0)
        return after & np.logical_or.accumulate(mask[::-1], axis=0)[::-1]

    return between(piece) & between(piece.T).T


def with_paper_beyond(picture: Image.Image, sheet: np.ndarray) -> Image.Image:
    """The picture in L or RGB with the paper of the sheet (H, W) bool beyond its edges: as light as beside it, and of
    its grain, for the noise of the paper is measured later.
    """
    levels = np.asarray(picture).astype(np.float32)
    window = 2 * (round(BEYOND * max(picture.size)) // 2) + 1
    grain = np.random.default_rng(0).standard_normal(sheet.shape).astype(np.float32)
    for view in [levels] if levels.ndim == 2 else levels.transpose(2, 0, 1):
        paper = sheet & (view > threshold(view[sheet]))
        paper = paper if paper.any() else sheet  # a pure colour lacks this channel
        beside = mean_of(paper, view, window, float(np.median(view[paper])))
        # the mean of nine pixels takes a ninth of the noise's variance with it
        noise = (9 / 8) ** 0.5 * deviation_of((view - box_mean(view, 3))[paper])
        view[~sheet] = (beside + noise * grain)[~sheet]
    return Image.fromarray(np.clip(np.rint(levels), 0, 255).astype(np.uint8))
