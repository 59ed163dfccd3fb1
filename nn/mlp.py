"""The network: a multilayer perceptron from pixels to probabilities.

    X (n, 784)  -> normalise -> [ h @ W + b -> activation ] for each hidden layer -> h @ W + b = logits (n, classes)
    logits      -> softmax, under a temperature -> probabilities (n, classes)

This file holds what a trained network is and how it answers. How it learns stands in backprop.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from nn.fast.quantize import lossless_cast
from nn.functions import ACTIVATIONS, INITIALIZATIONS, last_odds, softmax

PIXELS = 784  # MNIST's frame, 28x28, row by row
DIGITS = 10

# Dividing by less than this turns ordinary numbers into infinity in float32.
SMALLEST = 1e-6

# Rows that go through the network at once. Large enough for the matrix products to run at full speed, small enough
# that a million images need no more memory for activations than a thousand.
CHUNK_ROWS = 1024

# A single row with fewer non-zeros than this share of its length is multiplied by these alone. The rows of W that they
# meet are copied first: beyond a third of them that costs more than it saves.
FEW = 0.33
# The same share where W is also there as int8, and a quarter of the bytes is read.
FEW_INT8 = 0.55
# Bytes of such copies at a time: they stay in the processor's second cache until they are multiplied.
GATHERED = 2**18


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
        odds_temperature: divides the logarithm of the odds of the last class, "not a digit", against all others; with
            None that class is one like the others, under the same temperature.
        members: networks that were joined into this one (see `joined`). Each has its share of the units of every hidden
            layer, and no weights lead from one member's units to another's.
        dtype: float32; float64 is for gradient checks alone.

    All parameters live in one vector `theta`; `weights[i]` (fan_in, fan_out) and `biases[i]` (fan_out,) are views of
    it, so an optimizer can treat the network as a single vector while the formulas below read like the maths. Weights
    between hidden layers of members are (members, fan_in / members, fan_out / members), see `product`.
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
        odds_temperature: float | None = None,
        members: int = 1,
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
        if members < 1 or any(width % members for width in self.hidden) or (members > 1 and not self.hidden):
            raise ValueError(f"{members} members cannot share hidden layers of {self.hidden} units equally")
        positive = [number for number in (std, temperature, odds_temperature) if number is not None]
        if not (all(SMALLEST <= number < math.inf for number in positive) and math.isfinite(mean)):
            given = f"{mean}, {std}, {temperature} and {odds_temperature}"
            raise ValueError(f"mean, std and temperatures must be finite, all but the mean positive; got {given}")
        if odds_temperature is not None and classes <= DIGITS:
            raise ValueError(f'odds_temperature is for networks that know "not a digit", not for {classes} classes')
        self.activation, self.members = activation, members
        self.mean, self.std, self.temperature = float(mean), float(std), float(temperature)
        self.odds_temperature = None if odds_temperature is None else float(odds_temperature)
        self.info = {}  # what else config.json says of this network: how it was trained, what it scored

        self.shapes = shapes(self.widths, members)  # of the weights, first layer to last
        self.theta = np.zeros(size(self.widths, members), dtype)
        self.weights, self.biases = self.views(self.theta)
        self.int8_weights = [None] * len(self.weights)  # see `freeze`
        rng = np.random.default_rng(seed)
        for W in self.weights:
            W[...] = rng.standard_normal(W.shape, np.float32) * INITIALIZATIONS[initialization](*W.shape[-2:])

    def views(self, vector: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """The weight matrices and bias vectors inside a vector laid out like `theta` (a gradient, say), as views."""
        weights, biases, start = [], [], 0
        for shape, fan_out in zip(self.shapes, self.widths[1:], strict=True):
            end = start + math.prod(shape)
            weights.append(vector[start:end].reshape(shape))
            biases.append(vector[end : end + fan_out])
            start = end + fan_out
        return weights, biases

    def freeze(self) -> MLP:
        """Makes its parameters read-only, and a quantized network (quantize.py) answers to single pictures in three
        quarters of the time: its weights are kept as int8 too, and a row then waits for a quarter of the memory.
        Returns itself.
        """
        for array in (self.theta, *self.weights, *self.biases):
            array.flags.writeable = False
        for layer, W in enumerate(self.weights[:-1]):
            cast = lossless_cast(W, np.int8)
            if cast.dtype == np.int8:
                cast.flags.writeable = False
                self.int8_weights[layer] = cast
        return self

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
        for W, b, int8 in zip(self.weights[:-1], self.biases[:-1], self.int8_weights[:-1], strict=True):
            z = product(h, W, int8)  # (n, fan_in) @ (fan_in, fan_out) -> (n, fan_out)
            z += b
            h = activate(z, out=z)
        return h @ self.weights[-1] + self.biases[-1]  # (n, fan_in) @ (fan_in, classes) -> (n, classes)

    def predict_proba(self, X: np.ndarray, progress: Callable[[int], object] | None = None) -> np.ndarray:
        """Pixels (n, 784) in [0, 1], white ink on black in MNIST's frame -> probabilities (n, classes), rows sum to 1.

        Column d is digit d; an eleventh column, if there is one, is "not a digit". `progress` as for `logits`.
        """
        return self.probabilities(self.logits(X, progress))

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Logits (n, classes), which are overwritten -> probabilities (n, classes).

        With an odds temperature T' the question comes in two parts: is it a digit, and if so, which?

            log odds = logit of "not a digit" - log of the sum of exp(logits of the digits)
            P(not a digit) = sigmoid(log odds / T')
            P(digit d) = (1 - P(not a digit)) * softmax(logits of the digits / T)_d

        With T = T' = 1 this is softmax over all classes.
        """
        if self.odds_temperature is None:
            logits /= self.temperature
            return softmax(logits, out=logits)
        odds, digits = last_odds(logits) / self.odds_temperature, logits[:, :-1]
        digits /= self.temperature
        softmax(digits, out=digits)
        # sigmoid(x) = exp(-log(1 + exp(-x))) and 1 - sigmoid(x) = sigmoid(-x): the smaller one is not rounded to zero
        digits *= np.exp(-np.logaddexp(0, odds))[:, np.newaxis]
        logits[:, -1] = np.exp(-np.logaddexp(0, -odds))
        return logits


def shapes(widths: Sequence[int], members: int) -> list[tuple[int, ...]]:
    """Of the weights of a network with layers of these widths, inputs and classes included."""
    between = range(1, len(widths) - 2) if members > 1 else ()
    return [
        (members, fan_in // members, fan_out // members) if layer in between else (fan_in, fan_out)
        for layer, (fan_in, fan_out) in enumerate(pairwise(widths))
    ]


def size(widths: Sequence[int], members: int) -> int:
    """Number of its parameters."""
    return sum(math.prod(shape) for shape in shapes(widths, members)) + sum(widths[1:])


def product(h: np.ndarray, W: np.ndarray, int8: np.ndarray | None = None) -> np.ndarray:
    """h @ W: (n, fan_in) @ (fan_in, fan_out) -> (n, fan_out).

    W (members, fan_in / members, fan_out / members) stands for a matrix with these blocks along its diagonal and zeros
    elsewhere, which nobody needs to multiply by.

    For a single row this is a matter of reading W from memory. A drawing is mostly paper, and relu switches most units
    off: the rows of W that meet a zero are left where they are, and an answer takes half the time or less. The others
    are read from `int8`, if that is given: the same W as integers of a byte.
    """
    if W.ndim == 3:
        parts = h.reshape(len(h), len(W), -1).swapaxes(0, 1)  # of each member its own units, (n, fan_in / members)
        blocks = zip(parts, W, [None] * len(W) if int8 is None else int8, strict=True)
        return np.concatenate([product(*each) for each in blocks], axis=1)
    if len(h) == 1 and W.flags.c_contiguous:  # the rows of a transposed matrix lie scattered in memory
        (used,) = h[0].nonzero()
        if used.size < (FEW if int8 is None else FEW_INT8) * h.size:
            return of_rows(h[0].take(used), W if int8 is None else int8, used)
    return h @ W


def of_rows(values: np.ndarray, W: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """values (k,) @ those k rows of W (fan_in, fan_out) -> (1, fan_out)."""
    z = np.zeros((1, W.shape[1]), values.dtype)
    step = max(GATHERED // z.nbytes, 1)
    for start in range(0, len(rows), step):
        some = slice(start, start + step)
        z += values[some] @ W.take(rows[some], axis=0).astype(values.dtype, copy=False)
    return z


def transposed(W: np.ndarray) -> np.ndarray:
    """W^T for `product`, of a matrix or of blocks."""
    return np.swapaxes(W, -1, -2)


def columns(W: np.ndarray, units: np.ndarray) -> np.ndarray:
    """The weights that lead to these units, (count, fan_in); W as for `product`."""
    if W.ndim == 2:
        return W.T[units]
    owners, own = np.divmod(units, W.shape[2])
    found = np.zeros((len(units), *W.shape[:2]), W.dtype)
    found[np.arange(len(units)), owners] = W[owners, :, own]
    return found.reshape(len(units), -1)


def joined(models: Sequence[MLP]) -> MLP:
    """One network whose logits are the mean of those of its members, which must be alike but for their parameters, and
    not be joined themselves.

    Members trained from different random starts are wrong in different places (Hansen and Salamon 1990). Their hidden
    units stand side by side and meet in the logits alone: the first W has the members' columns one after another, those
    between hidden layers are blocks, and the last one has their rows one below the other, divided by their number.
    """
    first, last, count = models[0], len(models[0].weights) - 1, len(models)
    if first.members > 1:
        raise ValueError("networks that were joined cannot be joined again")
    whole = MLP(
        [width * count for width in first.hidden],
        first.activation,
        inputs=first.widths[0],
        classes=first.classes,
        mean=first.mean,
        std=first.std,
        members=count if first.hidden else 1,
    )
    whole.info = dict(first.info)
    for layer, W in enumerate(whole.weights):
        theirs = [model.weights[layer] for model in models]
        if layer == last:
            W[...] = np.concatenate(theirs) / count if last else np.mean(theirs, axis=0)
        else:
            W[...] = np.stack(theirs) if W.ndim == 3 else np.concatenate(theirs, axis=1)
    for layer, b in enumerate(whole.biases):
        theirs = [model.biases[layer] for model in models]
        b[...] = np.mean(theirs, axis=0) if layer == last else np.concatenate(theirs)
    return whole
