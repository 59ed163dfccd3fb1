"""Strokes on a canvas under pens of any width, and the way from a canvas to MNIST's frame."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

InkFrame = Callable[[np.ndarray], np.ndarray]  # ink (H, W) in [0, 1] -> tensor (28, 28) in [0, 1]

ZOOM = 4  # strokes are drawn at four times MNIST's resolution
CANVAS = 112  # half of the pixels along an edge of what is drawn on; MNIST's 28 times ZOOM

# Pens that write strokes, for digits and letters alike, in pixels: most boxes that they write in are 134 wide.
PEN, FAT_PEN = (6, 22), (22, 34)
FAT_PENS_IN_HAND = 0.15

# A bowed line is a quadratic curve of Bezier's, drawn through twelve points: so many look smooth.
ALONG = np.linspace(0, 1, 12)[:, None]
# The weights of the curve's two ends and of the point that it bows towards, for each of its points, (12, 1).
FROM_START, TOWARDS_BOW, TO_END = (1 - ALONG) ** 2, 2 * ALONG * (1 - ALONG), ALONG**2


def blank() -> Image.Image:
    return Image.new("L", (2 * CANVAS, 2 * CANVAS))


def line(
    image: Image.Image, points: np.ndarray | list, pen: float, rng: np.random.Generator, bow: float | None = None
) -> None:
    """A line through two points under a round pen, bowed to one side by a share of its length."""
    a, b = np.asarray(points[0], float), np.asarray(points[1], float)
    aside = np.array([a[1] - b[1], b[0] - a[0]]) * (rng.normal(0, 0.05) if bow is None else bow)
    stroke(image, FROM_START * a + TOWARDS_BOW * ((a + b) / 2 + aside) + TO_END * b, pen)


def stroke(image: Image.Image, points: np.ndarray, pen: float) -> None:
    """A polyline (n, 2) under a round pen."""
    draw = ImageDraw.Draw(image)
    places = [tuple(place) for place in points.tolist()]  # Pillow is slower with NumPy's numbers than with Python's
    draw.line(places, fill=255, width=max(round(pen), 1), joint="curve")
    for x, y in (places[0], places[-1]):
        draw.ellipse([x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2], fill=255)


def under_a_pen(strokes: list[np.ndarray], rng: np.random.Generator) -> Image.Image:
    """Strokes in a box of about 2 around 0, written with a pen of any width; a fat one fills loops up."""
    image, pen = blank(), rng.uniform(*(FAT_PEN if rng.random() < FAT_PENS_IN_HAND else PEN))
    for path in strokes:
        stroke(image, CANVAS + path * CANVAS * 0.6, pen)
    return image


def thickened(pixels: np.ndarray, reach: int) -> np.ndarray:
    """(H, W) uint8 -> each pixel the largest within `reach` of it, along one axis and then along the other."""
    for _ in range(2):
        across = np.ascontiguousarray(pixels.T)
        pixels = across.copy()
        for distance in range(1, reach + 1):
            np.maximum(pixels[distance:], across[:-distance], out=pixels[distance:])
            np.maximum(pixels[:-distance], across[distance:], out=pixels[:-distance])
    return pixels


def cropped(image: Image.Image) -> np.ndarray:
    """The box of what is drawn on a canvas, (H, W) uint8; all of a blank one."""
    return np.asarray(image.crop(image.getbbox()))


def framed(pixels: np.ndarray, frame: InkFrame) -> np.ndarray:
    """A drawing (H, W) uint8 brought into MNIST's frame, (28, 28) uint8."""
    return to_uint8(frame(pixels.astype(np.float32) / 255))


def to_uint8(tensor: np.ndarray) -> np.ndarray:
    return np.rint(tensor * 255).astype(np.uint8)
