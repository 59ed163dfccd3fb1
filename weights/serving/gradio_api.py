"""The endpoints for Gradio's clients, `curl` and agents (MCP), which the page "Use via API" shows.

    with gr.Blocks():
        gradio_api.add(serving, example)

Pictures come as text (base64 or a data URL) or as an uploaded file (`handle_file` of Gradio's clients), never as an
address or a path. `gr.api` checks no types, so every value is checked here. Agents read the docstrings; gradio shows
only the first line of each argument and of the result.
"""

import base64
import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from nn.measure.metrics import Answer
from preprocessing.decoding import InputError
from weights.current import Serving
from weights.serving import gradio_internals, recognize
from weights.serving.limits.pictures import Busy
from weights.serving.schemas import MAX_BATCH, Digits, PixelsBody, image_data, parse, shown

# Side of the example in the snippets: large enough to be read for certain, small enough not to fill the page.
EXAMPLE_SIDE = 56


def add(serving: Serving, example: Path) -> None:
    """Adds the endpoints to the Blocks that are being built.

    Args:
        serving: gives the weights; each call keeps those it began with.
        example: picture of a digit, for the snippets.
    """

    def predict(image: str) -> dict[str, float]:
        """Recognizes the handwritten digit in a picture: dark ink on light or light on dark, any size, any place.

        The answer has the probability of each digit "0" to "9" and of "not a digit", likeliest first: the first key is
        the recognized digit and its value the calibrated confidence. It is empty if there is no ink in the picture.

        Args:
            image: PNG, JPEG ... as base64, data URL or (in Gradio's clients) handle_file(path); no address is opened.

        Returns:
            The probability of each class, likeliest first.
        """
        with as_gradio_error():
            return by_likelihood(recognize.examine(usable(image), serving.current).answer)

    async def predict_pixels(pixels: list[int]) -> dict[str, float]:
        """Recognizes a handwritten digit that is already in MNIST's format. For any other picture use `predict`.

        The pixels are 28 rows of 28, white ink (255) on black (0), the digit in a 20x20 box with its center of mass in
        the middle. The answer has the probability of each digit "0" to "9" and of "not a digit", likeliest first: the
        first key is the recognized digit and its value the calibrated confidence. It is empty if all pixels are 0.

        Args:
            pixels: 784 integers from 0 to 255, row by row: pixels[28 * y + x] is column x of row y.

        Returns:
            The probability of each class, likeliest first.
        """
        # A coroutine: the network answers sooner than a thread of the pool would wake.
        with as_gradio_error():
            return by_likelihood(recognize.examine(checked(pixels), serving.current).answer)

    def predict_batch(inputs: list[str | list[int]]) -> list[dict[str, float]]:
        """Recognizes many handwritten digits at once, up to 256, each given as for `predict` or for `predict_pixels`.

        Args:
            inputs: a list whose items are pictures (base64 or data URLs) or lists of 784 pixel values.

        Returns:
            A list with one answer for each input, in their order, each as `predict` gives it.
        """
        with as_gradio_error():
            if not isinstance(inputs, list) or len(inputs) > MAX_BATCH:
                raise InputError(f"expected a list of at most {MAX_BATCH} inputs, got {shown(inputs)}")
            given = recognize.convert_all(usable, inputs)
            return list(map(by_likelihood, recognize.recognize_all(given, serving.current)))

    def read(image: str) -> dict:
        """Reads all handwritten digits in a picture of any number of them, line by line from left to right.

        The answer has "text": the digits in reading order, "." for a decimal point or comma, "-" for a minus before a
        number, "?" for anything else that is no digit, lines parted by a newline; "confidence": the probability that
        all of it is right; "digits": for each character its digit, confidence, probabilities and box (left, top, right,
        bottom of its ink in pixels).

        Args:
            image: the picture, as for `predict`.

        Returns:
            "text", "confidence" and "digits".
        """
        with as_gradio_error():
            return Digits.of(recognize.read(usable(image), serving.current)).model_dump(mode="json")

    url, pixels = small_data_url(example), recognize.pixels_of(recognize.decode(example).tensor)
    for function, payload in ((predict, url), (predict_pixels, pixels), (predict_batch, [url, pixels]), (read, url)):
        gr.api(function, queue=False)  # for a queued one MCP would call this server by the Host header of its caller
        gradio_internals.show_example(function, payload)
    gradio_internals.mend_snippets()


# --- From a value to an input -----------------------------------------------------------------------------------------


def usable(value: Any) -> recognize.Input:
    """One input of any kind. Raises ValueError for a value that is none."""
    match value:
        case list():
            return checked(value)
        case str() if value.startswith(("http://", "https://")):
            raise InputError("expected a picture as base64 or data URL, got an address: download it first")
        case str():
            return image_data(value)
        case {"path": str(path), "meta": {"_type": "gradio.FileData"}}:
            return uploaded(Path(path))
        case {"url": str(url)} if url.startswith("data:"):
            return image_data(url)
    raise InputError(f"expected a picture as base64, data URL or uploaded file, got {shown(value)}")


def checked(pixels: Any) -> list[int]:
    """784 integers from 0 to 255. Raises ValueError."""
    return parse(PixelsBody, {"pixels": pixels}).pixels


def uploaded(path: Path) -> Path:
    """A file that was uploaded. Raises ValueError for any other file of this machine."""
    if not path.resolve().is_relative_to(Path(gradio_internals.get_upload_folder()).resolve()):
        raise InputError("expected an uploaded file, got the path of another")
    return path


# --- From an answer to a value ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def as_gradio_error(message: str = "{}") -> Iterator[None]:
    """Turns an InputError, and Busy, into gradio's own error: the caller sees its message, and it is not logged."""
    try:
        yield
    except Busy as error:
        raise gr.Error(str(error), print_exception=False) from error
    except InputError as error:
        raise gr.Error(message.format(error), print_exception=False) from error


def by_likelihood(answer: Answer) -> Answer:
    return dict(sorted(answer.items(), key=lambda item: -item[1]))


def small_data_url(example: Path) -> str:
    """The example of the snippets, in black and white, as text that fits into a few lines."""
    file = io.BytesIO()
    with Image.open(example) as picture:
        small = picture.convert("L").resize((EXAMPLE_SIDE, EXAMPLE_SIDE), Image.Resampling.BOX)
    small.convert("1", dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
