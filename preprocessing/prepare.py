"""A picture of one digit -> the tensor, with what was found on the way.

The stages that find the digit's ink are those of look.py; frame.py brings it into MNIST's frame.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from preprocessing.diagnostics import Diagnostics, hints
from preprocessing.frame import SIDE, bounding_box, center_of_mass, to_frame
from preprocessing.look import Seen, look_at

# A tap on the pad leaves a round blot, which is no digit yet. It is no larger than this share of the picture's longer
# side.
DOT_SIDE = 0.12
# The box of such a blot is nearly a square; a small 0 or 1 under a thick pen is taller.
DOT_SHORTER_SIDE = 0.85
# The blot fills this share of its box: a disc fills 0.785, a ring less.
DOT_FILLED = 0.72


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
    (_, size, factor), seen = look_at(image)
    seen = seen.scaled(factor)
    return NOTHING if is_blank(size, seen) else describe(size, seen)


def is_blank(size: tuple[int, int], seen: Seen) -> bool:
    """Whether what was seen in a picture of this size, (width, height), is nothing but a mere dot at most."""
    box = bounding_box(seen.ink)
    return box is None or is_tap(seen, box, max(size))


def is_tap(seen: Seen, box: tuple[int, int, int, int], longer_side: int) -> bool:
    """Whether the ink in this box is what a tap on the pad leaves. longer_side: of the picture."""
    left, top, right, bottom = box
    sides = right - left, bottom - top
    if max(sides) * seen.where.scale > DOT_SIDE * longer_side or min(sides) < DOT_SHORTER_SIDE * max(sides):
        return False
    # the blurred edge makes a box a pixel larger than the dot
    return float(seen.ink[top:bottom, left:right].sum()) >= DOT_FILLED * (sides[0] - 1) * (sides[1] - 1)


def describe(size: tuple[int, int], seen: Seen) -> Prepared:
    """What was seen in a picture of this size, (width, height), or a part of it, brought into MNIST's frame; `NOTHING`
    if too little is left there.
    """
    box = bounding_box(seen.ink)
    if box is None:
        return NOTHING
    framed = to_frame(seen.ink)
    if framed is None:
        return NOTHING
    tensor, stroke_width = framed
    left, top, scale = seen.where
    x, y = center_of_mass(seen.ink)
    # the last reduced pixel may reach beyond the picture
    edges = zip((left, top) * 2, box, size * 2, strict=True)
    place = tuple(min(round(offset + scale * edge), side) for offset, edge, side in edges)
    found = Diagnostics(
        stroke_density=float(tensor.mean()),
        center_offset=((left + scale * x) / size[0] - 0.5, (top + scale * y) / size[1] - 0.5),
        area_ratio=(place[2] - place[0]) * (place[3] - place[1]) / (size[0] * size[1]),
        bounding_box=place,
        stroke_width=stroke_width,
        lines=seen.left_out.lines,
        edge_pieces=seen.left_out.edge_pieces,
    )
    return Prepared(tensor, replace(found, hints=hints(found, size, seen.left_out)), seen.ink, seen.removed)
