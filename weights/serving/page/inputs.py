"""Where drawings come in: the pad, the input for pictures, the examples, and what the page makes of their values.

pad, picture, gallery = inputs.pad(), inputs.picture(), inputs.gallery()    # inside gr.Blocks
image = inputs.flatten(value_of_the_pad)
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from html import escape
from pathlib import Path

import gradio as gr
from PIL import Image

import preprocessing
from preprocessing.picture import MAX_PIXELS

EXAMPLES = Path(preprocessing.__file__).parent / "examples"
PHOTO_SUFFIX = ".jpg"  # an example that goes where photos go, not on the pad

# What the examples in sight are there to show; the others go by their names.
POINTS = {
    "4-tiny": "tiny",
    "0-slashed": "slashed",
    "letter-A": "not a digit",
    "paper-2": "photo",
    "several-2026": "2026",
    "cell-8": "a cell",
    "squared-350": "squares",
    "sum-27": "a sum",
}
CHOOSE = """
element.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button?.matches(".more")) element.querySelector("ul").classList.toggle("all");
    if (button?.dataset.index) trigger("select", { index: Number(button.dataset.index) });
});
"""

# The pad. 400 pixels are plenty for a 20x20 digit, and a larger canvas answers later: each stroke is sent as a picture.
CANVAS = (400, 400)
BRUSH_RADIUS = 14  # a stroke of 28 pixels on a digit of 280 is two pixels on MNIST's 20x20
ERASER_RADIUS = 22
PAD_HEIGHT = 452  # canvas and the bar of tools below it; pad.css makes it smaller on a phone


def pad() -> gr.Sketchpad:
    """A square of paper with brush, eraser, Undo and Clear."""
    return gr.Sketchpad(
        elem_id="pad",
        type="pil",
        label="Drawing",
        show_label=False,
        canvas_size=CANVAS,
        height=PAD_HEIGHT,
        fixed_canvas=True,
        layers=False,
        transforms=(),
        buttons=[],
        brush=gr.Brush(default_size=BRUSH_RADIUS, colors=["#000000"], color_mode="fixed"),
        eraser=gr.Eraser(default_size=ERASER_RADIUS),
        placeholder=" ",
    )


def flatten(drawing: dict | None) -> Image.Image | None:
    """The Sketchpad's value {"background", "layers", "composite"} as one picture, None for an empty pad.

    The page sends the layer of ink alone (see pad.js); the API may send a composite, which is the whole picture.
    """
    if drawing is None or drawing["composite"] is not None:
        return drawing and drawing["composite"]
    sheets = [sheet for sheet in (drawing["background"], *(drawing["layers"] or ())) if sheet is not None]
    return functools.reduce(Image.alpha_composite, (sheet.convert("RGBA") for sheet in sheets)) if sheets else None


def picture() -> gr.Image:
    """The input for uploads, pastes and the camera."""
    component = gr.Image(
        elem_id="picture",
        type="pil",
        image_mode=None,
        sources=["upload", "webcam", "clipboard"],
        label="Picture of digits",
        show_label=False,
        height=PAD_HEIGHT,
        buttons=[],
        webcam_options=gr.WebcamOptions(mirror=False),  # a mirrored 2 is read as a 5
    )
    # Set on the object: for a subclass gradio would write a stub file beside this one at every start.
    component.preprocess = plain_errors(component.preprocess)
    return component


def ways() -> gr.HTML:
    """What leads to a picture, as buttons with words.

    `select` tells of a part to be read, {"box": [left, top, right, bottom]} as shares of the picture, or of the whole,
    {"box": None}.
    """
    return gr.HTML(
        """<button type="button" data-way="photo">Take a photo</button>
        <button type="button" data-way="choose">Choose a file</button>
        <button type="button" data-way="paste">Paste</button>
        <input type="file" accept="image/*" capture="environment" hidden aria-label="Photo">""",
        js_on_load="document.addEventListener('picture:part', ({ detail }) => trigger('select', { box: detail }))",
        elem_id="ways",
    )


def plain_errors(preprocess: Callable) -> Callable:
    """A component's `preprocess` that answers a file which is no picture, or too large a one, in plain words."""

    def checked(payload):
        try:
            return preprocess(payload)
        except Image.DecompressionBombError:
            message = f"This picture has too many pixels; {MAX_PIXELS // 10**6} million is the limit."
        except (OSError, ValueError):
            message = "This file cannot be read as a picture. PNG, JPEG and WebP work."
        raise gr.Error(message, print_exception=False)

    return checked


@functools.cache
def examples() -> list[Path]:
    """The example drawings: those that make a point of their own first, then the others by name."""
    files = sorted([*EXAMPLES.glob("*.png"), *EXAMPLES.glob(f"*{PHOTO_SUFFIX}")])
    first = list(POINTS)
    return sorted(files, key=lambda file: first.index(file.stem) if file.stem in first else len(first))


def gallery() -> gr.HTML:
    """The examples as buttons, the first few in sight. `select` tells which was clicked, as {"index": ...}."""
    return gr.HTML(
        f'<p>Or try one of these <button type="button" class="more">All {len(examples())}</button></p>'
        f"<ul>{''.join(map(example, range(len(examples()))))}</ul>",
        js_on_load=CHOOSE,
        elem_id="examples",
    )


def example(index: int) -> str:
    """One example as a list item. What lies on the pad when it is taken is named in `data-drawing`."""
    file = examples()[index]
    name = file.stem.replace("-", " ")
    drawing = "" if file.suffix == PHOTO_SUFFIX else f' data-drawing="{file.stem}"'
    return (
        f'<li><button type="button" data-index="{index}"{drawing} aria-label="Example: {name}">'
        f'<img src="gradio_api/file={escape(str(file))}" loading="lazy" alt="">'
        f"{POINTS.get(file.stem, name)}</button></li>"
    )


def take(event: gr.EventData) -> tuple:
    """Values of pad, picture and tabs when an example is taken: each goes where its kind belongs."""
    index = event._data.get("index")
    if type(index) is not int or not 0 <= index < len(examples()):
        raise gr.Error("There is no such example.", print_exception=False)
    image = Image.open(examples()[index])
    if examples()[index].suffix == PHOTO_SUFFIX:
        return gr.skip(), image, gr.Tabs(selected="upload")
    return on_the_pad(image), gr.skip(), gr.Tabs(selected="draw")


def on_the_pad(image: Image.Image) -> dict:
    """A Sketchpad value with the drawing as a layer of ink, so that the eraser works on it as on one's own strokes."""
    paper = image.convert("L")
    ink = Image.new("RGBA", paper.size, "black")
    ink.putalpha(paper.point(lambda grey: 255 - grey))
    return {"background": None, "layers": [ink], "composite": None}
