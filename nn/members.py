"""Members of a committee on their way: what a run leaves after each epoch, and several runs side by side.

    runs = train_side_by_side([Run(recipe, images, folder, ...), ...])   # with a progress bar
    runs[0].trainer().history                                            # as the checkpoint in its folder has it

Each run has a process of its own. In threads of one process they would wait for Python's lock and for the memory that
they share, and three members on two processors would take a quarter longer.
"""

from __future__ import annotations

import contextlib
import csv
import ctypes
import multiprocessing
import pickle
import signal
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import connection, sharedctypes
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from nn import checkpoint, files
from nn.fast import products
from nn.mlp import MLP
from nn.pictures.mnist import Dataset
from nn.pictures.synthetic import MadeUp
from nn.recipes import Recipe
from nn.trainer import Trainer

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

CHECKPOINT_FILE = "checkpoint.safetensors"
# What a run depends on besides its recipe: made-up pictures are Pillow's lines and the letters of matplotlib's fonts.
MADE_WITH = ("numpy", "pillow", "matplotlib")
LOOK_EVERY = 0.1  # seconds between two looks at what the progress bar shows
SMOOTHING = 0.02  # of the loss in the progress bar: a mean over about 50 steps


class Stopped(Exception):
    """Training ends between two steps: Ctrl-C was pressed, or another member failed."""


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
        """Goes on to the last epoch, or until it is told to stop. Only `train_side_by_side`'s processes can do so.

        If the process that waits is killed, nobody tells it: training then ends after an epoch. Of several members one
        ends after the other, since a process that is forked later keeps what the earlier ones listen to open.
        """
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


def train_side_by_side(runs: Iterable[Run]) -> list[Run]:
    """Takes each to its last epoch, in a process of its own, and returns those that began.

    A run is asked for when the one before it has begun, so that an iterator holds the pictures of one at a time. Ctrl-C
    ends them all; finished epochs are kept.

    Raises:
        ChildProcessError: a process was killed.
        Exception: what ended a run early. It ends the others too.
        KeyboardInterrupt: Ctrl-C before the first run.
    """
    taken: list[Run] = []
    begun: dict[connection.Connection, BaseProcess] = {}
    with progress_bar(taken) as show:
        try:
            for run in runs:
                with ctrl_c_later():
                    process, errors = in_process(run)
                    begun[errors] = process
                    taken.append(run)
                run.made_up = None  # the process has these pictures
            while begun:
                done = connection.wait(list(begun), LOOK_EVERY)
                show()
                for errors in done:
                    end(errors, begun.pop(errors))
        except KeyboardInterrupt:
            if not taken:
                raise
            stop(taken)
            while begun:
                end(*begun.popitem())
            tqdm.write("interrupted: finished epochs are kept")
        finally:
            stop(taken)
            for errors, process in begun.items():
                with contextlib.suppress(Exception):  # the first error is told already
                    end(errors, process)
    return taken


def in_process(run: Run) -> tuple[BaseProcess, connection.Connection]:
    """The process that trains, and a pipe that tells why it failed. The pipe closes when the process ends."""
    errors, failed = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=work, args=(run, failed), name=f"training {run.folder.name}", daemon=True)
    process.start()
    failed.close()  # it is open in the process alone
    return process, errors


@contextlib.contextmanager
def ctrl_c_later() -> Iterator[None]:
    """Ctrl-C waits until the end of the block. Processes that are begun in it do not hear of it while they start."""
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def work(run: Run, failed: connection.Connection) -> None:
    """What the process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is sent to all processes; the one that waits tells to stop
    try:
        with blas_libraries().limit(limits=run.threads), contextlib.suppress(Stopped):
            run.train()
    except Exception as error:
        error = sendable(error)
        error.add_note(traceback.format_exc())
        with contextlib.suppress(OSError):  # nobody waits any more
            failed.send(error)


def sendable(error: Exception) -> Exception:
    """The error, or what it says, if it does not arrive as it was sent."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def end(errors: connection.Connection, process: BaseProcess) -> None:
    """Waits for the process to end. Raises what ended it early; ChildProcessError if it was killed."""
    with errors:
        try:
            error = errors.recv()
        except EOFError:
            error = None
    process.join()
    if error:
        raise error
    if process.exitcode:
        raise ChildProcessError(
            f"{process.name} ended with exit code {process.exitcode}: --resume goes on from its last epoch, if any"
        )


def stop(runs: list[Run]) -> None:
    for run in runs:
        run.shown.stop = True


@contextlib.contextmanager
def progress_bar(runs: list[Run]) -> Iterator[Callable[[], None]]:
    """One progress bar for all runs; what it gives shows how far they are. It appears once all of them train."""
    bar = None

    def show() -> None:
        nonlocal bar
        epochs, shown = runs[0].recipe.epochs, [run.shown for run in runs]
        if not all(each.steps_per_epoch for each in shown):
            return
        if bar is None:
            total, done = epochs * sum(each.steps_per_epoch for each in shown), sum(each.steps for each in shown)
            bar = tqdm(total=total, initial=done, unit="step", dynamic_ncols=True, smoothing=0.05)
        figures = {}
        if losses := [each.loss for each in shown if each.loss]:
            figures["loss"] = f"{sum(losses) / len(losses):.4f}"
        if best := [each.best_accuracy for each in shown if each.epochs]:
            figures["best validation"] = " ".join(f"{accuracy:.2%}" for accuracy in best)
        slowest = min(each.epochs for each in shown)
        bar.set_description(f"epoch {min(slowest + 1, epochs)}/{epochs}", refresh=False)
        bar.set_postfix(figures, refresh=False)
        bar.update(sum(each.steps for each in shown) - bar.n)

    try:
        yield show
    finally:
        if bar is not None:
            bar.close()


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
