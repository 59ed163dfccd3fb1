"""Serves the page and its API until the process is told to stop.

    serve.serve("127.0.0.1", 7860, api, build, static, preview, theme=..., css_paths=...)

Our own routes are a FastAPI app; gradio's page is mounted below them; uvicorn serves both.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import gradio as gr
import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.middleware import Middleware

from weights.serving import gradio_internals, memory
from weights.serving.limits.calls import Calls
from weights.serving.limits.connections import Connection
from weights.serving.limits.sizes import MAX_PICTURE_BYTES, Limits
from weights.serving.limits.uploads import LOOK_SECONDS, UploadFolder
from weights.serving.page.caching import Caching
from weights.serving.page.link_preview import Preview
from weights.serving.schemas import place_and_message

# Calls that may wait for an answer of a few milliseconds. The next caller is told to come back.
QUEUE_SIZE = 64
# Calls of one event that gradio runs at the same time. On two cores, with 64 callers at once, one, two, four and eight
# give as many answers a second (88, 95, 83, 83) and as long waits; with fewer, one large photograph holds up everybody.
CONCURRENCY = 4
# An idle connection is closed after this. Uvicorn's five seconds are less than a load balancer or a client keeps it:
# its next request would meet a connection that is just being closed.
KEEP_ALIVE_SECONDS = 75
# Requests under way may take this long when the process is told to stop: an answer takes milliseconds, a large upload
# seconds. Whoever sends SIGTERM usually kills ten seconds later.
GRACE_SECONDS = 3
# Garbage, and what gradio remembers for nothing, is looked for this often: it stays small, and the search costs little.
TIDY_SECONDS = 5
# The dashboard for which gradio records calls, and sums them up after each, is switched off here.
NO_RECORD = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000000",
}

log = logging.getLogger(__name__)


def serve(
    host: str, port: int, api: FastAPI, build: Callable[[], gr.Blocks], static: list[Path], preview: str, **page: Any
) -> None:
    """Serves until SIGTERM or Ctrl-C; then answers what is under way and ends the process.

    api: our own routes.
    build: makes the Blocks; called when gradio's settings stand.
    static: files and folders that the page shows. Callers may name them as they name their uploads.
    preview: tags for the head of the page.
    page: what else `gr.mount_gradio_app` takes: theme, css_paths, head ...
    """
    logging.getLogger().addFilter(first_line)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # uvicorn passes the signal on when it has ended
    stopping = asyncio.Event()
    app = mounted(api, build, static, preview, stopping, **page)
    uvicorn.run(
        app,
        host=host,
        port=port,
        http=Connection,
        ws="none",
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def first_line(record: logging.LogRecord) -> bool:
    """A filter that leaves the first line of a message. The library of MCP logs a hundred lines, and what was sent, for
    each wrong message of an agent.
    """
    record.msg = str(record.msg).partition("\n")[0]
    return True


def mounted(
    api: FastAPI,
    build: Callable[[], gr.Blocks],
    static: list[Path],
    preview: str,
    stopping: asyncio.Event,
    **page: Any,
) -> FastAPI:
    """`api` with all limits around it and the page below it. stopping: is set when the process is told to stop."""
    for name, value in NO_RECORD.items():
        os.environ.setdefault(name, value)
    gr.set_static_paths(static)  # before the Blocks are built, or gradio copies the files to where uploads are
    gradio_internals.skip_numbers()
    blocks = build()
    gradio_internals.bound(blocks)
    blocks.queue(max_size=QUEUE_SIZE, default_concurrency_limit=CONCURRENCY, api_open=True)
    gradio_internals.rest(blocks)
    folder = UploadFolder(gradio_internals.get_upload_folder())
    api.add_middleware(Limits)
    api.add_middleware(gradio_internals.CrossOrigin)
    api.router.lifespan_context = lifespan(blocks, folder, stopping)
    middleware = [
        Middleware(Caching),
        Middleware(Preview, tags=preview),
        Middleware(Calls, events=gradio_internals.events(blocks), folder=folder, files=static, stopping=stopping),
    ]
    gr.mount_gradio_app(
        api,
        blocks,
        "/",
        app_kwargs={
            "middleware": middleware,
            "exception_handlers": {RequestValidationError: validation_error},
        },
        show_error=False,
        max_file_size=MAX_PICTURE_BYTES,  # the limit of the whole body comes first, and is told in our words
        ssr_mode=False,
        enable_monitoring=False,
        run_history=False,
        mcp_server=True,
        **page,
    )
    gradio_internals.name_tools(blocks)
    page_route = api.router.routes.pop()  # as a route it would answer in the place of ours when the method is wrong
    api.router.default = page_route.app
    return api


def lifespan(blocks: gr.Blocks, folder: UploadFolder, stopping: asyncio.Event) -> Callable:
    """What goes on while the app serves, and what happens at its end."""

    @contextlib.asynccontextmanager
    async def alive(app: FastAPI) -> AsyncIterator[None]:
        set_on_signal(stopping)
        memory.settle()
        tasks = [
            asyncio.create_task(repeat(LOOK_SECONDS, folder.tidy)),
            asyncio.create_task(repeat(TIDY_SECONDS, lambda: tidy(blocks))),
        ]
        yield
        for task in tasks:
            task.cancel()

    return alive


def set_on_signal(stopping: asyncio.Event) -> None:
    """Sets the event as soon as a signal to stop comes, and leaves the signal to uvicorn, which is waiting for it."""
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        uvicorns = signal.getsignal(name)

        def handle(*given: Any, uvicorns: Callable = uvicorns) -> None:
            loop.call_soon_threadsafe(stopping.set)
            uvicorns(*given)

        signal.signal(name, handle)


async def repeat(seconds: float, act: Callable) -> None:
    """Does it again and again, also after it failed: a full disk today must not keep files for ever."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await act()
        except Exception:
            log.exception("Failed, and is tried again in %s seconds", seconds)


async def tidy(blocks: gr.Blocks) -> None:
    gradio_internals.tidy(blocks)
    await asyncio.to_thread(memory.give_back)


async def validation_error(_: Request, error: RequestValidationError) -> JSONResponse:
    """What does not fit in a request, without the request itself, which FastAPI would send back whole."""
    place, message = place_and_message(error.errors()[0])
    return JSONResponse({"detail": f"{place}: {message}"}, 422)
