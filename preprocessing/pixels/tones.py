"""What the levels of a picture tell: its classes of tones, its border, its noise.

    last = two_classes(counts, levels)             # bins up to `last` are one class, the bins after it the other
    low, high = three_classes(counts, levels)      # bins [:low], [low:high] and [high:]

The means of the classes lie as far apart as can be (Otsu 1979, "A Threshold Selection Method from Gray-Level
Histograms").
"""

from __future__ import annotations

import numpy as np

# Standard deviation of normal noise over the median of its absolute values, which ink and edges hardly change.
DEVIATION_OF_MEDIAN = 1.4826
# The dark and the light tone of a picture are these quantiles of its levels: noise and glare lie farther out.
TONE_QUANTILES = 0.1, 0.9


def border(pixels: np.ndarray) -> np.ndarray:
    """The outermost pixels of (H, W) or (H, W, channels), (2 W + 2 H) or (2 W + 2 H, channels)."""
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def median(values: np.ndarray) -> np.floating:
    """The median of floats, of any shape but not empty, none of them NaN. It has the bits of np.median, and of a
    picture's pixels it takes a tenth of the time: NumPy partitions at one place much faster than at two or three.
    """
    middle = values.size // 2
    parted = np.partition(values, middle, axis=None)
    if values.size % 2:
        return parted[middle]
    return np.mean(np.array([parted[:middle].max(), parted[middle]]))


def deviation_of(noise: np.ndarray) -> float:
    """The standard deviation of normal noise around 0, of any shape but not empty, with some outliers."""
    return DEVIATION_OF_MEDIAN * float(median(np.abs(noise)))


def two_classes(counts: np.ndarray, levels: np.ndarray) -> int:
    """The pixels in each bin and the bins' levels, (n,) each -> the last bin of the first class; 0 if all pixels are in
    one bin.
    """
    below, sums = counts.cumsum(), (counts * levels).cumsum()
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return int(np.nan_to_num(apart).argmax())


def three_classes(counts: np.ndarray, levels: np.ndarray) -> tuple[int, int]:
    """The pixels in each bin and the bins' levels, (n,) each -> the first bins of the second and of the third class."""
    n = len(counts)
    pixels = np.concatenate([[0], counts.cumsum()]).astype(np.float64)
    sums = np.concatenate([[0], (counts * levels).cumsum()])

    def spread(first: np.ndarray, last: np.ndarray) -> np.ndarray:
        return (sums[last] - sums[first]) ** 2 / np.maximum(pixels[last] - pixels[first], 1)

    low, high = np.triu_indices(n + 1, 1)
    inner = (low > 0) & (high < n)
    low, high = low[inner], high[inner]
    zero, end = np.zeros_like(low), np.full_like(low, n)
    best = int((spread(zero, low) + spread(low, high) + spread(high, end)).argmax())
    return int(low[best]), int(high[best])
