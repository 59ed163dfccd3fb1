"""The preview of a link to the page, which chats and social networks make from tags in its head.

Gradio's own tags speak of gradio, and `head=` adds others only after the page has loaded, which no preview waits for.
"""

from __future__ import annotations

import gzip
import os
import re
from html import escape
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from weights.serving.request_head import FILE, route_path

LEVEL = 6  # of compression; higher ones take longer and save nothing
GRADIOS = re.compile(rb'<meta\s+(property="og:|name="twitter:)[^>]*>')


def tags(title: str, description: str, picture: Path) -> str:
    """The tags as HTML. On a Space, SPACE_HOST says where the picture is found: previews need its whole address."""
    host = os.environ.get("SPACE_HOST")
    contents = {
        "og:type": "website",
        "og:title": title,
        "og:description": description,
        "twitter:card": "summary_large_image",
    }
    if host:
        contents |= {"og:url": f"https://{host}", "og:image": f"https://{host}{FILE}{picture}"}
    properties = "".join(f'<meta property="{name}" content="{escape(text)}" />' for name, text in contents.items())
    return f'<meta name="description" content="{escape(description)}" />{properties}'


class Preview:
    """An ASGI middleware that puts `tags` in the place of gradio's own, in the page that gradio answers.

    It also compresses this page, for gradio does so for files alone: 40 KB instead of 170.
    """

    def __init__(self, app: ASGIApp, tags: str):
        self.app = app
        self.head = b"<head>" + tags.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or route_path(scope) != "/":
            await self.app(scope, receive, send)
            return
        start: Message = {}
        page = b""

        async def changed(message: Message) -> None:
            nonlocal start, page
            if message["type"] == "http.response.start":
                start = message
                return
            if message["type"] != "http.response.body":
                await send(message)
                return
            page += message.get("body", b"")
            if message.get("more_body", False):
                return
            body = GRADIOS.sub(b"", page).replace(b"<head>", self.head, 1)
            headers = MutableHeaders(scope=start)
            headers.add_vary_header("accept-encoding")
            if "gzip" in Headers(scope=scope).get("accept-encoding", ""):
                headers["content-encoding"] = "gzip"
                body = gzip.compress(body, LEVEL)
            headers["content-length"] = str(len(body))
            await send(start)
            await send({"type": "http.response.body", "body": body})

        await self.app(scope, receive, changed)
