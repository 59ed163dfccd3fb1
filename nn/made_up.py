"""The pictures that a recipe asks for beside MNIST's, to train on and to calibrate with.

nn/pictures/synthetic.py makes them. Here `preprocessing` frames them, as it frames every other picture.
"""

from __future__ import annotations

import numpy as np

from nn.mlp import SIDE
from nn.pictures import synthetic
from nn.pictures.bank import with_made_up
from nn.pictures.mnist import Split
from nn.pictures.non_digits import out_of_distribution
from nn.pictures.synthetic import MadeUp
from nn.recipes import Recipe
from preprocessing.frame import to_frame

VALIDATION_SEED = 1_000_000  # keeps the pictures made for validation apart from those of any member


def made_up_for(recipe: Recipe, digits: Split) -> MadeUp | None:
    """The pictures that the recipe asks for beside MNIST's."""
    if not (recipe.redrawn or recipe.written or recipe.non_digits):
        return None
    redrawn = synthetic.REDRAWN if recipe.redrawn else 0
    written = synthetic.WRITTEN if recipe.written else 0
    non_digits = synthetic.NON_DIGITS if recipe.non_digits else 0
    return synthetic.make(digits, recipe.seed, frame, redrawn=redrawn, written=written, non_digits=non_digits)


def for_calibration(held_out: Split, recipe: Recipe) -> tuple[Split, Split]:
    """Images that a network did not see -> the digits and the non-digits that its temperatures are fitted on."""
    digits = held_out
    if recipe.redrawn:
        made_up = synthetic.make(held_out, recipe.seed + VALIDATION_SEED, frame, redrawn=1, written=0, non_digits=0)
        digits = with_made_up(held_out, made_up)
    return digits, out_of_distribution(held_out) if recipe.non_digits else held_out[:0]


def frame(ink: np.ndarray) -> np.ndarray:
    """Made-up pictures are framed by the code that frames every other picture."""
    framed = to_frame(ink)
    return np.zeros((SIDE, SIDE), np.float32) if framed is None else framed[0]
