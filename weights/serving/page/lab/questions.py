"""What *See inside* and *Fool it* ask the server. Each question brings its picture, and the server keeps nothing.

    numbers(values)     # of one forward pass
    kernels(values)     # of a convolution: the network on *Draw*, or the visitor's
    learn(values)       # of some steps of backpropagation on this picture alone
    change(values)      # the picture turned, thickened, spoiled or made to fool, and what two networks say of it
    silence(values)     # what is left of the network without some of its units

*See inside* shows the visitor's own network where its numbers fit on a screen, and otherwise the small one that ships.
Kernels have a section of their own: those of the visitor's network, or of the network on *Draw*.
asking.py says how questions are asked.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field, StrictInt

import weights
from nn import MLP
from nn.convolution import POOL, window_starts
from nn.fool import fool
from nn.functions import cross_entropy
from nn.inside import kernels_at_work, one_pass, one_step, without_units
from nn.mlp import DIGITS, SIDE
from nn.pictures.corruptions import impulse_noise, warped
from nn.pictures.pens import thickened
from weights.current import served
from weights.serving import recognize
from weights.serving.page.lab import kept
from weights.serving.page.lab.asking import (
    Digit,
    Gone,
    Picture,
    Refusal,
    Token,
    answering,
    packed,
    probabilities,
    rounded,
)
from weights.serving.page.lab.settings import MOST_UNITS
from weights.serving.page.lab.shown import (
    MOST_PICTURES,
    answers_of,
    bytes_of_weights,
    first_weights,
    share_right,
    shares_of,
)
from weights.serving.page.lab.splits import unseen

# 784-16-10, whose numbers fit on a screen. Its README has the command that trained it.
SMALL = weights.BUNDLED / "small"
# Hidden units of which all numbers are shown: two rows on a laptop.
MOST_SHOWN = 16
# Networks with larger parameters overflow on the way to an answer. The wildest training here reaches some thousands.
LARGEST_PARAMETER = 1e9
# Steps in a row that one press may stand for: each is computed anew from the first, in a fifth of a millisecond.
MOST_STEPS = 50
# Learning rates of a step on one picture. With the first the network says the runner-up after some three steps, at most
# nine on 200 unseen digits, and as a rule still reads nine unseen digits in ten. With the others one step is enough,
# but it then reads three in four; with the last one in ten, as it says the target whatever it is shown.
RATES = (0.002, 0.02, 0.2)
# Noise is the same in each answer, so that moving another slider leaves it alone.
NOISE_SEED = 0
MOST_DEGREES = 180  # to either side: a full turn
MOST_PIXELS = 3  # by which a stroke grows: beyond this a digit is hardly one any more
FLOAT32 = "<f4"  # of matrices that are sent


class About(Picture):
    """A picture, without one the example, and the visitor's own network, if there is one."""

    run: Token | None = None


class Lesson(About):
    """Steps of backpropagation towards a digit."""

    target: Digit
    steps: Annotated[StrictInt, Field(ge=1, le=MOST_STEPS)] = 1
    rate: Annotated[float, Field(gt=0, le=max(RATES))] = RATES[0]


class Change(Picture):
    """What is done to a picture, in this order, and then towards which digit it is changed by its gradient."""

    degrees: Annotated[float, Field(ge=-MOST_DEGREES, le=MOST_DEGREES)] = 0
    thicker: Annotated[StrictInt, Field(ge=0, le=MOST_PIXELS)] = 0
    noise: Annotated[float, Field(ge=0, le=1)] = 0
    invert: bool = False
    target: Digit | None = None
    strength: Annotated[float, Field(ge=0, le=1)] = 0.25


Unit = Annotated[int, Field(strict=True, ge=0, lt=MOST_UNITS)]
Units = Annotated[list[Unit], Field(max_length=MOST_UNITS)]


class Silence(About):
    """Which units of each hidden layer are switched off."""

    off: Annotated[tuple[Units, ...], Field(max_length=2)] = ()


class Subject(NamedTuple):
    """The network that a room shows."""

    model: MLP
    own: bool  # the visitor's
    why: str  # a sentence, where the visitor has one that is not shown


# --- See inside -------------------------------------------------------------------------------------------------------


def visitors(run: str | None) -> MLP | None:
    """The visitor's network as it is now, if there is one. Raises Refusal."""
    found = kept.RUNS.get(run)
    if found is None:
        return None
    with kept.alone_with(found):
        return found.trainer.answering_model(found.trainer.model.theta)


def subject(run: str | None, shown: bool) -> Subject:
    """The visitor's network, or the small one. shown: all of its numbers have to fit on a screen."""
    model = visitors(run)
    if model is None:
        return Subject(small(), False, "")
    why = why_not(model, shown)
    return Subject(small(), False, why) if why else Subject(model, True, "")


def blew_up(model: MLP) -> bool:
    return not np.abs(model.theta).max() <= LARGEST_PARAMETER  # NaN is not, either


def why_not(model: MLP, shown: bool) -> str:
    """A sentence about a visitor's network that a room does not show; empty for one that it shows."""
    if blew_up(model):
        return "Your own network blew up: its numbers are out of bounds."
    if not model.hidden:
        return "Your own network has no hidden units."
    if model.kernel_size:
        below = "they are shown below" if shown else "its units cannot be switched off here"
        return f"Your own network has kernels: {below}."
    if shown and (len(model.hidden) > 1 or model.hidden[0] > MOST_SHOWN):
        return f"Your own network has {sum(model.hidden)} hidden units, too many to see them all."
    if shown and model.activation != "relu":
        return f"Your own network has {model.activation} units; only ReLU units are shown here."
    return ""


@answering(About)
def numbers(question: About) -> dict:
    """Every number of one forward pass: the network's parameters, and what this picture makes of them."""
    model, own, why = subject(question.run, shown=True)
    x = shares_of(question)
    seen = one_pass(model, x)
    (W1, W2), (b1, b2) = model.views(model.theta)
    return {
        "own": own,
        "why": why,
        "widths": list(model.widths),
        "served": served_widths(),
        "pixels": recognize.pixels_of(x),
        "x": packed(seen.x, FLOAT32),
        "W1": packed(W1, FLOAT32),
        "W2": packed(W2, FLOAT32),
        "b1": rounded(b1),
        "b2": rounded(b2),
        "z": rounded(seen.z),
        "h": rounded(seen.h),
        "logits": rounded(seen.logits),
        "probs": rounded(seen.probs),
    }


@answering(About)
def kernels(question: About) -> dict:
    """What each kernel finds in the picture, and how far it pushes the answer; no `side` when there are none."""
    model = visitors(question.run)
    own = model is not None and model.kernel_size > 0 and not blew_up(model)
    model = model if own else served().current.model
    if not model.kernel_size:
        return {"own": False, "side": None}
    with kept.working():
        seen = kernels_at_work(model, shares_of(question))
    top = int(seen.logits.argmax())
    starts = window_starts(model.kernel_size).ravel()
    return {
        "own": own,
        "side": model.kernel_size,
        "starts": starts.tolist(),  # rows, and columns as well, in which windows begin
        "pool": POOL,
        "relu": model.activation == "relu",
        "answer": top,
        "x": packed(seen.x, FLOAT32),
        "kernels": packed(seen.kernels, FLOAT32),
        "biases": packed(seen.biases, FLOAT32),
        "h": packed(seen.h, FLOAT32),
        "pushes": packed(seen.pushes[:, top], FLOAT32),
    }


@answering(Lesson)
def learn(question: Lesson) -> dict:
    """The last of some steps of backpropagation on this picture, each from the network that the one before left."""
    start, own, _ = subject(question.run, shown=True)
    model, x, losses = start, shares_of(question), []
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(question.steps):
            before, step = model, one_step(model, x, question.target, question.rate)
            model = step.model
            losses.append(step.loss)
            if blew_up(model):
                raise Refusal("The steps are too large: its numbers are out of bounds. Choose a smaller learning rate.")
    losses.append(cross_entropy(step.after[None], step.targets[None]))
    (W1, W2), _ = before.views(before.theta)
    h = one_pass(before, x).h
    most_moved = np.abs(step.change).argmax(axis=0)  # (units,): pixels
    with kept.working():
        unseen_right = [share_right(each, unseen()) for each in (start, model)]
    return {
        "own": own,
        "widths": list(model.widths),
        "rate": question.rate,
        "steps": question.steps,
        "losses": rounded(losses),  # before the first step, and after each
        "unseen": rounded(unseen_right),  # shares that are read: before the first step, and after the last
        # What follows is of the last step; parameters are those before it.
        "before": rounded(step.before),
        "after": rounded(step.after),
        "delta2": rounded(step.delta2),
        "blame": rounded(step.blame),
        "delta1": rounded(step.delta1),
        "h": rounded(h),
        "change": packed(step.change, FLOAT32),
        "most_moved": most_moved.tolist(),
        "weights": rounded(W1[most_moved, np.arange(len(most_moved))]),  # theirs
        "W2": packed(W2, FLOAT32),
        "change2": packed(step.change2, FLOAT32),
    }


# --- Fool it ----------------------------------------------------------------------------------------------------------


class Mission(NamedTuple):
    text: str
    # What the small network and the served one say of a drawing, as probabilities -> whether it is completed.
    completed: Callable[[np.ndarray, np.ndarray], bool]


MISSIONS = {
    "seven": Mission(
        "Draw a 7 that the small network calls 1, while the network on Draw still sees the 7.",
        lambda small, served: served.argmax() == 7 and small.argmax() == 1,
    ),
    "letter": Mission(
        "Show something that the small network calls a digit, more than 90% sure, and the network on Draw refuses.",
        lambda small, served: served.argmax() == DIGITS and small.max() > 0.9,
    ),
    "even": Mission(
        "Get the small network to fifty-fifty: two digits between 45 and 55%.",
        lambda small, served: ((small >= 0.45) & (small <= 0.55)).sum() == 2,
    ),
}


@answering(Change)
def change(question: Change) -> dict:
    """The picture as drawn and as changed, what both networks say of each, and the missions that this completes."""
    model, drawn = small(), shares_of(question)
    start = end = changed(drawn, question)
    steps, fooled = 0, None
    if question.target is not None:
        found = fool(model, start, question.target, question.strength)
        end, steps, fooled = found.pixels, found.steps, found.success
    of_small = [probabilities(model, each) for each in (drawn, end)]
    network = served().current.model  # the same for both, even when another one is served meanwhile
    of_served = [network.predict_proba(each[None])[0] for each in (drawn, end)]
    counts = question.pixels is not None and question.target is None  # a drawing, and without the gradient's help
    return {
        "drawn": packed(drawn, FLOAT32),
        "pixels": packed(start, FLOAT32),  # changed as people would, before the gradient's part
        "after": packed(end, FLOAT32),
        "steps": steps,
        "fooled": fooled,
        "most": rounded([np.abs(end - start).max()])[0],
        "small": list(map(rounded, of_small)),
        "served": list(map(rounded, of_served)),
        "missions": [
            name for name, mission in MISSIONS.items() if counts and mission.completed(of_small[1], of_served[1])
        ],
    }


@answering(Silence)
def silence(question: Silence) -> dict:
    """How many unseen digits are read, and what is said of the drawing, with all units and without some."""
    model, own, why = subject(question.run, shown=False)
    x, test = shares_of(question), unseen()
    for layer, units in enumerate(question.off):
        if layer >= len(model.hidden) or max(units, default=0) >= model.hidden[layer]:
            wrong = Refusal if own or question.run is None else Gone
            raise wrong(f"This network has hidden layers of {' and '.join(map(str, model.hidden))} units.")
    with kept.working():
        both = [model, without_units(model, question.off)]
        right = [answers_of(each, test.pixels()) == test.labels for each in both]
    return {
        "own": own,
        "why": why,
        "hidden": list(model.hidden),
        "weights": packed(bytes_of_weights(first_weights(model)[:, :MOST_PICTURES].T)),
        "right": [float(each.mean()) for each in right],
        "digits": [rounded(each[test.labels == digit].mean() for digit in range(DIGITS)) for each in right],
        "drawing": [rounded(probabilities(each, x)) for each in both],
    }


def changed(pixels: np.ndarray, how: Change) -> np.ndarray:
    """Pixels (784,) in [0, 1] -> the same picture turned, thickened, spoiled and inverted, as a person might do it."""
    x = pixels.reshape(SIDE, SIDE)
    if how.degrees:
        angle = np.deg2rad(how.degrees)  # clockwise
        x = warped(x, np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]))
    if how.thicker:
        x = thickened(np.rint(x * 255).astype(np.uint8), how.thicker) / 255
    if how.noise:
        x = impulse_noise(x, np.random.default_rng(NOISE_SEED), how.noise)
    if how.invert:
        x = 1 - x
    return np.clip(x, 0, 1).astype(np.float32).reshape(-1)


@functools.cache
def small() -> MLP:
    """The small network. Its probabilities here are the plain softmax of its logits, without calibration."""
    return weights.load(SMALL)


def served_widths() -> list[int]:
    """The widths of the served network, without its linear layers."""
    model = served().current.model
    return [model.widths[0], *(width for i, width in enumerate(model.hidden) if i not in model.linear), model.classes]
