"""What *Train one* asks the server: a network of one's own, trained epoch by epoch with nn/trainer.py as it is.

    start(values)     # a new network with random weights
    load(values)      # a network from files that `take` gave
    go(values)        # one more epoch
    teach(values)     # a few steps on the visitor's drawings
    look(values)      # the network as it is, with another drawing
    unit(values)      # what one unit looks for
    take(values)      # the network's files, zipped

Nothing trains by itself: each epoch is a question of the page. So Pause, leaving the page and stopping the server end a
run after the epoch that is under way. asking.py says how questions are asked. The served network is only read.
"""

from __future__ import annotations

import functools
import tempfile
import time
import weakref
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Base64Bytes, Field

from nn import MLP, files
from nn.backprop import Backprop
from nn.convolution import KERNEL_SIZES, Convolution, positions
from nn.finish import calibrated
from nn.functions import one_hot
from nn.mlp import DIGITS, PIXELS, SIDE
from nn.pictures import sample
from nn.pictures.splits import Dataset, Split
from nn.recipes import FULL_BATCH, PRESETS, Recipe
from nn.trainer import Trainer
from weights.current import served
from weights.serving.page.lab import archives, kept
from weights.serving.page.lab.asking import (
    Digit,
    Picture,
    Refusal,
    Token,
    answering,
    as_shares,
    packed,
    probabilities,
    rounded,
)
from weights.serving.page.lab.kept import Run, working

# Seconds of training that a run may take in all: enough for all epochs of a small network, and for every preset that
# repeats a public project's network.
MOST_SECONDS = 60
# Epochs of a run: the curves are flat long before.
MOST_EPOCHS = 60
# Epochs that one question stands for when each of them is a single step.
FULL_BATCH_EPOCHS = 10
# Units of a hidden layer: with two such layers an epoch takes a second.
MOST_UNITS = 256
# Kernels of a convolution: their pictures fill two rows on a laptop.
MOST_KERNELS = 16
# Digits a step with a convolution. A network keeps room for all windows of a step: up to 37 KB a digit.
MOST_CONVOLVED = 128
# The chip "kernels" on the page stands for this convolution.
KERNELS, KERNEL_SIZE = MOST_KERNELS, 8
# Seconds of rest after each step: other threads get the interpreter.
REST = 0.0005
# Steps of the first epoch after which the page sees the network: the most changes at the start.
SHOWN_STEPS = (1, 3, 8, 20, 50)
# Weight pictures and test digits on the page: two rows of each on a laptop.
MOST_PICTURES, TEST_DIGITS = 16, 20
# Test digits that excite a unit most, beside its weights.
MOST_EXCITING = 10
# Learning rates by optimizer: 784-16-10, and 16 kernels as well, need some ten epochs, or one, or learn nothing.
RATES = {
    "sgd": {"careful": 0.01, "good": 0.05, "wild": 15.0},
    "momentum": {"careful": 0.001, "good": 0.01, "wild": 3.0},
    "adam": {"careful": 0.0001, "good": 0.002, "wild": 1.0},
}
# Digits that it has learned from, and learns again beside a drawing.
MIXED_DIGITS = 31
# Learning rate and steps for a drawing. 784-16-10: alone, one step mends 20 of 20 mistakes and costs nine percent of
# the unseen digits; mixed with digits, three steps mend 19 and cost next to nothing.
ALONE, MIXED = (0.02, 1), (0.1, 3)
# The gradient of a kernel is a sum over all places where it looks. 784-400-10 with 16 kernels: alone, these mend 18 of
# 20 mistakes and cost one percent; mixed, 17, and cost nothing.
ALONE_KERNELS, MIXED_KERNELS = (0.005, 3), (0.03, 6)
# Drawings of a visitor's own set: an hour's work.
MOST_DRAWINGS = 100
# A network that reads the seen digits better than the unseen ones by this much knows them by heart.
OVERFIT = 0.08
# Below this share of unseen digits a network is hardly better than guessing.
GUESSING = 0.2
# The shipped digits to learn from, without the 500 that nn.train holds out too.
ALL_DIGITS = 4500

# Parameters of the largest network here.
MOST_PARAMETERS = (PIXELS + 1) * MOST_UNITS + (MOST_UNITS + 1) * MOST_UNITS + (MOST_UNITS + 1) * DIGITS
# Bytes of a config.json: ten times the longest that is written here.
MOST_CONFIG_BYTES = 50_000

Repeated = Literal[tuple(name for name, preset in PRESETS.items() if preset.repeats)]
Width = Annotated[int, Field(strict=True, ge=1, le=MOST_UNITS)]
KernelSize = Literal[tuple(KERNEL_SIZES)]


class Settings(Picture):
    """A network, and how it learns. A preset replaces all of it but the digits and the seed."""

    hidden: Annotated[tuple[Width, ...], Field(max_length=2)] = (16,)  # after the convolution, if there is one
    kernels: Annotated[int, Field(strict=True, ge=0, le=MOST_KERNELS)] = 0
    kernel_size: KernelSize = KERNEL_SIZE
    rate: Literal["careful", "good", "wild"] = "good"
    digits: Literal[100, 1000, ALL_DIGITS] = ALL_DIGITS
    activation: Literal["relu", "sigmoid"] = "relu"
    optimizer: Literal["sgd", "momentum", "adam"] = "sgd"
    batch_size: Annotated[int, Field(strict=True, ge=8, le=512)] = 32
    dropout: Annotated[float, Field(ge=0, le=0.9)] = 0
    decay: Annotated[float, Field(ge=0, le=0.1)] = 0
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**31)] = 0
    preset: Repeated | None = None
    instead_of: Token | None = None  # the visitor's network until now

    def recipe(self) -> Recipe:
        if self.preset:
            return replace(PRESETS[self.preset].recipe, seed=self.seed)
        hidden = self.hidden
        if self.kernels:
            hidden = (self.kernels * positions(self.kernel_size), *hidden)
        if len(hidden) > 2:
            raise Refusal("Here a network has at most two hidden layers, and a convolution is one.")
        return Recipe(
            hidden=hidden,
            kernel_size=self.kernel_size if self.kernels else 0,
            activation=self.activation,
            optimizer=self.optimizer,
            lr=RATES[self.optimizer][self.rate],
            batch_size=self.batch_size,
            dropout=self.dropout,
            l2=self.decay,
            epochs=MOST_EPOCHS,
            seed=self.seed,
        )


class Loading(Settings):
    """A network from files; how it learns on is the page's choice. Its shape is its own, so there is no preset."""

    files: archives.Files
    preset: None = None


class About(Picture):
    """The network that `start` named."""

    run: Token


class AboutUnit(About):
    unit: Annotated[int, Field(strict=True, ge=0, lt=MOST_PICTURES)]


class Correction(About):
    """What drawings are, 784 bytes each; they are learned alone, or mixed with digits learned before."""

    labels: Annotated[list[Digit], Field(min_length=1, max_length=MOST_DRAWINGS)]
    drawings: Base64Bytes
    mixed: bool = True


class Kept(Split):
    """A split whose pixels are shared by all runs: as float32, 4,500 digits take 14 MB."""

    @functools.cached_property
    def shared(self) -> np.ndarray:
        pixels = super().pixels()
        pixels.flags.writeable = False
        return pixels

    def pixels(self) -> np.ndarray:
        return self.shared


@functools.cache
def digits(number: int) -> Kept:
    """The first of the digits to learn from, as many of each."""
    train = sample.load().train
    return Kept(train.images[:number], train.labels[:number])


@functools.cache
def held_out() -> Kept:
    """The 500 digits by which the best epoch is chosen, as nn.train chooses it."""
    return Kept(**vars(sample.load().validation))


@functools.cache
def unseen() -> Kept:
    """The 1,000 digits that no network here learns from."""
    return Kept(**vars(sample.load().test))


@functools.cache
def normalized(number: int, mean: float, std: float) -> np.ndarray:
    """`digits` as the first layer of a network sees them that normalises its input."""
    pixels = (digits(number).pixels() - mean) / std
    pixels.flags.writeable = False
    return pixels


# --- Networks ---------------------------------------------------------------------------------------------------------


@answering(Settings)
def start(settings: Settings) -> dict:
    """A new network, before it has learned anything."""
    with working():
        return introduced(begun(settings, settings.recipe()), settings)


@answering(Loading)
def load(settings: Loading) -> dict:
    """A network from files, to go on with. The visitor's network until now stays when they are no network."""
    with working():
        model = network_in(archives.unpacked(settings.files))
        plain = settings.model_copy(update={"hidden": (), "kernels": 0}).recipe()
        recipe = replace(plain, hidden=model.hidden, kernel_size=model.kernel_size, activation=model.activation)
        run = begun(settings, recipe)
        run.trainer.model.theta[...] = run.trainer.best[...] = without_normalization(model)
        run.note("It began as a network from a file.")
        return introduced(run, settings)


def begun(settings: Settings, recipe: Recipe) -> Run:
    """Raises Refusal."""
    if recipe.kernel_size and min(recipe.batch_size, settings.digits) > MOST_CONVOLVED:
        raise Refusal(f"With kernels a step has at most {MOST_CONVOLVED} digits: choose fewer under More.")
    trainer = Trainer(recipe, digits(settings.digits), held_out())
    if recipe.normalize:  # a copy for each visitor would take 14 MB
        trainer.inputs = normalized(settings.digits, trainer.model.mean, trainer.model.std)
    run = Run(trainer, settings.digits, "" if settings.preset else settings.rate)
    # Weakly, so that memory comes back as soon as a network is no longer kept, not with the next search for garbage.
    trainer.progress = functools.partial(after_step, weakref.proxy(run))
    return run


def introduced(run: Run, settings: Settings) -> dict:
    """The first answer about a network: its name, its shape, and the test digits that the page shows."""
    shown, model = unseen()[:TEST_DIGITS], run.trainer.model
    return {
        "run": kept.RUNS.add(run, settings.instead_of),
        "widths": list(model.widths),
        "activation": model.activation,
        "kernels": first_weights(model).shape[1] if model.kernel_size else 0,
        "side": model.kernel_size or SIDE,  # of the weight pictures
        "tests": {"pixels": packed(shown.images), "labels": shown.labels.tolist()},
        "frames": [frame(run, run.trainer.model.theta, settings)],
    }


def network_in(found: dict[str, bytes]) -> MLP:
    """The network in model.safetensors and config.json, in whatever folder. Raises Refusal."""
    needed = (files.MODEL_FILE, files.CONFIG_FILE)
    named = {need: [found[name] for name in found if name.rpartition("/")[2] == need] for need in needed}
    if missing := [name for name in needed if not named[name]]:
        raise Refusal(f"A network has two files: {' and '.join(missing)} missing. Choose both, or the zip with them.")
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
        raise Refusal("This network is joined of several, which cannot be trained on.")
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
    biases[0].reshape(-1, weights[0].shape[1])[...] -= model.mean * weights[0].sum(
        axis=0
    )  # a kernel has a bias at each place
    return theta


# --- Training ---------------------------------------------------------------------------------------------------------


def asked_for(question: About) -> Run:
    """Raises Refusal."""
    run = kept.RUNS.get(question.run)
    if run is None:
        raise Refusal("This network is not kept any longer: press Reset for a new one.")
    return run


def after_step(run: Run, loss: float) -> None:
    """Is called by the trainer after each step."""
    if not run.trainer.epoch:
        run.steps += 1
        if run.steps in SHOWN_STEPS:
            run.snapshots.append((run.steps, run.trainer.model.theta.copy()))
    time.sleep(REST)


@answering(About)
def go(question: About) -> dict:
    """One more epoch, or the place among those that wait."""
    run = asked_for(question)
    if place := kept.RUNS.place(question.run):
        return {"place": place}
    if not run.lock.acquire(blocking=False):
        raise Refusal("This network is still at its last epoch.")
    kept.RUNS.at_work(question.run, True)
    try:
        trainer = run.trainer
        if trainer.epoch >= trainer.recipe.epochs or run.seconds >= MOST_SECONDS:
            return ended(question, "It has trained as long as it may here. Reset starts anew.")
        with working():
            begin = time.monotonic()
            try:
                for _ in range(FULL_BATCH_EPOCHS if trainer.recipe.batch_size == FULL_BATCH else 1):
                    trainer.run_epoch()
            except FloatingPointError:
                run.seconds, run.snapshots = MOST_SECONDS, []
                run.note("It blew up.")
                return ended(question, BLOWN_UP)
            run.seconds += time.monotonic() - begin
            frames = [frame(run, theta, question) | {"step": step} for step, theta in run.snapshots]
            frames.append(frame(run, trainer.model.theta, question))
            run.snapshots = []
        if trainer.epoch >= trainer.recipe.epochs:
            kept.RUNS.finish(question.run)
        return {
            "frames": frames,
            "ended": trainer.epoch >= trainer.recipe.epochs,
            "said": sentence(run, frames[-1]),
        }
    finally:
        kept.RUNS.at_work(question.run, False)
        run.lock.release()


def ended(question: About, said: str) -> dict:
    kept.RUNS.finish(question.run)
    return {"frames": [], "ended": True, "said": said}


BLOWN_UP = "It blew up: every step was so large that it overshot, and the numbers grew without end. Take smaller steps."


def sentence(run: Run, shown: dict) -> str:
    """What the page says about a network after an epoch; often nothing."""
    if run.rate == "wild" and shown["unseen"] < GUESSING:
        return (
            "The steps are too large: each one overshoots, and the network is no better than guessing. "
            "That is called divergence. Take smaller steps."
        )
    if shown["seen"] - shown["unseen"] > OVERFIT and shown["seen"] > 1 - OVERFIT:
        return (
            f"It knows {shown['seen']:.0%} of its {run.digits:,} digits, but only {shown['unseen']:.0%} of "
            "new ones: it learned them by heart. That is called overfitting. More digits help."
        )
    return ""


@answering(Correction)
def teach(question: Correction) -> dict:
    """Learns what the drawings are, and tells what that cost."""
    run, number = asked_for(question), len(question.labels)
    if len(question.drawings) != number * PIXELS:
        raise Refusal(f"{number} drawings take {number * PIXELS:,} bytes, got {len(question.drawings):,}.")
    drawn = np.frombuffer(question.drawings, np.uint8).reshape(number, PIXELS).astype(np.float32) / 255
    labels = np.array(question.labels)
    with run.lock, working():
        if run.seconds >= MOST_SECONDS:
            raise Refusal("It has learned as long as it may here. Reset starts anew.")
        begin, model = time.monotonic(), run.trainer.model
        before, known = share_right(model, unseen()), int((answers_of(model, drawn) == labels).sum())
        old, rng = digits(run.digits), np.random.default_rng(run.trainer.recipe.seed)
        ways = (ALONE_KERNELS, MIXED_KERNELS) if model.kernel_size else (ALONE, MIXED)
        rate, steps = ways[question.mixed]
        beside = max(MIXED_DIGITS, number) if question.mixed else 0
        # As many steps for each drawing as for one alone.
        steps *= -(-(MIXED_DIGITS + number) // (MIXED_DIGITS + 1)) if question.mixed else number
        backprop = Backprop(model, number + beside)
        for _ in range(steps):
            rows = rng.choice(len(old), beside, replace=False)
            X, y = np.concatenate([drawn, old.pixels()[rows]]), np.concatenate([labels, old.labels[rows]])
            with np.errstate(over="ignore", invalid="ignore"):
                backprop(model.normalize(X), one_hot(y, DIGITS))
                model.theta -= np.float32(rate) * backprop.gradient
        run.seconds += time.monotonic() - begin
        run.note("It was taught drawings.")
        shown = frame(run, model.theta, question)
        now = answers_of(model, drawn)
    if number == 1:
        learned = f"{'Now' if now[0] == labels[0] else 'Still'} it reads your drawing as a {now[0]}."
    else:
        learned = f"It reads {(now == labels).sum()} of your {number} drawings right; before, {known}."
    cost = f"Of the unseen digits it read {before:.1%} before and reads {shown['unseen']:.1%} now"
    forgot = before - shown["unseen"] > 0.01 and not question.mixed
    return {"frames": [shown], "said": f"{learned} {cost}{': learning one thing alone, it forgot others' * forgot}."}


# --- Looking at it ----------------------------------------------------------------------------------------------------


@answering(About)
def look(question: About) -> dict:
    """The network as it is, with another drawing."""
    run = asked_for(question)
    with run.lock, working():
        return {"frames": [frame(run, run.trainer.model.theta, question)]}


@answering(AboutUnit)
def unit(question: AboutUnit) -> dict:
    """The weights of a unit of the first layer, or of a kernel, and the test digits for which its sum is largest."""
    run, k = asked_for(question), question.unit
    with run.lock, working(), np.errstate(over="ignore", invalid="ignore"):
        model = run.trainer.model
        W = first_weights(model)
        if k >= W.shape[1]:
            raise Refusal(f"This network has {W.shape[1]} {'kernels' if model.kernel_size else 'units'} there.")
        w = W[:, [k]]
        sums = model.normalize(unseen().pixels()) @ (Convolution(w) if model.kernel_size else w)
        sums += model.biases[0].reshape(-1, W.shape[1])[:, k]  # (n, places where it looks)
        z = np.nan_to_num(sums.max(axis=1))
    best = np.argsort(-z, kind="stable")[:MOST_EXCITING]
    return {
        "weights": packed(bytes_of_weights(w)),
        "pixels": packed(unseen().images[best]),
        "labels": unseen().labels[best].tolist(),
        "sums": rounded(z[best]),
    }


@answering(About)
def take(question: About) -> dict:
    """model.safetensors and config.json as base64 of a zip, and the command line that trains this network."""
    run = asked_for(question)
    with run.lock:
        trainer, recipe, best = run.trainer, run.trainer.recipe, run.trainer.best_row
        if best is None and not run.changed:
            raise Refusal("It has learned nothing yet: press Play first.")
        # At a constant learning rate nn.train keeps the best epoch too.
        model = trainer.answering_model(trainer.model.theta if run.changed else trainer.best)
        epochs, done = best["epoch"] if best else 1, trainer.epoch
    if not np.isfinite(model.theta).all():
        raise Refusal("This network blew up: its weights are no numbers any more.")
    model.info = {"training": asdict(recipe) | {"epochs_done": done if run.changed else epochs}}
    with working():
        model = calibrated([model], recipe, Dataset(digits(run.digits), held_out(), unseen()))  # as nn.train does
    with tempfile.TemporaryDirectory() as folder:
        files.save(model, folder)
        content = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    return {"zip": archives.zipped(content), "said": saying(run, epochs, done), "command": command(recipe, epochs)}


def saying(run: Run, epochs: int, done: int) -> str:
    """Which network was saved, and whether the command trains the same one."""
    if run.changed:
        return f"Saved as it is now. {run.changed} The command trains one like it, without that:"
    which = "Saved" if epochs == done else f"Saved: its best round, number {epochs} of {done}"
    if run.digits == ALL_DIGITS:
        return f"{which}. This command trains the very same network:"
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


def frame(run: Run, theta: np.ndarray, question: Picture) -> dict:
    """What the page shows of the network with these parameters."""
    model = run.trainer.answering_model(theta)
    drawing, served_says = None, None
    with np.errstate(over="ignore", invalid="ignore"):
        if question.pixels is not None:
            x = as_shares(question.pixels)
            probs = probabilities(model, x)
            drawing = rounded(probs) if np.isfinite(probs).all() else None
            served_says = rounded(served().current.model.predict_proba(x[None])[0])
        answers = answers_of(model, unseen().pixels())
        seen = share_right(model, digits(min(run.digits, 1000)))
    return {
        "epoch": run.trainer.epoch,
        "unseen": float((answers == unseen().labels).mean()),
        "seen": seen,
        "weights": packed(bytes_of_weights(first_weights(model)[:, :MOST_PICTURES].T)),  # (pictures, 784)
        "tests": answers[:TEST_DIGITS].tolist(),
        "drawing": drawing,
        "served": served_says,
    }


def first_weights(model: MLP) -> np.ndarray:
    """(784, units), or (kernel_size ** 2, kernels): in either case a column is a picture."""
    return model.views(model.theta)[0][0]


def answers_of(model: MLP, pixels: np.ndarray) -> np.ndarray:
    """Pixels (n, 784) -> the digits that it reads, (n,)"""
    with np.errstate(over="ignore", invalid="ignore"):
        return model.logits(pixels).argmax(axis=1)


def share_right(model: MLP, split: Split) -> float:
    return float((answers_of(model, split.pixels()) == split.labels).mean())


def bytes_of_weights(weights: np.ndarray) -> np.ndarray:
    """Weights of any shape -> int8, the strongest of all at 127 or -127."""
    largest = np.abs(weights).max()
    scaled = weights / largest * 127 if np.isfinite(largest) and largest else np.zeros_like(weights)
    return np.rint(scaled).astype(np.int8)
