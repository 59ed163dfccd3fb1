"""May these weights take the place of the published ones? Both read the same test images, so each image is a match.

Images that both read or both miss say nothing. If the networks were equally good, each of the others would go either
way like a fair coin; McNemar's exact test says how often coins give a difference as bad as the one seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nn import MLP
from nn.pictures.mnist import Split

# A network as good as the published one is refused once in twenty times at most, and --force is there for it. A
# smaller level would let more of the worse ones through: good networks differ on some dozens of 10,000 images only.
WORSE_LEVEL = 0.05
# On fewer images a bad network looks like a good one: a network with 3% errors misreads three of 100.
FEWEST_IMAGES = 500
# Errors that differ from what a card states by more than this many standard deviations are no chance: that happens
# once in a million.
DEVIATIONS = 5
# Another machine rounds otherwise, and may read this many of the same images otherwise.
ROUNDING_ERRORS = 3


@dataclass(frozen=True)
class Comparison:
    """Errors of two networks on the same images, and the probability of a difference as bad by chance."""

    images: int
    new_errors: int
    published_errors: int
    p: float

    @property
    def worse(self) -> bool:
        return self.p < WORSE_LEVEL

    def __str__(self) -> str:
        return (
            f"{self.new_errors:,} errors on {self.images:,} test images, the published weights make "
            f"{self.published_errors:,} (exact McNemar test, p = {self.p:.2g})"
        )


def compare(new: MLP, published: MLP, test: Split) -> Comparison:
    """Both networks on the same test images, at least one: their errors, and McNemar's one-sided p."""
    wrong, published_wrong = misread(new, test), misread(published, test)
    p = mcnemar(int((wrong & ~published_wrong).sum()), int((published_wrong & ~wrong).sum()))
    return Comparison(len(test), int(wrong.sum()), int(published_wrong.sum()), p)


def misread(model: MLP, split: Split) -> np.ndarray:
    """(n,) bool: whether each image gets another answer than its label."""
    return model.predict_proba(split.pixels()).argmax(axis=1) != split.labels


def contradicts(stated: dict[str, float], errors: int, images: int) -> bool:
    """Whether so many errors on these images show that a card states others. `stated` has "errors" and "images", those
    of the same images or of others; without both it states nothing.
    """
    if "errors" not in stated or not stated.get("images", 0) > 0:
        return False
    if stated["images"] == images:
        return abs(stated["errors"] - errors) > ROUNDING_ERRORS
    expected = images * stated["errors"] / stated["images"]
    rate = min(max((stated["errors"] + errors) / (stated["images"] + images), 0), 1)  # of both together
    deviation = math.sqrt(images * rate * (1 - rate) * (1 + images / stated["images"]))
    return abs(errors - expected) > DEVIATIONS * deviation + ROUNDING_ERRORS


def mcnemar(only_new_wrong: int, only_published_wrong: int) -> float:
    """One-sided p: the probability that at least `only_new_wrong` of n fair coins show heads, where n is the number of
    images that exactly one of the two networks misread.
    """
    coins = only_new_wrong + only_published_wrong
    ways = term = math.comb(coins, only_new_wrong)
    for k in range(only_new_wrong, coins):
        term = term * (coins - k) // (k + 1)  # comb(coins, k + 1)
        ways += term
    return ways / 2**coins
