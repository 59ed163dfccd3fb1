"""Linear layers: a matrix of lower rank in two parts."""

import numpy as np
import pytest

from nn import MLP, files
from nn.backprop import Backprop
from nn.evidence import evidence, explain
from nn.fast.committee import joined
from nn.fast.quantize import quantize
from nn.functions import one_hot
from nn.recipes import Recipe
from nn.trainer import Trainer


def narrow(seed=0, **options):
    """784-20-(4)-15-10, with biases that are not zero."""
    model = MLP((20, 4, 15), linear=(1,), seed=seed, **options)
    rng = np.random.default_rng(seed + 100)
    for b in model.biases:
        b[...] = rng.normal(0, 0.1, b.shape)
    return model


@pytest.fixture
def X():
    return np.random.default_rng(1).random((30, 784), np.float32) * (np.random.default_rng(2).random((30, 784)) < 0.2)


def test_it_answers_as_the_product_of_the_two_parts(X):
    model, whole = narrow(), MLP((20, 15))
    (W1, A, B, W3), (b1, a, b, b3) = model.views(model.theta)
    for part, value in zip(whole.weights + whole.biases, (W1, A @ B, W3, b1, a @ B + b, b3), strict=True):
        part[...] = value
    np.testing.assert_allclose(model.predict_proba(X), whole.predict_proba(X), rtol=1e-4, atol=1e-6)
    assert np.linalg.matrix_rank(whole.weights[1]) == 4


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_gradients_are_slopes_of_the_loss(activation):
    rng = np.random.default_rng(0)
    model = MLP((9, 3, 7), activation, linear=(1,), inputs=12, dtype=np.float64)
    X, targets = rng.normal(size=(6, 12)), one_hot(rng.integers(0, 10, 6), 10, dtype=np.float64)
    backprop = Backprop(model, len(X), l2=0.01)
    backprop(X, targets)
    gradient, step = backprop.gradient.copy(), 1e-6
    for i in rng.choice(model.theta.size, 60, replace=False):
        value, losses = model.theta[i], []
        for moved in (value - step, value + step):
            model.theta[i] = moved
            losses.append(backprop(X, targets))
        model.theta[i] = value
        assert (losses[1] - losses[0]) / (2 * step) == pytest.approx(gradient[i], rel=1e-5, abs=1e-8)


def test_evidence_adds_up_and_linear_units_are_not_shown(X):
    model = narrow()
    for x in X[:5]:
        logits = model.logits(np.stack([x, 0 * x]))
        assert evidence(model, x, 3).sum() == pytest.approx(logits[0, 3] - logits[1, 3], rel=1e-4, abs=1e-4)
    layers = explain(model, X[0], 3, 5, count=40).units
    assert [len(units) for units in layers] == [20, 15]
    for units in layers:
        total = sum(unit.contribution for unit in units)
        assert total == pytest.approx(float(evidence(model, X[0], 3).sum()), rel=1e-3, abs=1e-4)


def test_it_is_saved_and_loaded_joined_and_rounded(X, tmp_path):
    committee = joined([narrow(seed) for seed in range(3)])
    mean = np.mean([narrow(seed).logits(X) for seed in range(3)], axis=0)
    np.testing.assert_allclose(committee.logits(X), mean, rtol=1e-4, atol=1e-5)
    before = committee.logits(X)
    quantize(committee)
    np.testing.assert_allclose(committee.logits(X), before, atol=0.05 * np.abs(before).max())
    files.save(committee, tmp_path)
    loaded = files.load(tmp_path)
    assert (loaded.linear, loaded.members, loaded.layers) == ((1,), 3, "784-60-(12)-45-10")
    np.testing.assert_array_equal(loaded.theta, committee.theta)
    np.testing.assert_allclose(loaded.logits(X), committee.logits(X), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("linear", [(2,), (-1,), (0, 0), ("1",), (True,)])
def test_what_is_no_hidden_layer_is_refused(linear):
    for make in (MLP, Recipe):
        with pytest.raises(ValueError, match=r"linear (layers are numbers from 0 to 1|must be whole numbers)"):
            make(hidden=(8, 4), linear=linear)


@pytest.mark.parametrize(("activation", "fans"), [("relu", 20), ("sigmoid", 20 + 200)])
def test_its_weights_start_like_those_of_the_other_layers(activation, fans):
    model = MLP((20, 200, 15), activation, linear=(1,))
    assert model.weights[1].std() == pytest.approx((2 / fans) ** 0.5, rel=0.05)


def test_it_learns():
    from test_trainer import bars

    recipe = Recipe(hidden=(16, 4, 16), linear=(1,), batch_size=16, epochs=15)
    trainer = Trainer(recipe, bars(300), bars(50))
    assert [trainer.run_epoch()["validation_accuracy"] for _ in range(recipe.epochs)][-1] > 0.95
