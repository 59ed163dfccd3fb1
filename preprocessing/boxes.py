"""Finds rows of printed boxes and combs, and the upright sides and teeth of these.

Two lines across are the upper and lower edge of boxes if straight upright sides join them. A stroke of a digit rarely
reaches from one line to the other, and never stands at both ends of the lines. So the sides are looked for between
each line and the next: they may be much shorter than the lines that are found in the whole picture, and digits may
touch them.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from preprocessing.combs import teeth
from preprocessing.labels import Field
from preprocessing.lines import (
    LIGHT_GAP,
    MEETS,
    MEETS_PIXELS,
    Line,
    Lines,
    along,
    is_same,
    pen_of,
    runs_of,
    stops_between,
    without_known,
    zone_of,
)
from preprocessing.sides import GOES_ON, SIDE_FILLED, UNEVEN, is_alike, lattice, sides_between

# The lines above and below boxes are at least this long, as a share of the picture.
BOXES_LONG = 0.45
# So many boxes of one width are a row of boxes however short its lines are: no digits leave such a row by chance.
FEWEST_SURE = 3
# At least this share of them is there. A straight row of strokes of different digits fills two thirds.
LINE_FILLED = 0.7
# A row of boxes is at least this many pixels high: a digit in it must be legible.
LOWEST = 12
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
# Boxes between which both lines stop are at least this wide, as a share of their height: a printed 0 is narrower.
NARROWEST_SEPARATE = 0.6
# At least this share of the sides there is that of boxes of one width: strokes may stand among them.
MOST_SIDES = 0.6
# This many sides in a row have a period, and need not stand at the ends of the lines.
PERIODIC_SIDES = 4
# Between two rules, this many uprights that end at both are the sides of boxes: strokes of digits cross the rules.
ENDING_SIDES = 3
# More lines from edge to edge than this are rules or squares, and no combs.
MOST_SPANNING = 2
# A box is at least this wide, as a share of its height: what stands closer to a side is a digit's stroke.
NARROWEST_BOX = 0.45
# The sides of a separate box are at most this far from the ends of its lines, as a share of their length: corners may
# be round.
CORNER = 0.2
# A box for one digit is at most this wide, as a share of its height: what stands in a wider one may be two columns.
WIDEST_BOX = 1.8
# Boxes of one width are told by at least this many: one alone may be a table of any columns.
FEWEST_BOXES = 2
# A 1 stands in its box at least this far from its sides, as a share of the box's width: what stands nearer to a side
# may be the side of the next box.
INSIDE_BOX = 0.15
# A 1 takes a band of this share of its box's height to its left and right, for it may lean.
ONE_LEANS = 0.1
# A box holds nothing but a 1 if all else in it has at most this share of the pixels of the 1: dirt and grain.
NOTHING_ELSE = 0.15


class Boxes(NamedTuple):
    """Rows of boxes, and combs, in a picture."""

    lines: dict[int, list[float]]  # numbers of the lines across that belong to them -> the columns of their own sides
    sides: list[Line]  # of the transposed picture
    edges: list[Field]

    def contain(self, upright: Line) -> bool:
        """Whether a line of the transposed picture lies within a row. If it is no side, it is a digit's stroke.

        The line's ends are known to a block of rows only.
        """
        for upper, lower in self.edges:
            top, bottom = (float(line.at(upright.middle)) for line in (upper, lower))
            room = GOES_ON * (bottom - top)
            inside = top - room - upper.half <= upright.start and upright.end <= bottom + room + lower.half
            if upper.start < upright.middle < upper.end and inside:
                return True
        return False


def rows_of_boxes(across: list[Line], darkness: np.ndarray, faintest: float) -> Boxes:
    """All rows of boxes between lines across a picture's darkness (H, W) float32, and all combs on such lines. What is
    no darker than `faintest` is paper.
    """
    width = darkness.shape[1]
    fit = [index for index, line in enumerate(across) if line.filled >= LINE_FILLED]
    fit.sort(key=lambda index: across[index].middle)
    long = {index for index in fit if len(across[index].rows) >= BOXES_LONG * width}
    dark = darkness > faintest
    wide = dark.copy()
    wide[:, 1:] |= dark[:, :-1]
    wide[:, :-1] |= dark[:, 1:]
    lines: dict[int, list[float]] = {}
    divided: set[int] = set()  # lines of rows whose boxes have sides between them
    boxes: dict[int, float] = {}  # the height of the box that a line is the edge of
    sides: list[Line] = []
    edges: list[Field] = []
    for place, first in enumerate(fit):
        if any(is_within(across[first], *row) for row in edges):
            continue
        for second in lower_edges(across, first, fit[place + 1 :], width):
            pair = across[first], across[second]
            found = separate_boxes(*pair, darkness, faintest, wide) or boxes_between(*pair, darkness, wide)
            found = without_digits(found, *pair, darkness)
            found = found or cell_between(*pair, darkness, faintest, wide)
            found = without_strokes(found, *pair, darkness, faintest)
            sure = len(even_boxes(found, *pair, darkness)) >= FEWEST_SURE
            if found and (sure or {first, second} <= long):
                for index in (first, second):
                    lines.setdefault(index, []).extend(side.middle for side in found)
                ends = min(side.middle for side in found), max(side.middle for side in found)
                edges.append((pair[0].extended(*ends), pair[1].extended(*ends)))
                boxes |= dict.fromkeys((first, second), pair[1].middle - pair[0].middle)
                divided |= {first, second} if len(found) > 2 else set()
                sides += without_known(found, sides)
                break
    spanning = [index for index in fit if across[index].spans]
    ruled = sum(line.spans for line in across) > MOST_SPANNING
    if len(spanning) == 2:  # the upper and the lower border of a field from edge to edge
        upper, lower = spanning
        boxes = dict.fromkeys(spanning, across[lower].middle - across[upper].middle) | boxes
    for index in fit:
        if index in divided or (ruled and across[index].spans) or not (index in boxes or index in long):
            continue
        found = teeth(across[index], darkness, wide, boxes.get(index, 0.0))
        rest = np.where(zone_of(darkness.shape, ([across[index]], found)), 0, darkness) if found else darkness
        if found and (index in boxes or not pen_of(rest, faintest).drew(across[index])):
            lines.setdefault(index, []).extend(side.middle for side in found)
            sides += without_known(found, sides)
    return Boxes(lines, sides, edges)


def without_digits(sides: list[Line], upper: Line, lower: Line, darkness: np.ndarray) -> list[Line]:
    """The sides between two lines across; none if these are the upper and lower ends of a row of printed digits, and
    the sides their strokes. One of the lines, or both, then stop between the digits: the other may underline them. And
    few of the sides are those of boxes of one width.
    """
    tall = lower.middle - upper.middle
    both = all(stops_between(line, darkness, *rows) for line, rows in ((upper, (0, tall)), (lower, (-tall, 0))))
    short = (upper, (0, tall - lower.half - 1)), (lower, (upper.half + 1 - tall, 0))  # of the other line
    if not both and not any(stops_between(line, darkness, *rows) for line, rows in short):
        return sides
    sides = sorted(sides, key=lambda side: side.middle)
    boxes = even_boxes(sides, upper, lower, darkness)
    wide = [box for box in boxes if sides[box[1]].middle - sides[box[0]].middle >= NARROWEST_SEPARATE * tall]
    return sides if 2 * len(wide) >= MOST_SIDES * len(sides) else []


def is_within(line: Line, upper: Line, lower: Line) -> bool:
    """Whether a line with more gaps than the edges of a row of boxes lies in it: strokes of its digits."""
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


def separate_boxes(upper: Line, lower: Line, darkness: np.ndarray, faintest: float, wide: np.ndarray) -> list[Line]:
    """The sides of boxes with gaps between them, where both lines are interrupted at the same places."""
    above, below = runs_of(upper, darkness, faintest), runs_of(lower, darkness, faintest)
    if len(above) == 1 < len(below):  # broken in print, too
        above = [upper.between(run.start, run.end) for run in below]
    elif len(below) == 1 < len(above):
        below = [lower.between(run.start, run.end) for run in above]
    if len(above) < 2 or len(above) != len(below):
        return []
    gap = min(after.start - before.end for runs in (above, below) for before, after in pairwise(runs))
    found = []
    for pair in zip(above, below, strict=True):
        corner = max(min(CORNER * min(len(line.rows) for line in pair), gap / 2), upper.half)
        sides = boxes_between(*pair, darkness, wide, corner)
        if not sides:
            return []
        found += sides
    return found


def boxes_between(
    upper: Line, lower: Line, darkness: np.ndarray, wide: np.ndarray, corner: float = np.inf
) -> list[Line]:
    """The sides of boxes between two lines across, none if these are not the edges of boxes.

    `wide` (H, W) bool is where the picture or a pixel beside it is dark. The outer sides stand at most `corner` columns
    from the ends of the lines.
    """
    width = darkness.shape[1]
    room = min(MEETS * width + MEETS_PIXELS, corner)
    if abs(upper.start - lower.start) > 2 * room or abs(upper.end - lower.end) > 2 * room:
        return []
    tall = lower.middle - upper.middle
    if tall < LOWEST or max(upper.thickness, lower.thickness) > THICKEST_EDGE * tall:
        return []
    start, end = max(upper.start, lower.start), min(upper.end, lower.end)
    sides = sides_between(upper, lower, darkness, wide, corner)
    if upper.spans or lower.spans:  # rules and squares: what joins two of them is rather a stroke of a digit
        alike = [side for side in sides if side.is_whole and is_alike(side.line, upper, lower)]
        ending = sum(not side.goes_on for side in alike)
        enough = len(alike) >= PERIODIC_SIDES
        periodic = enough and lattice(np.array([side.line.middle for side in alike])) is not None
        return [side.line for side in alike] if periodic or ending >= ENDING_SIDES else []
    if not sides:
        return []
    middles = np.array([side.line.middle for side in sides])
    filled = np.array([side.filled for side in sides])
    at_ends = [(np.abs(middles - place) <= room) & (filled >= END_SIDE_FILLED) for place in (start, end)]
    whole = np.array([side.is_whole for side in sides])
    at_ends = [end & whole if (end & whole).any() else end for end in at_ends]  # a stroke may stand beside the side
    if np.count_nonzero(whole | at_ends[0] | at_ends[1]) < 2:
        return []
    closed = (at_ends[0].any() or start <= room) and (at_ends[1].any() or end >= width - room)
    if not closed:
        return []
    sample = [side.line for side in sides if side.is_whole] or [upper, lower]
    print_alike = np.array([is_alike(side.line, *sample) for side in sides])
    joined = np.array([side.joined for side in sides])
    joins = (filled >= SIDE_FILLED) & (joined > 0)
    sure = whole | (joins & print_alike) | at_ends[0] | at_ends[1]
    if regular := lattice(middles[sure]):  # a broken side is known by its place
        steps = (middles - regular.first) / regular.period
        sure |= (np.abs(steps - np.rint(steps)) <= UNEVEN / 2) & print_alike
    if np.isfinite(corner):  # a separate box: sides of two boxes do not stand beside each other
        apart = np.abs(middles[:, None] - middles[whole & print_alike])
        crowded = ((apart > 0) & (apart < NARROWEST_BOX * (lower.middle - upper.middle))).any(axis=1)
        sure &= (joined == 2) | ~crowded
    sure &= at_ends[0] | at_ends[1] | ~np.array([side.loose for side in sides])
    return [side.line for side, yes in zip(sides, sure, strict=True) if yes]


def cell_between(upper: Line, lower: Line, darkness: np.ndarray, faintest: float, wide: np.ndarray) -> list[Line]:
    """The two sides of the only whole box between two lines that run from edge to edge; none if there is no such box.
    The picture's edge cuts its neighbours to the left and right. Two uprights have no period, but a pen that wrote all
    else cannot have drawn them. Arguments as for `boxes_between`; what is no darker than `faintest` is paper.
    """
    if not (upper.spans and lower.spans) or lower.middle - upper.middle < LOWEST:
        return []
    sides = sides_between(upper, lower, darkness, wide)
    alike = [side.line for side in sides if side.is_whole and not side.goes_on and is_alike(side.line, upper, lower)]
    if len(alike) != 2:
        return []
    across, tall = alike[1].middle - alike[0].middle, lower.middle - upper.middle
    if not NARROWEST_BOX * tall <= across <= WIDEST_BOX * tall:
        return []
    rest = np.where(zone_of(darkness.shape, ([upper, lower], alike)), 0, darkness)
    pen = pen_of(rest, faintest)
    return [] if any(pen.drew(side) for side in alike) else alike


def without_strokes(sides: list[Line], upper: Line, lower: Line, darkness: np.ndarray, faintest: float) -> list[Line]:
    """The sides of boxes between two lines across, without strokes that are as tall as their boxes. In boxes of one
    width those are 1s that stand alone in the middle. Whatever else stands in a box is a stroke if other boxes hold
    none.

    sides: of the transposed picture, whose darkness is (H, W); what is no darker than `faintest` is paper.
    """
    if not sides:
        return sides
    dark = darkness > faintest
    sides = sorted(sides, key=lambda side: side.middle)
    boxes = even_boxes(sides, upper, lower, darkness)
    inside = {}
    for left, right in boxes:
        room = INSIDE_BOX * (sides[right].middle - sides[left].middle)
        ends = sides[left].middle + room, sides[right].middle - room
        inside[left, right] = [n for n in range(left + 1, right) if ends[0] <= sides[n].middle <= ends[1]]
    undivided = len(boxes) >= FEWEST_SURE and not all(inside.values())
    strokes = set()
    for (left, right), some in inside.items():
        walls = sides[left], sides[right]
        for index in some:
            if undivided or is_alone(sides[index], *walls, (upper, lower), dark):
                strokes.add(index)
    return [side for index, side in enumerate(sides) if index not in strokes]


def even_boxes(sides: list[Line], upper: Line, lower: Line, darkness: np.ndarray) -> list[tuple[int, int]]:
    """The indices of the left and the right side of each box between two lines across, if these are divided into boxes
    of one width and gaps between them; of all such divisions, that into the most boxes. Other arguments as for
    `without_strokes`.
    """
    middles = np.array([side.middle for side in sides])
    tall = lower.middle - upper.middle

    @cache  # of many widths the same gaps are asked for
    def is_gap_after(left: int) -> bool:
        return is_gap(middles[left : left + 2], upper, lower, darkness)

    best: list[tuple[int, int]] = []
    widths = np.unique(np.rint(np.subtract.outer(middles, middles)))
    for width in widths[(widths >= NARROWEST_BOX * tall) & (widths <= WIDEST_BOX * tall)]:
        found, left = [], 0
        while left < len(sides) - 1:
            may_be_gap = bool(found) and found[-1][1] == left
            away = np.abs(middles - middles[left] - width)
            right = int(away.argmin())
            # a gap comes first: a stroke in the next box may be as far away as a box is wide
            if may_be_gap and is_gap_after(left):
                left += 1
            elif right > left and away[right] <= UNEVEN / 2 * width + 1:  # a pixel: columns are whole ones
                found.append((left, right))
                left = right
            elif may_be_gap and middles[left + 1] - middles[left] <= INSIDE_BOX * width:  # so narrow that it is blurred
                left += 1
            else:
                found = []
                break
        if len(found) >= FEWEST_BOXES and len(found) > len(best):
            best = found
    return best


def is_gap(ends: np.ndarray, upper: Line, lower: Line, darkness: np.ndarray) -> bool:
    """Whether two lines across are interrupted halfway between two columns, (2,)."""
    middle = int(ends.mean())
    halfway = [line.between(middle, middle + 1) for line in (upper, lower)]
    return all(along(darkness, line).max() < LIGHT_GAP * line.level for line in halfway)


def is_alone(side: Line, left: Line, right: Line, edges: tuple[Line, Line], dark: np.ndarray) -> bool:
    """Whether nothing else is dark in the box, whose sides and edges are given."""
    upper, lower = edges
    middle = int(side.middle)
    top, bottom = (float(line.at(middle)) for line in edges)
    rows = np.arange(max(int(top) + upper.half + 1, 0), min(int(bottom) - lower.half, len(dark)))
    if not rows.size:
        return False
    columns = np.arange(dark.shape[1])
    ends = left.at(rows)[:, None] + left.half, right.at(rows)[:, None] - right.half
    inside = dark[rows] & (columns > ends[0]) & (columns < ends[1])
    own = np.abs(columns - side.at(rows)[:, None]) <= side.half + ONE_LEANS * (bottom - top)
    return bool(np.count_nonzero(inside & ~own) <= NOTHING_ELSE * np.count_nonzero(inside & own))


def boxed(found: Lines, darkness: np.ndarray, faintest: float) -> tuple[Lines, list[Field]]:
    """Lines across and upright, with all sides of boxes. Lines that belong to boxes are marked. And the edges of each
    row of boxes.
    """
    boxes = rows_of_boxes(found[0], darkness, faintest)
    across = []
    for index, line in enumerate(found[0]):
        if columns := boxes.lines.get(index):
            line = line.extended(min(columns), max(columns))._replace(spans=True, is_printed=True)
        across.append(line)
    sides, uprights = boxes.sides, []
    for line in found[1]:
        same = [side for side in sides if is_same(line, side) or is_same(side, line)]
        longer = line.spans and all(len(line.rows) >= len(side.rows) for side in same)
        if not same or longer:
            spans = line.spans and (bool(same) or not boxes.contain(line))
            uprights.append(line._replace(spans=spans, is_printed=bool(same)))
            sides = [side for side in sides if not any(side is other for other in same)]
    uprights += [side._replace(spans=True, is_printed=True) for side in without_pairs(sides)]
    return (across, uprights), boxes.edges


def without_pairs(sides: list[Line]) -> list[Line]:
    """Sides of boxes, with one line in the place of two that are so close together that no digit lies between them: a
    stroke that touches the one would be continued to the other as if it crossed the one.
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
    apart = np.median(np.abs(side.between(start, end).rows - other.between(start, end).rows))
    return bool(apart <= side.half + other.half + 1)
