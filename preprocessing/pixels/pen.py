"""The pen: how wide its strokes are, and how dark its ink is."""

from __future__ import annotations

import numpy as np

from preprocessing.pixels.morphology import with_margin
from preprocessing.pixels.tones import median

# Paper is wider than this many strokes. Joints of strokes are wider than a stroke, but narrower than this.
STROKES_WIDE = 3.0
# One pen drew two strokes if one is as thick as the other to within this factor.
SAME_PEN = 2.0
# On a small picture the tone of ink is this quantile of its pixels: most others lie on blurred edges.
INK_TONE_QUANTILE = 0.7
# Full ink is this quantile of all that may be ink: a few pixels, where strokes cross, are darker still.
DARK_QUANTILE = 0.9


def stroke_width(ink: np.ndarray) -> float:
    """Mean width of the strokes of ink (H, W) float32 in [0, 1], in pixels; 0.0 without ink. A long stroke of width w
    and length l has area w l and perimeter 2 l.

    The perimeter of antialiased ink is the sum of its gradient's length.
    """
    padded = with_margin(ink, 1)
    right = padded[:-1, 1:] - padded[:-1, :-1]
    down = padded[1:, :-1] - padded[:-1, :-1]
    perimeter = float(np.sqrt(right * right + down * down).sum())
    return 2 * float(ink.sum()) / perimeter if perimeter else 0.0


def ink_level(strokes: np.ndarray) -> float:
    """The typical darkness of ink, from the darkness (n,) above 0 of all pixels that may be ink; 0.0
    without any.

    Of these pixels, the rims of strokes and faint stains are lighter than half of full ink: they do not count.
    """
    if not strokes.size:
        return 0.0
    dark = float(np.quantile(strokes, DARK_QUANTILE))
    return float(median(strokes[strokes > dark / 2]))
