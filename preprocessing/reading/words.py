"""Small words beside what is written: "Age:", "Room", the heads of a table. They are left out.

A letter alone may look like a digit, as o and l do. Letters side by side, most of which the reader takes for no digits,
are a word. Where digits are written that are taller, such a word says what they mean, and is no part of them. The words
beside the boxes of a form are told by their place (captions.py), without a reader.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from preprocessing.lines.captions import LOWER, grouped_letters
from preprocessing.pieces.components import without
from preprocessing.pieces.rows import digits_height
from preprocessing.pixels.morphology import dilated
from preprocessing.reading.writing import Group, Read, Writing, union_box

# A word has at least so many letters.
FEWEST_LETTERS = 2
# At least this share of its letters, and so many of them, is no digit: in a sum more than half are digits.
NO_DIGITS = 0.5
# Or its first letter is no digit and at least this share of the word's height: a plus or a times sign is lower.
FIRST_LETTER = 0.65
# What begins no farther behind a digit than this share of its height is no word before a number.
AFTER = 1.0
# What is lower than this share of the word is a dot or a dash, and no letter.
LETTER = 0.4


def without_words(writing: Writing, reads: dict[Group, Read]) -> tuple[Writing, dict[Group, Read]]:
    """The writing without words, and the reads of what is left, whose pieces are numbered anew; both as they are if
    there are no words.

    reads: what the reader says of single pieces; it was not asked about specks.
    """
    while (gone := letters_in(writing, reads)).any():
        number = np.cumsum(~gone) - 1
        reads = {(int(number[piece]),): read for (piece,), read in reads.items() if not gone[piece]}
        ink = without(writing.ink, dilated(writing.pieces.where(gone)))
        writing = replace(writing, seen=replace(writing.seen, ink=ink), pieces=writing.pieces.those(~gone))
    return writing, reads


def letters_in(writing: Writing, reads: dict[Group, Read]) -> np.ndarray:
    """Which pieces are letters of words, (n,) bool. reads: as for `without_words`."""
    boxes = writing.boxes
    gone = np.zeros(len(boxes), bool)
    digits = [piece for (piece,), read in reads.items() if read.digit > read.other]
    if not digits or len(digits) == len(reads):
        return gone
    heights = boxes[:, 3] - boxes[:, 1]
    tall = digits_height(boxes[digits], writing.pieces.pixels()[digits])
    lower = heights < LOWER * tall
    for word in grouped_letters(boxes, np.flatnonzero(lower), writing.ink.shape):
        around = union_box(boxes[word])
        if is_word(boxes, word, reads) and not follows(around, boxes[~lower], AFTER * tall):
            gone |= lower & (boxes[:, :2] >= around[:2]).all(axis=1) & (boxes[:, 2:] <= around[2:]).all(axis=1)
    return gone


def follows(word: np.ndarray, digits: np.ndarray, room: float) -> bool:
    """Whether a word in this box (4,) begins at most `room` pixels behind a digit beside it; `digits` (n, 4) are the
    boxes of all: it is a unit, or goes on with a sum.
    """
    gap, middle = word[0] - digits[:, 2], (word[1] + word[3]) / 2
    in_rows = (digits[:, 1] < middle) & (digits[:, 3] > middle)
    return bool((in_rows & (digits[:, 0] < word[0]) & (gap <= room)).any())


def is_word(boxes: np.ndarray, pieces: np.ndarray, reads: dict[Group, Read]) -> bool:
    """Whether some pieces, (n,) their numbers, are letters of a word. boxes, reads: of all pieces."""
    heights = boxes[pieces, 3] - boxes[pieces, 1]
    letters = [piece for piece in pieces[heights >= LETTER * heights.max()] if (piece,) in reads]
    if len(letters) < FEWEST_LETTERS:
        return False
    no_digits = [piece for piece in letters if reads[piece,].digit < reads[piece,].other]
    first = min(letters, key=lambda piece: boxes[piece, 0])
    begins = first in no_digits and boxes[first, 3] - boxes[first, 1] >= FIRST_LETTER * heights.max()
    return begins or len(no_digits) >= max(FEWEST_LETTERS, NO_DIGITS * len(letters))
