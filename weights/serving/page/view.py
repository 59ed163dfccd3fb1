"""The values of the page's outputs for a drawing or a picture.

    label, words, way, details = show_drawing(value_of_the_pad)

`label` goes into gr.Label, the other three are HTML: the answer in words, the way from the picture to it, and the
measurements. answer.py and drawing.py make the parts.
"""

from __future__ import annotations

import gradio as gr
from PIL import Image

from nn.evidence import explain
from nn.measure.metrics import CLASSES, Answer
from preprocessing.prepare import NOTHING
from weights.current import served
from weights.serving.page import answer, drawing, inputs
from weights.serving.recognize import Picture, Reading, joint_confidence, read

Shown = tuple[Answer, str, str, str]

INVITATION = "Nothing here yet. Draw a digit, as big or as small as you like."
BLANK = Image.new("L", (1, 1), "white")


def show(image: Picture | None, invitation: str = INVITATION, photo: bool = False) -> Shown:
    """The values for a picture of any number of digits. For None, and without ink, `invitation` and no answer.

    Several digits stand in the words alone: gr.Label has no place for them.
    """
    image = BLANK if image is None else image
    try:
        readings = read(image, served().current)
    except ValueError as error:  # the visitor sees the message, and it is not logged
        raise gr.Error(f"This picture cannot be read: {error}", print_exception=False) from error
    label = readings[0].answer if len(readings) == 1 else {}
    return label, words(readings, invitation), way(image, readings, photo), measurements(readings)


def show_drawing(value: dict | None) -> Shown:
    """As `show`, for the Sketchpad's value."""
    return show(inputs.flatten(value))


def show_picture(picture: Image.Image | None) -> Shown:
    """As `show`, for a picture that was uploaded, pasted or taken."""
    if picture is None:
        return show(None, "Add a picture of one digit, on paper or on screen.", photo=True)
    return show(picture, "I find no ink in this picture.", photo=True)


def show_nothing() -> Shown:
    """As `show`, for a picture that could not be read. An older answer would be taken for its own."""
    return show(None, "I cannot read this picture. PNG, JPEG and WebP work.", photo=True)


def words(readings: list[Reading], invitation: str = INVITATION) -> str:
    """The answer in a sentence, and below it the first hint."""
    if len(readings) > 1:
        return answer.several([reading.symbol for reading in readings], joint_confidence(readings))
    if not readings:
        return f"<p>{invitation}</p>"
    return answer.words(readings[0].answer, *readings[0].prepared.diagnostics.hints[:1])


def way(image: Picture, readings: list[Reading], photo: bool = False) -> str:
    """The way from the picture to the answer, in the order of the data."""
    drawn = drawing.drawn(image, photo)
    if len(readings) > 1:
        return f'<ol class="several">{drawn}{answer.digits(readings)}</ol>'
    if not readings:
        later = answer.steps({}, NOTHING.tensor, None)
        return f"<ol class=blank>{drawn}{drawing.steps(NOTHING)}{later}</ol>"
    (reading,) = readings
    tensor = reading.prepared.tensor
    best, second = (CLASSES.index(name) for name, _ in answer.ranked(reading.answer)[:2])
    explanation = explain(reading.model, tensor, best, second, answer.UNITS_SHOWN)
    later = answer.steps(reading.answer, tensor, explanation)
    return f"<ol>{drawn}{drawing.steps(reading.prepared)}{later}</ol>"


def measurements(readings: list[Reading]) -> str:
    """The measurements on the way, and which weights answered."""
    if not readings:
        return drawing.NO_INK
    return "".join(
        f"<h4>{reading.best}</h4>" * (len(readings) > 1)
        + drawing.measurements(reading.prepared, Weights=str(reading.provenance))
        for reading in readings
    )
