"""What is no digit: scribbles, dashes, blots, letters and signs of many scripts, two digits side by side, and halves of
two digits stuck together.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from nn.pictures import letters
from nn.pictures.mnist import Split
from nn.pictures.pens import CANVAS, ZOOM, InkFrame, blank, cropped, framed, line, stroke, under_a_pen

NOT_A_DIGIT_CLASS = 10


def non_digits(count: int, digits: np.ndarray, rng: np.random.Generator, frame: InkFrame) -> np.ndarray:
    """`count` pictures of no digit, (count, 28, 28) uint8. `digits` (n, 28, 28) uint8 are MNIST's, for mixtures."""
    makers = (
        [letter] * 7
        + [handwriting] * 24
        + [character] * 6
        + [scribble] * 4
        + [signs] * 2
        + [dash, blot]
        + [side_by_side] * 2
        + [chimera] * 3
    )
    made = []
    while len(made) < count:
        maker = makers[rng.integers(len(makers))]
        pixels = cropped(maker(rng, digits))
        if np.count_nonzero(pixels > 127) > CANVAS:  # some glyphs are blank or a dot
            made.append(framed(pixels, frame))
    return np.stack(made)


def scribble(rng: np.random.Generator, digits: np.ndarray) -> Image.Image:
    """One to three wandering lines: smooth noise as a path, drawn with a pen."""
    image = blank()
    for _ in range(rng.integers(1, 4)):
        n = int(rng.integers(30, 120))
        steps = rng.standard_normal((n, 2))
        smooth = int(rng.integers(2, 9))
        kernel = np.ones(smooth) / smooth
        path = np.cumsum(np.stack([np.convolve(s, kernel, "same") for s in steps.T], axis=1), axis=0)
        path -= path.mean(axis=0)
        path *= rng.uniform(50, 90) / max(np.abs(path).max(), 1e-6)
        stroke(image, path + CANVAS + rng.normal(0, 8, 2), rng.uniform(5, 22))
    return image


def signs(rng: np.random.Generator, digits: np.ndarray) -> Image.Image:
    """Two to five straight lines and arcs anywhere: crosses, corners, arrows, zigzags, boxes with something in them."""
    image = blank()
    pen = rng.uniform(6, 20)
    count = rng.integers(2, 6)
    if rng.random() < 0.4:  # a zigzag
        points = rng.uniform(CANVAS - 80, CANVAS + 80, (count + 2, 2))
        if rng.random() < 0.5:
            points = points[np.argsort(points[:, rng.integers(2)])]
        stroke(image, points, pen)
        return image
    for _ in range(count):
        if rng.random() < 0.65:
            line(image, list(rng.uniform(CANVAS - 80, CANVAS + 80, (2, 2))), pen, rng)
        else:
            centre, radius = rng.uniform(CANVAS - 50, CANVAS + 50, 2), rng.uniform(20, 60, 2)
            t = rng.uniform(0, 2 * np.pi) + np.linspace(0, rng.uniform(2, 6), 30)[:, None]
            stroke(image, centre + radius * np.hstack([np.cos(t), np.sin(t)]), pen)
    return image


def character(rng: np.random.Generator, digits: np.ndarray) -> Image.Image:
    """Three to five strokes between the corners, edges and middle of a box, as the letters of any script have them."""
    image = blank()
    box = np.array([rng.uniform(30, 60), rng.uniform(50, 80)])
    anchors = [(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)] * box + CANVAS
    pen, here = rng.uniform(6, 20), None
    for _ in range(rng.integers(3, 6)):
        start = here if here is not None and rng.random() < 0.6 else anchors[rng.integers(9)]
        here = anchors[rng.integers(9)] + rng.normal(0, 5, 2)
        bow = rng.normal(0, 0.5) if rng.random() < 0.4 else rng.normal(0, 0.05)
        line(image, [start, here], pen, rng, bow)
    return image


def dash(rng: np.random.Generator, digits: np.ndarray) -> Image.Image:
    """One to three strokes nearer to level than to upright."""
    image = blank()
    y = CANVAS + rng.uniform(-20, 20)
    for _ in range(rng.integers(1, 4)):
        rise = rng.uniform(-0.5, 0.5) * 60
        line(image, [(CANVAS - 70, y + rise), (CANVAS + 70, y - rise)], rng.uniform(5, 30), rng)
        y += rng.uniform(25, 50)
    return image


def blot(rng: np.random.Generator, digits: np.ndarray) -> Image.Image:
    """A filled patch."""
    image = blank()
    t = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    radius = rng.uniform(30, 70, 2) * (1 + rng.uniform(0, 0.4) * rng.standard_normal((24, 1)))
    points = CANVAS + radius * np.stack([np.cos(t), np.sin(t)], axis=1)
    ImageDraw.Draw(image).polygon([tuple(p) for p in points], fill=255)
    return image.filter(ImageFilter.GaussianBlur(4))


def side_by_side(rng: np.random.Generator, digits: np.ndarray) -> Image.Image:
    """Two digits next to each other, touching or not."""
    image = blank()
    gap = rng.uniform(15, 24) * ZOOM
    for i, digit in enumerate(digits[rng.integers(len(digits), size=2)]):
        part = Image.fromarray(digit).resize((CANVAS, CANVAS), Image.Resampling.BICUBIC)
        place = round(CANVAS / 2 - gap / 2 + i * gap), round(CANVAS / 2 + rng.normal(0, 6))
        image.paste(255, (*place, place[0] + CANVAS, place[1] + CANVAS), mask=part)
    return image


def chimera(rng: np.random.Generator, digits: np.ndarray) -> Image.Image:
    """Halves of two different digits, or two digits on top of each other."""
    a, b = digits[rng.integers(len(digits), size=2)]
    if rng.random() < 0.3:
        mixed = np.maximum(a, np.rot90(b, rng.integers(1, 4)))
    elif rng.random() < 0.5:
        mixed = np.vstack([a[:14], np.rot90(b)[14:]])
    else:
        mixed = np.hstack([a[:, :14], np.flipud(b)[:, 14:]])
    return Image.fromarray(np.ascontiguousarray(mixed)).resize((CANVAS, CANVAS), Image.Resampling.BICUBIC)


# Blocks of Unicode with simple shapes: ASCII, Latin, Greek, Cyrillic, Armenian, Hebrew, arrows, mathematical signs.
LETTER_BLOCKS = [(0x21, 0x7E), (0xA1, 0x17F), (0x391, 0x3FF), (0x400, 0x45F), (0x531, 0x556), (0x561, 0x586),
                 (0x5D0, 0x5EA), (0x2190, 0x21FF), (0x2200, 0x22FF)]  # fmt: skip
# Letters and signs, and with them all their accented forms, that many people write like a digit: straight and round
# ones, slashed circles, and the twins of 2 3 4 5 6 7 8 9.
LOOK_ALIKES = set("BDGIOQSYZabfgijloqrsyz!$%&'(),-./:;?\\^_`{|}\"ØøŁłĐđØßÞþð×÷¤©®"
                  "ΘΙΟΡΦθιορσφβδεζϑϕЈІОЗЧЅЭЪЬФБВабвгзийоуфчъьэѕіј∅∂∃∀∘∙⊕⊖⊗⊘⊙⊚⊛⊜⊝∣∤∥∫∮∶∷")  # fmt: skip
RIM = 3  # pixels that a bent letter may reach over its bent box: two for the blur of its edges, one for rounding
LATIN_SHARE = 0.5  # of the letters: those that visitors draw most often


@cache
def fonts() -> list[ImageFont.FreeTypeFont]:
    """The DejaVu family that matplotlib brings, upright and slanted, with and without serifs.

    The files are found without an import of matplotlib, which takes as long as to draw hundreds of letters.
    """
    folder = Path(distribution("matplotlib").locate_file("matplotlib/mpl-data/fonts/ttf"))
    names = "DejaVuSans", "DejaVuSans-Oblique", "DejaVuSerif", "DejaVuSerif-Italic", "DejaVuSansMono"
    return [ImageFont.truetype(folder / f"{name}.ttf", CANVAS) for name in names]


@cache
def has(font: ImageFont.FreeTypeFont, character: str) -> bool:
    """Whether the font knows the character.

    In the place of any other it draws an empty box, as for U+FFFF, which is no character. No sign of these fonts has
    the size and the place of that box.
    """
    return font.getbbox(character) != font.getbbox("\uffff")


def pick_sign(rng: np.random.Generator) -> tuple[str, ImageFont.FreeTypeFont]:
    """A letter or sign that is not written like a digit, and a font that has it."""
    while True:
        low, high = (0x21, 0x7E) if rng.random() < LATIN_SHARE else LETTER_BLOCKS[rng.integers(1, len(LETTER_BLOCKS))]
        sign = chr(rng.integers(low, high + 1))
        font = fonts()[rng.integers(len(fonts()))]
        plain = unicodedata.normalize("NFD", sign)[0]
        if plain.isprintable() and plain not in LOOK_ALIKES and not plain.isdigit() and has(font, sign):
            return sign, font


def letter(rng: np.random.Generator, digits: np.ndarray) -> Image.Image:
    """A letter or sign, slanted and bent, under a pen of any width."""
    sign, font = pick_sign(rng)
    image = blank()
    ImageDraw.Draw(image).text((CANVAS, CANVAS), sign, fill=255, font=font, anchor="mm")
    turn, shear, stretch = rng.normal(0, 0.12), rng.normal(0, 0.2), rng.uniform(0.7, 1.3)
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) @ [[stretch, shear], [0, 1]]
    return bent(image, matrix)


def bent(image: Image.Image, matrix: np.ndarray) -> Image.Image:
    """A canvas seen through a matrix (2, 2) around its middle, which leads from new places to old ones. The result is
    cut off around the box that the drawing comes to lie in: a letter fills a quarter of its canvas.
    """
    left, top, right, bottom = image.getbbox() or (CANVAS, CANVAS, CANVAS, CANVAS)
    corners = np.array([(left, top), (right, top), (left, bottom), (right, bottom)]) - CANVAS
    corners = corners @ np.linalg.inv(matrix).T + CANVAS
    start = np.maximum(corners.min(axis=0).astype(int) - RIM, 0)
    end = np.clip(corners.max(axis=0).astype(int) + RIM, start + 1, 2 * CANVAS)
    offset = CANVAS + matrix @ (start - CANVAS)
    coefficients = (*matrix[0], offset[0], *matrix[1], offset[1])
    return image.transform(tuple(end - start), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)


def handwriting(rng: np.random.Generator, digits: np.ndarray) -> Image.Image:
    """A letter or sign as a pen writes it."""
    return under_a_pen(letters.written(rng), rng)


def out_of_distribution(digits: Split) -> Split:
    """What few would read as a digit, though a hand that writes digits wrote it: MNIST's own, mirrored or turned by a
    quarter either way. Training shows parts of such digits at most, in `chimera`, so whole ones tell how sure the
    network is of what it does not know. There are about 2.3 times as many as digits.
    """
    mirrored = digits.images[~np.isin(digits.labels, (0, 1, 8))][:, :, ::-1]  # these would be what they were
    turned = digits.images[~np.isin(digits.labels, (0, 1))]  # and these a wide zero and a dash
    images = np.concatenate([mirrored, np.rot90(turned, 1, (1, 2)), np.rot90(turned, -1, (1, 2))])
    return Split(images, np.full(len(images), NOT_A_DIGIT_CLASS))
