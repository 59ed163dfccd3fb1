"""A second look at the ink of a picture, from as close as its pieces need to be read one by one."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageFilter

from preprocessing.frame import bounding_box
from preprocessing.ink import inked
from preprocessing.look import CLOSE_UP_MARGIN, CLOSE_UP_SIDE, Seen, Where, seen_from
from preprocessing.pieces.components import Pieces
from preprocessing.pieces.dotted import without_dotted_lines
from preprocessing.pieces.frames import may_be_form
from preprocessing.pieces.outlines import with_outlines_filled
from preprocessing.pixels.morphology import dilated

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


def look_closer(picture: Image.Image, first: Seen, boxes: np.ndarray) -> Seen:
    """The ink, dots included, and the boxes of a form on a less reduced picture, where the pieces are large enough to
    be read one by one.

    Lines and frames that were left out at the first look stay out. Lines are looked for again only if there were none
    and the larger picture shows boxes, for this takes longest. A stain may turn out to be a thin stroke, and a thing at
    the edge a digit of a page, so these are not kept out.

    Args:
        picture: in L or RGB.
        first: the first look at it.
        boxes: (n, 4) of the pieces of ink, at least one.
    """
    factor = reduction_for(boxes, first.where.scale)
    longest = (boxes[:, 2:] - boxes[:, :2]).max()
    closer, place = cut_out(picture, first, round(CLOSE_UP_MARGIN * longest), factor)  # the paper must stay visible
    shape = closer.height, closer.width
    if first.kept is None:
        found = inked(closer, np.ones(shape, bool), dark_ink=first.on_sheet)
        if first.where.scale > factor and may_be_form(found.ink):  # its lines are too thin to be seen from farther off
            closer, place = cut_out(picture, first, round(FORM_MARGIN * longest), factor)
            found = inked(closer, boxes=True, dark_ink=first.on_sheet)
        return Seen(with_outlines_filled(without_dotted_lines(found.ink)), place, in_boxes=found.in_boxes)

    def seen(mask: np.ndarray) -> np.ndarray:
        return seen_from(place, shape, mask, first.where)

    within = seen(dilated(first.kept))
    if first.removed is not None:
        closer = with_paper_over(closer, seen(dilated(first.removed > 0)) & ~within)
    ink = np.where(within, inked(closer, within, dark_ink=first.on_sheet).ink, 0)
    ink = with_outlines_filled(without_dotted_lines(ink))
    return Seen(ink, place, in_boxes=None if first.in_boxes is None else seen(first.in_boxes))


def reduction_for(boxes: np.ndarray, scale: int) -> int:
    """By how much a picture is reduced to read pieces of ink one by one, whose boxes (n, 4) were found on a picture
    reduced by `scale`.
    """
    widths, heights = (boxes[:, 2:] - boxes[:, :2]).T
    sizes = np.maximum(heights, widths / MOST_TOUCHING)
    wanted = CLOSE_UP_SIDE if len(boxes) <= FEW_PIECES else PAGE_SIDE
    zoom = min(math.ceil(wanted / np.median(sizes)), MOST_ZOOM)
    return max(int(scale / zoom), 1)


def cut_out(picture: Image.Image, first: Seen, margin: int, factor: int) -> tuple[Image.Image, Where]:
    """The part of a picture with the ink that was seen in it, reduced by `factor`, and its place. margin: how many
    pixels of the first look are seen around the ink.
    """
    left, top, scale = first.where
    box = bounding_box(first.ink)
    start = [round(max(at + scale * (edge - margin), 0)) for at, edge in zip((left, top), box[:2], strict=True)]
    end = [
        round(min(at + scale * (edge + margin), side))
        for at, edge, side in zip((left, top), box[2:], picture.size, strict=True)
    ]
    return picture.crop((*start, *end)).reduce(factor), Where(*start, factor)


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


def without_grain(pieces: Pieces, size: float) -> Pieces:
    """The pieces without those that are smaller than `size` pixels in both directions, numbered anew."""
    return pieces.those(pieces.longest >= size)
