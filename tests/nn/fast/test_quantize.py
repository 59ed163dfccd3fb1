"""Quantization: weights of 8 bits, in a network that answers as before."""

import numpy as np
import pytest

from nn.fast.committee import joined
from nn.fast.quantize import LEVELS, quantize
from nn.mlp import MLP
from nn.recipes import MOST_QUANTIZED


def with_random_parameters(members, hidden, kernel_size=0):
    """A network with biases that matter."""
    model = joined([MLP([width // members for width in hidden], kernel_size=kernel_size, classes=11)] * members)
    for W, b in zip(*model.views(model.theta), strict=True):
        W[...] = np.random.default_rng(len(b)).standard_normal(W.shape) * (2 / W.shape[-2]) ** 0.5
        b[...] = np.random.default_rng(len(b)).standard_normal(b.shape)
    return model


@pytest.mark.parametrize(
    ("hidden", "members", "kernel_size"),
    [
        ((), 1, 0),
        ((64,), 1, 0),
        ((64, 32), 1, 0),
        ((64, 32, 16), 1, 0),
        ((64,), 4, 0),
        ((64, 32, 16), 4, 0),
        ((100,), 1, 8),
        ((400, 32), 4, 8),
    ],
)
def test_a_quantized_network_answers_as_before(hidden, members, kernel_size):
    X = np.random.default_rng(0).random((200, 784), np.float32)
    model = with_random_parameters(members, hidden, kernel_size)
    before = model.logits(X)
    quantize(model)
    for W in model.views(model.theta)[0][:-1]:
        np.testing.assert_array_equal(W, np.rint(W))
        np.testing.assert_array_equal(np.abs(W).max(axis=-2), LEVELS)  # each unit uses the whole range
    after = model.logits(X)
    assert np.abs(after - before).max() < 0.05 * before.std()
    assert not hidden or (after != before).any()


@pytest.mark.parametrize("members", [1, 4])
def test_nothing_is_lost_of_weights_that_are_multiples_of_a_scale(members):
    rng = np.random.default_rng(0)
    model = with_random_parameters(members, (16, 8))
    (W1, W2, _), _ = model.views(model.theta)
    for W in (W1, W2):
        W[...] = rng.integers(-LEVELS, LEVELS + 1, W.shape)
        W[..., 0, :] = LEVELS
    integers = W1.copy()
    W1 *= 2.0**-8
    W2 *= 2.0 ** rng.integers(-12, -6, (*W2.shape[:-2], 1, W2.shape[-1]))
    X = rng.random((20, 784), np.float32)
    before = model.logits(X)
    quantize(model)
    np.testing.assert_array_equal(W1, integers)
    np.testing.assert_allclose(model.logits(X), before, rtol=1e-4, atol=1e-5 * before.std())


def test_weights_are_rounded_to_the_nearest():
    model, rounded = (MLP((16,), seed=3) for _ in range(2))
    quantize(rounded)
    exact = model.weights[0] / (np.abs(model.weights[0]).max(axis=0) / LEVELS)
    assert np.abs(rounded.weights[0] - exact).max() < 0.501


def test_a_unit_that_nothing_leads_to_is_not_divided_by_nothing():
    model = MLP((8,), seed=1)
    model.weights[0][:, 3] = 0
    quantize(model)
    assert np.isfinite(model.theta).all()
    assert not model.weights[0][:, 3].any()


def test_only_networks_that_let_scales_through_are_quantized():
    deep = MLP((4,) * MOST_QUANTIZED)
    quantize(deep)
    assert np.isfinite(deep.logits(np.ones((2, 784), np.float32))).all()
    for model in (MLP((8,), "sigmoid"), MLP((4,) * (MOST_QUANTIZED + 1))):
        with pytest.raises(ValueError, match="up to 8 layers of relu"):
            quantize(model)
