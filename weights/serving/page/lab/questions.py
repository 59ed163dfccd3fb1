"""What *See inside* and *Fool it* ask the server: one small network and one picture, and nothing is kept.

    numbers(values)     # of one forward pass
    learn(values)       # of some steps of backpropagation on this picture alone
    change(values)      # the picture turned, thickened, spoiled or made to fool, and what two networks say of it

Each takes an object as the page sends it and answers with an object that JSON can hold. A wrong one is answered with
{"error": ...}, a sentence for the page. Matrices travel as the base64 of their float32 numbers, row by row: exact, and
half as long as their digits would be.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

import weights
from nn import MLP
from nn.fool import fool
from nn.functions import softmax
from nn.inside import one_pass, one_step
from nn.mlp import DIGITS, PIXELS, SIDE
from nn.pictures.corruptions import impulse_noise, warped
from nn.pictures.synthetic import thickened
from preprocessing import to_mnist
from weights.current import served
from weights.serving.page.inputs import EXAMPLES

# 784-16-10, whose numbers fit on a screen. Its README has the command that trained it.
SMALL = weights.BUNDLED / "small"
# Decimal places of numbers that are sent as text: two more than are shown.
PLACES = 6
# Steps in a row that one press may stand for: each is computed anew from the first, in a tenth of a millisecond.
MOST_STEPS = 50
# The learning rate of a step on one picture: the network says any other digit after about six steps, 15 at most.
RATE = 0.002
# Noise is the same in each answer, so that moving another slider leaves it alone.
NOISE_SEED = 0
# Degrees to either side, and pixels by which a stroke grows: beyond these a digit is hardly one any more.
MOST_DEGREES, MOST_PIXELS = 180, 3

Level = Annotated[int, Field(strict=True, ge=0, le=255)]
Pixels = Annotated[list[Level], Field(min_length=PIXELS, max_length=PIXELS)]
Digit = Annotated[int, Field(strict=True, ge=0, lt=DIGITS)]


class Picture(BaseModel):
    """A picture as the network sees it; none is the example's."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    pixels: Pixels | None = None


class Lesson(Picture):
    """Steps of backpropagation towards a digit."""

    target: Digit
    steps: Annotated[StrictInt, Field(ge=1, le=MOST_STEPS)] = 1


class Change(Picture):
    """What is done to a picture, in this order, and then towards which digit it is changed by its gradient."""

    degrees: Annotated[float, Field(ge=-MOST_DEGREES, le=MOST_DEGREES)] = 0
    thicker: Annotated[StrictInt, Field(ge=0, le=MOST_PIXELS)] = 0
    noise: Annotated[float, Field(ge=0, le=1)] = 0
    invert: bool = False
    target: Digit | None = None
    strength: Annotated[float, Field(ge=0, le=1)] = 0.25


Values = TypeVar("Values", bound=Picture)


def answering(model: type[Values]) -> Callable:
    """Makes a function of `Values` one that takes what the page sends, and answers in words when that is wrong."""

    def decorate(function: Callable[[Values], dict]) -> Callable[[Any], dict]:
        @functools.wraps(function)
        def answer(values: Any) -> dict:
            try:
                return function(model.model_validate(values))
            except ValidationError as error:
                first = error.errors(include_url=False, include_input=False, include_context=False)[0]
                place = ".".join(str(part)[:40] for part in first["loc"]) or "the question"
                return {"error": f"This is not what is expected as {place}: {first['msg'][:200]}."}

        return answer

    return decorate


@answering(Picture)
def numbers(question: Picture) -> dict:
    """Every number of one forward pass of the small network: its parameters, and what this picture makes of them."""
    model, x = small(), pixels_of(question)
    seen = one_pass(model, x)
    (W1, W2), (b1, b2) = model.views(model.theta)
    return {
        "widths": list(model.widths),
        "served": served_widths(),
        "pixels": levels(x),
        "x": packed(seen.x),
        "W1": packed(W1),
        "W2": packed(W2),
        "b1": rounded(b1),
        "b2": rounded(b2),
        "z": rounded(seen.z),
        "h": rounded(seen.h),
        "logits": rounded(seen.logits),
        "probs": rounded(seen.probs),
    }


@answering(Lesson)
def learn(question: Lesson) -> dict:
    """The last of some steps of backpropagation on this picture, each from the network that the one before left."""
    model, x = small(), pixels_of(question)
    for _ in range(question.steps):
        step = one_step(model, x, question.target, RATE)
        model = step.model
    return {
        "rate": RATE,
        "steps": question.steps,
        "loss": round(step.loss, PLACES),
        "before": rounded(step.before),
        "after": rounded(step.after),
        "delta2": rounded(step.delta2),
        "blame": rounded(step.blame),
        "delta1": rounded(step.delta1),
        "change": packed(step.change),
    }


@answering(Change)
def change(question: Change) -> dict:
    """The changed picture, and what the small network and the served one say of it."""
    model, drawn = small(), pixels_of(question)
    start = changed(drawn, question)
    before = probabilities(model, start)
    found = {"pixels": packed(start), "after": packed(start), "steps": 0, "fooled": None}
    end = start
    if question.target is not None:
        fooled = fool(model, start, question.target, question.strength)
        end = fooled.pixels
        found |= {"after": packed(end), "steps": fooled.steps, "fooled": fooled.success}
    answering_model = served().current.model
    return found | {
        "most": round(float(np.abs(end - start).max()), PLACES),
        "small": [rounded(before), rounded(probabilities(model, end))],
        "served": [rounded(answering_model.predict_proba(each[None])[0]) for each in (start, end)],
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


@functools.cache
def example() -> np.ndarray:
    """The picture before anything is drawn, (784,)."""
    with Image.open(EXAMPLES / "2-slanted.png") as image:
        return to_mnist(image).reshape(-1)


def pixels_of(question: Picture) -> np.ndarray:
    """(784,) float32 in [0, 1]"""
    if question.pixels is None:
        return np.rint(example() * 255).astype(np.float32) / 255
    return np.array(question.pixels, np.float32) / 255


def probabilities(model: MLP, pixels: np.ndarray) -> np.ndarray:
    return softmax(model.forward(pixels[None]))[0]


def served_widths() -> list[int]:
    return list(served().current.model.widths)


def levels(pixels: np.ndarray) -> list[int]:
    return np.rint(pixels * 255).astype(int).tolist()


def rounded(vector: np.ndarray) -> list[float]:
    return [round(float(value), PLACES) for value in vector]


def packed(matrix: np.ndarray) -> str:
    """The base64 of the float32 numbers, row by row, little endian."""
    return base64.b64encode(np.ascontiguousarray(matrix, "<f4").tobytes()).decode()
