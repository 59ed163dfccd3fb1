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
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as serialize
from tqdm import tqdm

import preprocessing
import weights
from nn import crossfit
from nn.backprop import Backprop
from nn.calibrate import Calibration, fit_odds_temperature, fit_temperature, last_odds, prior_correction
from nn.fast.committee import joined
from nn.fast.quantize import quantize
from nn.files import replacing
from nn.functions import ACTIVATIONS, INITIALIZATIONS, one_hot
from nn.measure import metrics
from nn.mlp import DIGITS, MLP
from nn.optimizers import OPTIMIZERS, SCHEDULES, learning_rate, make_optimizer
from nn.pictures import mnist as data
from nn.pictures import synthetic
from nn.pictures.augment import Distortion, distort
from nn.pictures.mnist import DataError, Split
from nn.pictures.synthetic import NOT_A_DIGIT_CLASS, MadeUp
from nn.recipes import FULL_BATCH, PRESETS, Recipe
from preprocessing.frame import SIDE, to_frame

CHECKPOINT_FILE = "checkpoint.safetensors"
HISTORY_FILE = "history.csv"
VALIDATION_SEED = 1_000_000  # keeps the pictures made for validation apart from those of any member
MEMBER = "member-{}"  # a member's folder in its run's folder
# What a run depends on besides its recipe: made-up pictures are Pillow's lines and the letters of matplotlib's fonts.
MADE_WITH = ("numpy", "pillow", "matplotlib")
# Steps between two additions to the averaged weights: a pass over all parameters that would cost a tenth of the step.
AVERAGE_EVERY = 8
# Settings that a run's last epoch does not depend on.
AFTERWARDS = {"quantize"}
# One stream of random numbers an epoch and purpose, named by [seed, epoch, purpose]: an interrupted run goes on with
# the very numbers it would have drawn.
SHUFFLING, DISTORTING, DROPPING = range(3)


class Trainer:
    """A training run that can be taken epoch by epoch, interrupted, saved and resumed.

    Args:
        recipe: what to do.
        train, validation: splits to learn from and to choose the best epoch by.
        made_up: pictures that MNIST lacks, where the recipe asks for them.
        progress: called after each step with the loss of its mini-batch.
    """

    def __init__(
        self,
        recipe: Recipe,
        train: Split,
        validation: Split,
        made_up: MadeUp | None = None,
        progress: Callable[[float], None] = lambda loss: None,
    ) -> None:
        if not len(train) or not len(validation):
            raise ValueError(
                f"expected images to train on and to validate with, got {len(train)} and {len(validation)}"
            )
        self.recipe, self.train, self.validation, self.progress = recipe, train, validation, progress
        self.classes = DIGITS + 1 if recipe.non_digits else DIGITS
        self.bank = bank_of(train, made_up) if made_up else train
        self.examples_per_epoch = round(len(train) * (1 + recipe.written + recipe.non_digits))
        self.batch_size = min(recipe.batch_size or self.examples_per_epoch, self.examples_per_epoch)
        mean, std = pixel_statistics(train) if recipe.normalize else (0.0, 1.0)
        self.model = MLP(
            recipe.hidden,
            recipe.activation,
            recipe.seed,
            classes=self.classes,
            initialization=recipe.initialization,
            mean=mean,
            std=std,
        )
        self.inputs = None if recipe.augment else self.model.normalize(self.bank.pixels())
        self.validation_pixels = validation.pixels()
        self.targets = one_hot(self.bank.labels, self.classes, recipe.label_smoothing)
        self.backprop = Backprop(self.model, self.batch_size, l2=recipe.l2, dropout=recipe.dropout)
        self.optimizer = make_optimizer(recipe.optimizer, self.model.theta.size, recipe.momentum)
        self.average = self.model.theta.copy() if recipe.average else self.model.theta  # the weights that answer
        self.best = self.model.theta.copy()
        self.history: list[dict[str, float]] = []

    @property
    def epoch(self) -> int:
        """Epochs finished."""
        return len(self.history)

    @property
    def steps_per_epoch(self) -> int:
        return -(-self.examples_per_epoch // self.batch_size)

    @property
    def best_row(self) -> dict[str, float] | None:
        """The epoch with the highest validation accuracy, the later one of equals."""
        return max(self.history, key=lambda row: (row["validation_accuracy"], row["epoch"]), default=None)

    def run_epoch(self) -> dict[str, float]:
        """Sees every training image once, then measures; returns the new row of the history."""
        start, losses, rate = time.perf_counter(), 0.0, 0.0
        dropout_rng = self._rng(DROPPING)
        for i, (X, targets) in enumerate(self._batches()):
            step = self.epoch * self.steps_per_epoch + i
            rate = self._learning_rate(step)
            loss = self.backprop(X, targets, dropout_rng)
            self.optimizer.step(self.model.theta, self.backprop.gradient, rate)
            self._update_average(step)
            losses += loss * len(X)
            self.progress(loss)
        if not np.isfinite(losses):
            raise FloatingPointError(f"the loss is not finite after epoch {self.epoch + 1}: lower the learning rate")

        probs = self.answering_model(self.average).predict_proba(self.validation_pixels)
        row = {
            "epoch": self.epoch + 1,
            "learning_rate": rate,
            "train_loss": losses / self.examples_per_epoch,
            "validation_loss": metrics.loss(probs, self.validation.labels),
            "validation_accuracy": metrics.accuracy(probs, self.validation.labels),
            "seconds": round(time.perf_counter() - start, 3),
        }
        self.history.append(row)
        if self.best_row is row:
            self.best[...] = self.average
        return row

    def answering_model(self, theta: np.ndarray) -> MLP:
        """A network of this run's shape with the parameters `theta`, and the recipe in its `info`."""
        model = MLP(
            self.recipe.hidden, self.recipe.activation, mean=self.model.mean, std=self.model.std, classes=self.classes
        )
        model.theta[...] = theta
        images = {"train": len(self.train), "validation": len(self.validation)}
        done = {"epochs_done": self.epoch, "images": images, "made_with": versions()}
        model.info = {"training": asdict(self.recipe) | done}
        return model

    def _rng(self, purpose: int) -> np.random.Generator:
        return np.random.default_rng([self.recipe.seed, self.epoch, purpose])

    def _batches(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Inputs (n, 784), normalised, and targets (n, classes), in this epoch's order."""
        if self.batch_size == len(self.bank) and not self.recipe.augment:
            yield self.inputs, self.targets  # one step sees them all: their order does not matter
            return
        order = self._order(self._rng(SHUFFLING))
        if self.recipe.augment:
            copies = distort(self.bank.images[order], self._rng(DISTORTING), self.recipe.distortion)
            copies = self.model.normalize(copies)
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            X = copies[start : start + self.batch_size] if self.recipe.augment else self.inputs[rows]
            yield X, self.targets[rows]

    def _order(self, rng: np.random.Generator) -> np.ndarray:
        """This epoch's rows of the bank: every digit once, some as redrawn, and some written digits and non-digits."""
        rows = np.arange(len(self.train))
        if self.recipe.redrawn:
            rows = rows + len(self.train) * (rng.random(len(rows)) < self.recipe.redrawn)
        others = np.flatnonzero(self.bank.labels == NOT_A_DIGIT_CLASS)
        if self.recipe.written:
            written = np.arange(2 * len(self.train), len(self.bank) - len(others))
            rows = np.concatenate([rows, rng.choice(written, round(self.recipe.written * len(self.train)))])
        if self.recipe.non_digits:
            rows = np.concatenate([rows, rng.choice(others, self.examples_per_epoch - len(rows))])
        return rng.permutation(rows)

    def _learning_rate(self, step: int) -> float:
        recipe, per_epoch = self.recipe, self.steps_per_epoch
        total, warmup = recipe.epochs * per_epoch, round(recipe.warmup * per_epoch)
        return learning_rate(step, total, recipe.lr, recipe.schedule, warmup)

    def _update_average(self, step: int) -> None:
        """An exponential moving average of the weights over about `recipe.average` epochs (Polyak and Juditsky 1992).

        At first it is the plain mean of what has been seen, so that the random start is soon forgotten.
        """
        if not self.recipe.average or step % AVERAGE_EVERY:
            return
        updates = step // AVERAGE_EVERY + 1
        horizon = max(self.recipe.average * self.steps_per_epoch / AVERAGE_EVERY, 1)
        self.average += (self.model.theta - self.average) * np.float32(1 / min(updates, horizon))

    # --- checkpoints ------------------------------------------------------------------------------------------------

    def save_checkpoint(self, path: Path) -> None:
        """Everything the next epoch depends on, so that a resumed run equals an uninterrupted one bit for bit."""
        arrays = {"theta": self.model.theta, "average": self.average, "best": self.best}
        arrays |= {f"optimizer.{name}": array for name, array in self.optimizer.state.items()}
        metadata = {"recipe": json.dumps(asdict(self.recipe)), "history": json.dumps(self.history)}
        with replacing(path) as temporary:
            temporary.write_bytes(serialize(arrays, metadata))

    def load_checkpoint(self, path: Path) -> None:
        """Goes on where `save_checkpoint` stopped.

        Raises:
            ValueError: the checkpoint is damaged, or was made by another recipe.
        """
        try:
            file = safe_open(path, "np")
        except SafetensorError as error:
            raise ValueError(f"{path}: a damaged checkpoint ({error}); leave out --resume to start anew") from error
        with file:
            metadata = file.metadata()
            saved = asdict(Recipe()) | json.loads(metadata["recipe"])  # a setting may be newer than the checkpoint
            wanted = json.loads(json.dumps(asdict(self.recipe)))
            if differing := [key for key in wanted if key not in AFTERWARDS and saved[key] != wanted[key]]:
                raise ValueError(f"{path} was made with another {', '.join(differing)}: repeat it to resume")
            self.model.theta[...] = file.get_tensor("theta")
            self.average[...] = file.get_tensor("average")
            self.best[...] = file.get_tensor("best")
            for name, array in self.optimizer.state.items():
                array[...] = file.get_tensor(f"optimizer.{name}")
        self.history = json.loads(metadata["history"])


def bank_of(train: Split, made_up: MadeUp) -> Split:
    """All pictures an epoch may choose from: the digits, each of them redrawn, written digits and non-digits."""
    images = np.concatenate([train.images, made_up.redrawn, made_up.written.images, made_up.non_digits])
    non_digits = np.full(len(made_up.non_digits), NOT_A_DIGIT_CLASS)
    return Split(images, np.concatenate([train.labels, train.labels, made_up.written.labels, non_digits]))


def pixel_statistics(split: Split) -> tuple[float, float]:
    """Mean and standard deviation of all pixels in [0, 1] (MNIST: 0.13 and 0.31)."""
    counts = np.bincount(split.images.ravel(), minlength=256)
    values = np.arange(256) / 255
    mean = float(np.average(values, weights=counts))
    return mean, float(np.sqrt(np.average((values - mean) ** 2, weights=counts)))


def fit(recipe: Recipe, dataset: data.Dataset, out: Path, resume: bool = False) -> list[Trainer]:
    """Trains with progress bars and writes the network to `out`; returns the runs of its members, of which most recipes
    have one. An interrupted one is the last.

    Each run leaves its best network so far, its history and a checkpoint after each epoch: in `out`, or where there are
    several members, in folders in it. Ctrl-C ends all early.
    """
    if resume and not any((folder / CHECKPOINT_FILE).is_file() for folder in (out, out / MEMBER.format(1))):
        raise FileNotFoundError(f"{out / CHECKPOINT_FILE}: no checkpoint to resume from; leave out --resume")
    runs = []
    for number in range(1, recipe.members + 1):
        folder = out if recipe.members == 1 else out / MEMBER.format(number)
        images = crossfit.dataset_of(dataset, recipe.members, number) if recipe.cross_fit else dataset
        runs.append(fit_member(member_of(recipe, number), images, folder, resume))
        if runs[-1].epoch < recipe.epochs:
            break
    if len(runs) == recipe.members and runs[-1].history:
        models = [run.answering_model(run.best) for run in runs]
        model = cross_calibrated(models, recipe, dataset) if recipe.cross_fit else joined(models)
        done = {"epochs_done": runs[-1].epoch}  # the others are finished
        whole = {name: getattr(recipe, name) for name in ("hidden", "members", "cross_fit", "seed")}
        model.info["training"] |= whole | done
        weights.save_pretrained(model if recipe.cross_fit else calibrated(model, recipe, dataset), out)
    return runs


def member_of(recipe: Recipe, number: int) -> Recipe:
    """The recipe of one member: its share of the hidden units, and random numbers of its own."""
    hidden = tuple(width // recipe.members for width in recipe.hidden)
    seed = recipe.seed * recipe.members + number - 1
    return replace(recipe, hidden=hidden, members=1, cross_fit=False, seed=seed)


def fit_member(recipe: Recipe, dataset: data.Dataset, out: Path, resume: bool) -> Trainer:
    """One network trained from its start, or from its checkpoint."""
    made_up = None
    if needs_made_up(recipe):
        made_up = synthetic.make(
            dataset.train,
            recipe.seed,
            frame,
            written=synthetic.WRITTEN if recipe.written else 0,
            non_digits=synthetic.NON_DIGITS if recipe.non_digits else 0,
        )
    bar = tqdm(unit="step", dynamic_ncols=True, smoothing=0.05)
    shown = {"loss": 0.0}

    def progress(loss: float) -> None:
        shown["loss"] += 0.02 * (loss - shown["loss"]) if shown["loss"] else loss
        if bar.update():  # true when the bar was redrawn
            bar.set_postfix(postfix(), refresh=False)

    def postfix() -> dict[str, str]:
        best = trainer.best_row
        figures = {"loss": f"{shown['loss']:.4f}"}
        return figures | ({"best validation": f"{best['validation_accuracy']:.2%}"} if best else {})

    trainer = Trainer(recipe, dataset.train, dataset.validation, made_up, progress)
    checkpoint = out / CHECKPOINT_FILE
    if resume and checkpoint.is_file():
        trainer.load_checkpoint(checkpoint)
    out.mkdir(parents=True, exist_ok=True)
    bar.total = recipe.epochs * trainer.steps_per_epoch
    bar.update(trainer.epoch * trainer.steps_per_epoch)
    try:
        while trainer.epoch < recipe.epochs:
            bar.set_description(f"epoch {trainer.epoch + 1}/{recipe.epochs}")
            row = trainer.run_epoch()
            if trainer.best_row is row:
                weights.save_pretrained(trainer.answering_model(trainer.best), out)
            trainer.save_checkpoint(checkpoint)
            write_history(trainer.history, out / HISTORY_FILE)
    except KeyboardInterrupt:
        tqdm.write("interrupted: keeping the best so far" if trainer.epoch else "interrupted in the first epoch")
    finally:
        bar.close()
    return trainer


def versions() -> dict[str, str]:
    """Of MADE_WITH, as far as it is installed: without made-up pictures nobody needs matplotlib."""
    found = {}
    for name in MADE_WITH:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def needs_made_up(recipe: Recipe) -> bool:
    return bool(recipe.redrawn or recipe.written or recipe.non_digits)


def calibrated(model: MLP, recipe: Recipe, dataset: data.Dataset) -> MLP:
    """The network, quantized or in half precision, with the prior of "not a digit" corrected, and its temperatures
    fitted on the validation images: also redrawn, where the recipe shows redrawn ones, and estranged, where it knows
    what is no digit.
    """
    corrected(model, recipe)
    digits, strange = for_calibration(dataset.validation, recipe)
    answers = digits.labels, model.logits(digits.pixels()), model.logits(strange.pixels())
    model.calibration = Calibration(*temperatures([answers]))
    return model


def corrected(model: MLP, recipe: Recipe) -> None:
    """Corrects the prior of "not a digit" and rounds the weights, in place."""
    if recipe.non_digits:
        share = recipe.non_digits / (1 + recipe.written + recipe.non_digits)
        model.biases[-1][NOT_A_DIGIT_CLASS] += prior_correction(share)
    if recipe.quantize:
        quantize(model)  # a file a quarter as large
    elif np.isfinite(half := model.theta.astype(np.float16)).all():
        model.theta[...] = half  # a file half as large


def for_calibration(held_out: Split, recipe: Recipe) -> tuple[Split, Split]:
    """Images that a network did not see -> the digits and the non-digits that its temperatures are fitted on."""
    digits = held_out
    if recipe.redrawn:
        made_up = synthetic.make(held_out, recipe.seed + VALIDATION_SEED, frame, written=0, non_digits=0)
        digits = bank_of(held_out, made_up)
    return digits, synthetic.estranged(held_out) if recipe.non_digits else held_out[:0]


def cross_calibrated(members: list[MLP], recipe: Recipe, dataset: data.Dataset) -> MLP:
    """The members joined and calibrated as `calibrated` does it, on the images that each of them held out."""
    singles, pairs, plain = [], [], []
    for model in members:
        corrected(model, recipe)
    for held_out, neighbours in crossfit.unseen(dataset, members):
        digits, strange = for_calibration(held_out, recipe)
        answers = [(model.logits(digits.pixels()), model.logits(strange.pixels())) for model in neighbours]
        pair = tuple(np.mean(logits, axis=0) for logits in zip(*answers, strict=True))
        singles += [(digits.labels, *answer) for answer in answers]
        pairs.append((digits.labels, *pair))
        plain.append((held_out.labels, pair[0][: len(held_out)]))
    model = joined(members)
    fitted = [temperatures(parts) for parts in (singles, pairs)]
    model.calibration = Calibration(
        *(
            None if pair is None else crossfit.extrapolated(single, pair, len(members))
            for single, pair in zip(*fitted, strict=True)
        )
    )
    labels, logits = (np.concatenate(parts) for parts in zip(*plain, strict=True))
    model.info["training"]["unseen_by_pairs"] = {
        "images": len(labels),
        "errors": int((logits.argmax(axis=1) != labels).sum()),
    }
    return model


def temperatures(parts: list[tuple[np.ndarray, ...]]) -> tuple[float, float | None]:
    """[(labels of digits, their logits, logits of non-digits)] -> the temperature of the digits, and that of the odds
    where there are non-digits.
    """
    labels, logits, others = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    odds = fit_odds_temperature(last_odds(logits), last_odds(others)) if len(others) else None
    return fit_temperature(logits[:, :DIGITS], labels), odds


def frame(ink: np.ndarray) -> np.ndarray:
    """Made-up pictures are framed by the code that frames every other picture."""
    framed = to_frame(ink)
    return np.zeros((SIDE, SIDE), np.float32) if framed is None else framed[0]


def write_history(history: list[dict[str, float]], path: Path) -> None:
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, history[0].keys())
        writer.writeheader()
        writer.writerows(history)


# --- command line ---------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """Options that are a recipe's fields have no default here: what is not given comes from the preset or Recipe()."""
    parser = argparse.ArgumentParser(
        prog="python -m nn.train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Recipe()
    recipe = parser.add_argument_group("recipe", "each option overrides the preset's value")

    def option(name: str, text: str, **kwargs: object) -> None:
        value = getattr(default, name.lstrip("-").replace("-", "_"))
        value = " ".join(map(str, value)) if isinstance(value, tuple) else value
        recipe.add_argument(name, help=f"{text} (default: {value})", default=argparse.SUPPRESS, **kwargs)

    parser.add_argument("--preset", choices=PRESETS, help="a named recipe; the options below change it")
    option("--hidden", "width of each hidden layer; none for a linear model", type=int, nargs="*", metavar="N")
    option("--activation", "hidden layers' non-linearity", choices=ACTIVATIONS)
    option("--initialization", "None: he for relu, xavier for sigmoid", choices=INITIALIZATIONS)
    option("--optimizer", "how gradients become steps", choices=OPTIMIZERS)
    option("--momentum", "of momentum and nesterov", type=float, metavar="SHARE")
    option("--lr", "learning rate, its peak under a schedule", type=float, metavar="RATE")
    option("--schedule", "of the learning rate", choices=SCHEDULES)
    option("--warmup", "epochs of linear rise to --lr", type=float, metavar="EPOCHS")
    option("--batch-size", f"images a step; {FULL_BATCH}: all of them, 1: single sample", type=int, metavar="N")
    option("--epochs", "passes over the training images", type=int, metavar="N")
    option("--l2", "weight decay: l2 / 2 times the sum of squared weights is added to the loss", type=float)
    option("--dropout", "share of hidden units silenced in each step", type=float, metavar="SHARE")
    option("--label-smoothing", "share of each target spread over all classes", type=float, metavar="SHARE")
    option("--augment", "affine and elastic distortions, new ones in each epoch", action=argparse.BooleanOptionalAction)
    option("--redrawn", "share of the digits shown as a pen on a pad draws them", type=float, metavar="SHARE")
    option("--written", "digits written stroke by stroke, as a share of the digits", type=float, metavar="SHARE")
    option("--non-digits", "made-up pictures of no digit, as a share of the digits", type=float, metavar="SHARE")
    option("--average", "epochs over which the answering weights are averaged; 0: not", type=float, metavar="EPOCHS")
    option("--members", "networks trained apart and joined into one, each a share of the hidden units", type=int)
    option("--cross-fit", "each member holds out other images", action=argparse.BooleanOptionalAction)
    option("--quantize", "weights of hidden layers are rounded to int8", action=argparse.BooleanOptionalAction)
    option("--normalize", "inputs to zero mean and unit variance", action=argparse.BooleanOptionalAction)
    option("--seed", "of initialisation, order, distortions and dropout", type=int)
    for amount in fields(Distortion):
        recipe.add_argument(
            f"--distort-{amount.name.replace('_', '-')}",
            type=float,
            default=argparse.SUPPRESS,
            metavar="X",
            help=f"with --augment (default: {amount.default})",
        )

    parser.add_argument("--data", type=Path, help="MNIST's IDX files, or LABEL/*.png (default: ylecun/mnist)")
    parser.add_argument("--out", type=Path, default=Path("runs/latest"), help="folder to write (default: %(default)s)")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--dry-run", action="store_true", help="check everything, say what would happen, train nothing")
    parser.add_argument("--target-accuracy", type=float, metavar="PERCENT", help="fail below this validation accuracy")
    return parser


def recipe_from(arguments: argparse.Namespace) -> Recipe:
    base = PRESETS[arguments.preset].recipe if arguments.preset else Recipe()
    given = vars(arguments)
    changes = {f.name: given[f.name] for f in fields(Recipe) if f.name in given}
    if "hidden" in changes:
        changes["hidden"] = tuple(changes["hidden"])
    amounts = {f.name: given[f"distort_{f.name}"] for f in fields(Distortion) if f"distort_{f.name}" in given}
    return replace(base, distortion=replace(base.distortion, **amounts), **changes)


def describe(member: Trainer, recipe: Recipe, dataset: data.Dataset, out: Path) -> str:
    sizes = ", ".join(f"{len(split):,} {name}" for name, split in dataset.splits().items())
    model = joined([MLP(member.recipe.hidden, recipe.activation, classes=member.classes)] * recipe.members)
    members, folders = "", ""
    if recipe.members > 1:
        members, folders = f", joined of {recipe.members} members", ", and into a folder there for each member"
    return (
        f"{model}{members}\n{sizes} images\n{recipe.epochs} epochs of {member.steps_per_epoch:,} steps, "
        f"{member.batch_size:,} images a step, {recipe.optimizer}, learning rate {recipe.lr}, seed {recipe.seed}\n"
        f"would write model.safetensors, config.json, {HISTORY_FILE} and {CHECKPOINT_FILE} to {out}{folders}"
    )


def main(argv: list[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    try:
        recipe = recipe_from(arguments)
        dataset = data.load(arguments.data, frame=preprocessing.to_mnist)
        if arguments.dry_run:
            member = Trainer(member_of(recipe, 1), dataset.train, dataset.validation)
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
    probs = weights.load(arguments.out).predict_proba(dataset.validation.pixels())
    accuracy = 100 * metrics.accuracy(probs, dataset.validation.labels)
    print(f"validation accuracy {accuracy:.2f}%: {arguments.out}")
    if arguments.target_accuracy and accuracy < arguments.target_accuracy:
        print(f"error: below the target of {arguments.target_accuracy}%", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
