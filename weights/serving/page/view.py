"""The values of the page's outputs for a drawing or a picture.

    label, words, way, details = show_given(value_of_the_pad, None)

`label` goes into gr.Label, the other three are HTML: the answer in words, the way from the picture to it, and the
measurements. answer.py and drawing.py make the parts.
"""

from __future__ import annotations

import gradio as gr
from PIL import Image

from nn.evidence import explain
from nn.measure.metrics import CLASSES, NOT_A_DIGIT, Answer
from preprocessing.decoding import InputError
from preprocessing.part import without_cuts
from preprocessing.prepare import NOTHING
from weights.current import served
from weights.serving.gradio_api import as_gradio_error
from weights.serving.gradio_internals import field
from weights.serving.limits.pictures import room_for
from weights.serving.page import answer, drawing, inputs
from weights.serving.recognize import Picture, Reading, joint_confidence, read, text_of

Shown = tuple[Answer, str, str, str]

UNREADABLE = "This cannot be read as a picture: {}."
INVITATION = "Nothing here yet. Draw a digit, as big or as small as you like."
TOO_LITTLE = "This is too little ink for a digit. Draw on."
# Opacity of ink, of 255, that is plain to see. The eraser may leave fainter edges of strokes.
VISIBLE = 128
PART_HINT = "If there is more in the picture, drag over one row or one digit of it."
BLANK = Image.new("L", (1, 1), "white")


def show(image: Picture | None, invitation: str = INVITATION, photo: bool = False) -> Shown:
    """The values for a picture of any number of digits. For None, and without ink, `invitation` and no answer.

    Several digits stand in the words alone: gr.Label has no place for them.
    """
    image = BLANK if image is None else image
    readings = read(image, served().current)
    label = readings[0].answer if len(readings) == 1 else {}
    return label, words(readings, invitation, photo), way(image, readings, photo), measurements(readings)


def show_given(drawing: dict | None, file: dict | None, part: list | None = None) -> Shown:
    """As `show`, for the input in sight.

    drawing: the Sketchpad's value; None while the input for pictures is in sight.
    file: a picture that was uploaded, pasted or taken; None without one.
    part: the part of the picture that was framed, as `photo` takes it.
    """
    with as_gradio_error(UNREADABLE):
        return show_photo(photo(file, part)) if drawing is None else show_drawing(inputs.flatten(drawing))


def show_drawing(picture: Image.Image | None) -> Shown:
    """As `show`, for what `inputs.flatten` gives: a pad with a dot on it is not called empty."""
    has_ink = picture is not None and picture.mode == "RGBA" and picture.getchannel("A").getextrema()[1] >= VISIBLE
    return show(picture, TOO_LITTLE if has_ink else INVITATION)


def show_photo(picture: Image.Image | None) -> Shown:
    if picture is None:
        return show(None, "Add a picture of one digit or several, on paper or on screen.", photo=True)
    return show(picture, "I find no ink in this picture.", photo=True)


def photo(file: dict | None, part: list | None) -> Image.Image | None:
    """The picture in a file; of that the part [left, top, right, bottom], in shares of its sides, moved so that it cuts
    no ink.

    Raises ValueError, and Busy when there is no room to look for the ink.
    """
    picture = inputs.photo(file)
    if picture is None or part is None:
        return picture
    if not is_part(part):
        raise InputError("expected a part's left, top, right and bottom as shares of the picture")
    frame = tuple(round(edge * side) for edge, side in zip(part, picture.size * 2, strict=True))
    with room_for(picture):
        place = without_cuts(picture, frame)
    return picture.crop(place)


def is_part(value: object) -> bool:
    """Whether it is a part as `photo` takes it; callers may send anything."""
    shares = isinstance(value, list) and all(type(edge) in (int, float) and 0 <= edge <= 1 for edge in value)
    return shares and len(value) == 4


def show_nothing(drawing: dict | None, file: dict | None, part: list | None = None) -> Shown:
    """As `show_given`, for what could not be read: an older answer must not stay, it would be taken for this one's."""
    if drawing is not None:
        return show(None, "This drawing was not read. Draw one more stroke, or clear the pad and try again.")
    return show(
        None, "This picture was not read. PNG, JPEG, WebP and HEIC work; if it is one of these, try again.", photo=True
    )


def demo(_: list) -> list:
    """What demo.js shows on the first screen: the values of the page's outputs for an example."""
    label, *rest = show(Image.open(inputs.EXAMPLES / "2-slanted.png"))
    return [gr.Label(num_top_classes=answer.SHOWN, render=False).postprocess(label).model_dump(), *rest]


def words(readings: list[Reading], invitation: str = INVITATION, photo: bool = False) -> str:
    """The answer in a sentence, and below it the first hint. A photo that looks like no digit may show many things."""
    if len(readings) > 1:
        return answer.several(text_of(readings), joint_confidence(readings))
    if not readings:
        return f"<p>{invitation}</p>"
    hints = readings[0].prepared.diagnostics.hints
    if photo and readings[0].best == NOT_A_DIGIT:
        hints = (PART_HINT, *hints)
    return answer.words(readings[0].answer, *hints[:1])


def way(image: Picture, readings: list[Reading], photo: bool = False, chosen: int | None = None) -> str:
    """The way from the picture to the answer, in the order of the data; of several digits, that of the chosen one."""
    if not readings:
        nothing = drawing.steps(NOTHING) + answer.steps({}, NOTHING.tensor, None)
        return f"<ol class=blank>{drawing.drawn(image, photo)}{nothing}</ol>"
    if len(readings) == 1:
        return f"<ol>{drawing.drawn(image, photo)}{steps(readings[0])}</ol>"
    found = [(reading.box, reading.symbol) for reading in readings]
    several = f'<ol class="several">{drawing.sheet(image, found, photo, chosen)}{answer.digits(readings, chosen)}</ol>'
    return several if chosen is None else f'{several}<ol class="chosen">{steps(readings[chosen])}</ol>'


def steps(reading: Reading) -> str:
    """From the ink of one digit to the hidden units, as list items."""
    tensor = reading.prepared.tensor
    best, second = (CLASSES.index(name) for name, _ in answer.ranked(reading.answer)[:2])
    explanation = explain(reading.model, tensor, best, second, answer.UNITS_SHOWN)
    return drawing.steps(reading.prepared) + answer.steps(reading.answer, tensor, explanation)


def way_of_one(value: dict | None, file: dict | None, part: list | None, event: gr.EventData) -> str:
    """The way for several digits with one of them chosen: the one whose tile was pressed."""
    with as_gradio_error(UNREADABLE):
        image = photo(file, part) or inputs.flatten(value) or BLANK
        readings, index = read(image, served().current), field(event, "index")
    known = type(index) is int and 0 <= index < len(readings) > 1
    return way(image, readings, file is not None, index if known else None)


def measurements(readings: list[Reading]) -> str:
    """The measurements on the way, and which weights answered."""
    if not readings:
        return "<p>No ink yet.</p>"
    return "".join(
        f"<h4>{reading.best}</h4>" * (len(readings) > 1)
        + drawing.measurements(reading.prepared, Weights=str(reading.provenance))
        for reading in readings
    )
