"""Training runs on disk: members, progress bars, checkpoints, and the finished network in its folder.

`fit` trains every member of a recipe with nn/trainer.py and hands them to nn/finish.py. The same seed on the same
machine gives the same bytes, also when the run was interrupted and resumed.
"""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Iterator
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


def fit(recipe: Recipe, dataset: Dataset, out: Path, resume: bool = False) -> list[Trainer]:
    """Trains with progress bars, writes the network to `out`, and returns its members' runs; most recipes have one.

    Each run leaves its best network so far, its history and a checkpoint after each epoch: in `out`, or where there are
    several members, in folders in it. Ctrl-C ends all early; the interrupted run is then the last.

    Raises:
        OSError, ValueError: as `check_out`, or the checkpoint is one of another recipe or of other images.
        FloatingPointError: training diverged.
    """
    check_out(recipe, out, resume)
    runs = []
    for number in range(1, recipe.members + 1):
        folder = member_folder(recipe, out, number)
        runs.append(fit_member(member_of(recipe, number), images_of(recipe, dataset, number), folder, resume))
        if runs[-1].epoch < recipe.epochs:
            break
        runs[-1].forget_pictures()  # 300 MB for each member of the largest recipe
    if len(runs) == recipe.members and runs[-1].history:
        models = [best_of(run) for run in runs]
        model = (cross_calibrated if recipe.cross_fit else calibrated)(models, recipe, dataset)
        whole = {name: getattr(recipe, name) for name in ("hidden", "members", "cross_fit", "seed")}
        model.info["training"] |= whole | {"epochs_done": runs[-1].epoch}  # the others are finished
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
    saved = member_folder(recipe, out, 1) / CHECKPOINT_FILE
    if resume and not begun:
        raise FileNotFoundError(f"{saved}: no checkpoint to resume from; leave out --resume")
    if resume and not saved.is_file():
        before = "several members" if recipe.members == 1 else "one network"
        raise ValueError(f"{out}: the run in it was made with {before} (now {recipe.members}): repeat that to resume")


def is_begun(out: Path) -> bool:
    """Whether a run left a checkpoint in this folder."""
    return any((folder / CHECKPOINT_FILE).is_file() for folder in (out, out / MEMBER.format(1)))


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
    trainer = Trainer(
        recipe,
        dataset.train,
        dataset.validation,
        None if finished else made_up_for(recipe, dataset.train),
        progress,
    )
    if resuming:
        checkpoint.load(trainer, saved)
    out.mkdir(parents=True, exist_ok=True)
    bar.total = recipe.epochs * trainer.steps_per_epoch
    bar.update(trainer.epoch * trainer.steps_per_epoch)
    try:
        while trainer.epoch < recipe.epochs:
            bar.set_description(f"epoch {trainer.epoch + 1}/{recipe.epochs}")
            with one_thread_less() if recipe.augment else contextlib.nullcontext():
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


@contextlib.contextmanager
def one_thread_less() -> Iterator[None]:
    """Matrix products take one thread less than they would, and at least one.

    The thread that distorts needs a processor. Where it has none, it and the products wait for each other: with two
    threads on two processors an epoch of the bundled recipe takes twice as long as with one.
    """
    blas = ThreadpoolController().select(user_api="blas")
    threads = max([1, *(pool["num_threads"] - 1 for pool in blas.info())])
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
