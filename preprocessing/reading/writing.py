"""The ink of a picture and its pieces, and what the reader says of groups of them.

A reader is `MLP.predict_proba` or the like. Each group of pieces is brought into MNIST's frame and read as one digit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from preprocessing.look import Seen, Where
from preprocessing.pieces.components import Pieces
from preprocessing.pixels.morphology import dilated
from preprocessing.prepare import Prepared, describe

# The antialiased edge of a piece lies within this many pixels.
FRINGE = 2
# Columns for each row by which writing leans to the right: up to 31 degrees, and a little to the left.
SLANTS = np.linspace(-0.2, 0.6, 9)
DIGITS = 10
Predict = Callable[[np.ndarray], np.ndarray]  # (n, 784) float32 -> (n, classes); column d is digit d
Group = tuple[int, ...]  # numbers of pieces, from left to right
# (first row, last row + 1) -> the pieces in these rows, taken for one line, from left to right
TextLines = dict[tuple[int, int], list[int]]


@dataclass(frozen=True, eq=False)  # arrays have no truth value
class Writing:
    """The ink of a picture and its pieces.

    size: width and height of the picture.
    seen: the ink, its place in the picture, and the boxes of a form.
    pieces: of the ink; parts of pieces once these were cut.
    stroke: the width of the pen, in pixels.
    crossed: for each part right of a cut, how many stroke widths of ink that cut crosses; empty if nothing was cut.
    """

    size: tuple[int, int]
    seen: Seen
    pieces: Pieces
    stroke: float
    crossed: Mapping[int, float] = field(default_factory=dict)

    @property
    def ink(self) -> np.ndarray:
        """(H, W) float32 coverage in [0, 1]."""
        return self.seen.ink

    @property
    def boxes(self) -> np.ndarray:
        """(n, 4) int64, those of the pieces."""
        return self.pieces.boxes

    @cached_property
    def straightened_sides(self) -> np.ndarray:
        """The left and right side of each piece when the writing is straightened from each slant, (n, slants, 2)."""
        labels = self.pieces.labels
        rows, columns = labels.nonzero()
        pieces = labels[rows, columns]
        order = np.argsort(pieces, kind="stable")
        starts = np.searchsorted(pieces[order], np.arange(1, self.pieces.count + 1))
        across = columns[order] + np.multiply.outer(SLANTS, rows[order])
        left, right = (function.reduceat(across, starts, 1).T for function in (np.minimum, np.maximum))
        return np.stack([left, right + 1], axis=2)

    def ink_of(self, *group: int) -> np.ndarray:
        """The ink of these pieces, in the box around them."""
        left, top, right, bottom = union_box(self.boxes[list(group)])
        crop = slice(top, bottom), slice(left, right)
        return np.where(self.among(group)[self.pieces.labels[crop]], self.ink[crop], 0)

    def among(self, group: Group) -> np.ndarray:
        """Whether each label of `pieces` is that of one of these, (count + 1,) bool."""
        chosen = np.zeros(self.pieces.count + 1, bool)
        chosen[np.array(group) + 1] = True
        return chosen

    def prepared(self, group: Group) -> Prepared:
        """The ink of these pieces alone, with their antialiased edges, in MNIST's frame."""
        left, top, right, bottom = union_box(self.boxes[list(group)])
        left, top = max(left - FRINGE, 0), max(top - FRINGE, 0)
        crop = slice(top, bottom + FRINGE), slice(left, right + FRINGE)
        labels = self.pieces.labels[crop]
        mine = self.among(group)[labels]
        others = (labels > 0) & ~mine
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
