"""Windows: hidden units that each see a square part of the picture instead of all of it.

    W = Windows(blocks)
    z = X @ W                            # (n, 784) -> (n, units)

A digit is told by its parts: a loop here, a foot there. A unit of the first layer that sees a window of 12 by 12 pixels
has a fifth of the weights of one that sees all 784, and learns its part from the same pictures sooner (LeCun et al.
1989, "Backpropagation Applied to Handwritten Zip Code Recognition", without their shared weights). The windows overlap
and together cover the digit; each has as many units as the others. With windows of 12 by 12 there are sixteen, and so
the shapes below say 16:

    blocks    (16, side * side, units / 16)      of joined members (members * 16, side * side, units / members / 16)
    W         (784, units)                       what the blocks stand for: zero outside a unit's window
"""

from __future__ import annotations

import math

import numpy as np

SIDE = 28  # pixels along an edge of the picture, MNIST's frame
# The windows together cover a square of so many pixels along an edge, in the picture's middle. A digit fills 20 and is
# centred by its mass: nearly all of its ink lies here.
COVERED = 24
STEP = 4  # pixels from one window to the next
SIDES = range(2 * STEP, COVERED, STEP)  # along an edge of a window: so they overlap, and there are several


class Windows:
    """A matrix of weights, zero outside each unit's window. `T` is what takes gradients and evidence back to pixels.

    `__array_ufunc__ = None` makes NumPy leave `X @ matrix` to the matrix.
    """

    __array_ufunc__ = None

    def __init__(self, blocks: np.ndarray) -> None:
        self.blocks = blocks
        self.side = math.isqrt(blocks.shape[1])

    @property
    def T(self) -> Transposed:
        return Transposed(self)

    def __rmatmul__(self, X: np.ndarray) -> np.ndarray:
        """X (n, 784) -> X @ W (n, units)."""
        members = self.blocks.reshape(-1, count(self.side), *self.blocks.shape[1:])
        z = cut(X, self.side) @ members  # (16, n, pixels) @ (members, 16, pixels, units) -> (members, 16, n, units)
        return z.transpose(2, 0, 1, 3).reshape(len(X), self.blocks.shape[0] * self.blocks.shape[2])


class Transposed:
    """W.T (units, 784)."""

    __array_ufunc__ = None

    def __init__(self, matrix: Windows) -> None:
        self.blocks, self.side = matrix.blocks, matrix.side

    def __rmatmul__(self, delta: np.ndarray) -> np.ndarray:
        """delta (n, units) -> delta @ W.T (n, 784)."""
        parts = per_window(delta, self.blocks) @ self.blocks.swapaxes(1, 2)  # (members * 16, n, pixels)
        return paste(parts.reshape(-1, count(self.side), *parts.shape[1:]).sum(axis=0), self.side)

    def __getitem__(self, units: np.ndarray) -> np.ndarray:
        """(k,) numbers of units -> their weights to all pixels, (k, 784)."""
        block, column = np.divmod(units, self.blocks.shape[2])
        parts = np.zeros((count(self.side), len(units), self.side**2), self.blocks.dtype)
        parts[block % len(parts), np.arange(len(units))] = self.blocks[block, :, column]
        return paste(parts, self.side)


def cut(X: np.ndarray, side: int) -> np.ndarray:
    """Pictures (n, 784) -> what each window sees of them, (16, n, side * side)."""
    seen = np.empty((count(side), len(X), side, side), X.dtype)
    for part, place in zip(seen, places(side), strict=True):
        part[...] = X.reshape(-1, SIDE, SIDE)[place]
    return seen.reshape(len(seen), len(X), side * side)


def paste(parts: np.ndarray, side: int) -> np.ndarray:
    """What `cut` makes of pictures back at its place, (16, n, side * side) -> (n, 784). Windows that overlap add up."""
    X = np.zeros((parts.shape[1], SIDE, SIDE), parts.dtype)
    for part, place in zip(parts, places(side), strict=True):
        X[place] += part.reshape(-1, side, side)
    return X.reshape(len(X), SIDE * SIDE)


def places(side: int) -> list[tuple[slice, slice, slice]]:
    """Where the windows lie in pictures (n, 28, 28), row by row."""
    first, last = (SIDE - COVERED) // 2, (SIDE + COVERED) // 2 - side
    along = [slice(start, start + side) for start in range(first, last + 1, STEP)]
    return [(slice(None), rows, columns) for rows in along for columns in along]


def count(side: int) -> int:
    """The number of windows with `side` pixels along an edge."""
    return len(places(side))


def per_window(rows: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """A view of (n, units) as (blocks, n, units of each)."""
    return rows.reshape(len(rows), len(blocks), blocks.shape[2]).swapaxes(0, 1)
