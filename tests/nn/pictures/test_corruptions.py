"""Damaged digits, as MNIST-C damages them."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from nn.pictures.corruptions import CORRUPTIONS, corrupt


def digits(n=3):
    """(n, 28, 28) uint8: sevens that lean more and more."""
    images = []
    for i in range(n):
        image = Image.new("L", (28, 28))
        ImageDraw.Draw(image).line([(7, 6), (20, 6), (11 + i, 22)], fill=255, width=3)
        images.append(np.asarray(image))
    return np.stack(images)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_gives_another_picture_of_the_same_kind_and_the_same_one_for_the_same_seed(name):
    images = digits()
    copies = corrupt(images, name, seed=1)
    assert (copies.shape, copies.dtype) == (images.shape, np.uint8)
    assert all((copy != image).any() for copy, image in zip(copies, images, strict=True))
    assert (copies == corrupt(images, name, seed=1)).all()
    assert (copies[:2] == corrupt(images[:2], name, seed=1)).all()


@pytest.mark.parametrize("name", sorted(set(CORRUPTIONS) - {"scale", "brightness", "stripe", "canny_edges"}))
def test_what_is_random_differs_from_seed_to_seed(name):
    images = digits(10)
    assert (corrupt(images, name, seed=1) != corrupt(images, name, seed=2)).any()


# argument: values from mild to severe
SEVERITIES = {
    "shot_noise": {"photons": [60, 25, 12, 5, 3]},
    "impulse_noise": {"share": [0.03, 0.06, 0.09, 0.17, 0.27]},
    "shear": {"amount": [0.2, 0.4, 0.6]},
    "scale": {"factor": [0.9, 0.8, 0.7, 0.6, 0.5]},
    "rotate": {"radians": [0.2, 0.4, 0.6]},
    "brightness": {"lift": [0.1, 0.2, 0.3, 0.4, 0.5]},
    "motion_blur": {"sigma": [1, 3, 8]},
    "glass_blur": {"sigma": [0.7, 0.9, 1.5]},
}


@pytest.mark.parametrize("name", SEVERITIES)
def test_a_higher_severity_changes_more(name):
    ((argument, values),) = SEVERITIES[name].items()
    images = digits(8) / 255
    changes = []
    for value in values:
        copies = [CORRUPTIONS[name](x, np.random.default_rng(0), **{argument: value}) for x in images]
        changes.append(np.abs(np.clip(copies, 0, 1) - images).mean())
    assert changes == sorted(changes)


def test_an_image_is_damaged_alike_whatever_images_stand_beside_it():
    images = digits()
    others = images.copy()
    others[[0, 2]] = 255
    for name in CORRUPTIONS:
        assert (corrupt(images, name)[1] == corrupt(others, name)[1]).all()


def test_stripes_are_the_negative_of_both_outer_quarters():
    image = digits(1)
    copy = corrupt(image, "stripe")
    assert (copy[:, :, 7:21] == image[:, :, 7:21]).all()
    for side in (np.s_[:, :, :7], np.s_[:, :, 21:]):
        assert (copy[side] == 255 - image[side]).all()


def test_a_scaled_digit_is_smaller():
    image = digits(1)
    assert np.ptp(np.nonzero(corrupt(image, "scale"))[1]) < 0.9 * np.ptp(np.nonzero(image)[1])


def test_a_dotted_line_has_gaps_of_two_columns():
    line = CORRUPTIONS["dotted_line"](np.zeros((28, 28)), np.random.default_rng(0)).any(axis=0)
    assert (line[:24] == np.tile([False, False, True, True], 6)).all()


def test_a_zigzag_has_a_tooth_every_four_columns():
    turns = []
    for seed in range(10):
        line = CORRUPTIONS["zigzag"](np.zeros((28, 28)), np.random.default_rng(seed))
        assert not line[:, [0, 1, 26, 27]].any()
        inner = line[:, 5:23]
        middle = np.arange(28) @ inner / np.maximum(inner.sum(axis=0), 1e-9)  # the row it is in, column by column
        turns.append(np.count_nonzero(np.diff(np.sign(np.diff(middle)))))
    assert np.median(turns) >= 4


def test_translation_by_three_pixels_moves_the_digit_by_three():
    image = digits(1)[0]
    moved = [np.roll(image, shift, (0, 1)) for shift in ((3, 3), (3, -3), (-3, 3), (-3, -3))]
    copy = corrupt(image[None], "translate")[0]
    assert any((copy == other).all() for other in moved)


def test_rotation_leaves_the_middle_where_it_is():
    image = np.zeros((28, 28), np.uint8)
    image[13:15, 13:15] = 255
    assert corrupt(image[None], "rotate")[0][13:15, 13:15].min() > 200


def test_edges_of_a_filled_square_are_its_outline():
    image = np.zeros((28, 28), np.uint8)
    image[8:20, 8:20] = 255
    edges = corrupt(image[None], "canny_edges")[0] > 0
    assert not edges[11:17, 11:17].any()
    assert edges[7:21, 14].sum() == edges[14, 7:21].sum() == 2
