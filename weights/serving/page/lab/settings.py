"""What *Train one* may be asked, as pydantic models: a network and how it learns, what a network is to do, drawings."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Base64Bytes, Field

from nn.convolution import KERNEL_SIZES, positions
from nn.mlp import PIXELS
from nn.recipes import PRESETS, Recipe
from weights.serving.page.lab import archives
from weights.serving.page.lab.asking import Digit, Picture, Question, Refusal, Token
from weights.serving.page.lab.shown import MOST_PICTURES
from weights.serving.page.lab.splits import ALL_DIGITS

# Epochs of a run: the curves are flat long before.
MOST_EPOCHS = 60
# Units of a hidden layer: with two such layers an epoch takes a second.
MOST_UNITS = 256
# Kernels of a convolution: their pictures fill two rows on a laptop.
MOST_KERNELS = 16
# Digits a step with a convolution. A network keeps room for all windows of a step: up to 37 KB a digit.
MOST_CONVOLVED = 128
# The chip "kernels" on the page stands for this convolution.
KERNELS, KERNEL_SIZE = MOST_KERNELS, 8
# Learning rates by optimizer. For 784-16-10 and for 16 kernels, careful takes some ten epochs and good about one; with
# bold steps the curves jump up and down; with wild ones the loss stays above that of guessing, or comes back to about
# it. Without hidden units a network learns few digits by heart even so. Wild momentum in large batches makes sigmoid
# units learn badly: after ten epochs they read a fifth to half of the digits.
RATES = {
    "sgd": {"careful": 0.01, "good": 0.05, "bold": 0.6, "wild": 40.0},
    "momentum": {"careful": 0.001, "good": 0.01, "bold": 0.1, "wild": 8.0},
    "adam": {"careful": 0.0001, "good": 0.002, "bold": 0.05, "wild": 4.0},
}
# Drawings of a visitor's own set: an hour's work.
MOST_DRAWINGS = 100

Repeated = Literal[tuple(name for name, preset in PRESETS.items() if preset.repeats)]
Width = Annotated[int, Field(strict=True, ge=1, le=MOST_UNITS)]
KernelSize = Literal[tuple(KERNEL_SIZES)]


class Settings(Picture):
    """A network, and how it learns. A preset replaces all of it but the digits and the seed."""

    hidden: Annotated[tuple[Width, ...], Field(max_length=2)] = (16,)  # after the convolution, if there is one
    kernels: Annotated[int, Field(strict=True, ge=0, le=MOST_KERNELS)] = 0
    kernel_size: KernelSize = KERNEL_SIZE
    rate: Literal["careful", "good", "bold", "wild"] = "good"
    digits: Literal[100, 1000, ALL_DIGITS] = ALL_DIGITS
    activation: Literal["relu", "sigmoid"] = "relu"
    optimizer: Literal["sgd", "momentum", "adam"] = "sgd"
    batch_size: Annotated[int, Field(strict=True, ge=8, le=512)] = 32
    dropout: Annotated[float, Field(ge=0, le=0.9)] = 0
    decay: Annotated[float, Field(ge=0, le=0.1)] = 0
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**31)] = 0
    preset: Repeated | None = None
    instead_of: Token | None = None  # the visitor's network until now

    def recipe(self) -> Recipe:
        if self.preset:
            return replace(PRESETS[self.preset].recipe, seed=self.seed)
        hidden = self.hidden
        if self.kernels:
            hidden = (self.kernels * positions(self.kernel_size), *hidden)
        if len(hidden) > 2:
            raise Refusal("Here a network has at most two hidden layers, and a convolution is one.")
        return Recipe(
            hidden=hidden,
            kernel_size=self.kernel_size if self.kernels else 0,
            activation=self.activation,
            optimizer=self.optimizer,
            lr=RATES[self.optimizer][self.rate],
            batch_size=self.batch_size,
            dropout=self.dropout,
            l2=self.decay,
            epochs=MOST_EPOCHS,
            seed=self.seed,
        )


class Loading(Settings):
    """A network from files; how it learns on is the page's choice. Its shape is its own, so there is no preset."""

    files: archives.Files
    preset: None = None


class About(Picture):
    """The network that `start` named."""

    run: Token


class AboutUnit(About):
    unit: Annotated[int, Field(strict=True, ge=0, lt=MOST_PICTURES)]


class Drawn(Question):
    """Drawings as the network sees them, 784 bytes each, and what they are."""

    labels: Annotated[list[Digit], Field(min_length=1, max_length=MOST_DRAWINGS)]
    drawings: Base64Bytes

    def images(self) -> np.ndarray:
        """(n, 784) uint8. Raises Refusal."""
        number = len(self.labels)
        if len(self.drawings) != number * PIXELS:
            raise Refusal(f"{number} drawings take {number * PIXELS:,} bytes, got {len(self.drawings):,}.")
        return np.frombuffer(self.drawings, np.uint8).reshape(number, PIXELS)


class Correction(About, Drawn):
    """Drawings to learn, alone or mixed with digits learned before."""

    mixed: bool = True
