"""Finds the teeth of combs: short upright strokes on a printed line, with a place for one digit between each two.

Many forms have such a comb for a number. Teeth stand on the line or hang from it. They are as short as a tick, or as
long as a digit is high. Some boxes are divided by teeth instead of whole sides. A digit's stroke looks like a tooth
where it stands on the line. But teeth divide the line evenly from end to end, they are as long as each other, and they
are as thin and as dark as the line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from preprocessing.lines.line import MEETS, MEETS_PIXELS, Darkness, Line, without_known
from preprocessing.lines.sides import LEANS, is_alike, side_at
from preprocessing.pixels.lattices import UNEVEN

# A tooth is at least this many times as long as the line is thick: less is a blot on the line.
SHORTEST_TOOTH = 3.0
# The shortest and the longest tooth, as shares of the distance between teeth: a shorter one is a blot, a longer one
# leaves no room for a digit.
TOOTH_LONG = 0.1, 1.8
# In a box a tooth is no longer than this share of its height: what is longer is a side or a 1.
SHORT_IN_BOX = 0.5
# The teeth of a comb have at least this share of the usual length: some are broken in print.
LEAST_ALIKE = 0.75
# The teeth of a comb have at most this share of the usual length: none goes on, but its end may be blurred.
MOST_ALIKE = 1.3
# A gap in a tooth is no longer than this many pixels.
TOOTH_GAP = 2
# The middle of a tooth is the middle of the columns in which it has at least this share of its full length.
WHOLE_TOOTH = 0.9
# At least this share of the teeth between the ends stands free; digits touch the others.
LEAST_SEEN = 0.5
# At least this many of them stand free, or all if there are fewer: one alone may be a stroke.
FEWEST_SEEN = 2
# Where the picture's edge cuts the line, the comb goes on outside. The last tooth inside need not stand at the end of
# the line if there are this many teeth: fewer have no sure period.
PERIODIC_TEETH = 4
# A comb has no more places than this: an IBAN, the longest usual number, has 34 characters.
MOST_PLACES = 34
# A digit's place is at least this many pixels wide: a digit in it must be legible.
NARROWEST_PLACE = 10


class Tooth(NamedTuple):
    """What stands on a line and may be a tooth."""

    column: int  # of its middle
    length: int
    side: Line  # of the transposed picture


@dataclass(frozen=True, eq=False)  # arrays have no truth value
class Base:
    """One side of a line on which teeth may stand, or from which they may hang.

    line: the line, across a picture.
    darkness: of this picture.
    direction: -1 for above the line, 1 for below.
    box: the height of the box that the line is the edge of, or 0. Its sides stand at the ends of the line, and only
        short teeth are looked for between them.
    """

    line: Line
    darkness: Darkness
    direction: int
    box: float = 0.0

    @property
    def room(self) -> int:
        """How many columns from the ends of the line the outer teeth may stand."""
        return round(MEETS * self.darkness.shape[1]) + MEETS_PIXELS

    @property
    def cut(self) -> tuple[bool, bool]:
        """Whether the picture's edge cuts the line on the left and on the right."""
        return self.line.start <= self.room, self.line.end >= self.darkness.shape[1] - self.room


def teeth(line: Line, darkness: Darkness, box: float = 0.0) -> list[Line]:
    """The teeth of a comb above and below a line across a picture, as lines of the transposed picture; none if the line
    is no comb. box: as in `Base`.
    """
    found: list[Line] = []
    for direction in (-1, 1):
        base = Base(line, darkness, direction, box)
        comb = even_teeth(base, standing_on(base))
        found += without_known([tooth.side for tooth in comb], found)
    return found


def standing_on(base: Base) -> list[Tooth]:
    """What stands on a line, is straight, and looks printed like it, from left to right."""
    line, (height, width) = base.line, base.darkness.shape
    columns = np.arange(max(line.start - base.room, 0), min(line.end + base.room, width))
    shortest = int(np.ceil(SHORTEST_TOOTH * line.thickness))
    columns = columns[upright_runs(base, columns, shortest)[0] >= shortest]
    lengths, leans = upright_runs(base, columns, height)
    starts = line.continued(columns)
    found = []
    for group in np.split(np.arange(len(columns)), np.flatnonzero(np.diff(columns) > 1) + 1):
        if not group.size:
            continue
        best = group[lengths[group] >= WHOLE_TOOTH * lengths[group].max()]
        middle = best[len(best) // 2]
        ends = np.clip([starts[middle], starts[middle] + base.direction * lengths[middle]], 0, height - 1)
        halfway = columns[middle] + leans[middle] * base.direction * lengths[middle] / 2
        side = side_at(halfway, leans[middle], (ends.min(), ends.max()), base.darkness)
        if is_alike(side, line):
            found.append(Tooth(int(columns[middle]), int(lengths[middle]), side))
    return found


def upright_runs(base: Base, columns: np.ndarray, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """The length (n,) of the dark run that stands on a line in each of the columns (n,), and its lean (n,). No more
    than `longest` rows are looked at.
    """
    line, (height, width) = base.line, base.darkness.shape
    steps = np.arange(line.half, max(longest, line.half + 1))[:, None]
    rows = np.rint(line.continued(columns) + base.direction * steps).astype(int)
    inside = (rows >= 0) & (rows < height)
    rows = np.clip(rows, 0, height - 1)
    lengths, leans = np.zeros(len(columns), int), np.zeros(len(columns))
    for lean in LEANS + line.lean:
        places = np.clip(np.rint(columns + lean * base.direction * steps).astype(int), 0, width - 1)
        dark = base.darkness.widened[rows, places] & inside
        there = dark.copy()
        for gap in range(1, TOOTH_GAP + 1):
            there[:-gap] |= dark[gap:]
        run = np.where(there.all(axis=0), len(steps), (~there).argmax(axis=0))
        better = run > lengths
        lengths[better], leans[better] = run[better], lean
    return lengths + line.half, leans


def hidden_on(base: Base, longest: int) -> Callable[[float, list[Tooth]], Tooth | None]:
    """A function that finds teeth which a digit touches. Such a tooth does not look printed, but it is dark as far as
    the other teeth are long, which is no more than `longest` rows. The function takes the column and the other teeth,
    and gives None if nothing is there.
    """
    line, (height, width) = base.line, base.darkness.shape

    @cache
    def runs() -> tuple[np.ndarray, np.ndarray]:  # few lines need them, and those ask many times
        return upright_runs(base, np.arange(width), longest)

    def tooth_at(column: float, others: list[Tooth]) -> Tooth | None:
        usual = int(np.median([tooth.length for tooth in others]))
        lengths, leans = runs()
        first = max(round(column) - 1, 0)
        at = first + int(np.minimum(lengths[first : round(column) + 2], usual).argmax())
        if lengths[at] < LEAST_ALIKE * usual:
            return None
        ends = sorted(float(line.at(column)) + base.direction * away for away in (0, usual))
        rows = np.arange(max(round(ends[0]), 0), min(round(ends[1]) + 1, height))
        path = at + leans[at] * (rows - float(line.at(column)))
        printed = others[len(others) // 2].side
        return Tooth(round(column), usual, printed._replace(start=int(rows[0]), rows=path.astype(np.float32)))

    return tooth_at


def even_teeth(base: Base, standing: list[Tooth]) -> list[Tooth]:
    """Those that divide a line evenly from end to end, into as many places as possible, and at least two. Digits may
    hide some of them. standing: what stands on the line, from left to right.
    """
    line, cut = base.line, base.cut
    columns = np.array([tooth.column for tooth in standing])
    at_ends = np.abs(columns - line.start) <= base.room, np.abs(columns - line.end) <= base.room
    hidden = hidden_on(base, max((tooth.length for tooth in standing), default=0))
    best: list[Tooth] = []
    for first in np.flatnonzero(at_ends[0] | cut[0]):
        for last in np.flatnonzero(at_ends[1] | cut[1]):
            whole = columns[last] - columns[first]
            most, fewest = min(MOST_PLACES, int(whole // NARROWEST_PLACE)), max(len(best), 2)
            if not (at_ends[0][first] and at_ends[1][last]):  # the next teeth are outside
                outside = max(columns[first] - line.start, line.end - columns[last])
                most = min(most, int((1 + UNEVEN) * whole // max(outside, 1)))
                fewest = max(fewest, PERIODIC_TEETH - 1)
            for count in range(most, fewest - 1, -1):
                comb = comb_at(columns[first] + whole * np.arange(count + 1) / count, standing, base.box > 0, hidden)
                if comb is not None:
                    usual = float(np.median([tooth.length for tooth in comb.inner]))
                    best = comb.all if is_tooth_long(usual, whole / count, base.box) else best
                    break
    return best


class Comb(NamedTuple):
    """Teeth at equal distances."""

    all: list[Tooth]
    inner: list[Tooth]  # those between the outer two that stand free


def comb_at(
    places: np.ndarray, standing: list[Tooth], is_box: bool, hidden: Callable[[float, list[Tooth]], Tooth | None]
) -> Comb | None:
    """The comb whose teeth stand at these columns, (n,); None if some stand elsewhere, or are not alike.

    is_box: whether the line is the edge of a box. hidden: as `hidden_on` gives it.
    """
    whole, count = places[-1] - places[0], len(places) - 1
    away = np.abs(np.array([tooth.column for tooth in standing]) - places[:, None])
    nearest = away.argmin(axis=1)
    even = away.min(axis=1) <= UNEVEN / 2 * whole / count + 1  # a pixel: columns are whole ones
    inner = [standing[index] for index in nearest[1:-1][even[1:-1]]]
    if len(inner) < max(LEAST_SEEN * (count - 1), min(count - 1, FEWEST_SEEN)):
        return None
    if not are_alike(np.array([standing[index].length for index in nearest[even]]), is_box):
        return None
    others = [hidden(place, inner) for place in places[~even]]
    return Comb([standing[index] for index in nearest[even]] + others, inner) if all(others) else None


def are_alike(lengths: np.ndarray, is_box: bool) -> bool:
    """Whether these lengths (n,), from left to right, are those of one comb's teeth. The outer ones may be the sides of
    a box; without a box one of them may be broken in print.
    """
    usual = float(np.median(lengths[1:-1]))
    alike = (lengths >= LEAST_ALIKE * usual) & (lengths <= MOST_ALIKE * usual)
    return bool(alike[1:-1].all() and (is_box or alike[[0, -1]].any()))


def is_tooth_long(length: float, period: float, box: float) -> bool:
    """Whether an upright of this length may be one of teeth that stand a period apart; `box` as for `teeth`."""
    longest = min(TOOTH_LONG[1] * period, SHORT_IN_BOX * box or np.inf)
    return TOOTH_LONG[0] * period <= length <= longest
