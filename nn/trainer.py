"""Training: a recipe, images and a network that learns from them, one epoch after another.

    trainer = Trainer(recipe, dataset.train, dataset.validation)
    while trainer.epoch < recipe.epochs:
        print(trainer.run_epoch())                    # {"epoch": 1, "train_loss": ..., "validation_accuracy": ...}
    model = trainer.answering_model(trainer.best)

In an epoch every mini-batch goes forward and backward, and the optimizer takes a step; then the validation images are
read. members.py goes around it, with files and a progress bar; train.py is the program.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np

from nn.backprop import Backprop
from nn.functions import Product, one_hot
from nn.measure import metrics
from nn.mlp import DIGITS, MLP, PIXELS
from nn.optimizers import learning_rate, make_optimizer
from nn.pictures.augment import CHUNK, distort
from nn.pictures.bank import Bank
from nn.pictures.mnist import Split, pixel_statistics
from nn.pictures.synthetic import MadeUp
from nn.recipes import Recipe

# Steps between two additions to the averaged weights: a pass over all parameters that would cost a tenth of the step.
AVERAGE_EVERY = 8
# An epoch has at least so many additions, or one in each step: the average of short epochs must not stand still.
FEWEST_ADDITIONS = 16
# Images that the other thread distorts at once. The first step of an epoch waits for so many: some twelve milliseconds.
AHEAD = 2 * CHUNK
# An epoch of a larger mean loss is no training any more: guessing has a loss of 2.3, and no run was seen to recover
# from more than some hundreds.
DIVERGED = 1000.0
# Streams of random numbers are named by [seed, epoch, purpose]: an interrupted run goes on with the very numbers that
# it would have drawn. Other streams may be the same: NumPy pads a seed with zeros, so purpose 0 of epoch 0 is also that
# of the initial weights, and pictures/synthetic.py names its own by [seed, task, purpose]. Equal numbers do no harm
# there: they decide unlike things.
SHUFFLING, DISTORTING, STEPPING = range(3)
# What is known of an epoch: a row of the history.
COLUMNS = ("epoch", "learning_rate", "train_loss", "validation_loss", "validation_accuracy", "seconds")


class Trainer:
    """A training run that can be taken epoch by epoch.

    Args:
        recipe: what to do.
        train, validation: splits to learn from, and to measure each epoch by.
        made_up: pictures that MNIST lacks, where the recipe asks for them.
        progress: called after each step with the loss of its mini-batch; a page can show `model` there as it learns.
        product: multiplies matrices, see nn/fast/products.py.

    The next epoch depends on the parameters `model.theta`, their moving average `average`, those that would answer now,
    `best`, the optimizer's `state` and the `history`, a row for each finished epoch: checkpoint.py keeps these.

    Raises ValueError when a split is empty.
    """

    def __init__(
        self,
        recipe: Recipe,
        train: Split,
        validation: Split,
        made_up: MadeUp | None = None,
        progress: Callable[[float], None] = lambda loss: None,
        product: Product = np.matmul,
    ) -> None:
        if not len(train) or not len(validation):
            raise ValueError(
                f"expected images to train on and to validate with, got {len(train)} and {len(validation)}"
            )
        self.recipe, self.train, self.validation, self.progress = recipe, train, validation, progress
        self.bank = Bank(recipe, train, made_up)
        self.batch_size = min(recipe.batch_size or self.bank.examples_per_epoch, self.bank.examples_per_epoch)
        mean, std = pixel_statistics(train) if recipe.normalize else (0.0, 1.0)
        classes = DIGITS + bool(recipe.non_digits)
        self.architecture = {"linear": recipe.linear, "kernel_size": recipe.kernel_size, "classes": classes}
        self.architecture |= {"mean": mean, "std": std}
        self.model = MLP(
            recipe.hidden, recipe.activation, recipe.seed, initialization=recipe.initialization, **self.architecture
        )
        self.inputs = None if recipe.augment else self.model.normalize(self.bank.pictures.pixels())
        self.validation_pixels = validation.pixels()
        self.targets = one_hot(self.bank.pictures.labels, self.model.classes, recipe.label_smoothing)
        chances = {"dropout": recipe.dropout, "sampled_below": recipe.sampled_below}
        self.backprop = Backprop(self.model, self.batch_size, l2=recipe.l2, product=product, **chances)
        self.optimizer = make_optimizer(recipe.optimizer, self.model.theta.size, recipe.momentum)
        self.average = self.model.theta.copy() if recipe.average else self.model.theta  # what answers; theta itself
        self.best = self.model.theta.copy()
        self.history: list[dict[str, float]] = []

    @property
    def epoch(self) -> int:
        """The number of finished epochs."""
        return len(self.history)

    @property
    def steps_per_epoch(self) -> int:
        return -(-self.bank.examples_per_epoch // self.batch_size)

    @property
    def best_row(self) -> dict[str, float] | None:
        """The epoch whose weights answer: that with the highest validation accuracy, the later one of equals.

        A finished run with a cosine schedule answers with its last epoch. The learning rate has fallen to zero by then.
        An earlier epoch with a higher accuracy was mostly lucky: it read other digits worse.
        """
        if self.recipe.schedule == "cosine" and self.epoch == self.recipe.epochs:
            return self.history[-1]
        return max(self.history, key=lambda row: (row["validation_accuracy"], row["epoch"]), default=None)

    def run_epoch(self) -> dict[str, float]:
        """Sees every training image once, then measures; returns the new row of the history.

        `train_loss` has the L2 term and smoothed labels in it, `validation_loss` has not.

        Raises FloatingPointError when the loss or the parameters grow without bounds.
        """
        start, losses, rate = time.perf_counter(), 0.0, 0.0
        rng = self._rng(STEPPING)
        with closing(self._batches()) as batches:
            for i, (X, targets) in enumerate(batches):
                step = self.epoch * self.steps_per_epoch + i
                rate = self._learning_rate(step)
                with np.errstate(over="ignore", invalid="ignore"):  # the loss tells of it
                    loss = self.backprop(X, targets, rng)
                    self.optimizer.step(self.model.theta, self.backprop.gradient, rate)
                    self._update_average(step)
                losses += loss * len(X)
                self.progress(loss)
        mean_loss = losses / self.bank.examples_per_epoch
        with np.errstate(over="ignore", invalid="ignore"):
            probs = self.answering_model(self.average).predict_proba(self.validation_pixels)
        loss, accuracy = metrics.loss(probs, self.validation.labels), metrics.accuracy(probs, self.validation.labels)
        self._check_convergence(mean_loss, loss)
        seconds = round(time.perf_counter() - start, 3)
        row = dict(zip(COLUMNS, (self.epoch + 1, rate, mean_loss, loss, accuracy, seconds), strict=True))
        self.history.append(row)
        if self.best_row is row:
            self.best[...] = self.average
        return row

    def _check_convergence(self, mean_loss: float, validation_loss: float) -> None:
        """Raises FloatingPointError when the losses of this epoch, or what it learned, are out of bounds."""
        learned = [self.model.theta, self.average, *self.optimizer.state.values()]  # no loss tells of the last step
        finite = all(np.isfinite(each).all() for each in learned)
        if mean_loss < DIVERGED and validation_loss < np.inf and finite:  # neither holds for NaN
            return
        lr, l2 = self.recipe.lr, self.recipe.l2
        # With lr * l2 above 1, decay alone turns the sign of each weight in each step.
        decay = f", or l2, {l2:g}" if lr * l2 > 1 >= lr else ""
        raise FloatingPointError(
            f"training diverged in epoch {self.epoch + 1}, at a loss of {mean_loss:.2g}: "
            f"lower the learning rate, {lr:g}{decay}"
        )

    def answering_model(self, theta: np.ndarray) -> MLP:
        """A network of this run's shape with a copy of the parameters `theta`."""
        model = MLP(self.recipe.hidden, self.recipe.activation, seed=None, **self.architecture)
        model.theta[...] = theta
        return model

    def forget_pictures(self) -> None:
        """Frees the memory of what a run that is over has learned from."""
        self.bank = self.inputs = self.targets = None

    def _rng(self, purpose: int) -> np.random.Generator:
        return np.random.default_rng([self.recipe.seed, self.epoch, purpose])

    def _batches(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Inputs (n, 784), normalised, and targets (n, classes), in this epoch's order."""
        full_batch = self.batch_size == self.bank.examples_per_epoch == len(self.targets)
        if full_batch and not self.recipe.augment:
            yield self.inputs, self.targets  # one step sees them all: their order does not matter
            return
        order = self.bank.epoch(self._rng(SHUFFLING))
        batches = [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]
        inputs = self._distorted(order) if self.recipe.augment else (self.inputs[rows] for rows in batches)
        with closing(inputs):
            for X, rows in zip(inputs, batches, strict=True):
                yield X, self.targets[rows]

    def _distorted(self, order: np.ndarray) -> Iterator[np.ndarray]:
        """Mini-batches of distorted copies, (n, 784), of the images in this order.

        Another thread makes them, ahead of the steps: NumPy lets go of Python's lock in the long operations of both.
        """
        images, rng = self.bank.pictures.images, self._rng(DISTORTING)
        inputs = np.empty((len(order), PIXELS), np.float32)

        def make(start: int) -> None:
            rows = order[start : start + AHEAD]
            copies = distort(images[rows], rng, self.recipe.distortion, self.backprop.product)
            inputs[start : start + AHEAD] = self.model.normalize(copies)

        other = ThreadPoolExecutor(1, "distort")
        try:
            made = [other.submit(make, start) for start in range(0, len(order), AHEAD)]
            for start in range(0, len(order), self.batch_size):
                end = min(start + self.batch_size, len(order))
                for part in made[start // AHEAD : (end - 1) // AHEAD + 1]:
                    part.result()
                yield inputs[start:end]
        finally:
            other.shutdown(cancel_futures=True)

    def _learning_rate(self, step: int) -> float:
        recipe, per_epoch = self.recipe, self.steps_per_epoch
        total, warmup = recipe.epochs * per_epoch, round(recipe.warmup * per_epoch)
        return learning_rate(step, total, recipe.lr, recipe.schedule, warmup)

    def _update_average(self, step: int) -> None:
        """An exponential moving average of the weights over about `recipe.average` epochs (Polyak and Juditsky 1992).

        At first it is the plain mean of the weights so far, so that the random start is soon forgotten.
        """
        every = max(min(AVERAGE_EVERY, self.steps_per_epoch // FEWEST_ADDITIONS), 1)
        if not self.recipe.average or step % every:
            return
        updates = step // every + 1
        horizon = max(self.recipe.average * self.steps_per_epoch / every, 1)
        self.average += (self.model.theta - self.average) * np.float32(1 / min(updates, horizon))
