"""What follows the last epoch: members are corrected, rounded, joined and calibrated on images that they did not see.

The methods are explained where they are written: nn/calibrate.py, nn/fast/quantize.py, nn/fast/committee.py and
nn/crossfit.py. This file puts them in order.
"""

from __future__ import annotations

import numpy as np

from nn import crossfit
from nn.calibrate import Calibration, fit_odds_temperature, fit_temperature, last_log_odds, prior_correction
from nn.fast.committee import joined
from nn.fast.quantize import quantize
from nn.made_up import for_calibration
from nn.mlp import DIGITS, MLP
from nn.pictures.mnist import Dataset
from nn.pictures.non_digits import NOT_A_DIGIT_CLASS
from nn.recipes import Recipe


def calibrated(members: list[MLP], recipe: Recipe, dataset: Dataset) -> MLP:
    """The members joined, corrected, and calibrated on the validation images."""
    model = joined(members)
    correct(model, recipe)
    digits, others = for_calibration(dataset.validation, recipe)
    answers = digits.labels, model.logits(digits.pixels()), model.logits(others.pixels())
    model.calibration = Calibration(*temperatures([answers]))
    return model


def cross_calibrated(members: list[MLP], recipe: Recipe, dataset: Dataset) -> MLP:
    """The members corrected, joined, and calibrated on the images that each of them held out."""
    singles, pairs, plain = [], [], []
    for model in members:
        correct(model, recipe)
    for held_out, neighbours in crossfit.unseen(dataset, members):
        digits, others = for_calibration(held_out, recipe)
        answers = [(model.logits(digits.pixels()), model.logits(others.pixels())) for model in neighbours]
        pair = tuple(np.mean(logits, axis=0) for logits in zip(*answers, strict=True))
        singles += [(digits.labels, *answer) for answer in answers]
        pairs.append((digits.labels, *pair))
        plain.append((held_out.labels, pair[0][: len(held_out)]))
    model = joined(members)
    fitted = zip(temperatures(singles), temperatures(pairs), strict=True)
    model.calibration = Calibration(
        *(None if pair is None else crossfit.extrapolated(single, pair, len(members)) for single, pair in fitted)
    )
    labels, logits = (np.concatenate(parts) for parts in zip(*plain, strict=True))
    errors = int((logits.argmax(axis=1) != labels).sum())
    model.info["training"]["unseen_by_pairs"] = {"images": len(labels), "errors": errors}
    return model


def correct(model: MLP, recipe: Recipe) -> None:
    """Corrects the prior of "not a digit" and rounds the weights, in place."""
    if recipe.non_digits:
        share = recipe.non_digits / (1 + recipe.written + recipe.non_digits)
        model.biases[-1][NOT_A_DIGIT_CLASS] += prior_correction(share)
    if recipe.quantize:
        quantize(model)  # a file a quarter as large
    elif np.abs(model.theta).max() <= np.finfo(np.float16).max:
        model.theta[...] = model.theta.astype(np.float16)  # a file half as large


def temperatures(parts: list[tuple[np.ndarray, ...]]) -> tuple[float, float | None]:
    """[(labels of digits, their logits, logits of non-digits)] -> the temperature of the digits, and that of the odds
    where there are non-digits.
    """
    labels, logits, others = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    odds = fit_odds_temperature(last_log_odds(logits), last_log_odds(others)) if len(others) else None
    return fit_temperature(logits[:, :DIGITS], labels), odds
