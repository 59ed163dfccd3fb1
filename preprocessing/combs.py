"""Finds the teeth of combs: short upright strokes on a printed line, with a place for one digit between each two.

Many forms ask for numbers so. Teeth stand on the line or hang from it. They are as short as a tick, or as long as a
digit is high. Boxes may have teeth between them in the place of sides. A digit's stroke looks like a tooth where it
stands on the line. But teeth divide the line evenly from end to end, and they are as thin and as dark as the line.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from preprocessing.lines import MEETS, Line
from preprocessing.sides import LEANS, UNEVEN, is_alike, side_at

# A tooth is at least this many times as long as the line is thick: less is a blot on the line.
SHORTEST_TOOTH = 3.0
# A tooth is at least as long as the first and at most as long as the second share of the distance between teeth.
TOOTH_LONG = 0.1, 1.8
# A gap in a tooth is no longer than this many pixels.
TOOTH_GAP = 2
# The middle of a tooth is looked for in the columns where it has at least this share of its length.
WHOLE_TOOTH = 0.9
# A comb has no more places than this: the longest numbers on forms, of bank accounts, have 34 characters.
MOST_PLACES = 34
# A digit's place is at least this many pixels wide: a digit in it must be legible.
NARROWEST_PLACE = 10


class Tooth(NamedTuple):
    """What stands on a line and may be a tooth."""

    column: int  # of its middle
    length: int
    side: Line  # of the transposed picture


def teeth(line: Line, darkness: np.ndarray, wide: np.ndarray) -> list[Line]:
    """The teeth of a comb above and below a line across the darkness (H, W), as lines of the transposed picture; none
    if the line is no comb.

    `wide` (H, W) bool is where the picture or a pixel beside it is dark.
    """
    room = round(MEETS * darkness.shape[1]) + 2
    found = []
    for direction in (-1, 1):
        standing = standing_on(line, darkness, wide, room, direction)
        some = [standing[index] for index in even_places(np.array([tooth.column for tooth in standing]), line, room)]
        if some:
            period = (some[-1].column - some[0].column) / (len(some) - 1)
            lengths = np.array([tooth.length for tooth in some]) / period
            if lengths.min() >= TOOTH_LONG[0] and np.median(lengths) <= TOOTH_LONG[1]:
                found += [tooth.side for tooth in some]
    return found


def standing_on(line: Line, darkness: np.ndarray, wide: np.ndarray, room: int, direction: int) -> list[Tooth]:
    """What stands on a line, is straight, and looks printed like it. `direction` is -1 for above and 1 for below."""
    columns = np.arange(max(line.start - room, 0), min(line.end + room, darkness.shape[1]))
    shortest = int(np.ceil(SHORTEST_TOOTH * line.thickness))
    columns = columns[upright_runs(line, columns, wide, direction, shortest)[0] >= shortest]
    lengths, leans = upright_runs(line, columns, wide, direction, len(darkness))
    base = line.continued(columns)
    found = []
    for group in np.split(np.arange(len(columns)), np.flatnonzero(np.diff(columns) > 1) + 1) if len(columns) else []:
        best = group[lengths[group] >= WHOLE_TOOTH * lengths[group].max()]
        middle = best[len(best) // 2]
        ends = np.clip([base[middle], base[middle] + direction * lengths[middle]], 0, len(darkness) - 1)
        side = side_at(columns[middle], leans[middle], (ends.min(), ends.max()), darkness, wide)
        if is_alike(side, line):
            found.append(Tooth(int(columns[middle]), int(lengths[middle]), side))
    return found


def upright_runs(
    line: Line, columns: np.ndarray, wide: np.ndarray, direction: int, longest: int
) -> tuple[np.ndarray, np.ndarray]:
    """How far it is dark without a long gap above or below the line in each of these columns, and with which lean.
    No more than `longest` rows are looked at.
    """
    height, width = wide.shape
    slope = -(line.rows[-1] - line.rows[0]) / len(line.rows)
    steps = np.arange(line.half, max(longest, line.half + 1))[:, None]
    rows = np.rint(line.continued(columns) + direction * steps).astype(int)
    inside = (rows >= 0) & (rows < height)
    rows = np.clip(rows, 0, height - 1)
    lengths, leans = np.zeros(len(columns), int), np.zeros(len(columns))
    for lean in LEANS + slope:
        places = np.clip(np.rint(columns + lean * direction * steps).astype(int), 0, width - 1)
        dark = wide[rows, places] & inside
        there = dark.copy()
        for gap in range(1, TOOTH_GAP + 1):
            there[:-gap] |= dark[gap:]
        run = np.where(there.all(axis=0), len(steps), (~there).argmax(axis=0))
        better = run > lengths
        lengths[better], leans[better] = run[better], lean
    return lengths + line.half, leans


def even_places(middles: np.ndarray, line: Line, room: int) -> list[int]:
    """Which of these columns divide the line evenly from end to end, into as many places as possible, two at least."""
    found: list[int] = []
    for first in np.flatnonzero(np.abs(middles - line.start) <= room):
        for last in np.flatnonzero(np.abs(middles - line.end) <= room):
            length = middles[last] - middles[first]
            for count in range(min(MOST_PLACES, int(length // NARROWEST_PLACE)), max(len(found) - 1, 1), -1):
                away = np.abs(middles - (middles[first] + length * np.arange(count + 1) / count)[:, None])
                if (away.min(axis=1) <= UNEVEN / 2 * length / count + 1).all():
                    found = [int(index) for index in away.argmin(axis=1)]
                    break
    return found
