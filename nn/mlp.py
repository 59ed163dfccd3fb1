"""The network: a multilayer perceptron, whose first layer may be a convolution, from pixels to probabilities.

    X (n, 784)       h = X, normalised
    hidden layers    z = h @ W + b,  h = activation(z)
    last layer       logits (n, classes) = h @ W + b
    calibration      probabilities (n, classes): softmax of the logits, with one temperature or two

A hidden layer may be linear, h = z. The weights before and after it are then one matrix of low rank, in two parts with
fewer numbers (Sainath et al. 2013, "Low-rank matrix factorization for deep neural network training with
high-dimensional output targets").

This file says what a trained network is and how it answers. backprop.py says how it learns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from nn.calibrate import SMALLEST_DIVISOR, Calibration
from nn.convolution import SIDE, Convolution, check_kernel_size, positions
from nn.functions import ACTIVATIONS, INITIALIZATIONS, LINEAR
from nn.limits import MAX_LAYERS

PIXELS = SIDE * SIDE  # row by row
DIGITS = 10

# Rows that go through the network at once. This is large enough for matrix products at full speed, and small enough
# that a million images need no more memory for activations than a thousand.
CHUNK_ROWS = 1024


class MLP:
    """A multilayer perceptron with any number of hidden layers (none is multinomial logistic regression).

    Args:
        hidden: width of each hidden layer, first to last, 1 or more.
        activation: "relu" or "sigmoid", for all hidden layers but the linear ones.
        linear: which of the hidden layers have no activation, counted from 0; their weights start like the others.
        seed: of the random initial weights; None leaves them at zero, for a caller who fills them in.
        kernel_size: the first layer is a convolution with kernels of so many pixels along an edge, pooled
            (convolution.py); 0: its units weigh all pixels.
        inputs, classes: sizes of the first and last layer; an eleventh class is "not a digit".
        initialization: "he" or "xavier", for all layers; None takes the one that suits the activation.
        mean, std: input normalisation, x -> (x - mean) / std.
        calibration: turns logits into probabilities.
        dtype: float32; float64 is for gradient checks alone.

    Raises ValueError for an unknown activation or initialization, a width below 1, a std below SMALLEST_DIVISOR, and
    for kernels or linear layers that do not fit the widths.

    All parameters live in one vector `theta`. `weights[i]` (fan_in, fan_out) and `biases[i]` (fan_out,) are views of
    it, so an optimizer can treat the network as a single vector while the formulas below read like the maths. With
    kernels, `weights[0]` is a Convolution around its view.
    """

    members = 1  # nn/fast/committee.py joins several networks into one

    def __init__(
        self,
        hidden: Sequence[int] = (256, 128),
        activation: str = "relu",
        seed: int | None = 0,
        *,
        linear: Sequence[int] = (),
        kernel_size: int = 0,
        inputs: int = PIXELS,
        classes: int = DIGITS,
        initialization: str | None = None,
        mean: float = 0.0,
        std: float = 1.0,
        calibration: Calibration | None = None,
        dtype: type = np.float32,
    ) -> None:
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {sorted(ACTIVATIONS)}, got {activation!r}")
        initialization = initialization or ACTIVATIONS[activation].initialization
        if initialization not in INITIALIZATIONS:
            raise ValueError(f"initialization must be one of {sorted(INITIALIZATIONS)}, got {initialization!r}")
        self.widths = (inputs, *(int(width) for width in hidden), int(classes))
        if min(self.widths) < 1:
            raise ValueError(f"every layer needs at least one unit, got widths {self.widths}")
        check_linear(linear, len(self.widths) - 2)
        if not (math.isfinite(mean) and SMALLEST_DIVISOR <= std < math.inf):
            raise ValueError(
                f"mean and std must be finite, and std at least {SMALLEST_DIVISOR:g}; got {mean} and {std}"
            )
        if kernel_size:
            check_kernel_size(kernel_size, self.widths, self.members)
        self.kernel_size, self.activation, self.mean, self.std = kernel_size, activation, float(mean), float(std)
        self.linear = tuple(linear)
        self.activations = [LINEAR if i in linear else ACTIVATIONS[activation] for i in range(len(self.widths) - 2)]
        self.calibration = calibration or Calibration()
        self.info = {}  # what else config.json says of this network: how it was trained, what it scored

        self.theta = np.zeros(size(self.shapes, self.widths), dtype)
        self.weights, self.biases = self.matrices()
        if seed is not None:
            rng = np.random.default_rng(seed)
            for W in self.views(self.theta)[0]:
                W[...] = rng.standard_normal(W.shape, np.float32) * INITIALIZATIONS[initialization](*W.shape)

    @property
    def hidden(self) -> tuple[int, ...]:
        return self.widths[1:-1]

    @property
    def classes(self) -> int:
        return self.widths[-1]

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shape of each layer's weights in `theta`: (fan_in, fan_out), or that of kernels."""
        return shapes(self.widths, self.kernel_size)

    def views(self, vector: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """The weights and biases inside a vector that is laid out like `theta`, such as a gradient, as views."""
        weights, biases, start = [], [], 0
        for shape, fan_out in zip(self.shapes, self.widths[1:], strict=True):
            end = start + math.prod(shape)
            weights.append(vector[start:end].reshape(shape))
            biases.append(vector[end : end + fan_out])
            start = end + fan_out
        return weights, biases

    def matrices(self) -> tuple[list[np.ndarray | Convolution], list[np.ndarray]]:
        """What `weights` and `biases` are: views of `theta`, and a Convolution around its kernels."""
        weights, biases = self.views(self.theta)
        return ([Convolution(weights[0], self.members), *weights[1:]] if self.kernel_size else weights), biases

    @property
    def layers(self) -> str:
        """`784-1600-(64)-375-11`: the widths, those of linear layers in parentheses."""
        linear = {i + 1 for i in self.linear}
        return "-".join(f"({width})" if i in linear else str(width) for i, width in enumerate(self.widths))

    def __repr__(self) -> str:
        return f"MLP({self.layers}, {self.activation}, {self.theta.size:,} parameters)"

    def normalize(self, X: np.ndarray) -> np.ndarray:
        """Pixels (n, inputs) in [0, 1] -> the numbers that the first layer sees, same shape."""
        return X if (self.mean, self.std) == (0, 1) else (X - self.mean) / self.std

    def forward(self, X: np.ndarray, trace: list | None = None) -> np.ndarray:
        """Pixels (n, inputs) in [0, 1] -> logits (n, classes). A list `trace` collects (z, h) of each hidden layer."""
        h = self.normalize(X)
        for W, b, activation in zip(self.weights[:-1], self.biases[:-1], self.activations, strict=True):
            z = h @ W + b  # (n, fan_in) @ (fan_in, fan_out) + (fan_out,) -> (n, fan_out)
            h = activation.forward(z)
            if trace is not None:
                trace.append((z, h))
        return h @ self.weights[-1] + self.biases[-1]

    def logits(self, X: np.ndarray) -> np.ndarray:
        """Pixels (n, inputs) in [0, 1] -> logits (n, classes), for any n. X is cast to the network's dtype.

        Raises ValueError when X is not (n, inputs). The values of X are not checked.
        """
        X = np.asarray(X)
        if X.ndim != 2 or X.shape[1] != self.widths[0]:
            raise ValueError(f"expected X of shape (n, {self.widths[0]}), got {X.shape}")
        logits = np.empty((len(X), self.classes), self.theta.dtype)
        for start in range(0, len(X), CHUNK_ROWS):
            chunk = np.asarray(X[start : start + CHUNK_ROWS], self.theta.dtype)  # one chunk at a time is converted
            logits[start : start + CHUNK_ROWS] = self.forward(chunk)
        return logits

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Pixels (n, 784) in [0, 1], white ink on black in MNIST's frame -> probabilities (n, classes), rows sum to 1.

        Column d is digit d; an eleventh column, if there is one, is "not a digit". Takes and raises as `logits` does.
        """
        return self.calibration.probabilities(self.logits(X))


def check_linear(linear: Sequence[int], hidden: int) -> None:
    """Raises ValueError unless each is another number of one of so many hidden layers, counted from 0."""
    if linear and not hidden:
        raise ValueError(f"a network without hidden layers has no linear ones, got {list(linear)[:MAX_LAYERS]}")
    if any(type(i) is not int or not 0 <= i < hidden for i in linear) or len(set(linear)) < len(linear):
        raise ValueError(
            f"linear layers are numbers from 0 to {hidden - 1}, each at most once, got {list(linear)[:MAX_LAYERS]}"
        )


def shapes(widths: Sequence[int], kernel_size: int = 0) -> list[tuple[int, ...]]:
    """The shapes of the weights of one network with layers of these widths."""
    found = list(pairwise(widths))
    return [(kernel_size**2, widths[1] // positions(kernel_size)), *found[1:]] if kernel_size else found


def size(shapes: Sequence[tuple[int, ...]], widths: Sequence[int]) -> int:
    """The number of parameters of layers of these widths: weights of these shapes, and a bias for each unit."""
    return sum(map(math.prod, shapes)) + sum(widths[1:])
