"""What the network says of digits in MNIST's frame, in the words that every caller gets.

answers(model, tensors)[0]          # {"0": 0.01, ..., "7": 0.98, ..., "not a digit": 0.0}; {} without ink
"""

from __future__ import annotations

import numpy as np

from nn.measure.metrics import CLASSES, Answer
from nn.mlp import MLP, PIXELS


def answers(model: MLP, tensors: np.ndarray) -> list[Answer]:
    """The answer to each of these digits, in one forward pass.

    tensors: (n, 28, 28) or (n, 784) float32 in [0, 1], white ink on black; all zeros stand for a picture without ink.
    Returns dicts with all CLASSES, summing to 1, or empty ones where there is no ink.
    """
    X = tensors.reshape(len(tensors), PIXELS)
    nothing = [0.0] * (len(CLASSES) - model.classes)
    named = [dict(zip(CLASSES, row + nothing, strict=True)) for row in model.predict_proba(X).astype(float).tolist()]
    return [answer if has_ink else {} for answer, has_ink in zip(named, X.any(axis=1).tolist(), strict=True)]
