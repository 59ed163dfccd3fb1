"""What was found on the way from a picture to the tensor, and the hints that it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from preprocessing.frame import MNIST_STROKE_WIDTHS

# A hint says that a drawing is small if its longer side is below this share of the picture's.
SMALL_SIDE = 0.2
# A hint says that a drawing is off the centre from this share of the picture's width or height on.
FAR_OFF_CENTER = 0.2
# A hint says that strokes are thin or thick if they are beyond MNIST's usual widths by this factor.
BEYOND_USUAL = 1.4


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


class LeftOut(NamedTuple):
    """What was in a picture and is not the digit, for the hints.

    specks, lines, edge_pieces: how many stray dots, printed lines and things at the edge.
    framed: whether a frame or ring was drawn around digits.
    words: whether small words stood beside digits.
    """

    specks: int = 0
    lines: int = 0
    edge_pieces: int = 0
    framed: bool = False
    words: bool = False


def hints(found: Diagnostics, size: tuple[int, int], left_out: LeftOut) -> tuple[str, ...]:
    """Plain-language remarks on what is unusual about a drawing."""
    specks = left_out.specks
    left, top, right, bottom = found.bounding_box
    longer_side = max((right - left) / size[0], (bottom - top) / size[1])
    thinnest, thickest = MNIST_STROKE_WIDTHS[0] / BEYOND_USUAL, MNIST_STROKE_WIDTHS[1] * BEYOND_USUAL
    remarks = {
        "The ink touches the edge: part of the digit may be missing.": (
            left <= 0 or top <= 0 or right >= size[0] or bottom >= size[1]
        ),
        "Drawn very small: a larger digit shows more detail.": longer_side < SMALL_SIDE,
        "Very thin strokes: they were thickened.": found.stroke_width < thinnest,
        "Very thick strokes: they were thinned.": found.stroke_width > thickest,
        "Drawn far off the centre: it was moved there.": max(map(abs, found.center_offset)) > FAR_OFF_CENTER,
        f"{in_words(found.lines)} of the paper {'was' if found.lines == 1 else 'were'} left out.": found.lines > 0,
        "What was drawn around the digits was left out.": left_out.framed,
        "Small words beside the digits were left out.": left_out.words,
        "Something at the picture's edge was left out.": found.edge_pieces > 0,
        f"{specks} stray {'dot was' if specks == 1 else 'dots were'} left out.": specks > 0,
    }
    return tuple(text for text, applies in remarks.items() if applies)


def in_words(lines: int) -> str:
    """A number of lines as a sentence begins with it."""
    names = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve")
    return f"{names[lines] if lines < len(names) else lines} {'line' if lines == 1 else 'lines'}"
