"""Recipes: what no run can follow is refused."""

import pytest

from nn.recipes import FULL_BATCH, Recipe


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"batch_size": -5}, {"l2": -1}, {"label_smoothing": 3}, {"lr": 0}])
def test_a_recipe_that_no_run_can_follow_is_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be from"):
        Recipe(**wrong)


@pytest.mark.parametrize(("hidden", "members"), [((16, 9), 2), ((), 2)])
def test_members_need_equal_shares(hidden, members):
    with pytest.raises(ValueError, match="2 members cannot share"):
        Recipe(hidden=hidden, members=members)


@pytest.mark.parametrize(
    "changes", [{"kernel_size": 9}, {"hidden": (64, 32), "kernel_size": 8}, {"hidden": (), "kernel_size": 8}]
)
def test_kernels_that_do_not_fit_are_refused(changes):
    with pytest.raises(ValueError, match=r"a kernel has|kernels of 8 pixels need"):
        Recipe(**changes)


def test_a_convolution_does_not_take_all_images_in_one_step():
    with pytest.raises(ValueError, match="needs mini-batches"):
        Recipe(hidden=(50,), kernel_size=8, batch_size=FULL_BATCH)


@pytest.mark.parametrize("changes", [{"activation": "sigmoid"}, {"hidden": ()}, {"hidden": (4,) * 9}])
def test_only_a_few_hidden_layers_of_relu_units_can_be_quantized(changes):
    with pytest.raises(ValueError, match="hidden layers of relu units"):
        Recipe(quantize=True, **changes)
