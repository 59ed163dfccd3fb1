"""The whole way from a picture to the tensor, in the order of the data, and what was found on the way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter

from preprocessing.bars import without_bars
from preprocessing.components import (
    FAINT,
    label,
    lone_pixels,
    without_specks,
    without_stains,
)
from preprocessing.dotted import without_dotted_lines
from preprocessing.edge import is_substantial, without_edge, without_holes
from preprocessing.frame import MNIST_STROKE_WIDTHS, SIDE, bounding_box, center_of_mass, to_frame
from preprocessing.frames import is_framed, may_be_form, without_frames
from preprocessing.ink import MANY_LINES, SMALLEST_ON_SHEET, inked
from preprocessing.morphology import dilated
from preprocessing.picture import Opaque, reduced_to_opaque
from preprocessing.relit import without_shadow
from preprocessing.sheet import on_paper_alone
from preprocessing.squares import without_squares
from preprocessing.surround import inside_margin, repainted, without_surround
from preprocessing.windows import Windows, windows_alone, windows_in

# Ink is looked for on a picture reduced to about the area of a square with this side: twelve times the 20-pixel box. On
# a smaller one the thin lines of a form are paler than the noise.
WORKING_SIDE = 250
# A long row of digits is reduced less, for its digits are small; its longer side still has no more than this.
LONGEST_SIDE = 600
# Ink smaller than this on the reduced picture is looked at again from closer by, if the picture has more detail.
CLOSE_UP_SIDE = 60
# Then this share of the ink's longer side is seen around it on all sides: the paper must stay visible.
CLOSE_UP_MARGIN = 0.5
# At least this many pixels are seen around ink that is looked at again: even a dot needs them.
CLOSE_UP_PIXELS = 2

# More lone pixels than this are no dots that somebody made but noise in the picture; a median takes it out.
MANY_LONE_PIXELS = 10
# The side of the median's window, in pixels: the smallest there is, for strokes may be thin.
MEDIAN_SIDE = 3

# A hint says that a drawing is small if its longer side is below this share of the picture's.
SMALL_SIDE = 0.2
# A hint says that a drawing is off the centre from this share of the picture's width or height on.
FAR_OFF_CENTER = 0.2
# A hint says that strokes are thin or thick if they are beyond MNIST's usual widths by this factor.
BEYOND_USUAL = 1.4

# A tap on the pad leaves a round blot, which is no digit yet. It is no larger than this share of the picture's longer
# side.
DOT_SIDE = 0.12
# The box of such a blot is nearly a square; a small 0 or 1 under a thick pen is taller.
DOT_SHORTER_SIDE = 0.85
# The blot fills this share of its box: a disc fills 0.785, a ring less.
DOT_FILLED = 0.72


@dataclass(frozen=True)
class Diagnostics:
    """What was found on the way from the picture to the tensor.

    stroke_density: mean of the tensor, 0 to 1 (MNIST's mean is 0.13).
    center_offset: the ink's center of mass from the picture's centre, before centring, (right, down) as shares of the
        picture's width and height.
    area_ratio: area of the ink's bounding box over the picture's.
    bounding_box: (left, top, right, bottom) in the picture's pixels, None without ink.
    stroke_width: in pixels of the 28x28 frame, before mending.
    lines: how many printed lines of the paper were left out.
    edge_pieces: how many things at the picture's edge were left out: a table, a shadow, other writing.
    hints: plain-language remarks, most important first; empty when all is ordinary.
    """

    stroke_density: float = 0.0
    center_offset: tuple[float, float] = (0.0, 0.0)
    area_ratio: float = 0.0
    bounding_box: tuple[int, int, int, int] | None = None
    stroke_width: float = 0.0
    lines: int = 0
    edge_pieces: int = 0
    hints: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)  # arrays have no truth value
class Prepared:
    """A picture made ready for the network, with what was found on the way.

    tensor: (28, 28) float32 in [0, 1], white ink on black, all zeros without ink.
    ink: (H, W) float32 coverage in [0, 1], without paper and stray dots, on the reduced picture or a part of it; None
        without ink.
    removed: (H, W) float32 in [0, 1] like `ink`, the lines and frames that were left out of it; None without any.
    line: the row in which `segment.split` found it, 0 for the first.
    mark: "." for a decimal point or comma between digits, "-" for a minus before a number; None for all else.
    doubt: how likely it is, by its place among others, that this is no digit, whatever it looks like by itself.
    """

    tensor: np.ndarray
    diagnostics: Diagnostics
    ink: np.ndarray | None = None
    removed: np.ndarray | None = None
    line: int = 0
    mark: str | None = None
    doubt: float = 0.0

    @property
    def has_ink(self) -> bool:
        return self.box is not None

    @property
    def box(self) -> tuple[int, int, int, int] | None:
        """(left, top, right, bottom) of the ink, in pixels of the picture as it is seen, after EXIF rotation; None
        without ink.
        """
        return self.diagnostics.bounding_box


class LeftOut(NamedTuple):
    """What was in a picture and is not the digit.

    specks, lines, edge_pieces: how many stray dots, printed lines and things at the edge.
    framed: whether a frame or ring was drawn around digits.
    removed: (H, W) float32 in [0, 1], where the lines and frames were on the reduced picture; None without any.
    kept: (H, W) bool, the pixels of ink, specks and stains included, if lines or a frame were left out; None otherwise.
    sheet: whether the squares or rules of a whole sheet were taken out before.
    in_boxes: (H, W) bool, the pixels in the boxes of a form on the reduced picture; None without a form.
    windows: the dark fields with light digits that were taken for ink, on the reduced picture; None without any.
    """

    specks: int = 0
    lines: int = 0
    edge_pieces: int = 0
    framed: bool = False
    removed: np.ndarray | None = None
    kept: np.ndarray | None = None
    sheet: bool = False
    in_boxes: np.ndarray | None = None
    windows: Windows | None = None


class Where(NamedTuple):
    """Where a part of a picture lies in the whole one."""

    left: int
    top: int
    scale: int  # pixels of the whole for one of the part, along an edge


NOTHING = Prepared(np.zeros((SIDE, SIDE), np.float32), Diagnostics(hints=("There is no digit to read.",)))
NOTHING.tensor.setflags(write=False)  # one for all pictures without ink


def to_mnist(image: Image.Image | np.ndarray) -> np.ndarray:
    """A picture of a digit -> (28, 28) float32 in [0, 1], white ink on black, as MNIST's makers would have framed it.

    Args:
        image: PIL image of any mode and size (up to decoding.MAX_PIXELS), or an array (H, W), (H, W, 1), (H, W, 3) or
            (H, W, 4) of integers 0 to 255, floats 0 to 1, or bool. Ink may be darker or lighter than the paper. Files
            are opened with `picture.open_picture`.

    Returns:
        All zeros when there is no ink.

    Raises:
        ValueError: the picture is none of these, empty, too large or damaged.
    """
    return prepare(image).tensor.copy()  # without ink there is one array for all pictures, which is read-only


def prepare(image: Image.Image | np.ndarray) -> Prepared:
    """Like `to_mnist`, with what was found on the way. Takes and raises the same.

    Returns:
        `NOTHING`, whose tensor is read-only, for a picture without ink.
    """
    (_, size, factor), ink, left_out, where = look_at(image)
    where = scaled(where, factor)
    return NOTHING if is_blank(ink, where, size) else describe(size, ink, left_out, where)


def is_blank(ink: np.ndarray, where: Where, size: tuple[int, int]) -> bool:
    """Whether ink (H, W) in [0, 1], in its place in a picture of this size, is nothing but a mere dot at most."""
    box = bounding_box(ink)
    return box is None or is_tap(ink, box, where.scale, max(size))


def is_tap(ink: np.ndarray, box: tuple[int, int, int, int], scale: int, longer_side: int) -> bool:
    """Whether ink (H, W) in [0, 1] is what a tap on the pad leaves.

    box: of the ink, as `bounding_box` gives it. scale: how many pixels of the picture a pixel of the ink covers.
    longer_side: of the picture.
    """
    left, top, right, bottom = box
    sides = right - left, bottom - top
    if max(sides) * scale > DOT_SIDE * longer_side or min(sides) < DOT_SHORTER_SIDE * max(sides):
        return False
    # the blurred edge makes a box a pixel larger than the dot
    return float(ink[top:bottom, left:right].sum()) >= DOT_FILLED * (sides[0] - 1) * (sides[1] - 1)


def scaled(where: Where, factor: int) -> Where:
    """A place in a picture that was reduced by this factor -> the place in the original."""
    left, top, scale = where
    return Where(left * factor, top * factor, scale * factor)


def describe(size: tuple[int, int], ink: np.ndarray, left_out: LeftOut, where: Where) -> Prepared:
    """What `look` found, or a part of this ink, brought into MNIST's frame; `NOTHING` if too little is left there.

    Args:
        size: width and height of the picture.
        ink: (H, W) float32 in [0, 1].
        left_out: what the hints speak of.
        where: where the ink lies in the picture.
    """
    left, top, scale = where
    box = bounding_box(ink)
    if box is None:
        return NOTHING
    framed = to_frame(ink)
    if framed is None:
        return NOTHING
    tensor, stroke_width = framed
    x, y = center_of_mass(ink)
    # the last reduced pixel may reach beyond the picture
    edges = zip((left, top) * 2, box, size * 2, strict=True)
    place = tuple(min(round(offset + scale * edge), side) for offset, edge, side in edges)
    found = Diagnostics(
        stroke_density=float(tensor.mean()),
        center_offset=((left + scale * x) / size[0] - 0.5, (top + scale * y) / size[1] - 0.5),
        area_ratio=(place[2] - place[0]) * (place[3] - place[1]) / (size[0] * size[1]),
        bounding_box=place,
        stroke_width=stroke_width,
        lines=left_out.lines,
        edge_pieces=left_out.edge_pieces,
    )
    return Prepared(tensor, replace(found, hints=hints(found, size, left_out)), ink, left_out.removed)


def look_at(image: Image.Image | np.ndarray) -> tuple[Opaque, np.ndarray, LeftOut, Where]:
    """A picture as a person would see it, without the squares or rules of a whole sheet, a large shadow and the table
    around the sheet, and what `look` finds in it, inside a margin. Takes and raises the same as `prepare`.
    """
    picture, size, factor = reduced_to_opaque(image)
    picture, lines = without_squares(picture)
    box = inside_margin(picture)
    # a line around the paper may lie where the margin ends
    inner = picture if box == (0, 0, *picture.size) else without_surround(picture.crop(box))
    paper, part = on_paper_alone(inner)
    on_table = paper is not inner
    if not on_table:
        paper = without_shadow(inner)
    seen = paper.crop(part) if on_table else paper
    ink, left_out, where = look(seen, sheet=lines > 0)
    if left_out.windows is not None:
        seen = windows_alone(seen, left_out.windows)
        paper = paper.copy()
        paper.paste(seen, part)
        ink, left_out, where = look(seen)
    where = where._replace(left=where.left + part[0] + box[0], top=where.top + part[1] + box[1])
    if paper is not picture:
        picture = picture.copy()
        picture.paste(paper, box)
    if box != (0, 0, *picture.size):
        picture = repainted(picture, box)  # from close by the margin may be in sight
    left_out = left_out._replace(
        lines=left_out.lines + lines, edge_pieces=left_out.edge_pieces + on_table, sheet=lines > 0
    )
    return Opaque(picture, size, factor), ink, left_out, where


def look(picture: Image.Image, sheet: bool = False) -> tuple[np.ndarray, LeftOut, Where]:
    """The ink of a picture in L or RGB, without specks, printed lines and things at the edge, (H, W) float32 in [0, 1]
    on a reduced picture; what was left out; and where the reduced picture lies in the whole one.

    sheet: whether the lines of a sheet were taken out. They are darker than the paper, and so is what is written on it.
    """
    width, height = picture.size
    factor = max(1, round(max((width * height) ** 0.5 / WORKING_SIDE, max(width, height) / LONGEST_SIDE)))
    ink, left_out = ink_alone(without_surround(picture.reduce(factor)), sheet)
    box = bounding_box(ink)
    if box is None or factor == 1 or (longest := max(box[2] - box[0], box[3] - box[1])) >= CLOSE_UP_SIDE:
        return ink, left_out, Where(0, 0, factor)
    margin = max(round(longest * CLOSE_UP_MARGIN), CLOSE_UP_PIXELS)
    left, top = (max(edge - margin, 0) * factor for edge in box[:2])
    right, bottom = (min((edge + margin) * factor, size) for edge, size in zip(box[2:], picture.size, strict=True))
    closer, also, inner = look(picture.crop((left, top, right, bottom)), sheet)
    where, in_boxes = Where(left + inner.left, top + inner.top, inner.scale), also.in_boxes
    if in_boxes is None and left_out.in_boxes is not None:  # from close by, no end of a row may be in sight
        in_boxes = seen_from(where, closer.shape, left_out.in_boxes, Where(0, 0, factor))
    left_out = left_out._replace(
        lines=max(left_out.lines, also.lines),
        framed=left_out.framed or also.framed,
        removed=also.removed,
        kept=also.kept,
        in_boxes=in_boxes,
    )
    return closer, left_out, where


def seen_from(place: Where, shape: tuple[int, int], mask: np.ndarray, where: Where) -> np.ndarray:
    """The pixels that a mask (H, W) of the part of a picture at `where` marks, in a part of this shape at `place`."""
    rows, columns = (
        np.clip((first + place.scale * (np.arange(size) + 0.5) - offset) // where.scale, 0, limit - 1).astype(int)
        for first, size, offset, limit in zip(
            (place.top, place.left), shape, (where.top, where.left), mask.shape, strict=True
        )
    )
    return mask[np.ix_(rows, columns)]


def ink_alone(reduced: Image.Image, sheet: bool) -> tuple[np.ndarray, LeftOut]:
    """The ink of a reduced picture without specks, printed lines and things at the edge, (H, W) float32 in [0, 1]; and
    what was left out. sheet: as for `look`.
    """
    found = inked(reduced, dark_ink=sheet)
    windows = windows_in(found.ink)
    specks, edge_pieces, framed, kept = 0, 0, False, None
    several = label(found.ink >= FAINT)[1] > 1  # most drawings hang together: nothing to leave out
    if several:
        # what is left of lines that were taken out is no noise
        beside_lines = found.ink if found.removed is None else np.where(dilated(found.removed > 0), 0, found.ink)
        if lone_pixels(beside_lines) > MANY_LONE_PIXELS:
            smooth = reduced.filter(ImageFilter.MedianFilter(MEDIAN_SIDE))
            again = inked(smooth, dark_ink=sheet)
            # a median breaks thin lines: what is then found of a row of boxes is less, and a frame is none
            less = again.lines < found.lines and found.lines >= MANY_LINES
            if not less and (not is_framed(found.ink) or is_framed(again.ink)):
                reduced, found = smooth, again
    blank_edge = found.blank_edge
    if blank_edge and may_be_form(found.ink):
        found = inked(reduced, boxes=True, dark_ink=sheet)
        several = True
    ink, removed = found.ink, found.removed
    if several:
        unframed = without_frames(ink)
        framed = unframed is not ink
        if framed:
            removed = np.maximum(ink - unframed, 0 if removed is None else removed)
        alone = without_dotted_lines(without_holes(unframed))
        apart = alone is not ink
        if not blank_edge:
            alone, edge_pieces = without_edge(alone)
        ink = without_bars(alone)
        if found.lines or apart or ink is not alone:
            kept = ink >= FAINT
        ink = without_stains(ink)
        ink, specks = without_specks(ink)
    elif not blank_edge:
        ink, edge_pieces = without_edge(ink)
        kept = ink >= FAINT if found.lines else None
    if sheet and not is_substantial(ink, SMALLEST_ON_SHEET, 1):
        ink = np.zeros_like(ink)  # the ends of lines, and nothing that is written
    left_out = LeftOut(
        specks, found.lines, edge_pieces, framed, removed, kept, in_boxes=found.in_boxes, windows=windows
    )
    return ink, left_out


def hints(found: Diagnostics, size: tuple[int, int], left_out: LeftOut) -> tuple[str, ...]:
    """Plain-language remarks on what is unusual about a drawing."""
    specks = left_out.specks
    left, top, right, bottom = found.bounding_box
    longer_side = max((right - left) / size[0], (bottom - top) / size[1])
    thinnest, thickest = MNIST_STROKE_WIDTHS[0] / BEYOND_USUAL, MNIST_STROKE_WIDTHS[1] * BEYOND_USUAL
    remarks = {
        "The drawing touches the edge: part of it may be missing.": (
            left <= 0 or top <= 0 or right >= size[0] or bottom >= size[1]
        ),
        "Drawn very small: a larger digit shows more detail.": longer_side < SMALL_SIDE,
        "Very thin strokes: they were thickened.": found.stroke_width < thinnest,
        "Very thick strokes: they were thinned.": found.stroke_width > thickest,
        "Drawn far off the centre: it was moved there.": max(map(abs, found.center_offset)) > FAR_OFF_CENTER,
        f"{number(found.lines)} of the paper {'was' if found.lines == 1 else 'were'} left out.": found.lines > 0,
        "What was drawn around the digits was left out.": left_out.framed,
        "Something at the picture's edge was left out.": found.edge_pieces > 0,
        f"{specks} stray {'dot was' if specks == 1 else 'dots were'} left out.": specks > 0,
    }
    return tuple(text for text, applies in remarks.items() if applies)


def number(lines: int) -> str:
    """A number of lines as a sentence begins with it."""
    names = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve")
    return f"{names[lines] if lines < len(names) else lines} {'line' if lines == 1 else 'lines'}"
