"""Memory that was needed for a moment goes back to the system.

memory.share()         # before there are other threads
memory.settle()        # once everything is loaded
memory.give_back()     # now and then
"""

from __future__ import annotations

import contextlib
import ctypes
import gc

# The option's number in glibc's malloc.h.
M_ARENA_MAX = -8


def share() -> None:
    """Lets all threads to come take memory from one arena, which `malloc_trim` can give back whole. By default each
    thread gets an arena of its own, and glibc keeps up to 64 MB of a large picture at the end of each.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL("libc.so.6").mallopt(M_ARENA_MAX, 1)


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
