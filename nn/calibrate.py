"""Calibration: makes the network's probabilities mean what they say.

Training shows a network many more non-digits than visitors draw. The correction for that is exact: the odds of a class
change by the ratio of its odds in life to its odds in training (Saerens, Latinne and Decaestecker 2002), which in
logits is one number added to that class's bias, before anything else.

What is left is temperature scaling (Guo et al. 2017). A network trained to small loss is too sure of itself; trained on
heavily distorted digits, it is not sure enough of plain ones. Dividing all logits by one number changes no answer, only
how sure it is; the number is the one under which the validation labels are most probable.

Which digit it is and whether it is one are two questions, and the second is asked of drawings unlike any that training
showed. So each has its own temperature (`MLP.probabilities`): the digits' is fitted on digits, the odds' on digits and
on pictures unlike those of training. It never changes which digit is named, but may change whether one is.
"""

from __future__ import annotations

import numpy as np

from nn.functions import softmax
from nn.measure import metrics

# Three pictures in a hundred are no digit: a page that asks for a digit is mostly given one.
NON_DIGIT_SHARE = 0.03
TEMPERATURES = np.geomspace(0.25, 4, 241)  # a step of about 1%; the loss is flat around its minimum


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """(n, classes) logits and (n,) labels -> the temperature with the smallest cross-entropy."""
    losses = [metrics.loss(softmax(logits / t), labels) for t in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def fit_odds_temperature(digits: np.ndarray, others: np.ndarray, share: float = NON_DIGIT_SHARE) -> float:
    """Log odds of "not a digit", (n,) for digits and (m,) for others, at least one of each -> the temperature with the
    smallest cross-entropy, the others weighing as much as if they were `share` of all.
    """
    # -log(sigmoid(x)) = log(1 + exp(-x))
    losses = [
        (1 - share) * np.logaddexp(0, digits / t).mean() + share * np.logaddexp(0, -others / t).mean()
        for t in TEMPERATURES
    ]
    return float(TEMPERATURES[int(np.argmin(losses))])


def prior_correction(training_share: float, share: float = NON_DIGIT_SHARE) -> float:
    """What to add to the logit of a class that made up `training_share` of the training examples, and is `share` of
    what will be asked.
    """
    return float(np.log(share / (1 - share)) - np.log(training_share / (1 - training_share)))
