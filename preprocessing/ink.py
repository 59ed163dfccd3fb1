"""A picture -> its ink: how much of each pixel is covered by pen, whatever the colours, the light and the noise."""

from __future__ import annotations

import numpy as np
from PIL import Image

# Strokes must stand out from the paper by this share of the full range; JPEG noise and paper grain stay below it.
FAINTEST_INK = 0.06
# ... and by this many times the noise that is left on the paper.
INK_TO_NOISE = 6.0
# Below this many times the noise a pixel is paper; above this quantile of the strokes' darkness it is full ink (the
# antialiased edges lie below, a few darker pixels where strokes cross or a pencil pressed harder above).
PAPER_TO_NOISE = 3.0
FULL_INK_QUANTILE = 0.6
DEVIATION_OF_MEDIAN = 1.4826  # standard deviation over median absolute deviation, for normal noise
# The paper's brightness is a smooth surface, fitted on a picture of about this many pixels along its longer side.
SURFACE_SIDE = 40
SURFACE_ROUNDS = 6
# A border whose levels differ by no more than this is a drawing pad or a scan: its paper needs no fitting.
EVEN_PAPER = 4
# Share of the pixels, the most different from the paper, whose mean colour is taken for the ink's: fewer than any
# digit covers, enough to outvote single noisy pixels.
INK_SHARE = 0.01


def find_ink(picture: Image.Image) -> np.ndarray:
    """RGB picture -> ink coverage (H, W) float32 in [0, 1]; all zeros when nothing stands out from the paper."""
    grey, even_paper = one_channel(picture)
    paper = paper_surface(grey) if even_paper is None else even_paper
    # dark ink takes a share of the paper's light: dividing by the paper undoes shadows
    darkness = 1 - grey / np.maximum(paper, 1 / 255)
    return coverage(darkness)


def one_channel(picture: Image.Image) -> tuple[np.ndarray, float | None]:
    """RGB picture -> grey levels (H, W) float32 in [0, 1] in which ink is dark and paper light, and the paper's level
    if it is even (else None).

    Each colour channel counts as much as ink and paper differ in it, so that yellow on white is as plain as black on
    white; the paper is what the picture's border shows, and a picture of light ink on dark paper is inverted.
    """
    pixels = np.asarray(picture)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    paper = np.median(border, axis=0).astype(np.float32)
    difference = pixels.reshape(-1, 3) - paper
    distance = np.abs(difference).max(axis=1)
    most = max(int(len(distance) * INK_SHARE), 1)
    ink = difference[np.argpartition(distance, -most)[-most:]].mean(axis=0)
    sign = 1 if ink.sum() > 0 else -1  # light ink or dark ink
    weights = np.maximum(ink * sign, 0)
    weights /= max(weights.sum(), 1e-6)
    level = float(paper @ weights) / 255
    grey = (difference @ weights).reshape(pixels.shape[:2]) / np.float32(255) + np.float32(level)
    if sign > 0:
        grey, level = 1 - grey, 1 - level
    even = np.quantile(np.abs(border - paper).max(axis=1), 0.5) <= EVEN_PAPER
    return grey, level if even else None


def paper_surface(grey: np.ndarray) -> np.ndarray:
    """The brightness that the paper alone would have, (H, W): a quadratic surface through the pixels that are paper.

    Least squares with weights that fade for pixels below the surface (iteratively reweighted, Tukey's biweight), on a
    reduced picture. Ink is left out by the weights, light that falls off or comes from the side is followed.
    """
    small = Image.fromarray(grey).reduce(max(1, max(grey.shape) // SURFACE_SIDE))
    levels = np.asarray(small).ravel()
    basis = surface_basis(*small.size[::-1])
    weights = (levels > np.median(levels) - 0.1).astype(np.float32)
    for _ in range(SURFACE_ROUNDS):
        weighted = basis * weights[:, None]
        coefficients = np.linalg.lstsq(weighted.T @ basis, weighted.T @ levels, rcond=None)[0]
        residual = levels - basis @ coefficients
        width = max(4.5 * float(np.median(np.abs(residual[weights > 0.1]))), 0.03)
        weights = np.maximum(1 - (residual / width) ** 2, 0) ** 2
        if weights.sum() < 0.05 * len(levels):
            return np.full(grey.shape, np.median(levels), np.float32)
    return (surface_basis(*grey.shape) @ coefficients).reshape(grey.shape).astype(np.float32)


def surface_basis(height: int, width: int) -> np.ndarray:
    """(height * width, 6): 1, x, y, x^2, x y, y^2 at each pixel's centre, x and y from -1 to 1."""
    y = np.repeat((np.arange(height, dtype=np.float32) + 0.5) * 2 / height - 1, width)
    x = np.tile((np.arange(width, dtype=np.float32) + 0.5) * 2 / width - 1, height)
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)


def coverage(darkness: np.ndarray) -> np.ndarray:
    """How much darker than paper (0 paper, 1 black) -> ink coverage in [0, 1]: full strokes 1, paper exactly 0."""
    noise = DEVIATION_OF_MEDIAN * float(np.median(np.abs(darkness)))  # of the paper, which most of a picture is
    faintest = max(FAINTEST_INK, INK_TO_NOISE * noise)
    strokes = darkness[darkness > faintest]
    if not strokes.size:
        return np.zeros_like(darkness)
    full = float(np.quantile(strokes, FULL_INK_QUANTILE))
    empty = min(PAPER_TO_NOISE * noise, full / 2)
    return np.clip((darkness - empty) / (full - empty), 0, 1)
