"""Finds rows of printed boxes and combs, and the upright sides and teeth of these.

Two lines across are the upper and lower edge of boxes if straight upright sides join them. A stroke of a digit rarely
reaches from one line to the other, and never stands at both ends of the lines. So the sides are looked for between
each line and the next: they may be much shorter than the lines that are found in the whole picture, and digits may
touch them.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from preprocessing.lines.combs import teeth
from preprocessing.lines.line import (
    MEETS,
    MEETS_PIXELS,
    Darkness,
    Edges,
    Line,
    Lines,
    along,
    is_same,
    pen_of,
    runs_of,
    without_known,
)
from preprocessing.lines.sides import GOES_ON, SIDE_FILLED, Side, is_alike, sides_between
from preprocessing.lines.strokes import NARROWEST_BOX, are_sure, is_box_wide, without_digits, without_strokes
from preprocessing.pixels.lattices import UNEVEN, lattice

# The lines above and below boxes are at least this long, as a share of the picture.
BOXES_LONG = 0.45
# At least this share of them is there. A straight row of strokes of different digits fills two thirds.
LINE_FILLED = 0.7
# The edges of a row of boxes are no thicker than this share of its height: of what is thicker, as rows of small digits
# are, no box is left for a digit.
THICKEST_EDGE = 0.16
# The lower edge of a row of boxes is one of this many lines below the upper edge: a stroke may lie between them.
NEXT_LINES = 2
# Of two lines that may be the lower edge, one that is there along less than this share of the upper edge comes last.
AS_FILLED = 0.9
# A side with gaps is there along at least this share if it stands at the end of the lines, where a side is expected,
# or joins both.
END_SIDE_FILLED = 0.6
# This many sides in a row have a period, and need not stand at the ends of the lines.
PERIODIC_SIDES = 4
# Between two rules, this many uprights that end at both are the sides of boxes: strokes of digits cross the rules.
ENDING_SIDES = 3
# More lines from edge to edge than this are rules or squares, and no combs.
MOST_SPANNING = 2
# The sides of a separate box are at most this far from the ends of its lines, as a share of their length: corners may
# be round.
CORNER = 0.2
# A line that was found in the whole picture takes the place of the sides of boxes that lie on it if it is at least this
# many times as long as each: it is the side of several rows, and how it leans is known better than from a single box.
LONGER_SIDE = 1.1
# Such a line has no gap longer than this share of the shortest side: beyond a gap a 1 may stand in line with a side.
SIDE_GAP = 0.05
# A gap of this many pixels is blurred print, however short the sides are.
SIDE_GAP_PIXELS = 3


class Boxes(NamedTuple):
    """Rows of boxes, and combs, in a picture."""

    lines: dict[int, list[float]]  # numbers of the lines across that belong to them -> the columns of their own sides
    sides: list[Line]  # of the transposed picture
    rows: list[Edges]

    def contain(self, upright: Line) -> bool:
        """Whether a line of the transposed picture lies within a row. If it is no side, it is a digit's stroke.

        The line's ends are known to a block of rows only.
        """
        for upper, lower in self.rows:
            top, bottom = (float(line.at(upright.middle)) for line in (upper, lower))
            room = GOES_ON * (bottom - top)
            inside = top - room - upper.half <= upright.start and upright.end <= bottom + room + lower.half
            if upper.start < upright.middle < upper.end and inside:
                return True
        return False


class Row(NamedTuple):
    """A row of boxes between two lines across."""

    numbers: tuple[int, int]  # those of its upper and lower edge among all lines
    edges: Edges  # as long as the row is
    height: float
    sides: list[Line]  # of the transposed picture


def rows_of_boxes(across: list[Line], darkness: Darkness) -> Boxes:
    """All rows of boxes between lines across a picture, and all combs on such lines."""
    fit = [index for index, line in enumerate(across) if line.filled >= LINE_FILLED]
    fit.sort(key=lambda index: across[index].middle)
    long = {index for index in fit if len(across[index].rows) >= BOXES_LONG * darkness.shape[1]}
    rows = rows_between(across, fit, long, darkness)
    divided = {index for row in rows if len(row.sides) > 2 for index in row.numbers}
    heights = {index: row.height for row in rows for index in row.numbers}  # of the boxes at a line
    spanning = [index for index in fit if across[index].spans]
    if len(spanning) == 2:  # the upper and the lower border of a field from edge to edge
        upper, lower = spanning
        heights = dict.fromkeys(spanning, across[lower].middle - across[upper].middle) | heights
    ruled = sum(line.spans for line in across) > MOST_SPANNING
    uprights: list[tuple[tuple[int, ...], list[Line]]] = [(row.numbers, row.sides) for row in rows]
    for index in fit:
        able = index in heights or index in long
        if able and index not in divided and not (ruled and across[index].spans):
            uprights.append(((index,), comb_on(across[index], darkness, heights.get(index, 0.0))))

    lines: dict[int, list[float]] = {}
    sides: list[Line] = []
    for numbers, found in uprights:
        for index in numbers:
            lines.setdefault(index, []).extend(side.middle for side in found)
        sides += without_known(found, sides)
    return Boxes(lines, sides, [row.edges for row in rows])


def rows_between(across: list[Line], fit: list[int], long: set[int], darkness: Darkness) -> list[Row]:
    """The rows of boxes between lines across, from top to bottom.

    fit: the numbers of lines that may be edges, from top to bottom. long: of those that are long enough for any row.
    """
    found: list[Row] = []
    for place, first in enumerate(fit):
        if any(is_within(across[first], row.edges) for row in found):
            continue
        for second in lower_edges(across, first, fit[place + 1 :], darkness.shape[1]):
            edges = Edges(across[first], across[second])
            sides = separate_boxes(edges, darkness) or boxes_between(edges, darkness)
            sides = without_digits(sides, edges, darkness)
            sides = without_strokes(sides or cell_between(edges, darkness), edges, darkness)
            if sides and ({first, second} <= long or are_sure(sides, edges, darkness)):
                ends = min(side.middle for side in sides), max(side.middle for side in sides)
                reaching = Edges(*(line.extended(*ends) for line in edges))
                found.append(Row((first, second), reaching, edges.height, sides))
                break
    return found


def comb_on(line: Line, darkness: Darkness, box: float) -> list[Line]:
    """The teeth on a line, none if it is no comb, or may be a stroke of a digit: the edge of a box is none. box: the
    height of this box, or 0.
    """
    found = teeth(line, darkness, box)
    if found and not box and pen_of(darkness.without(([line], found))).drew(line):
        return []
    return found


def is_within(line: Line, edges: Edges) -> bool:
    """Whether a line with more gaps than the edges of a row of boxes lies in it: strokes of its digits."""
    upper, lower = edges
    gaps = line.filled < AS_FILLED * min(upper.filled, lower.filled)
    return gaps and upper.middle < line.middle < lower.middle and upper.start < line.end and line.start < upper.end


def lower_edges(across: list[Line], first: int, below: list[int], width: int) -> list[int]:
    """The numbers of the lines that may be the lower edge of boxes below the line `first`, the likeliest first. `below`
    are the numbers of all lines below it, from top to bottom, across a picture of this width.
    """
    upper, room = across[first], 2 * (MEETS * width + MEETS_PIXELS)
    near = [n for n in below if max(abs(across[n].start - upper.start), abs(across[n].end - upper.end)) <= room]
    # a row of strokes has more gaps than the line above it
    return sorted(near[:NEXT_LINES], key=lambda n: across[n].filled < AS_FILLED * upper.filled)


def separate_boxes(edges: Edges, darkness: Darkness) -> list[Line]:
    """The sides of boxes with gaps between them, where both lines are interrupted at the same places."""
    above, below = (runs_of(line, darkness) for line in edges)
    if len(above) == 1 < len(below):  # broken in print, too
        above = [edges.upper.part(run.start, run.end) for run in below]
    elif len(below) == 1 < len(above):
        below = [edges.lower.part(run.start, run.end) for run in above]
    if len(above) < 2 or len(above) != len(below):
        return []
    gap = min(after.start - before.end for runs in (above, below) for before, after in pairwise(runs))
    found = []
    for pair in map(Edges, above, below):
        corner = max(min(CORNER * min(len(line.rows) for line in pair), gap / 2), edges.upper.half)
        sides = boxes_between(pair, darkness, corner)
        if not sides:
            return []
        found += sides
    return found


def boxes_between(edges: Edges, darkness: Darkness, corner: float = np.inf) -> list[Line]:
    """The sides of boxes between two lines across, none if these are not the edges of boxes. The outer sides stand at
    most `corner` columns from the ends of the lines; where it is given, the lines are those of one separate box.
    """
    upper, lower = edges
    room = min(MEETS * darkness.shape[1] + MEETS_PIXELS, corner)
    if abs(upper.start - lower.start) > 2 * room or abs(upper.end - lower.end) > 2 * room:
        return []
    if max(upper.thickness, lower.thickness) > THICKEST_EDGE * edges.height:
        return []
    sides = sides_between(edges, darkness, corner)
    if upper.spans or lower.spans:
        return between_rules(sides, edges)
    return sides_of_boxes(sides, edges, darkness.shape[1], corner) if sides else []


def between_rules(sides: list[Side], edges: Edges) -> list[Line]:
    """Those of the uprights between two rules or squares that are sides of boxes. What joins two rules is rather a
    stroke of a digit.
    """
    alike = [side for side in sides if side.is_whole and is_alike(side.line, *edges)]
    ending = sum(not side.goes_on for side in alike)
    enough = len(alike) >= PERIODIC_SIDES
    periodic = enough and lattice(np.array([side.line.middle for side in alike])) is not None
    return [side.line for side in alike] if periodic or ending >= ENDING_SIDES else []


def sides_of_boxes(sides: list[Side], edges: Edges, width: int, corner: float) -> list[Line]:
    """Those of the uprights between two lines across that are sides of boxes, none unless sides close both ends.

    sides: at least one. width: of the picture. corner: as for `boxes_between`.
    """
    room = min(MEETS * width + MEETS_PIXELS, corner)
    start, end = max(line.start for line in edges), min(line.end for line in edges)
    middles = np.array([side.line.middle for side in sides])
    filled = np.array([side.filled for side in sides])
    whole = np.array([side.is_whole for side in sides])
    at_ends = [(np.abs(middles - place) <= room) & (filled >= END_SIDE_FILLED) for place in (start, end)]
    at_ends = [end & whole if (end & whole).any() else end for end in at_ends]  # a stroke may stand beside the side
    if np.count_nonzero(whole | at_ends[0] | at_ends[1]) < 2:
        return []
    closed = (at_ends[0].any() or start <= room) and (at_ends[1].any() or end >= width - room)
    if not closed:
        return []
    sample = [side.line for side in sides if side.is_whole] or edges
    print_alike = np.array([is_alike(side.line, *sample) for side in sides])
    joined = np.array([side.joined for side in sides])
    joins = (filled >= SIDE_FILLED) & (joined > 0)
    sure = whole | (joins & print_alike) | at_ends[0] | at_ends[1]
    if regular := lattice(middles[sure]):  # a broken side is known by its place
        steps = (middles - regular.first) / regular.period
        sure |= (np.abs(steps - np.rint(steps)) <= UNEVEN / 2) & print_alike
    if np.isfinite(corner):  # a separate box: sides of two boxes do not stand beside each other
        apart = np.abs(middles[:, None] - middles[whole & print_alike])
        crowded = ((apart > 0) & (apart < NARROWEST_BOX * edges.height)).any(axis=1)
        sure &= (joined == 2) | ~crowded
    sure &= at_ends[0] | at_ends[1] | ~np.array([side.loose for side in sides])
    return [side.line for side, yes in zip(sides, sure, strict=True) if yes]


def cell_between(edges: Edges, darkness: Darkness) -> list[Line]:
    """The two sides of the only whole box between two lines that run from edge to edge; none if there is no such box.
    The picture's edge cuts its neighbours to the left and right. Two uprights have no period, but a pen that wrote all
    else cannot have drawn them.
    """
    if not all(line.spans for line in edges):
        return []
    sides = sides_between(edges, darkness)
    alike = [side.line for side in sides if side.is_whole and not side.goes_on and is_alike(side.line, *edges)]
    if len(alike) != 2 or not is_box_wide(alike[1].middle - alike[0].middle, edges):
        return []
    pen = pen_of(darkness.without((list(edges), alike)))
    return [] if any(pen.drew(side) for side in alike) else alike


def boxed(found: Lines, darkness: Darkness) -> tuple[Lines, list[Edges]]:
    """Lines across and upright, with all sides of boxes. Lines that belong to boxes are marked. And the edges of each
    row of boxes.
    """
    boxes = rows_of_boxes(found[0], darkness)
    across = []
    for index, line in enumerate(found[0]):
        if columns := boxes.lines.get(index):
            line = line.extended(min(columns), max(columns))._replace(spans=True, is_printed=True)
        across.append(line)
    sides, uprights = boxes.sides, []
    for line in found[1]:
        same = [side for side in sides if is_same(line, side) or is_same(side, line)]
        least = 1 if line.spans else LONGER_SIDE
        longer = all(len(line.rows) >= least * len(side.rows) for side in same)
        if longer and (line.spans or not same or is_unbroken(line, same, darkness)):
            spans = bool(same) or (line.spans and not boxes.contain(line))
            uprights.append(line._replace(spans=spans, is_printed=bool(same)))
            sides = [side for side in sides if not any(side is other for other in same)]
    uprights += [side._replace(spans=True, is_printed=True) for side in without_pairs(sides)]
    return (across, uprights), boxes.rows


def is_unbroken(line: Line, sides: list[Line], darkness: Darkness) -> bool:
    """Whether an upright line, on which these sides of boxes lie, goes on from each of them to the next."""
    dark = np.flatnonzero(along(darkness.turned, line) > darkness.faintest)
    gap = max(SIDE_GAP * min(len(side.rows) for side in sides), SIDE_GAP_PIXELS)
    return len(dark) > 0 and np.diff(dark).max(initial=0) <= gap


def without_pairs(sides: list[Line]) -> list[Line]:
    """Sides of boxes. Two that are so close together that no digit lies between them become one line. Otherwise a
    stroke that touches one of them would look as if it crossed that one, and would be continued to the other.
    """
    found: list[Line] = []
    for side in sides:
        pair = next((other for other in found if is_beside(side, other)), None)
        if pair is None:
            found.append(side)
            continue
        rows = np.arange(min(side.start, pair.start), max(side.end, pair.end))
        ends = side.continued(rows), pair.continued(rows)
        thickness = abs(side.middle - pair.middle) + (side.thickness + pair.thickness) / 2
        both = pair._replace(start=int(rows[0]), rows=np.mean(ends, axis=0, dtype=np.float32), thickness=thickness)
        found = [both if other is pair else other for other in found]
    return found


def is_beside(side: Line, other: Line) -> bool:
    """Whether two sides of boxes in one row stand so close together that their blurred edges touch."""
    start, end = max(side.start, other.start), min(side.end, other.end)
    if end - start < len(side.rows) / 2:
        return False
    apart = np.median(np.abs(side.part(start, end).rows - other.part(start, end).rows))
    return bool(apart <= side.half + other.half + 1)
