"""Calibration: among answers given with 90% confidence, about 90% should be right.

`Calibration` turns logits into probabilities when a network answers. The functions below it find its numbers once the
network is trained:

1. Prior correction. Training shows many more non-digits than visitors draw. The correction is exact: the odds of a
   class change by the ratio of its odds in use to its odds in training (Saerens, Latinne and Decaestecker 2002). In
   logits this is one number, added to the bias of that class before anything else.
2. Temperature scaling (Guo et al. 2017). A network that was trained to a small loss is too sure of itself; one that was
   trained on heavily distorted digits is not sure enough of plain ones. Dividing all logits by one number changes no
   answer, only how sure it is. The number is the one under which the validation labels are most probable.
3. Two temperatures. Which digit it is and whether it is one are two questions, and the second is asked of drawings
   unlike any that training showed. The digits' temperature is fitted on digits; the odds' temperature on digits and on
   pictures unlike those of training. It never changes which digit is named, but may change whether one is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nn.functions import cross_entropy, one_hot, softmax

# The share of non-digits that the answers assume. A page that asks for a digit is mostly given one. nn/experiments.md
# tells how it was chosen.
NON_DIGIT_SHARE = 0.007
# No network needs a smaller temperature, nor a smaller std of its inputs. A damaged file may hold 1e-320, which float32
# rounds to zero.
SMALLEST_DIVISOR = 1e-6
TEMPERATURES = np.geomspace(0.25, 4, 241)  # a step of about 1%; the loss is flat around its minimum


@dataclass(frozen=True)
class Calibration:
    """How logits become probabilities.

    temperature: divides the logits before softmax; 1 leaves them alone.
    odds_temperature: divides the log odds of the last class, "not a digit", against all others. None: that class is one
        like the others, under the same temperature.

    Raises ValueError for a temperature that is not finite, or below SMALLEST_DIVISOR.
    """

    temperature: float = 1.0
    odds_temperature: float | None = None

    def __post_init__(self) -> None:
        for temperature in (self.temperature, self.odds_temperature):
            if temperature is not None and not SMALLEST_DIVISOR <= temperature < math.inf:
                raise ValueError(f"temperatures must be finite and at least {SMALLEST_DIVISOR:g}, got {temperature}")

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Logits (n, classes), which are overwritten -> probabilities (n, classes).

        With an odds temperature T' the question comes in two parts: is it a digit, and if so, which?

            log odds = logit of "not a digit" - log of the sum of exp(logits of the digits)
            P(not a digit) = sigmoid(log odds / T')
            P(digit d) = (1 - P(not a digit)) * softmax(logits of the digits / T)_d

        With T = T' = 1 this is softmax over all classes.
        """
        if self.odds_temperature is None:
            logits /= self.temperature
            return softmax(logits, out=logits)
        odds, digits = last_log_odds(logits) / self.odds_temperature, logits[:, :-1]
        digits /= self.temperature
        softmax(digits, out=digits)
        # sigmoid(x) = exp(-log(1 + exp(-x))) and 1 - sigmoid(x) = sigmoid(-x): the smaller one is not rounded to zero
        digits *= np.exp(-np.logaddexp(0, odds))[:, np.newaxis]
        logits[:, -1] = np.exp(-np.logaddexp(0, -odds))
        return logits


def last_log_odds(logits: np.ndarray) -> np.ndarray:
    """Log odds of the last class against all others together: (n, classes) logits -> (n,)."""
    others = logits[:, :-1]
    most = others.max(axis=1, keepdims=True)
    return logits[:, -1] - most[:, 0] - np.log(np.exp(others - most).sum(axis=1))


def prior_correction(training_share: float, share: float = NON_DIGIT_SHARE) -> float:
    """The number to add to the logit of a class whose share was `training_share` in training and is `share` in use.

    Both shares lie strictly between 0 and 1.
    """
    return float(np.log(share / (1 - share)) - np.log(training_share / (1 - training_share)))


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """(n, classes) logits and (n,) labels -> the temperature with the smallest cross-entropy."""
    targets = one_hot(labels, logits.shape[1])
    losses = [cross_entropy(softmax(logits / t), targets) for t in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def fit_odds_temperature(digits: np.ndarray, others: np.ndarray, share: float = NON_DIGIT_SHARE) -> float:
    """Log odds of "not a digit", (n,) for digits and (m,) for others, at least one of each -> the temperature with the
    smallest cross-entropy, where the others weigh as much as if they were `share` of all.
    """
    # -log(sigmoid(x)) = log(1 + exp(-x))
    losses = [
        (1 - share) * np.logaddexp(0, digits / t).mean() + share * np.logaddexp(0, -others / t).mean()
        for t in TEMPERATURES
    ]
    return float(TEMPERATURES[int(np.argmin(losses))])
