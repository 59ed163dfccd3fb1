"""Lets browsers keep gradio's scripts and styles: an ASGI middleware for the page.

Each name in /assets/ ends in a hash of what is in the file, so a file never changes under its address. Without a header
a browser asks for all of them again at every visit, and gradio compresses and sends all of them again.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from weights.serving.limits.sizes import route_path

ASSETS = "/assets/"
FOR_GOOD = "public, max-age=31536000, immutable"  # a year is the longest that browsers take


class Caching:
    """The middleware."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def kept(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                MutableHeaders(scope=message)["cache-control"] = FOR_GOOD
            await send(message)

        is_asset = scope["type"] == "http" and route_path(scope).startswith(ASSETS)
        await self.app(scope, receive, kept if is_asset else send)
