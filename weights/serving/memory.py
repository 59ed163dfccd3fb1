"""Memory that was needed for a moment goes back to the system.

memory.share()         # before there are other threads
memory.settle()        # once everything is loaded
memory.give_back()     # now and then
"""

from __future__ import annotations

import contextlib
import ctypes
import gc

# Numbers of options in glibc's malloc.h.
M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -8, -3, -1
# A block of this size or more goes back to the system as soon as it is freed. Pillow takes memory for a large picture
# in blocks of 16 MB, which are larger; an ordinary picture takes smaller ones, which are quicker to reuse.
LARGE_BLOCK_BYTES = 12 * 2**20
# Free memory that is kept beside the small blocks: enough for an ordinary picture.
KEPT_BYTES = 32 * 2**20


def share() -> None:
    """Lets all threads to come take memory from one arena, which `malloc_trim` can give back whole; large blocks go
    back at once. Call it before there are threads.

    By default each thread gets an arena of its own, and glibc keeps up to 64 MB of a large picture at the end of each.
    It also begins to keep blocks of up to 32 MB when the first such block is freed, and new ones do not fit in between.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_ARENA_MAX, 1)
        libc.mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)
        libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


def settle() -> None:
    """Spares what is loaded now from every later search for garbage, which would take a tenth of a second each time."""
    gc.collect()
    gc.freeze()


def give_back() -> None:
    """Frees what is garbage and gives freed memory back to the system: glibc would keep the hundreds of MB that a large
    picture took for a moment. An error would keep the picture in its traceback until the next full search for garbage,
    which may be hours away.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
