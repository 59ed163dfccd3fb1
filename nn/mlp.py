"""The network: a multilayer perceptron from pixels to probabilities.

    X (n, 784)  -> normalise -> [ h @ W + b -> activation ] for each hidden layer -> h @ W + b = logits (n, classes)
    logits      -> softmax(logits / temperature) = probabilities

This file holds what a trained network is and how it answers. How it learns stands in backprop.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from nn.functions import ACTIVATIONS, INITIALIZATIONS, softmax

PIXELS = 784  # MNIST's frame, 28x28, row by row
DIGITS = 10

# Dividing by less than this turns ordinary numbers into infinity in float32.
SMALLEST = 1e-6

# Rows that go through the network at once. Large enough for the matrix products to run at full speed, small enough
# that a million images need no more memory for activations than a thousand.
CHUNK_ROWS = 1024

# A single row with fewer non-zeros than this share of its length is multiplied by these alone. The rows of W that they
# meet are copied first: beyond a quarter of them that costs more than it saves, if W is still in the processor's cache.
FEW = 0.25


class MLP:
    """A fully connected network with any number of hidden layers (none is multinomial logistic regression).

    Args:
        hidden: width of each hidden layer, first to last.
        activation: "relu" or "sigmoid", for all hidden layers.
        seed: of the random initial weights.
        inputs, classes: sizes of the first and last layer; an eleventh class is "not a digit".
        initialization: "he" or "xavier"; None takes the one that suits the activation.
        mean, std: input normalisation, x -> (x - mean) / std.
        temperature: divides the logits before softmax (Guo et al. 2017); 1 leaves them alone.
        dtype: float32; float64 is for gradient checks alone.

    All parameters live in one vector `theta`; `weights[i]` (fan_in, fan_out) and `biases[i]` (fan_out,) are views of
    it, so an optimizer can treat the network as a single vector while the formulas below read like the maths.
    """

    def __init__(
        self,
        hidden: Sequence[int] = (256, 128),
        activation: str = "relu",
        seed: int = 0,
        *,
        inputs: int = PIXELS,
        classes: int = DIGITS,
        initialization: str | None = None,
        mean: float = 0.0,
        std: float = 1.0,
        temperature: float = 1.0,
        dtype: type = np.float32,
    ) -> None:
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {sorted(ACTIVATIONS)}, got {activation!r}")
        initialization = initialization or ACTIVATIONS[activation].initialization
        if initialization not in INITIALIZATIONS:
            raise ValueError(f"initialization must be one of {sorted(INITIALIZATIONS)}, got {initialization!r}")
        self.widths = (inputs, *(int(width) for width in hidden), classes)
        if min(self.widths) < 1:
            raise ValueError(f"every layer needs at least one unit, got widths {self.widths}")
        if not (SMALLEST <= temperature < math.inf and SMALLEST <= std < math.inf and math.isfinite(mean)):
            given = f"{mean}, {std} and {temperature}"
            raise ValueError(f"mean, std and temperature must be finite, the last two positive; got {given}")
        self.activation = activation
        self.mean, self.std, self.temperature = float(mean), float(std), float(temperature)
        self.info = {}  # what else config.json says of this network: how it was trained, what it scored

        shapes = list(zip(self.widths[:-1], self.widths[1:], strict=True))
        self.theta = np.zeros(sum(fan_in * fan_out + fan_out for fan_in, fan_out in shapes), dtype)
        self.weights, self.biases = self.views(self.theta)
        rng = np.random.default_rng(seed)
        for W in self.weights:
            W[...] = rng.standard_normal(W.shape, np.float32) * INITIALIZATIONS[initialization](*W.shape)

    def views(self, vector: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """The weight matrices and bias vectors inside a vector laid out like `theta` (a gradient, say), as views."""
        weights, biases, start = [], [], 0
        for fan_in, fan_out in zip(self.widths[:-1], self.widths[1:], strict=True):
            end = start + fan_in * fan_out
            weights.append(vector[start:end].reshape(fan_in, fan_out))
            biases.append(vector[end : end + fan_out])
            start = end + fan_out
        return weights, biases

    @property
    def hidden(self) -> tuple[int, ...]:
        return self.widths[1:-1]

    @property
    def classes(self) -> int:
        return self.widths[-1]

    def __repr__(self) -> str:
        return f"MLP({'-'.join(map(str, self.widths))}, {self.activation}, {self.theta.size:,} parameters)"

    def normalize(self, X: np.ndarray) -> np.ndarray:
        """Pixels (n, inputs) in [0, 1] -> the numbers the first layer sees, same shape."""
        return X if (self.mean, self.std) == (0, 1) else (X - self.mean) / self.std

    def logits(self, X: np.ndarray, progress: Callable[[int], object] | None = None) -> np.ndarray:
        """Pixels (n, inputs) in [0, 1] -> logits (n, classes), before softmax and temperature.

        `progress`, such as the `update` of a progress bar, is called with the number of rows that were just done.

        Raises:
            ValueError: X is not (n, inputs).
        """
        X = np.asarray(X)
        if X.ndim != 2 or X.shape[1] != self.widths[0]:
            raise ValueError(f"expected X of shape (n, {self.widths[0]}), got {X.shape}")
        logits = np.empty((len(X), self.classes), self.theta.dtype)
        for start in range(0, len(X), CHUNK_ROWS):
            rows = slice(start, start + CHUNK_ROWS)
            chunk = np.asarray(X[rows], self.theta.dtype)  # a million rows of another type are not copied at once
            logits[rows] = self._forward(chunk)
            if progress:
                progress(len(chunk))
        return logits

    def _forward(self, X: np.ndarray) -> np.ndarray:
        activate = ACTIVATIONS[self.activation].forward
        h = self.normalize(X)
        for W, b in zip(self.weights[:-1], self.biases[:-1], strict=True):
            z = product(h, W)  # (n, fan_in) @ (fan_in, fan_out) -> (n, fan_out)
            z += b
            h = activate(z, out=z)
        return product(h, self.weights[-1]) + self.biases[-1]  # (n, fan_in) @ (fan_in, classes) -> (n, classes)

    def predict_proba(self, X: np.ndarray, progress: Callable[[int], object] | None = None) -> np.ndarray:
        """Pixels (n, 784) in [0, 1], white ink on black in MNIST's frame -> probabilities (n, classes), rows sum to 1.

        Column d is digit d; an eleventh column, if there is one, is "not a digit". `progress` as for `logits`.
        """
        logits = self.logits(X, progress)
        logits /= self.temperature
        return softmax(logits, out=logits)


def product(h: np.ndarray, W: np.ndarray) -> np.ndarray:
    """h @ W: (n, fan_in) @ (fan_in, fan_out) -> (n, fan_out).

    For a single row this is a matter of reading W from memory. A drawing is mostly paper, and relu switches most units
    off: the rows of W that meet a zero are left where they are, and an answer takes half the time or less.
    """
    if len(h) == 1:
        used = np.flatnonzero(h)
        if used.size < FEW * h.size:
            return (h[0].take(used) @ W.take(used, axis=0))[np.newaxis]
    return h @ W


def joined(models: Sequence[MLP]) -> MLP:
    """One network whose logits are the mean of those of its members, which must be alike but for their parameters.

    Members trained from different random starts are wrong in different places (Hansen and Salamon 1990). Their hidden
    units stand side by side and meet in the logits alone: W of the first layer has the members' columns one after
    another, those between hidden layers their matrices along the diagonal and zeros elsewhere, and the last one their
    rows one below the other.
    """
    first, last, count = models[0], len(models[0].weights) - 1, len(models)
    widths = [width * count for width in first.widths[1:-1]]
    whole = MLP(widths, first.activation, inputs=first.widths[0], classes=first.classes, mean=first.mean, std=first.std)
    whole.theta[...] = 0
    whole.info = dict(first.info)
    for index, model in enumerate(models):
        for layer, (W, b) in enumerate(zip(model.weights, model.biases, strict=True)):
            rows = slice(None) if layer == 0 else slice(index * W.shape[0], (index + 1) * W.shape[0])
            columns = slice(None) if layer == last else slice(index * W.shape[1], (index + 1) * W.shape[1])
            share = count if layer == last else 1
            whole.weights[layer][rows, columns] += W / share
            whole.biases[layer][columns] += b / share
    return whole
