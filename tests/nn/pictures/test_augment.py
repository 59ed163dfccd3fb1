"""Distorted copies of digits."""

import numpy as np
import pytest

import weights
from nn.pictures import mnist
from nn.pictures.augment import Distortion, distort


@pytest.mark.parametrize(("name", "limits"), [("rotation", "0 to 180"), ("elastic_sigma", "1 to 28")])
def test_a_distortion_that_leaves_nothing_of_a_digit_is_refused(name, limits):
    with pytest.raises(ValueError, match=f"{name} of a distortion must be from {limits}, got 999"):
        Distortion(**{name: 999})


def test_no_distortion_leaves_images_as_they_are():
    images = np.random.default_rng(0).integers(0, 256, (10, 28, 28), np.uint8)
    still = distort(images, np.random.default_rng(0), Distortion(0, 0, 0, 0, 0))
    np.testing.assert_allclose(still, images.reshape(10, 784) / 255, atol=1e-6)


def test_a_shift_moves_ink_by_that_many_pixels():
    images = np.zeros((400, 28, 28), np.uint8)
    images[:, 14, 14] = 255
    moved = distort(images, np.random.default_rng(0), Distortion(0, 0, 0, shift=3.0, elastic=0)).reshape(-1, 28, 28)
    np.testing.assert_allclose(moved.sum(axis=(1, 2)), 1, atol=1e-5)  # a pixel is spread over its neighbours, not lost
    x = moved.sum(axis=1) @ np.arange(28) - 14
    assert -3 <= x.min() < -2.5
    assert 2.5 < x.max() <= 3


def test_sharpening_adds_what_a_pixel_has_more_than_its_neighbours():
    images = np.full((500, 28, 28), 100, np.uint8)
    images[:, 10, 10] = 140  # 40 above its neighbours; each of these is 10 below the mean of its own
    sharpened = distort(images, np.random.default_rng(0), Distortion(0, 0, 0, 0, 0, sharpening=0.5)).reshape(-1, 28, 28)
    sharpened = sharpened * 255
    amounts = (sharpened[:, 10, 10] - 140) / 40
    assert 0 <= amounts.min() < 0.02
    assert 0.48 < amounts.max() <= 0.5 + 1e-5
    np.testing.assert_allclose(sharpened[:, 10, 11], 100 - 10 * amounts, atol=1e-3)
    np.testing.assert_allclose(sharpened[:, 12, 12], 100, atol=1e-3)
    assert distort(images + 115, np.random.default_rng(0), Distortion(sharpening=1.0)).max() <= 1


def test_a_share_of_the_images_is_left_as_it_is():
    images = np.random.default_rng(0).integers(0, 256, (1000, 28, 28), np.uint8)
    copies = distort(images, np.random.default_rng(0), Distortion(sharpening=1.0, unchanged=0.2))
    alone = (np.abs(copies - images.reshape(1000, 784) / 255) < 1e-6).all(axis=1)
    assert 0.15 < alone.mean() < 0.25


def test_distorted_digits_stay_recognisable_and_differ(mnist_dir):
    digits = mnist.load(mnist_dir).validation[:500]
    copies = distort(digits.images, np.random.default_rng(0))
    assert (np.abs(copies - digits.pixels()).mean(axis=1) > 0.01).all()
    assert (weights.load().predict_proba(copies)[:, :10].argmax(axis=1) == digits.labels).mean() > 0.9
