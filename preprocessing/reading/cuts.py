"""Cuts through touching digits: where one piece of ink may be two digits, and its parts if it is.

A cut runs from the top of a piece to its bottom and crosses as little ink as it can (a seam, as in seam carving; Avidan
and Shamir 2007). Whether a cut parts two digits is for the reader of the parts to say: a 0 can be cut as well.
"""

from __future__ import annotations

import numpy as np

# A piece is cut in this many places for each time that its height goes into its width, and in one more.
CUTS_PER_SQUARE = 6
# A cut crosses no more ink than this many stroke widths: digits touch in a point or two, and a digit has at least as
# much ink everywhere but at its ends.
MOST_CROSSED = 3.0
# A cut stays this far from the piece's sides, as a share of its height: a 1 is wider.
NARROWEST = 0.1
# Seams are looked for on a piece reduced to about this height.
SEAM_HEIGHT = 60
# Seams pass the cheapest places of these rows, as shares of the height: where digits that lean or hook into each other
# touch, the way between them may be no cheaper than its neighbours in the middle.
ROWS = (0.25, 0.5, 0.75)
# Two seams lie at least this many times NARROWEST apart in some row; elsewhere they may run together.
APART = 2
# What a step over paper costs, so that a seam goes straight where nothing is in its way. A step over full ink costs 1.
PAPER_COST = 0.01


def find_cuts(ink: np.ndarray, stroke: float) -> tuple[np.ndarray, np.ndarray]:
    """Ink of one piece (H, W) in [0, 1] -> seams and what they cross.

    Args:
        stroke: the width of the pen in pixels.

    Returns:
        (n, H) int: the column at which each seam passes each row, ink at it and right of it being on its right side,
        from left to right; and (n,) the ink crossed in stroke widths.
    """
    height, width = ink.shape
    factor = max(1, round(height / SEAM_HEIGHT))
    cost = shrunk(ink, factor) + np.float32(PAPER_COST)
    above, below = seam_costs(cost), seam_costs(cost[::-1])[::-1]
    edge = max(round(NARROWEST * len(cost)), 1)
    found, crossed = np.zeros((0, len(cost)), int), []
    through = above + below - cost  # of the cheapest seam through each pixel
    for crossing, row, x in cheapest_places(through, through * factor <= MOST_CROSSED * stroke, edge):
        if len(found) >= CUTS_PER_SQUARE * width / height + 1:
            break
        seam = trace(above, below, row, x)
        if (np.abs(found - seam).max(axis=1) >= APART * edge).all():
            found, crossed = np.vstack([found, seam]), [*crossed, crossing * factor / stroke]
    order = np.argsort(found.mean(axis=1), kind="stable")
    seams = np.sort(found[order], axis=0)  # two that cross change places there: parts stay beside each other
    seams = np.repeat(seams, factor, axis=1)[:, :height] * factor + factor // 2
    return seams, np.array(crossed)[order]


def shrunk(ink: np.ndarray, factor: int) -> np.ndarray:
    """Ink (H, W), each square of so many pixels along an edge taken for one."""
    if factor == 1:
        return ink
    padded = np.pad(ink, [(0, -side % factor) for side in ink.shape])
    return padded.reshape(padded.shape[0] // factor, factor, padded.shape[1] // factor, factor).mean(axis=(1, 3))


def cheapest_places(through: np.ndarray, able: np.ndarray, edge: int) -> list[tuple[float, int, int]]:
    """(cost, row, column) where seams may pass, the cheapest first: in ROWS, and not within `edge` columns from the
    sides. through: (H, W), the cost of the cheapest seam through each pixel. able: (H, W) bool, where it is low enough.
    """
    places = []
    for row in (int(share * len(through)) for share in ROWS):
        across = through[row]
        lowest = (across <= np.roll(across, 1)) & (across < np.roll(across, -1))
        lowest[:edge] = lowest[-edge:] = False
        lowest &= able[row]
        places += [(across[x], row, x) for x in np.flatnonzero(lowest).tolist()]
    return sorted(places)


def seam_costs(cost: np.ndarray) -> np.ndarray:
    """The cost of each pixel (H, W) float32 -> the cost of the cheapest way from the first row to it, (H, W) float32. A
    step leads to one of the three pixels below.
    """
    total = cost.copy()
    for row in range(1, len(cost)):
        before = np.pad(total[row - 1], 1, constant_values=np.inf)
        total[row] += np.minimum(np.minimum(before[:-2], before[2:]) + np.float32(PAPER_COST), before[1:-1])
    return total


def trace(above: np.ndarray, below: np.ndarray, row: int, x: int) -> np.ndarray:
    """The column in each row, (H,) int, of the cheapest seam through the pixel (row, x).

    above, below: (H, W), `seam_costs` from the first row on and from the last.
    """
    columns = np.empty(len(above), int)
    columns[row] = x
    for rows, costs in ((range(row - 1, -1, -1), above), (range(row + 1, len(above)), below)):
        at = x
        for y in rows:
            start = max(at - 1, 0)
            around = costs[y, start : at + 2]
            least = int(around.argmin())
            # straight on where nothing else is cheaper
            at = at if costs[y, at] <= around[least] + PAPER_COST else start + least
            columns[y] = at
    return columns


def cut_along(mask: np.ndarray, seams: np.ndarray) -> np.ndarray:
    """The pixels of a piece, (H, W) bool, and seams as `find_cuts` gives them, (n, H) int -> (H, W) int32: 0 for paper,
    1 to n + 1 for the parts.
    """
    part = np.ones(mask.shape, np.int32)
    columns = np.arange(mask.shape[1])
    for seam in seams:
        part += columns >= seam[:, None]
    return np.where(mask, part, 0)
