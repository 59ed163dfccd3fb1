"""Training runs on disk: members, their progress, checkpoints, and the finished network in its folder.

`fit` trains the members of a recipe with nn/trainer.py, side by side, and hands them to nn/finish.py. The same seed on
the same machine gives the same bytes, also when the run was interrupted and resumed.
"""

from __future__ import annotations

import contextlib
import csv
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from nn import checkpoint, crossfit, files
from nn.fast import products
from nn.finish import calibrated, cross_calibrated
from nn.made_up import made_up_for
from nn.mlp import MLP
from nn.pictures.mnist import Dataset
from nn.recipes import Recipe
from nn.trainer import Trainer

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

CHECKPOINT_FILE = "checkpoint.safetensors"
MEMBER = "member-{}"  # a member's folder in its run's folder
# What a run depends on besides its recipe: made-up pictures are Pillow's lines and the letters of matplotlib's fonts.
MADE_WITH = ("numpy", "pillow", "matplotlib")
# So many members are trained at once. Three keep two processors busy; one alone uses little more than one of them. A
# member of the bundled recipe holds 600 MB: pictures, and the distorted copies of an epoch.
AT_ONCE = 3
LOOK_EVERY = 0.1  # seconds between two looks at what the progress bar shows
SMOOTHING = 0.02  # of the loss in the progress bar: a mean over about 50 steps


class Stopped(Exception):
    """Training ends between two steps: Ctrl-C was pressed, or another member failed."""


def fit(recipe: Recipe, dataset: Dataset, out: Path, resume: bool = False) -> list[Trainer]:
    """Trains with a progress bar, writes the network to `out`, and returns its members' runs; most recipes have one.

    Each run leaves its best network so far, its history and a checkpoint after each epoch: in `out`, or where there are
    several members, in folders in it. Ctrl-C ends all early; the runs of members that had not begun are then missing.

    Raises:
        OSError, ValueError: as `check_out`, or the checkpoint is one of another recipe or of other images.
        FloatingPointError: training diverged.
        KeyboardInterrupt: Ctrl-C while no member trained, but pictures were made or the network calibrated.
    """
    check_out(recipe, out, resume)
    runs: list[Trainer] = []
    for first in range(1, recipe.members + 1, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, recipe.members + 1))
        begun = [begin(recipe, dataset, number, out, resume) for number in numbers]
        with products_on_threads(recipe):
            train_side_by_side(begun)
        for run in begun:
            run.trainer.forget_pictures()
            runs.append(run.trainer)
        if any(run.epoch < recipe.epochs for run in runs):
            break
    if len(runs) == recipe.members and all(run.history for run in runs):
        models = [best_of(run) for run in runs]
        model = (cross_calibrated if recipe.cross_fit else calibrated)(models, recipe, dataset)
        whole = {name: getattr(recipe, name) for name in ("hidden", "members", "cross_fit", "seed")}
        model.info["training"] |= whole | {"epochs_done": min(run.epoch for run in runs)}
        files.save(model, out)
    return runs


def check_out(recipe: Recipe, out: Path, resume: bool) -> None:
    """Raises OSError when `out` cannot be written to, when it has no checkpoint to resume from, or one or a network
    that a new run would replace; ValueError when one network is to be resumed as several, or several as one.
    """
    files.check_folder(out)
    begun = is_begun(out)
    if begun and not resume:
        raise FileExistsError(f"{out}: there is a run in it; --resume goes on with it, another --out leaves it alone")
    if (out / files.MODEL_FILE).is_file() and not begun:
        raise FileExistsError(f"{out}: there is a network in it, and no run to go on with; give another --out")
    if resume and not begun:
        raise FileNotFoundError(f"{out}: no checkpoint to resume from; leave out --resume")
    if resume and not begun_members(recipe, out):
        before = "one network" if (out / CHECKPOINT_FILE).is_file() else "several members"
        raise ValueError(
            f"{out}: the run in it was made with {before} (now {recipe.members}): repeat that to resume, "
            f"or {checkpoint.ANEW}"
        )


def is_begun(out: Path) -> bool:
    """Whether a run left a checkpoint in this folder, or a member of one in a folder of its own."""
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


@dataclass
class Run:
    """A member's training, the folder that keeps it, and what the progress bar shows of it."""

    trainer: Trainer
    folder: Path
    steps: int  # done so far
    loss: float | None = None  # a moving average

    def train(self, stop: threading.Event) -> None:
        """Goes on to the last epoch, or until `stop` is set."""
        trainer = self.trainer
        trainer.progress = partial(self.progress, stop)
        self.folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(Stopped):
            while trainer.epoch < trainer.recipe.epochs:
                row = trainer.run_epoch()
                if trainer.best_row is row:
                    files.save(best_of(trainer), self.folder)
                checkpoint.save(trainer, self.folder / CHECKPOINT_FILE)
                write_history(trainer.history, self.folder / files.HISTORY_FILE)

    def progress(self, stop: threading.Event, loss: float) -> None:
        if stop.is_set():
            raise Stopped
        self.steps += 1
        self.loss = loss if self.loss is None else self.loss + SMOOTHING * (loss - self.loss)


def begin(recipe: Recipe, dataset: Dataset, number: int, out: Path, resume: bool) -> Run:
    """One member at its start, or at its checkpoint."""
    folder, member = member_folder(recipe, out, number), member_of(recipe, number)
    images = images_of(recipe, dataset, number)
    saved = folder / CHECKPOINT_FILE
    resuming = resume and saved.is_file()
    finished = resuming and checkpoint.epochs(saved) >= recipe.epochs  # it needs no more pictures
    made_up = None if finished else made_up_for(member, images.train)
    product = products.matmul if recipe.members > 1 else np.matmul  # side by side each member has one thread for them
    trainer = Trainer(member, images.train, images.validation, made_up, product=product)
    if resuming:
        checkpoint.load(trainer, saved)
    return Run(trainer, folder, trainer.epoch * trainer.steps_per_epoch)


def train_side_by_side(runs: list[Run]) -> None:
    """Takes each to its last epoch, in a thread of its own. Ctrl-C ends them all; finished epochs are kept."""
    stop = threading.Event()
    training = []
    with progress_bar(runs) as show, ThreadPoolExecutor(len(runs), "member") as pool:
        try:
            training += [pool.submit(run.train, stop) for run in runs]
            going_on = set(training)
            while going_on:
                done, going_on = wait(going_on, LOOK_EVERY, FIRST_COMPLETED)
                show()
                for each in done:
                    each.result()
        except KeyboardInterrupt:
            stop.set()
            for each in training:
                each.result()
            tqdm.write("interrupted: finished epochs are kept")
        finally:
            stop.set()


@contextlib.contextmanager
def progress_bar(runs: list[Run]) -> Iterator[Callable[[], None]]:
    """One progress bar for all runs; what it gives shows how far they are. Only the main thread writes to it."""
    epochs = runs[0].trainer.recipe.epochs
    total, done = sum(epochs * run.trainer.steps_per_epoch for run in runs), sum(run.steps for run in runs)
    with tqdm(total=total, initial=done, unit="step", dynamic_ncols=True, smoothing=0.05) as bar:

        def show() -> None:
            figures = {}
            if losses := [run.loss for run in runs if run.loss is not None]:
                figures["loss"] = f"{sum(losses) / len(losses):.4f}"
            if best := [run.trainer.best_row for run in runs if run.trainer.history]:
                figures["best validation"] = " ".join(f"{row['validation_accuracy']:.2%}" for row in best)
            slowest = min(run.trainer.epoch for run in runs)
            bar.set_description(f"epoch {min(slowest + 1, epochs)}/{epochs}", refresh=False)
            bar.set_postfix(figures, refresh=False)
            bar.update(sum(run.steps for run in runs) - bar.n)

        yield show


@contextlib.contextmanager
def products_on_threads(recipe: Recipe) -> Iterator[None]:
    """Each of several members gets one thread for its matrix products. A single network leaves one to what distorts.

    A thread that distorts needs a processor. Where it has none, it and the products wait for each other: with two
    threads on two processors an epoch of a member of the bundled recipe takes twice as long as with one.
    """
    blas = blas_libraries()
    given = [pool["num_threads"] for pool in blas.info()]
    threads = 1 if recipe.members > 1 else max([1, *(number - recipe.augment for number in given)])
    with blas.limit(limits=threads):
        yield


def blas_libraries() -> ThreadpoolController:
    """The libraries that NumPy multiplies matrices with."""
    from threadpoolctl import ThreadpoolController  # of nn/requirements.txt: who only measures does without

    return ThreadpoolController().select(user_api="blas")


def best_of(trainer: Trainer) -> MLP:
    """The best network of a run so far, with what config.json says about its training."""
    model = trainer.answering_model(trainer.best)
    images = {"train": len(trainer.train), "validation": len(trainer.validation)}
    done = {"epochs_done": trainer.epoch, "images": images, "made_with": versions()}
    model.info = {"training": asdict(trainer.recipe) | done}
    return model


def versions() -> dict[str, str]:
    """The installed versions of what a run depends on. Matplotlib may be missing: only made-up pictures need it. The
    library that multiplies matrices decides the last bits.
    """
    libraries = [each for each in blas_libraries().info() if "numpy" in each["filepath"]]  # SciPy brings its own
    kinds = [
        [str(each[key]) for key in ("internal_api", "version", "architecture") if key in each] for each in libraries
    ]
    found = {"blas": ", ".join(map(" ".join, kinds))} if kinds else {}
    for name in MADE_WITH:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def write_history(history: list[dict[str, float]], path: Path) -> None:
    with files.replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, history[0].keys())
        writer.writeheader()
        writer.writerows(history)
