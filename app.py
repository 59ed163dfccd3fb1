"""The page: draw a digit, and a neural network written from scratch in NumPy names it.

    python app.py                        # the page and its API
    python app.py predict PICTURE...     # the command line; --help tells all

It serves on GRADIO_SERVER_NAME and GRADIO_SERVER_PORT, 127.0.0.1:7860 unless told otherwise (0.0.0.0 on a Space).
`recognize` and `read` are the whole way from a picture to an answer, for callers in Python. They need neither gradio
nor the page, which are imported where they are used: that takes seconds.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

# NumPy reads this when it is imported. Gradio and the routes answer from many threads at once, and a matrix product
# split over BLAS's own threads makes all of them wait for one another: eight visitors then get a fraction of what one
# gets alone. Training is alone with the machine and keeps them.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import weights.serving.recognize
from nn import programs

if TYPE_CHECKING:
    from collections.abc import Callable

    import gradio as gr

    from nn.measure.metrics import Answer
    from weights.current import Serving

HERE = Path(__file__).parent
PAGE = HERE / "weights" / "serving" / "page"
THUMBNAIL = HERE / ".assets" / "laptop.png"

TITLE = "Draw a digit"
DESCRIPTION = "A neural network written from scratch in NumPy names what you draw, says how sure it is, and shows why."
HEADING = (
    f"<h1>{TITLE}</h1>"
    "<p>A neural network<span>, written from scratch</span> in NumPy<span>,</span> names it and shows why.</p>"
)
SHARE = """
<button type="button" id="copy-link">Copy link</button>
<button type="button" id="save-picture">Save picture</button>
<p>Drawings and pictures are deleted within {minutes} minutes.</p>
<input type="text" readonly id="link" aria-label="Link to this drawing">
<span id="said" role="status"></span>
"""

ROOMS = """
<p><span>Wrong? <a href="#lab">Train your own</a>.</span>
<span>How does it know? <a href="#inside">See inside</a>.</span>
<span>Can you <a href="#fool">fool it</a>?</span></p>
"""

SCRIPTS = ("stream.js", "rooms.js", "pad.js", "strokes.js", "live.js", "crop.js", "pictures.js", "share.js", "demo.js")
STYLES = ("page.css", "pad.css", "answer.css", "examples.css", "why.css", "network.css")
# The page asks about the input in sight, which live.js knows: about the same picture once, and once more with
# ASK_AGAIN, or with FAILED after a question that got no answer. FINAL tells it that the answer stands, UNREAD that the
# words about what could not be read do, and UNSAID that these did not come either. LOST asks when a server that was
# lost is there again.
ASK = "(drawing, picture) => window.live.given(drawing, picture)"
ASK_AGAIN = "(drawing, picture) => window.live.again(drawing, picture)"
FAILED = "(drawing, picture) => window.live.failed(drawing, picture)"
FINAL = "() => window.live?.final()"
UNREAD = "() => window.live.unread()"
UNSAID = "() => window.live.unsaid()"
LOST = "document.addEventListener('live:ask', () => trigger('select'))"
# Opens the tab of the example that was pressed last. If the tabs were an output of the event, gradio would first upload
# what lies on the pad, and of two examples pressed in a row either tab might open last.
OPEN_TAB = "() => window.pictures.openTab()"
# What demo.js and live.js have to show goes into the same components as the final answers.
DEMO = "window.demo?.connect(() => server.demo(), () => trigger('select'))"
SHOW_LIVE = "document.addEventListener('live:show', () => trigger('select'))"
LIVE = "() => window.live.shown()"
# Pictures come as files, which view.py opens itself. No overlay: nothing may jump.
QUIET = {"api_visibility": "private", "show_progress": "hidden", "preprocess": False}


# --- From a picture to an answer --------------------------------------------------------------------------------------


def served() -> Serving:
    """The weights that answer: the bundled ones, or those that WEIGHTS_REPO names; read when first asked for.

    Raises:
        weights.WeightsError: the bundled weights are damaged.
    """
    from weights import current  # with the Hub's client

    return current.served()


def recognize(image: weights.serving.recognize.Input) -> Answer:
    """The probability of each digit in a picture of one digit.

    Args:
        image: a PIL image of any mode and size, an array (H, W), (H, W, 3) or (H, W, 4), an image file, its content or
            its path, or a list of MNIST's own 784 pixels.

    Returns:
        A dict with the keys "0" to "9" and "not a digit", summing to 1; an empty dict for a picture without ink.

    Raises:
        ValueError: this cannot be read as a picture.
    """
    return weights.serving.recognize.examine(image, served().current).answer


def read(image: weights.serving.recognize.Input) -> list[weights.serving.recognize.Reading]:
    """The readings of a picture of any number of digits, line by line from left to right; none without ink.

    Each has `.best`, "0" to "9" or "not a digit", its `.confidence`, and `.box`, (left, top, right, bottom) of its ink
    in the picture's pixels.

    Raises:
        ValueError: this cannot be read as a picture.
    """
    return weights.serving.recognize.read(image, served().current)


# --- The page ---------------------------------------------------------------------------------------------------------


def build() -> gr.Blocks:
    """The Blocks of the page and its API."""
    import gradio as gr

    from weights.serving import gradio_api
    from weights.serving.limits.uploads import GONE_AFTER_MINUTES
    from weights.serving.page import answer, inputs, network, view

    with gr.Blocks(title=TITLE, fill_width=True) as blocks:
        title = gr.HTML(HEADING, elem_id="title", server_functions=[view.demo], js_on_load=DEMO)
        _, *nothing = view.show(None)
        with gr.Tabs(elem_id="rooms", overflow_behavior="wrap") as rooms, gr.Tab("Draw", id="room-draw"):
            with gr.Row(elem_id="stage"):
                with gr.Column(elem_id="input", min_width=0), gr.Tabs():
                    with gr.Tab("On the pad", elem_id="draw") as draw_tab:
                        pad = inputs.pad()
                    with gr.Tab("Use a picture", elem_id="upload") as picture_tab:
                        picture = inputs.picture()
                        ways = inputs.ways()
                with gr.Column(elem_id="output", min_width=0):
                    with gr.Column(elem_id="answer", min_width=0):
                        label = gr.Label(
                            num_top_classes=answer.SHOWN, show_label=False, container=False, elem_id="label"
                        )
                        words = gr.HTML(nothing[0], elem_id="words", js_on_load=SHOW_LIVE)
                    gr.HTML(ROOMS, elem_id="leads-on")
                    share = gr.HTML(SHARE.format(minutes=GONE_AFTER_MINUTES), elem_id="share", js_on_load=LOST)
                    examples = inputs.gallery()
            way = gr.HTML(nothing[1], elem_id="why", js_on_load=answer.CHOOSE_TILE)
            with gr.Accordion("Measurements", open=False, elem_id="measurements"):
                details = gr.HTML(nothing[2], elem_id="details")
            mistakes = network.view(served())
        with rooms:
            other_rooms()
        changes = [pad.change, picture.change, ways.select, share.select, draw_tab.select, picture_tab.select]
        connect_answer(changes, [pad, picture, ways], [label, words, way, details], title)
        connect_examples(examples, mistakes, [pad, picture])
        gradio_api.add(served(), inputs.EXAMPLES / "7.png")
    return blocks


def other_rooms() -> None:
    """The tabs beside Draw."""
    import gradio as gr

    from weights.serving.page.lab import fool, inside, train_one

    with gr.Tab("Train one", id="room-train"):
        train_one.view()
    with gr.Tab("See inside", id="room-inside"):
        inside.view()
    with gr.Tab("Fool it", id="room-fool"):
        fool.view()


def connect_answer(
    changes: list[Callable], given: list[gr.Component], outputs: list[gr.Component], title: gr.HTML
) -> None:
    """Whatever changes the input shows its answer in the outputs: label, words, way and details."""
    import gradio as gr

    from weights.serving.page import view

    label, words, way, _ = outputs
    # One listener for all that changes the answer: no older answer comes after a newer one, and a stroke is sent once.
    shown = gr.on(changes, view.show_given, given, outputs, trigger_mode="always_last", js=ASK, **QUIET)
    unread = shown.failure(view.show_nothing, given, outputs, js=FAILED, **QUIET)
    unread.success(None, js=UNREAD)
    unread.failure(None, js=UNSAID)
    title.select(None, None, outputs, js="() => window.demo.values()", **QUIET)
    words.select(None, None, [label, words], js=LIVE, **QUIET)  # without the server: live.js has the answer
    way.select(view.way_of_one, given, way, js=ASK_AGAIN, **QUIET)
    shown.then(None, js=FINAL)


def connect_examples(examples: gr.HTML, mistakes: gr.HTML, given: list[gr.Component]) -> None:
    """An example, or a digit that the network misread, goes to the pad or the picture when it is pressed."""
    from weights.serving.page import inputs, network

    # Of two examples clicked in a row the second one counts; by itself gradio would ignore it.
    taken = examples.select(inputs.take, None, given, trigger_mode="multiple", **QUIET)
    chosen = mistakes.select(network.load, None, given, **QUIET)
    for event in (taken, chosen):
        event.success(None, js=OPEN_TAB)
    chosen.success(None, js="() => scrollTo(0, 0)")


def theme() -> gr.themes.Base:
    """Ink on paper by day, chalk on slate by night. The fonts come with gradio and are served from this host."""
    import gradio as gr

    return gr.themes.Base(
        primary_hue=gr.themes.colors.indigo,
        secondary_hue=gr.themes.colors.indigo,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_lg,
        font=[gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "ui-sans-serif", "system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )


def main() -> None:
    """Serves the page until it is stopped."""
    from weights.serving import memory
    from weights.serving.address import address
    from weights.serving.limits import pictures, uploads

    memory.share()  # before there are threads
    pictures.limit()
    try:
        served()
    except weights.WeightsError as error:
        sys.exit(f"The weights cannot be used: {error}")
    host, port = address()
    uploads.own_folder()  # before gradio is imported

    from PIL import Image

    from preprocessing.decoding import MAX_PIXELS
    from preprocessing.picture import silence_decoders
    from weights.serving import http, serve
    from weights.serving.page import inputs, link_preview
    from weights.serving.page.lab import loading

    silence_decoders()
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow refuses from twice this number on, before it decodes anything
    serve.serve(
        host,
        port,
        http.api(served(), inputs.EXAMPLES / "7.png"),
        build,
        static=[THUMBNAIL, inputs.EXAMPLES, *loading.FILES],
        preview=link_preview.tags(TITLE, DESCRIPTION, THUMBNAIL),
        theme=theme(),
        css_paths=[PAGE / name for name in STYLES],
        head="".join(f"<script>{(PAGE / name).read_text('utf-8')}</script>" for name in SCRIPTS),
        favicon_path=PAGE / "favicon.png",
        footer_links=["api", "gradio"],
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        from weights.serving import command

        programs.run(lambda: command.main(sys.argv[1:]))
    programs.run(main, prints=False)
