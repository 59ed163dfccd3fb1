"""Decides which lines of a picture belong to its paper: rules, squares, and the borders of cells and boxes.

tracing.py finds thin straight lines; some of them are strokes of a digit. A line belongs to the paper if it runs from
edge to edge or along an edge, is the side of a box or the tooth of a comb, or is much longer than the digits beside it,
and if it does not look like a stroke of the same pen.
removal.py takes the paper's lines out of the picture.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto
from typing import NamedTuple

import numpy as np

from preprocessing.lines.boxes import LINE_FILLED, boxed
from preprocessing.lines.line import (
    Darkness,
    Edges,
    Line,
    Lines,
    Pen,
    pen_of,
    runs_of,
    share_dark,
    stops_between,
)
from preprocessing.lines.rules import rule_between
from preprocessing.lines.tracing import FILLED, level_lines
from preprocessing.pieces.components import SMALLEST_DIGIT, longer_sides, pieces_of
from preprocessing.pixels.lattices import lattice

# Missing rules are only looked for among at least this many others: fewer have no certain period.
PERIODIC = 4
# A shorter period than this, in pixels, is a texture.
SHORTEST_PERIOD = 4
# A missing rule may have this share of the darkness of the faintest line that is found: two rows of pixels share it.
PALE_RULE = 0.5
# The place of a rule is off by up to this many pixels.
RULE_OFF = 0.5
# A line runs to the edge of the picture if it ends no farther from it than this share of the picture.
REACHES = 0.02
# However small the picture, a line that ends this many pixels from its edge runs to it.
REACHES_PIXELS = 2
# The border of a cell lies no farther from the picture's edge than this share of its shorter side.
NEAR_EDGE = 0.18
# The border of a cell is at least this long, as a share of the picture.
LONG = 0.6
# A line that is no border is a rule only if at least this share of it is there.
WHOLE = 0.85
# A blank to be filled in is free of ink on the left and right of its digit along this share of it.
FREE = 0.2
# A line that is so many times as long as the digits beside it are large is no stroke of them.
LONGER = 1.6
# Pieces are one digit with the line if their gap to it, or to each other, is no larger than this share of their size.
HOLDS = 0.3
# Lines cut a digit in no more parts than this, one above the other.
MOST_PARTS = 4
# An underline, or another line that is longer than the digits, is at least this share of the picture's width.
LONG_ACROSS = 0.4
# An upright one is at least this share of the picture's height: a 1 is long.
LONG_UPRIGHT = 0.9
# A rule goes on beyond the digit on both sides by this share of its length.
OVERHANG = 0.08
# The digit touches a line if its ink lies right beside the line in this many places: one may be noise.
FEWEST_TOUCHES = 2
# This many borders of a cell are the paper's, and then a doubtful one is as well.
BORDERS = 2


def paper_lines(darkness: Darkness) -> tuple[Lines, list[Edges]]:
    """The printed lines of a picture: those across, and those upright (of the transposed picture); and the edges of
    each row of boxes among them.
    """
    views = darkness, darkness.turned
    found = with_spans((level_lines(darkness), level_lines(darkness.turned)), darkness.shape)
    found, rows = boxed(found, darkness)
    found = [
        with_long_ones(view, lines, upright) for view, lines, upright in zip(views, found, (False, True), strict=True)
    ]
    found = [
        [line for line in lines if line.spans or (is_border(line, view.shape) and line.filled >= LINE_FILLED)]
        for view, lines in zip(views, found, strict=True)
    ]
    if not any(found):
        return ([], []), []
    outside = darkness.without(found)
    digit = large_pieces(outside)
    pen = pen_of(Darkness(np.where(digit, outside.levels, 0), darkness.faintest))
    kept, doubtful = judged(found, digit, pen)
    # a line that may be a stroke belongs to the paper if the paper has others: two borders, or one other rule
    borders = len(kept[0]) + len(kept[1]) >= BORDERS
    for view, papers, doubts in zip(views, kept, doubtful, strict=True):
        rules = any(not is_border(line, view.shape) for line in papers)
        papers.extend([line for line in doubts if (borders if is_border(line, view.shape) else rules)])
        papers.extend(missing_rules(view, papers))
    return kept, rows


class Verdict(Enum):
    """What a line is."""

    PAPER = auto()
    STROKE = auto()
    DOUBTFUL = auto()  # paper, if there are other lines of the paper


def judged(found: Lines, digit: np.ndarray, pen: Pen) -> tuple[Lines, Lines]:
    """Those of the lines that are the paper's, and those that are doubtful; arguments as for `verdict`."""
    kept: Lines = [], []
    doubtful: Lines = [], []
    for upright, piece in enumerate((digit, digit.T)):
        # a 1 stands upright beside other digits, but no digit is a line across
        like_a_1 = bool(upright) and not kept[0]
        for line in found[upright]:
            match verdict(line, piece, pen, like_a_1):
                case Verdict.PAPER:
                    kept[upright].append(line)
                case Verdict.DOUBTFUL:
                    doubtful[upright].append(line)
    return kept, doubtful


def verdict(line: Line, digit: np.ndarray, pen: Pen, like_a_1: bool) -> Verdict:
    """Decides by the large pieces of ink beside the line, bool (H, W), and by the pen that drew them.

    like_a_1: a line that stands alone may be a 1.
    """
    if line.is_printed:
        return Verdict.PAPER
    touched = is_touched(digit, line)
    if not pen.drew(line):
        return Verdict.STROKE if touched and not line.spans else Verdict.PAPER
    hangs = hangs_over(digit, line)
    if touched and line.spans:
        return Verdict.PAPER if hangs else Verdict.DOUBTFUL
    if touched:
        return Verdict.DOUBTFUL if hangs else Verdict.STROKE
    return Verdict.DOUBTFUL if like_a_1 and not hangs else Verdict.PAPER


class Suspect(NamedTuple):
    """A line across that may be too long for a stroke, and what it consists of."""

    line: Line
    parts: list[Line]  # of a line that is interrupted regularly; the line itself if it is not
    able: bool  # whether it is long enough, and its gaps are those of blanks


def with_long_ones(darkness: Darkness, lines: list[Line], upright: bool) -> list[Line]:
    """Lines across, those marked as printed that are much longer than the digits beside them are large: underlines, the
    lines of a table, a row of blanks to be filled in. The bar of a 7 or a 4 is no longer than the digit is high.

    upright: whether the picture was transposed. The tail of a 9 may be as long as an upright line, but the pen that
        drew it drew the loop that it touches.
    """
    suspects = suspects_among(lines, darkness, LONG_UPRIGHT if upright else LONG_ACROSS)
    if all(one.line.is_printed for one in suspects if one.able):
        return lines
    rest = rest_of(darkness, suspects)
    boxes = pieces_of(rest.dark).boxes
    strokes = [one.line for one in suspects if one.able and not one.line.is_printed]
    found = []
    for line, parts, able in suspects:
        beside = (boxes[:, 0] < line.end) & (boxes[:, 2] > line.start)
        if line.is_printed or not able or not beside.any():
            found.append(line)
            continue
        largest = int(longer_sides(boxes[beside]).max())
        top, bottom = held_together(line, boxes[beside], strokes, max(HOLDS * largest, 2 * line.half))
        long = len(line.rows) >= LONGER * max(largest, bottom - top)
        if long and upright:
            long = not (is_touched(rest.dark, line) and pen_of(rest).drew(line))
        elif long and len(parts) > 1:
            long = are_blanks(parts, rest.dark)
        elif long:
            long = not stops_between(line, darkness, top, bottom)
        found += [part._replace(spans=True, is_printed=True) for part in parts] if long else [line]
    return found


def suspects_among(lines: list[Line], darkness: Darkness, shortest: float) -> list[Suspect]:
    """All lines across, and which of them may be too long for strokes. shortest: of such, as a share of the picture."""
    found = []
    for line in lines:
        parts = [line] if line.filled >= WHOLE else runs_of(line, darkness)
        long = len(line.rows) >= shortest * darkness.shape[1]
        found.append(Suspect(line, parts, long and (line.filled >= WHOLE or len(parts) > 1)))
    if any(one.able and len(one.parts) > 1 for one in found):
        # the feet of a row of 2s lie as evenly as printed blanks
        pen = pen_of(rest_of(darkness, found))
        found = [one._replace(able=one.able and not (len(one.parts) > 1 and pen.drew(one.line))) for one in found]
    return found


def held_together(line: Line, boxes: np.ndarray, strokes: list[Line], gap: float) -> tuple[float, float]:
    """How far above (below 0) and below a line across the digit reaches whose pieces it holds together; (0, 0) without
    any. Other lines may have cut the digit, too.

    boxes: (n, 4) of the pieces of ink beside the line. strokes: other lines that may be strokes, and this one. gap: how
        far apart two parts of a digit lie at most.
    """
    middle = line.at((boxes[:, 0] + boxes[:, 2]) / 2)
    bars = np.array([bar_beside(line, other) for other in strokes if other is not line]).reshape(-1, 2)
    tops, bottoms = np.append(boxes[:, 1] - middle, bars[:, 0]), np.append(boxes[:, 3] - middle, bars[:, 1])
    top = bottom = 0.0
    for _ in range(MOST_PARTS):
        near = (tops <= bottom + gap) & (bottoms >= top - gap)
        top, bottom = min(top, tops[near].min(initial=0)), max(bottom, bottoms[near].max(initial=0))
    return top, bottom


def are_blanks(parts: list[Line], ink: np.ndarray) -> bool:
    """Whether most of the parts of a line are wider than what is written on them, ink (H, W) bool. The foot of a digit
    is no wider than the digit.
    """
    free = [1 - np.ptp(columns) / len(part.rows) for part in parts if (columns := columns_beside(part, ink)).size]
    return not free or float(np.median(free)) >= FREE


def columns_beside(line: Line, ink: np.ndarray) -> np.ndarray:
    """The columns of a line, (n,) integers, above or below which there is ink (H, W) bool."""
    return np.flatnonzero(ink[:, line.start : line.end].any(axis=0))


def bar_beside(line: Line, other: Line) -> tuple[float, float]:
    """How far below the middle of a line another one beside it begins and ends: a thick stroke is found as two of them,
    and a digit may have two bars. (0, 0) for one that runs from edge to edge, which is no stroke, or lies elsewhere.
    """
    start, end = max(line.start, other.start), min(line.end, other.end)
    if other.spans or start >= end:
        return 0.0, 0.0
    below = float(other.at((start + end) / 2) - line.at((start + end) / 2))
    return below - other.half, below + other.half


def rest_of(darkness: Darkness, suspects: list[Suspect]) -> Darkness:
    """The darkness without those lines across that may be too long for strokes, and without printed ones."""
    return darkness.without(([one.line for one in suspects if one.able or one.line.is_printed], []))


def missing_rules(darkness: Darkness, lines: list[Line]) -> list[Line]:
    """The rules that a stroke hides, or that are too pale to be found: two rows of pixels may share one. They lie where
    the period of the other rules leaves a gap.
    """
    rules = sorted((line for line in lines if line.spans), key=lambda line: line.middle)
    if len(rules) < PERIODIC:
        return []
    regular = lattice(np.array([line.middle for line in rules]), rounded=RULE_OFF)
    if regular is None or regular.period < SHORTEST_PERIOD:
        return []
    pale = replace(darkness, faintest=PALE_RULE * darkness.faintest)
    found = []
    for before, after, count in zip(rules, rules[1:], regular.steps, strict=False):
        for step in range(1, count):
            rule = rule_between(before, after, step / count)
            if not len(rule.rows):
                break  # parts of two lines, one left of the other: no rule lies between them
            line = before._replace(start=rule.start, rows=rule.rows.astype(np.float32))
            if share_dark(pale, line) > FILLED:
                found.append(line)
    return found


def with_spans(found: Lines, shape: tuple[int, int]) -> Lines:
    """Lines across and upright of a picture (H, W), each marked if it spans the picture or a cell."""
    height, width = shape
    across, upright = found
    sides = [line for line in upright if is_border(line, (width, height))]
    edges = [line for line in across if is_border(line, shape)]
    return (
        [line._replace(spans=spans(line, sides, width)) for line in across],
        [line._replace(spans=spans(line, edges, height)) for line in upright],
    )


def spans(line: Line, walls: list[Line], size: int) -> bool:
    """Whether both ends of a line lie at an edge of the picture, `size` long in its direction, or at a wall there."""
    room = max(REACHES * size, REACHES_PIXELS)
    start = max(
        [wall.middle + wall.half for wall in walls if wall.middle < size / 2 and wall.meets(line.rows[0])] + [0]
    )
    end = min(
        [wall.middle - wall.half for wall in walls if wall.middle > size / 2 and wall.meets(line.rows[-1])] + [size]
    )
    return line.filled >= WHOLE and line.start <= start + room and line.end >= end - room


def is_border(line: Line, shape: tuple[int, int]) -> bool:
    """Whether a line across a picture (H, W) runs along its upper or lower edge, as the border of a cell does."""
    height, width = shape
    near = min(line.middle, height - line.middle) <= NEAR_EDGE * min(height, width)
    return near and len(line.rows) >= LONG * width


def large_pieces(darkness: Darkness) -> np.ndarray:
    """The pixels of all pieces that are large enough to be a digit, bool (H, W)."""
    pieces = pieces_of(darkness.dark)
    return pieces.where(pieces.longest >= SMALLEST_DIGIT * min(darkness.shape))


def hangs_over(digit: np.ndarray, line: Line) -> bool:
    """Whether a line goes on beyond the digit on both sides; the bar of a 7 ends where the digit does."""
    columns = np.flatnonzero(digit.any(axis=0))
    if not columns.size:
        return True
    room = OVERHANG * len(line.rows)
    return columns[0] - line.start >= room and line.end - 1 - columns[-1] >= room


def is_touched(digit: np.ndarray, line: Line) -> bool:
    """Whether the digit's ink lies right beside a line."""
    middle = np.rint(line.rows).astype(int)
    columns = np.arange(line.start, line.end)
    touching = np.zeros(len(columns), bool)
    for away in (line.half + 1, line.half + 2):
        for rows in (middle - away, middle + away):
            inside = (rows >= 0) & (rows < len(digit))
            touching |= inside & digit[np.clip(rows, 0, len(digit) - 1), columns]
    return bool(touching.sum() >= FEWEST_TOUCHES)
