"""Trains a network on MNIST and writes model.safetensors, config.json and history.csv.

    python -m nn.train --data DIR --out runs/mine
    python -m nn.train --preset augmented --data DIR --out runs/augmented
    python -m nn.train --hidden 128 --activation sigmoid --optimizer sgd --lr 0.5 --epochs 30

The same seed on the same machine gives the same weights, bit for bit. With several members it gives them on every x86
processor with AVX2, under Windows only without AVX-512. OPENBLAS_CORETYPE=SkylakeX gives another network, where there
is AVX-512 in four fifths of the time. Ctrl-C keeps the best network so far; --resume goes on from the last finished
epoch.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import Field, fields, replace
from pathlib import Path

import numpy as np

from nn import checkpoint, files, flags, programs
from nn.fast import products
from nn.fast.committee import joined
from nn.images import load_images
from nn.measure import metrics
from nn.members import CHECKPOINT_FILE, blas_libraries
from nn.mlp import DIGITS, MLP
from nn.pictures import mnist, sample
from nn.pictures.augment import Distortion
from nn.pictures.mnist import DataError, Dataset
from nn.recipes import PRESETS, Recipe
from nn.runs import begun_members, check_out, fit, images_of, member_folder, member_of
from nn.trainer import Trainer

# A network is said to have hardly learned below this share of the way from always guessing the commonest digit to 100%.
HARDLY_LEARNED = 0.1


def parser() -> argparse.ArgumentParser:
    """The recipe's options have no default here: a setting that is not given comes from the preset or Recipe()."""
    parser = argparse.ArgumentParser(
        prog="python -m nn.train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", choices=PRESETS, help="a named recipe; the options below change it")

    def add(title: str, text: str, settings: type, prefix: str = "") -> None:
        group = parser.add_argument_group(title, text)
        for setting in fields(settings):
            if setting.metadata:
                shown = setting.default
                if isinstance(shown, tuple):
                    shown = " ".join(map(str, shown)) or "none"
                name, about = setting.name.replace("_", "-"), f"{setting.metadata['about']} (default: {shown})"
                group.add_argument(f"--{prefix}{name}", help=about, default=argparse.SUPPRESS, **reading_of(setting))

    add("recipe", "each option overrides the preset's value", Recipe)
    add("distortions", "with --augment", Distortion, "distort-")
    parser.add_argument("--data", type=flags.path, help=mnist.DATA_HELP)
    parser.add_argument(
        "--out", type=flags.path, default=Path("runs/latest"), help="folder to write (default: %(default)s)"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on from the checkpoint in --out; a constant learning rate may get more --epochs then",
    )
    parser.add_argument("--dry-run", action="store_true", help="check everything, say what would happen, train nothing")
    text = "fail below this validation accuracy"
    parser.add_argument("--target-accuracy", type=percentage, metavar="PERCENT", help=text)
    return parser


def percentage(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"expected a percentage from 0 to 100, got {text[:100]!r}")
    return value


def reading_of(setting: Field) -> dict:
    """How argparse reads a setting."""
    default, choices = setting.default, setting.metadata["choices"]
    if choices:
        return {"choices": choices, "type": str if default is None else type(default)}
    if isinstance(default, bool):
        return {"action": argparse.BooleanOptionalAction}
    if isinstance(default, tuple):
        return {"type": int, "nargs": "*", "metavar": "N"}
    return {"type": type(default), "metavar": "N" if isinstance(default, int) else "X"}


def recipe_from(arguments: argparse.Namespace) -> Recipe:
    base = PRESETS[arguments.preset].recipe if arguments.preset else Recipe()
    given = vars(arguments)
    changes = {f.name: given[f.name] for f in fields(Recipe) if f.name in given}
    changes |= {name: tuple(numbers) for name, numbers in changes.items() if isinstance(numbers, list)}
    amounts = {f.name: given[f"distort_{f.name}"] for f in fields(Distortion) if f"distort_{f.name}" in given}
    if amounts and not replace(base, **changes).augment:
        raise ValueError(f"--distort-{next(iter(amounts)).replace('_', '-')} distorts nothing without --augment")
    return replace(base, distortion=replace(base.distortion, **amounts), **changes)


def images_from(place: Path | None) -> Dataset:
    """The images in `place`; without one MNIST from the Hub, or the digits of sample.py where there is no network.

    It says on standard error which images are used when nobody named them.
    """
    if place is not None:
        return load_images(place)
    try:
        dataset = mnist.load()
    except DataError as error:
        dataset, number = sample.load(), sample.TRAIN_OF_EACH * DIGITS
        print(f"{error}\nInstead it learns from {number:,} of MNIST's images: {sample.FILE}", file=sys.stderr)
    else:
        print(f"It learns from {mnist.HUB_DATASET}", file=sys.stderr)
    return dataset


def dry_run(recipe: Recipe, dataset: Dataset, out: Path, resume: bool) -> str:
    """What a run would do, in words, after every check that needs no training. Raises ValueError as `fit` does."""
    number = begun_members(recipe, out)[0] if resume else 1
    images = images_of(recipe, dataset, number)
    member = Trainer(member_of(recipe, number), images.train, images.validation)
    if resume:
        checkpoint.load(member, member_folder(recipe, out, number) / CHECKPOINT_FILE)
    sizes = ", ".join(f"{len(split):,} {name}" for name, split in dataset.splits().items())
    members = f", joined of {recipe.members} members" if recipe.members > 1 else ""
    return (
        f"{joined([member.model] * recipe.members)}{members}\n{sizes} images\n"
        f"{recipe.epochs} epochs of {member.steps_per_epoch:,} steps, {member.batch_size:,} images a step, "
        f"{recipe.optimizer}, learning rate {recipe.lr}, seed {recipe.seed}\nwould write the network to {out}"
    )


def held_out_accuracy(model: MLP, dataset: Dataset) -> tuple[str, float]:
    """What the figure is called, and the figure in percent. A cross-fitted network has seen the validation images."""
    if pairs := model.info["training"].get("unseen_by_pairs"):
        accuracy = 1 - pairs["errors"] / pairs["images"]
        return "accuracy of pairs of members on images that they did not see", 100 * accuracy
    probs = model.predict_proba(dataset.validation.pixels())
    return "validation accuracy", 100 * metrics.accuracy(probs, dataset.validation.labels)


@programs.reports_errors()
def main(argv: list[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    try:
        recipe = recipe_from(arguments)
        if recipe.members > 1 and argv is None:  # it is the program that runs, and products.matmul multiplies
            products.restart_with_loops(each.get("architecture") for each in blas_libraries().info())
        check_out(recipe, arguments.out, arguments.resume)
        dataset = images_from(arguments.data)
        if arguments.dry_run:
            print(dry_run(recipe, dataset, arguments.out, arguments.resume))
            return 0
        runs = fit(recipe, dataset, arguments.out, arguments.resume)
        epochs_done = min(run.epoch for run in runs)
        if len(runs) < recipe.members or not epochs_done:
            print("interrupted before there was a network", file=sys.stderr)
            if any(run.history for run in runs):
                print("--resume goes on from the last epoch", file=sys.stderr)
            return 1
        name, accuracy = held_out_accuracy(files.load(arguments.out), dataset)
    except KeyboardInterrupt:
        print("interrupted; --resume goes on from the last finished epoch, if there is one", file=sys.stderr)
        return 1
    print(f"{name} {accuracy:.2f}%: {arguments.out}")
    guessing = 100 * np.bincount(dataset.validation.labels).max() / len(dataset.validation)
    if accuracy < guessing + HARDLY_LEARNED * (100 - guessing):
        print(
            f"that is hardly more than by guessing: try another --lr than {recipe.lr}, or more --epochs",
            file=sys.stderr,
        )
    if arguments.target_accuracy and round(accuracy, 6) < arguments.target_accuracy:  # 100 * 0.954 is less than 95.4
        print(f"error: below the target of {arguments.target_accuracy}%", file=sys.stderr)
        return 1
    if epochs_done < recipe.epochs:
        print(f"interrupted: {epochs_done} of {recipe.epochs} epochs; --resume goes on from there", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    programs.run(main)
