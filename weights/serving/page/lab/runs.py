"""What *Train one* asks the server: a network of one's own, trained epoch by epoch with nn/trainer.py as it is.

    start(values)     # a new network with random weights
    load(values)      # a network from files that `take` gave
    go(values)        # one more epoch
    teach(values)     # a few steps on the visitor's drawings
    look(values)      # the network as it is, with another drawing
    unit(values)      # what one unit looks for
    take(values)      # the network's files, zipped

Nothing trains by itself: each epoch is a question of the page. So Pause, leaving the page or the room, and stopping the
server end a run after the epoch that is under way; a hidden tab pauses it. asking.py says how questions are asked. The
served network is only read.
"""

from __future__ import annotations

import functools
import math
import tempfile
import time
import weakref
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from nn import files
from nn.backprop import Backprop
from nn.convolution import Convolution
from nn.finish import calibrated
from nn.functions import one_hot
from nn.mlp import DIGITS, MLP, SIDE
from nn.pictures.splits import Dataset
from nn.recipes import FULL_BATCH, Recipe
from nn.trainer import Trainer
from weights.serving.page import percent
from weights.serving.page.answer import article
from weights.serving.page.lab import archives, kept
from weights.serving.page.lab.asking import Gone, Refusal, answering, packed, rounded
from weights.serving.page.lab.kept import Run, working
from weights.serving.page.lab.own_network import command, network_in, saying, without_normalization
from weights.serving.page.lab.questions import why_not
from weights.serving.page.lab.settings import MOST_CONVOLVED, About, AboutUnit, Correction, Loading, Settings
from weights.serving.page.lab.shown import (
    TEST_DIGITS,
    answers_of,
    bytes_of_weights,
    example,
    first_weights,
    frame,
    share_right,
)
from weights.serving.page.lab.splits import digits, held_out, normalized, unseen

# Seconds of training that a run may take in all: enough for all epochs of a small network, and for every preset that
# repeats a public project's network.
MOST_SECONDS = 60
# Epochs that one question stands for when each of them is a single step.
FULL_BATCH_EPOCHS = 10
# Seconds of rest after each step: other threads get the interpreter.
REST = 0.0005
# Steps of the first epoch after which the page sees the network: the most changes at the start.
SHOWN_STEPS = (1, 3, 8, 20, 50)
# Test digits that excite a unit most, beside its weights.
MOST_EXCITING = 10
# Digits that it has learned from, and learns again beside a drawing.
MIXED_DIGITS = 31
# Learning rate and steps for a drawing. 784-16-10: alone, one step mends 20 of 20 mistakes and costs nine percent of
# the unseen digits; mixed with digits, three steps mend 19 and cost next to nothing.
ALONE, MIXED = (0.02, 1), (0.1, 3)
# The gradient of a kernel is a sum over all places where it looks. 784-400-10 with 16 kernels: alone, these mend 18 of
# 20 mistakes and cost one percent; mixed, 17, and cost nothing.
ALONE_KERNELS, MIXED_KERNELS = (0.005, 3), (0.03, 6)
# A network that reads fewer unseen digits than before, by more than this share, has forgotten some.
FORGOT = 0.01
# A network that reads the seen digits better than the unseen ones by this much knows them by heart.
OVERFIT = 0.08
# The loss of a network that gives each digit the same share. One that begins at random is hardly above it, one that has
# learned is below.
GUESSING = math.log(DIGITS)
# A network goes astray when its loss is larger than both that of guessing and its own first one by this factor. It is
# back when its loss is below that of guessing. One whose units are all silent comes down to guessing and hardly below
# it: it gives each digit its share.
ASTRAY = 1.02
# A network that is astray after this many epochs in a row has diverged: large steps may lead there and back.
DIVERGED = 3
# A network whose loss on unseen digits is larger than that of guessing by this factor is sure of wrong answers: its
# weights are too large, even if it knows the digits that it learns from. From this epoch on 384 networks with careful
# and good steps had a factor of 1.4 at most; 36 without hidden units and with wild steps had 1.55 at least.
SURE, SURE_FROM = 1.5, 3


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
    run = Run(trainer, settings.digits)
    # Weakly, so that memory comes back as soon as a network is no longer kept, not with the next search for garbage.
    trainer.progress = functools.partial(after_step, weakref.proxy(run))
    return run


def introduced(run: Run, settings: Settings) -> dict:
    """The first answer about a network: its name, its shape, and the pictures that the page shows."""
    shown, model = unseen()[:TEST_DIGITS], run.trainer.model
    first = frame(run, model.theta, settings)
    run.first_loss, _ = first["losses"]
    return {
        "run": kept.RUNS.add(run, settings.instead_of),
        "widths": list(model.widths),
        "activation": model.activation,
        "kernels": first_weights(model).shape[1] if model.kernel_size else 0,
        "side": model.kernel_size or SIDE,  # of the weight pictures
        "shown_inside": not why_not(model, shown=True),
        "example": packed(np.uint8(example())),
        "tests": {"pixels": packed(shown.images), "labels": shown.labels.tolist()},
        "frames": [first],
    }


# --- Training ---------------------------------------------------------------------------------------------------------


def asked_for(question: About) -> Run:
    """Raises Gone."""
    run = kept.RUNS.get(question.run)
    if run is None:
        raise Gone("This network is not kept any longer: press Reset for a new one.")
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
        return {"place": place, "said": f"{IN_LINE} Your place in the line: {place}."}
    if not run.lock.acquire(blocking=False):
        raise Refusal(kept.AT_WORK)
    kept.RUNS.at_work(question.run, True)
    try:
        trainer = run.trainer
        if over(run):
            return ended(question, run)
        with working():
            begin = time.monotonic()
            try:
                for _ in range(FULL_BATCH_EPOCHS if trainer.recipe.batch_size == FULL_BATCH else 1):
                    trainer.run_epoch()
            except FloatingPointError:
                run.over, run.snapshots = f"It blew up: {RESET}", []
                run.note("It blew up.")
                return ended(question, run, BLOWN_UP)
            run.seconds += time.monotonic() - begin
            frames = [frame(run, theta, question) | {"step": step} for step, theta in run.snapshots]
            frames.append(frame(run, trainer.model.theta, question))
            run.snapshots = []
            run.astray = run.astray + 1 if is_astray(run, frames[-1]) else 0
        return (ended(question, run) if over(run) else {"ended": ""}) | {
            "frames": frames,
            "said": sentence(run, frames[-1]),
        }
    finally:
        kept.RUNS.at_work(question.run, False)
        run.lock.release()


def over(run: Run) -> str:
    """Why there is no more epoch to come; empty while there is."""
    if run.trainer.epoch >= run.trainer.recipe.epochs:
        return f"All {run.trainer.epoch:,} rounds are done: {RESET}"
    return run.over or (f"Its training time is used up: {RESET}" if run.seconds >= MOST_SECONDS else "")


def ended(question: About, run: Run, said: str = "") -> dict:
    kept.RUNS.finish(question.run)
    return {"frames": [], "ended": over(run), "said": said}


RESET = "Reset makes a new network."
IN_LINE = "Two networks train at a time, a few seconds each."
BLOWN_UP = "It blew up: every step was so large that it overshot, and the numbers grew without end. Take smaller steps."


def sentence(run: Run, shown: dict) -> str:
    """What the page says about a network after an epoch: what goes wrong, or else what an epoch was."""
    loss, unseen_loss = shown["losses"]
    if run.astray >= DIVERGED:
        return (
            f"The steps are too large: each one overshoots. {beside_guessing('The loss', loss)} "
            f"That is called divergence. {of_silent_units(run.trainer.model)}Take smaller steps."
        )
    said = []
    if shown["seen"] - shown["unseen"] > OVERFIT and shown["seen"] > 1 - OVERFIT:
        said.append(
            f"It knows {percent.right(shown['seen'])} of its {run.digits:,} digits, but only "
            f"{percent.right(shown['unseen'])} of new ones: it learned them by heart. That is called overfitting. More "
            "digits help."
        )
    if run.trainer.epoch >= SURE_FROM and is_above(unseen_loss, SURE * GUESSING):
        said.append(
            f"Where it is wrong, it is sure of it. {beside_guessing('The loss on new digits', unseen_loss)} "
            "The steps are too large: take smaller ones."
        )
    return " ".join(said) or of_steps(run.trainer)


def of_steps(trainer: Trainer) -> str:
    steps, size = trainer.steps_per_epoch, trainer.batch_size
    most = "" if steps == 1 else "up to "  # fewer may be left for the last step
    looked_at = "one digit" if size == 1 else f"{most}{size:,} digits"
    count = "one step. It" if steps == 1 else f"{steps:,} steps. Each"
    return f"A round is {count} looks at {looked_at} and then corrects the network's weights and biases."


def beside_guessing(name: str, loss: float | None) -> str:
    return f"{name} is {'out of bounds' if loss is None else f'{loss:.2f}'}; guessing has {GUESSING:.2f}."


def is_above(loss: float | None, most: float) -> bool:
    """None is a loss out of bounds."""
    return loss is None or loss > most


def is_astray(run: Run, shown: dict) -> bool:
    loss, _ = shown["losses"]
    return is_above(loss, GUESSING if run.astray else ASTRAY * max(GUESSING, run.first_loss or 0))


def of_silent_units(model: MLP) -> str:
    """A sentence where most units of a hidden layer say 0 to every digit; empty otherwise."""
    trace = []
    with np.errstate(over="ignore", invalid="ignore"):
        model.forward(model.normalize(unseen().pixels()), trace)
    silent = [(h == 0).all(axis=0) for _, h in trace]  # of each layer: (units,)
    if not any(layer.mean() > 0.5 for layer in silent):
        return ""
    units = np.concatenate(silent)
    return f"{units.sum()} of {units.size} units now say 0 to every digit: no gradient reaches them any more. "


@answering(Correction)
def teach(question: Correction) -> dict:
    """Learns what the drawings are, and tells what that cost."""
    run, drawn = asked_for(question), question.images().astype(np.float32) / 255
    labels, number = np.array(question.labels), len(drawn)
    with kept.alone_with(run), working():
        if run.over or run.seconds >= MOST_SECONDS:
            raise Refusal(over(run))
        begin, model = time.monotonic(), run.trainer.model
        before, read = share_right(model, unseen()), answers_of(model, drawn)
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
    learned = of_drawings(read, now, labels)
    return {"frames": [shown], "said": f"{learned} {of_cost(before, shown['unseen'], beside, number)}"}


def of_drawings(before: np.ndarray, now: np.ndarray, labels: np.ndarray) -> str:
    """How the network reads the drawings that it was taught, and how it read them before."""
    if len(labels) == 1:
        return f"{'It still' if now[0] == before[0] else 'Now it'} reads your drawing as {article(now[0])}."
    return f"It reads {(now == labels).sum()} of your {len(labels)} drawings right; before, {(before == labels).sum()}."


def of_cost(before: float, now: float, beside: int, drawings: int) -> str:
    """What teaching changed on new digits. beside: how many old digits were repeated in each step."""
    said = f"Of the new digits it read {percent.right(before)} before and reads {percent.right(now)} now"
    if beside:
        yours = "drawing" if drawings == 1 else "drawings"
        return f"{said}. {beside} old digits were repeated beside your {yours}, so that it forgets less."
    return f"{said}: learning one thing alone, it forgot others." if before - now > FORGOT else f"{said}."


# --- Looking at it ----------------------------------------------------------------------------------------------------


@answering(About)
def look(question: About) -> dict:
    """The network as it is, with another drawing."""
    run = asked_for(question)
    with kept.alone_with(run), working():
        return {"frames": [frame(run, run.trainer.model.theta, question)]}


@answering(AboutUnit)
def unit(question: AboutUnit) -> dict:
    """The weights of a unit of the first layer, or of a kernel, and the test digits for which its sum is largest."""
    run, k = asked_for(question), question.unit
    with kept.alone_with(run), working(), np.errstate(over="ignore", invalid="ignore"):
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
    with kept.alone_with(run):
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
