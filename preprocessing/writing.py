"""The ink of a picture and its pieces, and what the reader says of groups of them.

A reader is `MLP.predict_proba` or the like. Each group of pieces is brought into MNIST's frame and read as one digit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from preprocessing.look import Seen, Where
from preprocessing.morphology import dilated
from preprocessing.prepare import Prepared, describe

# The antialiased edge of a piece lies within this many pixels.
FRINGE = 2
DIGITS = 10
Predict = Callable[[np.ndarray], np.ndarray]  # (n, 784) float32 -> (n, classes); column d is digit d
Group = tuple[int, ...]  # numbers of pieces, from left to right
# (first row, last row + 1) -> the pieces in these rows, taken for one line, from left to right
TextLines = dict[tuple[int, int], list[int]]


class Writing(NamedTuple):
    """The ink of a picture and its pieces."""

    size: tuple[int, int]  # of the picture
    seen: Seen  # the ink, its place in the picture, and the boxes of a form
    pieces: np.ndarray  # (H, W) int32: 0, or the number of the piece from 1 on
    boxes: np.ndarray  # (n, 4)
    stroke: float  # the width of the pen, in pixels

    @property
    def ink(self) -> np.ndarray:
        """(H, W) float32 coverage in [0, 1]."""
        return self.seen.ink

    def ink_of(self, piece: int) -> np.ndarray:
        """The ink of one piece, in its box."""
        left, top, right, bottom = self.boxes[piece]
        crop = slice(top, bottom), slice(left, right)
        return np.where(self.pieces[crop] == piece + 1, self.ink[crop], 0)

    def prepared(self, group: Group) -> Prepared:
        """The ink of these pieces alone, with their antialiased edges, in MNIST's frame."""
        left, top, right, bottom = union_box(self.boxes[list(group)])
        left, top = max(left - FRINGE, 0), max(top - FRINGE, 0)
        crop = slice(top, bottom + FRINGE), slice(left, right + FRINGE)
        pieces = self.pieces[crop]
        mine = pieces == group[0] + 1
        for piece in group[1:]:
            mine |= pieces == piece + 1
        others = (pieces > 0) & ~mine
        for _ in range(FRINGE):
            mine = dilated(mine)
        ink = np.where(mine & ~others, self.ink[crop], 0).astype(self.ink.dtype)
        x, y, scale = self.seen.where
        return describe(self.size, Seen(ink, Where(x + scale * left, y + scale * top, scale)))


class Read(NamedTuple):
    """A group of pieces as the reader sees it."""

    prepared: Prepared
    best: int  # the likeliest digit
    digit: float  # confidence of it
    other: float  # confidence that it is none


def read_all(writing: Writing, groups: Iterable[Group], predict: Predict) -> dict[Group, Read]:
    """All groups read at once, each as one digit. Groups with too little ink for a digit are left out."""
    parts = {group: writing.prepared(group) for group in groups}
    parts = {group: part for group, part in parts.items() if part.has_ink}
    return dict(zip(parts, predict_all(list(parts.values()), predict), strict=True))


def predict_all(parts: list[Prepared], predict: Predict) -> list[Read]:
    """The reader's answers to these, in their order; the reader is not called for none."""
    if not parts:
        return []
    probabilities = predict(np.stack([part.tensor.ravel() for part in parts]))
    best, digit = probabilities[:, :DIGITS].argmax(axis=1), probabilities[:, :DIGITS].max(axis=1)
    other = probabilities[:, DIGITS] if probabilities.shape[1] > DIGITS else 1 - digit
    return [Read(*read) for read in zip(parts, best.tolist(), digit.tolist(), other.tolist(), strict=True)]


def union_box(boxes: np.ndarray) -> np.ndarray:
    """The box around several, (n, 4) -> (4,)."""
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])
