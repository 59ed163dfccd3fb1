"""What the page shows of the way from a drawing to the tensor: its pictures, step by step, and the measurements.

    drawing.drawn(image)               # the first figure, as HTML
    drawing.steps(prepared)            # the next two
    drawing.measurements(prepared)     # hints and a table, as HTML

Pictures stand in the HTML itself, as data URLs of a few hundred bytes: an answer arrives whole or not at all.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np
from PIL import Image

from preprocessing import Prepared
from preprocessing.frame import BOX, CENTER, SIDE, bounding_box, center_of_mass
from preprocessing.picture import to_opaque

Box = tuple[int, int, int, int]  # left, top, right, bottom

THUMBNAIL = 144  # pixels of a figure's longer side: sharp on a phone's screen too, and 2 KB as a JPEG
JPEG_QUALITY = 80
CLOSE_UP = 4  # the centred ink is shown at so many times the resolution of the network's input
SHEET = (560, 280)  # pixels of a picture of several digits at most
LEAST_DIGIT = 28  # a picture whose digits would be less high is shown larger, and scrolls
LEAST_ON_PHONE = 18  # as high a phone shows them before it scrolls
LARGEST_SHEET = 2400  # pixels of the longer side at most, about 300 KB
STRUCK_OUT = np.array([1.0, 0.55, 0.2])  # the colour of lines that were left out


def picture_url(levels: np.ndarray | Image.Image, kind: str = "PNG", **options) -> str:
    """An image, or (H, W) or (H, W, 3) uint8, as a data URL, without what else was in its file."""
    image = levels.copy() if isinstance(levels, Image.Image) else Image.fromarray(levels)
    image.info.clear()  # Pillow reads longer comments and profiles than it can write
    file = io.BytesIO()
    image.save(file, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"


def to_levels(shares: np.ndarray) -> np.ndarray:
    """Values in [0, 1] -> uint8."""
    return np.rint(np.clip(shares, 0, 1) * 255).astype(np.uint8)


def step(name: str, shown: str, title: str, line: str) -> str:
    """One step of the way as a list item: a figure, what it is, and one line of explanation."""
    return f'<li class="{name}">{shown}<div class="about"><b>{escape(title)}</b><span>{escape(line)}</span></div></li>'


def figure(url: str, alt: str, side: int = SIDE) -> str:
    """A square figure of the given number of pixels, enlarged by the page's style."""
    return f'<img src="{url}" width="{side}" height="{side}" alt="{escape(alt)}">'


def drawn(image: Image.Image | np.ndarray, photo: bool = False) -> str:
    """The first step: the drawing or photo itself, as a list item."""
    name, title = ("drawn photo", "Your picture") if photo else ("drawn", "Your drawing")
    return step(name, thumbnail(image), title, "Any size, any place, dark or light.")


def sheet(
    image: Image.Image | np.ndarray, found: Sequence[tuple[Box, str]], photo: bool = False, chosen: int | None = None
) -> str:
    """The first step for several digits: the picture with a box around each and what it was read as, as a list item.

    found: (left, top, right, bottom) in the picture's pixels, and the text for this box.
    chosen: which of them stands out.
    """
    picture = to_opaque(image)
    width, height = picture.size
    # Large enough for the middling digit to be recognized; what then is too large for the page scrolls.
    usual = sorted(bottom - top for (_, top, _, bottom), _ in found)[len(found) // 2]
    fits = min(SHEET[0] / width, SHEET[1] / height)
    scale = min(max(fits, LEAST_DIGIT / usual), LARGEST_SHEET / max(width, height), 1)
    picture.thumbnail((max(1, round(width * scale)), max(1, round(height * scale))))
    boxes = "".join(boxed(i, *each, 1 / scale, i == chosen) for i, each in enumerate(found))
    least = round(width * LEAST_ON_PHONE / usual)
    url = picture_url(picture, "JPEG", quality=JPEG_QUALITY)
    shown = (
        '<div class="sheet" tabindex="0" role="group" aria-label="What was read where">'
        f'<div style="--own:{picture.width}px;--least:{least}px">'
        f'<img src="{url}" width="{picture.width}" height="{picture.height}" alt="The picture">'
        f'<svg viewBox="0 0 {width} {height}" aria-hidden="true">{boxes}</svg></div></div>'
    )
    name, title = ("drawn photo", "Your picture") if photo else ("drawn", "Your drawing")
    return step(name, shown, title, "What was read where.")


def boxed(index: int, box: Box, text: str, pixel: float, chosen: bool) -> str:
    """A box and its text as SVG, in the picture's pixels. pixel: how many of them a pixel of the page covers."""
    left, top, right, bottom = box
    baseline, size = max(top - 3 * pixel, 14 * pixel), 16 * pixel
    place = f'x="{left}" y="{top}" width="{right - left}" height="{bottom - top}"'
    return (
        f'<rect data-tile="{index}"{" class=chosen" * chosen} {place}/>'
        f'<text x="{left}" y="{baseline:.1f}" font-size="{size:.1f}">{escape(text)}</text>'
    )


def steps(prepared: Prepared) -> str:
    """From the ink to the 28x28 pixels, as list items; without ink the figures are empty."""
    blank = "" if prepared.has_ink else ", still blank"
    removed = prepared.removed
    line = "Paper and dots are removed." if removed is None else "What was left out is orange."
    return step("ink", close_up(prepared.ink, removed), "The ink", line) + step(
        "seen",
        figure(picture_url(to_levels(prepared.tensor)), f"The 28 by 28 pixels the network sees{blank}"),
        "28 × 28 pixels",
        "Centred, with strokes of the usual width.",
    )


def thumbnail(image: Image.Image | np.ndarray) -> str:
    """The picture as it was given, on a square."""
    if isinstance(image, Image.Image) and image.mode in ("L", "RGB", "RGBA") and min(image.size) > 2 * THUMBNAIL:
        image = image.reduce(min(image.size) // THUMBNAIL)  # the rest of the way is paid for every pixel
    small = to_opaque(image)
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    width, height = small.size
    url = picture_url(small, "JPEG", quality=JPEG_QUALITY)
    return f'<img src="{url}" width="{width}" height="{height}" alt="What was drawn">'


def close_up(ink: np.ndarray | None, removed: np.ndarray | None = None) -> str:
    """The ink where the tensor has it, at a higher resolution and with its strokes as they were drawn.

    ink, removed: (H, W) coverage in [0, 1]; `removed` is what was taken for a printed line and left out.
    """
    side = SIDE * CLOSE_UP
    levels = np.zeros((side, side), np.uint8)
    if ink is not None:
        left, top, right, bottom = bounding_box(ink)
        scale = BOX * CLOSE_UP / max(right - left, bottom - top)
        # Where the figure's first pixel comes from: the middle of the ink's weight comes to the middle, all ink stays.
        origin_x, origin_y = (
            min(max(middle - CENTER * CLOSE_UP / scale, last - side / scale), first)
            for middle, first, last in zip(center_of_mass(ink), (left, top), (right, bottom), strict=True)
        )

        def enlarged(coverage: np.ndarray) -> np.ndarray:
            place = (1 / scale, 0, origin_x, 0, 1 / scale, origin_y)
            source = Image.fromarray(to_levels(coverage))
            return np.asarray(source.transform((side, side), Image.Transform.AFFINE, place, Image.BILINEAR))

        levels = enlarged(ink)
        if removed is not None:
            struck = enlarged(removed)[..., None] * STRUCK_OUT  # (side, side, 3)
            levels = np.maximum(levels[..., None], struck.astype(np.uint8))
    return figure(picture_url(levels), "The ink, cropped, scaled and centred", side)


def measurements(prepared: Prepared, **more: str) -> str:
    """Hints in plain words, and what was measured on the way to a digit; `more` rows come last."""
    d = prepared.diagnostics
    left, top, right, bottom = d.bounding_box
    dx, dy = d.center_offset
    rows = {
        "Ink box": f"{right - left} × {bottom - top} pixels at ({left}, {top})",
        "Ink box / picture": f"{d.area_ratio:.1%}",
        "Centre of mass": f"{abs(dx):.0%} {'right' if dx > 0 else 'left'}, {abs(dy):.0%} {'low' if dy > 0 else 'high'}",
        "Stroke density": f"{d.stroke_density:.1%}",
        "Stroke width": f"{d.stroke_width:.1f} of 28 pixels, as drawn",
        **more,
    }
    table = "".join(f'<tr><th scope="row">{name}</th><td>{escape(value)}</td></tr>' for name, value in rows.items())
    remarks = "".join(f"<li>{escape(hint)}</li>" for hint in d.hints)
    return (f"<ul>{remarks}</ul>" if remarks else "") + f"<table>{table}</table>"
