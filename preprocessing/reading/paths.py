"""The best of all ways to group the pieces of a picture: a path through each line, and the best division in lines.

best_lines(writing, lines, reads)
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

from preprocessing.pieces.signs import Sign
from preprocessing.reading.candidates import Candidate, candidates_of
from preprocessing.reading.prices import LEADING_COMMA_PRICE, LINE_PRICE, closeness_price, overlap_cost
from preprocessing.reading.writing import Group, Read, TextLines, Writing

# Rows are one line if each digit has at least this share of its height, or of the next one's, beside the next one.
BESIDE = 0.2
# Two 1s that touch lean alike to within this many columns per row. Strokes that differ more are those of a tick or a V.
LEAN_ALIKE = 0.6


class Path(NamedTuple):
    """A way to read some of the pieces."""

    score: float
    parts: tuple[Candidate, ...]  # in reading order
    lines: tuple[int, ...] = ()  # how many of the parts are in each line


NO_PATH = Path(-math.inf, ())


def best_lines(writing: Writing, lines: TextLines, reads: dict[Group, Read]) -> Path:
    """The best way to read all pieces, as one or more lines from top to bottom."""
    found = {rows: best_line(line, candidates_of(writing, line, reads)) for rows, line in lines.items()}
    best = [Path(0.0, ())]  # for the first 0, 1, 2 ... rows
    for last in range(1, max(end for _, end in lines) + 1):
        ways = []
        for first in range(last):
            if (first, last) in found and (last == first + 1 or is_level(found[first, last])):
                before, line = best[first], found[first, last]
                price = LINE_PRICE
                if before.lines[-1:] == (1,) and len(line.parts) == 1:
                    price += closeness_price(before.parts[-1].box, line.parts[0].box)
                ways.append(
                    Path(
                        before.score + line.score - price,
                        before.parts + line.parts,
                        (*before.lines, len(line.parts)),
                    )
                )
        best.append(max(ways, key=lambda path: path.score))
    return best[-1]


def is_level(line: Path) -> bool:
    """Whether each digit of a line stands beside the next one, and not above or below it."""
    boxes = [part.box for part in line.parts if part.sign is None]
    return all(
        min(one[3], other[3]) - max(one[1], other[1]) >= BESIDE * min(one[3] - one[1], other[3] - other[1])
        for one, other in itertools.pairwise(boxes)
    )


def best_line(line: list[int], candidates: dict[tuple[int, int], list[Candidate | float]]) -> Path:
    """The best way to read the pieces of one line, given from left to right."""
    best: list[dict[Group, Path]] = [{(): Path(0.0, ())}] + [{} for _ in line]  # by the last part
    for end in range(1, len(line) + 1):
        for start in range(end):
            for way in candidates.get((start, end), ()):
                for last, path in best[start].items():
                    if isinstance(way, float):
                        key, new = last, path._replace(score=path.score - way)
                    else:
                        leading = LEADING_COMMA_PRICE if way.sign is Sign.COMMA else 0.0
                        cost = cost_of_neighbours(path.parts[-1], way) if path.parts else leading
                        key, new = way.group, Path(path.score + way.score - cost, (*path.parts, way))
                    if key not in best[end] or new.score > best[end][key].score:
                        best[end][key] = new
    return max(best[-1].values(), key=lambda path: path.score, default=NO_PATH)


def cost_of_neighbours(a: Candidate, b: Candidate) -> float:
    """The price of taking neighbours in a line for two parts: the columns they share, by the smaller one's size. A sign
    may stand under an arm of a digit, so beside a sign the larger size counts. Digits that lean share columns: on
    either side of a cut, the columns are counted at that slant of SLANTS at which the two share fewest. Two straight
    strokes on either side of a cut that run apart are no 1s.
    """
    if b.after_cut:
        if a.lean is not None and b.lean is not None and abs(a.lean - b.lean) > LEAN_ALIKE:
            return math.inf
        shared = (a.sides[:, 1] - b.sides[:, 0]).min()
    else:
        shared = min(a.box[2], b.box[2]) - max(a.box[0], b.box[0])
    if shared <= 0:
        return 0.0
    return overlap_cost(shared, max(a.size, b.size) if a.sign or b.sign else min(a.size, b.size))
