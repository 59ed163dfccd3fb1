"""The light on the paper: how much darker than the paper beside it each pixel is, and what of that is ink.

darkness, noise = local_darkness(grey)         # light that falls off, shadows, another sheet
darkness, noise = darkness_against(paper_level, grey)
ink = coverage(darkness, noise)                # 0 paper, 1 full ink
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from preprocessing.light.shadow import paper_in_shadow
from preprocessing.pixels.morphology import blurred, closed, eroded
from preprocessing.pixels.pen import STROKES_WIDE, stroke_width
from preprocessing.pixels.tones import TONE_QUANTILES, deviation_of, median, two_classes

# Strokes take at least this share of the paper's light away; JPEG noise and paper grain stay below it.
FAINTEST_INK = 0.06
# Strokes are darker than the paper by at least this many times the noise that is left on the paper.
INK_TO_NOISE = 6.0
# A pixel is paper below this many times the noise: of normal noise, one pixel in 740 lies above.
PAPER_TO_NOISE = 3.0
# However noisy the paper is, none of it counts as darker than this share of full ink.
DARKEST_NOISE = 0.5
# From this quantile of the strokes' darkness on a pixel is full ink: the antialiased edges of strokes lie below it.
FULL_INK_QUANTILE = 0.6
# The darkness of ink is this quantile of the strokes' darkness. The few pixels above are crossings of strokes, or where
# a pencil pressed harder.
DARK_INK_QUANTILE = 0.9
# Strokes are dark from this share of the ink's darkness on. Where full ink is fainter, most of what was found is stains
# or rules, and does not count.
DARK_STROKE = 0.5
# The darkest paper, as a share of the full range, that darkness is divided by: one level of 255.
BLACKEST_PAPER = 1 / 255
# Darkness on even paper, which lies in no shadow, is divided by no less than this share of the full range. With less a
# single level beside black paper, or beside white paper after inversion, would be full ink.
DIMMEST_EVEN_PAPER = 0.5
# Paper in a shadow has at least this share of the light that it has elsewhere.
DARKEST_PAPER = 0.45
# The paper's brightness is a smooth surface, fitted on a smaller picture. Its longer side has at least this many pixels
# and fewer than twice as many.
SURFACE_SIDE = 40
# The weights of the fit settle within this many rounds.
SURFACE_ROUNDS = 6
# Dark ink is left out of the fit from the start where it is darker than the median by this share of the full range.
PLAINLY_DARK = 0.1
# A pixel counts for nothing if it lies this many medians of the absolute residuals off the surface: three standard
# deviations of normal noise.
BIWEIGHT_CUTOFF = 4.5
# The cutoff is at least this share of the full range: on perfectly smooth paper it would be 0.
LEAST_CUTOFF = 0.03
# Pixels with at least this weight are paper, whose residuals are measured.
PAPER_WEIGHT = 0.1
# The weights are at least this on the average. With less no surface fits, and the median is the paper's brightness.
LEAST_FITTED = 0.05
# A stroke is no wider than this share of the picture's longer side.
WIDEST_STROKE = 0.35
# Where more than this share of the picture is dark, the pen is thick and fills the loops of a small digit.
MUCH_INK = 0.3
# Such a blot is no wider than this share of the picture's longer side.
WIDEST_BLOT = 0.75
# Paper is wider than this share of the picture's longer side, however thin the strokes are.
NARROWEST_WINDOW = 0.06
# Paper is wider than this many pixels in any picture: a window has a middle and two sides.
SMALLEST_WINDOW = 3
# Strokes are measured between these shares of their darkness: below lies what is left of shadows.
STROKE_EDGE = 0.25, 0.75
# A pixel lies on the smooth surface of the light if it differs from it by less than this share: grain does.
ON_SLOPE = 0.1
# The light falls off along that surface if more than this share of the picture lies on it.
MOSTLY_PAPER = 0.6
# The edge of a shadow is this many pixels wide on the reduced picture.
EDGE_WIDTH = 5
# A step in the paper's level that is smaller than this share is its grain, not the edge of a shadow.
SMALL_STEP = 0.04
# Noise is told by a histogram of darkness with this many bins: one is 0.01 of the full range, less than most noise.
NOISE_BINS = 128
# The histogram begins below 0, because some paper is lighter than the rest, by glare as well; 1 is black.
NOISE_RANGE = -0.3, 1.0
# Ink and paper are two classes if their means lie so many deviations of the paper apart: halves of one class do not.
PLAINLY_APART = 6.0
# The median of a picture is not that of its paper if it is darker than this: paper is 0, up to a slope of light.
NOT_PAPER = 0.3
# The deviation of the paper counts as at least this share of the full range: a scan's may be 0.
LEAST_DEVIATION = 0.005


def local_darkness(grey: np.ndarray, blots: bool = True) -> tuple[np.ndarray, float]:
    """How much darker than the paper beside it each pixel is, and the noise that is left on the paper.

    Args:
        grey: (H, W) float32 levels in [0, 1], ink dark.
        blots: whether what is dark and wide may be ink.

    Returns:
        Darkness (H, W) float32, 0 for paper and 1 for black, below 0 where the paper is lighter than usual; and the
        standard deviation of its noise.

    The paper is what is wider than a stroke: a morphological closing, with a window of some stroke widths. It follows
    light that falls off, the soft and the hard edges of shadows, and another sheet.
    """
    # at the edge of the picture a closing would take the dark end of a slope for a stroke
    slope = paper_surface(grey)
    if np.mean(np.abs(grey - slope) < ON_SLOPE * slope) > MOSTLY_PAPER:
        grey = grey / np.maximum(slope, DARKEST_PAPER * float(median(slope)))
    soft = blurred(grey)
    if (shaded := paper_in_shadow(soft)) is not None:
        return darkness_against(shaded, grey)
    side = max(grey.shape)
    low, high = np.quantile(soft, TONE_QUANTILES)
    filled = blots and np.mean(soft < (low + high) / 2) > MUCH_INK
    window = max(round((WIDEST_BLOT if filled else WIDEST_STROKE) * side), SMALLEST_WINDOW)
    darkness, noise = darkness_against(closed(soft, window), grey)
    strokes = darkness[darkness > max(FAINTEST_INK, INK_TO_NOISE * noise)]
    if strokes.size:
        dark = darkness / max(float(np.quantile(strokes, DARK_INK_QUANTILE)), 1e-6)
        start, end = STROKE_EDGE
        width = stroke_width(np.clip((dark - start) / (end - start), 0, 1))
        narrower = max(round(STROKES_WIDE * width), round(NARROWEST_WINDOW * side), SMALLEST_WINDOW)
        if narrower < window:
            darkness, noise = darkness_against(closed(soft, narrower), grey)
    return darkness, noise


def darkness_against(paper_level: np.ndarray, grey: np.ndarray) -> tuple[np.ndarray, float]:
    """Levels of the paper and of the picture, (H, W) float32 in [0, 1] -> how much darker than the paper each pixel is,
    as a share of the paper's level, and the noise of the paper; as `local_darkness` gives them.
    """
    # what is much darker than the paper elsewhere is a table or a deep shadow: its grain is not to be taken for ink
    darkness = (paper_level - grey) / np.maximum(
        paper_level, np.float32(DARKEST_PAPER * median(paper_level) + BLACKEST_PAPER)
    )
    offset, noise = paper_noise(darkness)
    darkness -= np.float32(offset)
    # along the edge of a shadow, a sheet or a tinted field the paper may be as dark as on the darker side
    step = paper_level - eroded(paper_level, EDGE_WIDTH)
    unsure = np.maximum(step / np.maximum(paper_level, np.float32(BLACKEST_PAPER)) - SMALL_STEP, 0)
    return np.where(darkness > 0, np.maximum(darkness - unsure, 0), darkness), noise


def paper_noise(darkness: np.ndarray) -> tuple[float, float]:
    """Darkness (H, W) float32 -> the paper's median and the standard deviation of its noise.

    Where ink and paper are plainly two classes, only the paper's pixels count: the median over all would be
    ink's where ink covers half of the picture. The same holds where most of the picture is much darker than paper.
    """
    values = darkness.ravel()
    counts, edges = np.histogram(values, NOISE_BINS, NOISE_RANGE)
    middles = (edges[:-1] + edges[1:]) / 2
    everything = center_and_deviation(values)
    if counts.any():
        last = two_classes(counts, middles)
        low = values[values <= edges[last + 1]]
        high_mean = (counts * middles)[last + 1 :].sum() / max(counts[last + 1 :].sum(), 1)
        if low.size:
            offset, deviation = center_and_deviation(low)
            apart = high_mean - offset > PLAINLY_APART * max(deviation, LEAST_DEVIATION)
            if apart or everything[0] > NOT_PAPER:
                return offset, deviation
    return everything


def center_and_deviation(values: np.ndarray) -> tuple[float, float]:
    """The median of values (n,) float32, and the standard deviation of those around it."""
    center = float(median(values))
    return center, deviation_of(values - center)


def coverage(darkness: np.ndarray, noise: float | None = None) -> np.ndarray:
    """Darkness (H, W) float32, 0 paper and 1 black -> ink coverage in [0, 1]: full strokes 1, paper exactly 0.

    noise: the standard deviation of the paper's darkness; it is measured if it is not given.
    """
    if noise is None:
        noise = 0.0  # a drawing pad has none, which is told faster than measured
        if 2 * np.count_nonzero(darkness) > darkness.size:
            noise = paper_noise(darkness)[1]
    faintest = max(FAINTEST_INK, INK_TO_NOISE * noise)
    strokes = darkness[darkness > faintest]
    if not strokes.size:
        return np.zeros_like(darkness)
    full, dark = map(float, np.quantile(strokes, [FULL_INK_QUANTILE, DARK_INK_QUANTILE]))
    if full < DARK_STROKE * dark:
        full = float(np.quantile(strokes[strokes > DARK_STROKE * dark], FULL_INK_QUANTILE))
    empty = min(PAPER_TO_NOISE * noise, DARKEST_NOISE * full)
    return np.clip((darkness - empty) / (full - empty), 0, 1)


def paper_surface(grey: np.ndarray, dark_ink: bool = True) -> np.ndarray:
    """The brightness that the paper alone would have, (H, W) float32: a quadratic surface through the pixels of `grey`
    (H, W) float32 in [0, 1] that are paper.

    Least squares with weights that fade for pixels below the surface (iteratively reweighted, Tukey's biweight), on a
    reduced picture. Ink is left out by the weights, light that falls off or comes from the side is followed. Where ink
    is known to be dark, dark pixels are left out from the start.
    """
    small = Image.fromarray(grey).reduce(max(1, max(grey.shape) // SURFACE_SIDE))
    levels = np.asarray(small).ravel()
    basis = surface_basis(*small.size[::-1])
    weights = (levels > median(levels) - (PLAINLY_DARK if dark_ink else 1)).astype(np.float32)
    for _ in range(SURFACE_ROUNDS):
        weighted = basis * weights[:, None]
        coefficients = np.linalg.lstsq(weighted.T @ basis, weighted.T @ levels, rcond=None)[0]
        residual = levels - basis @ coefficients
        usual = float(median(np.abs(residual[weights > PAPER_WEIGHT])))
        cutoff = max(BIWEIGHT_CUTOFF * usual, LEAST_CUTOFF)
        weights = np.maximum(1 - (residual / cutoff) ** 2, 0) ** 2
        if weights.sum() < LEAST_FITTED * len(levels):
            return np.full(grey.shape, median(levels), np.float32)
    return (surface_basis(*grey.shape) @ coefficients).reshape(grey.shape).astype(np.float32)


def surface_basis(height: int, width: int) -> np.ndarray:
    """(height * width, 6): 1, x, y, x^2, x y, y^2 at each pixel's centre, x and y from -1 to 1."""
    y = np.repeat((np.arange(height, dtype=np.float32) + 0.5) * 2 / height - 1, width)
    x = np.tile((np.arange(width, dtype=np.float32) + 0.5) * 2 / width - 1, height)
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
