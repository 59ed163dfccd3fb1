"""Matrix products that have the same bits on one thread as on two.

    matmul(a, b, out=c)       # np.matmul(a, b, out=c), cut as OpenBLAS cuts it for two threads

A sum of floats depends on the order of its terms. OpenBLAS cuts a large product into parts, one or more for each
thread, and which of its loops computes a number, and in which order, depends on where in its part that number lies. So
the same product has other last bits on one thread than on two, and after a hundred epochs that is another network.
Members of a committee are trained side by side with one thread each (nn/runs.py). The bundled ones were trained one
after another on two. These parts give the same network either way, on every x86 processor with AVX2, if
`OPENBLAS_CORETYPE=Haswell` selects the same loops (on one without AVX-512 they are the usual ones).

The rules are those of OpenBLAS 0.3.31 for these loops (driver/level3/level3_thread.c), and hold for the products of the
bundled recipe: its mini-batches, and the images that are distorted at once. Others may differ in some last bits.
"""

from __future__ import annotations

import numpy as np

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


def matmul(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> np.ndarray:
    """a (n, k) @ b (k, m), float32, written to `out` (n, m) and returned. If BLAS has one thread, the bits are those of
    np.matmul where it has two.
    """
    terms = a.shape[1]
    if LONGEST_SUM < terms < 2 * LONGEST_SUM:
        half = -(-terms // 2)
        multiply(a[:, :half], b[:half], out)
        rest = np.empty_like(out)
        multiply(a[:, half:], b[half:], rest)
        out += rest
    else:
        multiply(a, b, out)
    return out


def multiply(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """As `matmul`, for sums that are not cut. A thread computes its own rows; of a wide product it computes its own
    columns, in its own rows and in the other thread's.
    """
    rows, columns = out.shape
    wide = columns >= max(rows, THREADS * FEWEST_COLUMNS)
    for thread, own_columns in enumerate(halves(slice(0, columns), ROUNDED) if wide else [slice(0, columns)]):
        for owner, its_rows in enumerate(halves(slice(0, rows), ROUNDED if wide else 1)):
            for step in halves(its_rows):
                for part in loops(step) if wide and owner != thread else [step]:
                    np.matmul(a[part], b[:, own_columns], out=out[part, own_columns])


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
