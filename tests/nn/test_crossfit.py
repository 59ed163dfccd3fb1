"""Cross-fitting: every image is unseen by two members and trains the others."""

import numpy as np
import pytest

import weights
from nn import MLP, crossfit
from nn.calibrate import Calibration
from nn.fast.committee import joined
from nn.fast.quantize import quantize
from nn.pictures.mnist import Dataset, Split
from nn.recipes import Recipe
from nn.runs import fit


def numbered(count):
    """Images that carry their number in their first pixels, nine tenths of them for training."""
    images = np.random.default_rng(0).integers(0, 60, (count, 28, 28), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.divmod(np.arange(count), 256)
    labels = np.arange(count) % 10
    for image, label in zip(images, labels, strict=True):
        image[4:24, 2 * label + 4] = 255
    kept = count * 9 // 10
    return Dataset(
        Split(images[:kept], labels[:kept]), Split(images[kept:], labels[kept:]), Split(images[:0], labels[:0])
    )


def numbers(split):
    return set((split.images[:, 0, 0].astype(int) * 256 + split.images[:, 0, 1]).tolist())


@pytest.mark.parametrize("members", [3, 4])
def test_members_together_see_every_image_and_each_holds_out_a_tenth(members):
    dataset = numbered(400)
    parts = [crossfit.dataset_of(dataset, members, number) for number in range(1, members + 1)]
    assert all(len(part.train) == 360 and len(part.validation) == 40 for part in parts)
    assert all(numbers(part.train) | numbers(part.validation) == set(range(400)) for part in parts)
    assert set.union(*(numbers(part.train) for part in parts)) == set(range(400))


def test_every_block_is_unseen_by_the_two_members_it_comes_with():
    dataset, models = numbered(400), [MLP((1,), seed=seed) for seed in range(4)]
    trained_on = {
        model: numbers(crossfit.dataset_of(dataset, 4, number).train) for number, model in enumerate(models, start=1)
    }
    found = list(crossfit.unseen(dataset, models))
    assert len(set.union(*(numbers(block) for block, _ in found))) == 80
    for block, pair in found:
        assert {model for model in models if not numbers(block) & trained_on[model]} == set(pair)


def test_too_few_images_for_blocks_are_refused():
    with pytest.raises(ValueError, match="cannot hold out"):
        crossfit.blocks(8, 4)


def test_the_temperature_of_a_committee_lies_on_the_line_through_single_members_and_pairs():
    assert crossfit.extrapolated(1.4, 1.2, 2) == pytest.approx(1.2)
    assert crossfit.extrapolated(1.4, 1.2, 4) == pytest.approx(1.0 + 0.4 / 4)
    Calibration(crossfit.extrapolated(4.0, 1.7, 10))  # the line alone ends below 0, which is no temperature


def test_quantizing_members_and_joining_them_is_quantizing_the_whole():
    models = [MLP((8, 6), seed=seed) for seed in range(4)]
    whole = joined(models)
    quantize(whole)
    for model in models:
        quantize(model)
    np.testing.assert_array_equal(joined(models).theta, whole.theta)


def test_a_cross_fitted_run_repeats_bit_for_bit_and_says_what_its_pairs_answer_to_unseen_images(tmp_path):
    recipe = Recipe(hidden=(32,), members=4, cross_fit=True, epochs=12, batch_size=32, quantize=True, non_digits=0.0)
    for run in ("once", "again"):
        fit(recipe, numbered(400), tmp_path / run)
    once, again = ((tmp_path / run / "model.safetensors").read_bytes() for run in ("once", "again"))
    assert once == again
    model = weights.load(tmp_path / "once")
    assert model.info["training"]["cross_fit"]
    assert model.info["training"]["unseen_by_pairs"]["images"] == 80
    assert model.info["training"]["unseen_by_pairs"]["errors"] < 20
    assert model.calibration.temperature != 1


@pytest.mark.parametrize("members", [1, 2])
def test_fewer_than_three_members_cannot_be_cross_fitted(members):
    with pytest.raises(ValueError, match=f"3 members or more, got {members}: fewer would all hold out the same images"):
        Recipe(members=members, cross_fit=True)
