"""Greyscale morphology along columns: the largest and the smallest value within a window, and openings."""

from __future__ import annotations

import numpy as np


def running(function: np.ufunc, array: np.ndarray, window: int) -> np.ndarray:
    """The largest (np.maximum) or smallest (np.minimum) within `window` rows around each row; what lies outside the
    array never wins.

    The window is doubled until it is wide enough, which takes log2(window) passes. The method of van Herk (1992) needs
    as many passes at these sizes.
    """
    before = window // 2
    empty = -np.inf if function is np.maximum else np.inf
    padded = np.pad(array, ((before, window - 1 - before), (0, 0)), constant_values=empty)
    reach = 1
    while reach < window:
        step = min(reach, window - reach)
        padded = function(padded[:-step], padded[step:])
        reach += step
    return padded


def opened(darkness: np.ndarray, window: int) -> np.ndarray:
    """The darkness without everything that is less than `window` rows high; outside the picture is paper."""
    padded = np.pad(darkness, ((window, window), (0, 0)))
    eroded = running(np.minimum, padded, window)
    return running(np.maximum, eroded[::-1], window)[::-1][window:-window]
