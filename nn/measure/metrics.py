"""Figures of a set of answers: accuracy, loss, confusions, precision and recall, calibration.

`probs` is (n, classes) float, rows summing to 1; `labels` is (n,) int. Where there is an eleventh class, "not a digit"
is a wrong answer to a digit.
"""

from __future__ import annotations

import numpy as np

from nn.functions import cross_entropy, one_hot
from nn.mlp import DIGITS, MLP
from nn.pictures.mnist import Dataset, Split

CONFUSIONS_SHOWN = 10
CALIBRATION_BINS = 15  # as in Guo et al. 2017
NOT_A_DIGIT = "not a digit"


def class_names(classes: int) -> list[str]:
    """The names of the columns of `probs`."""
    return [str(k) if k < DIGITS else NOT_A_DIGIT for k in range(classes)]


CLASSES = class_names(DIGITS + 1)  # in an answer; a network of ten classes leaves the last one at zero
Answer = dict[str, float]  # the probability of each class; empty for a picture without ink


def accuracy(probs: np.ndarray, labels: np.ndarray) -> float:
    """The share of rows whose most probable class is the label, in [0, 1]."""
    return float((probs.argmax(axis=1) == labels).mean())


def loss(probs: np.ndarray, labels: np.ndarray) -> float:
    """Mean cross-entropy."""
    return cross_entropy(probs, one_hot(labels, probs.shape[1]))


def confusion_matrix(probs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(classes, classes) counts: row is the true class, column the answer."""
    classes = probs.shape[1]
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, probs.argmax(axis=1)), 1)
    return counts


def commonest_confusions(confusion: np.ndarray) -> list[dict]:
    """The most frequent errors, largest first: {"true": class name, "answer": class name, "count": ...}."""
    names, errors = class_names(len(confusion)), confusion - np.diag(np.diag(confusion))
    order = np.argsort(-errors, axis=None, kind="stable")[:CONFUSIONS_SHOWN]
    places = zip(*np.unravel_index(order, errors.shape), strict=True)
    return [{"true": names[i], "answer": names[j], "count": int(errors[i, j])} for i, j in places if errors[i, j]]


def per_class(confusion: np.ndarray) -> dict[str, dict[str, float]]:
    """Precision, recall and F1 of each class, and its number of examples; 0 where a figure is undefined."""
    right = np.diag(confusion).astype(float)
    answered, support = confusion.sum(axis=0), confusion.sum(axis=1)
    precision, recall = right / np.maximum(answered, 1), right / np.maximum(support, 1)
    f1 = 2 * right / np.maximum(answered + support, 1)
    rows = zip(class_names(len(confusion)), precision, recall, f1, support, strict=True)
    return {
        name: {"precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)}
        for name, p, r, f, n in rows
    }


def calibration_error(probs: np.ndarray, labels: np.ndarray) -> float:
    """Expected calibration error (Naeini et al. 2015; Guo et al. 2017): the distance of confidence from accuracy,
    averaged over equal-width bins of the answer's probability, weighted by the answers in each.
    """
    confidence, right = probs.max(axis=1), probs.argmax(axis=1) == labels
    bin_of = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = [abs(confidence[bin_of == b].mean() - right[bin_of == b].mean()) * (bin_of == b).mean() for b in set(bin_of)]
    return float(sum(gaps))


def most_confident_mistakes(probs: np.ndarray, labels: np.ndarray, most: int) -> np.ndarray:
    """The row numbers of the wrong answers with the highest probability, highest first."""
    wrong = np.flatnonzero(probs.argmax(axis=1) != labels)
    return wrong[np.argsort(-probs[wrong].max(axis=1), kind="stable")][:most]


def evaluate_split(probs: np.ndarray, split: Split) -> dict:
    """All figures of one split, ready for JSON. probs (n, classes) are the network's answers to it."""
    confusion = confusion_matrix(probs, split.labels)
    return {
        "images": len(split),
        "errors": int((probs.argmax(axis=1) != split.labels).sum()),
        "accuracy": accuracy(probs, split.labels),
        "loss": loss(probs, split.labels),
        "calibration_error": calibration_error(probs, split.labels),
        "confusion_matrix": confusion.tolist(),
        "commonest_confusions": commonest_confusions(confusion),
        "per_class": per_class(confusion),
    }


def evaluate(model: MLP, dataset: Dataset) -> dict[str, dict]:
    """The figures of every split that holds images, by name."""
    return {
        name: evaluate_split(model.predict_proba(split.pixels()), split) for name, split in dataset.splits().items()
    }
