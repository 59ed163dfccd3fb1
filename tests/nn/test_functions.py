"""The functions a network is made of, where their arguments are extreme."""

import numpy as np
import pytest

from nn.functions import cross_entropy, one_hot, sigmoid, softmax


def test_probabilities_of_each_row_sum_to_one_even_for_huge_logits():
    probs = softmax(np.array([[1e4, -1e4, 0.0], [3.0, 3.0, 3.0]]))
    np.testing.assert_allclose(probs.sum(axis=1), 1)
    assert np.isfinite(cross_entropy(probs.astype(np.float32), np.array([[0, 1, 0], [1, 0, 0]])))
    assert np.isfinite(sigmoid(np.array([-1e4, 1e4]), out=np.empty(2))).all()


@pytest.mark.parametrize("label", [-1, 3])
def test_a_label_of_no_class_is_refused(label):
    with pytest.raises(IndexError):
        one_hot(np.array([0, label]), 3)
