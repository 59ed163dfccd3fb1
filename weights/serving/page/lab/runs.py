"""What *Train one* asks the server: a network of one's own, trained epoch by epoch with nn/trainer.py as it is.

    start(values)     # a new network with random weights
    go(values)        # one more epoch
    teach(values)     # a few steps on the visitor's drawing
    take(values)      # the network's files, zipped

Nothing trains by itself: each epoch is a question of the page. So Pause, leaving the page and stopping the server end a
run after the epoch that is under way. Each function takes an object as the page sends it and answers with an object
that JSON can hold; a wrong one is answered with {"error": ...}, a sentence. The served network is only read.
"""

from __future__ import annotations

import base64
import functools
import io
import secrets
import tempfile
import threading
import time
import zipfile
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from nn import MLP, files
from nn.backprop import Backprop
from nn.functions import one_hot
from nn.mlp import DIGITS
from nn.pictures import sample
from nn.pictures.splits import Split
from nn.recipes import Recipe
from nn.trainer import Trainer
from weights.current import served
from weights.serving.page.lab.questions import Digit, Picture, answering, probabilities, rounded

# Runs at the same time: on the two cores of a free Space more would make answers on *Draw* wait.
TRAINERS = 2
# Seconds of training that a run may take in all: enough for all epochs of a small network.
MOST_SECONDS = 60
# Epochs of a run: the curves are flat long before.
MOST_EPOCHS = 60
# Seconds without a question after which a run's turn goes to the next: the page asks four times a second.
TURN_SECONDS = 3
# Networks kept, a visitor each; the one that was asked longest ago goes first. The largest takes 4 MB.
MOST_RUNS = 64
# Seconds for which an untouched network is kept.
KEPT_SECONDS = 900
# Seconds of rest after each step: other threads get the interpreter.
REST = 0.0005
# Steps of the first epoch after which the page sees the network: the most changes at the start.
SHOWN_STEPS = (1, 3, 8, 20, 50)
# Weight pictures and test digits on the page: two rows of each on a laptop.
MOST_PICTURES, TEST_DIGITS = 16, 20
# Learning rates by optimizer: 784-16-10 needs some ten epochs, or one, or learns nothing.
RATES = {
    "sgd": {"careful": 0.01, "good": 0.05, "wild": 3.0},
    "momentum": {"careful": 0.001, "good": 0.01, "wild": 1.0},
    "adam": {"careful": 0.0001, "good": 0.002, "wild": 1.0},
}
# One step on one picture mends 20 of 20 mistakes at this rate and costs nine percent of the unseen digits.
ALONE_RATE = 0.02
# With 31 digits it has learned from beside the picture, three steps mend 19 of 20 and cost next to nothing.
MIXED_RATE, MIXED_STEPS, MIXED_DIGITS = 0.1, 3, 31
# Of the digits seen and unseen: beyond this difference a network knows the seen ones by heart.
OVERFIT = 0.08
# Below this share of unseen digits a network is hardly better than guessing.
GUESSING = 0.2

Width = Annotated[int, Field(strict=True, ge=1, le=256)]
Token = Annotated[str, Field(max_length=32)]


class Settings(Picture):
    """A network, and how it learns."""

    hidden: Annotated[tuple[Width, ...], Field(max_length=2)] = (16,)
    rate: Literal["careful", "good", "wild"] = "good"
    digits: Literal[100, 1000, 5000] = 5000
    activation: Literal["relu", "sigmoid"] = "relu"
    optimizer: Literal["sgd", "momentum", "adam"] = "sgd"
    batch_size: Annotated[int, Field(strict=True, ge=8, le=512)] = 32
    dropout: Annotated[float, Field(ge=0, le=0.9)] = 0
    decay: Annotated[float, Field(ge=0, le=0.1)] = 0
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**31)] = 0


class Question(Picture):
    """About the network that `start` named."""

    run: Token


class Correction(Question):
    """What the drawing is; it is learned alone, or mixed with digits learned before."""

    label: Digit
    mixed: bool = True


class Kept(Split):
    """A split whose pixels are shared by all runs: as float32, 5,000 digits take 16 MB."""

    @functools.cached_property
    def shared(self) -> np.ndarray:
        pixels = super().pixels()
        pixels.flags.writeable = False
        return pixels

    def pixels(self) -> np.ndarray:
        return self.shared


@dataclass
class Run:
    """A visitor's network."""

    settings: Settings
    trainer: Trainer
    asked: float
    seconds: float = 0.0
    steps: int = 0
    snapshots: list[np.ndarray] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Runs:
    """All visitors' networks, and who may train now."""

    def __init__(self) -> None:
        self.kept: OrderedDict[str, Run] = OrderedDict()
        self.asking: OrderedDict[str, float] = OrderedDict()  # those that train or wait, in the order they came
        self.lock = threading.Lock()

    def add(self, run: Run) -> str:
        name = secrets.token_hex(12)
        with self.lock:
            now = time.monotonic()
            for old in [each for each, kept in self.kept.items() if now - kept.asked > KEPT_SECONDS]:
                del self.kept[old]
            while len(self.kept) >= MOST_RUNS:
                self.kept.popitem(last=False)
            self.kept[name] = run
        return name

    def get(self, name: str) -> Run | None:
        with self.lock:
            run = self.kept.get(name)
            if run:
                run.asked = time.monotonic()
                self.kept.move_to_end(name)
            return run

    def place(self, name: str) -> int:
        """0 for a run whose turn it is, otherwise its place among those that wait."""
        now = time.monotonic()
        with self.lock:
            for other in [each for each, asked in self.asking.items() if now - asked > TURN_SECONDS]:
                del self.asking[other]
            self.asking[name] = now  # one that is in keeps its place
            return max(list(self.asking).index(name) - TRAINERS + 1, 0)

    def finish(self, name: str) -> None:
        with self.lock:
            self.asking.pop(name, None)


RUNS = Runs()
GONE = {"error": "This network is not kept any longer: press Reset for a new one."}


@functools.cache
def digits(number: int) -> Kept:
    """The first of the 5,000 digits to learn from, as many of each."""
    shipped = sample.load()
    parts = shipped.train, shipped.validation
    images, labels = (np.concatenate([getattr(part, name) for part in parts]) for name in ("images", "labels"))
    return Kept(images[:number], labels[:number])


@functools.cache
def unseen() -> Kept:
    """The 1,000 digits that no network here learns from."""
    return Kept(**vars(sample.load().test))


@answering(Settings)
def start(settings: Settings) -> dict:
    """A new network, before it has learned anything."""
    recipe = Recipe(
        hidden=settings.hidden,
        activation=settings.activation,
        optimizer=settings.optimizer,
        lr=RATES[settings.optimizer][settings.rate],
        batch_size=settings.batch_size,
        dropout=settings.dropout,
        l2=settings.decay,
        epochs=MOST_EPOCHS,
        seed=settings.seed,
    )
    run = Run(settings, Trainer(recipe, digits(settings.digits), unseen()), time.monotonic())
    run.trainer.progress = functools.partial(after_step, run)
    shown = unseen()[:TEST_DIGITS]
    return {
        "run": RUNS.add(run),
        "widths": list(run.trainer.model.widths),
        "tests": {"pixels": packed(shown.images), "labels": shown.labels.tolist()},
        "frames": [frame(run, run.trainer.model.theta, settings)],
    }


def after_step(run: Run, loss: float) -> None:
    """Is called by the trainer after each step."""
    if not run.trainer.epoch:
        run.steps += 1
        if run.steps in SHOWN_STEPS:
            run.snapshots.append(run.trainer.model.theta.copy())
    time.sleep(REST)


@answering(Question)
def go(question: Question) -> dict:
    """One more epoch, or the place among those that wait."""
    run = RUNS.get(question.run)
    if run is None:
        return GONE
    if place := RUNS.place(question.run):
        return {"place": place}
    if not run.lock.acquire(blocking=False):
        return {"error": "This network is still at its last epoch."}
    try:
        trainer = run.trainer
        if trainer.epoch >= MOST_EPOCHS or run.seconds >= MOST_SECONDS:
            RUNS.finish(question.run)
            return {"frames": [], "ended": True, "said": "It has trained as long as it may here. Reset starts anew."}
        begun, run.snapshots = time.monotonic(), []
        try:
            trainer.run_epoch()
        except FloatingPointError:
            RUNS.finish(question.run)
            run.seconds = MOST_SECONDS
            return {"frames": [], "ended": True, "said": BLOWN_UP}
        run.seconds += time.monotonic() - begun
        frames = [frame(run, theta, question) for theta in run.snapshots]
        frames.append(frame(run, trainer.model.theta, question))
        ended = trainer.epoch >= MOST_EPOCHS
        if ended:
            RUNS.finish(question.run)
        return {"frames": frames, "ended": ended, "said": sentence(run, frames[-1])}
    finally:
        run.lock.release()


BLOWN_UP = "It blew up: every step was so large that it overshot, and the numbers grew without end. Take smaller steps."


def sentence(run: Run, shown: dict) -> str:
    """What there is to say of a network after an epoch; often nothing."""
    if run.settings.rate == "wild" and shown["unseen"] < GUESSING:
        return (
            "The steps are too large: each one overshoots, and the network is no better than guessing. "
            "That is called divergence. Take smaller steps."
        )
    if shown["seen"] - shown["unseen"] > OVERFIT and shown["seen"] > 1 - OVERFIT:
        return (
            f"It knows {shown['seen']:.0%} of its {run.settings.digits:,} digits, but only {shown['unseen']:.0%} of "
            "new ones: it learned them by heart. That is called overfitting. More digits help."
        )
    return ""


@answering(Correction)
def teach(question: Correction) -> dict:
    """Learns what the drawing is, and tells what that cost."""
    run = RUNS.get(question.run)
    if run is None:
        return GONE
    if question.pixels is None:
        return {"error": "Draw a digit first, on the page Draw."}
    with run.lock:
        model = run.trainer.model
        before = share_right(model, unseen())
        drawn = np.array(question.pixels, np.float32)[None] / 255
        old, rng = digits(run.settings.digits), np.random.default_rng(run.settings.seed)
        for _ in range(MIXED_STEPS if question.mixed else 1):
            rows = rng.choice(len(old), MIXED_DIGITS, replace=False) if question.mixed else []
            X = np.concatenate([drawn, old.pixels()[rows]]) if question.mixed else drawn
            labels = np.append(question.label, old.labels[rows]) if question.mixed else np.array([question.label])
            backprop = Backprop(model, len(X))
            with np.errstate(over="ignore", invalid="ignore"):
                backprop(X, one_hot(labels, DIGITS))
                model.theta -= np.float32(MIXED_RATE if question.mixed else ALONE_RATE) * backprop.gradient
        shown = frame(run, model.theta, question)
        now = int(np.argmax(shown["drawing"])) if shown["drawing"] else None
    learned = "Now it reads your drawing as a" if now == question.label else "It still reads your drawing as a"
    fell = before - shown["unseen"]
    cost = f"Of the unseen digits it read {before:.1%} before and reads {shown['unseen']:.1%} now"
    lesson = ": learning one thing alone, it forgot others." if fell > 0.01 else "."
    return {"frames": [shown], "said": f"{learned} {now}. {cost}{lesson}"}


@answering(Question)
def look(question: Question) -> dict:
    """The network as it is, with another drawing."""
    run = RUNS.get(question.run)
    if run is None:
        return GONE
    with run.lock:
        return {"frames": [frame(run, run.trainer.model.theta, question)]}


@answering(Question)
def take(question: Question) -> dict:
    """model.safetensors and config.json as base64 of a zip, and the command line that trains such a network."""
    run = RUNS.get(question.run)
    if run is None:
        return GONE
    with run.lock:
        model = run.trainer.answering_model(run.trainer.model.theta)
        recipe, epochs = run.trainer.recipe, run.trainer.epoch
    if not np.isfinite(model.theta).all():
        return {"error": "This network blew up: its weights are no numbers any more."}
    model.info = {"training": asdict(recipe) | {"epochs_done": epochs}}
    content = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(content, "w") as archive:
        files.save(model, folder)
        for name in (files.MODEL_FILE, files.CONFIG_FILE):
            archive.write(Path(folder) / name, name)
    return {"zip": base64.b64encode(content.getvalue()).decode(), "command": command(recipe, epochs)}


def command(recipe: Recipe, epochs: int) -> str:
    """Trains a network of the same shape in the same way; from 4,500 of the 5,000 digits, the others choose its best
    epoch.
    """
    widths = " ".join(map(str, recipe.hidden))
    return (
        f"python -m nn.train --data nn/pictures/{sample.FILE.name} --hidden {widths} --activation {recipe.activation} "
        f"--optimizer {recipe.optimizer} --lr {recipe.lr:g} --batch-size {recipe.batch_size} "
        f"--dropout {recipe.dropout:g} --l2 {recipe.l2:g} --seed {recipe.seed} --epochs {max(epochs, 1)}"
    ).replace("--hidden  ", "--hidden ")


def frame(run: Run, theta: np.ndarray, question: Picture) -> dict:
    """What the page shows of the network with these parameters."""
    model = run.trainer.answering_model(theta)
    drawing, served_says = None, None
    if question.pixels is not None:
        x = np.array(question.pixels, np.float32) / 255
        probs = probabilities(model, x)
        drawing = rounded(probs) if np.isfinite(probs).all() else None
        served_says = rounded(served().current.model.predict_proba(x[None])[0])
    with np.errstate(over="ignore", invalid="ignore"):
        answers = model.logits(unseen().pixels()).argmax(axis=1)
        seen = share_right(model, digits(min(run.settings.digits, 1000)))
    W = model.weights[0][:, :MOST_PICTURES].T  # (pictures, 784)
    largest = np.abs(W).max()
    scaled = W / largest * 127 if np.isfinite(largest) and largest else np.zeros_like(W)
    return {
        "epoch": run.trainer.epoch,
        "unseen": float((answers == unseen().labels).mean()),
        "seen": seen,
        "weights": packed(np.rint(scaled).astype(np.int8)),
        "tests": answers[:TEST_DIGITS].tolist(),
        "drawing": drawing,
        "served": served_says,
    }


def share_right(model: MLP, split: Split) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        return float((model.logits(split.pixels()).argmax(axis=1) == split.labels).mean())


def packed(numbers: np.ndarray) -> str:
    """The base64 of bytes."""
    return base64.b64encode(np.ascontiguousarray(numbers).tobytes()).decode()
