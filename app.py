"""The page: draw a digit, and a neural network written from scratch in NumPy names it.

    python app.py                        # the page and its API
    python app.py predict PICTURE...     # the command line; --help tells all

It serves on GRADIO_SERVER_NAME and GRADIO_SERVER_PORT, 127.0.0.1:7860 unless told otherwise (0.0.0.0 on a Space).
`recognize` is the whole way from a picture to probabilities; the page and the API both take it.
"""

import functools
import io
import math
import os
import re
import sys
import threading
from pathlib import Path
from typing import NamedTuple

# NumPy reads this when it is imported. Gradio and the routes answer from many threads at once, and a matrix product
# split over BLAS's own threads makes all of them wait for one another: eight visitors then get a fraction of what one
# gets alone. Training is alone with the machine and keeps them.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import preprocessing
import weights
from preprocessing import segment
from preprocessing.picture import MAX_PIXELS, open_picture
from preprocessing.prepare import NOTHING
from weights.serving import memory as lifetime
from weights.serving.recognize import Recognizer

RECOGNIZER = Recognizer(open_picture, preprocessing.to_mnist, segment.split)

if __name__ == "__main__":  # before gradio, whose import takes seconds and starts threads
    if len(sys.argv) > 1:
        from weights.serving import command

        sys.exit(command.main(sys.argv[1:], RECOGNIZER))
    lifetime.share_memory()

import gradio as gr
import numpy as np
from gradio.routes import templates
from jinja2 import ChoiceLoader, DictLoader
from PIL import Image
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from nn.evidence import explain
from nn.measure.metrics import CLASSES, Answer
from nn.mlp import MLP
from weights import current as serving
from weights.serving import gradio_api as endpoints
from weights.serving import http
from weights.serving import serve as launch
from weights.serving.answers import answers
from weights.serving.page import answer as answer_page
from weights.serving.page import drawing, inputs, network

HERE = Path(__file__).parent
ASSETS = HERE / ".assets"
PAGE = HERE / "weights" / "serving" / "page"
THUMBNAIL = ASSETS / "laptop.png"

TITLE = "Draw a digit"
DESCRIPTION = "A neural network written from scratch in NumPy names what you draw, says how sure it is, and shows why."

GONE_AFTER = sum(launch.DELETE_CACHE) // 60  # minutes, at the latest

# What live.js sends: 200x200 pixels of a drawing are 1 to 3 KB.
LIVE_SIDE, LIVE_BYTES = 400, 64 * 1024

SHOWN = 3  # classes beside the answer

SCRIPTS = ("pad.js", "live.js", "share.js")
# The page asks about the newest ink, of which pad.js tells live.js, and tells it when the answer stands.
ASKED = "async (drawing) => (await window.pad?.newest(drawing)) ?? drawing"
FINAL = "() => window.live?.final()"
SHARE = f"""
<button type="button" id="copy-link">Copy link</button>
<button type="button" id="save-picture">Save picture</button>
<p>Drawings are not kept: temporary files are gone within {GONE_AFTER} minutes.</p>
<label id="link">Link to this drawing<input type="text" readonly></label>
"""
INVITATION = "Nothing here yet. Draw a digit, as big or as small as you like."

STARTING = threading.Lock()

BLANK = Image.new("L", (1, 1), "white")
Picture = Image.Image | np.ndarray  # any mode and size, or (H, W), (H, W, 3), (H, W, 4)


# --- From a picture to an answer --------------------------------------------------------------------------------------


class Reading(NamedTuple):
    """A picture, or one digit in it, read: what preprocessing made of it, the answer, and the weights that gave it."""

    prepared: preprocessing.Prepared
    answer: Answer
    model: MLP
    provenance: serving.Provenance

    @property
    def box(self) -> tuple[int, int, int, int] | None:
        """(left, top, right, bottom) of the ink in the picture's pixels; None without ink."""
        return self.prepared.box

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
    return Reading(prepared, answer_to(prepared, model), model, provenance)


def read(image: Picture) -> list[Reading]:
    """As `examine`, for a picture of any number of digits: each of them, line by line from left to right.

    A picture of a single digit gives one reading, the one of `examine`; a picture without ink none at all. Whether all
    of it was read rightly is about as likely as `joint_confidence` says.
    """
    model, provenance = served().current
    parts = segment.split(image, model.predict_proba)
    return [Reading(prepared, answer_to(prepared, model), model, provenance) for prepared in parts]


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


def words(readings: list[Reading], invitation: str = INVITATION) -> str:
    """The answer in a sentence, and below it the first hint."""
    if len(readings) > 1:
        return answer_page.several(names(readings), joint_confidence(readings))
    said, hints = invitation, []
    if readings:
        said, hints = (
            answer_page.sentence(readings[0].answer),
            drawing.hints(readings[0].prepared),
        )
    return f"<p>{said}</p><small>{''.join(hints[:1])}</small>"


def names(readings: list[Reading]) -> list[str]:
    """What each part of a picture was read as."""
    return [reading.best for reading in readings]


def why(image: Picture, readings: list[Reading], photo: bool = False) -> str:
    """The way from the drawing to the answer, in the order of the data."""
    drawn = drawing.drawn(image, photo)
    if len(readings) > 1:
        digits = [(reading.prepared.tensor, reading.best, reading.confidence) for reading in readings]
        return f'<ol class="several">{drawn}{answer_page.digits(digits)}</ol>'
    prepared, answer, explanation = NOTHING, {}, None
    if readings:
        prepared, answer, model, _ = readings[0]
        best, second = (CLASSES.index(name) for name, _ in answer_page.ranked(answer)[:2])
        explanation = explain(model, prepared.tensor, best, second, answer_page.UNITS_SHOWN)
    later = answer_page.steps(answer, prepared.tensor, explanation)
    return f"<ol{'' if answer else ' class=blank'}>{drawn}{drawing.steps(prepared)}{later}</ol>"


def measurements(readings: list[Reading]) -> str:
    """What was measured on the way, and which weights answered."""
    if not readings:
        return drawing.NO_INK
    return "".join(
        f"<h4>{reading.best}</h4>" * (len(readings) > 1)
        + drawing.measurements(reading.prepared, Weights=str(reading.provenance))
        for reading in readings
    )


def show(image: Picture | None, invitation: str = INVITATION, photo: bool = False) -> tuple[Answer, str, str, str]:
    """Values of the page's outputs for a picture or None; without ink they are the invitation and no answer.

    Several digits are told in words: a label of one digit has no place for them.
    """
    image = BLANK if image is None else image
    try:
        readings = read(image)
    except ValueError as error:  # told to the visitor and not to the log
        raise gr.Error(f"This picture cannot be read: {error}", print_exception=False) from error
    answer = readings[0].answer if len(readings) == 1 else {}
    return answer, words(readings, invitation), why(image, readings, photo), measurements(readings)


def show_nothing() -> tuple[Answer, str, str, str]:
    """As `show`, when a picture could not be read: the answer to the one before would be taken for its own."""
    return show(None, "I cannot read this picture. PNG, JPEG and WebP work.", photo=True)


async def live(request: Request) -> JSONResponse:
    """The answer to an unfinished stroke, for live.js: POST /live with a small PNG, ink on paper."""
    png = await request.body()
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            if len(png) > LIVE_BYTES or max(image.size) > LIVE_SIDE:
                raise ValueError
            readings = await run_in_threadpool(read, image)
    except (OSError, ValueError, Image.DecompressionBombError):
        message = f"expected a PNG of at most {LIVE_SIDE}x{LIVE_SIDE} pixels and {LIVE_BYTES} bytes"
        return JSONResponse({"detail": message}, 400)
    if len(readings) > 1:
        return JSONResponse({"answer": " ".join(map(answer_page.short, names(readings))), "top": [], "words": ""})
    top = answer_page.ranked(readings[0].answer)[:SHOWN] if readings else []
    said = answer_page.sentence(readings[0].answer) if readings else ""
    return JSONResponse({"answer": top[0][0] if top else "", "top": top, "words": said})


def show_drawing(drawing: dict | None) -> tuple[Answer, str, str, str]:
    """As `show`, for the Sketchpad's value."""
    return show(inputs.flatten(drawing))


def show_picture(picture: Image.Image | None) -> tuple[Answer, str, str, str]:
    """As `show`, for a picture that was uploaded, pasted or taken."""
    if picture is None:
        return show(None, "Add a picture of one digit, on paper or on screen.", photo=True)
    return show(picture, "I find no ink in this picture.", photo=True)


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
    with gr.Blocks(title=TITLE, delete_cache=launch.DELETE_CACHE, fill_width=True) as blocks:
        gr.HTML(
            f"<h1>{TITLE}</h1>"
            "<p>A neural network<span>, written from scratch</span> in NumPy<span>,</span> names it and shows why.</p>",
            elem_id="title",
        )
        _, *nothing = show(None)
        with gr.Row(elem_id="stage"):
            with gr.Column(elem_id="input", min_width=0), gr.Tabs() as tabs:
                with gr.Tab("Draw", id="draw", elem_id="draw") as draw_tab:
                    pad = inputs.pad()
                with gr.Tab("Use a picture", id="upload", elem_id="upload") as picture_tab:
                    picture = inputs.picture()
            with gr.Column(elem_id="output", min_width=0):
                with gr.Column(elem_id="answer", min_width=0):
                    label = gr.Label(num_top_classes=SHOWN, show_label=False, container=False, elem_id="label")
                    gr.HTML(answer_page.LIVE, elem_id="live")
                    said = gr.HTML(nothing[0], elem_id="words")
                gr.HTML(SHARE, elem_id="share")
                examples = inputs.gallery()
        steps = gr.HTML(nothing[1], elem_id="why")
        with gr.Accordion("Measurements", open=False, elem_id="measurements"):
            details = gr.HTML(nothing[2], elem_id="details")
        network.view(served())

        # One listener on the pad: with several, every stroke is sent several times. No overlay: nothing may jump.
        outputs = [label, said, steps, details]
        quiet = {"api_visibility": "private", "show_progress": "hidden"}
        pad.change(show_drawing, pad, outputs, trigger_mode="always_last", js=ASKED, **quiet).then(None, js=FINAL)
        picture.change(show_picture, picture, outputs, **quiet).failure(show_nothing, None, outputs, **quiet)
        draw_tab.select(show_drawing, pad, outputs, **quiet)  # the answer belongs to what is in sight
        picture_tab.select(show_picture, picture, outputs, **quiet)
        examples.click(inputs.take, examples, [pad, picture, tabs], **quiet)

        endpoints.add(lambda: served().current.model, RECOGNIZER, inputs.EXAMPLES / "7.png")
    return blocks


def routes() -> list:
    """Our HTTP routes, beside those of the page. They are tried one after the other: the documentation's come last."""
    api = http.api(served(), RECOGNIZER, inputs.EXAMPLES / "7.png")
    ours = sorted(api.routes, key=lambda route: not isinstance(route, http.Direct))
    return [Route("/live", live, methods=["POST"]), *ours]


def announce() -> None:
    """What the preview of a link to the page says; gradio's own would speak of gradio."""
    host = os.environ.get("SPACE_HOST")
    tags = {
        "og:type": "website",
        "og:title": TITLE,
        "og:description": DESCRIPTION,
        "twitter:card": "summary_large_image",
    }
    if host:  # a preview needs the picture's whole address
        tags |= {"og:url": f"https://{host}", "og:image": f"https://{host}/gradio_api/file={THUMBNAIL}"}
    metas = f'<meta name="description" content="{DESCRIPTION}" />'
    metas += "".join(f'<meta property="{name}" content="{text}" />' for name, text in tags.items())
    env, name = templates.env, "frontend/index.html"
    page = re.sub(r'<meta\s+(property="og:|name="twitter:)[^>]*>', "", env.loader.get_source(env, name)[0])
    env.loader = ChoiceLoader([DictLoader({name: page.replace("<head>", "<head>" + metas, 1)}), env.loader])


def main() -> None:
    """Serves the page until it is stopped."""
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow refuses from twice this number on, before it decodes anything
    try:
        served()
    except weights.WeightsError as error:
        sys.exit(f"The weights cannot be used: {error}")
    announce()
    launch.serve(
        build,
        routes(),
        static=[THUMBNAIL, inputs.EXAMPLES, *network.PLOTS],
        theme=theme(),
        css_paths=[PAGE / "page.css", PAGE / "why.css"],
        head="".join(f"<script>{(PAGE / name).read_text('utf-8')}</script>" for name in SCRIPTS),
        favicon_path=PAGE / "favicon.png",
        footer_links=["api", "gradio"],
    )


if __name__ == "__main__":
    main()
