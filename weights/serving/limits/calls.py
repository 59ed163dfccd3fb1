"""What a caller may ask gradio for: an ASGI middleware inside gradio's app that checks each call before gradio sees it.

    gr.mount_gradio_app(app, blocks, "/", app_kwargs={"middleware": [Middleware(Calls, ...)]})

Gradio answers 500 to a wrong call and 503 when its queue is full, opens files by the path that a caller names, and
downloads what a URL points to. Here a wrong call gets 404 or 422 and a full queue 429 (gradio's Python client gets what
it can show: `for_python_client`). A file must be an upload or an example of ours. Nothing is downloaded: callers upload
a picture, or send it as a data: URL. `api_visibility="private"` hides an event but does not protect it, so all events
are checked alike.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_core import from_json
from starlette.datastructures import Headers, QueryParams
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from weights.serving.gradio_internals import Event, has_address
from weights.serving.limits.answers import PlainAnswer, for_python_client
from weights.serving.limits.contents import MAX_ID_LENGTH, MISTAKES, ComponentCall, Contents, Parameters, parse, read
from weights.serving.limits.sizes import BODY, MAX_JSON_BYTES, MAX_OTHER_BYTES, MAX_PICTURE_BYTES, Refused, allow
from weights.serving.limits.streams import Streams
from weights.serving.limits.turns import Turns
from weights.serving.limits.uploads import UploadFolder, Uploads
from weights.serving.request_head import PREFIX, is_form, route_path

# Of gradio's pages: a dashboard, and icons in any size but the two that manifest.json names.
CLOSED = re.compile("/monitoring|/pwa_icon/(?!(192|512)$)")
# What a query names and gradio remembers.
REMEMBERED = ("session_hash", "upload_id")
# A question of the page's rooms: the largest brings the files of a network.
MAX_QUESTION_BYTES = 2_000_000
# Direct calls (`run/`, tools of MCP), which do not go through gradio's queue, at the same time: each may hold a picture
# of 50 million pixels from the moment it is decoded.
CALLS_AT_ONCE = 8
# Direct calls that may wait for their turn: a second's worth.
MAX_WAITING = 256
# Questions of the page's rooms that are answered at the same time. They have turns of their own, because training takes
# seconds and nobody who calls an endpoint shall wait for it.
QUESTIONS_AT_ONCE = 4
# Questions that may wait: some seconds of work, while a visitor still waits for an answer.
QUESTIONS_WAITING = 128

EXPECTED_CALL = 'Expected {"data": [...]} with one value for each input, as "Use via API" shows it.'
ONE_RANGE = re.compile(rb"\s*bytes=\s*(\d+-\d*|-\d+)\s*", re.IGNORECASE)

Handler = Callable[[re.Match, Scope, Receive, Send], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Route:
    """One of gradio's routes that the page or the clients use."""

    methods: tuple[str, ...]
    path: re.Pattern  # for all of the path after PREFIX; no two routes match the same one
    most_bytes: int  # of a body
    handle: Handler


def route(methods: str, path: str, most_bytes: int, handle: Handler) -> Route:
    return Route(tuple(methods.split()), re.compile(path, re.DOTALL | re.IGNORECASE), most_bytes, handle)


class Calls:
    """The middleware.

    events: the app's, which callers may call.
    folder: where uploads are.
    files: files and folders of ours that a call may name.
    stopping: is set when the server is told to stop.
    """

    def __init__(
        self,
        app: ASGIApp,
        events: Iterable[Event],
        folder: UploadFolder,
        files: Iterable[str | Path],
        stopping: asyncio.Event,
    ):
        self.app = app
        self.contents = Contents(events, [os.path.realpath(each) for each in (folder.folder, *files)])
        self.session = secrets.token_hex()
        self.calls = Turns(CALLS_AT_ONCE, MAX_WAITING, "calls")
        self.questions = Turns(QUESTIONS_AT_ONCE, QUESTIONS_WAITING, "questions")
        self.streams = Streams(app, stopping)
        # Other routes stay closed: recordings go through ffmpeg, deep links and vibes write files, `proxy=` and
        # `file=http` fetch from elsewhere, names of components go to the log, `startup-events` starts a second queue.
        self.routes = [
            route("POST", "(run|api)/(?P<name>[^/]+)/?", MAX_JSON_BYTES, self.direct_call),
            route("POST", "call/(?P<v2>v2/)?(?P<name>[^/]+)/?", MAX_JSON_BYTES, self.queued_call),
            route("POST", "queue/join/?", MAX_JSON_BYTES, self.queued_call),
            route("POST", "upload/?", MAX_PICTURE_BYTES, passing(Uploads(app, folder))),
            route("POST", "component_server/?", MAX_QUESTION_BYTES, self.component_call),
            route("POST", "(cancel|reset)/?", MAX_OTHER_BYTES, passing(app)),
            route("POST", "mcp(/.*)?", MAX_JSON_BYTES, self.tool_call),
            route("DELETE", "mcp(/.*)?", MAX_OTHER_BYTES, passing(app)),
            route(
                "GET HEAD",
                "(config|app_id|user|token|login_check|openapi[.]json|theme[.]css)/?",
                MAX_OTHER_BYTES,
                passing(app),
            ),
            route("GET HEAD", "info/?", MAX_OTHER_BYTES, self.info),
            route("GET HEAD", "file=(?!https?:).*", MAX_OTHER_BYTES, self.file),
            route("GET HEAD", "(queue/data|upload_progress)/?|call/.*", MAX_OTHER_BYTES, passing(self.streams)),
            route("GET HEAD", "heartbeat/.*", MAX_OTHER_BYTES, passing(self.streams.without_answer)),
            route("GET HEAD", "mcp(/.*)?", MAX_OTHER_BYTES, self.tool_stream),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = route_path(scope)
        closed = CLOSED.match(path)
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            if not has_address(scope):
                raise Refused(400, "Expected the name of a host in Host and in X-Forwarded-Host.")
            if not (closed or path.startswith(f"{PREFIX}/")):
                await (self.of_the_page if path == "/" else self.app)(scope, receive, send)
                return
            if any(len(value) > MAX_ID_LENGTH for name, value in names_in(scope) if name in REMEMBERED):
                raise Refused(414, f"Expected at most {MAX_ID_LENGTH} characters in {' or '.join(REMEMBERED)}.")
            for each in () if closed else self.routes:
                match = scope["method"] in each.methods and each.path.fullmatch(path, len(PREFIX) + 1)
                if match:
                    allow(scope, each.most_bytes)
                    await each.handle(match, scope, receive, send)
                    return
            raise Refused(404, 'There is nothing at this address. /docs and "Use via API" list what there is.')
        except Refused as refused:  # for Limits to answer: gradio's own middleware would make it a 500
            scope[BODY].refused = for_python_client(refused, scope)

    # --- Routes -------------------------------------------------------------------------------------------------------

    async def direct_call(self, match: re.Match, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read(receive)
        call = self.contents.check(body, match["name"])
        if call.session_hash is None:
            # Gradio copies the settings of all components for each session, and for each call without one: all such
            # calls share one session. The field comes last in the body, because the last of two fields with one name
            # counts, and a call may have sent null.
            body = body.rstrip()[:-1] + b',"session_hash":"%s"}' % self.session.encode()
        async with self.calls.one():
            await self.forward(scope, body, receive, send)

    async def queued_call(self, match: re.Match, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read(receive)
        named = match.groupdict()
        if named.get("v2"):
            self.contents.event(named["name"], None)
            self.contents.check_files(parse(Parameters, body).model_extra)
        else:
            self.contents.check(body, named.get("name"))
        await self.forward(scope, body, receive, send)

    async def tool_call(self, match: re.Match, scope: Scope, receive: Receive, send: Send) -> None:
        """A message of MCP, which carries its call somewhere inside."""
        body = await read(receive)
        try:
            self.contents.check_files([from_json(body)])
        except ValueError as error:
            raise Refused(422, "Expected a message of MCP, as JSON.") from error
        async with self.calls.one():
            await self.app(scope, replay(body, receive), send)

    async def component_call(self, match: re.Match, scope: Scope, receive: Receive, send: Send) -> None:
        """A call of a component's function. A form brings the pad's drawing, which the page sends again with its
        question: nothing is kept of this one.
        """
        if is_form(Headers(scope=scope)):
            await JSONResponse(None)(scope, receive, send)
            return
        body = await read(receive)
        self.contents.check_files([parse(ComponentCall, body).data])
        async with self.questions.one():
            await self.forward(scope, body, receive, send)

    async def info(self, match: re.Match, scope: Scope, receive: Receive, send: Send) -> None:
        """What "Use via API" shows. Gradio keeps one answer for all, with the Host header of whoever asked first; if a
        page is named, it makes each answer anew.
        """
        await self.of_the_page(scope, receive, send)

    async def of_the_page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Asks gradio for the only page there is. By its name it would find no other, and break."""
        await self.app({**scope, "query_string": scope["query_string"] + b"&page="}, receive, send)

    async def file(self, match: re.Match, scope: Scope, receive: Receive, send: Send) -> None:
        """A file, whole if several ranges of it are asked for: gradio breaks on them, and a server need not obey."""
        headers = [(name, value) for name, value in scope["headers"] if name != b"range" or ONE_RANGE.fullmatch(value)]
        await self.app({**scope, "headers": headers}, receive, send)

    async def tool_stream(self, match: re.Match, scope: Scope, receive: Receive, send: Send) -> None:
        """A stream for an agent. Nothing is kept for one that lost its stream: if it names what it got last, the
        library of MCP gives no answer at all, so it gets a new stream.
        """
        headers = [(name, value) for name, value in scope["headers"] if name != b"last-event-id"]
        await self.streams.without_answer({**scope, "headers": headers}, receive, send)

    async def forward(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Gives a call to gradio. What gradio raises while it takes the call apart is answered with 422: it looks into
        fields that need not be there. What goes wrong in an event is not raised but answered.
        """
        answer = PlainAnswer(scope, send)
        try:
            await self.app(scope, replay(body, receive), answer)
        except MISTAKES as error:
            if answer.started:
                raise
            raise Refused(422, EXPECTED_CALL) from error


def names_in(scope: Scope) -> list[tuple[str, str]]:
    return QueryParams(scope["query_string"]).multi_items() if scope["query_string"] else []


def passing(app: ASGIApp) -> Handler:
    """A handler that leaves a request to this app."""

    async def handle(match: re.Match, scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    return handle


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body again, and then what follows it."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
