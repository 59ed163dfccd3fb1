"""Finds rows of printed boxes, and the upright sides between them.

Two lines across are the upper and lower edge of boxes if straight upright sides join them. A stroke of a digit rarely
reaches from one line to the other, and never stands at both ends of the lines. So the sides are looked for between
each line and the next: they may be much shorter than the lines that are found in the whole picture, and digits may
touch them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from preprocessing.lines import MEETS, THICKEST, Line, Lines, is_same

# The lines above and below a row of boxes are at least this long, as a share of the picture.
BOXES_LONG = 0.45
# At least this share of them is there. A straight row of strokes of different digits fills two thirds.
LINE_FILLED = 0.7
# A row of boxes is at least this many pixels high: a digit in it must be legible.
LOWEST = 12
# A side is there along at least this share of the way between the lines.
SIDE_FILLED = 0.8
# A side with gaps at the end of the lines is there along at least this share: its place is known.
END_SIDE_FILLED = 0.6
# A side whose place follows from the other sides is there along at least this share.
LEAST_FILLED = 0.3
# Both ends of a side, so long as a share of it, are there to at least the share JOINED: a stroke ends before the line.
END, JOINED = 0.12, 0.75
# Sides are looked for so far beyond the ends of the lines, as a share of the boxes' height: lines may break off.
BEYOND = 1.3
# A side leans from the upright of the lines by no more than this many columns per row: the picture is seen aslant.
LEANS = np.linspace(-0.05, 0.05, 5)
# A candidate for a side is dark in this many of the rows that are looked at first, PROBES of the way down.
PROBES, PROBED = (0.06, 0.25, 0.5, 0.75, 0.94), 2
# This many sides in a row have a period, and need not stand at the ends of the lines.
PERIODIC_SIDES = 4
# Between two rules only the sides of boxes end at both, so many of them; strokes of digits cross the rules.
ENDING_SIDES = 3
# A side goes on if it is longer than the way between the lines by this share.
GOES_ON = 0.15
# The distances of such sides differ from their period by no more than this share.
UNEVEN = 0.12
# Printed lines differ in thickness and darkness by no more than this factor.
ALIKE = 1.8
# A side goes on beyond the lines if a gap in it is no longer than this share of the boxes' height.
GAP = 0.25


class Side(NamedTuple):
    """A line that may be the side of a box."""

    line: Line  # of the transposed picture
    filled: float  # the share of the way between the lines across along which it is there
    joined: int  # how many of its two ends are there
    goes_on: bool  # whether it goes on beyond the lines

    @property
    def is_whole(self) -> bool:
        return self.filled >= SIDE_FILLED and self.joined == 2


class Boxes(NamedTuple):
    """Rows of boxes in a picture: the numbers of the lines across that belong to them, and the sides."""

    lines: set[int]
    sides: list[Line]  # of the transposed picture


def rows_of_boxes(across: list[Line], darkness: np.ndarray, faintest: float) -> Boxes:
    """All rows of boxes between lines across the darkness (H, W) of a picture."""
    width = darkness.shape[1]
    fit = [
        index
        for index, line in enumerate(across)
        if line.filled >= LINE_FILLED and len(line.rows) >= BOXES_LONG * width
    ]
    fit.sort(key=lambda index: across[index].middle)
    dark = darkness > faintest
    wide = dark.copy()
    wide[:, 1:] |= dark[:, :-1]
    wide[:, :-1] |= dark[:, 1:]
    lines: set[int] = set()
    sides: list[Line] = []
    for place, first in enumerate(fit):
        for second in fit[place + 1 : place + 3]:
            found = boxes_between(across[first], across[second], darkness, wide)
            if found:
                lines |= {first, second}
                sides += [side for side in found if not any(is_same(side, other) for other in sides)]
                break
    return Boxes(lines, sides)


def boxes_between(upper: Line, lower: Line, darkness: np.ndarray, wide: np.ndarray) -> list[Line]:
    """The sides of boxes between two lines across, none if these are not the edges of boxes.

    `wide` (H, W) bool is where the picture or a pixel beside it is dark.
    """
    width = darkness.shape[1]
    room = MEETS * width + 2
    if abs(upper.start - lower.start) > 2 * room or abs(upper.end - lower.end) > 2 * room:
        return []
    if lower.middle - upper.middle < LOWEST:
        return []
    start, end = max(upper.start, lower.start), min(upper.end, lower.end)
    sides = sides_between(upper, lower, darkness, wide)
    if upper.held or lower.held:  # rules and squares: what joins two of them is rather a stroke of a digit
        alike = [side for side in sides if side.is_whole and is_alike(side.line, upper, lower)]
        ending = sum(not side.goes_on for side in alike)
        periodic = len(alike) >= PERIODIC_SIDES and lattice(np.array([side.line.middle for side in alike]))[0]
        return [side.line for side in alike] if periodic or ending >= ENDING_SIDES else []
    if not sides:
        return []
    middles = np.array([side.line.middle for side in sides])
    filled = np.array([side.filled for side in sides])
    at_ends = [(np.abs(middles - place) <= room) & (filled >= END_SIDE_FILLED) for place in (start, end)]
    whole = np.array([side.is_whole for side in sides])
    if np.count_nonzero(whole | at_ends[0] | at_ends[1]) < 2:
        return []
    closed = (at_ends[0].any() or start <= room) and (at_ends[1].any() or end >= width - room)
    if not closed and (np.count_nonzero(whole) < PERIODIC_SIDES or not lattice(middles[whole])[0]):
        return []
    print_alike = np.ones(len(sides), bool)
    if whole.any():
        sample = [side.line for side in sides if side.is_whole]
        print_alike = np.array([is_alike(side.line, *sample) for side in sides])
    joined = whole | (filled >= SIDE_FILLED) & [side.joined > 0 for side in sides] & print_alike
    sure = joined | at_ends[0] | at_ends[1]
    period, offset = lattice(middles[sure])
    if period:  # a broken side is known by its place
        steps = (middles - offset) / period
        sure |= (np.abs(steps - np.rint(steps)) <= UNEVEN / 2) & print_alike
    return [side.line for side, yes in zip(sides, sure, strict=True) if yes]


def lattice(places: np.ndarray) -> tuple[float, float]:
    """The period of ascending places and the first of them; the period is 0 if they have none."""
    if len(places) < 3:
        return 0.0, 0.0
    gaps = np.diff(places)
    period = float(np.median(gaps))
    steps = np.maximum(np.rint(gaps / period), 1)
    regular = np.abs(gaps / steps - period).max() <= UNEVEN * period
    return (float((places[-1] - places[0]) / steps.sum()), float(places[0])) if regular else (0.0, 0.0)


def is_alike(line: Line, *others: Line) -> bool:
    """Whether a line is about as thick and as dark as the others: drawn by the same printer, not by a pen."""
    thickness = min(other.thickness for other in others)
    level = float(np.mean([other.level for other in others]))
    return line.thickness <= ALIKE * thickness and level / ALIKE <= line.level <= ALIKE * level


def sides_between(upper: Line, lower: Line, darkness: np.ndarray, wide: np.ndarray) -> list[Side]:
    """Straight upright lines between two lines across, (H, W) as for `boxes_between`."""
    height, width = darkness.shape
    reach = BEYOND * (lower.middle - upper.middle)
    start = int(max(max(upper.start, lower.start) - reach, 0))
    end = int(min(min(upper.end, lower.end) + reach, width))
    columns = np.arange(start, end)
    top, bottom = np.clip(upper.continued(columns), 0, height - 1), np.clip(lower.continued(columns), 0, height - 1)
    deep = float(np.median(bottom - top))
    slope = -(upper.rows[-1] - upper.rows[0]) / len(upper.rows)  # of what is upright, in columns per row

    room = int(np.ceil(LEANS[-1] * deep / 2 + abs(slope) * deep / 2)) + 1
    probed = np.zeros(len(columns), int)
    for share in PROBES:
        row = np.rint(top + share * (bottom - top)).astype(int)
        seen = np.pad(wide[row, columns], room)
        counts = np.concatenate([[0], seen.cumsum()])
        probed += counts[2 * room + 1 :] > counts[: len(columns)]
    likely = np.flatnonzero(probed >= PROBED)
    if not likely.size:
        return []

    steps = np.linspace(0, 1, int(deep) + 1)[:, None]
    rows = np.rint(top[likely] + steps * (bottom[likely] - top[likely])).astype(int)  # (steps, likely)
    filled, lean, joined = np.zeros(likely.size), np.zeros(likely.size), np.zeros(likely.size, int)
    tip = max(round(END * len(steps)), 2)
    for way in LEANS + slope:
        places = np.rint(columns[likely] + way * deep * (steps - 0.5)).astype(int)
        seen = wide[rows, np.clip(places, 0, width - 1)]
        share = seen.mean(axis=0)
        ends = (seen[:tip].mean(axis=0) >= JOINED).astype(int) + (seen[-tip:].mean(axis=0) >= JOINED)
        better = (share + ends > filled + joined) & (share >= LEAST_FILLED)
        filled[better], lean[better], joined[better] = share[better], way, ends[better]
    found = []
    for group in groups_of(likely, filled):
        worth = filled[group] + joined[group]
        best = group[worth == worth.max()]
        middle = best[len(best) // 2]
        line = side_at(
            columns[likely[middle]], lean[middle], (top[likely[middle]], bottom[likely[middle]]), darkness, wide
        )
        if line.thickness <= max(THICKEST * min(height, width), 3):
            longest = (1 + GOES_ON) * deep + upper.half + lower.half
            found.append(Side(line, float(filled[middle]), int(joined[middle]), len(line.rows) > longest))
    return found


def groups_of(columns: np.ndarray, filled: np.ndarray) -> list[np.ndarray]:
    """Neighbouring columns that show the same side, as indices. Two sides may lie so close together that columns
    between them are dark in part.
    """
    found = []
    for level in (SIDE_FILLED, LEAST_FILLED):
        good = np.flatnonzero(filled >= level)
        groups = np.split(good, np.flatnonzero(np.diff(columns[good]) > 1) + 1)
        found += [group for group in groups if group.size and not any(np.isin(other, group).any() for other in found)]
    return found


def side_at(column: int, lean: float, ends: tuple[float, float], darkness: np.ndarray, wide: np.ndarray) -> Line:
    """The side through the middle between two rows, with what goes on of it above and below them."""
    height, width = darkness.shape
    rows = np.arange(height)
    path = column + lean * (rows - (ends[0] + ends[1]) / 2)
    places = np.clip(np.rint(path).astype(int), 0, width - 1)
    there = wide[rows, places]
    first, last = round(ends[0]), round(ends[1])
    gap = max(round(GAP * (last - first)), 2)
    while first > 0 and there[max(first - 1 - gap, 0) : first].any():
        first -= 1
    while last < height - 1 and there[last + 1 : last + 2 + gap].any():
        last += 1
    inner = slice(round(ends[0]), round(ends[1]) + 1)
    reach = max(round(THICKEST * min(height, width) / 2), 3)
    around = np.clip(places[inner] + np.arange(-reach, reach + 1)[:, None], 0, width - 1)
    profile = darkness[rows[inner], around]  # (across the side, along it)
    level = profile[reach - 1 : reach + 2].max(axis=0)
    dark = profile > level / 2
    run = dark[reach].astype(int)
    for half in (dark[reach + 1 :], dark[reach - 1 :: -1]):
        run = run + np.cumprod(half, axis=0).sum(axis=0)
    return Line(first, path[first : last + 1].astype(np.float32), float(np.median(run)), float(np.median(level)), 1.0)


def boxed(found: Lines, darkness: np.ndarray, faintest: float) -> Lines:
    """Lines across and upright, with all sides of boxes. Lines that belong to boxes are marked."""
    boxes = rows_of_boxes(found[0], darkness, faintest)
    reach = [side.middle for side in boxes.sides]
    across = [
        line.extended(min(reach), max(reach))._replace(held=True, sure=True) if index in boxes.lines else line
        for index, line in enumerate(found[0])
    ]
    uprights = []
    for line in found[1]:
        same = [side for side in boxes.sides if is_same(line, side) or is_same(side, line)]
        longer = line.held and all(len(line.rows) >= len(side.rows) for side in same)
        if not same or longer:
            uprights.append(line._replace(sure=bool(same)))
            boxes.sides[:] = [side for side in boxes.sides if not any(side is other for other in same)]
    return across, uprights + [side._replace(held=True, sure=True) for side in boxes.sides]
