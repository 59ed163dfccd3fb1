"""Matrices that take the place of W in `h @ W` and give the same products for less work.

    RowSparse      reads only the rows of W that meet ink or a unit that fired
    BlockDiagonal  weights between the hidden layers of joined members: blocks along the diagonal, zeros elsewhere

`__array_ufunc__ = None` makes NumPy leave `h @ matrix` to the matrix. `quicken` swaps them into a network.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nn.mlp import MLP

# A single row h is multiplied by its non-zeros alone if they are fewer than this share of it. The rows of W that they
# meet are copied first: beyond a third of them that costs more than it saves.
FEW = 0.33
# Of many rows h, the columns that are zero in all of them are left out if the others are fewer than this share.
MOST_USED = 0.9
# Copying the others costs more than it saves if W has fewer columns than this.
NARROW = 64


class RowSparse:
    """W (fan_in, fan_out).

    For a single row h the time goes into reading W from memory. A drawing is mostly paper, and relu switches most units
    off. The rows of W that meet a zero are not read, and an answer takes half the time or less. Of many rows h, columns
    that are zero in all of them are left out: a thousand digits leave a quarter of their frame blank.

    Weights that were rounded to whole numbers and that nothing can change any more (`freeze`) are kept in int8 too. The
    rows are read from there, a quarter of the bytes, and turned into floats: the products are the same to the last bit.
    """

    __array_ufunc__ = None

    def __init__(self, W: np.ndarray) -> None:
        self.W, self.T, self.shape = W, W.T, W.shape
        self.rows = W if W.flags.writeable else lossless_cast(W, np.int8)

    def __rmatmul__(self, h: np.ndarray) -> np.ndarray:
        """h (n, fan_in) -> h @ W (n, fan_out)."""
        if len(h) == 1:
            used, most = h[0] != 0, FEW
        elif self.shape[1] >= NARROW:
            used, most = h.any(axis=0), MOST_USED
        else:
            return h @ self.W
        if np.count_nonzero(used) >= most * used.size:
            return h @ self.W
        (used,) = used.nonzero()
        return h.take(used, axis=1) @ self.rows.take(used, axis=0).astype(self.W.dtype, copy=False)


class BlockDiagonal:
    """A matrix with blocks of one shape along its diagonal and zeros elsewhere.

    blocks: (members, fan_in, fan_out), or a RowSparse for each member where most of what comes in is zero.
    """

    __array_ufunc__ = None

    def __init__(self, blocks: np.ndarray | Sequence[np.ndarray | RowSparse]) -> None:
        self.blocks = blocks

    @property
    def T(self) -> BlockDiagonal:
        return BlockDiagonal([block.T for block in self.blocks])

    def __rmatmul__(self, h: np.ndarray) -> np.ndarray:
        """h (n, members * fan_in) -> h @ matrix (n, members * fan_out)."""
        n, members = len(h), len(self.blocks)
        parts = h.reshape(n, members, h.shape[1] // members).swapaxes(0, 1)  # each block's own units
        if isinstance(self.blocks, np.ndarray):  # one call: of a single row, half the time of as many calls as blocks
            products = parts @ self.blocks  # (members, n, fan_in) @ (members, fan_in, fan_out)
        else:
            products = [part @ block for part, block in zip(parts, self.blocks, strict=True)]
        return np.concatenate(products, axis=1)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """(k,) numbers of rows -> these rows, (k, fan_out), of a matrix whose blocks are arrays."""
        height, width = self.blocks[0].shape
        found = np.zeros((len(rows), len(self.blocks), width), self.blocks[0].dtype)
        for i, (block, row) in enumerate(zip(*divmod(rows, height), strict=True)):
            found[i, block] = self.blocks[block][row]
        return found.reshape(len(rows), -1)


def quicken(model: MLP) -> MLP:
    """Swaps these matrices in for the weights of all layers but the last, which is small; returns the network.

    A convolution stays as it is: its few kernels are read whole by every picture.
    """
    weights, model.biases = model.matrices()
    for layer, W in enumerate(weights[:-1]):
        if isinstance(W, np.ndarray):
            weights[layer] = quick(W, some_zero=layer - 1 not in model.linear)
    model.weights = weights
    return model


def quick(W: np.ndarray, some_zero: bool) -> np.ndarray | RowSparse | BlockDiagonal:
    """W (fan_in, fan_out) or blocks (members, fan_in, fan_out) -> what multiplies like it.

    some_zero: some of the numbers that it is multiplied by are 0; of what a linear layer gives none are.
    """
    if W.ndim == 2:
        return RowSparse(W) if some_zero else W
    return BlockDiagonal(list(map(RowSparse, W)) if some_zero else W)


def freeze(model: MLP) -> MLP:
    """Makes the parameters read-only and returns the network."""
    model.theta.flags.writeable = False  # and so is every view of it that is made from now on
    return quicken(model)


def lossless_cast(array: np.ndarray, *dtypes: type) -> np.ndarray:
    """The same numbers in the first of these dtypes that holds them all exactly, or in their own if none does."""
    for dtype in dtypes:
        with np.errstate(over="ignore", invalid="ignore"):  # a number that does not fit turns into another one
            cast = array.astype(dtype)
        if np.array_equal(cast, array):
            return cast
    return array
