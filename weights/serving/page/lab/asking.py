"""How the rooms ask the server: an object as JSON, checked before anything is done with it.

    @answering(Picture)
    def numbers(question: Picture) -> dict: ...

The answer is an object that JSON can hold. A wrong question is answered with {"error": ...}, a sentence for the page;
"gone" then says whether the network that was asked about is not kept any longer.
Arrays travel as the base64 of their bytes: exact, and half as long as their digits would be.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nn import MLP
from nn.functions import softmax
from nn.mlp import DIGITS
from weights.serving.limits.sizes import DISK_FULL, NO_ROOM
from weights.serving.schemas import Pixels, place_and_message

# Decimal places of numbers that are sent as text: two more than are shown.
PLACES = 6

Digit = Annotated[int, Field(strict=True, ge=0, lt=DIGITS)]
Token = Annotated[str, Field(max_length=32)]  # names a visitor's network; see kept.py


class Question(BaseModel):
    """Any question: nothing that the server does not know, and no NaN."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Picture(Question):
    """A picture as the network sees it, or none."""

    pixels: Pixels | None = None


class Refusal(ValueError):
    """What was asked cannot be done; the message is a sentence for the page."""


class Gone(Refusal):
    """The network that was asked about is not kept any longer; the page need not ask again."""


Asked = TypeVar("Asked", bound=Question)


def answering(model: type[Asked]) -> Callable:
    """Makes a function of `Asked` one that takes what the page sends, and answers in words when that is wrong."""

    def decorate(function: Callable[[Asked], dict]) -> Callable[[Any], dict]:
        @functools.wraps(function)
        def answer(values: Any) -> dict:
            try:
                return function(model.model_validate(values))
            except Gone as gone:
                return {"error": str(gone), "gone": True}
            except Refusal as refusal:
                return {"error": str(refusal)}
            except OSError as error:
                if error.errno not in DISK_FULL:
                    raise
                return {"error": NO_ROOM}
            except ValidationError as error:
                problems = error.errors(include_url=False, include_input=False, include_context=False)
                place, message = place_and_message(problems[0])
                return {"error": f"This is not what is expected as {place or 'the question'}: {message}."}

        return answer

    return decorate


def packed(numbers: np.ndarray, dtype: str | type | None = None) -> str:
    """The base64 of an array's bytes, row by row; as "<f4" of float32 numbers, little endian."""
    return base64.b64encode(np.ascontiguousarray(numbers, dtype).tobytes()).decode()


def rounded(vector: Iterable[float]) -> list[float]:
    return [round(float(value), PLACES) for value in vector]


def as_shares(pixels: list[int]) -> np.ndarray:
    """784 levels -> (784,) float32 in [0, 1]"""
    return np.array(pixels, np.float32) / 255


def probabilities(model: MLP, pixels: np.ndarray) -> np.ndarray:
    """The plain softmax of the logits, without the calibration that `predict_proba` adds. (784,) -> (classes,)"""
    return softmax(model.forward(pixels[None]))[0]
