"""Recipes: everything that decides what a training run does, and the named ones, PRESETS.

    python -m nn.train --preset NAME --data DIR
    python -m nn.compare --data DIR                 # trains those that repeat public projects, prints the table

Most presets repeat public projects that train a NumPy network on MNIST, from their descriptions; the table puts their
authors' figures beside ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from nn.pictures.augment import Distortion

FULL_BATCH = 0  # as a batch size: all training images in one step


@dataclass(frozen=True)
class Recipe:
    """One training run. `nn.train --help` explains each field; the defaults are its defaults."""

    hidden: tuple[int, ...] = (256, 128)
    activation: str = "relu"
    initialization: str | None = None  # None: the one that suits the activation
    optimizer: str = "adam"
    momentum: float = 0.9  # of the optimizers "momentum" and "nesterov"
    lr: float = 1e-3
    schedule: str = "constant"
    warmup: float = 0.0  # epochs
    batch_size: int = 128  # FULL_BATCH, 1 (single sample) or anything between
    epochs: int = 15
    l2: float = 5e-4
    dropout: float = 0.0
    label_smoothing: float = 0.0
    augment: bool = False
    distortion: Distortion = field(default_factory=Distortion)
    redrawn: float = 0.0  # share of the digits shown as redrawn by synthetic.redraw
    written: float = 0.0  # digits written stroke by stroke (pictures/digits.py), as a share of MNIST's
    non_digits: float = 0.0  # pictures of no digit, as a share of the digits; any makes an eleventh class
    average: float = 0.0  # epochs over which the weights are averaged for the answer; 0: no averaging
    members: int = 1  # networks trained apart and joined into one; each has its share of the hidden units
    cross_fit: bool = False  # each member holds out images of its own, and together they see all
    quantize: bool = False  # weights of hidden layers are rounded to int8
    normalize: bool = False  # inputs to zero mean and unit variance over the training images
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError for a value that no run can have."""
        shares = ("momentum", "dropout", "label_smoothing", "redrawn")
        limits = dict.fromkeys(shares, (0, 1)) | dict.fromkeys(("l2", "warmup", "average"), (0, math.inf))
        limits |= {"lr": (1e-12, math.inf), "epochs": (1, math.inf), "batch_size": (0, math.inf), "seed": (0, math.inf)}
        limits |= {"written": (0, 10), "non_digits": (0, 10), "members": (1, 100)}
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must be from {low:g} to {high:g}, got {getattr(self, name)}")
        if any(width % self.members for width in self.hidden):
            raise ValueError(f"{self.members} members cannot share hidden layers of {self.hidden} units equally")
        if self.cross_fit and self.members == 1:
            raise ValueError("cross_fit is for several members: one network cannot hold out images and see all of them")
        if self.quantize and not (self.hidden and self.activation == "relu"):
            raise ValueError("quantize is for networks with hidden layers of relu units")


@dataclass(frozen=True)
class Preset:
    recipe: Recipe
    about: str
    repeats: bool = True  # a public project's network
    published: str = ""  # the figure its author gives, in words
    floor: float | None = None  # the lower end of that figure, in percent of the test images


PRESETS = {
    "linear": Preset(
        Recipe(hidden=(), optimizer="sgd", lr=0.5, batch_size=FULL_BATCH, epochs=1500, l2=0.0),
        "784-10, softmax regression by full-batch gradient descent",
        published="92.6 dev, 91-92 test",
        floor=91.0,
    ),
    "tiny": Preset(
        Recipe(hidden=(10,), optimizer="sgd", lr=0.05, batch_size=32, epochs=20, l2=0.0),
        "784-10-10, ReLU, SGD",
    ),
    "relu128": Preset(
        Recipe(hidden=(128,), optimizer="sgd", lr=0.1, batch_size=64, epochs=50, l2=0.0),
        "784-128-10, ReLU, mini-batches, 50 epochs",
        published="94-97 test",
        floor=94.0,
    ),
    "sigmoid128": Preset(
        Recipe(hidden=(128,), activation="sigmoid", optimizer="sgd", lr=0.5, batch_size=64, epochs=30, l2=0.0),
        "784-128-10, sigmoid, mini-batches of 64",
    ),
    "relu128-sgd32": Preset(
        Recipe(hidden=(128,), optimizer="sgd", lr=0.1, batch_size=32, epochs=20, l2=0.0),
        "784-128-10, ReLU, mini-batches of 32, 10% validation",
    ),
    "sgd64": Preset(
        Recipe(hidden=(64, 64), activation="sigmoid", optimizer="sgd", lr=0.1, batch_size=1, epochs=10, l2=0.0),
        "784-64-64-10, sigmoid, one image a step",
        published="95.4 test",
        floor=95.4,
    ),
    "adam256": Preset(
        Recipe(normalize=True),
        "784-256-128-10, ReLU, Adam, batches of 128, He, L2 5e-4, 15 epochs",
        published="97.2 test",
        floor=97.2,
    ),
    "augmented": Preset(
        Recipe(epochs=40, batch_size=256, schedule="cosine", warmup=1, lr=2e-3, l2=0.0, augment=True, average=2.0),
        "784-256-128-10 with affine and elastic distortions: small, and trained in two minutes",
        repeats=False,
    ),
    "best": Preset(
        Recipe(
            hidden=(3000, 1600),
            members=4,
            epochs=150,
            batch_size=512,
            schedule="cosine",
            warmup=1,
            lr=2e-3,
            l2=0.0,
            augment=True,
            distortion=Distortion(shear=0.25, shift=1.0),
            redrawn=0.5,
            non_digits=0.4,
            average=5.0,
            quantize=True,
        ),
        "784-3000-1600-11, four members joined, distortions, redrawn digits, made-up non-digits: the bundled weights",
        repeats=False,
    ),
}
