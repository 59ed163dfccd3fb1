"""Paper in the place of all that lies around a sheet: as light as beside it, and of its grain, for the noise of the
paper is measured later.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from preprocessing.pixels.morphology import dilated, mean_of
from preprocessing.pixels.tones import deviation_of, median

# The paper beyond the sheet's edge is the mean of the nearest paper, within so many pixels and up to 2, 4, 8 ... times
# as many where there is none.
NEAREST = 9
# The side of the square of grain that is laid over the paper beyond the sheet, again and again.
GRAIN_SIDE = 256
# The grain is measured in so many rows of the picture.
GRAIN_ROWS = 64


def with_paper_beyond(picture: Image.Image, levels: np.ndarray, paper: np.ndarray, sheet: np.ndarray) -> Image.Image:
    """The picture in L or RGB with paper beyond the edges of the sheet.

    levels: of a smaller picture, (H, W, channels) 0 to 255. sheet, paper: where the sheet lies in it, and where that is
        blank, (H, W) bool.
    """
    spread = [
        np.clip(np.rint(nearest_level(view, paper)), 0, 255).astype(np.uint8) for view in levels.transpose(2, 0, 1)
    ]
    beyond = Image.merge(picture.mode, [Image.fromarray(level) for level in spread])
    beyond = beyond.resize(picture.size, Image.Resampling.BILINEAR)
    inner = Image.fromarray(np.where(dilated(~sheet), 0, 255).astype(np.uint8))
    inner = inner.resize(picture.size, Image.Resampling.BILINEAR).point([0] * 255 + [255])
    return Image.composite(picture, with_grain(beyond, grain_of(picture, inner)), inner)


def grain_of(picture: Image.Image, paper: Image.Image) -> float:
    """The deviation of the noise of the paper, L, 255 for paper."""
    rows = max(picture.height // GRAIN_ROWS, 1)
    grey, inside = (np.asarray(image)[::rows].astype(np.int16) for image in (picture.convert("L"), paper))
    apart = np.diff(grey, axis=1)[(inside[:, 1:] > 0) & (inside[:, :-1] > 0)]
    return deviation_of(apart) / 2**0.5 if apart.size else 0.0


def with_grain(picture: Image.Image, deviation: float) -> Image.Image:
    """The picture in L or RGB with grain of this deviation, the same in all channels."""
    grain = np.rint(deviation * np.random.default_rng(0).standard_normal((GRAIN_SIDE, GRAIN_SIDE))).astype(np.int16)
    times = -(-picture.height // GRAIN_SIDE), -(-picture.width // GRAIN_SIDE)
    grain = np.tile(grain, times)[: picture.height, : picture.width]
    levels = np.asarray(picture).astype(np.int16)
    levels += grain if levels.ndim == 2 else grain[..., None]
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))


def nearest_level(view: np.ndarray, paper: np.ndarray) -> np.ndarray:
    """The mean level of the nearest paper (H, W) bool for each pixel of (H, W)."""
    level, window = np.full_like(view, median(view[paper])), 2 * max(view.shape) + 1
    while window > NEAREST:
        window = 2 * (window // 4) + 1
        level = mean_of(paper, view, window, level)
    return level
