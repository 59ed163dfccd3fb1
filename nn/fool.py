"""Adversarial examples: a small change of the pixels that makes a network see another digit.

    fooled = fool(model, pixels, target=3, strength=0.25)

Training asks how the loss depends on the weights, and changes the weights. Here the same backward pass goes one layer
further, to the pixels, and changes those:

    dL/dX = delta1 W1^T                                      dL/dh of a layer in nn/README.md, here for layer 1
    X <- X - step * sign(dL/dX)                              at most `strength` away from where it was, and in [0, 1]

One such step is the fast gradient sign method (Goodfellow, Shlens and Szegedy 2014, arXiv:1412.6572). Small steps
towards a chosen target are its iterated form (Kurakin, Goodfellow and Bengio 2016, arXiv:1607.02533).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nn.backprop import Backprop
from nn.convolution import transposed
from nn.functions import one_hot, softmax
from nn.inside import as_row, check_class
from nn.mlp import MLP

# What a step adds to a pixel or takes from it: a fiftieth of the way from black to white.
STEP = 0.02
# As many steps as a pixel needs from black to white and back: a network that is not fooled by then will not be.
MOST_STEPS = 100


class Fooled(NamedTuple):
    """A picture that was changed until the network saw the target, or could not be changed further."""

    pixels: np.ndarray  # (784,) in [0, 1]
    before: np.ndarray  # (classes,) probabilities: the softmax of the logits
    after: np.ndarray  # (classes,)
    steps: int
    success: bool  # the target is now the most probable class


def pixel_gradient(model: MLP, pixels: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, float]:
    """Pixels (784,) and targets (classes,) -> dL/dpixels (784,) of the cross-entropy, and the loss.

    Raises ValueError when there are too few pixels or too many, or the network consists of joined members.
    """
    backprop = Backprop(model, batch_size=1)
    x = model.normalize(as_row(model, pixels))
    loss = backprop(x, targets[None])
    delta1 = backprop.db[0]  # dL/db1 of a batch of one: the sum over the batch is delta1 itself
    dx = delta1[None] @ transposed(model.weights[0], x)
    return dx[0] / model.theta.dtype.type(model.std), loss  # X was divided by std


def fool(model: MLP, pixels: np.ndarray, target: int, strength: float = 0.25) -> Fooled:
    """Changes each pixel by at most `strength`, until the target is the most probable class.

    Args:
        model: a single network. Joined members cannot be used; `weights/small` can.
        pixels: (784,) in [0, 1].
        target: the class to be seen.
        strength: the largest change of a pixel, in [0, 1]; 0 changes nothing.

    Raises:
        ValueError: there is no such class, the strength is not in [0, 1], there are too few pixels or too many, or the
            network consists of joined members.
    """
    check_class(model, target)
    if not 0 <= strength <= 1:
        raise ValueError(f"expected a strength from 0 to 1, got {strength}")
    start, dtype = as_row(model, pixels)[0], model.theta.dtype
    targets = one_hot(np.array([target]), model.classes, dtype=dtype)[0]
    lowest = np.maximum(start - dtype.type(strength), 0)
    highest = np.minimum(start + dtype.type(strength), 1)
    x, steps = start.copy(), 0
    before = after = softmax(model.forward(x[None]))[0]
    while after.argmax() != target and steps < MOST_STEPS:
        gradient, _ = pixel_gradient(model, x, targets)
        moved = np.clip(x - dtype.type(STEP) * np.sign(gradient), lowest, highest)
        if np.array_equal(moved, x):  # every pixel is as far as it may go
            break
        x, steps = moved, steps + 1
        after = softmax(model.forward(x[None]))[0]
    return Fooled(x, before, after, steps, bool(after.argmax() == target))
