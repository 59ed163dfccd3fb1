"""Gradio's state of a session, without a copy of the settings of every component.

    weights.sessions.lighten()                                                 # before launch

Gradio makes that copy for each session, and for each direct call (`run/`), which has none; it costs more than the rest
of a short call, and grows with the page. It is read for one purpose only: links that open a page as a visitor left it,
which guard.py closes.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from gradio import blocks, mcp, route_utils, state_holder


class Session(state_holder.SessionState):
    """As gradio's, with no component in the copy."""

    def __init__(self, app: blocks.Blocks) -> None:
        super().__init__(SimpleNamespace(default_config=app.default_config, blocks={}))

    def _update_config(self, key: int) -> None:
        """There is nothing to keep up to date."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """There is nothing to keep up to date; besides, it would hold the last picture of every session."""


def lighten() -> None:
    """Makes gradio use it wherever it begins a session."""
    for module in (state_holder, route_utils, blocks, mcp):
        module.SessionState = Session
