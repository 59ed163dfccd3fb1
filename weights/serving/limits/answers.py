"""How gradio's refusals are told: with the status that a caller expects, and in the form that its client shows."""

from __future__ import annotations

import json

from starlette.datastructures import Headers
from starlette.types import Message, Scope, Send

from weights.serving.limits.pictures import BUSY
from weights.serving.limits.sizes import Refused, refuse
from weights.serving.request_head import PREFIX, route_path


class PlainAnswer:
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
