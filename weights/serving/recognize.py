"""The one way from the input of any caller to a reading.

    reading = examine(Path("7.png"), served)              # a picture of one digit
    reading.best, reading.confidence, reading.box         # "7", 0.998, (112, 60, 295, 341)
    readings = read(jpeg_bytes, served)                   # any number of digits, in reading order
    answers = recognize_all([pixels, png_bytes], served)  # many pictures of one digit, in one forward pass

`served` is a network and where it comes from, as weights.current has it. The page, the routes, the endpoints, agents
and the command line differ in transport alone: each turns what it received into an Input, calls a function of this
file, and puts the readings into its own form.
"""

from __future__ import annotations

import io
import itertools
import math
import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, TypeVar

import numpy as np
from PIL import Image

from nn.measure.metrics import CLASSES, NOT_A_DIGIT, Answer
from nn.mlp import MLP, PIXELS
from nn.pictures.splits import BORDER
from preprocessing.decoding import MAX_PIXELS, InputError
from preprocessing.diagnostics import Diagnostics
from preprocessing.frame import SIDE
from preprocessing.picture import open_picture
from preprocessing.prepare import Prepared, prepare
from preprocessing.segment import split
from weights.serving.limits.pictures import room_for

if TYPE_CHECKING:  # it brings the Hub's client, which the command line does without
    from weights.current import Provenance, Served

Picture = Image.Image | np.ndarray  # any mode and size, or (H, W), (H, W, 3), (H, W, 4)
# Also an image file's content, its path or the open file; or MNIST's own 784 pixels.
Input = Picture | bytes | str | os.PathLike | BinaryIO | list[int]

Given, Converted = TypeVar("Given"), TypeVar("Converted")

# A border whose median is this or more is not black. On a background of level 16 two thirds of MNIST's test digits are
# read wrong, on one of level 32 nearly all.
BACKGROUND = 16
# The lighter half of a border that shows a background, and not noise or ink, stays within so many levels.
EVEN = 64
# The brightest ink of each of MNIST's digits is 254 or 255. With all values divided by four, a third is read wrong.
FAINT = 64
LONGEST_NAME = 200  # characters of a file's name that a message repeats
ELSEWHERE = "Any other picture can be sent as an image: POST /predict/image, the endpoint predict, recognize(image)"
ONE_DIGIT = f"{PIXELS} pixel values are one digit, for POST /predict, the endpoint predict_pixels or recognize(pixels)"


class Reading(NamedTuple):
    """A picture, or one part of it, as the network read it."""

    prepared: Prepared  # what preprocessing made of the picture
    answer: Answer  # the probability of each class; empty without ink
    model: MLP
    provenance: Provenance | None  # None on the command line, where any folder may be named

    @property
    def box(self) -> tuple[int, int, int, int] | None:
        """(left, top, right, bottom) of the ink in the picture's pixels; None without ink, and for 784 pixels."""
        return self.prepared.box

    @property
    def best(self) -> str:
        """The class with the highest probability. Raises ValueError without ink, when there is none."""
        return max(self.answer, key=self.answer.get)

    @property
    def confidence(self) -> float:
        """The probability of that class. Raises ValueError without ink."""
        return max(self.answer.values())

    @property
    def symbol(self) -> str:
        """One character of text: the digit, "." or "-" for a sign, "?" for anything else that is no digit."""
        return self.prepared.mark or ("?" if self.best == NOT_A_DIGIT else self.best)


def examine(given: Input, served: Served) -> Reading:
    """Reads a picture of one digit.

    Raises:
        ValueError: this is no picture, or it is too large or damaged.
        Busy: other pictures take all the memory there is for pictures.
    """
    return readings_of([decode(given)], *served)[0]


def recognize_all(inputs: Iterable[Input], served: Served) -> list[Answer]:
    """The answers to many pictures of one digit, in one forward pass.

    All pictures together may have as many pixels as a single one, so that a batch takes no longer.

    Raises:
        ValueError: as `examine`; the message says which input is meant.
    """
    left = MAX_PIXELS

    def tensor(given: Input) -> np.ndarray:
        nonlocal left
        if isinstance(given, list):
            return tensor_of(given)
        picture = opened(given)
        left -= math.prod(picture.size if isinstance(picture, Image.Image) else picture.shape[:2])
        if left < 0:
            raise InputError(f"expected at most {MAX_PIXELS:,} pixels in all pictures together")
        return decode(picture).tensor

    return answers(convert_all(tensor, inputs), served.model)


def read(given: Input, served: Served) -> list[Reading]:
    """Reads a picture of any number of digits: a reading for each of them, line by line from left to right.

    A picture of a single digit gives one reading, that of `examine`; a picture without ink gives none. A digit among
    others gets the answer that it would get alone, less the doubt that its place raises (`Prepared.doubt`).

    Raises:
        ValueError: as `examine`; and 784 pixels are one digit by definition.
        Busy: as `examine`.
    """
    picture = opened(given)
    with room_for(picture):
        parts = split(picture, served.model.predict_proba)
    return readings_of(parts, *served)


def readings_of(parts: Sequence[Prepared], model: MLP, provenance: Provenance | None) -> list[Reading]:
    """The network's readings of digits and signs in MNIST's frame, in one forward pass."""
    named = answers([part.tensor for part in parts], model)
    return [
        Reading(part, doubted(answer, part.doubt), model, provenance) for part, answer in zip(parts, named, strict=True)
    ]


def joint_confidence(readings: Iterable[Reading]) -> float:
    """The probability that all of these are right, if mistakes are independent of each other."""
    return math.prod(reading.confidence for reading in readings)


def text_of(readings: Iterable[Reading]) -> str:
    """Readings as text: one `symbol` for each, lines parted by a newline."""
    lines = itertools.groupby(readings, key=lambda reading: reading.prepared.line)
    return "\n".join("".join(reading.symbol for reading in line) for _, line in lines)


# --- From an input to MNIST's frame -----------------------------------------------------------------------------------


def decode(given: Input) -> Prepared:
    """One digit in MNIST's frame. Pixel values are in it already and stay as they are.

    Raises:
        ValueError: as `examine`.
    """
    if isinstance(given, list):
        return Prepared(tensor_of(given), Diagnostics())
    picture = opened(given)
    with room_for(picture):
        return prepare(picture)


def opened(given: Input) -> Picture:
    """A picture, which is decoded when its pixels are asked for. Raises ValueError."""
    if isinstance(given, list):
        raise InputError(f"expected a picture, got a list of {len(given)}. {ONE_DIGIT}")
    if isinstance(given, Picture):
        return given
    if not (isinstance(given, bytes | str | os.PathLike) or hasattr(given, "read")):
        raise InputError(
            "expected a picture: a PIL image, an array, an image file, its content or its path, "
            f"got {type(given).__name__}"
        )
    try:
        return open_picture(io.BytesIO(given) if isinstance(given, bytes) else given)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(reason if isinstance(given, bytes) else f"{shortened(given)}: {reason}") from error


def shortened(name: object) -> str:
    """A file's name; what is much longer is none, but perhaps a data URL."""
    text = str(name)
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}…"


def tensor_of(pixels: list[int]) -> np.ndarray:
    """784 integers from 0 to 255 -> (28, 28) float32 in [0, 1].

    Raises:
        ValueError: they are not that, or plainly not MNIST's frame; see `check_frame`.
    """
    if len(pixels) != PIXELS:
        raise InputError(f"expected {PIXELS} pixel values, got {len(pixels)}")
    try:
        levels = np.frombuffer(bytes(pixels), np.uint8)
    except (TypeError, ValueError):
        raise InputError("expected pixel values that are integers from 0 to 255") from None
    check_frame(levels.reshape(SIDE, SIDE))
    return (levels / np.float32(255)).reshape(SIDE, SIDE)


def check_frame(levels: np.ndarray) -> None:
    """Refuses a picture that plainly is not white ink on black with values up to 255.

    All of MNIST's digits pass, and so does a picture without ink.

    levels: (28, 28) uint8.

    Raises:
        ValueError: the message says which mistake it is, and what to do about it.
    """
    brightest = int(levels.max())
    if 0 < brightest < FAINT:
        scale = "multiply each by 255" if brightest == 1 else "bring them to this scale"
        raise InputError(
            f"expected pixel values on a scale from 0 (black) to 255 (white ink), got none above {brightest}: {scale}. "
            f"{ELSEWHERE}"
        )
    border = np.sort(levels[BORDER])
    background, light = int(border[border.size // 2]), int(border[border.size * 9 // 10])
    if background < BACKGROUND or light - background > EVEN:
        return
    if brightest == levels.min():
        mistake = f"only the level {brightest}"
    elif levels[~BORDER].mean() < background:
        mistake = f"dark ink on a background of level {background}: subtract each value from 255"
    else:
        mistake = f"a background of level {background}: subtract it"
    raise InputError(f"expected white ink (255) on black (0), as in MNIST, got {mistake}. {ELSEWHERE}")


def pixels_of(tensor: np.ndarray) -> list[int]:
    """The way back: (28, 28) float32 in [0, 1] -> 784 integers."""
    return np.rint(tensor * 255).astype(int).ravel().tolist()


def convert_all(convert: Callable[[Given], Converted], inputs: Iterable[Given]) -> list[Converted]:
    """The inputs, converted one by one; an InputError says which one is meant."""
    converted = []
    for index, given in enumerate(inputs):
        try:
            converted.append(convert(given))
        except InputError as error:
            raise InputError(f"inputs[{index}]: {error}") from error
    return converted


# --- From MNIST's frame to an answer ----------------------------------------------------------------------------------


def doubted(answer: Answer, doubt: float) -> Answer:
    """The answer to a part of a picture whose place makes it no digit with the probability `doubt`."""
    if not answer or not doubt:
        return answer
    digits = {name: (1 - doubt) * probability for name, probability in answer.items()}
    return digits | {NOT_A_DIGIT: digits[NOT_A_DIGIT] + doubt}


def answers(tensors: Sequence[np.ndarray], model: MLP) -> list[Answer]:
    """The network's answer to each digit, in one forward pass.

    tensors: each (28, 28) float32 in [0, 1], white ink on black.
    Returns dicts with all CLASSES, summing to 1, or empty ones where there is no ink.
    """
    X = np.reshape(tensors, (len(tensors), PIXELS))
    unknown = [0.0] * (len(CLASSES) - model.classes)  # a network of ten classes knows no "not a digit"
    rows = model.predict_proba(X).astype(float).tolist()
    named = (dict(zip(CLASSES, row + unknown, strict=True)) for row in rows)
    return [answer if has_ink else {} for answer, has_ink in zip(named, X.any(axis=1).tolist(), strict=True)]
