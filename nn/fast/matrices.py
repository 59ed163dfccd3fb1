"""Matrices that take the place of W in `h @ W` and give the same products for less work.

    RowSparse      for one drawing, reads only the rows of W that meet ink or a unit that fired, from int8 if it can
    BlockDiagonal  weights between the hidden layers of joined members: blocks along the diagonal, zeros elsewhere
    InkWindows     the windows of windows.py: for one drawing, reads only the rows of their weights that meet ink

`__array_ufunc__ = None` makes NumPy leave `h @ matrix` to the matrix. `quicken` and `freeze` swap them into a network.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nn.mlp import MLP, PIXELS
from nn.windows import Windows, count, cut

# A single row h is multiplied by its non-zeros alone if they are fewer than this share of it. The rows of W that they
# meet are copied first: beyond a third of them that costs more than it saves.
FEW = 0.33
# The same share where the rows are copied from int8, a quarter of the bytes.
FEW_INT8 = 0.55
# Bytes of such copies at a time: they stay in the processor's second cache until they are multiplied.
GATHERED = 2**19


class RowSparse:
    """W (fan_in, fan_out). `rows` are the same numbers, perhaps as int8, where single rows are read.

    For a single row h the time goes into reading W from memory. A drawing is mostly paper, and relu switches most units
    off. The rows of W that meet a zero are not read, and an answer takes half the time or less.
    """

    __array_ufunc__ = None

    def __init__(self, W: np.ndarray, rows: np.ndarray) -> None:
        self.W, self.T, self.shape, self.rows = W, W.T, W.shape, rows
        self.few = FEW_INT8 if rows.dtype == np.int8 else FEW

    def __rmatmul__(self, h: np.ndarray) -> np.ndarray:
        """h (n, fan_in) -> h @ W (n, fan_out)."""
        if len(h) != 1:
            return h @ self.W
        (used,) = h[0].nonzero()
        if used.size >= self.few * h.size:
            return h @ self.W
        z = np.zeros((1, self.shape[1]), h.dtype)
        step = max(GATHERED // z.nbytes, 1)
        for start in range(0, len(used), step):
            some = used[start : start + step]
            z += h[0].take(some) @ self.rows.take(some, axis=0).astype(h.dtype, copy=False)
        return z


class BlockDiagonal:
    """A matrix with blocks of one shape along its diagonal and zeros elsewhere; a block is an array or a RowSparse."""

    __array_ufunc__ = None

    def __init__(self, blocks: Sequence[np.ndarray | RowSparse]) -> None:
        self.blocks = blocks

    @property
    def T(self) -> BlockDiagonal:
        return BlockDiagonal([block.T for block in self.blocks])

    def __rmatmul__(self, h: np.ndarray) -> np.ndarray:
        """h (n, fan_in) -> h @ matrix (n, fan_out)."""
        parts = h.reshape(len(h), len(self.blocks), -1).swapaxes(0, 1)  # each block's own units, (n, fan_in / blocks)
        return np.concatenate([part @ block for part, block in zip(parts, self.blocks, strict=True)], axis=1)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """(k,) numbers of rows -> these rows, (k, fan_out), of a matrix whose blocks are arrays."""
        height, width = self.blocks[0].shape
        found = np.zeros((len(rows), len(self.blocks), width), self.blocks[0].dtype)
        for i, (block, row) in enumerate(zip(*divmod(rows, height), strict=True)):
            found[i, block] = self.blocks[block][row]
        return found.reshape(len(rows), -1)


class InkWindows(Windows):
    """`rows` are the same numbers as the blocks, perhaps as int8, where a single picture's rows are read.

    A row holds the weights that lead from one pixel of one window to this window's units of all members. So the rows
    that meet ink are copied in one go, though each window multiplies its own.
    """

    def __init__(self, blocks: np.ndarray, rows: np.ndarray) -> None:
        super().__init__(blocks)
        windows, (_, pixels, units) = count(self.side), blocks.shape
        by_member = rows.reshape(-1, windows, pixels, units)
        self.members, self.units = len(by_member), units
        self.ends = np.arange(1, windows + 1) * pixels
        self.pixels = cut(np.arange(PIXELS)[None], self.side).ravel()  # of the picture, window by window
        self.rows = by_member.transpose(1, 2, 0, 3).reshape(windows * pixels, -1)  # (windows * pixels, members * units)

    def __rmatmul__(self, X: np.ndarray) -> np.ndarray:
        """X (n, 784) -> X @ W (n, units)."""
        if len(X) != 1:
            return super().__rmatmul__(X)
        seen = X[0].take(self.pixels)
        (ink,) = seen.nonzero()
        seen, rows = seen.take(ink), self.rows.take(ink, axis=0).astype(X.dtype, copy=False)
        z, start = np.empty((len(self.ends), rows.shape[1]), X.dtype), 0
        for part, end in zip(z, ink.searchsorted(self.ends), strict=True):
            np.matmul(seen[start:end], rows[start:end], out=part)
            start = end
        return z.reshape(-1, self.members, self.units).swapaxes(0, 1).reshape(1, -1)


def quicken(model: MLP, int8: bool = False) -> MLP:
    """Swaps these matrices in for the weights of all layers but the last, which is small; returns the network.

    With `int8` a quantized network (quantize.py) is also kept as integers. These, and what single pictures read of
    windows, are copies: after a change of `theta` the network has to be quickened again.
    """
    weights, model.biases = model.views(model.theta)
    rows = [lossless_cast(W, np.int8) if int8 else W for W in weights[:-1]]
    model.weights = [*map(quick, weights[:-1], rows), weights[-1]]
    if model.window:
        model.weights[0] = InkWindows(weights[0], rows[0])
    return model


def quick(W: np.ndarray, rows: np.ndarray) -> RowSparse | BlockDiagonal:
    """W (fan_in, fan_out) or blocks (members, fan_in / members, fan_out / members) -> what multiplies like it."""
    return RowSparse(W, rows) if W.ndim == 2 else BlockDiagonal(list(map(RowSparse, W, rows)))


def freeze(model: MLP) -> MLP:
    """Makes the parameters read-only and returns the network.

    A quantized network then answers to single pictures in three quarters of the time: its weights are kept as int8 too,
    and a row waits for a quarter of the memory.
    """
    model.theta.flags.writeable = False  # and so is every view of it that is made from now on
    return quicken(model, int8=True)


def lossless_cast(array: np.ndarray, *dtypes: type) -> np.ndarray:
    """The same numbers in the first of these dtypes that holds them all exactly, or in their own if none does."""
    for dtype in dtypes:
        with np.errstate(over="ignore", invalid="ignore"):  # a number that does not fit turns into another one
            cast = array.astype(dtype)
        if np.array_equal(cast, array):
            return cast
    return array
