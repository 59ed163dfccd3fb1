"""Brackets around digits: two strokes that look like 1s, or like no digit, of which one opens and the other closes."""

from __future__ import annotations

import numpy as np

from preprocessing.pieces.glyphs import opens
from preprocessing.pieces.signs import is_bracket
from preprocessing.reading.writing import Group, Read, Writing, union_box


def brackets_of(writing: Writing, wholes: list[Group], boxes: np.ndarray, reads: dict[Group, Read]) -> set[Group]:
    """Which whole pieces of a line are brackets.

    wholes: the whole pieces, each given by its parts, from left to right.
    boxes: (n, 4) theirs.
    reads: what the reader says of them.
    """
    found, opened = set(), None
    for index, group in enumerate(wholes):
        read = reads.get(group)
        able = read is not None and (read.best == 1 or read.digit < read.other)
        way = opens(writing.ink_of(*group)) if able else 0
        if way > 0:
            opened = index
        elif way < 0 and opened is not None and index > opened + 1:
            inside = union_box(boxes[opened + 1 : index])
            if is_bracket(boxes[opened], inside) and is_bracket(boxes[index], inside):
                found |= {wholes[opened], group}
            opened = None
    return found
