"""Matrix products that have the same bits on one thread as on two.

    matmul(a, b, out=c)       # np.matmul(a, b, out=c), cut as OpenBLAS cuts it for two threads

A sum of floats depends on the order of its terms. OpenBLAS cuts a large product into parts, one or more for each
thread, and which of its loops computes a number, and in which order, depends on where in its part that number lies. So
the same product has other last bits on one thread than on two, and after a hundred epochs that is another network.
Members of a committee are trained side by side with one thread each (nn/members.py). The bundled ones were trained one
after another on two. These parts give the same network either way, on every x86 processor with AVX2, if OpenBLAS takes
the same loops (on one without AVX-512 they are the usual ones). `restart_with_loops` sees to it.

The rules are those of OpenBLAS 0.3.31 for these loops (driver/level3/level3_thread.c), and hold for the products of the
bundled recipe: its mini-batches, and the images that are distorted at once. Others may differ in some last bits.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

import numpy as np

# The loops for AVX2, and the variable by which OpenBLAS chooses when NumPy is loaded.
CHOICE, LOOPS = "OPENBLAS_CORETYPE", "Haswell"
# OpenBLAS's names of its loops for AVX-512. They need a fifth less time, and their sums have other last bits.
FOR_AVX512 = {"SkylakeX", "Cooperlake", "SapphireRapids"}
# Each thread takes its half of the rows in two steps.
THREADS = 2
# With fewer columns than this for each thread, or fewer columns than rows, the threads do not share the columns.
FEWEST_COLUMNS = 32
# A share of columns, and of rows where columns are shared as well, is rounded up to a multiple of this.
ROUNDED = 8
# Longer sums are cut too. One thread cuts them in another place if they are not twice as long.
LONGEST_SUM = 320
# The innermost loop takes so many rows at a time.
GROUP = 12
# If such groups leave this many of the other thread's rows over, the loop takes PAIR of these at a time.
LEFT_OVER = 8
# So many of the rows that are left over are taken at a time.
PAIR = 2
# Products of so many numbers at most are computed block by block. The kernels' gradient has these: 64 of 8 by 8 pixels.
SMALL = 64 * 64
# Halves and quarters of a multiple of this are all of one size.
EVEN = 2 * THREADS * ROUNDED


def matmul(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> np.ndarray:
    """a (n, k) @ b (k, m), float32, written to `out` (n, m) and returned. If BLAS has one thread, the bits are those of
    np.matmul where it has two.

    A thread computes its own rows; of a wide product it computes its own columns, in its own rows and in the other
    thread's.
    """
    rows, columns = out.shape
    wide = columns >= max(rows, THREADS * FEWEST_COLUMNS)
    if wide and out.size <= SMALL and a.shape[1] % LONGEST_SUM == 0 and rows % EVEN == columns % EVEN == 0:
        return by_blocks(a, b, out)
    for thread, own_columns in enumerate(halves(slice(0, columns), ROUNDED) if wide else [slice(0, columns)]):
        for owner, its_rows in enumerate(halves(slice(0, rows), ROUNDED if wide else 1)):
            for step in halves(its_rows):
                for part in loops(step) if wide and owner != thread else [step]:
                    multiply(a[part], b[:, own_columns], out[part, own_columns])
    return out


def multiply(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """One part of a product."""
    terms = a.shape[1]
    if LONGEST_SUM < terms < 2 * LONGEST_SUM:
        half = -(-terms // 2)
        np.matmul(a[:, :half], b[:half], out=out)
        out += a[:, half:] @ b[half:]
    else:
        np.matmul(a, b, out=out)


def by_blocks(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> np.ndarray:
    """As `matmul`, for a small product of long sums, such as the gradient of kernels: a block of the sums' terms after
    another, in BLAS's order. Each part of the product needs all of a block, which then is still in the cache.
    """
    (rows, columns), steps = out.shape, 2 * THREADS
    parts = np.empty((steps, THREADS, rows // steps, columns // THREADS), out.dtype)
    out[...] = 0
    for start in range(0, a.shape[1], LONGEST_SUM):
        block = slice(start, start + LONGEST_SUM)
        its_rows = a[:, block].reshape(steps, 1, rows // steps, LONGEST_SUM)
        its_columns = b[block].reshape(LONGEST_SUM, THREADS, columns // THREADS).swapaxes(0, 1)
        np.matmul(its_rows, its_columns, out=parts)
        out += parts.swapaxes(1, 2).reshape(rows, columns)
    return out


def restart_with_loops(used: Iterable[str]) -> None:
    """Starts the running program anew with LOOPS, if those in use are for AVX-512 and nobody chose them.

    used: the names of the loops in use. On Windows, which cannot put one program in the place of another, nothing
    happens.
    """
    if os.name == "posix" and CHOICE not in os.environ and FOR_AVX512.intersection(used):
        os.environ[CHOICE] = LOOPS
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def halves(whole: slice, rounded: int = 1) -> list[slice]:
    """Both halves; the first is rounded up, to a multiple of `rounded`."""
    half = -(-(whole.stop - whole.start) // (2 * rounded)) * rounded
    middle = min(whole.start + half, whole.stop)
    return [slice(whole.start, middle), slice(middle, whole.stop)]


def loops(step: slice) -> list[slice]:
    """A step of the other thread's rows, in parts that the innermost loop takes in one way."""
    left = (step.stop - step.start) % GROUP
    if left != LEFT_OVER:
        return [step]
    end = step.stop - left
    return [slice(step.start, end), *(slice(at, at + PAIR) for at in range(end, step.stop, PAIR))]
