"""Where drawings come in: the pad, the input for pictures, the examples, and what the page makes of their values.

pad, picture, gallery = inputs.pad(), inputs.picture(), inputs.gallery()    # inside gr.Blocks
image = inputs.flatten(value_of_the_pad)
"""

from __future__ import annotations

import functools
from pathlib import Path

import gradio as gr
from PIL import Image

import preprocessing
from preprocessing.decoding import InputError
from preprocessing.picture import open_picture, to_opaque
from weights.serving.gradio_internals import field, get_upload_folder, save_pil_to_cache
from weights.serving.limits.pictures import Busy, room_for
from weights.serving.limits.sizes import MAX_UPLOAD_BYTES
from weights.serving.page.drawing import picture_url

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
    "1-serif": "serif",
    "3-small-off-centre": "off centre",
    "8-thick": "thick",
    "shape-star": "star",
}
CHOOSE = """
element.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button?.matches(".more")) {
        const all = element.querySelector("ul").classList.toggle("all");
        button.textContent = all ? "Fewer" : `All ${element.querySelectorAll("li").length}`;
        button.setAttribute("aria-expanded", all);
    }
    if (button?.dataset.index) trigger("select", { index: Number(button.dataset.index) });
});
"""

THUMBNAIL, THUMBNAIL_QUALITY = 120, 60  # pixels of a side, about 1 KB

# The pad. 400 pixels are plenty for a 20x20 digit, and a larger canvas answers later: each stroke is sent as a picture.
CANVAS = (400, 400)
BRUSH_RADIUS = 14  # a stroke of 28 pixels on a digit of 280 is two pixels on MNIST's 20x20
ERASER_RADIUS = 22
PAD_HEIGHT = 452  # canvas and the bar of tools below it; pad.css makes it smaller on a phone
# The pad sends one layer; with gradio's tools for layers nobody would draw more.
MAX_LAYERS = 8
# Pixels of all layers together, which are in memory at the same time: twelve times as many as the pad can send.
MAX_LAYER_PIXELS = 16_000_000


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
    """What the pad sends, {"background", "layers", "composite"}, as one picture; None for an empty pad.

    The page sends the layer of ink alone (see pad.js). The API may send a composite, which is the whole picture.

    Raises:
        ValueError: one of them is no picture, or they are too many, too large or of different sizes.
    """
    if drawing is None:
        return None
    if drawing["composite"] is not None:
        return photo(drawing["composite"])
    files = [file for file in (drawing["background"], *(drawing["layers"] or ())) if file is not None]
    if len(files) > MAX_LAYERS:
        raise InputError(f"expected at most {MAX_LAYERS} layers, got {len(files)}")
    sheets = [opened(file) for file in files]
    if sum(sheet.width * sheet.height for sheet in sheets) > MAX_LAYER_PIXELS:
        raise InputError(f"expected at most {MAX_LAYER_PIXELS:,} pixels in all layers together")
    if len({sheet.size for sheet in sheets}) > 1:
        raise InputError("expected layers and a background of the same size")
    if not sheets:
        return None
    try:
        with room_for(*sheets):
            return functools.reduce(Image.alpha_composite, (sheet.convert("RGBA") for sheet in sheets))
    except Busy:
        raise
    except Exception as error:  # as in preprocessing.picture
        raise InputError(f"the picture cannot be decoded: {error}") from error


def opened(file: dict | None) -> Image.Image | None:
    """A file as gradio describes it, {"path": ...}, as a picture of which only the header has been read.

    Events ask gradio not to open files (`preprocess=False`): it would decode anything that Pillow can, of any size.
    """
    if not file:
        return None
    if not file.get("path"):
        raise InputError("expected an uploaded file")
    try:
        return open_picture(file["path"])
    except OSError as error:
        raise InputError(error.strerror) from error


def photo(file: dict | None) -> Image.Image | None:
    """A photograph as a person would see it: turned as its EXIF data say. Raises ValueError."""
    picture = opened(file)
    if picture is None:
        return None
    with room_for(picture):
        return to_opaque(picture)


def picture() -> gr.Image:
    """The input for uploads, pastes and the camera."""
    return gr.Image(
        elem_id="picture",
        type="pil",
        image_mode=None,
        sources=["upload", "webcam", "clipboard"],
        label="Picture of digits",
        show_label=False,
        height=PAD_HEIGHT,
        buttons=[],
        placeholder="# A picture of digits\nDrop it here, paste it, or choose a file",
        webcam_options=gr.WebcamOptions(mirror=False),  # a mirrored 2 is read as a 5
    )


def ways() -> gr.HTML:
    """Buttons that lead to a picture: take a photo, choose a file, paste.

    The event `select` says that a part of the picture was framed, or that the whole is to be read again. As an input of
    an event this component stands for that part: live.js sends [left, top, right, bottom] in its place, as shares of
    the picture, or null for the whole.
    """
    return gr.HTML(
        f"""<button type="button" data-way="photo">Take a photo</button>
        <button type="button" data-way="choose" data-most-bytes="{MAX_UPLOAD_BYTES}">Choose a file</button>
        <button type="button" data-way="paste">Paste</button>
        <input type="file" accept="image/*,.heic,.heif" capture="environment" hidden aria-label="Photo">""",
        js_on_load="document.addEventListener('picture:part', () => trigger('select'))",
        elem_id="ways",
    )


@functools.cache
def examples() -> list[Path]:
    """The example drawings: those that make a point of their own first, then the others by name."""
    files = sorted([*EXAMPLES.glob("*.png"), *EXAMPLES.glob(f"*{PHOTO_SUFFIX}")])
    first = list(POINTS)
    return sorted(files, key=lambda file: first.index(file.stem) if file.stem in first else len(first))


def gallery() -> gr.HTML:
    """The examples as buttons, the first few in sight. `select` tells which was clicked, as {"index": ...}."""
    return gr.HTML(
        '<p>Or try one of these <button type="button" class="more" aria-expanded="false">'
        f"All {len(examples())}</button></p>"
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
        f'<img src="{thumbnail(file)}" alt="">{POINTS.get(file.stem, name)}</button></li>'
    )


def thumbnail(file: Path) -> str:
    """A small picture of an example as a data URL: all of them together weigh less than one file."""
    with Image.open(file) as image:
        small = image.convert("RGB").resize((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    return picture_url(small, "WEBP", quality=THUMBNAIL_QUALITY, method=6)


def take(event: gr.EventData) -> tuple:
    """Values of pad and picture when an example is taken: it goes where its kind belongs."""
    index = field(event, "index")
    if type(index) is not int or not 0 <= index < len(examples()):
        raise gr.Error("There is no such example.", print_exception=False)
    image = Image.open(examples()[index])
    if examples()[index].suffix == PHOTO_SUFFIX:
        return gr.skip(), image
    return on_the_pad(image, examples()[index].stem), gr.skip()


def on_the_pad(image: Image.Image, name: str) -> dict:
    """A Sketchpad value with the drawing as a layer of ink, so that the eraser works on it as on one's own strokes.

    The file that gradio sends has this name: by it strokes.js tells whether the visitor still waits for it.
    """
    file = save_pil_to_cache(as_ink(image), get_upload_folder(), name, "png")
    return {"background": None, "layers": [file], "composite": None}


def as_ink(image: Image.Image) -> Image.Image:
    """A drawing on white paper as black ink (RGBA) on nothing."""
    paper = image.convert("L")
    ink = Image.new("RGBA", paper.size, "black")
    ink.putalpha(paper.point(lambda grey: 255 - grey))
    return ink
