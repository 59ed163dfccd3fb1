"""Where a histogram falls into classes whose means lie as far apart as can be (Otsu 1979, "A Threshold Selection Method
from Gray-Level Histograms").

    last = two_classes(counts, levels)             # bins up to `last` are one class, the bins after it the other
    low, high = three_classes(counts, levels)      # bins [:low], [low:high] and [high:]
"""

from __future__ import annotations

import numpy as np


def two_classes(counts: np.ndarray, levels: np.ndarray) -> int:
    """The pixels in each bin and the bins' levels, (n,) each -> the last bin of the first class; 0 if there is one."""
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
