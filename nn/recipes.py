"""Recipes: everything that decides what a training run does, and the named ones, PRESETS.

    python -m nn.train --preset NAME --data DIR
    python -m nn.compare --data DIR                 # trains those that repeat public projects, prints the table

Most presets repeat public projects that train a NumPy network on MNIST, from their descriptions; the table puts their
authors' figures beside ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from nn.convolution import KERNEL_SIZES, check_kernel_size
from nn.functions import ACTIVATIONS, INITIALIZATIONS
from nn.limits import MAX_LAYERS, MAX_PARAMETERS, MAX_UNITS
from nn.mlp import DIGITS, PIXELS, check_linear, shapes, size
from nn.optimizers import OPTIMIZERS, SCHEDULES
from nn.pictures.augment import Distortion
from nn.settings import check, setting

FULL_BATCH = 0  # as a batch size: all training images in one step
# Settings that take effect after a run's last epoch: a checkpoint does not depend on them.
AFTERWARDS = {"quantize"}
# Each member holds out its own block of images and the next one's: two would both hold out both blocks.
FEWEST_CROSS_FITTED = 3
# Each layer of a quantized network makes the numbers that pass through it some five hundred times larger, and float32
# ends at 10^38.
MOST_QUANTIZED = 8
# More epochs than anybody waits for. The schedule of the learning rate needs a finite number of steps.
MOST_EPOCHS = 10**6
# Dropout and momentum stay below 1. At 1 every unit would be silent, and the velocity would never shrink.
NOT_ALL = 0.999
# Far more than helps: with 0.1 a network of 32 units still reads nearly nine digits in ten, with 1 six, with 10 four.
MOST_L2 = 10
# The lowest and the highest value of settings.
ANY, EPOCHS = (0, math.inf), (0, MOST_EPOCHS)
SHARE, TEN = (0, 1), (0, 10)


@dataclass(frozen=True)
class Recipe:
    """One training run. Raises ValueError for a value that no run can have."""

    hidden: tuple[int, ...] = setting((256, 128), "width of each hidden layer; none for a linear model")
    kernel_size: int = setting(
        0, "pixels along an edge of the first layer's kernels; 0: no convolution", choices=(0, *KERNEL_SIZES)
    )
    activation: str = setting("relu", "non-linearity of the hidden layers", choices=ACTIVATIONS)
    linear: tuple[int, ...] = setting((), "hidden layers without activation, counted from 0: fewer weights")
    initialization: str | None = setting(None, "None: he for relu, xavier for sigmoid", choices=INITIALIZATIONS)
    optimizer: str = setting("adam", "how gradients become steps", choices=OPTIMIZERS)
    momentum: float = setting(0.9, "share of the velocity that momentum and nesterov keep", (0, NOT_ALL))
    lr: float = setting(1e-3, "learning rate, its peak under a schedule", (1e-12, 1e38))
    schedule: str = setting("constant", "course of the learning rate", choices=SCHEDULES)
    warmup: float = setting(0.0, "epochs of linear rise to the learning rate", EPOCHS)
    batch_size: int = setting(128, f"images a step; {FULL_BATCH}: all of them, 1: single sample", ANY)
    epochs: int = setting(15, "passes over the training images", (1, MOST_EPOCHS))
    l2: float = setting(5e-4, "weight decay: l2 / 2 times the sum of squared weights joins the loss", (0, MOST_L2))
    dropout: float = setting(0.0, "share of hidden units silenced in each step", (0, NOT_ALL))
    sampled_below: float = setting(
        0.0, "pictures with a smaller error than this, of 2 at most, go backward at random: importance sampling", (0, 2)
    )
    label_smoothing: float = setting(0.0, "share of each target spread over all classes", SHARE)
    augment: bool = setting(False, "affine and elastic distortions, new ones in each epoch")
    distortion: Distortion = field(default_factory=Distortion)
    redrawn: float = setting(0.0, "share of the digits shown as a pen on a pad draws them (pictures/redrawn.py)", SHARE)
    written: float = setting(0.0, "digits written stroke by stroke (pictures/digits.py), as a share of MNIST's", TEN)
    non_digits: float = setting(0.0, "pictures of no digit, as a share of MNIST's; any makes an eleventh class", TEN)
    average: float = setting(0.0, "epochs over which the answering weights are averaged; 0: no averaging", EPOCHS)
    members: int = setting(1, "networks trained apart and joined into one, each a share of the hidden units", (1, 100))
    cross_fit: bool = setting(False, "each member holds out images of its own, and together they see all")
    quantize: bool = setting(False, "weights of hidden layers are rounded to int8")
    normalize: bool = setting(False, "inputs to zero mean and unit variance over the training images")
    seed: int = setting(0, "of initialisation, order, distortions and dropout", ANY)

    def __post_init__(self) -> None:
        check(self)
        if len(self.hidden) >= MAX_LAYERS:
            raise ValueError(f"expected at most {MAX_LAYERS - 1} hidden layers, got {len(self.hidden)}")
        if any(not 1 <= width <= MAX_UNITS for width in self.hidden):
            raise ValueError(f"expected 1 to {MAX_UNITS:,} units in each hidden layer, got {self.hidden}")
        if self.members > 1 and (not self.hidden or any(width % self.members for width in self.hidden)):
            raise ValueError(f"{self.members} members cannot share hidden layers of {self.hidden} units equally")
        check_linear(self.linear, len(self.hidden))
        if self.kernel_size:
            check_kernel_size(self.kernel_size, (PIXELS, *self.hidden, DIGITS), self.members)
            if self.batch_size == FULL_BATCH:  # a step holds all windows of each of its pictures
                raise ValueError("a convolution needs mini-batches, got a batch_size of all images")
        of_member = (PIXELS, *(width // self.members for width in self.hidden), DIGITS + 1)
        if self.members * size(shapes(of_member, self.kernel_size), of_member) > MAX_PARAMETERS:
            raise ValueError(f"a network has at most {MAX_PARAMETERS:,} parameters, one of {self.hidden} has more")
        if self.cross_fit and self.members < FEWEST_CROSS_FITTED:
            raise ValueError(
                f"cross_fit is for {FEWEST_CROSS_FITTED} members or more, got {self.members}: fewer would all hold out "
                "the same images, and none would learn from them"
            )
        if self.quantize and not (1 <= len(self.hidden) <= MOST_QUANTIZED and self.activation == "relu"):
            raise ValueError(f"quantize is for networks with 1 to {MOST_QUANTIZED} hidden layers of relu units")


@dataclass(frozen=True)
class Preset:
    """A named recipe, and the figure of the public project that it repeats."""

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
            hidden=(4800, 1125),
            kernel_size=8,
            members=3,
            cross_fit=True,
            epochs=140,
            batch_size=256,
            schedule="cosine",
            warmup=1,
            lr=2e-3,
            l2=0.0,
            augment=True,
            distortion=Distortion(shear=0.25, shift=1.0, sharpening=1.0, unchanged=0.15),
            redrawn=0.5,
            written=0.2,
            non_digits=0.6,
            average=5.0,
            quantize=True,
        ),
        "784-4800-1125-11, three members, convolution, distortions, redrawn and written digits, non-digits: bundled",
        repeats=False,
    ),
}
