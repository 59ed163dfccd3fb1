"""MNIST's digits as a drawing pad would have them: crisp, under a round pen, thinner or thicker.

Some zeros get a slash, some ones a flag or a base, some sevens a bar: strokes that MNIST's writers seldom made.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from nn.pictures.pens import CANVAS, ZOOM, InkFrame, line, thickened, to_uint8

MOST_FATTER = 5  # pixels by which a fat pen's edges move, at most
BLUR = 2.0  # standard deviation, in pixels, of the blur that leaves a fringe to cut the ink in
BLUR_REACH = 6  # pixels that this blur reaches: Pillow takes the mean of five pixels three times
BICUBIC_REACH = 2  # pixels of MNIST that the ink reaches when it is enlarged
MARGIN = 3  # pixels of MNIST added around a digit: room for the longest slash under the widest pen

# Shares of the digits that get a stroke which MNIST's writers seldom made.
SLASHED_ZEROS = 0.35
FLAGGED_ONES = 0.3
BASED_ONES = 0.3
CROSSED_SEVENS = 0.2
FAT_PENS = 0.3  # share drawn small with a thick pen


def redraw(image: np.ndarray, label: int, rng: np.random.Generator, frame: InkFrame) -> np.ndarray:
    """A MNIST digit (28, 28) uint8 as a pen of one width would have drawn it, (28, 28) uint8."""
    large = enlarged(image)
    add_strokes(large, label, rng)
    fatter = int(rng.integers(1, MOST_FATTER + 1)) if rng.random() < FAT_PENS else 0
    large = large.crop(box_around(large, fatter + BLUR_REACH))
    if fatter:  # loops fill up, gaps close
        large = Image.fromarray(thickened(np.asarray(large), fatter))
    ink = np.asarray(large.filter(ImageFilter.GaussianBlur(BLUR)), np.float32) / 255
    # The level at which the blurred ink is cut decides how thick the pen is: low keeps the fringe, high the core.
    level, softness = rng.uniform(0.2, 0.65), 0.12
    ink = ((ink - level) / softness + 0.5).clip(0, 1)
    if ink.sum() < 4 * CANVAS:  # a thin digit that the cut would lose
        return image
    return to_uint8(frame(ink))


def enlarged(image: np.ndarray) -> Image.Image:
    """A MNIST digit (28, 28) uint8 with a margin around it, ZOOM times as large. Only the part with ink is resized."""
    padded = np.zeros((28 + 2 * MARGIN, 28 + 2 * MARGIN), np.uint8)
    padded[MARGIN:-MARGIN, MARGIN:-MARGIN] = image
    small = Image.fromarray(padded)
    box = box_around(small, BICUBIC_REACH)
    left, top, right, bottom = (ZOOM * edge for edge in box)
    large = Image.new("L", (small.width * ZOOM, small.height * ZOOM))
    large.paste(small.resize((right - left, bottom - top), Image.Resampling.BICUBIC, box), (left, top))
    return large


def box_around(image: Image.Image, reach: int) -> tuple[int, int, int, int]:
    """The box (left, top, right, bottom) of all that is not black, and `reach` pixels around it within the picture."""
    left, top, right, bottom = image.getbbox() or (0, 0, 0, 0)
    return max(left - reach, 0), max(top - reach, 0), min(right + reach, image.width), min(bottom + reach, image.height)


def add_strokes(large: Image.Image, label: int, rng: np.random.Generator) -> None:
    """Draws what MNIST lacks into the enlarged digit, with a pen about as wide as the digit's own."""
    if large.getextrema()[1] <= 127:
        return
    pen = rng.uniform(6, 13)
    if label not in (0, 1, 7):
        return
    pixels = np.asarray(large)
    rows, columns = np.flatnonzero((pixels > 127).any(axis=1)), np.flatnonzero((pixels > 127).any(axis=0))
    top, bottom, left, right = rows[0], rows[-1], columns[0], columns[-1]
    height, width = bottom - top, right - left
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    if label == 0 and rng.random() < SLASHED_ZEROS:
        angle = np.deg2rad(rng.normal(60, 14))
        kind = rng.random()
        if kind < 0.15:
            angle = np.pi - angle  # a backslash
        elif kind < 0.3:
            angle = np.deg2rad(rng.normal(0, 8))  # a level bar
        direction = np.array([np.cos(angle), -np.sin(angle)])
        reach = np.hypot(height * np.sin(angle), width * np.cos(angle)) / 2 * rng.uniform(0.75, 1.6, 2)
        middle += rng.normal(0, 3, 2)
        line(large, [middle - direction * reach[0], middle + direction * reach[1]], pen, rng)
    if label == 1 and rng.random() < FLAGGED_ONES:
        head = np.array([stroke_at(pixels[top + 2]), top])
        angle, length = np.deg2rad(rng.uniform(20, 70)), height * rng.uniform(0.2, 0.65)
        line(large, [head, head + length * np.array([-np.sin(angle), np.cos(angle)])], pen, rng)
    if label == 1 and rng.random() < BASED_ONES:
        foot = np.array([stroke_at(pixels[bottom - 2]), bottom])
        reach = height * rng.uniform(0.15, 0.4, (2, 1)) * [[-1, 0], [1, 0]]
        line(large, foot + reach + rng.normal(0, 3, (2, 2)) * [0, 1], pen, rng)
    if label == 7 and rng.random() < CROSSED_SEVENS:
        y = top + height * rng.uniform(0.4, 0.6)
        reach = np.array([[-1, 0], [1, 0]]) * width * rng.uniform(0.2, 0.5, (2, 1))
        line(large, [stroke_at(pixels[int(y)]), y] + reach + rng.normal(0, 5, (2, 2)) * [0, 1], pen, rng)


def stroke_at(row: np.ndarray) -> float:
    """Where the ink of a row of pixels lies, on average; its middle if there is none."""
    columns = np.flatnonzero(row > 127)
    return float(columns.mean()) if columns.size else len(row) / 2
