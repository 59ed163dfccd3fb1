"""The visitors' own networks, kept in memory for a while, and who may train now.

name = kept.RUNS.add(run)           # the name is a secret that only this visitor's page knows
run = kept.RUNS.get(name)           # None when it is not kept any longer
with kept.alone_with(run): ...      # one question at a time works with a network
with kept.working(): ...            # at most TRAINERS at once train, or do what takes as long
"""

from __future__ import annotations

import contextlib
import math
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from nn.trainer import Trainer
from weights.serving.page.lab.asking import Refusal

# Runs at the same time: on the two cores of a free Space more would make answers on *Draw* wait.
TRAINERS = 2
# Seconds that anything else waits for one of these places, or for a network: an epoch of nearly all takes less.
PATIENCE = 2
# Seconds without a question after which a run's turn goes to the next: a waiting page asks once a second.
TURN_SECONDS = 3
# Seconds after which a run that trains goes to the end of the line if others wait. A class of thirty sees its first
# curves within a minute; shorter turns would be lost in the second until the next page asks.
SHARE_SECONDS = 3
# Networks kept. First to go are those that no visitor can come back to, then the one that was asked longest ago.
MOST_RUNS = 64
# Memory of all of them: 64 of the usual 784-16-10 take three quarters of it, the largest with Adam 8 MB each.
MOST_BYTES = 32_000_000
# Seconds for which an untouched network is kept.
KEPT_SECONDS = 900

BUSY = "Two others train at the moment. Try again shortly."
AT_WORK = "This network is still busy with its last round."


@dataclass
class Run:
    """A visitor's network."""

    trainer: Trainer
    digits: int  # that it learns from
    asked: float = field(default_factory=time.monotonic)
    seconds: float = 0.0  # of training so far
    first_loss: float | None = None  # before it trained, of the digits that it learns from
    astray: int = 0  # epochs in a row after which it was astray; see runs.py
    over: str = ""  # why it cannot train any further, if something went wrong
    steps: int = 0  # of the first epoch
    snapshots: list[tuple[int, np.ndarray]] = field(default_factory=list)  # (step, parameters after it)
    lock: threading.Lock = field(default_factory=threading.Lock)
    changed: str = ""  # what else than its recipe made it what it is
    before: str | None = None  # the name of the last network before it that has learned; the page can bring it back

    def __post_init__(self) -> None:
        trainer = self.trainer
        self.bytes = sum(
            array.nbytes
            for array in arrays_of(trainer, trainer.model, trainer.backprop, trainer.backprop.first, trainer.optimizer)
            if array.flags.writeable  # others are shared
        )

    @property
    def has_learned(self) -> bool:
        """Whether the page offers to come back to it."""
        return bool(self.trainer.epoch or self.changed)

    def note(self, sentence: str) -> None:
        """Adds to what made it another network than its recipe does."""
        if sentence not in self.changed:
            self.changed = f"{self.changed} {sentence}".strip()


@dataclass
class Turn:
    """Of a run that trains, or waits for it."""

    asked: float = 0.0  # when it asked last; infinity while an epoch is under way
    since: float | None = None  # when it was its turn; None while it waits


def arrays_of(*holders: object) -> list[np.ndarray]:
    """The arrays that these objects' attributes hold, directly or in a list or dict, each once; no views."""
    found, waiting = {}, [value for holder in holders for value in vars(holder).values()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, np.ndarray):
            found[id(value)] = value
        elif isinstance(value, list | tuple | dict):
            waiting += value.values() if isinstance(value, dict) else value
    return [array for array in found.values() if array.base is None]


class Runs:
    """All visitors' networks, and who may train now."""

    def __init__(self) -> None:
        self.kept: OrderedDict[str, Run] = OrderedDict()
        self.asking: OrderedDict[str, Turn] = OrderedDict()  # the line: the first TRAINERS train, the others wait
        self.lock = threading.Lock()

    def add(self, run: Run, instead_of: str | None = None) -> str:
        """Keeps a network.

        instead_of: the one that this visitor had. They may come back to it, or to the one before it if it has learned
        nothing. The other of these two is the first to go when there is no room; until then a copy of the visitor's tab
        may go on with it.
        """
        name = secrets.token_hex(12)
        with self.lock:
            now = time.monotonic()
            if replaced := self.kept.get(instead_of):
                run.before, gone = replaced.before, instead_of
                if replaced.has_learned:
                    run.before, gone = instead_of, replaced.before
                if gone in self.kept:
                    self.kept.move_to_end(gone, last=False)
            turn = self.asking.get(instead_of)
            if turn and turn.asked != math.inf:  # else it is at work for the other tab
                del self.asking[instead_of]
            for old in [each for each, kept in self.kept.items() if now - kept.asked > KEPT_SECONDS]:
                del self.kept[old]
            self.kept[name] = run
            while len(self.kept) > MOST_RUNS or (self.bytes() > MOST_BYTES and len(self.kept) > 1):
                self.kept.popitem(last=False)
        return name

    def bytes(self) -> int:
        return sum(run.bytes for run in self.kept.values())

    def get(self, name: str | None) -> Run | None:
        with self.lock:
            run, now = self.kept.get(name), time.monotonic()
            if run is None:
                return None
            if now - run.asked > KEPT_SECONDS:
                del self.kept[name]
                return None
            run.asked = now
            self.kept.move_to_end(name)
            return run

    def place(self, name: str) -> int:
        """0 for a run whose turn it is, otherwise its place among those that wait."""
        now = time.monotonic()
        with self.lock:
            for other in [each for each, turn in self.asking.items() if now - turn.asked > TURN_SECONDS]:
                del self.asking[other]
            mine = self.asking.setdefault(name, Turn())
            if mine.asked != math.inf:
                mine.asked = now
                if mine.since is not None and now - mine.since > SHARE_SECONDS and len(self.asking) > TRAINERS:
                    self.asking.move_to_end(name)
            place = max(list(self.asking).index(name) - TRAINERS + 1, 0)
            if place:
                mine.since = None
            elif mine.since is None:
                mine.since = now
            return place

    def at_work(self, name: str, is_so: bool) -> None:
        """While an epoch is under way its run keeps its turn, however long it takes."""
        with self.lock:
            if turn := self.asking.get(name):
                turn.asked = math.inf if is_so else time.monotonic()

    def finish(self, name: str) -> None:
        with self.lock:
            self.asking.pop(name, None)


RUNS = Runs()
PLACES = threading.BoundedSemaphore(TRAINERS)


@contextlib.contextmanager
def alone_with(run: Run) -> Iterator[None]:
    """Keeps other questions from this network. Raises Refusal when an epoch of it lasts: whoever waits takes the place
    of a question that another visitor asks.
    """
    if not run.lock.acquire(timeout=PATIENCE):
        raise Refusal(AT_WORK)
    try:
        yield
    finally:
        run.lock.release()


@contextlib.contextmanager
def working() -> Iterator[None]:
    """One of the places in which visitors' networks are worked with. Raises Refusal when none becomes free."""
    if not PLACES.acquire(timeout=PATIENCE):
        raise Refusal(BUSY)
    try:
        yield
    finally:
        PLACES.release()
