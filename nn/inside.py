"""Inside: every number of one forward pass, and of one step of backpropagation, for one picture.

    seen = one_pass(model, pixels)               # from the pixels to the probabilities
    step = one_step(model, pixels, target=7)     # what one step on this picture changes
    rest = without_units(model, [[3, 5]])        # a network without two units of its first hidden layer
    maps = kernels_at_work(model, pixels)        # what each kernel of a convolution finds, and what it is good for

The first two are for networks with one hidden layer, whose numbers fit on a screen, the last for a convolution. The
symbols are those of nn/README.md. The numbers come from the functions that answer and train: `MLP.forward`, `Backprop`
and `SGD`.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nn.backprop import Backprop
from nn.functions import one_hot, softmax
from nn.mlp import MLP
from nn.optimizers import make_optimizer


class Pass(NamedTuple):
    """One picture on its way through the network."""

    x: np.ndarray  # (784,) what the first layer sees: the pixels, normalised
    contributions: np.ndarray  # (784, width): pixel times weight, x_i * W1_ij; with b1_j a column sums to z1_j
    z: np.ndarray  # (width,)
    h: np.ndarray  # (width,)
    pushes: np.ndarray  # (width, classes): output times weight, h_j * W2_jk; with b2_k a column sums to logit k
    logits: np.ndarray  # (classes,)
    probs: np.ndarray  # (classes,): softmax of the logits, without the calibration that `predict_proba` adds


class Step(NamedTuple):
    """One step of plain gradient descent on one picture."""

    before: np.ndarray  # (classes,) probabilities
    after: np.ndarray  # (classes,) probabilities of the network that took the step
    loss: float  # cross-entropy before the step
    targets: np.ndarray  # (classes,): 1 at the target
    delta2: np.ndarray  # (classes,): probs - targets
    blame: np.ndarray  # (width,): dL/dh1 = delta2 W2^T, positive for a unit whose output should fall
    delta1: np.ndarray  # (width,): the blame that passes the activation
    change: np.ndarray  # (784, width): what the step adds to W1
    change2: np.ndarray  # (width, classes): what it adds to W2
    model: MLP  # the network after the step


class Kernels(NamedTuple):
    """The kernels of a convolution at work on one picture; `k` is their size. Those of joined members follow one
    another.
    """

    x: np.ndarray  # (784,) what the first layer sees: the pixels, normalised
    kernels: np.ndarray  # (maps, k * k)
    biases: np.ndarray  # (maps, positions)
    h: np.ndarray  # (maps, positions): what a kernel's units pass on
    logits: np.ndarray  # (classes,)
    pushes: np.ndarray  # (maps, classes): these logits less those of the network without the kernel


def one_pass(model: MLP, pixels: np.ndarray) -> Pass:
    """Pixels (784,) in [0, 1] -> all numbers of one forward pass.

    Raises:
        ValueError: the network has not exactly one hidden layer, is a convolution, or takes another number of pixels.
    """
    check_plain(model)
    X = as_row(model, pixels)
    hidden: list = []
    logits = model.forward(X, hidden)
    (z, h), (W1, W2) = hidden[0], model.views(model.theta)[0]
    x = model.normalize(X)[0]
    return Pass(x, x[:, None] * W1, z[0], h[0], h[0][:, None] * W2, logits[0], softmax(logits)[0])


def one_step(model: MLP, pixels: np.ndarray, target: int, rate: float = 0.1) -> Step:
    """One step of gradient descent on this picture alone. `model` stays as it is.

    Args:
        pixels: (784,) in [0, 1].
        target: the class that the picture shall get.
        rate: the learning rate.

    Raises:
        ValueError: as for `one_pass`, or there is no such class.
    """
    check_class(model, target)
    check_plain(model)
    X = as_row(model, pixels)
    trained = copied(model)
    backprop = Backprop(trained, batch_size=1)
    before = softmax(model.forward(X))[0]
    targets = one_hot(np.array([target]), model.classes, dtype=model.theta.dtype)
    loss = backprop(model.normalize(X), targets)
    # For a single picture dL/db is delta itself: the sum over a batch of one.
    delta1, delta2 = (db.copy() for db in backprop.db)
    W1, W2 = (W.copy() for W in trained.weights)
    blame = W2 @ delta2  # (width, classes) @ (classes,)
    make_optimizer("sgd", trained.theta.size, dtype=trained.theta.dtype).step(trained.theta, backprop.gradient, rate)
    after = softmax(trained.forward(X))[0]
    change, change2 = (new - old for new, old in zip(trained.weights, (W1, W2), strict=True))
    return Step(before, after, loss, targets[0], delta2, blame, delta1, change, change2, trained)


def kernels_at_work(model: MLP, pixels: np.ndarray) -> Kernels:
    """Pixels (784,) in [0, 1] -> what the kernels of a convolution find in them.

    Raises ValueError when the network has no kernels, or takes another number of pixels.
    """
    if not model.kernel_size:
        raise ValueError(f"expected a network whose first layer is a convolution, got {model!r}")
    X = as_row(model, pixels)
    hidden: list = []
    logits = model.forward(X, hidden)[0]
    (h,) = hidden[0][1]
    kernels = model.views(model.theta)[0][0].T
    map_of_unit = model.weights[0].map_of_unit()
    by_map = np.argsort(map_of_unit, kind="stable").reshape(len(kernels), -1)  # (maps, positions): numbers of units
    # (maps, units): in each row one kernel is silent
    without = np.where(map_of_unit == np.arange(len(kernels))[:, None], 0, h)
    pushes = logits - from_first_layer(model, without)
    return Kernels(model.normalize(X)[0], kernels, model.biases[0][by_map], h[by_map], logits, pushes)


def from_first_layer(model: MLP, h: np.ndarray) -> np.ndarray:
    """Outputs of the first hidden layer (n, width) -> logits (n, classes)."""
    for W, b, activation in zip(model.weights[1:-1], model.biases[1:-1], model.activations[1:], strict=True):
        h = activation.forward(h @ W + b)
    return h @ model.weights[-1] + model.biases[-1]


def without_units(model: MLP, off: Sequence[Sequence[int]]) -> MLP:
    """A copy of the network in which some units are silent: the weights that leave them are 0.

    off: for each hidden layer, first to last, the numbers of its silent units; later layers may be left out.

    Raises IndexError when there is no such layer or unit, ValueError when several networks were joined.
    """
    if model.members > 1:
        raise ValueError(f"{model!r} consists of joined networks: silence units of its members")
    if len(off) > len(model.hidden):
        raise IndexError(f"expected units of at most {len(model.hidden)} hidden layers, got those of {len(off)}")
    rest = copied(model)
    for layer, (units, width) in enumerate(zip(off, model.hidden, strict=False)):
        if wrong := [unit for unit in units if not 0 <= unit < width]:  # NumPy would count from the end
            raise IndexError(f"expected units from 0 to {width - 1} in hidden layer {layer}, got {wrong[0]}")
        rest.weights[layer + 1][list(units)] = 0  # (fan_in, fan_out): a row is what a unit's output is multiplied by
    return rest


def copied(model: MLP) -> MLP:
    """A network with parameters of its own."""
    copied = copy.copy(model)
    copied.theta = model.theta.copy()
    copied.weights, copied.biases = copied.matrices()
    return copied


def check_plain(model: MLP) -> None:
    """Raises ValueError unless the network has one hidden layer of the plain kind."""
    if len(model.hidden) != 1 or model.kernel_size:
        raise ValueError(f"expected a network with one hidden layer and no convolution, got {model!r}")


def check_class(model: MLP, target: int) -> None:
    """Raises ValueError unless the network has this class."""
    if not 0 <= target < model.classes:
        raise ValueError(f"expected a target from 0 to {model.classes - 1}, got {target}")


def as_row(model: MLP, pixels: np.ndarray) -> np.ndarray:
    """Pixels of any shape -> (1, inputs), in the network's dtype. Raises ValueError when there are too few or many."""
    pixels = np.asarray(pixels, model.theta.dtype)
    if pixels.size != model.widths[0]:
        raise ValueError(f"expected {model.widths[0]} pixels, got {pixels.size}")
    return pixels.reshape(1, -1)
