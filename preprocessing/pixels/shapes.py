"""Shapes: what is straight, what fills a quadrilateral, and how much of its extent a piece of ink fills."""

from __future__ import annotations

import math

import numpy as np

# Edges are tried at so many angles: a corner then is wrong by 1.3 % of a side at most.
ANGLES = 120
# A quadrilateral has so many edges.
CORNERS = 4
# What is straight is so along at least this share: a digit may stand out over a side, and lines may be broken.
STRAIGHT_SIDE = 0.8
# A dot or a straight stroke fills at least this share of its extent; the strokes of a small digit turn.
SOLID = 0.75
# The variance of a pixel's width, in pixels: that of a uniform distribution.
PIXEL_VARIANCE = 1 / 12


def slope_of(heights: np.ndarray) -> float:
    """How much these heights (n,), one for each column, rise from column to column."""
    half = len(heights) // 2
    return float(np.median(heights[half : 2 * half] - heights[:half]) / half)


def is_straight(heights: np.ndarray, slope: float, room: float) -> bool:
    """Whether most of these heights (n,) lie along a line of this slope, no farther from it than `room`."""
    level = heights - slope * np.arange(len(heights))
    return bool(np.mean(np.abs(level - np.median(level)) <= room) >= STRAIGHT_SIDE)


def half_planes(shape: tuple[int, int]) -> np.ndarray:
    """How far each pixel of a picture (H, W) lies out in each direction, (ANGLES, H * W)."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    angle = np.linspace(0, 2 * np.pi, ANGLES, endpoint=False, dtype=np.float32)[:, None]
    return np.cos(angle) * x.ravel() + np.sin(angle) * y.ravel()


def quadrilateral(piece: np.ndarray, planes: np.ndarray) -> np.ndarray:
    """Where a small quadrilateral around a piece (H, W) bool lies in the picture: one edge after the other cuts off as
    much as it can. planes: as `half_planes` gives them.
    """
    beyond = planes > planes[:, piece.ravel()].max(axis=1, keepdims=True)
    inside = np.ones(piece.size, bool)
    for _ in range(CORNERS):
        inside &= ~beyond[int(np.count_nonzero(beyond[:, inside], axis=1).argmax())]
    return inside.reshape(piece.shape)


def filled(piece: np.ndarray) -> np.ndarray:
    """The piece (H, W) bool with all that lies between parts of it, both in its row and in its column."""
    return filled_columns(piece) & filled_columns(piece.T).T


def filled_columns(mask: np.ndarray) -> np.ndarray:
    """All pixels of (H, W) bool from the first True to the last one in each column."""
    after = np.logical_or.accumulate(mask, axis=0)
    return after & np.logical_or.accumulate(mask[::-1], axis=0)[::-1]


def solidity(ink: np.ndarray) -> float:
    """How much of its extent a piece of ink (H, W) in [0, 1] fills: about 1 for a dot or a straight bar at any angle,
    less for strokes that turn; 0.0 without ink. The extent is that of a rectangle with the same second moments.
    """
    xx, yy, xy = second_moments(ink)
    xx, yy = xx + PIXEL_VARIANCE, yy + PIXEL_VARIANCE  # a pixel has an extent of its own
    return float(ink.sum()) / (12 * math.sqrt(max(xx * yy - xy * xy, 1e-9)))


def second_moments(ink: np.ndarray) -> tuple[float, float, float]:
    """The variances of the columns and of the rows of ink (H, W) in [0, 1], and their covariance, in pixels; 0.0 each
    without ink.
    """
    total = max(float(ink.sum()), 1e-6)
    y, x = (np.arange(side, dtype=np.float32) for side in ink.shape)
    columns, rows = ink.sum(axis=0) / total, ink.sum(axis=1) / total
    x, y = x - columns @ x, y - rows @ y
    return float(columns @ x**2), float(rows @ y**2), float(y @ ink @ x) / total
