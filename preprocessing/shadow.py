"""Paper that lies partly in the shadow of a hand, a phone or a corner: three tones, which are lit paper, paper in
shadow, and ink.

The light is no smooth surface there, and a finger's shadow may be little wider than a stroke. But the ink is plainly
darker than the shadow. So the ink is found by its tone, and all else is paper.
"""

from __future__ import annotations

import numpy as np

from preprocessing.components import stroke_width
from preprocessing.morphology import box_mean, dilated, mean_of
from preprocessing.tones import three_classes

# Tones are told apart by a histogram of this many levels between the picture's darkest and lightest: finer than the
# grain of paper.
LEVELS = 64
# The shadow takes at least this share of the paper's light. A fainter one is a slope of light, followed anyway.
FAINTEST_SHADOW = 0.1
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
# The paper under a stroke is the mean of the paper within this many stroke widths: the nearest that is surely clean.
BESIDE_STROKES = 2.0
# The paper under a stroke is looked for this many pixels farther out, past its blurred edges, which are not clean.
BESIDE_PIXELS = 2


def paper_in_shadow(soft: np.ndarray) -> np.ndarray | None:
    """The level of paper that lies partly in shadow, under the ink too; None where no shadow is plain to see.

    soft: grey levels (H, W) float32 in [0, 1], ink dark, blurred by a pixel or so against the grain. The result is like
        it.
    """
    tones = three_tones(soft)
    if tones is None:
        return None
    ink_top, shadow_top = tones
    ink = soft < ink_top
    if not is_pen(ink):  # the palm of a hand throws a deeper shadow than its fingers
        deeper = three_tones(soft[ink])
        if deeper is None or not is_pen(ink := soft < deeper[0]):
            return None
    width = stroke_width(ink.astype(np.float32))
    inside = 2 * int(np.ceil(WIDER_THAN_STROKES * width / 2)) + 1  # odd, so that it has a middle
    shadow = soft < shadow_top
    clean = ~dilated(dilated(ink))  # without the blurred edges of strokes
    wide = box_mean((shadow & clean).astype(np.float32), inside) > ALL
    if wide.mean() < LEAST_SHADOW:
        return None
    window = 2 * (int(np.ceil(BESIDE_STROKES * width)) + BESIDE_PIXELS) + 1
    beside = mean_of(clean, soft, window, float(np.median(soft)))
    return np.where(clean, soft, beside).astype(np.float32)


def is_pen(ink: np.ndarray) -> bool:
    """Whether a dark tone (H, W) bool covers as little as a pen's strokes do, is as narrow, and lies in the middle."""
    if not LEAST_INK < ink.mean() < MOST_INK:
        return False
    height, width = ink.shape
    y, x = round(RIM * height), round(RIM * width)
    if ink[y : height - y, x : width - x].sum() < MOSTLY_INSIDE * ink.sum():
        return False
    return stroke_width(ink.astype(np.float32)) <= WIDEST_PEN * min(ink.shape)


def three_tones(soft: np.ndarray) -> tuple[float, float] | None:
    """Grey levels, an array of any shape -> the levels between ink and shadow and between shadow and lit paper; None if
    there are no three plain tones.
    """
    if np.ptp(soft) <= FAINTEST_SHADOW * soft.max():
        return None
    counts, edges = np.histogram(soft, LEVELS)
    middles = (edges[:-1] + edges[1:]) / 2
    low, high = three_classes(counts, middles)
    parts = (slice(low), slice(low, high), slice(high, LEVELS))
    ink, shadow, lit = ((counts * middles)[part].sum() / max(counts[part].sum(), 1) for part in parts)
    if lit - shadow < FAINTEST_SHADOW * lit or shadow - ink < INK_IN_SHADOW * lit:
        return None
    return float(edges[low]), float(edges[high])
