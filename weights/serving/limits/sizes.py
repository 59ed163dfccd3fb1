"""How much a caller may send: an ASGI middleware that counts each body as it arrives, before memory is spent on it.

    app.add_middleware(Limits)           # around everything else

    @app.post("/predict")
    @takes(MAX_PIXELS_BYTES)             # a route says how many bytes it takes; without this MAX_OTHER_BYTES
    async def predict(request): ...

Too much is answered with 413 or 429, a body that does not end with 408, and each answer names the limit. What a call to
gradio says is checked in contents.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from weights.serving.request_head import declared_length

# One picture. A photograph from a phone has 3 to 12 MB.
MAX_UPLOAD_BYTES = 20_000_000
# A form adds this much to the files in it.
FORM_BYTES = 16_384
# A picture as the body, or in a form.
MAX_PICTURE_BYTES = MAX_UPLOAD_BYTES + FORM_BYTES
# JSON: a picture of 3 MB as a data: URL, or a few hundred small ones. The parser holds it in memory several times, so
# larger pictures are uploaded.
MAX_JSON_BYTES = 4_000_000
# 784 numbers of up to three digits, written as generously as a JSON printer may: a line and an indentation for each.
MAX_PIXELS_BYTES = 65_536
# All other requests are clicks or questions of a few hundred bytes.
MAX_OTHER_BYTES = 65_536
# All bodies that are being received or answered, together: six of the largest uploads, or thirty of the largest JSON.
MAX_BYTES_AT_ONCE = 128_000_000
# A photograph of 20 MB takes 50 seconds over 3G. A slower sender holds memory for nothing.
BODY_SECONDS = 60
# A client that is refused while it still sends sees a broken connection instead of the reason. So the server reads the
# rest first, up to this many bytes: twice the largest upload.
MAX_DRAINED_BYTES = 40_000_000
# The rest is read for this long: an upload on its way over a fast network.
DRAIN_SECONDS = 5
# Bytes of one part of a path. No file system has longer names, and asking one for such a name fails in its own way.
MAX_NAME_BYTES = 255
# A refused caller may come back after this: most calls take milliseconds, the largest pictures a second or two.
RETRY_SECONDS = 2

# A form's file of more than 1 MB is stored on the disk while it is read.
DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
NO_ROOM = "The disk of this server is full. Try again later."

# Where a request carries its `Body`, for the route that knows what it takes.
BODY = "weights.body"

Endpoint = Callable[[Request], Awaitable[Response]]


class Refused(Exception):
    """A request that is not answered, and why."""

    def __init__(self, status: int, message: str, more: dict[str, Any] | None = None):
        super().__init__(message)
        self.status = status
        self.more = more or {}  # further fields of the answer


class Stopped(MultiPartException):
    """Ends the reading of a body. A parser of forms that meets it throws away the files it has begun."""


def takes(most_bytes: int) -> Callable[[Endpoint], Endpoint]:
    """Declares the largest body of a route, beside the route."""

    def declare(endpoint: Endpoint) -> Endpoint:
        @functools.wraps(endpoint)
        async def limited(request: Request) -> Response:
            allow(request.scope, most_bytes)
            return await endpoint(request)

        return limited

    return declare


def allow(scope: Scope, most_bytes: int) -> None:
    """Sets the limit for the body of this request, before it is read. Raises Refused for one that is larger."""
    if BODY in scope:  # not in a test of a route alone
        scope[BODY].allow(most_bytes)


class Limits:
    """Counts the bytes of all bodies. A route below may raise Refused, or leave one in its request's `Body`."""

    def __init__(self, app: ASGIApp):
        self.app = app
        self.held = 0  # bytes of bodies whose requests are not answered yet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = scope[BODY] = Body(self, scope, receive, send)
        try:
            if has_long_name(scope["path"]):
                raise Refused(404, f"There is nothing at this address: names have at most {MAX_NAME_BYTES} bytes.")
            await self.app(scope, body.receive, body.send)
        except Refused as refused:
            body.refused = refused
        except ClientDisconnect:  # nobody is there to be answered
            pass
        except asyncio.CancelledError:  # the server ends, and has waited long enough
            if body.answered or not asyncio.current_task().cancelling():
                raise
            body.refused, body.complete = Refused(503, "This server ends. Send the request again."), True
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            body.refused = Refused(507, NO_ROOM)
        except Exception:
            if body.refused is None:
                raise
        finally:
            self.held -= body.received
        if body.refused is not None and not body.answered:
            await body.drain()
            await refuse(send, body.refused)


class Body:
    """The body of one request, counted as it comes; and its answer, which is withheld once the request is refused."""

    def __init__(self, limits: Limits, scope: Scope, receive: Receive, send: Send):
        self.limits = limits
        self._receive, self._send = receive, send
        self.most_bytes = MAX_OTHER_BYTES
        self.declared = declared_length(scope)
        self.received = 0
        self.deadline: float | None = None
        self.complete = False
        self.answered = False
        self.refused: Refused | None = None

    def allow(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        if refused := self.excess(self.declared):
            raise refused

    def excess(self, size: int) -> Refused | None:
        """Why a body of this size is too much, if it is."""
        if size > self.most_bytes:
            return Refused(413, f"Expected at most {self.most_bytes:,} bytes here, got {size:,} or more.")
        if self.limits.held - self.received + size > MAX_BYTES_AT_ONCE:
            return Refused(429, f"Requests of {MAX_BYTES_AT_ONCE:,} bytes are under way: the limit. Try again shortly.")
        return None

    async def receive(self) -> Message:
        if self.refused:
            raise Stopped(str(self.refused))
        if self.complete:  # the next message only says that the caller has gone
            return await self._receive()
        if self.deadline is None:
            self.deadline = asyncio.get_running_loop().time() + BODY_SECONDS
            self.check(self.declared)
        try:
            async with asyncio.timeout_at(self.deadline):
                message = await self._receive()
        except TimeoutError:
            self.stop(Refused(408, f"The request took too long to arrive: {BODY_SECONDS} seconds are the limit."))
        if message["type"] == "http.request":
            self.complete = not message.get("more_body", False)
            size = len(message.get("body", b""))
            self.received += size
            self.limits.held += size
            self.check(self.received)
        return message

    def check(self, size: int) -> None:
        if refused := self.excess(size):
            self.stop(refused)

    def stop(self, refused: Refused) -> None:
        self.refused = refused
        raise Stopped(str(refused))

    async def drain(self) -> None:
        """Reads the rest and keeps nothing of it: unread bytes would break the connection."""
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
        if self.refused is not None and not self.answered:
            return
        if not self.answered:
            self.answered = True
            await self.drain()
        await self._send(message)


def has_long_name(path: str) -> bool:
    return len(path) * 4 > MAX_NAME_BYTES and any(len(name.encode()) > MAX_NAME_BYTES for name in path.split("/"))


async def refuse(send: Send, refused: Refused) -> None:
    """Answers with the message under both names: `detail` as our routes have it, `error` as gradio's clients do."""
    body = json.dumps({"detail": str(refused), "error": str(refused)} | refused.more).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if refused.status in (408, 413):
        headers.append((b"connection", b"close"))  # the rest of the body is not read
    if refused.status == 429:
        headers.append((b"retry-after", b"%d" % RETRY_SECONDS))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
