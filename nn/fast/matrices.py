"""Matrices that take the place of W in `h @ W` and give the same products for less work.

    RowSparse      for one drawing, reads only the rows of W that meet ink or a unit that fired, from int8 if it can
    BlockDiagonal  weights between the hidden layers of joined members: blocks along the diagonal, zeros elsewhere

`__array_ufunc__ = None` makes NumPy leave `h @ matrix` to the matrix. `quicken` and `freeze` swap them into a network.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nn.mlp import MLP

# A single row h is multiplied by its non-zeros alone if they are fewer than this share of it. The rows of W that they
# meet are copied first: beyond a third of them that costs more than it saves.
FEW = 0.33
# The same share where the rows are copied from int8, a quarter of the bytes.
FEW_INT8 = 0.55
# Bytes of such copies at a time: they stay in the processor's second cache until they are multiplied.
GATHERED = 2**18


class RowSparse:
    """W (fan_in, fan_out), and perhaps the same numbers as int8.

    For a single row h the time goes into reading W from memory. A drawing is mostly paper, and relu switches most units
    off. The rows of W that meet a zero are not read, and an answer takes half the time or less.
    """

    __array_ufunc__ = None

    def __init__(self, W: np.ndarray, int8: np.ndarray | None = None) -> None:
        self.W, self.shape = W, W.shape
        self.rows, self.few = (W, FEW) if int8 is None else (int8, FEW_INT8)

    @property
    def T(self) -> np.ndarray:
        return self.W.T

    def __rmatmul__(self, h: np.ndarray) -> np.ndarray:
        """h (n, fan_in) -> h @ W (n, fan_out)."""
        if len(h) == 1:
            (used,) = h[0].nonzero()
            if used.size < self.few * h.size:
                return self.gathered(h[0].take(used), used)
        return h @ self.W

    def gathered(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """values (k,) @ the k rows of W with these numbers -> (1, fan_out)."""
        z = np.zeros((1, self.shape[1]), values.dtype)
        step = max(GATHERED // z.nbytes, 1)
        for start in range(0, len(rows), step):
            some = slice(start, start + step)
            z += values[some] @ self.rows.take(rows[some], axis=0).astype(values.dtype, copy=False)
        return z


class BlockDiagonal:
    """A matrix with these blocks, all of one shape, along its diagonal and zeros elsewhere.

    A block is an array or another matrix of this file.
    """

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
        for i, row in enumerate(rows):
            block = row // height
            found[i, block] = self.blocks[block][row % height]
        return found.reshape(len(rows), -1)


def quicken(model: MLP, int8: bool = False) -> MLP:
    """Swaps the matrices of this file in for the weights of all layers but the last; returns the network.

    With `int8` a quantized network (quantize.py) is also kept as integers, which do not follow later changes of
    `theta`. The last layer is so small that nothing is gained.
    """
    weights, model.biases = model.views(model.theta)
    model.weights = [*(quick(W, lossless_cast(W, np.int8) if int8 else W) for W in weights[:-1]), weights[-1]]
    return model


def quick(W: np.ndarray, small: np.ndarray) -> RowSparse | BlockDiagonal:
    """W (fan_in, fan_out) or blocks (members, fan_in / members, fan_out / members) -> what multiplies like it."""
    if W.ndim == 3:
        return BlockDiagonal([quick(*each) for each in zip(W, small, strict=True)])
    return RowSparse(W, small if small.dtype == np.int8 else None)


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
