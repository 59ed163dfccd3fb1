"""Which uprights between two lines across are strokes of digits, and no sides of boxes.

A 1 may be as tall as its box, and a row of printed digits may have straight feet and heads that look like lines. What
tells them is that boxes in a row are of one width, hold one digit each, and hang together or stand apart.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from preprocessing.lines.line import LIGHT_GAP, Darkness, Edges, Line, along, stops_between
from preprocessing.pixels.lattices import UNEVEN

# Boxes between which both lines stop are at least this wide, as a share of their height: a printed 0 is narrower.
NARROWEST_SEPARATE = 0.6
# At least this share of the sides there is that of boxes of one width: strokes may stand among them.
MOST_SIDES = 0.6
# A box is at least this wide, as a share of its height: what stands closer to a side is a digit's stroke.
NARROWEST_BOX = 0.45
# A box for one digit is at most this wide, as a share of its height: what stands in a wider one may be two columns.
WIDEST_BOX = 1.8
# Boxes of one width are told by at least this many: one alone may be a table of any columns.
FEWEST_BOXES = 2
# So many boxes of one width are a row of boxes however short its lines are: no digits leave such a row by chance.
FEWEST_SURE = 3
# A 1 stands in its box at least this far from its sides, as a share of the box's width: what stands nearer to a side
# may be the side of the next box.
INSIDE_BOX = 0.15
# A 1 takes a band of this share of its box's height to its left and right, for it may lean.
ONE_LEANS = 0.1
# A box holds nothing but a 1 if all else in it has at most this share of the pixels of the 1: dirt and grain.
NOTHING_ELSE = 0.15


def without_digits(sides: list[Line], edges: Edges, darkness: Darkness) -> list[Line]:
    """The sides between two lines across; none if these are the upper and lower ends of a row of printed digits, and
    the sides their strokes. One of the lines, or both, then stop between the digits: the other may underline them. And
    few of the sides are those of boxes of one width.
    """
    upper, lower = edges
    tall = edges.height
    both = all(stops_between(line, darkness, *rows) for line, rows in ((upper, (0, tall)), (lower, (-tall, 0))))
    short = (upper, (0, tall - lower.half - 1)), (lower, (upper.half + 1 - tall, 0))  # of the other line
    if not both and not any(stops_between(line, darkness, *rows) for line, rows in short):
        return sides
    sides = sorted(sides, key=lambda side: side.middle)
    boxes = even_boxes(sides, edges, darkness)
    wide = [box for box in boxes if sides[box[1]].middle - sides[box[0]].middle >= NARROWEST_SEPARATE * tall]
    return sides if 2 * len(wide) >= MOST_SIDES * len(sides) else []


def without_strokes(sides: list[Line], edges: Edges, darkness: Darkness) -> list[Line]:
    """The sides of boxes between two lines across, without strokes that are as tall as their boxes. In boxes of one
    width those are 1s that stand alone in the middle. Whatever else stands in a box is a stroke if other boxes hold
    none.
    """
    if not sides:
        return sides
    sides = sorted(sides, key=lambda side: side.middle)
    boxes = even_boxes(sides, edges, darkness)
    inside = {}
    for left, right in boxes:
        room = INSIDE_BOX * (sides[right].middle - sides[left].middle)
        ends = sides[left].middle + room, sides[right].middle - room
        inside[left, right] = [n for n in range(left + 1, right) if ends[0] <= sides[n].middle <= ends[1]]
    undivided = len(boxes) >= FEWEST_SURE and not all(inside.values())
    strokes = {
        index
        for (left, right), some in inside.items()
        for index in some
        if undivided or is_alone(sides[index], (sides[left], sides[right]), edges, darkness.dark)
    }
    return [side for index, side in enumerate(sides) if index not in strokes]


def are_sure(sides: list[Line], edges: Edges, darkness: Darkness) -> bool:
    """Whether two lines across are divided into boxes of one width, so many that no digits leave such a row."""
    return len(even_boxes(sides, edges, darkness)) >= FEWEST_SURE


def is_box_wide(width: float | np.ndarray, edges: Edges) -> bool | np.ndarray:
    """Whether a box between these edges, so wide, is one for a single digit."""
    return (width >= NARROWEST_BOX * edges.height) & (width <= WIDEST_BOX * edges.height)


def even_boxes(sides: list[Line], edges: Edges, darkness: Darkness) -> list[tuple[int, int]]:
    """The indices of the left and the right side of each box between two lines across, if these are divided into boxes
    of one width and gaps between them; of all such divisions, that into the most boxes. sides: from left to right.
    """
    middles = np.array([side.middle for side in sides])

    @cache  # of many widths the same gaps are asked for
    def is_gap_after(left: int) -> bool:
        return is_gap(middles[left : left + 2], edges, darkness)

    best: list[tuple[int, int]] = []
    widths = np.unique(np.rint(np.subtract.outer(middles, middles)))
    for width in widths[is_box_wide(widths, edges)]:
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


def is_gap(ends: np.ndarray, edges: Edges, darkness: Darkness) -> bool:
    """Whether two lines across are interrupted halfway between two columns, (2,)."""
    middle = int(ends.mean())
    halfway = [line.part(middle, middle + 1) for line in edges]
    return all(along(darkness, line).max() < LIGHT_GAP * line.level for line in halfway)


def is_alone(side: Line, walls: tuple[Line, Line], edges: Edges, dark: np.ndarray) -> bool:
    """Whether nothing else is dark, (H, W) bool, in the box between these walls and edges."""
    (upper, lower), (left, right) = edges, walls
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
