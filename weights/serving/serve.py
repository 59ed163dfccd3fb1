"""Serves the page within the limits of limits.py and guard.py, until it is told to stop.

    weights.launch.serve(build, routes, static, theme=..., css_paths=...)    # ends with the process

GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say where: 127.0.0.1:7860 unless told otherwise, 0.0.0.0 on a Space.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from gradio import route_utils
from gradio import routes as gradio_routes
from gradio.utils import get_upload_folder
from starlette.middleware import Middleware

from weights.serving import lighter
from weights.serving import memory as lifetime
from weights.serving.limits import calls as guard
from weights.serving.limits.sizes import MAX_UPLOAD_BYTES, Limits, declared
from weights.serving.limits.uploads import UploadFolder

# How many may wait for an answer of a few milliseconds; the next one is told to come back.
QUEUE_SIZE = 64
# Calls of one event that gradio runs at the same time. On two cores, with 64 callers at once, one, two, four and eight
# give as many answers a second (88, 95, 83, 83) and as long waits; with fewer, one large photograph holds up everybody.
CONCURRENCY = 4
# How often gradio looks whether somebody waits. Its own thousand times a second take a twentieth of a processor from a
# page that nobody visits; an answer takes five milliseconds more, which nobody sees.
LOOK_SECONDS = 0.01
# Threads that read pictures and compute, all events together: each may hold a picture of 50 million pixels.
THREADS = 8
# Pictures that passed through are deleted within twenty minutes: (look every, delete when older than) in seconds.
DELETE_CACHE = (600, 600)
# A connection that nothing comes through is closed after so long. Uvicorn's five seconds are less than a load balancer
# or a client keeps it, whose next request then meets a connection that is just being closed.
KEEP_ALIVE_SECONDS = 75
# Gradio keeps a record of calls, and computes a summary of it after each, for a dashboard that is switched off here.
RECORD = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000000",
}


def serve(build: Callable[[], gr.Blocks], routes: list, static: list[Path], **page: Any) -> None:
    """Serves the page, its API, and `routes` beside them, until SIGTERM or Ctrl-C; then ends the process.

    build: makes the Blocks; called when gradio's settings stand.
    static: files and folders that the page shows; callers may name them as they name their uploads.
    page: what else `launch` takes: theme, css, head ...
    """
    for name, value in RECORD.items():
        os.environ.setdefault(name, value)
    stop = lifetime.stop_signal()
    blocks = build()
    guard.harden(blocks, gr.Error)
    for module in (route_utils, gradio_routes):
        module.GradioMultiPartParser = guard.few_files(module.GradioMultiPartParser)
    lighter.lighten()
    gr.set_static_paths(static)
    folder = UploadFolder(
        get_upload_folder(),
        kept=lambda: guard.kept_files(blocks),
        forget=lambda files: guard.forget_files(blocks, files),
    )
    blocks.queue(max_size=QUEUE_SIZE, default_concurrency_limit=CONCURRENCY)
    blocks._queue.sleep_when_free = LOOK_SECONDS
    blocks.launch(
        server_name=os.environ.get("GRADIO_SERVER_NAME", "0.0.0.0" if "SPACE_ID" in os.environ else "127.0.0.1"),
        server_port=int(os.environ.get("GRADIO_SERVER_PORT", 7860)),
        max_file_size=MAX_UPLOAD_BYTES,
        max_threads=THREADS,
        state_session_capacity=guard.MAX_SESSIONS,
        ssr_mode=False,
        enable_monitoring=False,
        run_history=False,
        mcp_server=True,
        app_kwargs={
            "routes": routes,
            "middleware": [
                Middleware(Limits, folder=folder, limits=declared(routes)),
                Middleware(guard.Guard, blocks=blocks, folders=[folder.folder, *static]),
            ],
            "exception_handlers": {RequestValidationError: validation_error},
            "lifespan": lifetime.lifespan(lambda: guard.tidy(blocks, gradio_routes.file_upload_statuses)),
        },
        prevent_thread_lock=True,
        **page,
    )
    blocks.server.config.timeout_keep_alive = KEEP_ALIVE_SECONDS  # read for each new connection
    stop.wait()
    lifetime.shut_down(blocks)
    sys.stdout.flush()
    os._exit(0)  # all is answered and tidied; taking the interpreter apart would take seconds on a busy machine


async def validation_error(_: Request, error: RequestValidationError) -> JSONResponse:
    """What FastAPI says of a request that does not fit, without the request, which it would send back whole."""
    first = error.errors()[0]
    place = ".".join(str(part)[:40] for part in first["loc"])
    return JSONResponse({"detail": f"{place}: {first['msg']}"[:300]}, 422)
