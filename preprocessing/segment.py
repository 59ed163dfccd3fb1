"""A picture of several digits -> each of them in MNIST's frame, in reading order.

    split(image, model.predict_proba)           # a list of Prepared, one for each digit and each sign

Pieces of ink are easily found, but a piece is not a digit: a 5 may have a loose top stroke, a 4 two strokes, a 0 a gap,
and two digits may touch. Geometry alone cannot tell two halves of a 0 from 1 and 1. The network can: it reads half a
digit, or two digits at once, with little confidence. So every plausible way of grouping the pieces is read, and the one
with the highest joint confidence wins. Each group is discounted by the gaps between its pieces and by the overlap of
neighbouring digits. A piece that may be two digits is cut first, and its parts are grouped like pieces.
(Over-segmentation and a best path through all groupings: LeCun et al. 1998, section V.)

    pieces of ink, seen from close by (closer.py) -> rows (rows.py) -> parts of touching digits (cuts.py)
    -> groups (groups.py) that are read (writing.py), and what they may be (candidates.py, signs.py, brackets.py)
    -> what they are worth (prices.py) -> the best path through all of them (paths.py)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from preprocessing.look import Seen, look_at, seen_from
from preprocessing.pieces.components import HALF, pieces_of, without
from preprocessing.pieces.glyphs import lean
from preprocessing.pieces.rows import find_rows, mergeable, place_in_row
from preprocessing.pieces.signs import Sign, is_slash
from preprocessing.pixels.pen import stroke_width
from preprocessing.pixels.shapes import SOLID, solidity
from preprocessing.prepare import Prepared, describe, is_blank
from preprocessing.reading.candidates import SURE_OF_PLACE, Candidate
from preprocessing.reading.closer import FEW_PIECES, look_closer, without_grain
from preprocessing.reading.groups import cut, may_touch, promising, runs_in
from preprocessing.reading.paths import Path, best_lines
from preprocessing.reading.prices import DIGIT_PRICE, LINE_PRICE, broadness_price, gap_cost, log_confidence
from preprocessing.reading.words import without_words
from preprocessing.reading.writing import Group, Predict, Read, TextLines, Writing, predict_all, read_all, union_box

# More pieces than this are noise: the picture is read as one digit. A sheet full of small numbers has fewer.
MOST_PIECES = 1000
# So many pieces are read further only if most of them look like digits. On a page of text a quarter does.
MANY_PIECES = 250
# Parts that cost more than this on the average are a page of text or scribbles (0.34 to 0.9) and not a page of digits
# (0.1 to 0.22).
NONSENSE_PRICE = 0.28
# Runs of parts that are read: twice as many as thirty digits have that all touch. Each run takes as long as a small
# picture. A long scribble has thousands, so nothing is cut where there are more.
MOST_RUNS = 600
# A piece smaller than this many stroke widths is noise.
GRAIN = 0.6
# A piece no larger than this many stroke widths may be a dot that means nothing.
SPECK = 1.9
# A drawing is made of dots if they are this share of its pieces: some may touch. Dots are read as zeros.
DOTTED = 0.8
# The shorter side of a dot is at least this share of its longer side.
ROUND = 0.85
# The solidity of a dot: a zero whose hole is a quarter as wide as it has 0.92.
FILLED = 0.92
# What is written in a box of a form has more than this share of its own box there.
IN_BOX = 0.5


def split(image: Image.Image | np.ndarray, predict: Predict) -> list[Prepared]:
    """The digits of a picture, and the signs between them, in reading order: line by line, from left to right.

    Args:
        image: as for `preprocessing.prepare`.
        predict: the reader, `MLP.predict_proba` or the like: (n, 784) float32 in [0, 1] -> (n, 10) or (n, 11)
            probabilities. Column d is digit d, column 10 is "not a digit". With ten columns, "not a digit" is what is
            missing from 1 to the highest of them.

    Returns:
        One Prepared for each digit and sign, with its own bounding box in the picture and its line; for a single digit,
        what `prepare` gives once the words beside it are left out; an empty list without ink.

    Raises:
        ValueError: as `prepare`.
    """
    (picture, size, factor), seen = look_at(image)
    first = seen.scaled(factor)
    if is_blank(size, first):
        return []
    alone = as_one_digit(size, first)
    pieces = pieces_of(seen.ink > HALF)
    if not 1 <= pieces.count <= MOST_PIECES or (pieces.count == 1 and not (alone and may_touch(*alone, predict))):
        return alone
    seen = look_closer(picture, seen, pieces.boxes)
    stroke = stroke_width(seen.ink)
    pieces = without_grain(pieces_of(seen.ink > HALF), GRAIN * stroke)
    if not 1 <= pieces.count <= MOST_PIECES:
        return alone
    return read_writing(Writing(size, seen.scaled(factor), pieces, stroke), first, predict, alone)


def read_writing(writing: Writing, first: Seen, predict: Predict, alone: list[Prepared]) -> list[Prepared]:
    """The parts of the writing. first: the first look at its picture; `alone` is that look taken for one digit, and
    empty if it vanishes in the frame of one.
    """
    if is_dotted(writing):
        return alone
    reads = read_all(writing, [(piece,) for piece in np.flatnonzero(~specks_of(writing)).tolist()], predict)
    if writing.pieces.count > MANY_PIECES and 2 * sum(read.digit < read.other for read in reads.values()) > len(reads):
        return alone
    rest, reads = without_words(writing, reads)
    if rest is not writing:
        alone = as_one_digit(writing.size, with_the_rest(first, writing, rest))
    return read_parts(rest, reads, alone, predict)


def as_one_digit(size: tuple[int, int], seen: Seen) -> list[Prepared]:
    """All that was seen in a picture of this size, taken for one digit: a list of it alone. It is empty for a long row
    of thin strokes, which vanishes in the frame of one digit.
    """
    whole = describe(size, seen)
    return [whole] if whole.has_ink else []


def with_the_rest(first: Seen, writing: Writing, rest: Writing) -> Seen:
    """The first look at a picture, with the words taken out: the pieces of `writing` that `rest` lacks."""
    letters, left = (
        seen_from(first.where, first.ink.shape, mask, writing.seen.where)
        for mask in ((writing.pieces.labels > 0) & (rest.pieces.labels == 0), rest.pieces.labels > 0)
    )
    pieces = pieces_of(first.ink > 0)  # with their antialiased edges
    gone = pieces.where((pieces.pixels(letters) > 0) & (pieces.pixels(left) == 0)) | letters
    return replace(first, ink=without(first.ink, gone), left_out=first.left_out._replace(words=True))


def specks_of(writing: Writing) -> np.ndarray:
    """Which pieces may be dots that mean nothing, (n,) bool."""
    return writing.pieces.longest <= SPECK * writing.stroke


def read_parts(writing: Writing, reads: dict[Group, Read], alone: list[Prepared], predict: Predict) -> list[Prepared]:
    """The parts of the writing; `reads` are those of single pieces, `alone` is all of it taken for one digit."""
    boxes, specks, lines = writing.boxes, specks_of(writing), lines_of(writing.boxes)
    reads = reads | read_all(writing, promising(writing, lines, reads), predict)
    as_one = predict_all(alone, predict)
    writing, lines, reads = with_cuts(writing, lines, reads, predict)
    best = best_lines(writing, lines, reads)
    main = boxes[~specks] if not specks.all() else boxes
    one_line = sum(length > 0 for length in best.lines) == 1  # a word in it is no digit, but a number beside it is one
    able = [read for read in as_one if read.digit >= read.other or not one_line]
    better = len(boxes) <= FEW_PIECES and any(score_of_one(read, main) >= best.score for read in able)
    if len(best.parts) < 2 or better or is_nonsense(best):
        return alone
    return in_order(writing, best, reads)


def is_dotted(writing: Writing) -> bool:
    """Whether the writing is made of dots, as the points of dice are, or a digit on a display of lamps."""
    sides = writing.boxes[:, 2:] - writing.boxes[:, :2]
    able = np.flatnonzero(sides.min(axis=1) >= ROUND * sides.max(axis=1))
    if len(able) < DOTTED * len(sides):
        return False
    return sum(solidity(writing.ink_of(piece)) >= FILLED for piece in able) >= DOTTED * len(sides)


def lines_of(boxes: np.ndarray) -> TextLines:
    """The pieces of every line that there may be, from left to right; `boxes` (n, 4) are theirs."""
    rows, centers = find_rows(boxes), boxes[:, 0] + boxes[:, 2]
    return {
        (first, end): sorted((piece for row in rows[first:end] for piece in row), key=lambda piece: centers[piece])
        for first, end in mergeable(rows, FEW_PIECES)
    }


def with_cuts(
    writing: Writing, lines: TextLines, reads: dict[Group, Read], predict: Predict
) -> tuple[Writing, TextLines, dict[Group, Read]]:
    """The same with the parts of cut pieces in the place of pieces; see `cut`. All stays as it is where nothing is cut,
    or where there are more than MOST_RUNS runs of parts to read.
    """
    divided, parts = cut(writing, reads)
    runs = [run for part in parts if len(part) > 1 for run in runs_in(part, divided.boxes)]
    if not 0 < len(runs) <= MOST_RUNS:
        return writing, lines, reads
    reads = {parts_of(group, parts): read for group, read in reads.items()}
    lines = {rows: list(parts_of(line, parts)) for rows, line in lines.items()}
    reads |= read_all(divided, [run for run in runs if run not in reads], predict)
    return divided, lines, reads


def parts_of(pieces: Sequence[int], parts: list[Group]) -> Group:
    """All parts of some pieces; `parts` are those of each piece."""
    return tuple(part for piece in pieces for part in parts[piece])


def score_of_one(read: Read, boxes: np.ndarray) -> float:
    """What the writing is worth as one digit: `Path.score` of a path through it that has one part."""
    price = gap_cost(boxes) + broadness_price(union_box(boxes), read, len(boxes)) + DIGIT_PRICE + LINE_PRICE
    return log_confidence(read.digit) - price


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
        if is_boxed(writing, row[index].box):
            continue  # a box holds a digit, not a slash between two
        place = place_in_row(row[index].box, boxes)
        if place and is_slash(inks[index], row[index].box, place, leans[index] - max(float(np.median(others)), 0)):
            found[index] = row[index]._replace(sign=Sign.OTHER, doubt=SURE_OF_PLACE)
    return found


def is_boxed(writing: Writing, box: np.ndarray) -> bool:
    """Whether what has this box (4,) is written in a box of a form, and not between boxes."""
    left, top, right, bottom = box
    in_boxes = writing.seen.in_boxes
    return in_boxes is not None and in_boxes[top:bottom, left:right].mean() > IN_BOX


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
