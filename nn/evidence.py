"""Evidence (feature attribution): which ink supported an answer, and which opposed it.

    evidence(model, tensor, for_class=7)                # worth of each pixel for the 7, in the tensor's shape
    evidence(model, tensor, for_class=7, against=1)     # ... for the 7 rather than the 1
    explain(model, tensor, for_class=7, against=1)      # both, and the hidden units that spoke most for the 7

A pixel's evidence is its part in the change of the answer's logit from a blank picture to this one, so that all pixels
together make up this change. Backpropagation would carry it down from the logit with the derivative of each activation,
the slope of its tangent. But a tangent tells what a little more ink would do, and the question is what this ink did. So
the slope of the chord takes its place, from where a unit stands on the blank picture to where it stands on this one:

    forward    z_i = h_{i-1} W_i + b_i             h_i = activation(z_i)          for the picture and for the blank one
    chord      slope_i = (h_i - h_i(blank)) / (z_i - z_i(blank))
    backward   worth of h_{i-1} = (worth of h_i * slope_i) W_i^T                  from the logit's, which is 1
    evidence   worth of the pixel * ink in it

Max-pooling in a convolution is no activation. A unit's z is the sum of the window that it kept, and that window's
weights take the place of W_i^T.

This is DeepLIFT with its rescale rule (Shrikumar, Greenside and Kundaje 2017, arXiv:1704.02685; as a chain rule of
other slopes: Ancona et al. 2018, arXiv:1711.06104). Integrated gradients (Sundararajan, Taly and Yan 2017,
arXiv:1703.01365) explain the same change and need many passes to come near it; the chords meet it in one.

Logits are divided by the temperature, as they are before softmax: all evidence for a digit against another sums to
log(p_a / p_b) of the picture less that of the blank one. Where "not a digit" is one of the two and has a temperature of
its own, the sum is the change of their logits' difference, over the digits' temperature.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nn.convolution import transposed
from nn.mlp import MLP

# Where a unit's z moved by less than this, the tangent stands for the chord: rounding errors have no slope.
SMALLEST_MOVE = 1e-5
STRONGEST = 6  # units of each layer in an explanation

Classes = int | np.ndarray  # one for all pictures, or (n,) integers
Layers = list[np.ndarray]  # one (n, width) for each hidden layer, first layer first


class Unit(NamedTuple):
    """A hidden unit at work on one picture.

    A unit of the first layer looks for its weights; in a convolution, for its kernel in the window that it kept. A unit
    further up looks for what the units below that answer this picture pass on to it.
    """

    index: int
    contribution: float  # its part in the logit's change from the blank picture to this one
    picture: np.ndarray  # how much each pixel's ink adds to its z, in the shape of the input


class Explanation(NamedTuple):
    """Why one picture got its answer; the maps have the picture's shape."""

    evidence: np.ndarray  # for the answer
    contrast: np.ndarray  # for the answer rather than the runner-up
    units: list[list[Unit]]  # the strongest of each hidden layer that is not linear, first layer first


def explain(model: MLP, x: np.ndarray, for_class: int, against: int, count: int = STRONGEST) -> Explanation:
    """Everything about one picture, for little more than the price of its evidence. Arguments as for `evidence`.

    `count` units of each layer come back, strongest first. The contributions of all units of a layer sum to the same
    change of the logit as the evidence of all pixels.
    """
    x, X = as_rows(model, x)
    moves, slopes = chords(model, X)
    matrices = all_transposed(model, X)
    both = np.concatenate([logit_worth(model, for_class), logit_worth(model, for_class, against)])
    worth, *hidden = worths(model, matrices, slopes, both)
    maps, units = (worth * X).reshape(2, *x.shape), []
    for layer, (move, rows) in enumerate(zip(moves, hidden, strict=True)):
        if layer in model.linear:
            continue
        contribution = rows[0] * move[0]
        strongest = np.argsort(-contribution)[:count]
        incoming = matrices[layer][strongest]  # (count, fan_in)
        pictures = worths(model, matrices, slopes[:layer], incoming)[0].reshape(-1, *x.shape)
        units.append([Unit(int(i), float(contribution[i]), seen) for i, seen in zip(strongest, pictures, strict=True)])
    return Explanation(*maps, units)


def evidence(model: MLP, x: np.ndarray, for_class: Classes, against: Classes | None = None) -> np.ndarray:
    """What each pixel contributed to the logit of `for_class`, less that of `against` if given.

    x: one picture of any shape that has as many pixels as the network has inputs, (28, 28) say, or rows (n, inputs);
        values in [0, 1], as for `MLP.predict_proba`.
    for_class, against: a column of `predict_proba`; for rows also (n,) of them.
    Returns an array of x's shape. Positive: spoke for the class. Negative: against it. Zero where there is no ink.
    Raises ValueError when x has another number of pixels, IndexError when there is no such class.
    """
    x, X = as_rows(model, x)
    _, slopes = chords(model, X)
    worth, *_ = worths(model, all_transposed(model, X), slopes, logit_worth(model, for_class, against))
    return (worth * X).reshape(x.shape)


def as_rows(model: MLP, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The picture or pictures in the network's dtype, as they are and as rows (n, inputs)."""
    x, inputs = np.asarray(x, model.theta.dtype), model.widths[0]
    if x.size == inputs:
        return x, x.reshape(1, inputs)
    if x.ndim != 2 or x.shape[1] != inputs:
        raise ValueError(f"expected one picture of {inputs} pixels or rows (n, {inputs}), got shape {x.shape}")
    return x, x


def chords(model: MLP, X: np.ndarray) -> tuple[Layers, Layers]:
    """Pixels (n, inputs) -> the moves h - h(blank) of the hidden units, and the slopes of their chords."""
    hidden, moves, slopes = [], [], []
    model.forward(np.concatenate([X, np.zeros((1, X.shape[1]), X.dtype)]), hidden)  # the last row is the blank picture
    for (z, h), activation in zip(hidden, model.activations, strict=True):
        dz, dh = z[:-1] - z[-1], h[:-1] - h[-1]
        slope = activation.derivative(h[:-1], out=np.empty_like(dh))
        slopes.append(np.divide(dh, dz, out=slope, where=np.abs(dz) > SMALLEST_MOVE))
        moves.append(dh)
    return moves, slopes


def logit_worth(model: MLP, for_class: Classes, against: Classes | None = None) -> np.ndarray:
    """What each output of the last hidden layer (each input, without one) adds to the logit of `for_class`, less that
    of `against`, over the temperature: (1, width), or (n, width) for n classes. Raises IndexError as `evidence` does.
    """
    for given in (for_class, against):
        if given is not None and not np.all((np.asarray(given) >= 0) & (np.asarray(given) < model.classes)):
            raise IndexError(f"expected classes from 0 to {model.classes - 1}, got {given}")
    by_class = model.weights[-1].T  # (classes, width)
    worth = by_class[for_class] if against is None else by_class[for_class] - by_class[against]
    return np.atleast_2d(worth) / worth.dtype.type(model.calibration.temperature)


def all_transposed(model: MLP, X: np.ndarray) -> list:
    """W.T of each layer. A convolution's is that of the windows that the pictures X (n, inputs) made its units keep.

    The blank picture may use the same windows: all its windows are equal, so any of them gives the largest sum.
    """
    first, *others = model.weights
    return [transposed(first, model.normalize(X)), *(W.T for W in others)]


def worths(model: MLP, matrices: list, slopes: Layers, worth: np.ndarray) -> Layers:
    """The chain rule, from the worth of the outputs of the topmost layer in `slopes` (of the normalised inputs, when it
    is empty) downwards: the worths of the pixels, of h1, h2 ... up to the given one, each (n, width).
    """
    found = [worth]
    for W_T, slope in reversed(list(zip(matrices, slopes, strict=False))):
        found.append((found[-1] * slope) @ W_T)  # (n, fan_out) @ (fan_out, fan_in) -> (n, fan_in)
    found[-1] = found[-1] / worth.dtype.type(model.std)  # ink is worth as much as it moves the normalised input
    return found[::-1]
