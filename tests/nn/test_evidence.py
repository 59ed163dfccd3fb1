"""Evidence: that it sums to what it explains, that its slopes are right, and that the ink it names is what counts."""

import numpy as np
import pytest

import preprocessing
import weights
from nn import MLP
from nn.calibrate import Calibration
from nn.evidence import evidence, explain
from nn.fast.committee import joined

SKETCHES = 60
TOP = 0.1  # share of the ink that is removed
DRAWS = 20  # at random, for every removal by evidence
SOFT = Calibration(1.7)


def small_network(hidden, activation, seed=3, **options):
    model = MLP(hidden, activation, seed=seed, inputs=6, classes=4, dtype=np.float64, **options)
    model.theta += 0.05  # biases off zero: a blank picture makes units fire too
    return model


def small_committee(hidden, activation):
    return joined([small_network([width // 3 for width in hidden], activation, seed) for seed in range(3)])


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
@pytest.mark.parametrize("hidden", [(), (6,), (6, 3), (6, 12, 3)])
@pytest.mark.parametrize("options", [{}, {"mean": 0.2, "std": 0.5}, {"calibration": SOFT}, None], ids=str)
def test_evidence_sums_to_the_logits_change_from_a_blank_picture(hidden, activation, options):
    committee = options is None and hidden
    model = small_committee(hidden, activation) if committee else small_network(hidden, activation, **options or {})
    X = np.random.default_rng(1).random((7, 6))
    change = (model.logits(X) - model.logits(np.zeros((1, 6)))) / model.calibration.temperature
    answers, others = change.argmax(axis=1), change.argmin(axis=1)
    for_answer, for_other = (np.take_along_axis(change, c[:, None], axis=1)[:, 0] for c in (answers, others))
    np.testing.assert_allclose(evidence(model, X, answers).sum(axis=1), for_answer, rtol=1e-9)
    np.testing.assert_allclose(evidence(model, X, answers, others).sum(axis=1), for_answer - for_other, rtol=1e-9)
    for units in explain(model, X[0], answers[0], others[0], count=max(hidden, default=0)).units:
        assert sum(unit.contribution for unit in units) == pytest.approx(for_answer[0])


@pytest.mark.parametrize("classes", [(-1,), (4,), (0, -1), (np.array([0, -1]),), (0, np.array([1, 4]))], ids=str)
def test_a_class_that_there_is_not_is_refused(classes):
    model, X = small_network((3,), "relu"), np.zeros((2, 6))
    with pytest.raises(IndexError, match="expected classes from 0 to 3, got"):
        evidence(model, X, *classes)


def test_evidence_is_the_log_odds_that_the_network_reports():
    model = MLP((20, 10), seed=1, calibration=Calibration(1.3), mean=0.1, std=0.3)
    x = np.random.default_rng(0).random((28, 28), np.float32)
    drawn, blank = np.log(model.predict_proba(np.stack([x, 0 * x]).reshape(2, 784)))
    assert evidence(model, x, 4, 7).sum() == pytest.approx((drawn[4] - drawn[7]) - (blank[4] - blank[7]), rel=1e-3)


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
@pytest.mark.parametrize("hidden", [(), (5,), (5, 3)])
def test_slopes_are_derivatives_where_the_picture_is_nearly_blank(hidden, activation):
    model = small_network(hidden, activation, mean=0.2, std=0.5, calibration=SOFT)
    step = 1e-4  # so small that chord and tangent are one, large enough to move every unit visibly
    x = np.full(6, step)
    gradient = np.empty(6)
    for i, nudge in enumerate(np.eye(6) * 1e-6):
        above, below = model.logits(np.stack([x / 2 + nudge, x / 2 - nudge]))[:, 2]
        gradient[i] = (above - below) / 2e-6 / 1.7
    np.testing.assert_allclose(evidence(model, x, 2) / step, gradient, rtol=1e-4, atol=1e-7)


def test_evidence_of_a_network_worked_out_by_hand():
    model = MLP((2,), "relu", inputs=2, classes=2, dtype=np.float64)
    model.weights[0][...] = [[2.0, -1.0], [1.0, 1.0]]
    model.biases[0][...] = [-1.0, 1.0]
    model.weights[1][...] = [[1.0, 0.0], [0.5, 3.0]]
    # z = [2 x1 + x2 - 1, -x1 + x2 + 1]: blank [-1, 1], at (1, 0.5) [1.5, 0.5]; h: blank [0, 1], then [1.5, 0.5]
    # chords: 1.5 / 2.5 = 0.6 and -0.5 / -0.5 = 1; worth of the pixels for class 0:
    # x1: 2 * 0.6 * 1 + -1 * 1 * 0.5 = 0.7;  x2: 1 * 0.6 * 1 + 1 * 1 * 0.5 = 1.1; times the ink in them
    np.testing.assert_allclose(evidence(model, np.array([1.0, 0.5]), 0), [0.7, 0.55])
    [[first, second]] = explain(model, np.array([1.0, 0.5]), 0, 1).units
    assert first[:2] == pytest.approx((0, 1.5))  # moved by 1.5, worth 1
    assert second[:2] == pytest.approx((1, -0.25))  # moved by -0.5, worth 0.5
    np.testing.assert_allclose(first.picture, [2, 1])


def test_unit_of_the_first_layer_looks_for_its_weights_and_one_above_for_what_moves_it():
    model = small_network((5, 4, 3), "sigmoid", mean=0.2, std=0.5)
    x = np.random.default_rng(2).random(6)
    first, second, _ = explain(model, x, 1, 0).units
    for unit in first:
        np.testing.assert_allclose(unit.picture, model.weights[0][:, unit.index] / 0.5)
    lower = small_network((5,), "sigmoid", mean=0.2, std=0.5)  # up to the second layer's z
    lower.weights[0][...], lower.biases[0][...] = model.weights[0], model.biases[0]
    lower.weights[1][...], lower.biases[1][...] = model.weights[1], model.biases[1]
    for unit in second:
        np.testing.assert_allclose(unit.picture * x, evidence(lower, x, unit.index))


def test_explanation_is_the_same_as_asking_one_by_one():
    model = MLP((20, 10), "sigmoid", seed=1)
    x = np.random.default_rng(0).random((28, 28), np.float32)
    explanation = explain(model, x, 4, 7, count=3)
    np.testing.assert_allclose(explanation.evidence, evidence(model, x, 4), atol=1e-6)
    np.testing.assert_allclose(explanation.contrast, evidence(model, x, 4, 7), atol=1e-6)
    for units, others in zip(explanation.units, explain(model, x, 4, 1, count=10).units, strict=True):
        assert [unit.index for unit in units] == [unit.index for unit in others[:3]]  # whatever the runner-up
        assert others == sorted(others, key=lambda unit: -unit.contribution)
        assert all(unit.picture.shape == (28, 28) for unit in units)


def test_network_without_hidden_layers_has_evidence_and_no_units():
    model = MLP((), seed=1)
    x = np.random.default_rng(0).random((28, 28), np.float32)
    explanation = explain(model, x, 4, 7)
    np.testing.assert_allclose(explanation.evidence.ravel(), x.ravel() * model.weights[0][:, 4], rtol=1e-5)
    assert explanation.units == []


def test_blank_picture_has_no_evidence():
    explanation = explain(weights.load(), np.zeros((28, 28), np.float32), 4, 7)
    assert not explanation.evidence.any()
    assert not explanation.contrast.any()
    assert all(unit.contribution == 0 for units in explanation.units for unit in units)


def test_no_rows_have_no_evidence():
    assert evidence(small_network((6,), "relu"), np.zeros((0, 6)), 1).shape == (0, 6)


def test_wrong_number_of_pixels_is_named():
    with pytest.raises(ValueError, match=r"784.*\(700,\)"):
        evidence(MLP(()), np.zeros(700), 0)


def test_removing_the_evidence_hurts_more_than_removing_as_much_ink_at_random(sketches):
    model = weights.load()
    drawings = sketches.subset(sketches.load(core=True), SKETCHES)
    X = np.stack([preprocessing.to_mnist(sketches.draw(each)) for each in drawings]).reshape(-1, 784)
    answers = model.predict_proba(X).argmax(axis=1)
    found = evidence(model, X, answers)
    rng = np.random.default_rng(0)
    hurt_more = 0
    for x, answer, worth in zip(X, answers, found, strict=True):
        ink = np.flatnonzero(x)
        orders = [np.argsort(-worth), *(rng.permutation(ink) for _ in range(DRAWS))]
        by_evidence, *at_random = model.logits(np.stack([without_first(x, order) for order in orders]))[:, answer]
        hurt_more += by_evidence < np.mean(at_random)
    assert hurt_more >= 0.95 * SKETCHES


def without_first(x, order):
    """x without the first TOP of its ink, in this order of pixels."""
    so_far = np.cumsum(x[order])
    y = x.copy()
    y[order[: np.searchsorted(so_far, TOP * x.sum()) + 1]] = 0
    return y
