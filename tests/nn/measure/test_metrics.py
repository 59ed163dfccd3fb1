"""Figures of answers, on answers whose figures can be counted by hand."""

import numpy as np
import pytest

from nn.measure import metrics
from nn.pictures.mnist import Split

# Of six digits 4, 4, 4, 9, 9, 1 two fours are read as nines, one of them surely, and the one is refused.
LABELS = np.array([4, 4, 4, 9, 9, 1])
PROBS = np.full((6, 11), 0.01)
PROBS[np.arange(6), [4, 9, 9, 9, 9, 10]] = [0.9, 0.9, 0.6, 0.9, 0.9, 0.9]


@pytest.fixture
def figures():
    return metrics.evaluate_split(PROBS, Split(np.zeros((6, 28, 28), np.uint8), LABELS))


def test_errors_and_accuracy_count_a_refusal_as_an_error(figures):
    assert (figures["images"], figures["errors"], figures["accuracy"]) == (6, 3, 0.5)


def test_commonest_confusions_come_first(figures):
    assert figures["commonest_confusions"] == [
        {"true": "4", "answer": "9", "count": 2},
        {"true": "1", "answer": "not a digit", "count": 1},
    ]
    assert figures["confusion_matrix"][4][9] == 2


def test_precision_and_recall_of_a_class(figures):
    assert figures["per_class"]["9"] == {"precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 2}
    assert figures["per_class"]["1"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1}


def test_calibration_error_is_the_distance_of_confidence_from_accuracy(figures):
    # five answers with 0.9, three of them right; one with 0.6, wrong
    assert figures["calibration_error"] == pytest.approx(5 / 6 * (0.9 - 3 / 5) + 1 / 6 * 0.6)


def test_the_most_confident_mistakes_come_first():
    assert metrics.most_confident_mistakes(PROBS, LABELS, most=2).tolist() == [1, 5]
