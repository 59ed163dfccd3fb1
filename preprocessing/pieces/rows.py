"""Rows of writing: which pieces of ink stand beside each other, on a page that may be slightly turned.

Pieces are given by their boxes, (n, 4) arrays of left, top, right, bottom in pixels, right and bottom exclusive.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

# A piece this tall, as a share of the digits' height, is a digit or a part that shows where the row runs. Smaller ones
# are signs, dots and loose strokes: they join the nearest row.
TALL = 0.5
# How much of a tall piece's height, around its middle, counts for its row: digits of one row may reach into the next.
CORE = 0.3
# A piece that is alone in its row is of a row beside it if at least this share of its height lies within that row: a
# small 1 stands low.
WITHIN = 0.65
# The slopes of a row and of a dotted line that are tried, in rows of pixels per column: a sheet turned by up to 11
# degrees.
SLOPES = np.linspace(-0.2, 0.2, 41)
# A slope is looked for among at least this many tall pieces: fewer lie on a slanted line by chance.
FEWEST_TO_SLOPE = 4
# A slope must make the rows clearer by this factor than none at all: few digits at different heights are no turned row.
CLEARER = 1.05
# Neighbours from which the place of a sign in its row is told.
NEIGHBOURS = 4


class Place(NamedTuple):
    """The digits' top and bottom where a piece stands, told by its neighbours."""

    top: float
    bottom: float

    @property
    def height(self) -> float:
        return self.bottom - self.top


def usual_height(boxes: np.ndarray) -> float:
    """The weighted median of the heights: pieces up to this height make up half of the sum of all heights."""
    heights = np.sort(boxes[:, 3] - boxes[:, 1])
    return float(heights[np.searchsorted(heights.cumsum(), heights.sum() / 2)])


def digits_height(boxes: np.ndarray, pixels: np.ndarray) -> float:
    """Like `usual_height`, of pieces of which many may be small: dots or letters. Each counts by its ink, too.

    pixels: of each piece, (n,).
    """
    heights = boxes[:, 3] - boxes[:, 1]
    order = np.argsort(heights)
    weights = (pixels * heights)[order].cumsum()
    return float(heights[order][np.searchsorted(weights, weights[-1] / 2)])


def find_rows(boxes: np.ndarray) -> list[list[int]]:
    """The pieces' indices row by row from top to bottom, each row from left to right."""
    heights = boxes[:, 3] - boxes[:, 1]
    tall = np.flatnonzero(heights >= TALL * usual_height(boxes))
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    level = y - clearest_slope(x[tall], y[tall], CORE / 2 * heights[tall]) * x
    order = tall[np.argsort(level[tall], kind="stable")]
    half = CORE / 2 * heights[order]
    ends = np.maximum.accumulate(level[order] + half)
    starts = np.flatnonzero(level[order][1:] - half[1:] > ends[:-1]) + 1
    tall_rows = joined_by_lone_pieces(np.split(order, starts), level, heights)
    rows = [row.tolist() for row in tall_rows]
    extents = [(min(level[row] - heights[row] / 2), max(level[row] + heights[row] / 2)) for row in tall_rows]
    for piece in np.setdiff1d(np.arange(len(boxes)), tall):
        apart = [max(top - level[piece], level[piece] - bottom, 0) for top, bottom in extents]
        middle = [abs(level[piece] - (top + bottom) / 2) for top, bottom in extents]
        rows[min(range(len(rows)), key=lambda row: (apart[row], middle[row]))].append(int(piece))
    return [sorted(row, key=lambda piece: x[piece]) for row in rows]


def clearest_slope(x: np.ndarray, y: np.ndarray, half: np.ndarray) -> float:
    """The slope under which rows are told apart best (projection profile, Postl 1986), in rows of pixels per column; 0
    unless one is plainly better than none.

    x, y, half: (n,) the middle of each tall piece and half the height of its core.
    """
    if len(x) < FEWEST_TO_SLOPE:
        return 0.0
    clarity = [profile_clarity(y - slope * x, half) for slope in SLOPES]
    best = int(np.argmax(clarity))
    return float(SLOPES[best]) if clarity[best] > CLEARER * clarity[len(SLOPES) // 2] else 0.0


def joined_by_lone_pieces(rows: list[np.ndarray], level: np.ndarray, heights: np.ndarray) -> list[np.ndarray]:
    """Rows of pieces, from top to bottom. A single piece joins a neighbouring row of several that holds most of it.

    level, heights: (n,) the middle and the height of each piece.
    """
    tops, bottoms = level - heights / 2, level + heights / 2

    def is_within(row: np.ndarray, other: np.ndarray) -> bool:
        if not len(row) == 1 < len(other):
            return False
        shared = min(bottoms[row].max(), bottoms[other].max()) - max(tops[row].min(), tops[other].min())
        return shared >= WITHIN * heights[row[0]]

    found: list[np.ndarray] = []
    last = rows[0][:0]  # the row that was found last, without single pieces that joined it
    for row in rows:
        if is_within(row, last):
            found[-1] = np.concatenate([found[-1], row])
            continue
        found.append(np.concatenate([found.pop(), row]) if is_within(last, row) else row)
        last = row
    return found


def profile_clarity(levels: np.ndarray, half: np.ndarray) -> float:
    """How sharply pieces fall into rows: the sum of the squared profile of their middles across the rows, which is
    larger the more of them share a bin.

    levels, half: (n,) the middle of each piece and half the height of its core.
    """
    start = levels.min() - half.max()
    unit = max(float(half.mean()) / 2, 0.5)
    first = ((levels - half - start) / unit).astype(int)
    last = ((levels + half - start) / unit).astype(int) + 1
    steps = np.zeros(last.max() + 1)
    np.add.at(steps, first, 1)
    np.add.at(steps, last, -1)
    return float((steps.cumsum() ** 2).sum())


def mergeable(rows: list[list[int]], most: int) -> list[tuple[int, int]]:
    """(first row, last row + 1) of all neighbouring rows that may be one: each alone, and any if all rows have at most
    `most` pieces together.
    """
    if sum(map(len, rows)) <= most:
        return list(itertools.combinations(range(len(rows) + 1), 2))
    return [(row, row + 1) for row in range(len(rows))]


def place_in_row(box: np.ndarray, row: np.ndarray) -> Place | None:
    """The top and bottom of the digits around a box (4,), from the boxes of its row (n, 4); None where there are none.

    The nearest tall pieces tell it, the box itself left out.
    """
    others = row[~((row[:, 0] >= box[0]) & (row[:, 2] <= box[2]))]
    if not len(others):
        return None
    heights = others[:, 3] - others[:, 1]
    tall = others[heights >= TALL * usual_height(others)]
    distance = np.abs(tall[:, 0] + tall[:, 2] - box[0] - box[2])
    nearest = tall[np.argsort(distance, kind="stable")[:NEIGHBOURS]]
    return Place(float(np.median(nearest[:, 1])), float(np.median(nearest[:, 3])))
