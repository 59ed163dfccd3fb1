"""The network: its start, its answers, and what it refuses."""

import numpy as np
import pytest

from nn.mlp import MLP


def test_initial_weights_have_the_variance_of_he_and_of_xavier():
    he, xavier = MLP((300,), "relu"), MLP((300,), "sigmoid")
    assert he.weights[0].std() == pytest.approx((2 / 784) ** 0.5, rel=0.01)
    assert xavier.weights[0].std() == pytest.approx((2 / (784 + 300)) ** 0.5, rel=0.01)
    assert not he.biases[0].any()


def test_rows_go_through_in_chunks(monkeypatch):
    X = np.random.default_rng(0).random((50, 784), np.float32)
    model = MLP((32, 16))
    whole = model.predict_proba(X)
    monkeypatch.setattr("nn.mlp.CHUNK_ROWS", 7)
    forward, rows = model.forward, []
    monkeypatch.setattr(model, "forward", lambda X: rows.append(len(X)) or forward(X))
    np.testing.assert_allclose(model.predict_proba(X), whole, rtol=1e-5)
    assert rows == [7] * 7 + [1]


def test_no_hidden_layer_is_a_linear_model():
    model = MLP(())
    X = np.random.default_rng(0).random((3, 784), np.float32)
    np.testing.assert_allclose(model.logits(X), X @ model.weights[0] + model.biases[0], rtol=1e-5)


def test_inputs_are_normalised():
    X = np.random.default_rng(0).random((3, 784), np.float32)
    plain, normalising = MLP((8,), seed=1), MLP((8,), seed=1, mean=0.13, std=0.31)
    np.testing.assert_allclose(normalising.logits(X), plain.logits((X - 0.13) / 0.31), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"activation": "tanh"}, "activation must be one of .*'tanh'"),
        ({"hidden": (0,)}, "at least one unit"),
        ({"mean": float("nan")}, "must be finite"),
        ({"std": 0}, "must be finite, and std at least 1e-06"),
        ({"initialization": "zeros"}, "initialization must be one of"),
    ],
)
def test_impossible_networks_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        MLP(**arguments)


def test_pixels_of_the_wrong_shape_are_refused():
    with pytest.raises(ValueError, match=r"expected X of shape \(n, 784\), got \(2, 700\)"):
        MLP().predict_proba(np.zeros((2, 700)))
