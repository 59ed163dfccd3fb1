"""The functions a network is made of, where their arguments are extreme."""

import numpy as np

from nn.functions import cross_entropy, sigmoid, softmax


def test_probabilities_of_each_row_sum_to_one_even_for_huge_logits():
    probs = softmax(np.array([[1e4, -1e4, 0.0], [3.0, 3.0, 3.0]]))
    np.testing.assert_allclose(probs.sum(axis=1), 1)
    assert np.isfinite(cross_entropy(probs.astype(np.float32), np.array([[0, 1, 0], [1, 0, 0]])))
    assert np.isfinite(sigmoid(np.array([-1e4, 1e4]), out=np.empty(2))).all()
