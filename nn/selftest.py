"""The self-test: is the network in a folder readable, whole, fit for its config, and able to read digits?

selftest.npz holds fifty MNIST digits, the first five of each among the validation images. They say little about
quality. They find mistakes that no check of bytes finds: arrays that were transposed or exchanged, labels in another
order, pixels expected in another way.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from nn.files import MODEL_FILE, WeightsError, load
from nn.mlp import DIGITS, MLP, PIXELS
from nn.pictures.splits import as_pixels

SELFTEST = Path(__file__).parent / "selftest.npz"
# The networks here read 49 or 50 of the 50, least squares on the bare pixels 43, a network whose parts are mixed up 5.
MIN_SELFTEST_ACCURACY = 0.9


def verified(folder: str | Path) -> MLP:
    """The network in `folder`, after all checks. Raises WeightsError, which names the file or the check that failed."""
    model = load(folder)
    self_test(model, Path(folder) / MODEL_FILE)
    return model


def check_shape(model: MLP, path: str | Path) -> None:
    """Raises WeightsError, which names `path`, unless the network takes MNIST's pixels and knows the ten digits."""
    inputs, classes = model.widths[0], model.classes
    if inputs != PIXELS or classes not in (DIGITS, DIGITS + 1):
        raise WeightsError(f"{path}: takes {inputs} values and knows {classes} classes, expected {PIXELS} and 10 or 11")


def self_test(model: MLP, path: str | Path) -> float:
    """The share of the bundled digits that the network reads.

    Raises WeightsError, which names `path`, when it reads too few or its answers are not probabilities.
    """
    check_shape(model, path)
    pixels, labels = selftest_digits()
    with np.errstate(all="ignore"):  # absurd weights overflow; the answers are judged below
        probabilities = model.predict_proba(pixels)
    if not np.allclose(probabilities.sum(axis=1), 1, atol=1e-3):  # never close when one of them is NaN
        raise WeightsError(f"{path}: its answers are not probabilities")
    right, wanted = int((probabilities.argmax(axis=1) == labels).sum()), round(MIN_SELFTEST_ACCURACY * len(labels))
    if right < wanted:
        found = f"reads {right} of {len(labels)} test digits, at least {wanted} are expected"
        raise WeightsError(f"{path}: {found}: it has learned too little, or arrays or labels are mixed up")
    return right / len(labels)


@functools.cache
def selftest_digits() -> tuple[np.ndarray, np.ndarray]:
    """pixels (50, 784) float32 in [0, 1], labels (50,)."""
    with np.load(SELFTEST, allow_pickle=False) as digits:
        return as_pixels(digits["images"]), digits["labels"].astype(np.int64)
