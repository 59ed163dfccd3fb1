"""What the page shows of a visitor's network: how it reads the digits and the drawing, and its weights as pictures."""

from __future__ import annotations

import functools

import numpy as np
from PIL import Image

from nn import MLP
from nn.functions import cross_entropy, one_hot, softmax
from nn.mlp import DIGITS
from nn.pictures.splits import Split
from preprocessing import to_mnist
from weights.current import served
from weights.serving.page.inputs import EXAMPLES
from weights.serving.page.lab.asking import Picture, as_shares, packed, probabilities, rounded
from weights.serving.page.lab.kept import Run
from weights.serving.page.lab.splits import digits, unseen
from weights.serving.recognize import pixels_of

# Weight pictures and test digits on the page: two rows of each on a laptop.
MOST_PICTURES, TEST_DIGITS = 16, 20
# Of the digits that it learns from as many are read for the curves as of the unseen ones: an answer takes milliseconds.
MOST_SEEN = 1000


def frame(run: Run, theta: np.ndarray, question: Picture) -> dict:
    """What the page shows of the network with these parameters."""
    model = run.trainer.answering_model(theta)
    x = shares_of(question)
    with np.errstate(over="ignore", invalid="ignore"):
        probs = probabilities(model, x)
        unseen_logits, seen_digits = model.logits(unseen().pixels()), digits(min(run.digits, MOST_SEEN))
        answers = unseen_logits.argmax(axis=1)
        seen_logits = model.logits(seen_digits.pixels())
        losses = [loss_of(seen_logits, seen_digits), loss_of(unseen_logits, unseen())]
    return {
        "epoch": run.trainer.epoch,
        "unseen": float((answers == unseen().labels).mean()),
        "seen": float((seen_logits.argmax(axis=1) == seen_digits.labels).mean()),
        "losses": losses,  # of the digits that it learns from, and of the unseen ones
        "weights": packed(bytes_of_weights(first_weights(model)[:, :MOST_PICTURES].T)),  # (pictures, 784)
        "tests": answers[:TEST_DIGITS].tolist(),
        "drawing": rounded(probs) if np.isfinite(probs).all() else None,  # or the example
        "served": rounded(served().current.model.predict_proba(x[None])[0]),
    }


@functools.cache
def example() -> list[int]:
    """The picture before anything is drawn, as 784 levels."""
    with Image.open(EXAMPLES / "2-slanted.png") as image:
        return pixels_of(to_mnist(image))


def shares_of(question: Picture) -> np.ndarray:
    """The picture that is asked about, or the example: (784,) float32 in [0, 1]."""
    return as_shares(example() if question.pixels is None else question.pixels)


def first_weights(model: MLP) -> np.ndarray:
    """(784, units), or (kernel_size ** 2, kernels): in either case a column is a picture."""
    return model.views(model.theta)[0][0]


def answers_of(model: MLP, pixels: np.ndarray) -> np.ndarray:
    """Pixels (n, 784) -> the digits that it reads, (n,)"""
    with np.errstate(over="ignore", invalid="ignore"):
        return model.logits(pixels).argmax(axis=1)


def loss_of(logits: np.ndarray, split: Split) -> float | None:
    """The cross-entropy of logits (n, 10) for the digits of a split; None where numbers are out of bounds."""
    loss = cross_entropy(softmax(logits), one_hot(split.labels, DIGITS))
    return rounded([loss])[0] if np.isfinite(loss) else None


def share_right(model: MLP, split: Split) -> float:
    return float((answers_of(model, split.pixels()) == split.labels).mean())


def bytes_of_weights(weights: np.ndarray) -> np.ndarray:
    """Weights of any shape -> int8, the strongest of all at 127 or -127."""
    largest = np.abs(weights).max()
    scaled = weights / largest * 127 if np.isfinite(largest) and largest else np.zeros_like(weights)
    return np.rint(scaled).astype(np.int8)
