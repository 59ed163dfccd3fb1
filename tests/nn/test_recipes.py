"""Recipes: what no run can follow is refused."""

import math
import re

import pytest

from nn.recipes import FULL_BATCH, Recipe


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"epochs": math.inf},
        {"warmup": math.inf},
        {"average": math.inf},
        {"batch_size": -5},
        {"l2": -1},
        {"l2": math.inf},
        {"l2": math.nan},
        {"l2": 1e300},
        {"seed": -1},
        {"label_smoothing": 3},
        {"dropout": 1.0},
        {"momentum": 1.0},
        {"lr": 0},
    ],
    ids=str,
)
def test_a_recipe_that_no_run_can_follow_is_refused(wrong):
    [(name, value)] = wrong.items()
    with pytest.raises(
        ValueError, match=rf"{name} must be from [\d.e,-]+ (on|to [\d.e+,]+), got {re.escape(str(value))}"
    ):
        Recipe(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"activation": "tanh"},
        {"initialization": "zeros"},
        {"optimizer": "adamw"},
        {"schedule": "linear"},
        {"kernel_size": 9},
    ],
    ids=str,
)
def test_what_is_none_of_the_choices_is_refused(wrong):
    [(name, value)] = wrong.items()
    with pytest.raises(ValueError, match=f"{name} must be one of .*, got {value!r}"):
        Recipe(**wrong)


def test_a_network_is_refused_whose_biases_make_it_too_large_to_be_loaded():
    with pytest.raises(ValueError, match="at most 16,777,216 parameters"):
        Recipe(hidden=(4096, 3303))


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_size": 32.5},
        {"epochs": 1.5},
        {"epochs": True},
        {"hidden": (12.7,)},
        {"hidden": (16, True)},
        {"hidden": 16},
        {"seed": 1.5},
        {"members": 1.0},
        {"kernel_size": 8.0},
    ],
    ids=str,
)
def test_a_part_of_what_is_counted_is_refused(wrong):
    [(name, value)] = wrong.items()
    with pytest.raises(ValueError, match=f"{name} must be (a whole number|whole numbers), got {re.escape(str(value))}"):
        Recipe(**wrong)


@pytest.mark.parametrize(("hidden", "members"), [((16, 9), 2), ((), 2)])
def test_members_need_equal_shares(hidden, members):
    with pytest.raises(ValueError, match="2 members cannot share"):
        Recipe(hidden=hidden, members=members)


@pytest.mark.parametrize("hidden", [(64, 32), ()])
def test_kernels_that_do_not_fit_are_refused(hidden):
    with pytest.raises(ValueError, match="kernels of 8 pixels need"):
        Recipe(hidden=hidden, kernel_size=8)


def test_a_convolution_does_not_take_all_images_in_one_step():
    with pytest.raises(ValueError, match="needs mini-batches"):
        Recipe(hidden=(50,), kernel_size=8, batch_size=FULL_BATCH)


@pytest.mark.parametrize("changes", [{"activation": "sigmoid"}, {"hidden": ()}, {"hidden": (4,) * 9}])
def test_only_a_few_hidden_layers_of_relu_units_can_be_quantized(changes):
    with pytest.raises(ValueError, match="hidden layers of relu units"):
        Recipe(quantize=True, **changes)
