"""Which pieces may be a digit together, and which piece may be several digits that touch.

promising(writing, lines, reads)    # groups of several pieces
cut(writing, reads)                 # pieces in parts (cuts.py), which are grouped like pieces
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from preprocessing.pieces.components import Pieces, longer_sides
from preprocessing.pieces.rows import NEIGHBOURS, TALL, usual_height
from preprocessing.prepare import Prepared
from preprocessing.reading.cuts import cut_along, find_cuts
from preprocessing.reading.prices import (
    DIGIT_PRICE,
    PLACED_SIGN_PRICE,
    SIGN_PRICE,
    gap_cost,
    log_confidence,
    overlap_cost,
)
from preprocessing.reading.writing import Group, Predict, Read, TextLines, Writing, predict_all, union_box

# A group is not read at all if the gaps between its pieces cost more than this, as a natural logarithm.
HOPELESS = 2.0
# This many groups of several pieces are read, and one more for each piece. Reading one takes as long as a small
# picture.
MOST_GROUPS = 24
# A group has no more pieces than this.
LONGEST_GROUP = 8
# A group is no wider than this many heights of its row, or of the piece that its parts were cut from.
WIDEST_GROUP = 2.0
# A piece that is lower than this share of the digit beside it is a sign or a small letter, and is not cut.
AS_TALL = 0.8
# A piece is cut if the reader is less sure of it than this.
DOUBTFUL = 0.5
# A piece that is wider than this many times its height may be two digits side by side.
WIDE = 0.9
# Such a wide piece is cut if the reader is less sure of it than this.
DOUBTFUL_IF_WIDE = 0.98


def promising(writing: Writing, lines: TextLines, singles: dict[Group, Read]) -> list[Group]:
    """The groups of several pieces that would beat their pieces one by one if the reader were sure of them.

    The groups whose pieces lie closest come first.

    singles: what the reader says of single pieces; it was not asked about specks.
    """
    boxes, costs = writing.boxes, {}
    scores = [
        max(log_confidence(singles[piece,].digit) - DIGIT_PRICE, log_confidence(singles[piece,].other) - SIGN_PRICE)
        if (piece,) in singles
        else -PLACED_SIGN_PRICE
        for piece in range(len(boxes))
    ]
    for line in lines.values():
        height = union_box(boxes[line])[3] - union_box(boxes[line])[1]
        for start in range(len(line) - 1):
            for end in range(start + 2, min(start + LONGEST_GROUP, len(line)) + 1):
                group = tuple(line[start:end])
                own = boxes[line[start:end]]
                box = union_box(own)
                if box[2] - box[0] > WIDEST_GROUP * height:
                    break
                cost = gap_cost(own)
                if cost > HOPELESS:
                    continue
                apart = sum(scores[piece] for piece in group)
                for (a, size_a), (b, size_b) in itertools.pairwise(zip(own, longer_sides(own), strict=True)):
                    apart -= overlap_cost(min(a[2], b[2]) - max(a[0], b[0]), min(size_a, size_b))
                if -cost - DIGIT_PRICE > apart:
                    costs[group] = cost
    return sorted(costs, key=costs.get)[: MOST_GROUPS + len(boxes)]


def cut(writing: Writing, reads: dict[Group, Read]) -> tuple[Writing, list[Group]]:
    """Cuts pieces of which the reader doubts that they are one digit; `reads` is what it says of single pieces.

    Returns the writing with parts for pieces, and the parts of each piece from left to right.
    """
    parts, crossed, count = [], {}, 0
    changed = np.zeros_like(writing.pieces.labels)
    boxes, usual = writing.boxes, usual_height(writing.boxes)
    digits = boxes[[group[0] for group, read in reads.items() if len(group) == 1 and read.digit > read.other]]
    for piece, box in enumerate(boxes):
        crop, mask = writing.pieces.in_box(piece)
        seams, crossings = (), ()
        if is_doubtful(box, reads.get((piece,))) and box[3] - box[1] >= AS_TALL * height_beside(box, digits, usual):
            seams, crossings = find_cuts(np.where(mask, writing.ink[crop], 0), writing.stroke)
        division = cut_along(mask, seams)
        present = np.flatnonzero(np.bincount(division.ravel())[1:])  # a part between two cuts may be empty
        number = np.zeros(division.max() + 1, np.int32)
        number[present + 1] = np.arange(count + 1, count + len(present) + 1)
        changed[crop] += number[division]
        parts.append(tuple(range(count, count + len(present))))
        for index, part in zip(present[1:], parts[-1][1:], strict=True):
            crossed[part] = crossings[index - 1]
        count += len(present)
    if count == len(parts):
        return writing, parts
    return replace(writing, pieces=Pieces(changed, count), crossed=crossed), parts


def height_beside(box: np.ndarray, digits: np.ndarray, usual: float) -> float:
    """The height of the tallest of the digits that stand nearest beside a box (4,), or the usual height if more:
    small letters and dots may have been read as digits. Those that the usual height is small beside do not count: they
    are of another row. digits: the boxes of all digits, (n, 4).
    """
    middle = (box[1] + box[3]) / 2
    alike = TALL * (digits[:, 3] - digits[:, 1]) <= usual
    beside = digits[(digits[:, 1] < middle) & (digits[:, 3] > middle) & alike]
    distance = np.abs(beside[:, 0] + beside[:, 2] - box[0] - box[2])
    nearest = beside[np.argsort(distance, kind="stable")[:NEIGHBOURS]]
    return max([usual, *(nearest[:, 3] - nearest[:, 1])])


def runs_in(parts: Group, boxes: np.ndarray) -> list[Group]:
    """The neighbouring parts of one piece that may be a digit together; `boxes` (n, 4) are those of all parts."""
    left, top, right, bottom = boxes[list(parts)].T
    widest = WIDEST_GROUP * (bottom.max() - top.min())
    runs = []
    for start in range(len(parts)):
        widths = np.maximum.accumulate(right[start:]) - np.minimum.accumulate(left[start:])
        longest = int(np.searchsorted(widths, widest, side="right"))
        runs += [parts[start : start + length] for length in range(1, longest + 1)]
    return runs


def is_doubtful(box: np.ndarray, read: Read | None) -> bool:
    """Whether a piece in this box (4,) may be several digits that touch."""
    if read is None:
        return False
    wide = box[2] - box[0] > WIDE * (box[3] - box[1])
    return read.digit < (DOUBTFUL_IF_WIDE if wide else DOUBTFUL)


def may_touch(whole: Prepared, predict: Predict) -> bool:
    """Whether a single piece may be several digits that touch."""
    left, top, right, bottom = whole.box
    return right - left > WIDE * (bottom - top) and predict_all([whole], predict)[0].digit < DOUBTFUL_IF_WIDE
