"""How the app lives and ends: it tidies up while it serves, and told to stop it answers what it has begun and leaves.

    stop = weights.lifetime.stop_signal()             # before the server starts: it may be told to stop at any time
    blocks.launch(app_kwargs={"lifespan": weights.lifetime.lifespan(tidy)}, prevent_thread_lock=True)
    stop.wait()
    weights.lifetime.shut_down(blocks)

Gradio alone dies of SIGTERM at once, with every request that is under way; a Space and a container are stopped by it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import signal
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

# For requests under way: an answer takes milliseconds, a large upload seconds. Whoever sends SIGTERM kills ten seconds
# later; with the second below, the process has left after five.
GRACE_SECONDS = 3
EXIT_SECONDS = 1
# Often enough that what is tidied stays small, seldom enough to cost nothing.
TIDY_SECONDS = 5
# Memory for so much and more, a picture say, comes from the system alone and goes back to it at once; so does what
# lies free above the rest that a thread uses.
LARGE_BYTES = 2**20
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # as glibc's malloc.h has them


def lifespan(tidy: Callable[[], None]) -> Callable:
    """A lifespan for the app that calls `tidy` now and then."""

    @contextlib.asynccontextmanager
    async def alive(app: Any) -> AsyncIterator[None]:
        app.state.loop = asyncio.get_running_loop()
        keep_little()
        gc.collect()
        gc.freeze()  # what is there now stays: looking through it for garbage takes a tenth of a second each time
        task = asyncio.create_task(repeat(tidy))
        yield
        task.cancel()

    return alive


async def repeat(tidy: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(TIDY_SECONDS)
        tidy()
        await asyncio.to_thread(give_back)


def keep_little() -> None:
    """Large pieces of memory are not kept for later: glibc raises both its thresholds with the pieces it sees freed, to
    32 and 64 MB, and then every thread that has read a large picture keeps that much, out of `malloc_trim`'s reach.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        for threshold in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD):
            ctypes.CDLL("libc.so.6").mallopt(threshold, LARGE_BYTES)


def give_back() -> None:
    """What became free between the rest goes back to the system. An error on the way to an answer would keep the
    picture, which its traceback holds, until the next full collection of garbage; that may be hours away.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def stop_signal() -> threading.Event:
    """Is set by SIGTERM and SIGINT from now on."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    return stop


def shut_down(blocks: Any) -> None:
    """Closes the port, lets the requests under way end, and stops the server."""
    server, app = blocks.server, blocks.app
    server.config.timeout_graceful_shutdown = GRACE_SECONDS
    server.should_exit = True
    app.state.loop.call_soon_threadsafe(app.stop_event.set)  # the streams that only keep a page company end at once
    server.thread.join(GRACE_SECONDS + EXIT_SECONDS)
    blocks.is_running = False
