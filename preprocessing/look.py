"""A look at a picture: the stages from the picture to the ink of its digits, in their order.

    original, seen = look_at(image)      # seen.ink is what is left of the picture

`look_at` takes off what lies on and around the paper as a whole. `look` then finds the ink on a reduced picture, and
again on a part of it where the ink is small. `ink_alone` leaves out of this ink what is no digit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter

from preprocessing.background.relit import without_shadow
from preprocessing.background.sheet import on_paper_alone
from preprocessing.background.squares import without_squares
from preprocessing.background.surround import inside_margin, repainted, without_surround
from preprocessing.background.windows import Windows, windows_alone, windows_in
from preprocessing.diagnostics import LeftOut
from preprocessing.frame import bounding_box
from preprocessing.ink import MANY_LINES, SMALLEST_ON_SHEET, Inked, inked
from preprocessing.picture import Opaque, reduced_to_opaque
from preprocessing.pieces.bars import without_bars
from preprocessing.pieces.components import FAINT, label, lone_pixels, without_specks, without_stains
from preprocessing.pieces.dotted import without_dotted_lines
from preprocessing.pieces.edge import is_substantial, without_edge, without_holes
from preprocessing.pieces.frames import is_framed, may_be_form, without_frames
from preprocessing.pieces.outlines import with_outlines_filled
from preprocessing.pixels.morphology import dilated

# Ink is looked for on a picture reduced to about the area of a square with this side: twelve times the 20-pixel box. On
# a smaller one the thin lines of a form are paler than the noise.
WORKING_SIDE = 250
# A long row of digits is reduced less, for its digits are small; its longer side still has no more than this.
LONGEST_SIDE = 600
# Ink smaller than this on the reduced picture is looked at again from closer by, if the picture has more detail.
CLOSE_UP_SIDE = 60
# From closer by, this share of the ink's longer side is seen around it on all sides: the paper must stay visible.
CLOSE_UP_MARGIN = 0.5
# At least this many pixels are seen around ink that is looked at again: even a dot needs them.
CLOSE_UP_PIXELS = 2

# More lone pixels than this are no dots that somebody made but noise in the picture; a median takes it out.
MANY_LONE_PIXELS = 10
# The side of the median's window, in pixels: the smallest there is, for strokes may be thin.
MEDIAN_SIDE = 3


class Where(NamedTuple):
    """Where a part of a picture lies in the whole one."""

    left: int
    top: int
    scale: int  # pixels of the whole for one of the part, along an edge

    def moved(self, left: int, top: int) -> Where:
        """The place in a picture in which the whole one lies so far right and down."""
        return Where(self.left + left, self.top + top, self.scale)

    def scaled(self, factor: int) -> Where:
        """The place in the original, if the whole picture is one that was reduced by this factor."""
        return Where(self.left * factor, self.top * factor, self.scale * factor)


WHOLE = Where(0, 0, 1)
NOTHING_LEFT_OUT = LeftOut()


@dataclass(frozen=True, eq=False)  # arrays have no truth value
class Seen:
    """What a look at a picture finds. All arrays but those of `windows` are (H, W), of one and the same reduced part of
    the picture.

    ink: float32 coverage in [0, 1], without paper and all that was left out.
    where: where these pixels lie in the picture.
    left_out: how much was left out.
    removed: float32 in [0, 1], where the lines and frames were that were left out; None without any.
    kept: bool, the pixels of ink, specks and stains included, if lines, frames, holes, dotted lines or bars were left
        out; None otherwise.
    in_boxes: bool, the pixels in the boxes of a form; None without a form.
    windows: the dark fields with light digits that were taken for ink, on the whole reduced picture; None without any.
    on_sheet: whether the squares or rules of a whole sheet were taken out before: what is written on it is darker than
        the paper.
    """

    ink: np.ndarray
    where: Where = WHOLE
    left_out: LeftOut = NOTHING_LEFT_OUT
    removed: np.ndarray | None = None
    kept: np.ndarray | None = None
    in_boxes: np.ndarray | None = None
    windows: Windows | None = None
    on_sheet: bool = False

    def scaled(self, factor: int) -> Seen:
        """The same, with its place in the original of a picture that was reduced by this factor."""
        return replace(self, where=self.where.scaled(factor))


def look_at(image: Image.Image | np.ndarray) -> tuple[Opaque, Seen]:
    """A picture as a person would see it, without the squares or rules of a whole sheet, a large shadow and the table
    around the sheet, and what `look` finds in it. Takes and raises the same as `prepare`.
    """
    picture, size, factor = reduced_to_opaque(image)
    picture, rules = without_squares(picture)
    box = inside_margin(picture)
    has_margin = box != (0, 0, *picture.size)
    # a line around the paper may lie where the margin ends
    inner = without_surround(picture.crop(box)) if has_margin else picture
    paper, part = on_paper_alone(inner)
    on_table = paper is not inner
    if not on_table:
        paper = without_shadow(inner)

    sheet = paper.crop(part) if on_table else paper
    on_sheet = rules > 0
    seen = look(sheet, on_sheet)
    if seen.windows is not None:
        sheet = windows_alone(sheet, seen.windows)
        paper = paper.copy()
        paper.paste(sheet, part)
        on_sheet = False  # the digits are lighter than their field
        seen = look(sheet)

    if paper is not picture:
        picture = picture.copy()
        picture.paste(paper, box)
    if has_margin:
        picture = repainted(picture, box)  # from close by the margin may be in sight
    lines, edge_pieces = seen.left_out.lines, seen.left_out.edge_pieces
    return Opaque(picture, size, factor), replace(
        seen,
        where=seen.where.moved(part[0] + box[0], part[1] + box[1]),
        left_out=seen.left_out._replace(lines=lines + rules, edge_pieces=edge_pieces + on_table),
        on_sheet=on_sheet,
    )


def look(picture: Image.Image, on_sheet: bool = False) -> Seen:
    """The ink of a picture in L or RGB, without specks, printed lines and things at the edge, on a reduced picture or a
    part of it. on_sheet: as in `Seen`.
    """
    width, height = picture.size
    factor = max(1, round(max((width * height) ** 0.5 / WORKING_SIDE, max(width, height) / LONGEST_SIDE)))
    first = ink_alone(without_surround(picture.reduce(factor)), on_sheet).scaled(factor)
    box = bounding_box(first.ink)
    if box is None or factor == 1 or (longest := max(box[2] - box[0], box[3] - box[1])) >= CLOSE_UP_SIDE:
        return first

    margin = max(round(longest * CLOSE_UP_MARGIN), CLOSE_UP_PIXELS)
    left, top = (max(edge - margin, 0) * factor for edge in box[:2])
    right, bottom = (min((edge + margin) * factor, size) for edge, size in zip(box[2:], picture.size, strict=True))
    closer = look(picture.crop((left, top, right, bottom)), on_sheet)
    where, in_boxes = closer.where.moved(left, top), closer.in_boxes
    if in_boxes is None and first.in_boxes is not None:  # from close by, no end of a row may be in sight
        in_boxes = seen_from(where, closer.ink.shape, first.in_boxes, first.where)
    left_out = first.left_out._replace(
        lines=max(first.left_out.lines, closer.left_out.lines),
        framed=first.left_out.framed or closer.left_out.framed,
    )
    return replace(closer, where=where, left_out=left_out, in_boxes=in_boxes, windows=first.windows)


def seen_from(place: Where, shape: tuple[int, int], mask: np.ndarray, where: Where) -> np.ndarray:
    """The pixels that a mask (H, W) of the part of a picture at `where` marks, in a part of this shape at `place`."""
    rows, columns = (
        np.clip((first + place.scale * (np.arange(size) + 0.5) - offset) // where.scale, 0, limit - 1).astype(int)
        for first, size, offset, limit in zip(
            (place.top, place.left), shape, (where.top, where.left), mask.shape, strict=True
        )
    )
    return mask[np.ix_(rows, columns)]


def ink_alone(reduced: Image.Image, on_sheet: bool) -> Seen:
    """The ink of a reduced picture without specks, printed lines and things at the edge. on_sheet: as in `Seen`."""
    found = inked(reduced, dark_ink=on_sheet)
    windows = windows_in(found.ink)
    several = label(found.ink >= FAINT)[1] > 1  # most drawings hang together: nothing to leave out
    if several:
        reduced, found = without_noise(reduced, found, on_sheet)
    if found.blank_edge and may_be_form(found.ink):
        found, several = inked(reduced, boxes=True, dark_ink=on_sheet), True
    seen = digits_among(found) if several else digit_inside(found)
    if on_sheet and not is_substantial(seen.ink, SMALLEST_ON_SHEET, 1):
        seen = replace(seen, ink=np.zeros_like(seen.ink))  # the ends of lines, and nothing that is written
    return replace(seen, ink=with_outlines_filled(seen.ink), windows=windows, in_boxes=found.in_boxes)


def without_noise(reduced: Image.Image, found: Inked, on_sheet: bool) -> tuple[Image.Image, Inked]:
    """A reduced picture and the ink that was found in it; both after a median, if noise was taken for ink."""
    # what is left of lines that were taken out is no noise
    beside_lines = found.ink if found.removed is None else np.where(dilated(found.removed > 0), 0, found.ink)
    if lone_pixels(beside_lines) <= MANY_LONE_PIXELS:
        return reduced, found
    smooth = reduced.filter(ImageFilter.MedianFilter(MEDIAN_SIDE))
    again = inked(smooth, dark_ink=on_sheet)
    # a median breaks thin lines: what is then found of a row of boxes is less, and a frame is none
    fewer_lines = again.lines < found.lines and found.lines >= MANY_LINES
    frame_broken = is_framed(found.ink) and not is_framed(again.ink)
    return (reduced, found) if fewer_lines or frame_broken else (smooth, again)


def digits_among(found: Inked) -> Seen:
    """What is left of ink in several pieces, once frames, holes of a binding, dotted lines, things at the edge, bars,
    stains and specks are left out, in this order.
    """
    unframed = without_frames(found.ink)
    framed, removed = unframed is not found.ink, found.removed
    if framed:
        removed = np.maximum(found.ink - unframed, 0 if removed is None else removed)
    unbound = without_dotted_lines(without_holes(unframed))
    inside, edge_pieces = (unbound, 0) if found.blank_edge else without_edge(unbound)
    alone = without_bars(inside)
    anything_drawn = found.lines or unbound is not found.ink or alone is not inside
    kept = alone >= FAINT if anything_drawn else None
    ink, specks = without_specks(without_stains(alone))
    return Seen(ink, left_out=LeftOut(specks, found.lines, edge_pieces, framed), removed=removed, kept=kept)


def digit_inside(found: Inked) -> Seen:
    """What is left of ink that hangs together, once things at the edge are left out."""
    ink, edge_pieces = (found.ink, 0) if found.blank_edge else without_edge(found.ink)
    kept = ink >= FAINT if found.lines and not found.blank_edge else None
    left_out = LeftOut(lines=found.lines, edge_pieces=edge_pieces)
    return Seen(ink, left_out=left_out, removed=found.removed, kept=kept)
