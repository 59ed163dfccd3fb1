"""Quantization: weights of 8 bits, in a network that answers as before.

    quantize(model)                                   # W1 and W2 now hold integers from -127 to 127

Symmetric, with a scale for each channel, after training (Krishnamoorthi 2018, arXiv:1806.08342): each unit's scale is
the largest of its incoming weights over 127, and its weights are rounded to multiples of it. Nobody needs to remember
the scales. ReLU lets a positive factor through, relu(s z) = s relu(z), so a unit may as well be divided by its scale,
if whatever its output is multiplied by is multiplied by it (Nagel et al. 2019, arXiv:1906.04721):

    relu(x W1 + b1) W2  =  relu(x W1 / s + b1 / s) s W2        W1 / s is rounded, s W2 comes next

The last layer keeps real numbers, for there the scales have gathered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nn.mlp import MLP

LEVELS = 127  # on either side of zero
# Each layer makes the numbers that pass through it some five hundred times larger, and float32 ends at 10^38.
MOST_LAYERS = 8


def quantize(model: MLP) -> None:
    """Rounds the weights of all layers but the last, in place.

    Raises:
        ValueError: its activation is not relu, which alone lets a factor through, or it has too many layers.
    """
    if model.activation != "relu" or len(model.hidden) > MOST_LAYERS:
        raise ValueError(f"only networks of up to {MOST_LAYERS} layers of relu units can be quantized, not {model!r}")
    layers = zip(model.weights[:-1], model.biases[:-1], model.weights[1:], strict=True)
    for W, b, following in layers:
        scales = np.abs(W).max(axis=-2, keepdims=True) / LEVELS  # (1, fan_out), or that of each member
        scales[scales == 0] = 1  # nothing leads to this unit
        W /= scales
        np.rint(W, out=W)
        b /= scales.ravel()
        outgoing = following.reshape(scales.size, -1)  # a row for each unit
        outgoing *= scales.reshape(-1, 1)


def lossless_cast(array: np.ndarray, *dtypes: type) -> np.ndarray:
    """The same numbers in the first of these dtypes that holds them all exactly, or in their own if none does."""
    for dtype in dtypes:
        with np.errstate(over="ignore", invalid="ignore"):  # what does not fit turns into another number
            cast = array.astype(dtype)
        if np.array_equal(cast, array):
            return cast
    return array
