"""What a caller may ask gradio for: a check of each call before gradio sees it, and plain answers instead of its 5xx.

    weights.guard.harden(blocks)                                               # before launch
    demo.launch(app_kwargs={"middleware": [..., Middleware(weights.guard.Guard, blocks=blocks)]})

Gradio answers 500 to a wrong call and 503 to a full queue, opens files by the path a caller names, and downloads what a
URL points to. Here a wrong call gets 404 or 422 and a full queue 429; a file is one that was uploaded or an example of
ours; nothing is ever downloaded: a picture is uploaded, or sent as a data: URL. `api_visibility="private"` hides an
event and does not protect it, so every event is checked alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from pydantic import BaseModel, ConfigDict, StrictInt, ValidationError, create_model
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from preprocessing.picture import MAX_PIXELS
from weights.serving.limits.sizes import PREFIX, Refused, refuse
from weights.serving.limits.uploads import (
    MAX_FORM_FILES,
    MAX_ID_LENGTH,
    MAX_LAYERS,
    BadDrawing,
    BlobStore,
    bounded_accept,
)
from weights.serving.schemas import MAX_BATCH

# Values of one call, counted by its commas and brackets before it is parsed: the largest batch of 784 pixels each, and
# what the clients add. Millions of short numbers take ten times their bytes in memory and seconds to read.
MAX_JSON_VALUES = MAX_BATCH * 1024
CONTAINERS = {dict, list}  # of JSON
# Lists in lists; a call's own data takes five.
MAX_DEPTH = 16
# Direct calls (`run/`, which passes gradio's queue by) at the same time, and those that may wait for their turn. A call
# may hold a picture of 50 million pixels from the moment it is decoded.
CALLS_AT_ONCE = 8
MAX_WAITING = 256
# Sessions whose last values gradio remembers. The page reads none of them back; each may hold a picture.
MAX_SESSIONS = 32
# What gradio remembers of calls whose answer nobody fetched, and of uploads whose progress nobody asked for.
MAX_FORGOTTEN = 1_000
NO_URLS = "URLs are not fetched: upload the picture, or send it as a data: URL."
URL = re.compile(r"\s*(https?|ftp|file):", re.IGNORECASE)
CALL = re.compile(rf"{PREFIX}/(?P<kind>run|api|call|call/v2)/(?P<name>[^/]+)/?")
INFO = re.compile(rf"{PREFIX}/(info|openapi\.json)/?")
STREAM = re.compile(rf"{PREFIX}/(queue/data|call/)")
JOIN = re.compile(rf"{PREFIX}/queue/join/?")

# All that the page and the clients ask gradio for. The rest stays out: recordings go through ffmpeg, deep links and
# vibes write files, `proxy=` and `file=http` fetch from elsewhere, names of components go to the log, and icons come in
# any size.
GETS = re.compile(
    rf"{PREFIX}/(config|info|openapi\.json|app_id|startup-events|user|token|login_check|theme\.css|upload_progress"
    r"|queue/data|(heartbeat|call|mcp)/.*|mcp|file=(?!https?:).*)/?",
    re.IGNORECASE | re.DOTALL,
)
POSTS = re.compile(
    rf"{PREFIX}/((run|api|call|call/v2)/[^/]+/?|queue/join/?|upload/?|cancel/?|reset/?|component_server/?|mcp(/.*)?)"
)
CLOSED = re.compile("/monitoring|/pwa_icon/")  # of what lies beside


# What Python raises for a field that is not there or of another kind. ValidationError is a ValueError.
MISTAKES = (LookupError, TypeError, ValueError, AttributeError)


class Call(BaseModel):
    """The body of a call, as gradio's page and clients send it."""

    model_config = ConfigDict(extra="ignore")

    data: list[Any]
    session_hash: str | None = None
    event_id: str | None = None
    fn_index: StrictInt | None = None
    trigger_id: StrictInt | None = None
    simple_format: bool = False
    batched: Literal[False] | None = None  # True is gradio's own, between its queue and its events


Parameters = create_model("Parameters", __config__=ConfigDict(extra="allow"))  # of call/v2: by name


class Guard:
    """The middleware. blocks: the app's gr.Blocks, which knows its events and their inputs."""

    def __init__(self, app: ASGIApp, blocks: Any, folders: Iterable[str | Path]):
        self.app = app
        self.blocks = blocks
        self.folders = [os.path.realpath(folder) for folder in folders]
        self.turn = asyncio.Semaphore(CALLS_AT_ONCE)
        self.calls = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith((PREFIX, "/monitoring", "/pwa_icon")):
            await self.app(scope, receive, send)
        else:
            await self.gradio(scope, path, receive, send)

    async def gradio(self, scope: Scope, path: str, receive: Receive, send: Send) -> None:
        """Raises Refused for what Limits, around this, shall answer."""
        posted = scope["method"] not in ("GET", "HEAD", "OPTIONS")
        ends_session = path.startswith(f"{PREFIX}/mcp") and scope["method"] == "DELETE"
        allowed = ends_session or (POSTS if posted else GETS).fullmatch(path) or not path.startswith(PREFIX)
        if CLOSED.match(path) or not allowed:
            raise Refused(404, "There is nothing here.")
        call = CALL.fullmatch(path) if posted else None
        if call or (posted and JOIN.fullmatch(path)):
            body = await read(receive)
            self.check(body, call and call["kind"], call and call["name"])
            async with self.its_turn(direct=call and call["kind"] in ("run", "api")):
                with translated(Answer(send), "what this endpoint takes") as answer:
                    await self.app(scope, replay(body, receive), answer)
        elif posted and path.startswith(f"{PREFIX}/component_server"):
            with translated(Answer(send), "what the pad sends") as answer:
                await self.app(scope, receive, answer)
        elif INFO.fullmatch(path):
            # Gradio keeps its answer to the first caller, snippets with that caller's Host header included, for all.
            scope["app"].api_info = None
            await self.app(scope, receive, send)
        elif STREAM.match(path):
            await self.stream(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answers to a call. Of one that it does not know gradio says so, and then breaks the stream."""
        answer = Answer(send)
        try:
            await self.app(scope, receive, answer)
        except RuntimeError as error:
            if not (answer.started and isinstance(error.__cause__, HTTPException)):
                raise
            await send({"type": "http.response.body", "body": b""})

    @contextlib.asynccontextmanager
    async def its_turn(self, direct: bool) -> AsyncIterator[None]:
        """Waits until a direct call may be executed. Raises Refused when too many wait; others have gradio's queue."""
        if not direct:
            yield
            return
        if self.calls >= CALLS_AT_ONCE + MAX_WAITING:
            raise Refused(429, f"{MAX_WAITING} calls are waiting, which is the limit. Try again shortly.")
        self.calls += 1
        try:
            async with self.turn:
                yield
        finally:
            self.calls -= 1

    # --- Calls --------------------------------------------------------------------------------------------------------

    def check(self, body: bytes, kind: str | None, name: str | None) -> None:
        """Raises Refused for a call that gradio cannot execute, and for one that it should not."""
        values = body.count(b",") + body.count(b"[") + body.count(b"{")
        if values > MAX_JSON_VALUES:
            raise Refused(413, f"Expected at most {MAX_JSON_VALUES:,} values in a call, got about {values:,}.")
        if kind == "call/v2":
            given = parse(Parameters, body).model_extra
            self.event(name, None)
            self.check_files(given)
            return
        call = parse(Call, body)
        for id_ in (call.session_hash, call.event_id):
            if id_ is not None and len(id_) > MAX_ID_LENGTH:
                raise Refused(422, f"Expected a session_hash and an event_id of at most {MAX_ID_LENGTH} characters.")
        if name is None and (call.session_hash is None or call.fn_index is None):
            raise Refused(422, "Expected fn_index and session_hash in a call that joins the queue.")
        event = self.event(name, call.fn_index)
        inputs = event.inputs
        if kind == "call" and len(call.data) != len(inputs):
            inputs = [block for block in inputs if not block.skip_api]
        if len(call.data) != len(inputs):
            raise Refused(422, f"Expected {len(inputs)} values in data, got {len(call.data)}.")
        self.check_files(call.data)
        for block, value in zip(inputs, call.data, strict=True):
            if getattr(block, "data_model", None) and value is not None:
                try:
                    block.data_model.model_validate(value, context={"validate_meta": True})
                except MISTAKES as error:
                    raise Refused(422, in_words(error, f"for {block.get_block_name()}")) from error

    def event(self, name: str | None, index: int | None) -> Any:
        """The event that is called. Raises Refused when there is none."""
        if index is not None:
            event = self.blocks.fns.get(index)
        else:
            event = next((event for event in self.blocks.fns.values() if event.api_name == name), None)
        if event is None or event.fn is None:  # some events are JavaScript alone
            raise Refused(404, f"There is no endpoint {name if index is None else index!r}.")
        return event

    def check_files(self, value: Any, depth: int = 0) -> None:
        """Raises Refused for a file that was not uploaded and for a URL that is no data: URL, however deep."""
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
        if CONTAINERS.isdisjoint(map(type, value)):  # 784 pixels, say: at once, a fifth of the time
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
    """Sends gradio's answer on; its 500 becomes 422 if it says what is wrong, its 503 becomes 429."""

    def __init__(self, send: Send):
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
            await refuse(self.send, *self.plain())

    def plain(self) -> tuple[Refused, dict[str, Any]]:
        try:
            said = json.loads(self.body)
        except ValueError:
            said = {}
        said = said if isinstance(said, dict) else {}
        if self.start["status"] == 503:
            return Refused(429, str(said.get("detail") or "Too many are waiting. Try again shortly.")), {}
        if said.get("error"):
            return Refused(422, str(said["error"])), {key: said[key] for key in said if key not in ("error", "detail")}
        return Refused(500, "Something went wrong here, not in your call. It stands in the app's log."), {}


@contextlib.contextmanager
def translated(answer: Answer, expected: str) -> Iterator[Answer]:
    """What gradio raises while it takes a call apart, as 422: it looks into a call's fields without asking for them.

    What goes wrong in an event is not raised but answered.
    """
    try:
        yield answer
    except MISTAKES as error:
        if answer.started:
            raise
        detail = f": {error}" if isinstance(error, BadDrawing) else "."
        raise Refused(422, f"This is not {expected}{detail}") from error


def parse(model: type[BaseModel], body: bytes) -> Any:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise Refused(422, in_words(error, "in the body")) from error


def in_words(error: Exception, where: str) -> str:
    """A validation error without what was sent, which may be long."""
    if not isinstance(error, ValidationError):
        return f"This is not what is expected {where}."
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part)[:40] for part in first["loc"])
    return f"This is not what is expected {where}: {place + ': ' if place else ''}{first['msg'][:200]}"


async def read(receive: Receive) -> bytes:
    """The whole body; Limits has seen to its size."""
    parts, more = [], True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "The request ended before its body did.")
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body again, and then what else comes."""
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


# --- Gradio's own objects ---------------------------------------------------------------------------------------------


def harden(blocks: Any, complaint: type[Exception]) -> None:
    """Makes the components refuse what they would believe, whichever way it reaches them (MCP does not use HTTP).

    complaint: what gradio shows to the caller, gr.Error.
    """
    for block in blocks.blocks.values():
        if isinstance(getattr(block, "blob_storage", None), dict):
            block.blob_storage = BlobStore()
            block.accept_blobs = bounded_accept(block.accept_blobs)
            block.preprocess = few_sheets(block, complaint)
        if hasattr(block, "async_move_resource_to_block_cache"):
            block.async_move_resource_to_block_cache = no_download(block.async_move_resource_to_block_cache, complaint)
    for block in {block._id: block for event in blocks.fns.values() for block in event.inputs}.values():
        block.preprocess = plainly(block.preprocess, complaint)


def no_download(move: Callable, complaint: type[Exception]) -> Callable:
    async def moved(resource):
        if resource is not None and URL.match(str(resource)):
            raise complaint(NO_URLS, print_exception=False)
        return await move(resource)

    return moved


def few_sheets(pad: Any, complaint: type[Exception]) -> Callable:
    """The pad's `preprocess`, which would decode sheets of any number and size, and keep them all at once."""
    preprocess = pad.preprocess

    def checked(drawing):
        given = pad.blob_storage.get(drawing.id) if drawing is not None and drawing.id is not None else drawing
        if given is not None:
            below = [sheet for sheet in (given.background, *(given.layers or ())) if sheet is not None]
            if len(below) > MAX_LAYERS:
                raise complaint(f"Expected at most {MAX_LAYERS} layers, got {len(below)}.", print_exception=False)
            sizes = [size_of(sheet) for sheet in (*below, given.composite) if sheet is not None]
            if sum(width * height for width, height in sizes) > MAX_PIXELS:
                said = f"Expected at most {MAX_PIXELS:,} pixels in all layers together."
                raise complaint(said, print_exception=False)
            if given.composite is None and len(set(sizes)) > 1:
                raise complaint("Expected layers and a background of the same size.", print_exception=False)
        return preprocess(drawing)

    return checked


def size_of(sheet: Any) -> tuple[int, int]:
    """Of a picture in a file or in memory, from its header."""
    with Image.open(io.BytesIO(sheet) if isinstance(sheet, bytes) else sheet.path) as picture:
        return picture.size


def plainly(preprocess: Callable, complaint: type[Exception]) -> Callable:
    """A component's `preprocess` that says so when it cannot use a value, instead of gradio's 500."""

    def checked(value):
        try:
            return preprocess(value)
        except complaint:
            raise
        except Exception as error:
            raise complaint("This value cannot be used here.", print_exception=False) from error

    return checked


def few_files(parser: type) -> type:
    """Gradio's reader of forms, which would take a thousand files in one."""

    class FewFiles(parser):
        def __init__(self, *args: Any, max_files: float, **options: Any) -> None:
            super().__init__(*args, max_files=min(max_files, MAX_FORM_FILES), **options)

    return FewFiles


def forget_files(blocks: Any, files: set[str]) -> None:
    """Takes deleted files off gradio's lists, which would only grow."""
    for paths in blocks.temp_file_sets:
        paths -= files


def kept_files(blocks: Any) -> set[str]:
    """Files in the upload folder that belong to the page."""
    return set().union(*(getattr(block, "keep_in_cache", ()) for block in blocks.blocks.values()))


def tidy(blocks: Any, uploads: Any) -> None:
    """Drops what gradio remembers of calls and uploads that nobody came back for.

    uploads: gradio's record of uploads' progress.
    """
    queue = blocks._queue
    for session in list(queue.pending_event_ids_session):
        if session not in queue.pending_messages_per_session:
            queue.pending_event_ids_session.pop(session, None)
    for record in (uploads._statuses, uploads._signals):
        for id_ in list(record)[:-MAX_FORGOTTEN]:
            record.pop(id_, None)
