"""Morphology and means: each pixel becomes the largest, the smallest or the mean of a window around it."""

from __future__ import annotations

import numpy as np

# Where less than this share of a window is to be averaged, there is nothing to average but rounding errors.
EMPTY_WINDOW = 1e-3


def with_margin(array: np.ndarray, width: int) -> np.ndarray:
    """(H, W) with `width` rows and columns of zeros around it. `np.pad` takes ten times as long for a small array."""
    height, across = array.shape
    out = np.zeros((height + 2 * width, across + 2 * width), array.dtype)
    out[width : width + height, width : width + across] = array
    return out


def running(function: np.ufunc, array: np.ndarray, window: int) -> np.ndarray:
    """The largest (np.maximum) or smallest (np.minimum) within `window` rows around each row of (H, W); what lies
    outside the array never wins.

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
    """The darkness (H, W) without everything that is less than `window` rows high; outside the picture is paper."""
    padded = np.pad(darkness, ((window, window), (0, 0)))
    eroded_rows = running(np.minimum, padded, window)
    return running(np.maximum, eroded_rows[::-1], window)[::-1][window:-window]


def closed(grey: np.ndarray, window: int) -> np.ndarray:
    """Morphological closing of grey levels (H, W): dark things narrower than the window vanish."""
    largest_there = running(np.maximum, running(np.maximum, grey, window).T, window)
    back = running(np.minimum, largest_there[::-1], window)[::-1].T
    return running(np.minimum, back[::-1], window)[::-1]


def closed_to_edge(grey: np.ndarray, window: int) -> np.ndarray:
    """Like `closed`, with the outermost pixels going on beyond the edge: what is dark there and runs out of the picture
    is as wide as can be, and stays.
    """
    return closed(np.pad(grey, window, mode="edge"), window)[window:-window, window:-window]


def eroded(levels: np.ndarray, window: int) -> np.ndarray:
    """The smallest of the `window` x `window` pixels around each of (H, W)."""
    return running(np.minimum, running(np.minimum, levels, window).T, window).T


def dilated(mask: np.ndarray) -> np.ndarray:
    """The pixels of (H, W) bool and their eight neighbours: a piece of ink and its antialiased edge."""
    padded = with_margin(mask, 1)
    rows = padded[:-2] | padded[1:-1] | padded[2:]
    return rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]


def grown(levels: np.ndarray, radius: float) -> np.ndarray:
    """Greyscale dilation of (H, W) uint8 by a disc; a radius between two whole numbers blends their results. What lies
    outside counts as 0.
    """
    height, width = levels.shape
    whole = int(radius)
    margin = whole + 1
    padded = with_margin(levels, margin)
    across = [padded[:, margin : margin + width]]  # the largest within 0, 1, 2... columns
    for reach in range(1, margin + 1):
        left, right = (padded[:, start : start + width] for start in (margin - reach, margin + reach))
        across.append(np.maximum(np.maximum(left, right), across[-1]))

    def by_whole(r: int) -> np.ndarray:
        out = across[r][margin : margin + height].copy()
        for dy in range(1, r + 1):
            reach = int((r * r - dy * dy) ** 0.5)
            for row in (margin - dy, margin + dy):
                np.maximum(out, across[reach][row : row + height], out=out)
        return out.astype(np.float32)

    smaller, larger = by_whole(whole), by_whole(whole + 1)
    return (smaller + (larger - smaller) * (radius - whole)).astype(np.uint8)


def blurred(grey: np.ndarray) -> np.ndarray:
    """The mean of the 3x3 pixels around each of (H, W) float32. `box_mean` takes wider windows, and longer."""
    padded = np.pad(grey, 1, mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9


def box_mean(levels: np.ndarray, window: int) -> np.ndarray:
    """The mean of the `window` x `window` pixels around each of (H, W), float32; `window` is odd."""
    for _ in range(2):
        padded = np.pad(levels, ((window // 2 + 1, window // 2), (0, 0)), mode="edge").cumsum(axis=0, dtype=np.float64)
        levels = ((padded[window:] - padded[:-window]) / window).T
    return levels.astype(np.float32)


def mean_of(mask: np.ndarray, levels: np.ndarray, window: int, otherwise: float) -> np.ndarray:
    """The mean of those of the `window` x `window` pixels around each of `levels` (H, W) float32 that are in `mask`
    (H, W) bool; `otherwise` where none are.
    """
    weight = box_mean(mask.astype(np.float32), window)
    mean = box_mean(np.where(mask, levels, 0), window) / np.maximum(weight, EMPTY_WINDOW)
    return np.where(weight > EMPTY_WINDOW, mean, np.float32(otherwise))
