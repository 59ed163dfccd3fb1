"""The pictures of an epoch."""

import numpy as np
import pytest

from nn.pictures.bank import Bank
from nn.pictures.mnist import Split
from nn.pictures.non_digits import NOT_A_DIGIT_CLASS
from nn.pictures.synthetic import MadeUp
from nn.recipes import Recipe


def pictures(count, level):
    """Pictures of one level of grey."""
    return np.full((count, 28, 28), level, np.uint8)


@pytest.mark.parametrize("copies", [1, 3])
def test_an_epoch_sees_every_digit_once_and_its_shares_of_written_digits_and_non_digits(copies):
    train = Split(pictures(100, 1), np.arange(100) % 2)
    made = MadeUp(pictures(copies * 100, 2), Split(pictures(20, 3), np.zeros(20, np.int64)), pictures(30, 4))
    recipe = Recipe(hidden=(8,), redrawn=0.5, written=0.1, non_digits=0.2)
    bank = Bank(recipe, train, made)
    rows = bank.epoch(np.random.default_rng(0))
    assert len(rows) == bank.examples_per_epoch == 130
    first_written = (1 + copies) * 100
    assert sorted(rows[rows < first_written] % 100) == list(range(100))
    assert set(rows[rows < first_written] // 100) == set(range(1 + copies))
    levels = bank.pictures.images[rows, 0, 0]
    assert (levels == 1).sum() == pytest.approx(50, abs=20)
    assert np.bincount(levels)[3:].tolist() == [10, 20]
    labels = bank.pictures.labels[rows]
    assert ((labels == NOT_A_DIGIT_CLASS) == (levels == 4)).all()
    assert (labels[levels < 3] == rows[levels < 3] % 2).all()
    assert (np.diff(rows) != 1).any()


@pytest.mark.parametrize(
    ("count", "shares", "examples"),
    [
        (45, {"written": 0.1}, 49),
        (45, {"written": 0.1, "non_digits": 0.1}, 53),
        (54_000, {"written": 0.2, "non_digits": 0.6}, 97_200),
    ],
)
def test_an_epoch_has_as_many_pictures_as_it_says(count, shares, examples):
    train, made = (Split(np.zeros((n, 1, 1), np.uint8), np.zeros(n, np.int64)) for n in (count, 20))
    bank = Bank(Recipe(hidden=(8,), **shares), train, MadeUp(made.images[:0], made, made.images))
    assert len(bank.epoch(np.random.default_rng(0))) == bank.examples_per_epoch == examples


def test_written_digits_do_not_need_redrawn_ones():
    train = Split(pictures(100, 1), np.arange(100) % 2)
    made = MadeUp(pictures(0, 2), Split(pictures(20, 3), np.zeros(20, np.int64)), pictures(0, 4))
    bank = Bank(Recipe(hidden=(8,), written=0.1), train, made)
    rows = bank.epoch(np.random.default_rng(0))
    assert np.bincount(bank.pictures.images[rows, 0, 0]).tolist() == [0, 100, 0, 10]


def test_without_made_up_pictures_an_epoch_is_the_training_images_in_another_order():
    bank = Bank(Recipe(), Split(pictures(50, 1), np.arange(50) % 10))
    first, second = (bank.epoch(np.random.default_rng(seed)) for seed in (0, 1))
    assert sorted(first) == sorted(second) == list(range(50))
    assert (first != second).any()
