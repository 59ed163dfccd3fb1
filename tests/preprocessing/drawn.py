"""A drawn 7, its tensor, and how unlike two tensors are."""

import numpy as np
from pictures import draw_stroke
from PIL import Image

from preprocessing import to_mnist


def seven(size=400, brush=24, at=(100, 100), side=200, ink="black", paper="white", mode="RGB"):
    """A drawn 7 whose bar and leg fill a square of `side` pixels at `at`."""
    x, y = at
    image = Image.new(mode, (size, size), paper)
    draw_stroke(image, [(x, y), (x + side * 0.8, y), (x + side * 0.3, y + side)], brush, ink)
    return image


def difference(a, b):
    """Mean absolute difference of two tensors, as a share of their ink."""
    return np.abs(a - b).sum() / max(a.sum(), b.sum())


def unlikeness(a, b):
    """As `difference`, of tensors that may lie a pixel apart."""
    moves = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return min(difference(np.roll(a, move, (0, 1)), b) for move in moves)


REFERENCE = to_mnist(seven())
