"""A picture of several digits -> each of them in MNIST's frame, in reading order.

    split(image, model.predict_proba)           # a list of Prepared, one for each digit and each sign

Pieces of ink are easily found, but a piece is not a digit: a 5 may have a loose top stroke, a 4 two strokes, a 0 a gap,
and two digits may touch. Geometry alone cannot tell two halves of a 0 from 1 and 1. The network can: it reads half a
digit, or two digits at once, with little confidence. So every plausible way of grouping the pieces is read, and the one
with the highest joint confidence wins. Each group is discounted by the gaps between its pieces and by the overlap of
neighbouring digits. A piece that may be two digits is cut first, and its parts are grouped like pieces.
(Over-segmentation and a best path through all groupings: LeCun et al. 1998, section V.)

    pieces of ink -> rows (rows.py) -> parts of touching digits (cuts.py) -> groups -> signs (signs.py) -> path
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from PIL import Image

from preprocessing.components import dilated, label, piece_boxes, stroke_width
from preprocessing.cuts import find_cuts, parted
from preprocessing.frame import bounding_box
from preprocessing.ink import inked
from preprocessing.picture import reduced_to_opaque
from preprocessing.prepare import (
    CLOSE_UP_MARGIN,
    CLOSE_UP_SIDE,
    LeftOut,
    Prepared,
    describe,
    describe_all,
    look,
    scaled,
)
from preprocessing.rows import Place, find_rows, mergeable, place_in_row, usual_height
from preprocessing.signs import SOLID, Sign, is_slash, is_stacked, lean, sign_of, solidity

# The gap between the pieces of one digit, and the overlap of neighbouring digits, are matters of degree: for each such
# share of a digit's size a reading is worth less by a factor e.
TOLERANCE = 0.25
# Groups that lost more than this many factors e by the gaps between their pieces are not read at all.
HOPELESS = 2.0

# Prices are natural logarithms of probabilities.
# Each digit must make a reading better by this much: of two equally likely readings the one with fewer digits is right
# more often.
DIGIT_PRICE = 0.1
# Each line costs this much: it decides between readings with as many digits.
LINE_PRICE = 0.01
# A sign that its size and place tell.
PLACED_SIGN_PRICE = 0.3
# A sign that only the reader tells.
SIGN_PRICE = 1.5
# A dot that is left out as meaningless.
SPECK_PRICE = 1.0
# A digit is small below this share of its neighbours' height.
SMALL = 0.55
# A small digit is worth less by this many factors e for each halving below SMALL.
SMALL_PRICE = 4.0
# A digit is broad if it is wider than this many times its height.
BROAD = 1.0
# A broad digit is worth less by this many factors e for each doubling above BROAD.
BROAD_PRICE = 3.0
# The digits that dots and short bars look like when they fill MNIST's frame.
LIKE_DOTS_AND_BARS = (0, 1, 8)
# A comma stands behind something, so one at the beginning costs this much.
LEADING_COMMA_PRICE = 3.0
# A sign that only the reader tells is large above this share of its neighbours' height.
LARGE_SIGN = 0.75
# A large sign costs this much for each height of its neighbours above LARGE_SIGN.
LARGE_PRICE = 6.0
# Columns for each row by which writing leans to the right: up to 31 degrees, and a little to the left.
SLANTS = np.linspace(-0.2, 0.6, 9)
# A cut costs this much.
CUT_PRICE = 0.1
# A cut costs this much more for each stroke width of ink that it crosses.
CROSSING_PRICE = 0.05

# This share of the signs that are told by their place are signs.
SURE_OF_PLACE = 0.95
# This share of the digits that were cut apart were cut wrongly.
DOUBT_OF_CUT = 0.15
# A piece is cut if the reader is less sure of it than this.
DOUBTFUL = 0.5
# A piece that is wider than this many times its height may be two digits side by side ...
WIDE = 0.9
# ... and is cut if the reader is less sure of it than this.
DOUBTFUL_IF_WIDE = 0.98
# A piece that is lower than this share of the usual height is a sign, and is not cut.
AS_TALL = 0.8
# More pieces than this are noise or a page of text: the picture is read as one digit.
MOST_PIECES = 250
# Up to this many pieces may lie in any number of rows, and may all be one digit.
FEW_PIECES = 16
# Parts that cost more than this on the average are a page of text or scribbles (0.34 to 0.9) and not a page of digits
# (0.1 to 0.22).
NONSENSE_PRICE = 0.28
# Where the pieces are small, the picture is reduced up to this many times less. The work grows with the square of this.
MOST_ZOOM = 4
# So many groups of several pieces are read, beside one for each piece. Reading one takes as long as a small picture.
MOST_GROUPS = 24
# Runs of parts that are read: twice as many as thirty digits have that all touch. Each run takes as long as a small
# picture. A long scribble has thousands, so nothing is cut where there are more.
MOST_RUNS = 600
# A piece of up to this many touching digits is looked at again from close by.
MOST_TOUCHING = 4
# A digit on a page of many has at least this many pixels: twice those of its box in MNIST.
PAGE_SIDE = 40
# A group has no more pieces than this.
LONGEST_GROUP = 8
# A group is no wider than this many heights of its row, or of the piece that its parts were cut from.
WIDEST_GROUP = 2.0
# Neighbouring pixels belong to one piece from this coverage on.
PIECE_LEVEL = 0.5
# The antialiased edge of a piece lies within this many pixels.
FRINGE = 2
# A piece smaller than this many stroke widths is noise.
GRAIN = 0.6
# A piece no larger than this many stroke widths may be a dot that means nothing.
SPECK = 1.9
DIGITS = 10
LEAST_CONFIDENCE = 1e-9  # keeps the logarithm finite

Predict = Callable[[np.ndarray], np.ndarray]  # (n, 784) float32 -> (n, classes); column d is digit d
Group = tuple[int, ...]  # numbers of pieces, from left to right


class Read(NamedTuple):
    """A group of pieces as the reader sees it."""

    prepared: Prepared
    best: int  # the likeliest digit
    digit: float  # confidence of it
    other: float  # confidence that it is none


class Candidate(NamedTuple):
    """A group of pieces, taken for a digit or a sign."""

    group: Group
    box: np.ndarray  # left, top, right, bottom
    score: float  # log of the confidence, less prices
    sign: Sign | None
    doubt: float = 0.0
    after_cut: bool = False  # what stands before it is a part of the same piece
    sides: np.ndarray | None = None  # (slants, 2), in a writing with cuts: left and right once it is straightened


class Path(NamedTuple):
    """A way to read some of the pieces."""

    score: float
    parts: tuple[Candidate, ...]  # in reading order
    lines: tuple[int, ...] = ()  # how many of the parts are in each line


NO_PATH = Path(-math.inf, ())


class Writing(NamedTuple):
    """The ink of a picture and its pieces."""

    size: tuple[int, int]  # of the picture
    ink: np.ndarray
    where: tuple[float, float, float]  # of the ink in the picture: left, top, pixels of the picture for one of the ink
    pieces: np.ndarray  # (H, W) int32: 0, or the number of the piece from 1 on
    boxes: np.ndarray  # (n, 4)
    stroke: float

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
        x, y, scale = self.where
        return describe(self.size, ink, LeftOut(), (x + scale * left, y + scale * top, scale))


def split(image: Image.Image | np.ndarray, predict: Predict) -> list[Prepared]:
    """The digits of a picture, and the signs between them, in reading order: line by line, from left to right.

    Args:
        image: as for `preprocessing.prepare`.
        predict: the reader, `MLP.predict_proba` or the like.

    Returns:
        One Prepared for each digit and sign, with its own bounding box in the picture and its line; exactly what
        `prepare` gives when the picture holds a single digit; an empty list without ink.

    Raises:
        ValueError: as `prepare`.
    """
    picture, size, factor = reduced_to_opaque(image)
    ink, left_out, where = look(picture)
    whole = describe_all(size, ink, left_out, scaled(where, factor))
    if not whole.has_ink:
        return []
    pieces, count = label(ink > PIECE_LEVEL)
    if count == 0 or count > MOST_PIECES or (count == 1 and not may_touch(whole, predict)):
        return [whole]
    ink, where = look_closer(picture, ink, where, piece_boxes(pieces, count), left_out.kept)
    pieces, count = label(ink > PIECE_LEVEL)
    stroke = stroke_width(ink)
    pieces, count = without_grain(pieces, count, GRAIN * stroke)
    if not 1 <= count <= MOST_PIECES:
        return [whole]
    writing = Writing(size, ink, scaled(where, factor), pieces, piece_boxes(pieces, count), stroke)
    return read_writing(writing, whole, predict)


def read_writing(writing: Writing, whole: Prepared, predict: Predict) -> list[Prepared]:
    """The parts of the writing; `whole` is all of it taken for one digit."""
    boxes = writing.boxes
    sizes = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    specks = sizes <= SPECK * writing.stroke
    rows = find_rows(boxes)
    lines = {
        rows_: [piece for row in rows[slice(*rows_)] for piece in row] for rows_ in mergeable(rows, boxes, FEW_PIECES)
    }
    centers = boxes[:, 0] + boxes[:, 2]
    lines = {rows_: sorted(line, key=lambda piece: centers[piece]) for rows_, line in lines.items()}

    reads = read_all(writing, [(piece,) for piece in range(len(boxes)) if not specks[piece]], predict)
    reads |= read_all(writing, promising(writing, lines, reads), predict)
    (all_of_it,) = predict_all([whole], predict)

    divided, parts, crossed = cut(writing, reads)
    runs = [run for part in parts if len(part) > 1 for run in runs_in(part, divided.boxes)]
    if 0 < len(runs) <= MOST_RUNS:
        writing = divided
        reads = {tuple(p for piece in group for p in parts[piece]): read for group, read in reads.items()}
        lines = {rows_: [p for piece in line for p in parts[piece]] for rows_, line in lines.items()}
        reads |= read_all(writing, [run for run in runs if run not in reads], predict)
    else:
        crossed = {}

    best = best_lines(writing, lines, reads, crossed, boxes)
    main = boxes[~specks] if not specks.all() else boxes
    score = (
        log_confidence(all_of_it.digit)
        - gap_cost(main)
        - broadness_price(union_box(main), all_of_it, len(main))
        - DIGIT_PRICE
        - LINE_PRICE
    )
    if len(best.parts) < 2 or (len(boxes) <= FEW_PIECES and score >= best.score) or is_nonsense(best):
        return [whole]
    if len(boxes) == 1 and any(is_no_digit(reads[part.group], part.doubt) for part in best.parts):
        return [whole]  # a drawing that is cut into digits and something else is one drawing that is no digit
    return in_order(writing, best, reads)


def is_no_digit(read: Read, doubt: float) -> bool:
    """Whether a group will be answered as no digit, once the doubt about its place is added."""
    return (1 - doubt) * read.digit < (1 - doubt) * read.other + doubt


def in_order(writing: Writing, path: Path, reads: dict[Group, Read]) -> list[Prepared]:
    """The parts of a path with their lines and marks."""
    found, parts = [], iter(path.parts)
    for line, length in enumerate(length for length in path.lines if length):
        row = with_slashes(writing, [next(parts) for _ in range(length)])
        for index, part in enumerate(row):
            if part.sign in (Sign.POINT, Sign.DOT) and not 0 < index < length - 1:
                continue  # a dot at either end of a row is a speck
            prepared = reads[part.group].prepared if part.group in reads else writing.prepared(part.group)
            if prepared.has_ink:
                found.append(
                    replace(
                        prepared,
                        diagnostics=replace(prepared.diagnostics, hints=()),  # they speak of pictures of one digit
                        line=line,
                        mark=mark_of(row, index),
                        doubt=part.doubt,
                    )
                )
    return found


def with_slashes(writing: Writing, row: list[Candidate]) -> list[Candidate]:
    """The parts of a row. Straight strokes that can only be slashes become signs."""
    inks = [writing.ink_of(part.group[0]) if part.sign is None and len(part.group) == 1 else None for part in row]
    leans = [None if ink is None else lean(ink) for ink in inks]
    boxes, found = np.array([part.box for part in row]), list(row)
    for index in range(1, len(row) - 1):
        others = [other for i, other in enumerate(leans) if i != index and other is not None]
        if inks[index] is None or not others or solidity(inks[index]) < SOLID:
            continue
        place = place_in_row(row[index].box, boxes)
        if place and is_slash(row[index].box, place, leans[index] - max(float(np.median(others)), 0)):
            found[index] = row[index]._replace(sign=Sign.OTHER, doubt=SURE_OF_PLACE)
    return found


def mark_of(row: Sequence[Candidate], index: int) -> str | None:
    """The mark that a sign is by its place in a row: "." or "-", or None."""
    before = index > 0 and row[index - 1].sign is None
    after = index + 1 < len(row) and row[index + 1].sign is None
    if row[index].sign in (Sign.POINT, Sign.COMMA) and before and after:
        return "."
    return "-" if row[index].sign is Sign.DASH and after and not before else None


def is_nonsense(path: Path) -> bool:
    """Whether many parts fit together so badly that they are text, or a drawing made of dots."""
    return len(path.parts) > FEW_PIECES and path.score < -NONSENSE_PRICE * len(path.parts)


def may_touch(whole: Prepared, predict: Predict) -> bool:
    """Whether a single piece may be several digits that touch."""
    left, top, right, bottom = whole.box
    return right - left > WIDE * (bottom - top) and predict_all([whole], predict)[0].digit < DOUBTFUL_IF_WIDE


def look_closer(
    picture: Image.Image,
    ink: np.ndarray,
    where: tuple[float, float, float],
    boxes: np.ndarray,
    kept: np.ndarray | None,
) -> tuple[np.ndarray, tuple[float, float, float]]:
    """The ink, dots included, and its place on a less reduced picture, where the pieces are large enough to be read one
    by one.

    Lines and frames that were left out at the first look stay out: `kept` (H, W) bool are the pixels of ink then, None
    if there were no such things. Lines are not looked for again on the larger picture, which would take longest. A
    stain may turn out to be a thin stroke, and a thing at the edge a digit of a page, so these are not kept out.
    """
    left, top, scale = where
    widths, heights = (boxes[:, 2:] - boxes[:, :2]).T
    sizes = np.maximum(heights, widths / MOST_TOUCHING)
    wanted = CLOSE_UP_SIDE if len(boxes) <= FEW_PIECES else PAGE_SIDE
    zoom = min(math.ceil(wanted / np.median(sizes)), MOST_ZOOM)
    factor = max(int(scale / zoom), 1)
    box = bounding_box(ink)
    margin = round(CLOSE_UP_MARGIN * max(widths.max(), heights.max()))  # the paper must stay visible
    start = [round(max(offset + scale * (edge - margin), 0)) for offset, edge in zip((left, top), box[:2], strict=True)]
    end = [
        round(min(offset + scale * (edge + margin), side))
        for offset, edge, side in zip((left, top), box[2:], picture.size, strict=True)
    ]
    closer = picture.crop((*start, *end)).reduce(factor)
    within = np.ones((closer.height, closer.width), bool)
    if kept is not None:
        rows, columns = (
            np.clip((first + factor * (np.arange(size) + 0.5) - offset) // scale, 0, limit - 1).astype(int)
            for first, size, offset, limit in zip(start[::-1], within.shape, (top, left), kept.shape, strict=True)
        )
        within = dilated(kept)[np.ix_(rows, columns)]
    return np.where(within, inked(closer, within).ink, 0), (*start, factor)


def without_grain(pieces: np.ndarray, count: int, size: float) -> tuple[np.ndarray, int]:
    """The pieces, numbered anew, without those that are smaller than this in both directions."""
    if not count:
        return pieces, count
    boxes = piece_boxes(pieces, count)
    kept = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) >= size
    number = np.zeros(count + 1, np.int32)
    number[1:][kept] = np.arange(1, np.count_nonzero(kept) + 1)
    return number[pieces], int(np.count_nonzero(kept))


# --- The pieces and how they may be grouped ---------------------------------------------------------------------------


def union_box(boxes: np.ndarray) -> np.ndarray:
    """The box around several, (n, 4) -> (4,)."""
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])


def gap_cost(boxes: np.ndarray) -> float:
    """The price of taking these pieces for one digit: the empty columns and rows between them, by its size."""
    left, top, right, bottom = union_box(boxes)
    empty = sum(emptiness(boxes[:, axis], boxes[:, axis + 2]) for axis in (0, 1))
    return empty / (TOLERANCE * max(right - left, bottom - top))


def emptiness(starts: np.ndarray, ends: np.ndarray) -> float:
    """The length that these intervals leave uncovered between the first and the last."""
    order = np.argsort(starts)
    covered = np.maximum.accumulate(ends[order])
    return float(np.maximum(starts[order][1:] - covered[:-1], 0).sum())


def overlap_cost(a: Candidate, b: Candidate) -> float:
    """The price of taking neighbours in a line for two parts: the columns they share, by the smaller one's size. A sign
    may stand under an arm of a digit, so beside a sign the larger size counts. Digits that lean share columns: on
    either side of a cut, the columns are counted at that slant of SLANTS at which the two share fewest.
    """
    if b.after_cut:
        shared = (a.sides[:, 1] - b.sides[:, 0]).min()
    else:
        shared = min(a.box[2], b.box[2]) - max(a.box[0], b.box[0])
    if shared <= 0:
        return 0.0
    sizes = [max(part.box[2] - part.box[0], part.box[3] - part.box[1]) for part in (a, b)]
    return shared / (TOLERANCE * (max(sizes) if a.sign or b.sign else min(sizes)))


def promising(writing: Writing, lines: dict[tuple[int, int], list[int]], singles: dict[Group, Read]) -> list[Group]:
    """The groups of several pieces that would beat their pieces one by one if the reader were sure of them.

    The groups whose pieces lie closest come first.
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
                for a, b in itertools.pairwise(own):
                    shared = min(a[2], b[2]) - max(a[0], b[0])
                    apart -= max(shared, 0) / (TOLERANCE * min(max(x[2] - x[0], x[3] - x[1]) for x in (a, b)))
                if -cost - DIGIT_PRICE > apart:
                    costs[group] = cost
    return sorted(costs, key=costs.get)[: MOST_GROUPS + len(boxes)]


def cut(writing: Writing, reads: dict[Group, Read]) -> tuple[Writing, list[Group], dict[int, float]]:
    """Cuts doubtful pieces in parts.

    Returns the writing with parts for pieces; the parts of each piece from left to right; and for each part right of a
    cut how many stroke widths of ink that cut crosses.
    """
    pieces, parts, crossed, count = writing.pieces, [], {}, 0
    changed = np.zeros_like(pieces)
    tall = AS_TALL * usual_height(writing.boxes)
    any_cut = False
    for piece, (left, top, right, bottom) in enumerate(writing.boxes):
        crop = slice(top, bottom), slice(left, right)
        mask = pieces[crop] == piece + 1
        seams, crossings = np.zeros((0, 0)), ()
        if bottom - top >= tall and is_doubtful(writing.boxes[piece], reads.get((piece,))):
            seams, crossings = find_cuts(np.where(mask, writing.ink[crop], 0), writing.stroke)
        division = parted(mask, seams) if len(seams) else mask.astype(np.int32)
        present = np.flatnonzero(np.bincount(division.ravel(), minlength=len(seams) + 2)[1:])
        number = np.zeros(len(seams) + 2, np.int32)
        number[present + 1] = np.arange(count + 1, count + len(present) + 1)
        changed[crop] += number[division]
        parts.append(tuple(range(count, count + len(present))))
        for index, part in zip(present[1:], parts[-1][1:], strict=True):
            crossed[part] = crossings[index - 1]
        any_cut |= len(present) > 1
        count += len(present)
    if not any_cut:
        return writing, parts, crossed
    return writing._replace(pieces=changed, boxes=piece_boxes(changed, count)), parts, crossed


def runs_in(parts: Group, boxes: np.ndarray) -> list[Group]:
    """The neighbouring parts of one piece that may be a digit together; `boxes` (n, 4) are those of all parts."""
    left, top, right, bottom = boxes[list(parts)].T
    widest = WIDEST_GROUP * (bottom.max() - top.min())
    return [
        parts[start:end]
        for start, end in itertools.combinations(range(len(parts) + 1), 2)
        if right[start:end].max() - left[start:end].min() <= widest
    ]


def is_doubtful(box: np.ndarray, read: Read | None) -> bool:
    """Whether a piece may be several digits that touch."""
    if read is None:
        return False
    wide = box[2] - box[0] > WIDE * (box[3] - box[1])
    return read.digit < (DOUBTFUL_IF_WIDE if wide else DOUBTFUL)


# --- The best of all groupings ----------------------------------------------------------------------------------------


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


def best_lines(
    writing: Writing,
    lines: dict[tuple[int, int], list[int]],
    reads: dict[Group, Read],
    crossed: dict[int, float],
    pieces: np.ndarray,
) -> Path:
    """The best way to read all pieces, as one or more lines from top to bottom."""
    sides = straightened_sides(writing) if crossed else None
    found = {rows: best_line(line, candidates_of(writing, line, reads, crossed, sides)) for rows, line in lines.items()}
    best = [Path(0.0, ())]  # for the first 0, 1, 2 ... rows
    for last in range(1, max(end for _, end in lines) + 1):
        ways = []
        for first in range(last):
            if (first, last) in found:
                before, line = best[first], found[first, last]
                ways.append(
                    Path(
                        before.score + line.score - LINE_PRICE,
                        before.parts + line.parts,
                        (*before.lines, len(line.parts)),
                    )
                )
        best.append(max(ways, key=lambda path: path.score))
    return best[-1]


def straightened_sides(writing: Writing) -> np.ndarray:
    """The left and right side of each piece, once the writing is straightened from each of SLANTS, (n, slants, 2)."""
    rows, columns = writing.pieces.nonzero()
    pieces = writing.pieces[rows, columns]
    order = np.argsort(pieces, kind="stable")
    starts = np.searchsorted(pieces[order], np.arange(1, len(writing.boxes) + 1))
    across = columns[order] + np.multiply.outer(SLANTS, rows[order])
    return np.stack([np.minimum.reduceat(across, starts, 1).T, np.maximum.reduceat(across, starts, 1).T + 1], axis=2)


def straight_union_box(sides: np.ndarray) -> np.ndarray:
    """The sides of several pieces together, (n, slants, 2) -> (slants, 2)."""
    return np.stack([sides[..., 0].min(axis=0), sides[..., 1].max(axis=0)], axis=1)


def candidates_of(
    writing: Writing,
    line: list[int],
    reads: dict[Group, Read],
    crossed: dict[int, float],
    sides: np.ndarray | None,
) -> dict[tuple[int, int], list[Candidate | float]]:
    """(start, end) of runs in a line -> what the run may be; a number is the price of leaving it out."""
    boxes = writing.boxes[line]
    first = [part not in crossed for part in line] + [True]  # whether a piece starts here
    found = {}
    for start in range(len(line)):
        for end in range(start + 1, len(line) + 1):
            group = tuple(line[start:end])
            pieces = sum(first[start:end]) if first[start] and first[end] else 0  # 0: a part of a piece at least
            if sum(first[start:end]) > LONGEST_GROUP:
                break
            read = reads.get(group)
            if not (read or 1 <= pieces <= 2):
                continue
            own = boxes[start:end]
            box = union_box(own)
            place = place_in_row(box, boxes)
            ways, price = [], 0.0
            if place and pieces == 1:
                price, sign = signs_of(writing, group, box, place, read)
                ways += [sign] * (sign is not None)
            elif place and pieces == 2 and len(own) == 2 and is_stacked(own, place, writing.stroke):
                ways.append(Candidate(group, box, -PLACED_SIGN_PRICE, Sign.OTHER, SURE_OF_PLACE))
            if read:
                price += DIGIT_PRICE + gap_cost(own) + broadness_price(box, read, pieces)
                if not first[start]:
                    price += CUT_PRICE + CROSSING_PRICE * crossed[line[start]]
                doubt = 0.0 if first[start] else DOUBT_OF_CUT
                score = log_confidence(read.digit) - price
                straight = None if sides is None else straight_union_box(sides[list(group)])
                ways.append(Candidate(group, box, score, None, doubt, not first[start], straight))
            elif pieces == 1:
                ways.append(SPECK_PRICE)
            if ways:
                found[start, end] = ways
    return found


def signs_of(
    writing: Writing, group: Group, box: np.ndarray, place: Place, read: Read | None
) -> tuple[float, Candidate | None]:
    """The extra price of taking a piece for a digit, and the piece taken for a sign, or None if it cannot be one."""
    sign = sign_of(box, place, writing.stroke)
    size = max(box[2] - box[0], box[3] - box[1]) / place.height
    if sign and len(group) == 1 and solidity(writing.ink_of(group[0])) >= SOLID:
        score = -PLACED_SIGN_PRICE
        if read and sign is Sign.DASH:
            score += log_confidence(read.other)
        elif read and read.best not in LIKE_DOTS_AND_BARS:
            score += log_confidence(1 - read.digit)
        return SMALL_PRICE * max(math.log2(SMALL / size), 0), Candidate(group, box, score, sign, SURE_OF_PLACE)
    if not read:
        return 0.0, None
    price = SIGN_PRICE + LARGE_PRICE * max(size - LARGE_SIGN, 0)
    return 0.0, Candidate(group, box, log_confidence(read.other) - price, Sign.OTHER)


def broadness_price(box: np.ndarray, read: Read, pieces: int) -> float:
    """The price of a digit that is broad. In one piece it counts only as far as the reader doubts the digit."""
    price = BROAD_PRICE * max(math.log2((box[2] - box[0]) / (BROAD * (box[3] - box[1]))), 0)
    return price if pieces > 1 else price * (1 - read.digit)


def log_confidence(confidence: float) -> float:
    """The natural logarithm of a confidence, finite for 0 as well."""
    return math.log(max(confidence, LEAST_CONFIDENCE))


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
                        cost = overlap_cost(path.parts[-1], way) if path.parts else leading
                        key, new = way.group, Path(path.score + way.score - cost, (*path.parts, way))
                    if key not in best[end] or new.score > best[end][key].score:
                        best[end][key] = new
    return max(best[-1].values(), key=lambda path: path.score, default=NO_PATH)
