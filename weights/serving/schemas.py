"""The bodies and answers of our HTTP routes, as pydantic models, and messages about a wrong body in plain words.

parse(PixelsBody, b'{"pixels": [0, 0, 12]}')      # InputError: expected 784 pixel values, got 3
"""

from __future__ import annotations

import base64
import json
import re
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import unquote, unquote_to_bytes

from pydantic import BaseModel, BeforeValidator, Discriminator, Field, Tag, ValidationError, WithJsonSchema

from nn.measure.metrics import NOT_A_DIGIT, Answer
from nn.mlp import DIGITS, PIXELS, SIDE
from preprocessing.decoding import InputError
from weights.serving.recognize import Reading, joint_confidence, text_of

# A forward pass of this size takes some tens of milliseconds, and preparing as many pictures of ordinary size takes
# less than a second: the next caller does not wait long.
MAX_BATCH = 256
# Base64's alphabet for URLs has other characters for 62 and 63.
FROM_URL_SAFE = str.maketrans("-_", "+/")
NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
# No image file has fewer characters of base64. A text that is shorter and has no padding is a word: "letter" would be
# base64 as well.
FEWEST_UNPADDED = 12
LINE_BREAKS = re.compile(r"[\r\n\t\f\v]+")
# Characters of a wrong value that a message repeats.
SHOWN_CHARACTERS = 40


def shown(value: Any) -> str:
    """A JSON value for a message: a number or a short text as it is, anything else as its kind."""
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**SHOWN_CHARACTERS:
        return f"a number of more than {SHOWN_CHARACTERS} digits"  # Python refuses to print a very long one
    text = json.dumps(value[: SHOWN_CHARACTERS + 1] if isinstance(value, str) else value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


# --- Bodies -----------------------------------------------------------------------------------------------------------


def image_data(text: str) -> bytes:
    """The content of an image file, from base64 or a data URL.

    Base64 may be broken into lines, have the alphabet for URLs, lack its padding and be percent-encoded.

    Raises:
        ValueError: it is neither; the message says what the matter is.
    """
    data = text
    if text.lstrip()[:5].lower() == "data:":
        head, comma, data = text.partition(",")
        if not comma:
            raise InputError(f"expected a data URL with a comma before its data, got {shown(text)}")
        if data and not head.rstrip().lower().endswith(";base64"):
            return unquote_to_bytes(data)
    digits = unbroken(unquote(data)).translate(FROM_URL_SAFE).rstrip("=")
    if not digits:
        raise InputError("expected the base64 data of an image file, got none")
    problem = f"expected the base64 data of an image file, got {shown(text)}"
    if digits.startswith(("b'", 'b"')):
        raise InputError(f"{problem}, which is how Python prints bytes: decode them")
    wrong = NOT_BASE64.search(digits)
    if wrong:
        raise InputError(f"{problem}, in which {shown(wrong[0])} is no character of base64")
    if len(digits) % 4 == 1:
        raise InputError(f"{problem}, of which a part is missing: no data has {len(digits)} characters of base64")
    padding = "=" * (-len(digits) % 4)
    if padding and len(digits) < FEWEST_UNPADDED and not data.rstrip().endswith(("=", "%3D", "%3d")):
        raise InputError(problem)
    return base64.b64decode(digits + padding)


def unbroken(text: str) -> str:
    """Base64 in one line.

    A space stands for a line break when it ends lines of one length, as `$(base64 FILE)` does in a shell. Any other was
    a plus sign, which a reader of web forms took for a space.
    """
    lines = "".join(part.strip(" ") for part in LINE_BREAKS.split(text.strip())).split(" ")
    length = len(lines[0])
    even = length % 4 == 0 and all(len(line) == length for line in lines[:-1]) and len(lines[-1]) <= length
    joined = "".join(lines)
    return joined if even and len(joined) % 4 == 0 else "+".join(lines)


Level = Annotated[int, Field(strict=True, ge=0, le=255)]
# fail_fast ends a list at its first mistake: a million wrong numbers get one message.
Pixels = Annotated[list[Level], Field(min_length=PIXELS, max_length=PIXELS, fail_fast=True)]
ImageData = Annotated[
    bytes, BeforeValidator(image_data), WithJsonSchema({"type": "string", "contentEncoding": "base64"})
]
Given = Annotated[
    Annotated[Pixels, Tag("pixels")] | Annotated[ImageData, Tag("image")],
    Discriminator(lambda value: "image" if isinstance(value, str) else "pixels"),
]


class PixelsBody(BaseModel):
    """One digit in MNIST's own frame."""

    pixels: Pixels = Field(
        description="28 rows of 28, one after another: pixels[28 * y + x] is column x of row y, and the first 28 "
        "values are the top row from left to right. White ink (255) on black (0), as in MNIST; not centred again"
    )


class BatchBody(BaseModel):
    """Many digits."""

    inputs: list[Given] = Field(
        max_length=MAX_BATCH,
        fail_fast=True,
        description=f"each a list of {PIXELS} pixel values as for /predict, or an image file as base64 or data URL",
    )


Body = TypeVar("Body", bound=BaseModel)


def parse(model: type[Body], given: bytes | dict) -> Body:
    """The JSON of a request, or the object that was read from it, as this model.

    Raises:
        ValueError: it is not what `model` describes; the message says what was expected and what was given.
    """
    try:  # to read and check JSON in one pass takes a third less time than one after the other
        return model.model_validate_json(given) if isinstance(given, bytes) else model.model_validate(given)
    except ValidationError as error:
        raise InputError(plain_message(error.errors(include_url=False)[0])) from None


def place_and_message(problem: dict) -> tuple[str, str]:
    """Where one of pydantic's errors is, "" for the whole; and pydantic's own words for it, without the value that was
    sent, which may be long.
    """
    return ".".join(str(part)[:40] for part in problem["loc"]), problem["msg"][:200]


def plain_message(problem: dict) -> str:
    """One of pydantic's errors in plain words: what was expected, and what was given."""
    kind, given, where = problem["type"], problem["input"], problem["loc"]
    context = problem.get("ctx", {})
    index = next((part for part in where if isinstance(part, int)), None) if where[:1] == ("inputs",) else None
    place = "" if index is None else f"inputs[{index}]: "
    match kind:
        case "json_invalid":
            return f"expected a JSON object, got something that is not JSON: {context['error']}"
        case "model_type":
            return f"expected a JSON object, got {shown(given)}"
        case "missing":
            return f'expected a field "{where[-1]}" in the JSON object, got none'
        case "too_long" if where == ("inputs",):
            return f"expected at most {MAX_BATCH} inputs, got {context['actual_length']}"
        case "too_short" | "too_long":
            return f"{place}expected {PIXELS} pixel values, got {context['actual_length']}"
        case "value_error":
            return f"{place}{context['error']}"
        case "list_type" if where == ("inputs",):
            return f"expected a list of inputs, got {shown(given)}"
        case "list_type" if index is not None:
            return (
                f"{place}expected a list of {PIXELS} pixel values, or an image file as base64 or data URL, "
                f"got {shown(given)}"
            )
        case "list_type":
            return f"expected a list of {PIXELS} pixel values, got {shown(given)}"
    advice = ""
    if isinstance(given, float) and 0 < given < 1:
        advice = "; multiply values from 0 to 1 by 255 and round them"
    elif isinstance(given, float) and given in (0, 1):
        advice = "; write integers, without a point, and multiply values from 0 to 1 by 255 before"
    elif isinstance(given, float) and given.is_integer():
        advice = "; write integers, without a point"
    elif isinstance(given, list) and len(given) == SIDE:
        advice = "; put the rows into one list, one after another"
    return (
        f"{place}expected pixel values that are integers from 0 to 255, got {shown(given)} at index {where[-1]}{advice}"
    )


# --- Answers ----------------------------------------------------------------------------------------------------------


class Prediction(BaseModel):
    """The answer to one picture. The ten probabilities and `not_a_digit` sum to 1."""

    digit: int | None = Field(ge=0, lt=DIGITS, description='null for an empty picture and for "not a digit"')
    confidence: float = Field(ge=0, le=1, description="probability that this answer is right, calibrated")
    probabilities: dict[str, float] = Field(description='of each digit, "0" to "9"')
    not_a_digit: float = Field(ge=0, le=1, description="probability that it is no digit; 1 for an empty picture")

    @classmethod
    def of(cls, answer: Answer) -> Prediction:
        """From an answer. An empty one, without ink, is certainly no digit."""
        probabilities = answer or dict.fromkeys(map(str, range(DIGITS)), 0.0) | {NOT_A_DIGIT: 1.0}
        best = max(probabilities, key=probabilities.get)
        confidence, not_a_digit = probabilities[best], probabilities[NOT_A_DIGIT]
        digits = {name: p for name, p in probabilities.items() if name != NOT_A_DIGIT}
        return cls.model_construct(
            digit=None if best == NOT_A_DIGIT else int(best),
            confidence=confidence,
            probabilities=digits,
            not_a_digit=not_a_digit,
        )


class PlacedDigit(Prediction):
    """One of several digits in a picture."""

    box: tuple[int, int, int, int] = Field(description="left, top, right, bottom of its ink, in the picture's pixels")


class Digits(BaseModel):
    """The answer to a picture of any number of digits."""

    text: str = Field(
        description="one character for each of `digits`: the digit, `.` for a decimal point or comma, `-` for a minus "
        "before a number, `?` for anything else that is no digit; lines are parted by a newline"
    )
    confidence: float = Field(
        ge=0, le=1, description="probability that all of it is right: the product of all digits'; 1 when there are none"
    )
    digits: list[PlacedDigit] = Field(description="line by line, from left to right")

    @classmethod
    def of(cls, readings: list[Reading]) -> Digits:
        """From readings in reading order; none for a picture without ink."""
        digits = [PlacedDigit.model_construct(**dict(Prediction.of(each.answer)), box=each.box) for each in readings]
        return cls.model_construct(text=text_of(readings), confidence=joint_confidence(readings), digits=digits)


class Predictions(BaseModel):
    """The answers to a batch."""

    predictions: list[Prediction] = Field(description="one for each input, in their order")


class Problem(BaseModel):
    """A mistake in a request."""

    detail: str = Field(description="what was expected, and what was given")


class ServedWeights(BaseModel):
    """The weights that answer at this moment."""

    source: str = Field(description='"bundled", or the repository on the Hub')
    revision: str | None = Field(description="the commit; null for the bundled weights")
    sha256: str = Field(description="checksum of model.safetensors")
    since: str = Field(description="when they began to answer, ISO 8601")
    wanted: str | None = Field(description="repository@revision that is followed; null when none is")
    checked: str | None = Field(description="when the Hub was last asked, ISO 8601")
    error: str | None = Field(description="why the newest weights are not served; null when they are")


class Health(BaseModel):
    """Whether the app answers, and with which weights."""

    status: Literal["ok"] = Field(description="always ok when there is an answer: some weights are served")
    weights: ServedWeights
