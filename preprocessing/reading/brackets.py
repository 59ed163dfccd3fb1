"""Brackets around digits: two strokes that look like 1s, or like no digit, of which one opens and the other closes."""

from __future__ import annotations

import numpy as np

from preprocessing.pieces.glyphs import bracket_of
from preprocessing.pieces.signs import is_around
from preprocessing.reading.writing import Group, Read, Writing, union_box

CLOSING = {"(": ")", "[": "]"}


def brackets_of(writing: Writing, wholes: list[Group], boxes: np.ndarray, reads: dict[Group, Read]) -> set[Group]:
    """Which whole pieces of a line are brackets. Pieces are not grouped yet, so each may still be a part of a digit.

    wholes: the whole pieces, each given by its parts, from left to right.
    boxes: (n, 4) theirs.
    reads: what the reader says of them.
    """
    found, opened = set(), []  # what may have opened a bracket, and where
    for index, group in enumerate(wholes):
        read = reads.get(group)
        if read is None or (read.best != 1 and read.digit >= read.other):
            continue
        bracket = bracket_of(writing.ink_of(*group))
        if bracket in CLOSING:
            opened.append((index, bracket))
        elif bracket:
            for start, opening in reversed(opened):
                inside = boxes[start + 1 : index]
                if CLOSING[opening] == bracket and len(inside) and is_around(boxes[[start, index]], union_box(inside)):
                    found |= {wholes[start], group}
                    break
            opened.clear()
    return found
