"""Recipes: what no run can follow is refused."""

import pytest

from nn.recipes import Recipe


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"batch_size": -5}, {"l2": -1}, {"label_smoothing": 3}, {"lr": 0}])
def test_a_recipe_that_no_run_can_follow_is_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be from"):
        Recipe(**wrong)


@pytest.mark.parametrize(("hidden", "members"), [((16, 9), 2), ((), 2)])
def test_members_need_equal_shares(hidden, members):
    with pytest.raises(ValueError, match="2 members cannot share"):
        Recipe(hidden=hidden, members=members)


@pytest.mark.parametrize("changes", [{"window": 9}, {"hidden": (64, 32), "window": 8}, {"hidden": (), "window": 8}])
def test_windows_need_equal_shares(changes):
    with pytest.raises(ValueError, match=r"a window has|windows of 8 pixels need"):
        Recipe(**changes)


@pytest.mark.parametrize("changes", [{"activation": "sigmoid"}, {"hidden": ()}, {"hidden": (4,) * 9}])
def test_only_a_few_hidden_layers_of_relu_units_can_be_quantized(changes):
    with pytest.raises(ValueError, match="hidden layers of relu units"):
        Recipe(quantize=True, **changes)
