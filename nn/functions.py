"""The functions that a network is made of: activations with their derivatives, softmax and cross-entropy.

They work on whole batches, one row an example, in float32 or float64. An argument `out` takes the result, as in NumPy;
it may be the input itself. The forward pass keeps an activation's output h, so its derivative is written in terms of h:
relu'(z) = [h > 0], sigmoid'(z) = h (1 - h).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


def relu(z: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """h = max(z, 0)."""
    return np.maximum(z, 0, out=out)


def relu_derivative(h: np.ndarray, out: np.ndarray) -> np.ndarray:
    """dh/dz = 1 where the unit fired, 0 elsewhere."""
    return np.greater(h, 0, out=out)


def sigmoid(z: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """h = 1 / (1 + exp(-z)), written with tanh, which does not overflow for any z."""
    h = np.multiply(z, 0.5, out=out)
    np.tanh(h, out=h)
    h += 1
    h *= 0.5
    return h


def sigmoid_derivative(h: np.ndarray, out: np.ndarray) -> np.ndarray:
    """dh/dz = h (1 - h)."""
    return np.subtract(h, h * h, out=out)


def linear(z: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """h = z."""
    return np.positive(z, out=out)


def linear_derivative(h: np.ndarray, out: np.ndarray) -> np.ndarray:
    """dh/dz = 1."""
    out[...] = 1
    return out


@dataclass(frozen=True)
class Activation:
    """A hidden layer's non-linearity, its derivative, and the initialisation (see INITIALIZATIONS) that suits it."""

    forward: Callable[..., np.ndarray]  # (z, out) -> h
    derivative: Callable[..., np.ndarray]  # (h, out) -> dh/dz
    initialization: str | None  # None: that of the network's other layers


ACTIVATIONS = {
    "relu": Activation(relu, relu_derivative, initialization="he"),
    "sigmoid": Activation(sigmoid, sigmoid_derivative, initialization="xavier"),
}

LINEAR = Activation(linear, linear_derivative, initialization=None)  # of hidden layers that have none

# Standard deviation of a weight at the start, such that signals neither grow nor fade from layer to layer:
# He et al. 2015 for ReLU, which lets half of the signal through; Glorot and Bengio 2010 ("Xavier") for the sigmoid.
INITIALIZATIONS = {
    "he": lambda fan_in, fan_out: np.sqrt(2 / fan_in),
    "xavier": lambda fan_in, fan_out: np.sqrt(2 / (fan_in + fan_out)),
}


def softmax(logits: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """(n, classes) -> rows of exp(logit) / sum of exp(logits), each summing to 1.

    Subtracting the row's maximum changes nothing but keeps exp finite.
    """
    probs = np.subtract(logits, logits.max(axis=1, keepdims=True), out=out)
    np.exp(probs, out=probs)
    probs /= probs.sum(axis=1, keepdims=True)
    return probs


def cross_entropy(probs: np.ndarray, targets: np.ndarray) -> float:
    """Mean over the batch of -sum(target * log(prob)); probs and targets are (n, classes), rows summing to 1, n >= 1.

    Through softmax its derivative is dL/dlogits = (probs - targets) / n. With z the logits of one row, p its
    probabilities and t its targets, which sum to 1:

        L = -sum_k t_k log p_k = -sum_k t_k z_k + log sum_k exp(z_k)
        dL/dz_j = -t_j + exp(z_j) / sum_k exp(z_k) = p_j - t_j
    """
    tiny = np.finfo(probs.dtype).tiny  # the smallest normal number: log stays finite where a probability is 0
    return -float((targets * np.log(np.maximum(probs, tiny))).sum()) / len(probs)


def one_hot(labels: np.ndarray, classes: int, smoothing: float = 0.0, dtype: type = np.float32) -> np.ndarray:
    """(n,) integers from 0 to classes - 1 -> (n, classes) targets: 1 at the label, 0 elsewhere.

    With label smoothing (Szegedy et al. 2016) the share `smoothing` of each row is spread evenly over all classes.
    Raises IndexError for a label of no class.
    """
    if len(labels) and np.min(labels) < 0:  # NumPy would count from the end
        raise IndexError(f"expected labels from 0 to {classes - 1}, got {np.min(labels)}")
    targets = np.full((len(labels), classes), smoothing / classes, dtype)
    targets[np.arange(len(labels)), labels] += 1 - smoothing
    return targets
