"""The pictures that an epoch may choose from: digits, redrawn copies of them, written digits, and non-digits."""

from __future__ import annotations

import numpy as np

from nn.pictures.mnist import Split
from nn.pictures.non_digits import NOT_A_DIGIT_CLASS
from nn.pictures.synthetic import MadeUp
from nn.recipes import Recipe


class Bank:
    """All pictures of a run. `pictures` is one split of digits, redrawn, written, non-digits, in this order."""

    def __init__(self, recipe: Recipe, train: Split, made_up: MadeUp | None = None) -> None:
        self.recipe, self.digits = recipe, len(train)
        self.pictures = with_made_up(train, made_up) if made_up else train
        self.redrawn = len(made_up.redrawn) if made_up else 0
        self.non_digits = len(made_up.non_digits) if made_up else 0
        # How many of them an epoch sees, beside all digits.
        self.written_seen = round(recipe.written * len(train))
        self.non_digits_seen = round(recipe.non_digits * len(train))
        self.examples_per_epoch = len(train) + self.written_seen + self.non_digits_seen

    def epoch(self, rng: np.random.Generator) -> np.ndarray:
        """The rows of `pictures` that an epoch sees, in random order: every digit once, some of them as redrawn, and
        the recipe's shares of written digits and of non-digits.
        """
        rows, first_non_digit = np.arange(self.digits), len(self.pictures) - self.non_digits
        if self.recipe.redrawn:
            copy = rng.integers(1, self.redrawn // self.digits, len(rows), endpoint=True)
            rows = rows + self.digits * copy * (rng.random(len(rows)) < self.recipe.redrawn)
        if self.recipe.written:
            written = np.arange(self.digits + self.redrawn, first_non_digit)
            rows = np.concatenate([rows, rng.choice(written, self.written_seen)])
        if self.recipe.non_digits:
            non_digits = np.arange(first_non_digit, len(self.pictures))
            rows = np.concatenate([rows, rng.choice(non_digits, self.non_digits_seen)])
        return rng.permutation(rows)


def with_made_up(train: Split, made_up: MadeUp) -> Split:
    """The digits and what was made up for them, in one split."""
    images = np.concatenate([train.images, made_up.redrawn, made_up.written.images, made_up.non_digits])
    non_digits = np.full(len(made_up.non_digits), NOT_A_DIGIT_CLASS)
    redrawn = np.resize(train.labels, len(made_up.redrawn))  # in the digits' order, again and again
    return Split(images, np.concatenate([train.labels, redrawn, made_up.written.labels, non_digits]))
