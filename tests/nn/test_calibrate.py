"""Calibration: temperatures soften answers without changing them, and the right ones are found."""

import numpy as np
import pytest

from nn.calibrate import Calibration, fit_odds_temperature, fit_temperature, prior_correction
from nn.functions import softmax
from nn.mlp import MLP


def test_temperature_softens_without_changing_the_answer():
    X = np.random.default_rng(0).random((5, 784), np.float32)
    sharp, soft = MLP((32,), seed=1), MLP((32,), seed=1, calibration=Calibration(3.0))
    assert (sharp.predict_proba(X).argmax(axis=1) == soft.predict_proba(X).argmax(axis=1)).all()
    assert (sharp.predict_proba(X).max(axis=1) > soft.predict_proba(X).max(axis=1)).all()


def test_odds_temperature_softens_whether_it_is_a_digit_and_not_which():
    logits = np.random.default_rng(0).normal(0, 3, (5, 11)).astype(np.float32)
    probs, same, softened = (Calibration(1.0, odds).probabilities(logits.copy()) for odds in (None, 1.0, 3.0))
    np.testing.assert_allclose(same, probs, rtol=1e-4)
    np.testing.assert_allclose(softened.sum(axis=1), 1, rtol=1e-5)
    odds, softer = (np.log(p[:, 10] / (1 - p[:, 10])) for p in (probs, softened))
    np.testing.assert_allclose(softer, odds / 3, rtol=1e-3)
    digits, still = (p[:, :10] / (1 - p[:, 10:]) for p in (probs, softened))
    np.testing.assert_allclose(still, digits, rtol=1e-4)


def test_a_small_probability_is_not_rounded_to_zero():
    logits = np.array([[100.0, *[0] * 9, -100], [0.0] * 10 + [200]], np.float32)
    sure = Calibration(1.0, 3.0).probabilities(logits)
    tails = [np.exp(-200 / 3), np.exp(-(200 - np.log(10)) / 3) / 10]  # far from zero, though far below one
    np.testing.assert_allclose(sure[[0, 1], [10, 0]], tails, rtol=1e-4)


@pytest.mark.parametrize("temperatures", [(0.0,), (1e-7,), (float("inf"),), (1.0, 0.0), (1.0, float("nan"))])
def test_impossible_temperatures_are_refused(temperatures):
    with pytest.raises(ValueError, match="must be finite and at least 1e-06"):
        Calibration(*temperatures)


def test_a_class_seen_too_often_in_training_is_corrected_to_its_share_in_use():
    share, training_share = 0.1, 0.4
    logit = np.log(training_share / (1 - training_share))  # what a network that knows nothing but the share would say
    corrected = logit + prior_correction(training_share, share)
    assert 1 / (1 + np.exp(-corrected)) == pytest.approx(share)


@pytest.mark.parametrize("true_temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_made_the_labels_is_found(true_temperature):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (4_000, 10))
    probs = softmax(logits / true_temperature)
    labels = (probs.cumsum(axis=1) > rng.random((len(probs), 1))).argmax(axis=1)
    assert fit_temperature(logits, labels) == pytest.approx(true_temperature, rel=0.05)


def test_the_odds_temperature_that_made_the_labels_is_found():
    rng = np.random.default_rng(0)
    odds = rng.normal(-3, 4, 40_000)
    other = rng.random(len(odds)) < 1 / (1 + np.exp(-odds / 1.7))
    assert fit_odds_temperature(odds[~other], odds[other], other.mean()) == pytest.approx(1.7, rel=0.05)
