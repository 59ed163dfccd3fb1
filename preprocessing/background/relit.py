"""A shadow that falls into the picture from outside, and covers a large part of the paper, is taken off: the picture is
made as light there as elsewhere.

picture = without_shadow(picture)      # the same picture if no shadow is plain to see

Later steps take the paper by what the picture's border shows (surround.py, channel.py). Where a shadow covers half of
it, the lit paper would be taken for a sheet on a dark table, or for light ink. A shadow is told from a table by what is
written in it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from preprocessing.background.surround import may_be_photo
from preprocessing.picture import reduction_to
from preprocessing.pieces.components import pieces_of
from preprocessing.pixels.morphology import closed_to_edge, dilated
from preprocessing.pixels.pen import STROKES_WIDE, stroke_width
from preprocessing.pixels.tones import border, deviation_of, median, two_classes

# The shadow is looked for on a picture reduced to about the area of a square with this side. Pens are a pixel or two
# wide there, and it takes a twentieth of the time of reading.
SMALL_SIDE = 130
# The shadow leaves the paper between these shares of its light. More is a slope of light, which is followed anyway;
# less is a black table.
LEFT_OVER = 0.33, 0.92
# The lit and the shaded part cover at least this share of the picture, and of its border, each. Smaller shadows, and
# those that end inside the picture, are left to shadow.py.
SMALLEST_PART = 0.1
# Within the lit and the shaded part the paper's level varies by less than this share of the difference between them.
# Where light falls off evenly it varies by 0.8 of it, and is followed anyway (darkness.py).
STEADY = 0.55
# Levels vary from the first to the second of these quantiles: what lies beyond is grain.
VARIES = 0.1, 0.9
# Tones are counted in so many bins.
LEVELS = 64
# A stroke is at first taken to be narrower than this share of the picture's longer side.
WIDEST_STROKE = 0.15
# The window that closes strokes has at least this many pixels: a middle and two sides.
SMALLEST_WINDOW = 5
# Ink takes at least this share of the light that the paper beside it has: grain takes less.
FAINTEST_INK = 0.15
# Ink is darker by at least this many times the noise of the paper: the texture of a table is no ink.
INK_TO_NOISE = 5.0
# The ink in the shadow is at least this long, as a share of the picture's shorter side.
SMALLEST_INK = 0.08
# Of red, green and blue a shadow takes the same share to within this factor, for skylight is blue. Wood is not grey.
SAME_COLOUR = 1.3
# The shadow is taken off by way of a picture of no more than about this area: it takes time.
RELIT_SIDE = 1000


class Shadow(NamedTuple):
    """What was found of a shadow.

    window: the side of the window that closes the pen's strokes, as a share of the picture's longer side.
    shaded, lit: the levels, of 1, of the paper in the shadow and in the light.
    """

    window: float
    shaded: float
    lit: float


def without_shadow(picture: Image.Image) -> Image.Image:
    """A picture in L or RGB -> a copy whose paper is as light in a large shadow as beside it; the same picture if no
    shadow with writing in it is plain to see.
    """
    if not may_be_photo(picture):
        return picture
    small = picture.reduce(reduction_to(picture, SMALL_SIDE))
    found = shadow_on(small)
    return picture if found is None else relit(picture, found)


def shadow_on(small: Image.Image) -> Shadow | None:
    """The shadow on a small picture in L or RGB, if there is one with writing in it."""
    grey = np.asarray(small.convert("L")).astype(np.float32) / 255
    edge = border(grey)
    if edge.min() > LEFT_OVER[1] * edge.max():
        return None  # a page in even light
    side = max(grey.shape)
    window = round(WIDEST_STROKE * side)
    paper = closed_to_edge(grey, window)
    strokes = grey < (1 - FAINTEST_INK) * paper
    narrower = max(round(STROKES_WIDE * stroke_width(strokes.astype(np.float32))), SMALLEST_WINDOW)
    if narrower < window:
        window, paper = narrower, closed_to_edge(grey, narrower)
    counts, bounds = np.histogram(paper, LEVELS)
    between = bounds[two_classes(counts, (bounds[:-1] + bounds[1:]) / 2) + 1]
    dark = paper < between
    if any(not SMALLEST_PART <= part.mean() <= 1 - SMALLEST_PART for part in (dark, border(dark))):
        return None
    shaded, lit = float(median(paper[dark])), float(median(paper[~dark]))
    if not LEFT_OVER[0] * lit <= shaded <= LEFT_OVER[1] * lit:
        return None
    varies = np.mean([np.ptp(np.quantile(paper[part], VARIES)) for part in (dark, ~dark)])
    if varies > STEADY * (lit - shaded):
        return None
    if not is_one_colour(small, dark) or not is_written_on(grey, paper, dark):
        return None
    return Shadow(window / side, shaded, lit)


def is_one_colour(small: Image.Image, dark: np.ndarray) -> bool:
    """Whether the dark part (H, W) bool lacks the same share of red, green and blue."""
    channels = [np.asarray(channel).astype(np.float32) for channel in small.split()]
    left = [float(median(levels[dark])) / max(float(median(levels[~dark])), 1) for levels in channels]
    return max(left) <= SAME_COLOUR * min(left)


def is_written_on(grey: np.ndarray, paper: np.ndarray, dark: np.ndarray) -> bool:
    """Whether something is written in the dark part (H, W) bool of grey levels (H, W). paper: as `closed_to_edge` gives
    it.
    """
    inner = ~dilated(dilated(~dark))  # without the shadow's edge
    if not inner.any():
        return False
    share = 1 - grey / np.maximum(paper, 1 / 255)  # of the light that is missing
    usual = float(median(share[inner]))
    faintest = max(FAINTEST_INK, usual + INK_TO_NOISE * deviation_of(share[inner] - usual))
    return bool((pieces_of(inner & (share > faintest)).longest >= SMALLEST_INK * min(grey.shape)).any())


def relit(picture: Image.Image, shadow: Shadow) -> Image.Image:
    """A picture in L or RGB without the shadow."""
    smaller = picture.reduce(reduction_to(picture, RELIT_SIDE))
    grey = np.asarray(smaller.convert("L")).astype(np.float32) / 255
    paper = closed_to_edge(grey, max(round(shadow.window * max(grey.shape)), SMALLEST_WINDOW))
    gain = shadow.lit / np.clip(paper, shadow.shaded, shadow.lit)
    if smaller.size != picture.size:
        gain = np.asarray(Image.fromarray(gain).resize(picture.size, Image.Resampling.BILINEAR))
    levels = np.asarray(picture).astype(np.float32)
    levels *= gain if levels.ndim == 2 else gain[..., None]
    return Image.fromarray(np.minimum(np.rint(levels), 255).astype(np.uint8))
