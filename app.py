"""The page: draw a digit, and a neural network written from scratch in NumPy names it.

    python app.py

It serves on GRADIO_SERVER_NAME and GRADIO_SERVER_PORT, 127.0.0.1:7860 unless told otherwise (0.0.0.0 on a Space).
`recognize` is the whole way from a picture to probabilities; the page and the API both take it.
"""

import base64
import functools
import html
import io
import math
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

# NumPy reads this when it is imported. Gradio and the routes answer from many threads at once, and a matrix product
# split over BLAS's own threads makes all of them wait for one another: eight visitors then get a fraction of what one
# gets alone. Training is alone with the machine and keeps them.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import gradio as gr
import numpy as np
from PIL import Image

import preprocessing
import weights
from nn.metrics import NOT_A_DIGIT
from nn.mlp import MLP
from preprocessing import segment
from preprocessing.picture import MAX_PIXELS, open_picture
from weights import http, page, serving
from weights.answers import CLASSES, Answer, answers

HERE = Path(__file__).parent
ASSETS = HERE / ".assets"
EXAMPLES = HERE / "preprocessing" / "examples"

# The pad. 400 pixels are plenty for a 20x20 digit, and a larger canvas answers later: each stroke is sent as a picture.
CANVAS = (400, 400)
BRUSH_RADIUS = 14  # a stroke of 28 pixels on a digit of 280 is two pixels on MNIST's 20x20
ERASER_RADIUS = 22
PAD_HEIGHT = 452  # canvas and the bar of tools below it; page.css makes it smaller on a phone

# What may come in. A phone's photo is 3 to 12 MB; a hostile PNG can hold more pixels than memory in a few KB, which is
# why preprocessing has a limit of pixels too.
MAX_UPLOAD = "20mb"

# How many may wait for an answer of a few milliseconds; the next one is told to come back.
QUEUE_SIZE = 64
# Pictures that passed through are deleted within ten minutes: (look every, delete when older than) in seconds.
DELETE_CACHE = (600, 600)

INVITATION = "Nothing here yet. Draw a digit, as big or as small as you like."
SURE, LIKELY = 0.9, 0.6  # from these probabilities on, the answer is put as certain or as probable

STARTING = threading.Lock()

BLANK = Image.new("L", (1, 1), "white")
Picture = Image.Image | np.ndarray  # any mode and size, or (H, W), (H, W, 3), (H, W, 4)


# --- From a picture to an answer --------------------------------------------------------------------------------------


class Reading(NamedTuple):
    """A picture, or one digit in it, read: what preprocessing made of it, the answer, and the weights that gave it."""

    prepared: preprocessing.Prepared
    answer: Answer
    provenance: serving.Provenance

    @property
    def box(self) -> tuple[int, int, int, int] | None:
        """(left, top, right, bottom) of the ink in the picture's pixels; None without ink."""
        return self.prepared.diagnostics.bounding_box

    @property
    def best(self) -> str:
        """The class with the highest probability."""
        return max(self.answer, key=self.answer.get)

    @property
    def confidence(self) -> float:
        """The probability of that class."""
        return max(self.answer.values())


@functools.cache
def started() -> serving.Serving:
    return serving.start()


def served() -> serving.Serving:
    """The weights that answer, the bundled ones or those that WEIGHTS_REPO names; read when first asked for.

    Raises weights.WeightsError when the bundled ones are damaged.
    """
    with STARTING:  # the cache alone would let two threads start them twice
        return started()


def examine(image: Picture) -> Reading:
    """The whole way for a picture of one digit; the answer is empty for a picture without ink."""
    model, provenance = served().current  # these weights to the end, whatever is swapped meanwhile
    prepared = preprocessing.prepare(image)
    return Reading(prepared, answer_to(prepared, model), provenance)


def read(image: Picture) -> list[Reading]:
    """As `examine`, for a picture of any number of digits: each of them, line by line from left to right.

    A picture of a single digit gives one reading, the one of `examine`; a picture without ink none at all. Whether all
    of it was read rightly is about as likely as `joint_confidence` says.
    """
    model, provenance = served().current
    parts = segment.split(image, model.predict_proba)
    return [Reading(prepared, answer_to(prepared, model), provenance) for prepared in parts]


def joint_confidence(readings: list[Reading]) -> float:
    """The probability that every digit is what it was read as, mistakes taken to be independent of each other."""
    return math.prod(reading.confidence for reading in readings)


def answer_to(prepared: preprocessing.Prepared, model: MLP) -> Answer:
    """The network's answer to one digit in MNIST's frame."""
    return answers(model, prepared.tensor[None])[0]


def recognize(image: Picture) -> Answer:
    """Probability of each digit in a picture of one digit.

    image: a PIL image of any mode and size, or an array (H, W), (H, W, 3) or (H, W, 4).
    Returns a dict with the keys "0" to "9" and "not a digit", summing to 1; an empty dict for a picture without ink.
    Raises ValueError for what cannot be read as a picture.
    """
    return examine(image).answer


# --- What the page shows ----------------------------------------------------------------------------------------------


def sentence(answer: Answer) -> str:
    """An answer in words."""
    (best, confidence), (second, _) = sorted(answer.items(), key=lambda item: -item[1])[:2]
    if best == NOT_A_DIGIT:
        return "This does not look like a digit to me."
    if confidence >= SURE:
        return f"That is a {best}."
    if confidence >= LIKELY:
        return f"Probably a {best}."
    return f"Hard to tell: a {best}?" if second == NOT_A_DIGIT else f"Hard to tell: {best} or {second}?"


def preview(prepared: preprocessing.Prepared) -> str:
    """The exact 28x28 input of the network as an <img> of 28x28 pixels, to be enlarged by the browser."""
    png = io.BytesIO()
    Image.fromarray(np.round(prepared.tensor * 255).astype(np.uint8)).save(png, "PNG")
    data = base64.b64encode(png.getvalue()).decode()
    return (
        f'<img src="data:image/png;base64,{data}" width="28" height="28" alt="The 28 by 28 pixels the network sees">'
        "<p><strong>What the network sees</strong>"
        "Your ink, cropped, scaled to 20 × 20 and centred by its weight in 28 × 28 pixels.</p>"
    )


def chart(answer: Answer) -> str:
    """All probabilities as columns, in the order of the digits so that they keep their places."""
    columns = "".join(
        f'<li style="--p:{answer.get(name, 0):.4f}"><b>{answer.get(name, 0):.0%}</b><i></i>'
        f"<span>{'none' if name == NOT_A_DIGIT else name}</span></li>"
        for name in CLASSES
    )
    return f"<ol>{columns}</ol>"


def measurements(reading: Reading) -> str:
    """Hints in plain words, what was measured on the way, and which weights answered."""
    d = reading.prepared.diagnostics
    if not reading.prepared.has_ink:
        return "<p>No ink yet.</p>"
    left, top, right, bottom = d.bounding_box
    dx, dy = d.center_offset
    rows = {
        "Ink box": f"{right - left} × {bottom - top} pixels at ({left}, {top})",
        "Ink box / picture": f"{d.area_ratio:.1%}",
        "Off centre": f"{abs(dx):.0%} {'right' if dx >= 0 else 'left'}, {abs(dy):.0%} {'down' if dy >= 0 else 'up'}",
        "Stroke density": f"{d.stroke_density:.1%}",
        "Stroke width": f"{d.stroke_width:.1f} of 28 pixels",
        "Weights": html.escape(str(reading.provenance)),
    }
    hints = "".join(f"<li>{html.escape(hint)}</li>" for hint in d.hints)
    table = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows.items())
    return (f"<ul>{hints}</ul>" if hints else "") + f"<table>{table}</table>"


def show(image: Picture | None, invitation: str = INVITATION) -> tuple[Answer, str, str, str, str]:
    """Values of the page's outputs for a picture or None; without ink they are the invitation and no answer."""
    reading = read_or_complain(BLANK if image is None else image)
    answer = reading.answer
    words = sentence(answer) if answer else invitation
    return answer, words, preview(reading.prepared), chart(answer), measurements(reading)


def read_or_complain(image: Picture) -> Reading:
    """As `examine`, but what is wrong with the picture is told to the visitor or caller and not to the log."""
    try:
        return examine(image)
    except ValueError as error:
        raise gr.Error(f"This picture cannot be read: {error}", print_exception=False) from error


def predict(image: Image.Image | None) -> Answer:
    """The API's answer, documented where it is wired."""
    if image is None:
        raise gr.Error("No picture was given.", print_exception=False)
    return read_or_complain(image).answer


def show_drawing(drawing: dict | None) -> tuple[Answer, str, str, str, str]:
    """As `show`, for the Sketchpad's value."""
    return show(flatten(drawing))


def show_picture(picture: Image.Image | None) -> tuple[Answer, str, str, str, str]:
    """As `show`, for a picture that was uploaded, pasted or taken."""
    if picture is None:
        return show(None, "Add a picture of one digit, on paper or on screen.")
    return show(picture, "I find no ink in this picture.")


def flatten(drawing: dict | None) -> Image.Image | None:
    """The Sketchpad's value {"background", "layers", "composite"} as one picture, None for an empty pad.

    The pad puts the picture together itself, except for one that was given to it (an example) and not yet drawn on.
    """
    if drawing is None or drawing["composite"] is not None:
        return drawing and drawing["composite"]
    sheets = [sheet for sheet in (drawing["background"], *drawing["layers"]) if sheet is not None]
    return functools.reduce(Image.alpha_composite, (sheet.convert("RGBA") for sheet in sheets)) if sheets else None


def example_drawing(index: int) -> dict:
    """A Sketchpad value with the example as a layer of ink, so that the eraser works on it as on one's own strokes."""
    paper = Image.open(example_files()[index]).convert("L")
    ink = Image.new("RGBA", paper.size, "black")
    ink.putalpha(paper.point(lambda grey: 255 - grey))
    return {"background": None, "layers": [ink], "composite": None}


@functools.cache
def example_files() -> list[Path]:
    """The example drawings, in the order of their digits."""
    return sorted(EXAMPLES.glob("*.png"))


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


def picture_input() -> gr.Image:
    """The input for uploads, pastes and the camera; the API's documentation shows one of our own drawings for it."""
    picture = gr.Image(
        elem_id="picture",
        type="pil",
        image_mode=None,
        sources=["upload", "webcam", "clipboard"],
        label="Picture of a digit",
        show_label=False,
        height=PAD_HEIGHT,
        buttons=[],
    )
    # Set on the object: for a subclass gradio would write a stub file beside this one at every start.
    picture.preprocess = plain_errors(picture.preprocess)
    path = next(file for file in example_files() if file.stem == "7").relative_to(HERE).as_posix()
    picture.example_payload = lambda: {"path": path, "orig_name": "7.png", "meta": {"_type": "gradio.FileData"}}
    return picture


# --- The page ---------------------------------------------------------------------------------------------------------


def theme() -> gr.themes.Base:
    """Ink on paper by day, chalk on slate by night. The fonts come with gradio and are served from this host."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.indigo,
        secondary_hue=gr.themes.colors.indigo,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_lg,
        font=[gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "ui-sans-serif", "system-ui", "sans-serif"],
        font_mono=[gr.themes.LocalFont("IBM Plex Mono", weights=(400, 700)), "ui-monospace", "monospace"],
    )


def build() -> gr.Blocks:
    """The Blocks of the page and its API."""
    with gr.Blocks(title="Draw a digit", delete_cache=DELETE_CACHE, fill_width=True) as blocks:
        gr.HTML(
            "<h1>Draw a digit</h1>"
            "<p>Draw a digit from 0 to 9 and a neural network, written from scratch in NumPy, names it.</p>",
            elem_id="title",
        )
        with gr.Row(elem_id="stage"):
            with gr.Column(elem_id="input", min_width=0), gr.Tabs() as tabs:
                with gr.Tab("Draw", id="draw", elem_id="draw") as draw_tab:
                    pad = gr.Sketchpad(
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
                with gr.Tab("Use a picture", id="upload", elem_id="upload") as picture_tab:
                    picture = picture_input()
            with gr.Column(elem_id="output", min_width=0):
                with gr.Column(elem_id="answer", min_width=0):
                    label = gr.Label(num_top_classes=3, show_label=False, container=False, elem_id="label")
                    words = gr.HTML(INVITATION, elem_id="words")
                seen = gr.HTML(preview(examine(BLANK).prepared), elem_id="seen")
                with gr.Accordion("All ten digits", open=False, elem_id="all-ten"):
                    columns = gr.HTML(chart({}), elem_id="chart")
                with gr.Accordion("Measurements and hints", open=False, elem_id="measurements"):
                    details = gr.HTML(measurements(examine(BLANK)), elem_id="details")
        examples = gr.Dataset(
            components=["image"],
            samples=[[str(file)] for file in example_files()],
            type="index",
            label="Or try one of these",
            elem_id="examples",
        )
        page.view(served())

        # One listener on the pad: with several, every stroke is sent several times. No overlay: nothing may jump.
        outputs = [label, words, seen, columns, details]
        quiet = {"api_visibility": "private", "show_progress": "hidden"}
        pad.change(show_drawing, pad, outputs, trigger_mode="always_last", **quiet)
        picture.change(show_picture, picture, outputs, **quiet)
        draw_tab.select(show_drawing, pad, outputs, **quiet)  # the answer belongs to what is in sight
        picture_tab.select(show_picture, picture, outputs, **quiet)
        examples.click(example_drawing, examples, pad, **quiet)
        examples.click(lambda: gr.Tabs(selected="draw"), None, tabs, **quiet)

        gr.Button(visible=False).click(
            predict,
            picture,
            gr.JSON(visible=False, label="Probability of each class"),
            api_name="predict",
            api_description="Names the digit in a picture: the probabilities of '0' to '9' and 'not a digit', summing "
            "to 1; an empty dict for a picture without ink. Dark ink on light or light on dark, any size and place.",
        )
    return blocks


def routes() -> list:
    """Our HTTP routes, beside those of the page."""
    return http.api(served(), open_picture, preprocessing.to_mnist, EXAMPLES / "7.png").routes


def main() -> None:
    """Serves the page until it is stopped."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow refuses from twice this number on, before it decodes anything
    try:
        served()
    except weights.WeightsError as error:
        sys.exit(f"The weights cannot be used: {error}")
    gr.set_static_paths([EXAMPLES])
    build().queue(max_size=QUEUE_SIZE).launch(
        server_name=os.environ.get("GRADIO_SERVER_NAME", "0.0.0.0" if "SPACE_ID" in os.environ else "127.0.0.1"),
        server_port=int(os.environ.get("GRADIO_SERVER_PORT", 7860)),
        theme=theme(),
        css_paths=ASSETS / "page.css",
        head=f"<script>{(ASSETS / 'pad.js').read_text('utf-8')}</script>",
        footer_links=["api", "gradio"],
        max_file_size=MAX_UPLOAD,
        ssr_mode=False,
        enable_monitoring=False,
        run_history=False,
        app_kwargs={"routes": routes()},
    )


if __name__ == "__main__":
    main()
