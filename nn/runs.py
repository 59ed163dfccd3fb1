"""Training runs on disk: members, their progress, checkpoints, and the finished network in its folder.

`fit` trains the members of a recipe with nn/trainer.py, side by side, and hands them to nn/finish.py. The same seed on
the same machine gives the same bytes, also when the run was interrupted and resumed.

Each member is trained in a process of its own. In threads of one process they would wait for Python's lock and for the
memory that they share, and three members on two processors would take a quarter longer.
"""

from __future__ import annotations

import contextlib
import csv
import ctypes
import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import connection, sharedctypes
from multiprocessing.process import BaseProcess
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
from nn.pictures.synthetic import MadeUp
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
    """Training ends between two steps: Ctrl-C was pressed, another member failed, or the process that waits is gone."""


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
        begun = [begin(recipe, dataset, number, out) for number in numbers]
        train_side_by_side(begun)
        for run in begun:
            runs.append(run.trainer())
            runs[-1].forget_pictures()
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


class Shown(ctypes.Structure):
    """What the process of a run and the one that waits for it tell each other."""

    _fields_ = (
        ("steps_per_epoch", ctypes.c_long),  # 0 until it is known
        ("steps", ctypes.c_long),  # done so far, before an interruption too
        ("epochs", ctypes.c_long),
        ("loss", ctypes.c_double),  # a moving average
        ("best_accuracy", ctypes.c_double),  # on the validation images
        ("stop", ctypes.c_bool),  # the only one that the waiting process sets
    )


@dataclass
class Run:
    """A member's training: what it learns from, the folder that keeps it, and how far it is.

    It goes on from the checkpoint in its folder, if there is one.
    """

    recipe: Recipe
    images: Dataset
    folder: Path
    cut: bool  # its products are cut as for two threads, see nn/fast/products.py
    threads: int  # that multiply matrices
    made_up: MadeUp | None = None
    shown: Shown = field(default_factory=lambda: sharedctypes.RawValue(Shown))

    @property
    def saved(self) -> Path:
        return self.folder / CHECKPOINT_FILE

    def trainer(self) -> Trainer:
        """The run where it stands. Raises as `checkpoint.load`."""
        product = products.matmul if self.cut else np.matmul
        trainer = Trainer(self.recipe, self.images.train, self.images.validation, self.made_up, product=product)
        if self.saved.is_file():
            checkpoint.load(trainer, self.saved)
        return trainer

    def train(self) -> None:
        """Goes on to the last epoch, or until it is told to stop."""
        trainer, waiting = self.trainer(), multiprocessing.parent_process()
        self.made_up = None  # the trainer has these pictures
        trainer.progress = self.progress
        self.shown.steps = trainer.epoch * trainer.steps_per_epoch
        self.show(trainer)
        self.folder.mkdir(parents=True, exist_ok=True)
        while trainer.epoch < self.recipe.epochs and waiting.is_alive():
            row = trainer.run_epoch()
            if trainer.best_row is row:
                files.save(best_of(trainer), self.folder)
            checkpoint.save(trainer, self.saved)
            write_history(trainer.history, self.folder / files.HISTORY_FILE)
            self.show(trainer)

    def show(self, trainer: Trainer) -> None:
        self.shown.epochs, self.shown.steps_per_epoch = trainer.epoch, trainer.steps_per_epoch
        if trainer.history:
            self.shown.best_accuracy = trainer.best_row["validation_accuracy"]

    def progress(self, loss: float) -> None:
        shown = self.shown
        if shown.stop:
            raise Stopped
        shown.loss += (loss - shown.loss) * (SMOOTHING if shown.loss else 1)
        shown.steps += 1


def begin(recipe: Recipe, dataset: Dataset, number: int, out: Path) -> Run:
    """One member at its start, or at its checkpoint."""
    member, images = member_of(recipe, number), images_of(recipe, dataset, number)
    run = Run(member, images, member_folder(recipe, out, number), recipe.members > 1, threads_for_products(recipe))
    finished = run.saved.is_file() and checkpoint.epochs(run.saved) >= recipe.epochs  # it needs no more pictures
    run.made_up = None if finished else made_up_for(member, images.train)
    return run


def train_side_by_side(runs: list[Run]) -> None:
    """Takes each to its last epoch, in a process of its own. Ctrl-C ends them all; finished epochs are kept."""
    begun: dict[int, tuple[BaseProcess, connection.Connection]] = {}
    with progress_bar(runs) as show:
        try:
            for run in runs:
                process, errors = in_process(run)
                run.made_up = None  # the process has these pictures
                begun[process.sentinel] = process, errors
            while begun:
                done = connection.wait(list(begun), LOOK_EVERY)
                show()
                for each in done:
                    end(*begun.pop(each))
        except KeyboardInterrupt:
            stop(runs)
            for each in begun.values():
                end(*each)
            tqdm.write("interrupted: finished epochs are kept")
        finally:
            stop(runs)
            for process, _ in begun.values():
                process.join()


def in_process(run: Run) -> tuple[BaseProcess, connection.Connection]:
    """The process that trains, and what tells why it failed."""
    errors, failed = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=work, args=(run, failed), name=f"training {run.folder.name}", daemon=True)
    process.start()
    failed.close()  # it is open in the process alone, so when this ends nothing more can come
    return process, errors


def work(run: Run, failed: connection.Connection) -> None:
    """What the process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is sent to all processes; the one that waits tells to stop
    try:
        with blas_libraries().limit(limits=run.threads), contextlib.suppress(Stopped):
            run.train()
    except Exception as error:
        error.add_note(traceback.format_exc())
        failed.send(error)


def end(process: BaseProcess, errors: connection.Connection) -> None:
    """Waits for the process to end. Raises what ended it early; ChildProcessError if it was killed."""
    process.join()
    with errors:
        try:
            raise errors.recv()
        except EOFError:
            if process.exitcode:
                raise ChildProcessError(
                    f"{process.name} ended with exit code {process.exitcode}: --resume goes on from its last epoch"
                ) from None


def stop(runs: list[Run]) -> None:
    for run in runs:
        run.shown.stop = True


@contextlib.contextmanager
def progress_bar(runs: list[Run]) -> Iterator[Callable[[], None]]:
    """One progress bar for all runs; what it gives shows how far they are."""
    epochs, shown = runs[0].recipe.epochs, [run.shown for run in runs]
    with tqdm(unit="step", dynamic_ncols=True, smoothing=0.05) as bar:

        def show() -> None:
            if not all(each.steps_per_epoch for each in shown):
                return
            if bar.total is None:
                bar.reset(sum(epochs * each.steps_per_epoch for each in shown))
                bar.n = bar.initial = sum(each.epochs * each.steps_per_epoch for each in shown)
            figures = {}
            if losses := [each.loss for each in shown if each.loss]:
                figures["loss"] = f"{sum(losses) / len(losses):.4f}"
            if best := [each.best_accuracy for each in shown if each.epochs]:
                figures["best validation"] = " ".join(f"{accuracy:.2%}" for accuracy in best)
            slowest = min(each.epochs for each in shown)
            bar.set_description(f"epoch {min(slowest + 1, epochs)}/{epochs}", refresh=False)
            bar.set_postfix(figures, refresh=False)
            bar.update(sum(each.steps for each in shown) - bar.n)

        yield show


def threads_for_products(recipe: Recipe) -> int:
    """Each of several members gets one thread for its matrix products. A single network leaves one to what distorts.

    A thread that distorts needs a processor. Where it has none, it and the products wait for each other: with two
    threads on two processors an epoch of a member of the bundled recipe takes twice as long as with one.
    """
    given = [pool["num_threads"] for pool in blas_libraries().info()]
    return 1 if recipe.members > 1 else max([1, *(number - recipe.augment for number in given)])


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
