"""A picture of several digits -> each of them in MNIST's frame, in reading order.

    split(image, model.predict_proba)           # a list of Prepared, one for each digit

Pieces of ink are easily found, but a piece is not a digit: a 5 may have a loose top stroke, a 4 two strokes, a 0 a gap.
Geometry alone cannot tell two halves of a 0 from 1 and 1. The reader of the digits can: what is no digit, half a one or
two at once, it reads with little confidence. So every plausible way of grouping the pieces is read, and the one with
the highest joint confidence wins, each group discounted by how far apart its pieces lie and by how much neighbouring
digits overlap. (Over-segmentation and a best path through all groupings: LeCun et al. 1998, section V.)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from PIL import Image

from preprocessing.components import label, near, piece_boxes, without_specks
from preprocessing.frame import bounding_box
from preprocessing.ink import find_ink
from preprocessing.picture import to_opaque
from preprocessing.prepare import CLOSE_UP_MARGIN, CLOSE_UP_SIDE, Prepared, describe, look

# Pieces of one digit lie close together, digits of a number beside each other. Both are matters of degree: a reading is
# worth less by a factor e for every such share of a digit's size by which its pieces lie apart, or by which it overlaps
# the next digit.
TOLERANCE = 0.25
HOPELESS = 2.0  # groups that lie so far apart that they lost this many factors are not read at all
# Of two readings that are as likely, the one with fewer digits is right more often, and then the one with fewer lines.
# Each digit and each line must make a reading better by this much (natural logarithm).
DIGIT_PRICE, LINE_PRICE = 0.1, 0.01
# More pieces than this are a page of writing, or a drawing made of dots: it is read as one digit.
MOST_PIECES = 16
# How much less the picture may be reduced for pieces that are small on it: this squared is what it may cost.
MOST_ZOOM = 4
MOST_GROUPS = 24  # of several pieces, that are read: preparing one can take as long as preparing a picture
PIECE_LEVEL = 0.5  # coverage from which neighbouring pixels belong to one piece
FRINGE = 2  # pixels around a piece that hold its antialiased edge
DIGITS = 10
LEAST_CONFIDENCE = 1e-9  # keeps the logarithm finite

Predict = Callable[[np.ndarray], np.ndarray]  # (n, 784) float32 -> (n, classes); column d is digit d
Group = tuple[int, ...]  # numbers of pieces, in ascending order


class Candidate(NamedTuple):
    """A group of pieces, read as one digit."""

    prepared: Prepared
    box: np.ndarray  # left, top, right, bottom
    score: float  # log of the confidence, less the price of a digit and what the gaps between its pieces cost


class Path(NamedTuple):
    """A way to read some of the pieces."""

    score: float
    groups: tuple[Group, ...]  # in reading order


NO_PATH = Path(-math.inf, ())


def split(image: Image.Image | np.ndarray, predict: Predict) -> list[Prepared]:
    """The digits of a picture in reading order: line by line, from left to right.

    Args:
        image: as for `preprocessing.prepare`.
        predict: the reader, `MLP.predict_proba` or the like: what it reads with confidence is taken for a digit.

    Returns:
        One Prepared for each digit, with its own bounding box in the picture; exactly what `prepare` gives when the
        picture holds a single digit; an empty list without ink.

    Raises:
        ValueError: as `prepare`.
    """
    picture = to_opaque(image)
    ink, specks, where = look(picture)
    whole = describe(picture.size, ink, specks, where)
    if not whole.has_ink:
        return []
    pieces, count = label(ink > PIECE_LEVEL)
    if not 2 <= count <= MOST_PIECES:
        return [whole]
    ink, where = look_closer(picture, ink, where, piece_boxes(pieces, count))
    pieces, count = label(ink > PIECE_LEVEL)
    if not 2 <= count <= MOST_PIECES:
        return [whole]
    boxes = piece_boxes(pieces, count)

    def read(groups: list[Group]) -> dict[Group, Candidate]:
        """Those of the groups that hold enough ink for a digit."""
        parts = {group: describe(picture.size, part_of(ink, pieces, group), 0, where) for group in groups}
        return read_all({group: part for group, part in parts.items() if part.has_ink}, boxes, predict)

    everything = tuple(range(count))
    candidates = read([(piece,) for piece in everything])
    candidates |= read(promising(plausible_groups(boxes), boxes, candidates)[:MOST_GROUPS])
    candidates |= read_all({everything: whole}, boxes, predict)
    best = best_lines(boxes, candidates).groups
    if best == (everything,):
        return [whole]
    digits = [candidates[group].prepared for group in best]  # hints speak of pictures of one digit
    return [replace(digit, diagnostics=replace(digit.diagnostics, hints=())) for digit in digits]


def look_closer(
    picture: Image.Image, ink: np.ndarray, where: tuple[float, float, float], boxes: np.ndarray
) -> tuple[np.ndarray, tuple[float, float, float]]:
    """The ink and its place on a less reduced picture, where the pieces are large enough to be read one by one."""
    left, top, scale = where
    sizes = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    zoom = min(math.ceil(CLOSE_UP_SIDE / np.median(sizes)), MOST_ZOOM)
    factor = max(int(scale / zoom), 1)
    if factor == scale:
        return ink, where
    box = bounding_box(ink)
    margin = round(CLOSE_UP_MARGIN * sizes.max())  # the paper must stay visible
    start = [round(max(offset + scale * (edge - margin), 0)) for offset, edge in zip((left, top), box[:2], strict=True)]
    end = [
        round(min(offset + scale * (edge + margin), side))
        for offset, edge, side in zip((left, top), box[2:], picture.size, strict=True)
    ]
    closer, _ = without_specks(find_ink(picture.crop((*start, *end)).reduce(factor)))
    return closer, (*start, factor)


# --- The pieces and how they may be grouped ---------------------------------------------------------------------------


def plausible_groups(boxes: np.ndarray) -> set[Group]:
    """Every run of neighbouring pieces of every possible line that does not lie hopelessly apart."""
    runs = {
        tuple(sorted(line[start:end]))
        for line in possible_lines(boxes).values()
        for start in range(len(line))
        for end in range(start + 1, len(line) + 1)
    }
    return {group for group in runs if gap_cost(boxes[list(group)]) <= HOPELESS}


def possible_lines(boxes: np.ndarray) -> dict[tuple[int, int], list[int]]:
    """(first strip, last strip + 1) -> the pieces in these strips from left to right. A strip is what has no empty row
    through it.
    """
    order = np.argsort(boxes[:, 1], kind="stable")
    bottoms = np.maximum.accumulate(boxes[order, 3])
    starts = [0, *np.flatnonzero(boxes[order[1:], 1] >= bottoms[:-1]) + 1, len(order)]
    centers = boxes[:, 0] + boxes[:, 2]
    return {
        (first, last): sorted(order[starts[first] : starts[last]].tolist(), key=lambda piece: centers[piece])
        for first in range(len(starts) - 1)
        for last in range(first + 1, len(starts))
    }


def gap_cost(boxes: np.ndarray) -> float:
    """What it costs to take these pieces for one digit: the empty columns and rows between them, by its size."""
    left, top = boxes[:, :2].min(axis=0)
    right, bottom = boxes[:, 2:].max(axis=0)
    empty = sum(emptiness(boxes[:, axis], boxes[:, axis + 2]) for axis in (0, 1))
    return empty / (TOLERANCE * max(right - left, bottom - top))


def emptiness(starts: np.ndarray, ends: np.ndarray) -> float:
    """How much is left uncovered between the first and the last of these intervals."""
    order = np.argsort(starts)
    covered = np.maximum.accumulate(ends[order])
    return float(np.maximum(starts[order][1:] - covered[:-1], 0).sum())


def overlap_cost(a: np.ndarray, b: np.ndarray) -> float:
    """What it costs to take neighbours in a line for two digits: the columns both are in, by the smaller's size."""
    shared = min(a[2], b[2]) - max(a[0], b[0])
    smaller = min(max(box[2] - box[0], box[3] - box[1]) for box in (a, b))
    return max(shared, 0) / (TOLERANCE * smaller)


def part_of(ink: np.ndarray, pieces: np.ndarray, group: Group) -> np.ndarray:
    """The ink of these pieces alone, with their antialiased edges."""
    mine = np.isin(pieces, np.add(group, 1))
    others = (pieces > 0) & ~mine
    for _ in range(FRINGE):
        mine = near(mine)
    return np.where(mine & ~others, ink, 0).astype(ink.dtype)


# --- The best of all groupings ----------------------------------------------------------------------------------------


def read_all(parts: dict[Group, Prepared], boxes: np.ndarray, predict: Predict) -> dict[Group, Candidate]:
    """All groups read at once, each as one digit."""
    if not parts:
        return {}
    tensors = np.stack([part.tensor for part in parts.values()])
    confidences = predict(tensors.reshape(len(tensors), -1))[:, :DIGITS].max(axis=1)
    candidates = {}
    for (group, part), confidence in zip(parts.items(), confidences.tolist(), strict=True):
        own = boxes[list(group)]
        box = np.concatenate([own[:, :2].min(axis=0), own[:, 2:].max(axis=0)])
        score = math.log(max(confidence, LEAST_CONFIDENCE)) - gap_cost(own) - DIGIT_PRICE
        candidates[group] = Candidate(part, box, score)
    return candidates


def promising(groups: set[Group], boxes: np.ndarray, singles: dict[Group, Candidate]) -> list[Group]:
    """The groups of several pieces that would be better than their pieces one by one if they were surely a digit, those
    whose pieces lie closest first.
    """
    costs = {}
    for group in groups:
        if len(group) == 1:
            continue
        pieces = sorted(group, key=lambda piece: boxes[piece, 0] + boxes[piece, 2])
        apart = sum(singles[piece,].score if (piece,) in singles else -math.inf for piece in pieces)
        apart -= sum(overlap_cost(boxes[a], boxes[b]) for a, b in itertools.pairwise(pieces))
        cost = gap_cost(boxes[list(group)])
        if -cost - DIGIT_PRICE > apart:
            costs[group] = cost
    return sorted(costs, key=costs.get)


def best_lines(boxes: np.ndarray, candidates: dict[Group, Candidate]) -> Path:
    """The best way to read all pieces, as one or more lines from top to bottom."""
    lines = {strips: best_line(line, candidates) for strips, line in possible_lines(boxes).items()}
    best = [Path(0.0, ())]  # for the first 0, 1, 2 ... strips
    for last in range(1, max(end for _, end in lines) + 1):
        ways = []
        for first in range(last):
            line = lines[first, last]
            ways.append(Path(best[first].score + line.score - LINE_PRICE, best[first].groups + line.groups))
        best.append(max(ways, key=lambda path: path.score))
    return best[-1]


def best_line(line: list[int], candidates: dict[Group, Candidate]) -> Path:
    """The best way to read the pieces of one line, given from left to right."""
    best: dict[tuple[int, int], Path] = {}  # of all that ends with the group of pieces start:end
    for end in range(1, len(line) + 1):
        for start in range(end):
            group = tuple(sorted(line[start:end]))
            if group not in candidates:
                continue
            here = candidates[group]
            before = Path(0.0, ()) if start == 0 else NO_PATH
            for (_, stop), path in best.items():
                if stop == start:
                    score = path.score - overlap_cost(candidates[path.groups[-1]].box, here.box)
                    before = max(before, Path(score, path.groups), key=lambda path: path.score)
            if before.score > -math.inf:
                best[start, end] = Path(before.score + here.score, (*before.groups, group))
    complete = [path for (_, end), path in best.items() if end == len(line)]
    return max(complete, key=lambda path: path.score, default=NO_PATH)
