"""How many answers may stay open: an ASGI app around gradio's that counts its streams and ends them in good order.

A page holds one or two streams for as long as it is open. When the server is told to stop, those that only keep a page
company end at once, and those that bring an answer bring it first.
"""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from weights.serving.limits.sizes import Refused

# A process may usually have 1024 open files. This leaves a fifth of them for requests.
MAX_STREAMS = 800


class Streams:
    """Counts the streams of `app`. stopping: is set when the server is told to stop."""

    def __init__(self, app: ASGIApp, stopping: asyncio.Event):
        self.app = app
        self.stopping = stopping
        self.open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises Refused when too many are open."""
        if self.open >= MAX_STREAMS:
            raise Refused(429, f"{MAX_STREAMS} streams are open, which is the limit. Try again shortly.")
        begun = ended = False

        async def sent(message: Message) -> None:
            nonlocal begun, ended
            begun = True
            ended = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        self.open += 1
        try:
            await self.app(scope, receive, sent)
        except RuntimeError as error:  # for an unknown call gradio sends an error, then drops the connection
            if not (begun and isinstance(error.__cause__, HTTPException)):
                raise
        finally:
            self.open -= 1
        if begun and not ended:
            await send({"type": "http.response.body", "body": b""})

    async def without_answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A stream that brings no answer: when the server stops, gradio is told that the caller has gone."""

        async def received() -> Message:
            heard, told = waits = [asyncio.ensure_future(each) for each in (receive(), self.stopping.wait())]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                return heard.result() if heard.done() else {"type": "http.disconnect"}
            finally:
                heard.cancel()
                told.cancel()

        await self(scope, received, send)
