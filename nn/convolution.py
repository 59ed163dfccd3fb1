"""Convolution and pooling: a first hidden layer that looks for the same strokes all over the picture.

    W = Convolution(kernels)
    z = X @ W + b                        # (n, 784) -> (n, units)

A digit is told by its parts: a loop here, a foot there. What a loop looks like does not depend on where it is. So a
unit does not weigh all 784 pixels. It compares a window of 8 by 8 pixels with a kernel, and units at all positions
share their kernels (LeCun et al. 1989, "Backpropagation Applied to Handwritten Zip Code Recognition"). What a kernel
answers at all positions is a map. Nobody puts a stroke at the same pixel twice, so each unit tries four neighbouring
windows and keeps the largest of the four sums (max-pooling: Riesenhuber and Poggio 1999, "Hierarchical models of object
recognition in cortex"). Biases are not shared.

    windows   (4, positions, 64)    which pixels. Windows of 8 by 8 pixels, 2 pixels apart, lie in 10 rows of 10. Two by
                                    two they are pooled, without overlap: 25 positions in 5 rows of 5
    kernels   (64, maps)            a column for each map, the pixels of its window row by row; of joined members the
                                    columns of one member after another
    X @ W     (n, units)            units = positions * maps: all maps of the first position, of the second ...; of
                                    joined members one member after another
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np

from nn.functions import Product

SIDE = 28  # pixels along an edge of the picture, MNIST's frame
STRIDE = 2  # pixels from one window to the next
POOL = 2  # windows along an edge of what is pooled: the largest of four
# The windows together cover a square of so many pixels along an edge, in the picture's middle. A digit fills 20 and is
# centred by its mass: nearly all of its ink lies here.
COVERED = 26
# Pixels along an edge of a kernel. These sizes give an even number of rows of windows, so pooling leaves no row over.
KERNEL_SIZES = range(4, 24, 4)
# Bytes of gathered windows, or of their sums, that are held at once. Products of this size run at full speed, and a
# server of half a gigabyte has room for several.
MOST_BYTES = 2**23


def check_kernel_size(kernel_size: int, widths: Sequence[int], members: int = 1) -> None:
    """Raises ValueError unless the first hidden layer of these widths can be a convolution."""
    if type(kernel_size) is not int or kernel_size not in KERNEL_SIZES:
        sizes = ", ".join(map(str, KERNEL_SIZES))
        raise ValueError(f"a kernel has {sizes} pixels along an edge, got {kernel_size!r}")
    if len(widths) < 3 or widths[0] != SIDE**2 or widths[1] % (members * positions(kernel_size)):
        raise ValueError(
            f"kernels of {kernel_size} pixels need {SIDE**2} inputs and a first hidden layer of a multiple of "
            f"{members * positions(kernel_size)} units, got widths {tuple(widths)}"
        )


class Convolution:
    """Kernels in the place of W. `__array_ufunc__ = None` makes NumPy leave `X @ matrix` to the matrix.

    kernels: (kernel_size ** 2, members * maps), for a kernel_size of KERNEL_SIZES.
    """

    __array_ufunc__ = None

    def __init__(self, kernels: np.ndarray, members: int = 1) -> None:
        self.kernels, self.members = kernels, members
        self.windows = windows(math.isqrt(len(kernels)))

    def __rmatmul__(self, X: np.ndarray) -> np.ndarray:
        """X (n, 784) -> X @ W (n, units), in X's dtype."""
        sums = np.empty((len(X), self.windows.shape[1] * self.kernels.shape[1]), X.dtype)
        for part, in_windows in self._sums(X):
            sums[part] = self._by_unit(in_windows.max(axis=1))
        return sums

    def strongest(self, X: np.ndarray) -> np.ndarray:
        """X (n, 784) -> which of its four windows each unit keeps, the first of equals: (n, units) uint8."""
        found = np.empty((len(X), self.windows.shape[1] * self.kernels.shape[1]), np.uint8)
        for part, in_windows in self._sums(X):
            found[part] = self._by_unit(in_windows.argmax(axis=1))
        return found

    def map_of_unit(self) -> np.ndarray:
        """Which kernel each unit uses, a column of `kernels`: (units,) integers."""
        maps = np.arange(self.kernels.shape[1])
        return self._by_unit(np.tile(maps, (1, self.windows.shape[1], 1)))[0]

    def _sums(self, X: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Some pictures at a time: which, and each kernel's sums in all windows, (n, 4, positions, members * maps)."""
        of_one = self.windows[..., 0].size * max(self.kernels.shape) * X.itemsize
        step = max(MOST_BYTES // of_one, 1)
        for start in range(0, len(X), step):
            part = slice(start, start + step)
            seen = X[part].take(self.windows, axis=1)
            yield part, (flat(seen) @ self.kernels).reshape(*seen.shape[:-1], -1)

    def _by_unit(self, pooled: np.ndarray) -> np.ndarray:
        """(n, positions, members * maps) -> (n, units): each member's units together."""
        n, positions, _ = pooled.shape
        return pooled.reshape(n, positions, self.members, -1).swapaxes(1, 2).reshape(n, -1)


class TransposedConvolution:
    """W.T (units, 784) of the matrix that a convolution is for each of the pictures X (n, 784).

    Pooling is not linear. But once it is known which window each unit keeps, a unit is a sum of pixels times weights
    like any other, and `delta @ matrix` takes gradients and evidence back to the pixels.
    """

    __array_ufunc__ = None

    def __init__(self, convolution: Convolution, X: np.ndarray) -> None:
        self.kernels, self.windows = convolution.kernels, convolution.windows
        self.strongest = convolution.strongest(X)
        unit, maps = np.arange(self.strongest.shape[1]), self.kernels.shape[1] // convolution.members
        self.position = unit // maps % self.windows.shape[1]  # (units,)
        self.map = convolution.map_of_unit()

    def __rmatmul__(self, delta: np.ndarray) -> np.ndarray:
        """delta (n, units), a row for each picture, or any rows where there is one -> delta @ W.T (n, 784)."""
        back = np.empty((len(delta), SIDE * SIDE), delta.dtype)
        kept = np.broadcast_to(self.strongest, delta.shape)
        of_windows = np.empty((*self.windows.shape[:2], self.kernels.shape[1]), delta.dtype)
        for pixels, row, strongest in zip(back, delta, kept, strict=True):
            of_windows[...] = 0
            of_windows[strongest, self.position, self.map] = row
            seen = of_windows @ self.kernels.T  # (4, positions, maps) @ (maps, 64)
            pixels[...] = np.bincount(self.windows.ravel(), seen.ravel(), SIDE * SIDE)
        return back

    def __getitem__(self, units: np.ndarray) -> np.ndarray:
        """(k,) numbers of units -> their weights to all pixels, (k, 784). For a single picture."""
        (strongest,) = self.strongest
        weights = np.zeros((len(units), SIDE * SIDE), self.kernels.dtype)
        seen = self.windows[strongest[units], self.position[units]]  # (k, 64)
        np.put_along_axis(weights, seen, self.kernels[:, self.map[units]].T, axis=1)
        return weights


def transposed(W: np.ndarray | Convolution, X: np.ndarray) -> np.ndarray | TransposedConvolution:
    """W.T of the layer that takes X to X @ W. A convolution is another matrix for each picture."""
    return TransposedConvolution(W, X) if isinstance(W, Convolution) else W.T


class ConvolutionStep:
    """The layer on its way forward and backward through a mini-batch of up to `batch_size` rows.

    It belongs to `Backprop`, and as there the large arrays that a step writes to are made once.
    kernels: (kernel_size ** 2, maps), of one member.
    """

    def __init__(self, kernels: np.ndarray, batch_size: int, product: Product = np.matmul) -> None:
        self.kernels, self.windows, self.product = kernels, windows(math.isqrt(len(kernels))), product
        self._seen = np.empty((batch_size, *self.windows.shape), kernels.dtype)  # (n, 4, positions, 64)
        self._sums = np.empty((*self._seen.shape[:3], kernels.shape[1]), kernels.dtype)  # (n, 4, positions, maps)
        self._kept = np.empty(self._sums.shape, bool)

    def forward(self, X: np.ndarray, out: np.ndarray) -> None:
        """X (n, 784); X @ W is written to `out` (n, units)."""
        n = len(X)
        seen, sums = self._seen[:n], self._sums[:n]
        np.take(X, self.windows, axis=1, out=seen, mode="clip")  # mode="raise" would go through a copy of `out`
        self.product(flat(seen), self.kernels, flat(sums))
        np.max(sums, axis=1, out=out.reshape(n, *sums.shape[2:]))

    def select(self, rows: np.ndarray) -> None:
        """Only these rows of the last `forward` go backward: integers in rising order."""
        for to, row in enumerate(rows):  # in place: no row is written before it was read
            self._seen[to], self._sums[to] = self._seen[row], self._sums[row]

    def backward(self, delta: np.ndarray, out: np.ndarray) -> None:
        """delta = dL/dz (n, units) of the last `forward`; dL/dkernels is written to `out` (64, maps).

        Only the window that a unit kept had a part in z, so only that one has a part in the gradient.
        """
        n = len(delta)
        seen, sums, kept = self._seen[:n], self._sums[:n], self._kept[:n]
        np.equal(sums, sums.max(axis=1, keepdims=True), out=kept)
        others = kept[:, 0].copy()  # where an earlier window is as strong: blank windows, or all ink
        for i in range(1, POOL**2):
            np.greater(kept[:, i], others, out=kept[:, i])
            others |= kept[:, i]
        np.multiply(kept, delta.reshape(n, 1, *sums.shape[2:]), out=sums)  # the sums are not needed again
        self.product(flat(seen).T, flat(sums), out)


def flat(array: np.ndarray) -> np.ndarray:
    """The array as a matrix whose rows are its last axis."""
    return array.reshape(-1, array.shape[-1])


@cache
def windows(kernel_size: int) -> np.ndarray:
    """The pixels of each window, (4, positions, kernel_size ** 2) integers: the first window of each position, then the
    second of each ... All go row by row.
    """
    starts = window_starts(kernel_size)
    along = starts[..., None] + np.arange(kernel_size)  # (positions along an edge, 2, kernel_size)
    pixels = along[:, None, :, None, :, None] * SIDE + along[None, :, None, :, None, :]
    # (rows, columns of positions, 2, 2, kernel_size, kernel_size)
    found = pixels.transpose(2, 3, 0, 1, 4, 5).reshape(POOL**2, len(starts) ** 2, kernel_size**2)
    found.flags.writeable = False  # it is shared
    return found


def window_starts(kernel_size: int) -> np.ndarray:
    """The rows in which windows begin, and the columns too, two for each position: (positions along an edge, 2)"""
    first, last = (SIDE - COVERED) // 2, (SIDE + COVERED) // 2 - kernel_size
    return np.arange(first, last + 1, STRIDE).reshape(-1, POOL)


def positions(kernel_size: int) -> int:
    """The number of units in a map."""
    return windows(kernel_size).shape[1]
