"""Paper that lies partly in the shadow of a hand, a phone or a corner: three tones, which are lit paper, paper in
shadow, and ink.

The light is no smooth surface there, and a finger's shadow may be little wider than a stroke. But the ink is plainly
darker than the shadow. So the ink is found by its tone, and all else is paper. What else is darker than the lit paper
is a shadow if it is large, or if its edge is soft beside that of the ink.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from preprocessing.pixels.morphology import box_mean, closed_to_edge, dilated, eroded, mean_of
from preprocessing.pixels.pen import STROKES_WIDE, stroke_width
from preprocessing.pixels.tones import median, three_classes

# Tones are told apart by a histogram of this many levels between the picture's darkest and lightest: finer than the
# grain of paper.
LEVELS = 64
# The shadow takes at least this share of the paper's light. A fainter one is a slope of light, followed anyway.
FAINTEST_SHADOW = 0.1
# The deepest shadow leaves this share of the paper's light: a darker field is printed, and its tones are its grain.
DEEPEST_SHADOW = 0.2
# What differs by no more than a pixel's levels can tell is of one tone: of black ink a tenth is less than that.
ONE_LEVEL = 1 / 255
# Ink is darker than the shadow beside it by at least this share of the lit paper: with less it may be another shadow.
INK_IN_SHADOW = 0.18
# Ink covers at most this share of a photograph: more of one dark tone is a table, not a pen's.
MOST_INK = 0.2
# Ink covers at least this share: less is a dot or dirt.
LEAST_INK = 0.003
# The pen's strokes are no wider than this share of the picture's shorter side: what is wider is a shadow or a thing.
WIDEST_PEN = 0.12
# At least this share of the ink lies inside the rim of the picture. The black border of a cell lies in it: beside that,
# pale ink has the tone of a shadow.
MOSTLY_INSIDE = 0.6
# The rim of the picture, as a share of its width and height: borders of cells, tables and bindings lie in it.
RIM = 0.12
# A shadow is wider than the strokes by this factor. The blurred edges of strokes have its tone and are narrower.
WIDER_THAN_STROKES = 1.2
# All of a window is shadow if this share of it is: a mean of ones may be a little less than one.
ALL = 0.99
# What is so wide covers at least this share of the picture. A hand or a phone shadows a tenth and more, of which half
# is left beside the ink and the blurred edges. The pale parts of a thick pen's strokes are as wide, but cover less.
LEAST_SHADOW = 0.045
# A shadow with a soft edge counts from this share of the picture on: no pen's stroke has such an edge, however pale.
# Less may be a smudge.
LEAST_SOFT_SHADOW = 0.01
# The edge of a soft shadow has less than this share of the steepness of the ink's edge, each against its own depth. In
# a blurred picture the edges of pale and dark strokes are equally soft.
SOFTER_THAN_INK = 0.5
# A shadow covers at most this share of the paper. Where more is darker than the rest, the rest is glare.
MOST_SHADOW = 0.65
# Of the steps along an edge, and of its levels, this quantile counts: single pixels are grain.
STEEPEST = 0.95
# Steps are seen within so many pixels: one to either side.
STEP_WINDOW = 3
# The ink is looked for in so many tones, each the darkest of the one before: the whole picture's, one that holds the
# middle of a shadow too, and one more for a palm's.
DARKER_TONES = 3
# The paper under a stroke is the mean of the paper within this many stroke widths: the nearest that is surely clean.
BESIDE_STROKES = 2.0
# The paper under a stroke is looked for this many pixels farther out, past its blurred edges, which are not clean.
BESIDE_PIXELS = 2


def paper_in_shadow(soft: np.ndarray) -> np.ndarray | None:
    """The level of paper that lies partly in shadow or in glare, under the ink too; None where neither is plain to see.

    soft: grey levels (H, W) float32 in [0, 1], ink dark, blurred by a pixel or so against the grain. The result is like
        it.

    The darkest of the three tones is first taken for the ink. If that fails, it may hold the middle of a shadow as
    well, and the ink is its own darkest tone: a palm throws a deeper shadow than the fingers, and the middle of any
    soft shadow is deeper than its edge.
    """
    tones = three_tones(soft)
    if tones is None or tones.lit - tones.shadow < FAINTEST_SHADOW * tones.lit:
        return None
    lit, shadow_top, soft_only = tones.lit, tones.shadow_top, False
    for _ in range(DARKER_TONES):
        ink = soft < tones.ink_top
        plain, pen = tones.shadow - tones.ink >= INK_IN_SHADOW * tones.lit, is_pen(ink)
        if plain and pen:
            strokes = Strokes(~dilated(dilated(ink)), stroke_width(ink.astype(np.float32)))
            shadow = strokes.clean & (soft < shadow_top)
            if is_shadow(soft, shadow, strokes, soft_only):
                return paper_under(soft, shadow, strokes)
        soft_only |= pen or not plain  # a hard edge may then be that of a paler pen
        tones = three_tones(soft[ink])
        if tones is None or tones.shadow < DEEPEST_SHADOW * lit:
            return None
    return None


class Strokes(NamedTuple):
    """The strokes of the ink that was found by its tone."""

    clean: np.ndarray  # (H, W) bool, the pixels beside the strokes and their blurred edges
    width: float  # of the strokes, in pixels


def paper_under(soft: np.ndarray, shadow: np.ndarray, strokes: Strokes) -> np.ndarray:
    """The level of the paper, (H, W) float32: what is seen, and under the strokes the mean of what is seen beside them.
    soft, shadow: as for `is_shadow`.
    """
    window = 2 * (int(np.ceil(BESIDE_STROKES * strokes.width)) + BESIDE_PIXELS) + 1
    beside = mean_of(strokes.clean, soft, window, float(median(soft)))
    paper = np.where(strokes.clean, soft, beside).astype(np.float32)
    if shadow.sum() <= MOST_SHADOW * strokes.clean.sum():
        return paper
    # ink in glare is as light as the paper beside the glare
    return closed_to_edge(paper, max(round(STROKES_WIDE * strokes.width), STEP_WINDOW))


def is_shadow(soft: np.ndarray, shadow: np.ndarray, strokes: Strokes, soft_only: bool) -> bool:
    """Whether what is darker than the lit paper is a shadow, and not the pale parts of strokes.

    Args:
        soft: grey levels, as for `paper_in_shadow`.
        shadow: (H, W) bool, the pixels that may be shadow.
        strokes: those that were found.
        soft_only: only a shadow with a soft edge counts.
    """
    inside = 2 * int(np.ceil(WIDER_THAN_STROKES * strokes.width / 2)) + 1  # odd, so that it has a middle
    share = np.mean(box_mean(shadow.astype(np.float32), inside) > ALL)
    if share >= LEAST_SHADOW and not soft_only:
        return True
    if share < LEAST_SOFT_SHADOW:
        return False
    steps = -eroded(-soft, STEP_WINDOW) - eroded(soft, STEP_WINDOW)
    away = shadow & ~dilated(~strokes.clean)  # no step there is towards ink
    return steepness(soft, steps, away) < SOFTER_THAN_INK * steepness(soft, steps, ~strokes.clean)


def steepness(soft: np.ndarray, steps: np.ndarray, where: np.ndarray) -> float:
    """The steepest step at some pixels, (H, W) bool, as a share of how much darker they are than the paper: about 1 at
    a sharp edge, less at a soft one. 1 as well where there are no such pixels.

    steps: (H, W) float32, how much grey levels differ around each pixel.
    """
    if not where.any():
        return 1.0
    depth = float(median(soft) - np.quantile(soft[where], 1 - STEEPEST))
    return float(np.quantile(steps[where], STEEPEST)) / max(depth, 1e-6)


def is_pen(ink: np.ndarray) -> bool:
    """Whether a dark tone (H, W) bool covers as little as a pen's strokes do, is as narrow, and lies in the middle."""
    if not LEAST_INK < ink.mean() < MOST_INK:
        return False
    height, width = ink.shape
    y, x = round(RIM * height), round(RIM * width)
    if ink[y : height - y, x : width - x].sum() < MOSTLY_INSIDE * ink.sum():
        return False
    return stroke_width(ink.astype(np.float32)) <= WIDEST_PEN * min(ink.shape)


class Tones(NamedTuple):
    """The mean levels of three tones, which are ink, paper in shadow and lit paper if the picture has them; and the
    levels between ink and shadow, and between shadow and lit paper.
    """

    ink: float
    shadow: float
    lit: float
    ink_top: float
    shadow_top: float


def three_tones(soft: np.ndarray) -> Tones | None:
    """The three tones of grey levels, an array of any shape; None if there are none, or all are of one tone."""
    if not soft.size or np.ptp(soft) <= max(FAINTEST_SHADOW * soft.max(), ONE_LEVEL):
        return None
    counts, edges = np.histogram(soft, LEVELS)
    middles = (edges[:-1] + edges[1:]) / 2
    low, high = three_classes(counts, middles)
    parts = (slice(low), slice(low, high), slice(high, LEVELS))
    ink, shadow, lit = (float((counts * middles)[part].sum() / max(counts[part].sum(), 1)) for part in parts)
    return Tones(ink, shadow, lit, float(edges[low]), float(edges[high]))
