"""How the app lives and ends: it tidies up while it serves, and told to stop it answers what it has begun and leaves.

    weights.lifetime.share_memory()                   # before there are other threads
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
# As glibc's malloc.h has it.
M_ARENA_MAX = -8


def lifespan(tidy: Callable[[], None]) -> Callable:
    """A lifespan for the app that calls `tidy` now and then."""

    @contextlib.asynccontextmanager
    async def alive(app: Any) -> AsyncIterator[None]:
        app.state.loop = asyncio.get_running_loop()
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


def share_memory() -> None:
    """Lets all threads to come take memory from one arena, where `malloc_trim` reaches everything. With an arena for
    each of them, as is usual, glibc keeps up to 64 MB of a large picture at the end of each.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL("libc.so.6").mallopt(M_ARENA_MAX, 1)


def give_back() -> None:
    """Freed memory goes back to the system: glibc would keep the hundreds of MB that a large picture took for a moment.
    So would an error on the way, whose traceback holds the picture, until the next full collection of garbage, which
    may be hours away.
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
