"""Lets browsers keep what gradio serves: an ASGI middleware for the page.

Each name in /assets/ ends in a hash of what is in the file, so a file never changes under its address. Without a header
a browser asks for all of them again at every visit, and gradio compresses and sends all of them again.

The page needs a picture several times within moments. pad.js asks for one before gradio does, so that it is there at
once.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from weights.serving.request_head import FILE, route_path

ASSETS = "/assets/"
FOR_GOOD = "public, max-age=31536000, immutable"  # a year is the longest that browsers take
FOR_A_MINUTE = "private, max-age=60"  # then a visitor's picture is on its way to be deleted


class Caching:
    """The middleware."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def kept(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                MutableHeaders(scope=message)["cache-control"] = keep
            await send(message)

        keep = how_long(route_path(scope)) if scope["type"] == "http" else None
        await self.app(scope, receive, kept if keep else send)


def how_long(path: str) -> str | None:
    if path.startswith(ASSETS):
        return FOR_GOOD
    return FOR_A_MINUTE if path.startswith(FILE) else None
