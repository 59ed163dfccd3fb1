"""Turns: how many calls are worked on at the same time, and how many may wait.

turns = Turns(2, 128, "pictures")
result = await turns.run(examine, file, served)    # in a thread, beside the event loop
async with turns.one():                            # on the event loop
    ...
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio

from weights.serving.limits.sizes import Refused


class Turns:
    """`at_once` calls have a turn at the same time, while `waiting` others wait. `what` they are is said to those who
    are refused.
    """

    def __init__(self, at_once: int, waiting: int, what: str) -> None:
        self.limiter = anyio.CapacityLimiter(at_once)
        self.waiting, self.most, self.what = waiting, at_once + waiting, what
        self.taken = 0  # turns, and places to wait for one

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A turn, as soon as there is one. Raises Refused when too many wait."""
        with self._place():
            async with self.limiter:
                yield

    async def run(self, task: Callable[..., Any], *given: Any) -> Any:
        """The result of a task, which has its turn in a thread. Raises Refused when too many wait."""
        with self._place():
            return await anyio.to_thread.run_sync(task, *given, limiter=self.limiter)

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        if self.taken >= self.most:
            raise Refused(429, f"{self.waiting} {self.what} are waiting, which is the limit. Try again shortly.")
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
