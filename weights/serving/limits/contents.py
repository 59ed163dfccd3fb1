"""What a call to gradio may say: the models of its body, and the checks that calls.py makes before gradio sees it.

calls = Contents(events, folders)
call = calls.check(body, "predict")     # the call in a body, or Refused
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any, Literal

from gradio import FileData
from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError, create_model
from starlette.types import Receive

from weights.serving.gradio_internals import Event
from weights.serving.limits.sizes import Refused
from weights.serving.request_head import PREFIX
from weights.serving.schemas import MAX_BATCH, place_and_message

# Values of one call, counted by its commas and brackets before it is parsed: the largest batch of 784 pixels each, and
# a little that the clients add. Millions of short numbers take ten times their bytes in memory and seconds to read.
MAX_JSON_VALUES = MAX_BATCH * 1024
# Lists in lists. A call's own data takes five.
MAX_DEPTH = 16
# The page and the clients send eleven characters, gradio's own 32.
MAX_ID_LENGTH = 64

NO_URLS = "URLs are not fetched: upload the picture, or send it as a data: URL."
URL = re.compile(r"\s*(https?|ftp|file):", re.IGNORECASE)
CONTAINERS = {dict, list}  # of JSON
# What Python raises for a field that is missing or of another kind. ValidationError is a ValueError.
MISTAKES = (LookupError, TypeError, ValueError, AttributeError)


class Call(BaseModel):
    """The body of a call, as gradio's page and clients send it."""

    model_config = ConfigDict(extra="ignore")

    data: list[Any]
    event_data: Any = None
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


class Contents:
    """The checks: each raises Refused.

    events: the app's, which callers may call.
    folders: whose files a call may name, and single files; real paths.
    """

    def __init__(self, events: Iterable[Event], folders: list[str]) -> None:
        self.by_index = {event.index: event for event in events}
        self.by_name = {event.name: event for event in self.by_index.values()}
        self.folders = folders

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
        self.check_files([*call.data, call.event_data])
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
            if isinstance(url, str) and not (isinstance(path, str) and path) and not url.startswith("data:"):
                raise Refused(422, NO_URLS)
            if not isinstance(value.get("meta", {}), dict):  # gradio would ask it for its keys
                raise Refused(422, 'Expected {"_type": "gradio.FileData"} as a file\'s meta.')
            if isinstance(path, str) and (path or "meta" in value):
                self.check_path(path)
                check_fields(value)
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


def check_fields(file: dict) -> None:
    """Looks at all fields of a file as gradio will. Raises Refused."""
    try:
        FileData.model_validate(file)
    except MISTAKES as error:
        raise Refused(422, in_words(error, "for a file")) from error


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
    place, message = place_and_message(error.errors(include_url=False, include_input=False, include_context=False)[0])
    return f"Expected another value {where}{f' at {place}' if place else ''}: {message}"
