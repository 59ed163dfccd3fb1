"""Leaves out what lies at the edges of a picture of digits: tables, bindings, shadows, other writing."""

from __future__ import annotations

import numpy as np

from preprocessing.pieces.components import FAINT, HALF, SMALLEST_DIGIT, pieces_of, without
from preprocessing.pieces.rows import usual_height
from preprocessing.pixels.lattices import lattice
from preprocessing.pixels.morphology import dilated

# A piece that reaches no deeper into the picture than this share of its shorter side lies along the edge.
BAND = 0.17
# A piece touches an edge if it ends this many pixels from it: the outermost pixels may be blurred.
TOUCHING = 1
# A dark strip begins within this many rows from the edge, and is looked for there.
STRIP_START = 2
# A dark strip covers at least this share of an edge.
STRIP_LONG = 0.75
# So many rows more are left out with the strip: its blurred rim.
STRIP_RIM = 2
# A dark strip reaches no deeper into the picture than this share.
DEEPEST = 0.3
# The inner border of a dark strip is no rougher than this share of the picture, and a pixel.
STRIP_ROUGH = 0.02
# The usual depth of a strip at one place is taken from its depths around, as far as the edge's length divided by this.
AROUND = 6
# The usual depth is this quantile of those around: below the median, for a digit that touches the strip makes some
# larger.
USUAL_DEPTH = 0.4
# A piece along the edge is no part of the digit if the gap between them is larger than this share of the digit's size.
CLOSE = 0.1
# A piece that touches the edge is a part of the digit, cut off by a line, if the gap is no larger than this share.
CUT_OFF = CLOSE / 3
# A piece that touches one edge is left out only if it reaches no deeper than this share of the digit's size.
SLIVER = 0.6
# Digits in a row are as tall as each other, and share the rows of pixels, to within this share of their height.
IN_ROW = 0.7
# This many pieces in a row are digits: those at its ends lie near the edges.
ROW_OF_DIGITS = 2
# A digit of a page is at least this large, as a share of the picture's shorter side.
SMALLEST_ON_PAGE = 0.05
# This many pieces that are so large are digits of a page, and not what is left of a digit.
SEVERAL = 4
# The size of a piece at an edge counts for this share where the largest piece is chosen as the digit.
AT_EDGE = 0.3

# A binding has at least this many holes or wires along its edge: digits do not stand there so evenly by chance.
FEWEST_HOLES = 6
# The holes of a binding lie within this share of the picture's shorter side from the edge.
HOLES_BAND = 0.25
# The holes lie along at least this share of the edge.
HOLES_LONG = 0.7
# A hole takes at most this share of the height of the digits. The digits at the edge of a page are as tall as others.
HOLE_SIZE = 0.5
# From one hole to the next it is at most so many heights of the digits: minus signs before numbers stand farther apart.
HOLES_APART = 1.0
# The place of a hole is off by up to this many pixels.
HOLE_OFF = 1.0


def without_edge(ink: np.ndarray) -> tuple[np.ndarray, int]:
    """Ink (H, W) in [0, 1] without things along the edges of the picture, and how many of them there were. If nothing
    large enough for a digit were left, the ink is returned as it is.
    """
    band = int(BAND * min(ink.shape))
    if not (ink[band : -band or None, band : -band or None] >= FAINT).any():
        return ink, 0  # everything lies along the edges
    inside, strips = without_strips(ink)
    if strips and not is_substantial(inside):
        return ink, 0  # the strips were the digit
    alone, pieces = without_edge_pieces(inside)
    return alone, strips + pieces


def without_strips(ink: np.ndarray) -> tuple[np.ndarray, int]:
    """Ink (H, W) without dark strips along whole edges, and how many there were: a table, a binding, a thick border."""
    out, strips = ink, 0
    for turns in range(4):
        view = np.rot90(out, turns)
        depth = strip_depth(view >= FAINT)
        if depth is not None:
            if out is ink:
                out = ink.copy()
                view = np.rot90(out, turns)
            view[np.arange(len(view))[:, None] < depth] = 0
            strips += 1
    return out, strips


def strip_depth(dark: np.ndarray) -> np.ndarray | None:
    """How many rows of each column of ink (H, W) bool, from the top, belong to a dark strip along the top edge, (W,)
    float; None without one.
    """
    height, width = dark.shape
    deep = min(round(DEEPEST * height) + 1, height)
    at_edge = dark[:STRIP_START].any(axis=0)
    if at_edge.mean() < STRIP_LONG:
        return None
    starts = dark[:deep].copy()
    starts[:STRIP_START] |= at_edge
    run = np.where(starts.all(axis=0), deep, (~starts).argmax(axis=0))
    # where a digit touches the strip, its own run is longer than those around it
    reach = max(width // AROUND, 1)
    padded = np.pad(run, reach, mode="reflect")
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    usual = np.quantile(around, USUAL_DEPTH, axis=1)
    if np.median(usual) >= deep:
        return None
    room = STRIP_ROUGH * height + 1
    return np.where(run <= usual + room, run + STRIP_RIM, usual + STRIP_RIM)


def without_edge_pieces(ink: np.ndarray) -> tuple[np.ndarray, int]:
    """Ink (H, W) without pieces at the edges, if there is a larger piece elsewhere; and how many were left out. Such
    pieces are parts of other writing, shadows of a corner, holes, ends of lines.
    """
    pieces = pieces_of(ink >= FAINT)
    gone = at_edges(pieces.boxes, ink.shape) if pieces.count > 1 else np.zeros(pieces.count, bool)
    return (without(ink, dilated(pieces.where(gone))), int(gone.sum())) if gone.any() else (ink, 0)


def at_edges(boxes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Which of the pieces with these boxes (n, 4) lie at the edges of a picture (H, W) and are no digits, (n,) bool;
    none if no larger piece lies elsewhere.
    """
    (height, width), side = shape, min(shape)
    left, top, right, bottom = boxes.T
    reach = inner_reach(boxes, shape) / side
    on_edge = np.stack([end <= TOUCHING for end in (left, top, width - right, height - bottom)], axis=1)
    banded = reach.min(axis=1) <= BAND
    sizes = boxes[:, 2:] - boxes[:, :2]
    longest = sizes.max(axis=1)
    main = int(np.where(banded, 0, longest * np.where(on_edge.any(axis=1), AT_EDGE, 1)).argmax())  # the digit
    if banded[main] or longest[main] < SMALLEST_DIGIT * side:
        return np.zeros(len(boxes), bool)
    gap = np.maximum(boxes[main, :2] - boxes[:, 2:], boxes[:, :2] - boxes[main, 2:]).max(axis=1)
    small = np.where(on_edge, reach * side, np.inf).min(axis=1) <= SLIVER * longest[main]
    gone = small & (gap > CUT_OFF * longest[main])  # what is nearer is a part of the digit, cut off by a line
    gone |= banded & (gap > CLOSE * longest[main])
    # in a row of digits the first and the last lie near the edges
    tall = sizes[:, 1] >= IN_ROW * sizes[main, 1]
    shared = np.minimum(bottom, bottom[main]) - np.maximum(top, top[main])
    in_row = tall & (shared >= IN_ROW * sizes[:, 1])
    if np.count_nonzero(in_row & ~gone) >= ROW_OF_DIGITS or sizes[main, 1] >= IN_ROW * height:
        gone &= ~in_row
    gone &= ~in_row | on_edge.any(axis=1)  # a piece beside the digit, as tall, that touches no edge is another digit
    gone[main] = False
    return gone


def without_holes(ink: np.ndarray) -> np.ndarray:
    """Ink (H, W) in [0, 1] without the holes and wires of a binding: many small pieces along an edge, evenly spaced."""
    pieces = pieces_of(ink >= FAINT)
    if pieces.count <= FEWEST_HOLES:
        return ink
    boxes = pieces.boxes
    gone = np.zeros(pieces.count, bool)
    for edge, reach in enumerate(inner_reach(boxes, ink.shape).T):
        first, last = (boxes[:, side] for side in ((1, 3) if edge % 2 == 0 else (0, 2)))  # along the edge
        banded = reach <= HOLES_BAND * min(ink.shape)
        if banded.all() or np.count_nonzero(banded) < FEWEST_HOLES:
            continue
        digit = usual_height(boxes[~banded])
        holes = banded & (last - first <= HOLE_SIZE * digit)
        covered = np.zeros(ink.shape[edge % 2] + 2, np.int8)
        for start, end in zip(first[holes], last[holes], strict=True):
            covered[start + 1 : end + 1] = 1
        starts, ends = (np.flatnonzero(np.diff(covered) == step) for step in (1, -1))
        places = (starts + ends) / 2
        if len(places) < FEWEST_HOLES or np.ptp(places) < HOLES_LONG * ink.shape[edge % 2]:
            continue
        regular = lattice(places, rounded=HOLE_OFF)
        if regular is not None and regular.period <= HOLES_APART * digit:
            gone |= holes
    return without(ink, dilated(pieces.where(gone))) if gone.any() else ink


def is_substantial(ink: np.ndarray, on_page: float = SMALLEST_ON_PAGE, several: int = SEVERAL) -> bool:
    """Whether a piece of ink is large enough for a digit and does not lie along an edge; or `several` that are large
    enough for the digits of a page, `on_page` of its shorter side. Without them the part that was left out was the
    digit.
    """
    pieces, side = pieces_of(ink >= HALF), min(ink.shape)
    longest = pieces.longest[inner_reach(pieces.boxes, ink.shape).min(axis=1) > BAND * side]
    many = np.count_nonzero(longest >= on_page * side) >= several
    return many or bool((longest >= SMALLEST_DIGIT * side).any())


def inner_reach(boxes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """How far (n, 4) boxes reach into a picture (H, W) from its left, upper, right and lower edge, (n, 4) pixels."""
    left, top, right, bottom = boxes.T
    return np.stack([right, bottom, shape[1] - left, shape[0] - top], axis=1)
