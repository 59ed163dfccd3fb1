"""Training runs on disk: members, progress bars, checkpoints, and the finished network in its folder.

`fit` trains the members of a recipe with nn/trainer.py, side by side, and hands them to nn/finish.py. The same seed on
the same machine gives the same bytes, also when the run was interrupted and resumed.
"""

from __future__ import annotations

import contextlib
import csv
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from threadpoolctl import ThreadpoolController
from tqdm import tqdm

from nn import checkpoint, crossfit, files
from nn.finish import calibrated, cross_calibrated
from nn.made_up import made_up_for
from nn.mlp import MLP
from nn.pictures.mnist import Dataset
from nn.recipes import Recipe
from nn.trainer import Trainer

CHECKPOINT_FILE = "checkpoint.safetensors"
HISTORY_FILE = "history.csv"
MEMBER = "member-{}"  # a member's folder in its run's folder
# What a run depends on besides its recipe: made-up pictures are Pillow's lines and the letters of matplotlib's fonts.
MADE_WITH = ("numpy", "pillow", "matplotlib")
# Members that are trained at a time. Three keep two processors busy; one alone uses little more than one of them. Each
# holds 600 MB: its pictures, and the distorted copies of an epoch.
AT_ONCE = 3


class Stopped(Exception):
    """Training ends between two steps: Ctrl-C was pressed, or another member failed."""


def fit(recipe: Recipe, dataset: Dataset, out: Path, resume: bool = False) -> list[Trainer]:
    """Trains with progress bars, writes the network to `out`, and returns its members' runs; most recipes have one.

    Each run leaves its best network so far, its history and a checkpoint after each epoch: in `out`, or where there are
    several members, in folders in it. Ctrl-C ends all early; the runs of members that had not begun are then missing.

    Raises:
        OSError, ValueError: as `check_out`, or the checkpoint is one of another recipe or of other images.
        FloatingPointError: training diverged.
        KeyboardInterrupt: Ctrl-C while pictures were made, before the training.
    """
    check_out(recipe, out, resume)
    runs: list[Trainer] = []
    for first in range(1, recipe.members + 1, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, recipe.members + 1))
        folders = [member_folder(recipe, out, number) for number in numbers]
        begun = [
            begin(member_of(recipe, number), images_of(recipe, dataset, number), folder, resume)
            for number, folder in zip(numbers, folders, strict=True)
        ]
        train_side_by_side(begun, folders)
        runs += begun
        if any(run.epoch < recipe.epochs for run in begun):
            break
        for run in begun:
            run.forget_pictures()
    if len(runs) == recipe.members and all(run.history for run in runs):
        models = [best_of(run) for run in runs]
        model = (cross_calibrated if recipe.cross_fit else calibrated)(models, recipe, dataset)
        whole = {name: getattr(recipe, name) for name in ("hidden", "members", "cross_fit", "seed")}
        model.info["training"] |= whole | {"epochs_done": min(run.epoch for run in runs)}
        files.save(model, out)
    return runs


def check_out(recipe: Recipe, out: Path, resume: bool) -> None:
    """Raises OSError when `out` cannot be written to, when it has no checkpoint to resume from, or one that a
    new run would replace; ValueError when one network is to be resumed as several, or several as one.
    """
    existing = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise NotADirectoryError(f"{existing}: a file, expected a folder to write to")
    if not os.access(existing, os.W_OK):
        raise PermissionError(f"{existing}: this folder cannot be written to")
    begun = is_begun(out)
    if begun and not resume:
        raise FileExistsError(f"{out}: there is a run in it; --resume goes on with it, another --out leaves it alone")
    if resume and not begun:
        raise FileNotFoundError(f"{out}: no checkpoint to resume from; leave out --resume")
    if resume and not begun_members(recipe, out):
        before = "several members" if recipe.members == 1 else "one network"
        raise ValueError(f"{out}: the run in it was made with {before} (now {recipe.members}): repeat that to resume")


def is_begun(out: Path) -> bool:
    """Whether a run left a checkpoint in this folder: a member that finished an epoch, or a network without members."""
    members = out.glob(f"{MEMBER.format('*')}/{CHECKPOINT_FILE}")
    return any(path.is_file() for path in (out / CHECKPOINT_FILE, *members))


def begun_members(recipe: Recipe, out: Path) -> list[int]:
    """The numbers of the recipe's members that left a checkpoint."""
    numbers = range(1, recipe.members + 1)
    return [number for number in numbers if (member_folder(recipe, out, number) / CHECKPOINT_FILE).is_file()]


def member_folder(recipe: Recipe, out: Path, number: int) -> Path:
    return out if recipe.members == 1 else out / MEMBER.format(number)


def member_of(recipe: Recipe, number: int) -> Recipe:
    """The recipe of one member: its share of the hidden units, and random numbers of its own."""
    hidden = tuple(width // recipe.members for width in recipe.hidden)
    seed = recipe.seed * recipe.members + number - 1
    return replace(recipe, hidden=hidden, members=1, cross_fit=False, seed=seed)


def images_of(recipe: Recipe, dataset: Dataset, number: int) -> Dataset:
    """The images that one member trains on, and those that it is measured by."""
    return crossfit.dataset_of(dataset, recipe.members, number) if recipe.cross_fit else dataset


def begin(recipe: Recipe, dataset: Dataset, out: Path, resume: bool) -> Trainer:
    """One network at its start, or at its checkpoint in `out`."""
    saved = out / CHECKPOINT_FILE
    resuming = resume and saved.is_file()
    finished = resuming and checkpoint.epochs(saved) >= recipe.epochs  # it needs no more pictures
    made_up = None if finished else made_up_for(recipe, dataset.train)
    trainer = Trainer(recipe, dataset.train, dataset.validation, made_up)
    if resuming:
        checkpoint.load(trainer, saved)
    return trainer


def train_side_by_side(trainers: list[Trainer], folders: list[Path]) -> None:
    """Takes each to its last epoch, in a thread of its own, or to the last one before Ctrl-C."""
    stop = threading.Event()
    recipe = trainers[0].recipe
    with products_on_threads(len(trainers), recipe.augment), ThreadPoolExecutor(len(trainers), "member") as pool:
        try:
            numbers = range(len(trainers))
            running = [pool.submit(train, *each, stop) for each in zip(trainers, folders, numbers, strict=True)]
            for done in as_completed(running):
                done.result()
        except KeyboardInterrupt:
            begun = any(trainer.history for trainer in trainers)
            tqdm.write("interrupted: keeping the best so far" if begun else "interrupted in the first epoch")
        finally:
            stop.set()


def train(trainer: Trainer, out: Path, line: int, stop: threading.Event) -> None:
    """Takes a run to its last epoch, or until `stop`, with a progress bar on a line of its own."""
    total, done = (epochs * trainer.steps_per_epoch for epochs in (trainer.recipe.epochs, trainer.epoch))
    bar = tqdm(total=total, initial=done, position=line, unit="step", dynamic_ncols=True, smoothing=0.05)
    shown = {"loss": 0.0}

    def progress(loss: float) -> None:
        if stop.is_set():
            raise Stopped
        shown["loss"] += 0.02 * (loss - shown["loss"]) if shown["loss"] else loss
        if bar.update():  # true when the bar was redrawn
            best = trainer.best_row
            figures = {"best validation": f"{best['validation_accuracy']:.2%}"} if best else {}
            bar.set_postfix({"loss": f"{shown['loss']:.4f}"} | figures, refresh=False)

    trainer.progress = progress
    out.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(bar), contextlib.suppress(Stopped):
        while trainer.epoch < trainer.recipe.epochs:
            bar.set_description(f"epoch {trainer.epoch + 1}/{trainer.recipe.epochs}")
            row = trainer.run_epoch()
            if trainer.best_row is row:
                files.save(best_of(trainer), out)
            checkpoint.save(trainer, out / CHECKPOINT_FILE)
            write_history(trainer.history, out / HISTORY_FILE)


@contextlib.contextmanager
def products_on_threads(members: int, augment: bool) -> Iterator[None]:
    """Matrix products of several members take one thread each; those of one network leave one to what distorts.

    A thread that distorts needs a processor. Where it has none, it and the products wait for each other: with two
    threads on two processors an epoch of the bundled recipe takes twice as long as with one.
    """
    blas = ThreadpoolController().select(user_api="blas")
    given = [pool["num_threads"] for pool in blas.info()]
    threads = 1 if members > 1 else max([1, *(number - augment for number in given)])
    with blas.limit(limits=threads):
        yield


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
