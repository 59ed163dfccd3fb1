"""A second look at the ink of a picture, from as close as its pieces need to be read one by one."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageFilter

from preprocessing.components import longer_sides, piece_boxes
from preprocessing.dotted import without_dotted_lines
from preprocessing.frame import bounding_box
from preprocessing.frames import may_be_form
from preprocessing.ink import inked
from preprocessing.morphology import dilated
from preprocessing.prepare import CLOSE_UP_MARGIN, CLOSE_UP_SIDE, LeftOut, Where, seen_from

# Where the pieces are small, the picture is reduced up to this many times less. The work grows with the square of this.
MOST_ZOOM = 4
# A piece of up to this many touching digits is looked at again from close by.
MOST_TOUCHING = 4
# A digit on a page of many has at least this many pixels: two and a half times those of its box in MNIST.
PAGE_SIDE = 50
# Where the close-up shows a form, this share of the longest piece is seen around the ink: all of the outer boxes.
FORM_MARGIN = 1.5
# A printed line is painted over with the levels up to this many pixels from it: most lines are thinner.
PAINT_REACH = 12
# This many pieces at most may be one digit in many strokes: it is tried whether they are, and whether neighbouring rows
# are one. More pieces are a page of digits.
FEW_PIECES = 16


def look_closer(
    picture: Image.Image,
    ink: np.ndarray,
    where: Where,
    boxes: np.ndarray,
    left_out: LeftOut,
) -> tuple[np.ndarray, Where, np.ndarray | None]:
    """The ink, dots included, and its place on a less reduced picture, where the pieces are large enough to be read one
    by one; and which of its pixels lie in the boxes of a form, (H, W) bool, or None without a form.

    Lines and frames that were left out at the first look stay out. Lines are looked for again only if there were none
    and the larger picture shows boxes, for this takes longest. A stain may turn out to be a thin stroke, and a thing at
    the edge a digit of a page, so these are not kept out.

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
    longest = max(widths.max(), heights.max())

    def cut_out(margin: float) -> tuple[Image.Image, Where]:
        start = [round(max(at + scale * (edge - margin), 0)) for at, edge in zip((left, top), box[:2], strict=True)]
        end = [
            round(min(at + scale * (edge + margin), side))
            for at, edge, side in zip((left, top), box[2:], picture.size, strict=True)
        ]
        return picture.crop((*start, *end)).reduce(factor), Where(*start, factor)

    closer, place = cut_out(round(CLOSE_UP_MARGIN * longest))  # the paper must stay visible
    if kept is None:
        found = inked(closer, np.ones((closer.height, closer.width), bool), dark_ink=left_out.sheet)
        if scale > factor and may_be_form(found.ink):  # its lines are too thin to be seen from farther off
            closer, place = cut_out(round(FORM_MARGIN * longest))
            found = inked(closer, boxes=True, dark_ink=left_out.sheet)
        return without_dotted_lines(found.ink), place, found.in_boxes

    def seen(mask: np.ndarray) -> np.ndarray:
        return seen_from(place, (closer.height, closer.width), mask, where)

    within = seen(dilated(kept))
    if left_out.removed is not None:
        closer = with_paper_over(closer, seen(dilated(left_out.removed > 0)) & ~within)
    found = np.where(within, inked(closer, within, dark_ink=left_out.sheet).ink, 0)
    return without_dotted_lines(found), place, None if left_out.in_boxes is None else seen(left_out.in_boxes)


def with_paper_over(picture: Image.Image, lines: np.ndarray) -> Image.Image:
    """A picture in L or RGB with the levels around them in the place of printed lines, (H, W) bool: thick lines of
    small boxes cover more than the paper that shows. The core of a line that is too thick for this stays.
    """
    shown = Image.fromarray(np.where(lines, 0, 255).astype(np.uint8))
    blur = ImageFilter.BoxBlur(PAINT_REACH)
    share = np.asarray(shown.filter(blur), np.float32) / 255
    levels = np.asarray(picture)
    share, lines = (each.reshape(*each.shape, *[1] * (levels.ndim - 2)) for each in (share, lines))
    around = np.asarray(Image.fromarray(np.where(lines, 0, levels)).filter(blur), np.float32)
    painted = np.clip(np.rint(around / np.maximum(share, 1 / 255)), 0, 255)
    return Image.fromarray(np.where(lines & (share > 0), painted, levels).astype(np.uint8))


def without_grain(pieces: np.ndarray, count: int, size: float) -> tuple[np.ndarray, int]:
    """Numbers of pieces (H, W) and how many there are -> the same without those that are smaller than `size` pixels in
    both directions, numbered anew.
    """
    kept = longer_sides(piece_boxes(pieces, count)) >= size
    number = np.zeros(count + 1, np.int32)
    number[1:][kept] = np.arange(1, np.count_nonzero(kept) + 1)
    return number[pieces], int(np.count_nonzero(kept))
