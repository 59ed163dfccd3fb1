"""What a caller may send, and how much of it at once: an ASGI middleware that stops too much before memory is spent.

    demo.launch(app_kwargs={"middleware": [Middleware(weights.limits.Limits, folder=UploadFolder(...)), ...]})

Bytes are counted as they come in, whatever Content-Length says. Too much is answered with 413 or 429, a body that never
ends with 408, and each answer names the limit. What a body *says* is checked in guard.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from starlette.formparsers import MultiPartException
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from weights.serving.limits.uploads import Full, UploadFolder

# One picture. A phone's photograph has 3 to 12 MB.
MAX_UPLOAD_BYTES = 20_000_000
# What a form adds to the files in it.
FORM_BYTES = 16_384
# JSON: a picture of 3 MB as a data: URL, or a few hundred small ones. It is held in memory several times while it is
# parsed, so larger pictures are uploaded.
MAX_JSON_BYTES = 4_000_000
# 784 numbers of up to three digits, written as generously as a JSON printer may: a line and an indentation for each.
MAX_PIXELS_BYTES = 65_536
# The pad's drawing of 400x400, which the page sends as a PNG in a form.
MAX_BLOB_BYTES = 2_000_000
# Everything else is a click or a question of a few hundred bytes.
MAX_OTHER_BYTES = 65_536
# Bodies that are being received and answered, all together: six of the largest uploads, or thirty of the largest JSON.
MAX_BYTES_AT_ONCE = 128_000_000
# A 20 MB photograph over 3G takes 50 seconds; whoever sends slower than that holds memory for nothing.
BODY_SECONDS = 60
# A client that is refused while it still sends sees a broken connection instead of the reason. So much of what is too
# much is read and thrown away first.
MAX_DRAINED_BYTES = 40_000_000
DRAIN_SECONDS = 5
# Streams that stay open (each page holds one or two): a fifth of the 1024 file descriptors of a process is left.
MAX_STREAMS = 800
# Bytes of one part of a path. No file system has longer names, and asked for one it fails as nobody expects.
MAX_NAME_BYTES = 255

PREFIX = "/gradio_api"

Endpoint = TypeVar("Endpoint", bound=Callable)


@dataclass(frozen=True)
class Limit:
    """What a route takes in, and where that goes."""

    body_bytes: int  # of a request
    to_disk: bool = False  # the body goes to gradio's upload folder, which must have room for it
    streams: bool = False  # a GET is answered with a stream, which stays open


PICTURE = Limit(MAX_UPLOAD_BYTES + FORM_BYTES)  # as the body, or in a form
JSON = Limit(MAX_JSON_BYTES)
OTHER = Limit(MAX_OTHER_BYTES)  # of routes that declare nothing

# Gradio's routes, by the first part of their path after PREFIX. Our own routes declare theirs with `takes`.
GRADIO_LIMITS = {
    "upload": replace(PICTURE, to_disk=True),
    "component_server": Limit(MAX_BLOB_BYTES + FORM_BYTES),
    "run": JSON,
    "api": JSON,
    "call": replace(JSON, streams=True),
    "queue": replace(JSON, streams=True),
    "mcp": JSON,
    "heartbeat": replace(OTHER, streams=True),
    "upload_progress": replace(OTHER, streams=True),
}


def takes(limit: Limit) -> Callable[[Endpoint], Endpoint]:
    """Declares the limit of one of our routes, beside the route:

    @app.post("/predict")
    @takes(Limit(MAX_PIXELS_BYTES))
    async def predict(request): ...
    """

    def declare(endpoint: Endpoint) -> Endpoint:
        endpoint.limit = limit
        return endpoint

    return declare


def declared(routes: Iterable[BaseRoute]) -> dict[str, Limit]:
    """The limits that routes declare with `takes`, by path. Our paths have no parameters."""
    limits = {route.path: getattr(route.endpoint, "limit", None) for route in routes if isinstance(route, Route)}
    return {path: limit for path, limit in limits.items() if limit}


class Refused(Exception):
    """What is wrong with a request, to be answered as it stands."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


class Stopped(MultiPartException):
    """Ends the reading of a body; a parser of forms that meets it throws away the files it has begun."""


def has_long_name(path: str) -> bool:
    return len(path) * 4 > MAX_NAME_BYTES and any(len(name.encode()) > MAX_NAME_BYTES for name in path.split("/"))


def too_large(limit: int) -> Refused:
    return Refused(413, f"The request is too large: {limit:,} bytes are the limit here.")


class Limits:
    """Counts what comes in and what is open.

    folder: where gradio puts uploads; asked for room before one is read.
    limits: of our own routes, by path, see `declared`.
    """

    def __init__(self, app: ASGIApp, folder: UploadFolder, limits: Mapping[str, Limit]):
        self.app = app
        self.folder = folder
        self.limits = limits
        self.held = 0  # bytes of bodies whose requests are not answered yet
        self.streams = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.limit(scope["path"])
        request = Counted(self, limit.body_bytes, receive, send)
        try:
            if has_long_name(scope["path"]):
                raise Refused(404, f"There is nothing here: names have at most {MAX_NAME_BYTES} bytes.")
            if scope["method"] == "GET":
                await self.get(scope, request, limit.streams)
            else:
                await self.post(scope, request, limit.to_disk)
        except Refused as refused:
            request.refused = refused
        except Exception:
            if request.refused is None:
                raise
        finally:
            self.held -= request.received
        if request.refused is not None and not request.started:
            await request.drain()
            await refuse(send, request.refused)

    def limit(self, path: str) -> Limit:
        """What the route with this path takes."""
        if path.startswith(f"{PREFIX}/"):
            return GRADIO_LIMITS.get(path.split("/")[2], OTHER)
        return self.limits.get(path, OTHER)

    async def get(self, scope: Scope, request: Counted, streams: bool) -> None:
        if not streams:
            await self.app(scope, request.receive, request.send)
            return
        if self.streams >= MAX_STREAMS:
            raise Refused(429, f"{MAX_STREAMS} streams are open, which is the limit. Try again shortly.")
        self.streams += 1
        try:
            await self.app(scope, request.receive, request.send)
        finally:
            self.streams -= 1

    async def post(self, scope: Scope, request: Counted, to_disk: bool) -> None:
        request.declared = declared_length(scope)
        if request.declared > request.limit:
            raise too_large(request.limit)
        if self.held + request.declared > MAX_BYTES_AT_ONCE:
            raise crowded()
        if not to_disk:
            await self.app(scope, request.receive, request.send)
            return
        try:
            async with self.folder.room_for(request.declared or request.limit):
                await self.app(scope, request.receive, request.send)
        except Full as error:
            raise Refused(429, str(error)) from error


class Counted:
    """One request: its body on the way in, and what keeps the app from answering after it was stopped."""

    def __init__(self, limits: Limits, limit: int, receive: Receive, send: Send):
        self.limits, self.limit = limits, limit
        self._receive, self._send = receive, send
        self.declared = 0
        self.received = 0
        self.deadline: float | None = None
        self.complete = False
        self.started = False
        self.refused: Refused | None = None

    async def receive(self) -> Message:
        if self.refused:
            raise Stopped(str(self.refused))
        if self.complete:  # what comes now is only that the caller has gone
            return await self._receive()
        if self.deadline is None:
            self.deadline = asyncio.get_running_loop().time() + BODY_SECONDS
        try:
            async with asyncio.timeout_at(self.deadline):
                message = await self._receive()
        except TimeoutError:
            self.stop(Refused(408, f"The request took too long to arrive: {BODY_SECONDS} seconds are the limit."))
        if message["type"] != "http.request":
            return message
        self.complete = not message.get("more_body", False)
        size = len(message.get("body", b""))
        self.received += size
        self.limits.held += size
        if self.received > self.limit:
            self.stop(too_large(self.limit))
        if self.limits.held > MAX_BYTES_AT_ONCE:
            self.stop(crowded())
        return message

    def stop(self, refused: Refused) -> None:
        self.refused = refused
        raise Stopped(str(refused))

    async def drain(self) -> None:
        """Reads the rest and keeps nothing of it: what is left unread would break the connection."""
        if self.complete:  # as almost always: without a timer
            return
        read = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while not self.complete and max(read, self.declared) <= MAX_DRAINED_BYTES:
                    message = await self._receive()
                    read += len(message.get("body", b""))
                    self.complete = not message.get("more_body", False)

    async def send(self, message: Message) -> None:
        if self.refused is not None and not self.started:
            return
        if not self.started:
            self.started = True
            await self.drain()
        await self._send(message)


def crowded() -> Refused:
    return Refused(429, f"Requests of {MAX_BYTES_AT_ONCE:,} bytes are under way: the limit. Try again shortly.")


def declared_length(scope: Scope) -> int:
    """Content-Length, which may lie; 0 without one."""
    value = dict(scope["headers"]).get(b"content-length", b"0")
    return int(value) if value.isdigit() else 0


async def refuse(send: Send, refused: Refused, extra: dict[str, Any] | None = None) -> None:
    """Answers with the message under both names: `detail` as our routes have it, `error` as gradio's clients do."""
    body = json.dumps({"detail": str(refused), "error": str(refused)} | (extra or {})).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if refused.status in (408, 413):
        headers.append((b"connection", b"close"))  # the rest of the body is not read
    if refused.status == 429:
        headers.append((b"retry-after", b"2"))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
