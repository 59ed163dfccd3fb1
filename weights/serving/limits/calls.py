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
import json
import os
import re
import secrets
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError, create_model
from pydantic_core import from_json
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from weights.serving.gradio_internals import Event
from weights.serving.limits.pictures import BUSY
from weights.serving.limits.sizes import (
    BODY,
    MAX_JSON_BYTES,
    MAX_OTHER_BYTES,
    MAX_PICTURE_BYTES,
    Refused,
    allow,
    is_form,
    refuse,
    route_path,
)
from weights.serving.limits.streams import Streams
from weights.serving.limits.turns import Turns
from weights.serving.limits.uploads import UploadFolder, Uploads
from weights.serving.schemas import MAX_BATCH

PREFIX = "/gradio_api"
# Of gradio's pages: a dashboard, and icons in any size but the two that manifest.json names.
CLOSED = re.compile("/monitoring|/pwa_icon/(?!(192|512)$)")
# A question of the page's rooms: the largest brings the files of a network.
MAX_QUESTION_BYTES = 2_000_000
# Values of one call, counted by its commas and brackets before it is parsed: the largest batch of 784 pixels each, and
# a little that the clients add. Millions of short numbers take ten times their bytes in memory and seconds to read.
MAX_JSON_VALUES = MAX_BATCH * 1024
# Lists in lists. A call's own data takes five.
MAX_DEPTH = 16
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
# The page and the clients send eleven characters, gradio's own 32.
MAX_ID_LENGTH = 64

EXPECTED_CALL = 'Expected {"data": [...]} with one value for each input, as "Use via API" shows it.'
NO_URLS = "URLs are not fetched: upload the picture, or send it as a data: URL."
URL = re.compile(r"\s*(https?|ftp|file):", re.IGNORECASE)
ONE_RANGE = re.compile(rb"\s*bytes=\s*(\d+-\d*|-\d+)\s*", re.IGNORECASE)
CONTAINERS = {dict, list}  # of JSON
# What Python raises for a field that is missing or of another kind. ValidationError is a ValueError.
MISTAKES = (LookupError, TypeError, ValueError, AttributeError)


class Call(BaseModel):
    """The body of a call, as gradio's page and clients send it."""

    model_config = ConfigDict(extra="ignore")

    data: list[Any]
    session_hash: str | None = Field(None, max_length=MAX_ID_LENGTH)
    event_id: str | None = Field(None, max_length=MAX_ID_LENGTH)
    fn_index: StrictInt | None = None
    trigger_id: StrictInt | None = None
    simple_format: bool = False
    batched: Literal[False] | None = None  # only gradio itself says True, between its queue and its events


class ComponentCall(BaseModel):
    """The body of a call of a component's function."""

    model_config = ConfigDict(extra="ignore")

    data: Any
    component_id: StrictInt
    session_hash: str = Field(max_length=MAX_ID_LENGTH)
    fn_name: str


Parameters = create_model("Parameters", __config__=ConfigDict(extra="allow"))  # of call/v2: by name

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
        self.by_index = {event.index: event for event in events}
        self.by_name = {event.name: event for event in self.by_index.values()}
        self.folders = [os.path.realpath(each) for each in (folder.folder, *files)]
        self.session = secrets.token_hex()
        self.calls = Turns(CALLS_AT_ONCE, MAX_WAITING, "calls")
        self.questions = Turns(QUESTIONS_AT_ONCE, QUESTIONS_WAITING, "questions")
        streams = Streams(app, stopping)
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
            route("GET HEAD", "(queue/data|upload_progress)/?|call/.*", MAX_OTHER_BYTES, passing(streams)),
            route("GET HEAD", "heartbeat/.*|mcp(/.*)?", MAX_OTHER_BYTES, passing(streams.without_answer)),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = route_path(scope)
        closed = CLOSED.match(path)
        if scope["type"] != "http" or not (closed or path.startswith(f"{PREFIX}/")):
            await self.app(scope, receive, send)
            return
        try:
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
        call = self.check(body, match["name"])
        if call.session_hash is None:
            # Gradio copies the settings of all components for each session, and for each call without one.
            # At the end: of two fields with one name the last one counts, and a call may say null.
            body = body.rstrip()[:-1] + b',"session_hash":"%s"}' % self.session.encode()
        async with self.calls.one():
            await self.forward(scope, body, receive, send)

    async def queued_call(self, match: re.Match, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read(receive)
        named = match.groupdict()
        if named.get("v2"):
            self.event(named["name"], None)
            self.check_files(parse(Parameters, body).model_extra)
        else:
            self.check(body, named.get("name"))
        await self.forward(scope, body, receive, send)

    async def tool_call(self, match: re.Match, scope: Scope, receive: Receive, send: Send) -> None:
        """A message of MCP, which carries its call somewhere inside."""
        body = await read(receive)
        try:
            self.check_files([from_json(body)])
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
        self.check_files([parse(ComponentCall, body).data])
        async with self.questions.one():
            await self.forward(scope, body, receive, send)

    async def info(self, match: re.Match, scope: Scope, receive: Receive, send: Send) -> None:
        """What "Use via API" shows. Gradio keeps one answer for all, with the Host header of whoever asked first; if a
        page is named, it makes each answer anew.
        """
        scope["query_string"] += b"&page="
        await self.app(scope, receive, send)

    async def file(self, match: re.Match, scope: Scope, receive: Receive, send: Send) -> None:
        """A file, whole if several ranges of it are asked for: gradio breaks on them, and a server need not obey."""
        headers = [(name, value) for name, value in scope["headers"] if name != b"range" or ONE_RANGE.fullmatch(value)]
        await self.app({**scope, "headers": headers}, receive, send)

    async def forward(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Gives a call to gradio. What gradio raises while it takes the call apart is answered with 422: it looks into
        fields that need not be there. What goes wrong in an event is not raised but answered.
        """
        answer = Answer(scope, send)
        try:
            await self.app(scope, replay(body, receive), answer)
        except MISTAKES as error:
            if answer.started:
                raise
            raise Refused(422, EXPECTED_CALL) from error

    # --- Checks: each raises Refused ----------------------------------------------------------------------------------

    def check(self, body: bytes, name: str | None) -> Call:
        """The call in a body. name: of the event; None for a call that joins the queue."""
        call = parse(Call, body)
        if name is None and (call.session_hash is None or call.fn_index is None):
            raise Refused(422, "Expected fn_index and session_hash in a call that joins the queue.")
        inputs = self.event(name, call.fn_index).inputs
        if len(call.data) != len(inputs):
            inputs = [each for each in inputs if not each.hidden]
        if len(call.data) != len(inputs):
            raise Refused(422, f"Expected {len(inputs)} values in data, got {len(call.data)}.")
        self.check_files(call.data)
        for each, value in zip(inputs, call.data, strict=True):
            if each.model and value is not None:
                try:
                    each.model.model_validate(value, context={"validate_meta": True})
                except MISTAKES as error:
                    raise Refused(422, in_words(error, f"for {each.name}")) from error
        return call

    def event(self, name: str | None, index: int | None) -> Event:
        event = self.by_name.get(name) if index is None else self.by_index.get(index)
        if event is None:
            named = name if index is None else index
            raise Refused(404, f'There is no endpoint {named!r}. "Use via API" lists those there are.')
        return event

    def check_files(self, value: Any, depth: int = 0) -> None:
        """Looks for a file that was not uploaded and for a URL that is no data: URL, however deep."""
        if depth > MAX_DEPTH:
            raise Refused(422, f"Expected at most {MAX_DEPTH} lists or objects inside each other.")
        if isinstance(value, dict):
            path, url = value.get("path"), value.get("url")
            if isinstance(path, str) and path:
                self.check_path(path)
            elif isinstance(url, str) and not url.startswith("data:"):
                raise Refused(422, NO_URLS)
            if not isinstance(value.get("meta", {}), dict):  # gradio would ask it for its keys
                raise Refused(422, 'Expected {"_type": "gradio.FileData"} as a file\'s meta.')
            value = value.values()
        if CONTAINERS.isdisjoint(map(type, value)):  # a list of pixels: at once, in a fifth of the time
            return
        for inner in value:
            if type(inner) in CONTAINERS:
                self.check_files(inner, depth + 1)

    def check_path(self, path: str) -> None:
        if URL.match(path):
            raise Refused(422, NO_URLS)
        try:
            real = os.path.realpath(path)
            inside = any(os.path.commonpath([real, folder]) == folder for folder in self.folders)
            there = inside and os.path.isfile(real)
        except (ValueError, OSError):
            there = False
        if not there:
            raise Refused(422, f"Expected a file's path as {PREFIX}/upload answers it; there is no such upload.")


class Answer:
    """Sends gradio's answer to a call on. A 500 that says what is wrong becomes 422, and a 503 becomes 429."""

    def __init__(self, scope: Scope, send: Send):
        self.scope = scope
        self.send = send
        self.started = False
        self.start: Message | None = None  # held back until the body tells what it is about
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            if message["status"] in (500, 503):
                self.start = message
                return
        if self.start is None:
            await self.send(message)
            return
        self.body += message.get("body", b"")
        if not message.get("more_body", False):
            await refuse(self.send, for_python_client(self.plain(), self.scope))

    def plain(self) -> Refused:
        try:
            said = json.loads(self.body)
        except ValueError:
            said = {}
        said = said if isinstance(said, dict) else {}
        detail, error = said.pop("detail", None), said.pop("error", None)
        if self.start["status"] == 503:
            return Refused(429, str(detail or "Too many are waiting. Try again shortly."))
        if error == BUSY:
            return Refused(429, BUSY)
        if error:
            return Refused(422, str(error), said)
        return Refused(500, "Something went wrong here, not in your call. The app's log says what.")


def for_python_client(refused: Refused, scope: Scope) -> Refused:
    """The same refusal in the form that gradio's Python client shows, if the client asks by its queue.

    It shows the text of a 422 that looks as if it came from gradio's own validation, takes a 503 for a full queue, and
    of all else it shows the status alone. Gradio's page would take such a 422 for no error.
    """
    queued = route_path(scope).startswith((f"{PREFIX}/queue/", f"{PREFIX}/call/"))
    if not queued or Headers(scope=scope).get("x-gradio-user") != "api":
        return refused
    if refused.status == 429:
        return Refused(503, str(refused))
    if refused.status not in (404, 413, 422):
        return refused
    said = {"__type__": "validate", "is_valid": False, "parameter_name": "data", "message": str(refused)}
    return Refused(422, str(refused), {"detail": [said]})


def passing(app: ASGIApp) -> Handler:
    """A handler that leaves a request to this app."""

    async def handle(match: re.Match, scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    return handle


def parse(model: type[BaseModel], body: bytes) -> Any:
    """What the model describes. Raises Refused."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise Refused(422, in_words(error, "in the body")) from error


def in_words(error: Exception, where: str) -> str:
    """A validation error without the value that was sent, which may be long."""
    if not isinstance(error, ValidationError):
        return f"Expected another value {where}."
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part)[:40] for part in first["loc"])
    return f"Expected another value {where}{f' at {place}' if place else ''}: {first['msg'][:200]}"


async def read(receive: Receive) -> bytes:
    """The whole body; Limits has seen to its size. Raises Refused for one that breaks off or holds too many values."""
    parts, more = [], True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "The request ended before its body did.")
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    body = b"".join(parts)
    values = body.count(b",") + body.count(b"[") + body.count(b"{")
    if values > MAX_JSON_VALUES:
        raise Refused(413, f"Expected at most {MAX_JSON_VALUES:,} values in a call, got about {values:,}.")
    return body


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
