"""What gradio does for every call or session and nobody needs here, left out.

    weights.lighter.lighten()                                                 # before launch

It would take longer than all the rest of a short call.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from gradio import blocks, mcp, route_utils, state_holder
from gradio_client import utils
from starlette.requests import Request

walk, root_url = utils.async_traverse, route_utils.get_root_url
CONTAINERS = (dict, list, tuple)  # where it looks inside
# Where a caller found the app, which gradio takes apart anew for each call: addresses of that many calls are kept.
MAX_ADDRESSES = 32
# Of a component, what guard.py and inputs.py replace.
ADDED = {"preprocess", "accept_blobs", "blob_storage", "async_move_resource_to_block_cache"}
TOLD_BY_PROXIES = ("x-forwarded-host", "x-forwarded-proto", "x-gradio-server")


class Session(state_holder.SessionState):
    """Gradio's state of a session, without a copy of the settings of every component.

    Gradio makes that copy for each session, and for each direct call (`run/`), which has none; it grows with the page.
    It is read for one purpose only: links that open a page as a visitor left it, which guard.py closes.
    """

    def __init__(self, app: blocks.Blocks) -> None:
        super().__init__(SimpleNamespace(default_config=app.default_config, blocks={}))
        self.built = app.default_config.blocks  # all components, as they were made at the start

    def __setitem__(self, key: int, value: Any) -> None:
        """Gradio puts a new component into the place of one that an event has changed, or left as it was with
        `gr.skip()`. It is made from its arguments anew; what guard.py and inputs.py have put on the old one is kept.
        """
        super().__setitem__(key, value)
        first = self.built.get(key)
        if first is not None and not first.stateful:
            vars(value).update({name: what for name, what in vars(first).items() if name in ADDED})

    def _update_config(self, key: int) -> None:
        """There is nothing to keep up to date."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """There is nothing to keep up to date; besides, it would hold the last picture of every session."""


async def async_traverse(value: Any, change: Callable[..., Coroutine], is_root: Callable[..., bool]) -> Any:
    """Gradio's search for files in a call, without a coroutine for each number of a list of pixels: a batch of them
    would hold up all other callers for a tenth of a second.
    """
    if isinstance(value, list) and not any(issubclass(kind, CONTAINERS) for kind in set(map(type, value))):
        return value[:]  # files are objects
    return await walk(value, change, is_root)


def get_root_url(request: Request, route_path: str, root_path: str | None) -> str:
    """Gradio's address of the app as the caller sees it, worked out once for calls of the same kind."""
    told = tuple((name, request.headers[name]) for name in TOLD_BY_PROXIES if name in request.headers)
    return known_root_url(str(request.url), told, route_path, root_path)


@lru_cache(MAX_ADDRESSES)
def known_root_url(url: str, told: tuple, route_path: str, root_path: str | None) -> str:
    return root_url(SimpleNamespace(url=url, headers=dict(told)), route_path, root_path)


def lighten() -> None:
    """Makes gradio use these wherever it begins a session, looks for files or for its own address."""
    for module in (state_holder, route_utils, blocks, mcp):
        module.SessionState = Session
    utils.async_traverse = async_traverse
    route_utils.get_root_url = get_root_url
