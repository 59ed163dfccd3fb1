"""Trains a network on MNIST and writes model.safetensors, config.json and history.csv.

    python -m nn.train --data DIR --out runs/mine
    python -m nn.train --preset augmented --data DIR --out runs/augmented
    python -m nn.train --hidden 128 --activation sigmoid --optimizer sgd --lr 0.5 --epochs 30

The same seed on the same machine gives the same weights, bit for bit. Ctrl-C keeps the best network so far; --resume
goes on from the last finished epoch.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import sys
from dataclasses import Field, asdict, fields, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from tqdm import tqdm

import preprocessing
from nn import checkpoint, crossfit, files
from nn.calibrate import Calibration, fit_odds_temperature, fit_temperature, last_odds, prior_correction
from nn.fast.committee import joined
from nn.fast.quantize import quantize
from nn.measure import metrics
from nn.mlp import DIGITS, MLP, SIDE
from nn.pictures import mnist, sample, synthetic
from nn.pictures.augment import Distortion
from nn.pictures.bank import with_made_up
from nn.pictures.mnist import DataError, Dataset, Split
from nn.pictures.synthetic import NOT_A_DIGIT_CLASS, MadeUp
from nn.recipes import PRESETS, Recipe
from nn.trainer import Trainer
from preprocessing.frame import to_frame
from preprocessing.picture import open_picture

CHECKPOINT_FILE = "checkpoint.safetensors"
HISTORY_FILE = "history.csv"
VALIDATION_SEED = 1_000_000  # keeps the pictures made for validation apart from those of any member
MEMBER = "member-{}"  # a member's folder in its run's folder
# A network is said to have hardly learned below this many times the share of the commonest digit.
HARDLY_LEARNED = 2
# What a run depends on besides its recipe: made-up pictures are Pillow's lines and the letters of matplotlib's fonts.
MADE_WITH = ("numpy", "pillow", "matplotlib")


def fit(recipe: Recipe, dataset: Dataset, out: Path, resume: bool = False) -> list[Trainer]:
    """Trains with progress bars, writes the network to `out`, and returns its members' runs; most recipes have one.

    Each run leaves its best network so far, its history and a checkpoint after each epoch: in `out`, or where there are
    several members, in folders in it. Ctrl-C ends all early; the interrupted run is then the last.
    """
    check_out(out, resume)
    runs = []
    for number in range(1, recipe.members + 1):
        folder = member_folder(recipe, out, number)
        images = crossfit.dataset_of(dataset, recipe.members, number) if recipe.cross_fit else dataset
        runs.append(fit_member(member_of(recipe, number), images, folder, resume))
        if runs[-1].epoch < recipe.epochs:
            break
    if len(runs) == recipe.members and runs[-1].history:
        models = [best_of(run) for run in runs]
        model = (cross_calibrated if recipe.cross_fit else calibrated)(models, recipe, dataset)
        whole = {name: getattr(recipe, name) for name in ("hidden", "members", "cross_fit", "seed")}
        model.info["training"] |= whole | {"epochs_done": runs[-1].epoch}  # the others are finished
        files.save(model, out)
    return runs


def check_out(out: Path, resume: bool) -> None:
    """Raises OSError when `out` cannot be written to, or when there is no checkpoint in it to resume from."""
    existing = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise NotADirectoryError(f"{existing}: a file, expected a folder to write to")
    if not os.access(existing, os.W_OK):
        raise PermissionError(f"{existing}: this folder cannot be written to")
    if resume and not any((folder / CHECKPOINT_FILE).is_file() for folder in (out, out / MEMBER.format(1))):
        raise FileNotFoundError(f"{out / CHECKPOINT_FILE}: no checkpoint to resume from; leave out --resume")


def member_folder(recipe: Recipe, out: Path, number: int) -> Path:
    return out if recipe.members == 1 else out / MEMBER.format(number)


def member_of(recipe: Recipe, number: int) -> Recipe:
    """The recipe of one member: its share of the hidden units, and random numbers of its own."""
    hidden = tuple(width // recipe.members for width in recipe.hidden)
    seed = recipe.seed * recipe.members + number - 1
    return replace(recipe, hidden=hidden, members=1, cross_fit=False, seed=seed)


def fit_member(recipe: Recipe, dataset: Dataset, out: Path, resume: bool) -> Trainer:
    """One network trained from its start, or from its checkpoint."""
    bar = tqdm(unit="step", dynamic_ncols=True, smoothing=0.05)
    shown = {"loss": 0.0}

    def progress(loss: float) -> None:
        shown["loss"] += 0.02 * (loss - shown["loss"]) if shown["loss"] else loss
        if bar.update():  # true when the bar was redrawn
            best = trainer.best_row
            figures = {"best validation": f"{best['validation_accuracy']:.2%}"} if best else {}
            bar.set_postfix({"loss": f"{shown['loss']:.4f}"} | figures, refresh=False)

    saved = out / CHECKPOINT_FILE
    resuming = resume and saved.is_file()
    finished = resuming and checkpoint.epochs(saved) >= recipe.epochs  # it needs no more pictures
    made_up = None if finished else made_up_for(recipe, dataset.train)
    trainer = Trainer(recipe, dataset.train, dataset.validation, made_up, progress)
    if resuming:
        checkpoint.load(trainer, saved)
    out.mkdir(parents=True, exist_ok=True)
    bar.total = recipe.epochs * trainer.steps_per_epoch
    bar.update(trainer.epoch * trainer.steps_per_epoch)
    try:
        while trainer.epoch < recipe.epochs:
            bar.set_description(f"epoch {trainer.epoch + 1}/{recipe.epochs}")
            row = trainer.run_epoch()
            if trainer.best_row is row:
                files.save(best_of(trainer), out)
            checkpoint.save(trainer, saved)
            write_history(trainer.history, out / HISTORY_FILE)
    except KeyboardInterrupt:
        tqdm.write("interrupted: keeping the best so far" if trainer.epoch else "interrupted in the first epoch")
    finally:
        bar.close()
    return trainer


def made_up_for(recipe: Recipe, digits: Split) -> MadeUp | None:
    """The pictures that the recipe asks for beside MNIST's."""
    if not (recipe.redrawn or recipe.written or recipe.non_digits):
        return None
    written = synthetic.WRITTEN if recipe.written else 0
    non_digits = synthetic.NON_DIGITS if recipe.non_digits else 0
    return synthetic.make(digits, recipe.seed, frame, written=written, non_digits=non_digits)


def frame(ink: np.ndarray) -> np.ndarray:
    """Made-up pictures are framed by the code that frames every other picture."""
    framed = to_frame(ink)
    return np.zeros((SIDE, SIDE), np.float32) if framed is None else framed[0]


def best_of(trainer: Trainer) -> MLP:
    """The best network of a run so far, with what config.json says about its training."""
    model = trainer.answering_model(trainer.best)
    images = {"train": len(trainer.train), "validation": len(trainer.validation)}
    done = {"epochs_done": trainer.epoch, "images": images, "made_with": versions()}
    model.info = {"training": asdict(trainer.recipe) | done}
    return model


def versions() -> dict[str, str]:
    """The versions of MADE_WITH that are installed: without made-up pictures nobody needs matplotlib."""
    found = {}
    for name in MADE_WITH:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def write_history(history: list[dict[str, float]], path: Path) -> None:
    with files.replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, history[0].keys())
        writer.writeheader()
        writer.writerows(history)


# --- after the last epoch ---------------------------------------------------------------------------------------------


def calibrated(members: list[MLP], recipe: Recipe, dataset: Dataset) -> MLP:
    """The members joined, corrected, and calibrated on the validation images."""
    model = joined(members)
    correct(model, recipe)
    digits, strange = for_calibration(dataset.validation, recipe)
    answers = digits.labels, model.logits(digits.pixels()), model.logits(strange.pixels())
    model.calibration = Calibration(*temperatures([answers]))
    return model


def cross_calibrated(members: list[MLP], recipe: Recipe, dataset: Dataset) -> MLP:
    """The members corrected, joined, and calibrated on the images that each of them held out."""
    singles, pairs, plain = [], [], []
    for model in members:
        correct(model, recipe)
    for held_out, neighbours in crossfit.unseen(dataset, members):
        digits, strange = for_calibration(held_out, recipe)
        answers = [(model.logits(digits.pixels()), model.logits(strange.pixels())) for model in neighbours]
        pair = tuple(np.mean(logits, axis=0) for logits in zip(*answers, strict=True))
        singles += [(digits.labels, *answer) for answer in answers]
        pairs.append((digits.labels, *pair))
        plain.append((held_out.labels, pair[0][: len(held_out)]))
    model = joined(members)
    fitted = zip(temperatures(singles), temperatures(pairs), strict=True)
    model.calibration = Calibration(
        *(None if pair is None else crossfit.extrapolated(single, pair, len(members)) for single, pair in fitted)
    )
    labels, logits = (np.concatenate(parts) for parts in zip(*plain, strict=True))
    errors = int((logits.argmax(axis=1) != labels).sum())
    model.info["training"]["unseen_by_pairs"] = {"images": len(labels), "errors": errors}
    return model


def correct(model: MLP, recipe: Recipe) -> None:
    """Corrects the prior of "not a digit" and rounds the weights, in place."""
    if recipe.non_digits:
        share = recipe.non_digits / (1 + recipe.written + recipe.non_digits)
        model.biases[-1][NOT_A_DIGIT_CLASS] += prior_correction(share)
    if recipe.quantize:
        quantize(model)  # a file a quarter as large
    elif np.abs(model.theta).max() <= np.finfo(np.float16).max:
        model.theta[...] = model.theta.astype(np.float16)  # a file half as large


def for_calibration(held_out: Split, recipe: Recipe) -> tuple[Split, Split]:
    """Images that a network did not see -> the digits and the non-digits that its temperatures are fitted on."""
    digits = held_out
    if recipe.redrawn:
        made_up = synthetic.make(held_out, recipe.seed + VALIDATION_SEED, frame, written=0, non_digits=0)
        digits = with_made_up(held_out, made_up)
    return digits, synthetic.estranged(held_out) if recipe.non_digits else held_out[:0]


def temperatures(parts: list[tuple[np.ndarray, ...]]) -> tuple[float, float | None]:
    """[(labels of digits, their logits, logits of non-digits)] -> the temperature of the digits, and that of the odds
    where there are non-digits.
    """
    labels, logits, others = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    odds = fit_odds_temperature(last_odds(logits), last_odds(others)) if len(others) else None
    return fit_temperature(logits[:, :DIGITS], labels), odds


# --- command line -----------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """The recipe's options have no default here: a setting that is not given comes from the preset or Recipe()."""
    parser = argparse.ArgumentParser(
        prog="python -m nn.train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", choices=PRESETS, help="a named recipe; the options below change it")
    group = parser.add_argument_group("recipe", "each option overrides the preset's value")

    def option(name: str, text: str, default: object, **reading: object) -> None:
        shown = " ".join(map(str, default)) if isinstance(default, tuple) else default
        text, name = f"{text} (default: {shown})", f"--{name.replace('_', '-')}"
        group.add_argument(name, help=text, default=argparse.SUPPRESS, **reading)

    for setting in fields(Recipe):
        if setting.metadata:
            option(setting.name, setting.metadata["about"], setting.default, **reading_of(setting))
    for amount in fields(Distortion):
        option(f"distort_{amount.name}", "with --augment", amount.default, type=float, metavar="X")
    parser.add_argument("--data", type=Path, help=mnist.DATA_HELP)
    parser.add_argument("--out", type=Path, default=Path("runs/latest"), help="folder to write (default: %(default)s)")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--dry-run", action="store_true", help="check everything, say what would happen, train nothing")
    text = "fail below this validation accuracy"
    parser.add_argument("--target-accuracy", type=percentage, metavar="PERCENT", help=text)
    return parser


def percentage(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"expected a percentage from 0 to 100, got {text}")
    return value


def reading_of(setting: Field) -> dict:
    """How argparse reads a field of Recipe."""
    default, choices = setting.default, setting.metadata["choices"]
    if choices:
        return {"choices": choices}
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
    return replace(base, distortion=replace(base.distortion, **amounts), **changes)


def images_from(place: Path | None) -> Dataset:
    """The images in `place`; without one MNIST from the Hub, or the digits of sample.py where there is no network.

    It says on standard error which images are used when nobody named them.
    """
    if place is not None:
        return mnist.load(place, preprocessing.to_mnist, open_picture)
    try:
        dataset = mnist.load()
    except DataError as error:
        dataset, number = sample.load(), sample.TRAIN_OF_EACH * DIGITS
        print(f"{error}\nInstead it learns from {number:,} of MNIST's images: {sample.FILE}", file=sys.stderr)
    else:
        print(f"It learns from {mnist.HUB_DATASET}", file=sys.stderr)
    return dataset


def describe(member: Trainer, recipe: Recipe, dataset: Dataset, out: Path) -> str:
    sizes = ", ".join(f"{len(split):,} {name}" for name, split in dataset.splits().items())
    members = f", joined of {recipe.members} members" if recipe.members > 1 else ""
    return (
        f"{joined([member.model] * recipe.members)}{members}\n{sizes} images\n"
        f"{recipe.epochs} epochs of {member.steps_per_epoch:,} steps, {member.batch_size:,} images a step, "
        f"{recipe.optimizer}, learning rate {recipe.lr}, seed {recipe.seed}\nwould write the network to {out}"
    )


def main(argv: list[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    try:
        recipe = recipe_from(arguments)
        check_out(arguments.out, arguments.resume)
        dataset = images_from(arguments.data)
        if arguments.dry_run:
            member = Trainer(member_of(recipe, 1), dataset.train, dataset.validation)
            saved = member_folder(recipe, arguments.out, 1) / CHECKPOINT_FILE
            if arguments.resume and saved.is_file():
                checkpoint.load(member, saved)
            print(describe(member, recipe, dataset, arguments.out))
            return 0
        runs = fit(recipe, dataset, arguments.out, arguments.resume)
    except KeyboardInterrupt:
        print("interrupted; --resume goes on from the last finished epoch, if there is one", file=sys.stderr)
        return 1
    except (DataError, ValueError, FloatingPointError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if len(runs) < recipe.members or not runs[-1].history:
        print("interrupted before there was a network; --resume goes on from the last epoch", file=sys.stderr)
        return 1
    probs = files.load(arguments.out).predict_proba(dataset.validation.pixels())
    accuracy = 100 * metrics.accuracy(probs, dataset.validation.labels)
    print(f"validation accuracy {accuracy:.2f}%: {arguments.out}")
    if accuracy < HARDLY_LEARNED * 100 * np.bincount(dataset.validation.labels).max() / len(dataset.validation):
        print(
            f"that is hardly more than by guessing: try another --lr than {recipe.lr}, or more --epochs",
            file=sys.stderr,
        )
    if arguments.target_accuracy and accuracy < arguments.target_accuracy:
        print(f"error: below the target of {arguments.target_accuracy}%", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
