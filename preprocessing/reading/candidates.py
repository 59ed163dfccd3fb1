"""What each run of neighbouring pieces in a line may be: a digit, a sign, or a speck that is left out.

candidates_of(writing, line, reads)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from preprocessing.pieces.glyphs import RING, is_percent, lean
from preprocessing.pieces.rows import Place, place_in_row
from preprocessing.pieces.signs import Sign, is_degree, is_dotted_below, is_stacked, sign_of, stands_over
from preprocessing.pixels.shapes import SOLID, solidity
from preprocessing.reading.brackets import brackets_of
from preprocessing.reading.groups import AS_TALL, LONGEST_GROUP
from preprocessing.reading.prices import (
    CROSSING_PRICE,
    CUT_PRICE,
    DIGIT_PRICE,
    LARGE_PRICE,
    LARGE_SIGN,
    PART_WEIGHT,
    PLACED_SIGN_PRICE,
    SIGN_PRICE,
    SMALL,
    SMALL_PRICE,
    SPECK_PRICE,
    broadness_price,
    gap_cost,
    log_confidence,
)
from preprocessing.reading.writing import Group, Read, Writing, union_box

# The digits that dots and short bars look like when they fill MNIST's frame.
LIKE_DOTS_AND_BARS = (0, 1, 8)
# The digits that exclamation and question marks look like without their dot.
LIKE_MARKS = (1, 2, 7)
# A sign has no more pieces than this: those of a percent sign.
MOST_OF_SIGN = 3
# A percent sign has at least this share of the digits' height.
PERCENT_TALL = 0.5
# It is no wider than this many times its height: two digits side by side are.
PERCENT_WIDE = 1.35
# The probability that what looks like a sign by its place is one.
SURE_OF_PLACE = 0.95
# A part of a piece is a digit only if it is this share of the piece's height. The bow of an h is lower.
PART_TALL = 0.7
# The probability that a cut was wrong.
DOUBT_OF_CUT = 0.15


class Candidate(NamedTuple):
    """A group of pieces, taken for a digit or a sign."""

    group: Group
    box: np.ndarray  # left, top, right, bottom
    score: float  # log of the confidence, less prices
    sign: Sign | None
    doubt: float = 0.0
    after_cut: bool = False  # what stands before it is a part of the same piece
    sides: np.ndarray | None = None  # (slants, 2), in a writing with cuts: left and right once it is straightened
    lean: float | None = None  # of a 1 that is a part of a piece, see `glyphs.lean`

    @property
    def size(self) -> int:
        """The longer side of its box."""
        return max(self.box[2] - self.box[0], self.box[3] - self.box[1])


class Run(NamedTuple):
    """Neighbouring pieces of a line, or parts of pieces, that may be a digit or a sign together."""

    group: Group
    boxes: np.ndarray  # (n, 4), theirs
    box: np.ndarray  # (4,), around all
    read: Read | None  # what the reader says of them, if it was asked
    whole: int  # how many whole pieces they are; 0 if a piece begins or ends outside
    height: int  # of all the parts of these pieces together


def candidates_of(
    writing: Writing, line: list[int], reads: dict[Group, Read]
) -> dict[tuple[int, int], list[Candidate | float]]:
    """(start, end) of runs in a line -> what the run may be; a number is the price of leaving it out."""
    boxes, groups, found = writing.boxes[line], wholes_of(writing, line), {}
    wholes = np.array([union_box(writing.boxes[list(group)]) for group in groups])
    brackets = brackets_of(writing, groups, wholes, reads)
    in_brackets = set(itertools.chain(*brackets))
    for ends, run in runs_of(writing, line, reads):
        if not in_brackets.isdisjoint(run.group):
            if run.group in brackets:
                found[ends] = [placed(run, -PLACED_SIGN_PRICE)]
            continue
        price, ways = 0.0, []
        # of digits that touch, the parts tell the place: the whole piece counts once, however many they are
        if may_be_sign(run) and (place := place_in_row(run.box, boxes)):
            price, sign = sign_of_run(writing, run, place, wholes, reads)
            ways = [] if sign is None else [sign]
        if run.read and (run.whole or may_be_cut_off(run)):
            ways.append(as_digit(writing, run, price))
        elif not run.read and run.whole == 1:
            ways.append(SPECK_PRICE)
        if ways:
            found[ends] = ways
    return found


def runs_of(writing: Writing, line: list[int], reads: dict[Group, Read]) -> Iterator[tuple[tuple[int, int], Run]]:
    """(start, end) of the runs in a line that were read or may be signs, and each of these runs."""
    boxes = writing.boxes[line]
    begins = [part not in writing.crossed for part in line] + [True]  # whether a piece begins here
    for start in range(len(line)):
        for end in range(start + 1, len(line) + 1):
            pieces = sum(begins[start:end])
            if pieces > LONGEST_GROUP:
                break
            group, own = tuple(line[start:end]), boxes[start:end]
            read, whole = reads.get(group), pieces if begins[start] and begins[end] else 0
            if read or 1 <= whole <= MOST_OF_SIGN:
                touching = boxes[whole_pieces(begins, start, end)]
                yield (start, end), Run(group, own, union_box(own), read, whole, np.ptp(touching[:, 1::2]))


def whole_pieces(begins: list[bool], start: int, end: int) -> slice:
    """The parts of all pieces that a run of parts belongs to. begins: whether a piece begins at each part, and True for
    the end.
    """
    while not begins[start]:
        start -= 1
    while not begins[end]:
        end += 1
    return slice(start, end)


def wholes_of(writing: Writing, line: list[int]) -> list[Group]:
    """The whole pieces of a line, each given by its parts."""
    starts = [place for place, part in enumerate(line) if part not in writing.crossed]
    return [tuple(line[start:end]) for start, end in itertools.pairwise([*starts, len(line)])]


def may_be_sign(run: Run) -> bool:
    """Whether a run may be a sign by the number of its pieces, and if they are three, by their size."""
    return 1 <= run.whole < MOST_OF_SIGN or (run.whole == MOST_OF_SIGN and may_be_percent(run))


def may_be_percent(run: Run) -> bool:
    """Whether whole pieces may be a percent sign by their size, and by what the reader says."""
    if run.read and run.read.digit > run.read.other:
        return False
    heights = np.sort(run.boxes[:, 3] - run.boxes[:, 1])
    if len(heights) == run.whole > 1 and heights[-2] > RING * heights[-1]:
        return False  # loose rings are low; the 9 and the 6 of 96 are not
    return run.box[2] - run.box[0] <= PERCENT_WIDE * (run.box[3] - run.box[1])


def sign_of_run(
    writing: Writing, run: Run, place: Place, wholes: np.ndarray, reads: dict[Group, Read]
) -> tuple[float, Candidate | None]:
    """The extra price at which whole pieces are a digit although they may be a sign; and these pieces taken for a sign,
    None if they cannot be one. `wholes` (n, 4) are the boxes of the whole pieces in their line.
    """
    tall = run.box[3] - run.box[1] >= PERCENT_TALL * place.height
    if tall and may_be_percent(run) and is_percent(writing.ink_of(*run.group)):
        return 0.0, placed(run, -DIGIT_PRICE)
    if run.whole == 1:
        return sign_of_piece(writing, run, place, wholes)
    if len(run.boxes) == 2 and is_of_two(writing, run, place, reads):
        return 0.0, placed(run, -PLACED_SIGN_PRICE)
    return 0.0, None


def sign_of_piece(writing: Writing, run: Run, place: Place, wholes: np.ndarray) -> tuple[float, Candidate | None]:
    """As `sign_of_run`, for a single piece."""
    group, box, read = run.group, run.box, run.read
    sign = sign_of(box, place, writing.stroke)
    size = max(box[2] - box[0], box[3] - box[1]) / place.height
    small = SMALL_PRICE * max(math.log2(SMALL / size), 0)
    if sign and len(group) == 1 and solidity(writing.ink_of(group[0])) >= SOLID:
        score = -PLACED_SIGN_PRICE
        if read and sign is Sign.DASH:
            score += log_confidence(read.other)
        elif read and read.best not in LIKE_DOTS_AND_BARS:
            score += log_confidence(1 - read.digit)
        return small, placed(run, score, sign)
    ring = not read or read.best == 0 or read.digit < read.other
    if ring and len(group) == 1 and is_degree(writing.ink_of(*group), box, place, wholes):
        return small, placed(run, -PLACED_SIGN_PRICE)
    if not read:
        return 0.0, None
    tall = (box[3] - box[1]) / place.height
    price = SIGN_PRICE + LARGE_PRICE * max((size if tall >= AS_TALL else tall) - LARGE_SIGN, 0)
    return 0.0, Candidate(group, box, log_confidence(read.other) - price, Sign.OTHER)


def is_of_two(writing: Writing, run: Run, place: Place, reads: dict[Group, Read]) -> bool:
    """Whether two pieces are one sign."""
    if is_stacked(run.boxes, place, writing.stroke):
        return True
    upper = run.group[int(run.boxes[:, 1].argmin())]
    read = reads.get((upper,))
    if read and read.digit > read.other and read.best not in LIKE_MARKS:
        return False  # a digit over a point
    dotted = is_dotted_below(run.boxes, place, writing.stroke)
    return dotted and stands_over(run.boxes, lean(writing.ink_of(upper)), place)


def placed(run: Run, score: float, sign: Sign = Sign.OTHER) -> Candidate:
    """A run that is a sign by its shape and its place."""
    return Candidate(run.group, run.box, score, sign, SURE_OF_PLACE)


def may_be_cut_off(run: Run) -> bool:
    """Whether a part of a piece may be a digit that touches others. A part of a sign is none, nor is what is much lower
    than the piece.
    """
    return run.box[3] - run.box[1] >= PART_TALL * run.height and not is_no_digit(run.read, DOUBT_OF_CUT)


def is_no_digit(read: Read, doubt: float) -> bool:
    """Whether a group will be answered as no digit, once the doubt about its place is added."""
    return (1 - doubt) * read.digit < (1 - doubt) * read.other + doubt


def as_digit(writing: Writing, run: Run, price: float) -> Candidate:
    """A run that was read, taken for a digit at this extra price."""
    price += DIGIT_PRICE + gap_cost(run.boxes) + broadness_price(run.box, run.read, run.whole)
    doubt, crossing = 0.0, writing.crossed.get(run.group[0])
    if crossing is not None:
        price += CUT_PRICE + CROSSING_PRICE * crossing
        doubt = DOUBT_OF_CUT
    sides = straight_union_box(writing.straightened_sides[list(run.group)]) if writing.crossed else None
    weight = 1.0 if run.whole else PART_WEIGHT
    score = weight * log_confidence(run.read.digit) - price
    leaning = None if run.whole or run.read.best != 1 else lean(run.read.prepared.ink)
    return Candidate(run.group, run.box, score, None, doubt, crossing is not None, sides, leaning)


def straight_union_box(sides: np.ndarray) -> np.ndarray:
    """The sides of several pieces together, (n, slants, 2) -> (slants, 2)."""
    return np.stack([sides[..., 0].min(axis=0), sides[..., 1].max(axis=0)], axis=1)
