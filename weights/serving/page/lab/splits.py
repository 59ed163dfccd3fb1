"""The digits that networks of visitors learn from and are measured with, each kept in memory once for all of them.

digits(1000)     # the first of those to learn from
held_out()       # by which the best epoch is chosen
unseen()         # from which no network here learns
"""

from __future__ import annotations

import functools

import numpy as np

from nn.pictures import sample
from nn.pictures.splits import Split

# The shipped digits to learn from, without the 500 that nn.train holds out too.
ALL_DIGITS = 4500


class Kept(Split):
    """A split whose pixels are shared by all runs: as float32, 4,500 digits take 14 MB."""

    @functools.cached_property
    def shared(self) -> np.ndarray:
        pixels = super().pixels()
        pixels.flags.writeable = False
        return pixels

    def pixels(self) -> np.ndarray:
        return self.shared


shipped = functools.cache(sample.load)


@functools.cache
def digits(number: int) -> Kept:
    """The first of the digits to learn from, as many of each."""
    train = shipped().train
    return Kept(train.images[:number], train.labels[:number])


@functools.cache
def held_out() -> Kept:
    """The 500 digits by which the best epoch is chosen, as nn.train chooses it."""
    return Kept(**vars(shipped().validation))


@functools.cache
def unseen() -> Kept:
    """The 1,000 digits that no network here learns from."""
    return Kept(**vars(shipped().test))


@functools.cache
def normalized(number: int, mean: float, std: float) -> np.ndarray:
    """`digits` as the first layer of a network sees them that normalises its input."""
    pixels = (digits(number).pixels() - mean) / std
    pixels.flags.writeable = False
    return pixels
