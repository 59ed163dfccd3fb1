"""Gradio's inner objects: whatever here is not in gradio's documentation is touched in this file alone.

tests/serving/test_contract.py names each of these attributes and fails when one is gone or has changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr
import gradio.routes
import gradio_client.utils
import httpx
from gradio.context import get_blocks_context
from gradio.processing_utils import save_pil_to_cache
from gradio.route_utils import CustomCORSMiddleware as CrossOrigin  # our routes let in the origins that gradio lets in
from gradio.route_utils import get_request_origin
from gradio.routes import file_upload_statuses
from gradio.utils import get_upload_folder
from gradio_client.snippet import generate_code_snippets
from pydantic import BaseModel
from starlette.requests import Request
from starlette.types import Scope

__all__ = [
    "CrossOrigin",
    "Event",
    "Input",
    "bound",
    "events",
    "field",
    "get_upload_folder",
    "has_address",
    "mend_snippets",
    "name_tools",
    "rest",
    "save_pil_to_cache",
    "show_example",
    "skip_numbers",
    "tidy",
]

# Threads in which gradio reads values and calls functions, for all events together.
THREADS = 8
# Seconds between two looks of gradio's queue for something to do, and for progress to tell, of which there is none.
# Gradio looks every millisecond, and every 10: an app at rest then takes a tenth of a processor.
BETWEEN_LOOKS, BETWEEN_PROGRESS = 0.01, 1.0
# Sessions whose last values gradio remembers. The page reads none of them back.
MAX_SESSIONS = 32
# Messages that wait to be read, of all sessions together; an answer has up to 30 KB. Pages and clients read theirs at
# once.
MAX_UNREAD = 1_000
# Uploads whose progress nobody has asked for: gradio would remember them for ever.
MAX_FORGOTTEN = 1_000
# Values of JSON that are no file and hold none.
SCALARS = {bool, float, int, str, type(None)}
# What gradio makes the app's address of, and hosts with which it can.
HOST_HEADERS = (b"host", b"x-forwarded-host", b"x-gradio-server")
PLAIN_HOST = re.compile(rb"[A-Za-z0-9.-]+(:[0-9]{1,4})?")
# The end of gradio's snippet for `curl`.
READ_IN_A_PIPE = re.compile(r"^curl(.*?)\\\n  \| read EVENT_ID; curl", re.DOTALL | re.MULTILINE)
# A picture that a snippet gives as text, and what gives a file in its place: (language, pattern, replacement).
PICTURE = r'"data:image/[^"]*"'
FROM_FILE = (
    ("python", "import Client$", "import Client, handle_file"),
    ("python", f"image={PICTURE}", 'image=handle_file("7.png")'),
    ("javascript", "\\A", 'import { readFile } from "node:fs/promises";\n'),
    ("javascript", f"image: {PICTURE}", 'image: await readFile("7.png", "base64")'),
    ("bash", r"\$\(curl", """$(printf '{"image": "%s"}' "$(base64 < 7.png | tr -d '\\\\n')" | curl"""),
    ("bash", '-d \'{"image": ' + PICTURE + "}'", "-d @-"),
)


@dataclass(frozen=True)
class Input:
    """A component that an event takes a value from."""

    name: str  # of its kind
    hidden: bool  # from callers: gradio fills it in
    model: type[BaseModel] | None  # of its value; None: any


@dataclass(frozen=True)
class Event:
    """An event that can be called."""

    index: int
    name: str | None
    inputs: tuple[Input, ...]


def events(blocks: gr.Blocks) -> list[Event]:
    """The events that run a function here; others are JavaScript alone."""
    return [
        Event(
            index,
            event.api_name,
            tuple(
                Input(each.get_block_name(), each.skip_api, getattr(each, "data_model", None)) for each in event.inputs
            ),
        )
        for index, event in blocks.fns.items()
        if event.fn is not None
    ]


def bound(blocks: gr.Blocks) -> None:
    """Sets what `launch` would take as arguments and `mount_gradio_app` does not; before `queue`."""
    blocks.max_threads = THREADS
    blocks.state_session_capacity = MAX_SESSIONS
    blocks.has_launched = True  # until then gradio opens any file that a caller names


def rest(blocks: gr.Blocks) -> None:
    """Makes gradio's queue look less often for something to do; after `queue`."""
    blocks._queue.sleep_when_free = BETWEEN_LOOKS
    blocks._queue.progress_update_sleep_when_free = BETWEEN_PROGRESS


def name_tools(blocks: gr.Blocks) -> None:
    """Gives agents' tools the names of our functions. On a Space gradio puts the Space's name before them, and what is
    written for one copy of the app would not run with another.
    """
    server = blocks.mcp_server_obj
    server.tool_prefix = ""
    server.tool_to_endpoint = server.get_tool_to_endpoint()


def tidy(blocks: gr.Blocks) -> None:
    """Drops what gradio remembers of calls and uploads that nobody came back for, and of files: uploads.py deletes
    them.
    """
    queue = blocks._queue
    for session in list(queue.pending_event_ids_session):
        if session not in queue.pending_messages_per_session:
            queue.pending_event_ids_session.pop(session, None)
    unread = sorted(queue.pending_messages_per_session.values(), key=lambda messages: messages.qsize())
    while unread and sum(messages.qsize() for messages in unread) > MAX_UNREAD:
        fullest = unread.pop()  # its session stays: calls under way still write to it
        while not fullest.empty():
            fullest.get_nowait()
    for record in (file_upload_statuses._statuses, file_upload_statuses._signals):
        for id_ in list(record)[:-MAX_FORGOTTEN]:
            record.pop(id_, None)
    for files in blocks.temp_file_sets:
        files.clear()


def has_address(scope: Scope) -> bool:
    """Whether gradio finds the app's own address in the headers of a request: Host, or a proxy's X-Forwarded-Host."""
    hosts = [value for name, value in scope["headers"] if name in HOST_HEADERS]
    path = scope["path"]
    if hosts and all(map(PLAIN_HOST.fullmatch, hosts)) and path.isascii() and path.isprintable():
        return True  # as almost always: to ask gradio costs every request 70 microseconds
    try:
        get_request_origin(Request(scope), route_path="")
    except (ValueError, httpx.InvalidURL):
        return False
    return True


def field(event: gr.EventData, name: str) -> Any:
    """What a component says of an event under this name; None if it says nothing. Callers may send anything."""
    return event._data.get(name) if isinstance(event._data, dict) else None


def show_example(function: Callable, example: Any) -> None:
    """Makes the page "Use via API" show this value for the only input of an endpoint. The Blocks are still being built.

    A default value of the function would be shown as well. But then a call that forgets its input gets the example's
    answer, and agents read the example, 784 numbers perhaps, in the description of each tool.
    """
    (component,) = next(event for event in get_blocks_context().fns.values() if event.fn is function).inputs
    component.example_payload = lambda: example


def mend_snippets() -> None:
    """Makes the page "Use via API" show snippets for `curl` that run in every shell, and that send a picture as a file.

    Gradio's own snippets run in zsh alone: in bash and sh `... | read NAME` sets NAME in a process of its own, and the
    next command finds it empty. They also show a picture as a text of some hundred characters, which no caller has.
    """

    def mended(*arguments: Any, **options: Any) -> dict[str, str]:
        snippets = generate_code_snippets(*arguments, **options)
        snippets["bash"] = READ_IN_A_PIPE.sub(r"EVENT_ID=$(curl\1)\ncurl", snippets["bash"])
        if re.search(f"\\bimage={PICTURE}", snippets["python"]):
            for language, pattern, replacement in FROM_FILE:
                snippets[language] = re.sub(pattern, replacement, snippets[language], count=1, flags=re.MULTILINE)
        return snippets

    gradio.routes.generate_code_snippets = mended


def skip_numbers() -> None:
    """Makes gradio's search for files in a call pass over lists of numbers.

    Gradio looks at each element in a coroutine of its own. A batch of 256 times 784 pixels would hold up all other
    callers for a tenth of a second.
    """
    search = gradio_client.utils.async_traverse

    async def searched(value: Any, change: Callable, is_file: Callable) -> Any:
        if type(value) is list and SCALARS.issuperset(map(type, value)):
            return value[:]
        return await search(value, change, is_file)

    gradio_client.utils.async_traverse = searched
