"""Whatever a caller gives, pixel values or pictures, on its way to the network.

    recognizer = Recognizer(open_picture, to_mnist, split)          # app.py knows preprocessing
    recognizer.tensors([[0, 0, ...], png_bytes, Path("7.png")])     # (3, 784) float32

The routes, the Gradio endpoints and the command line share it.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from PIL import Image

from nn.measure.metrics import Answer
from nn.mlp import MLP, PIXELS
from weights.serving.answers import answers

# Of all pictures that are given at once: as many as a single one may have, so that a batch takes no longer than that.
MAX_BATCH_PIXELS = 50_000_000

Input = Sequence[int] | bytes | Path | BinaryIO  # 784 pixel values, or an image file's content, path or open file
PlacedAnswer = tuple[Answer, tuple[int, int, int, int]]  # left, top, right, bottom of the ink


class DigitInPicture(Protocol):
    tensor: np.ndarray  # (28, 28) float32 in [0, 1]
    box: tuple[int, int, int, int]  # left, top, right, bottom


OpenPicture = Callable[[Path | BinaryIO], Image.Image]  # reads the header alone; ValueError for what is no picture
ToMnist = Callable[[Image.Image], np.ndarray]  # (28, 28) float32 in [0, 1]; all zeros without ink
Predict = Callable[[np.ndarray], np.ndarray]  # (n, 784) float32 -> (n, classes)
Split = Callable[[Image.Image, Predict], Sequence[DigitInPicture]]  # in reading order; none without ink


class BadInput(ValueError):
    """One of several inputs cannot be read."""

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.placed = f"inputs[{index}]: {message}"  # for callers who gave several


@contextlib.contextmanager
def reading(index: int) -> Iterator[None]:
    """Whatever is wrong with this input, as BadInput."""
    try:
        yield
    except OSError as error:
        raise BadInput(index, error.strerror or str(error)) from error
    except ValueError as error:
        raise BadInput(index, str(error)) from error


@dataclass(frozen=True)
class Recognizer:
    """The steps before the network: to open a picture, to bring it into MNIST's frame, to find several digits in it."""

    open_picture: OpenPicture
    to_mnist: ToMnist
    split: Split

    def tensors(self, inputs: Sequence[Input]) -> np.ndarray:
        """Inputs -> (n, 784) float32 in [0, 1], white ink on black, all zeros where there is no ink.

        Pixel values are taken as they are: MNIST's own frame, integers from 0 to 255.

        Raises:
            BadInput: one is no picture, too large or damaged, or all together have too many pixels.
        """
        tensors = np.zeros((len(inputs), PIXELS), np.float32)
        left = MAX_BATCH_PIXELS
        for index, given in enumerate(inputs):
            if isinstance(given, list):
                tensors[index] = tensor_of(given)
                continue
            with reading(index):
                picture = self.opened(given)
                left -= picture.width * picture.height
                if left < 0:
                    raise ValueError(f"expected at most {MAX_BATCH_PIXELS:,} pixels in all pictures together")
                tensors[index] = self.to_mnist(picture).ravel()
        return tensors

    def digits(self, given: Input, model: MLP) -> list[PlacedAnswer]:
        """The answer to each digit of a picture of any number of them, line by line, with the box of its ink.

        Raises:
            BadInput: it is no picture, too large or damaged.
        """
        with reading(0):
            if isinstance(given, list):
                raise ValueError(f"expected a picture, got a list of {len(given)}")
            found = self.split(self.opened(given), model.predict_proba)
        named = answers(model, np.stack([digit.tensor for digit in found])) if found else []
        return [(answer, digit.box) for answer, digit in zip(named, found, strict=True)]

    def opened(self, given: Input) -> Image.Image:
        """A picture whose header was read; it is decoded when its pixels are asked for."""
        return self.open_picture(io.BytesIO(given) if isinstance(given, bytes) else given)


def tensor_of(pixels: Sequence[int]) -> np.ndarray:
    """784 integers from 0 to 255 -> (784,) float32 in [0, 1]."""
    return np.frombuffer(bytes(pixels), np.uint8) / np.float32(255)


def pixels_of(tensor: np.ndarray) -> list[int]:
    """The way back: (784,) or (28, 28) -> 784 integers."""
    return np.rint(tensor * 255).astype(int).ravel().tolist()


def decoded(text: str) -> bytes:
    """The content of an image file, from base64 or a data URL. Raises ValueError."""
    data = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("it is not base64") from None
