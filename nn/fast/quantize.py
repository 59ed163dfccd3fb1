"""Quantization: weights of 8 bits, in a network that answers as before.

    quantize(model)                                   # W1 and W2 now hold integers from -127 to 127

It is symmetric, with a scale for each channel, after training (Krishnamoorthi 2018, arXiv:1806.08342): the scale of a
unit is the largest of its incoming weights over 127, and its weights are rounded to multiples of the scale. Nobody has
to remember the scales. ReLU lets a positive factor through, relu(s z) = s relu(z), so a unit may be divided by its
scale if the weights that its output meets are multiplied by it (Nagel et al. 2019, arXiv:1906.04721):

    relu(x W1 + b1) W2  =  relu(x W1 / s + b1 / s) s W2        W1 / s is rounded, s W2 comes next

The largest of four sums lets a factor through as well, so kernels are rounded like any W. So does a linear layer.

The last layer keeps real numbers, for there the scales have gathered.
"""

from __future__ import annotations

import numpy as np

from nn.mlp import MLP
from nn.recipes import MOST_QUANTIZED

LEVELS = 127  # on either side of zero


def quantize(model: MLP) -> None:
    """Rounds the weights of all layers but the last, in place.

    Raises ValueError when the activation is not relu, which alone lets a factor through, or there are too many layers.
    """
    if model.activation != "relu" or len(model.hidden) > MOST_QUANTIZED:
        raise ValueError(f"only up to {MOST_QUANTIZED} layers of relu units can be quantized, not {model!r}")
    weights, biases = model.views(model.theta)
    for W, b, following in zip(weights[:-1], biases[:-1], weights[1:], strict=True):
        scales = np.abs(W).max(axis=-2, keepdims=True) / LEVELS  # (1, fan_out), or that of each member
        scales[scales == 0] = 1  # nothing leads to this unit
        W /= scales
        np.rint(W, out=W)
        # Units that share a kernel share its scale: a row of scales for each member, and of units for each position.
        scales = scales.reshape(model.members, 1, -1)
        b = b.reshape(model.members, -1, scales.shape[2])
        b /= scales
        outgoing = following.reshape(*b.shape, -1)
        outgoing *= scales[..., None]
