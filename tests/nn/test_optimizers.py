"""Optimizers and learning-rate schedules; test_backprop.py compares their steps with scikit-learn's and PyTorch's."""

import numpy as np
import pytest

from nn.optimizers import Adam, learning_rate


def test_adam_in_blocks_equals_adam_on_the_whole_vector(monkeypatch):
    rng = np.random.default_rng(0)
    theta, gradient = rng.standard_normal((2, 1000)).astype(np.float32)
    whole, blocks = theta.copy(), theta.copy()
    Adam(1000).step(whole, gradient.copy(), 0.1)
    monkeypatch.setattr("nn.optimizers.BLOCK", 128)
    Adam(1000).step(blocks, gradient.copy(), 0.1)
    np.testing.assert_array_equal(whole, blocks)


def test_learning_rate_warms_up_and_falls_along_a_cosine():
    rates = [learning_rate(step, 100, 1.0, "cosine", warmup_steps=10) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == rates[10] == 1.0
    assert rates[55] == pytest.approx(0.5)
    assert rates[99] < 0.001
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert {learning_rate(step, 100, 0.3) for step in range(100)} == {0.3}
