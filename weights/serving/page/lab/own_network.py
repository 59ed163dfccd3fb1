"""A visitor's network as files: what is taken from those that are loaded, and what is said of those that are saved."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from nn import MLP, files
from nn.mlp import DIGITS, PIXELS
from nn.pictures import sample
from nn.recipes import PRESETS, Recipe
from weights.serving.page.lab.asking import Refusal
from weights.serving.page.lab.kept import Run
from weights.serving.page.lab.settings import MOST_KERNELS, MOST_UNITS
from weights.serving.page.lab.shown import first_weights
from weights.serving.page.lab.splits import ALL_DIGITS

# Parameters of the largest network here.
MOST_PARAMETERS = (PIXELS + 1) * MOST_UNITS + (MOST_UNITS + 1) * MOST_UNITS + (MOST_UNITS + 1) * DIGITS
# Bytes of a config.json: ten times the longest that is written here.
MOST_CONFIG_BYTES = 50_000


def network_in(found: dict[str, bytes]) -> MLP:
    """The network in model.safetensors and config.json, in whatever folder. Raises Refusal."""
    needed = (files.MODEL_FILE, files.CONFIG_FILE)
    named = {need: [found[name] for name in found if name.rpartition("/")[2] == need] for need in needed}
    if missing := [name for name in needed if not named[name]]:
        raise Refusal(f"A network has two files. Missing: {' and '.join(missing)}. Choose both, or the zip with them.")
    if any(len(contents) > 1 for contents in named.values()):
        raise Refusal("There is more than one network in it. Choose one.")
    if len(named[files.CONFIG_FILE][0]) > MOST_CONFIG_BYTES:
        raise Refusal(f"{files.CONFIG_FILE} has at most {MOST_CONFIG_BYTES:,} bytes.")
    with tempfile.TemporaryDirectory() as folder:
        for name in needed:
            (Path(folder) / name).write_bytes(named[name][0])
        try:
            model = files.load(folder, MOST_PARAMETERS)
        except files.WeightsError as error:
            raise Refusal(f"This is no network: {str(error).replace(f'{folder}/', '')[:300]}.") from error
    if model.members > 1:
        raise Refusal("This file joins several networks. They cannot be trained further.")
    if model.linear:
        raise Refusal("Here every hidden layer has an activation; this network has one without.")
    widths, units = model.widths, model.hidden
    if model.kernel_size:
        kernels, units = first_weights(model).shape[1], units[1:]
        if kernels > MOST_KERNELS:
            raise Refusal(f"Here a convolution has at most {MOST_KERNELS} kernels; this one has {kernels}.")
    if len(widths) > 4 or max(units, default=0) > MOST_UNITS or (widths[0], widths[-1]) != (PIXELS, DIGITS):
        raise Refusal(
            f"Here a network has {PIXELS} inputs, at most two hidden layers of {MOST_UNITS} units, and {DIGITS} "
            f"outputs; this one is {'-'.join(map(str, widths))}."
        )
    return model


def without_normalization(model: MLP) -> np.ndarray:
    """The parameters of the same function on pixels as they are: (x - mean) / std @ W is x @ (W / std) - mean / std of
    the sum of W's rows.
    """
    theta = model.theta.copy()
    weights, biases = model.views(theta)
    weights[0] /= model.std
    by_place = biases[0].reshape(-1, weights[0].shape[1])  # a kernel has a bias at each place
    by_place -= model.mean * weights[0].sum(axis=0)
    return theta


def saying(run: Run, epochs: int, done: int) -> str:
    """Which network was saved, and whether the command trains the same one."""
    if run.changed:
        return f"Saved as it is now. {run.changed} The command trains one like it, without that:"
    which = "Saved" if epochs == done else f"Saved: its best round, number {epochs} of {done}"
    if run.digits == ALL_DIGITS:
        return f"{which}. This command trains the same network, up to rounding:"
    return f"{which}. It learned from {run.digits:,} digits; this command trains one like it from {ALL_DIGITS:,}:"


def command(recipe: Recipe, epochs: int) -> str:
    """Trains a network in the same way from the same digits, and keeps the best epoch."""
    start, end = f"python -m nn.train --data nn/pictures/{sample.FILE.name}", f"--seed {recipe.seed} --epochs {epochs}"
    for name, preset in PRESETS.items():
        if recipe == replace(preset.recipe, seed=recipe.seed):
            return f"{start} --preset {name} {end}"
    widths = "".join(f" {width}" for width in recipe.hidden)
    kernels = f" --kernel-size {recipe.kernel_size}" if recipe.kernel_size else ""
    return (
        f"{start} --hidden{widths}{kernels} --activation {recipe.activation} --optimizer {recipe.optimizer} "
        f"--lr {recipe.lr} --batch-size {recipe.batch_size} --dropout {recipe.dropout} --l2 {recipe.l2} {end}"
    )
