"""huggingface_hub where we rely on more than its documentation promises: its HTTP client, progress bars and cache.

tests/hub/test_contract.py names each of these and fails when an upgrade has changed one.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path, PurePosixPath

import httpx2
from huggingface_hub import get_session
from huggingface_hub.utils import tqdm

from nn.files import WeightsError, replacing
from weights.hub.problems import HubError

# huggingface_hub sets no limit on most of its requests. Connecting is quick; an upload may pause while it is stored.
REQUEST_TIMEOUT = httpx2.Timeout(60, connect=10)


# --- Limits on time and size ------------------------------------------------------------------------------------------


def set_timeouts() -> None:
    """Gives huggingface_hub's shared HTTP client a timeout; without one a silent Hub blocks a push without end."""
    get_session().timeout = REQUEST_TIMEOUT


class Deadline:
    """When a download must have ended; another thread may bring that forward with `cancel`."""

    def __init__(self, seconds: float | None = None) -> None:
        self.end = None if seconds is None else time.monotonic() + seconds
        self.cancelled = threading.Event()

    def cancel(self) -> None:
        self.cancelled.set()

    def check(self) -> None:
        """Raises HubError when the time is up or it was cancelled."""
        if self.cancelled.is_set() or (self.end is not None and time.monotonic() > self.end):
            raise HubError("the Hub did not deliver in time")


class Damaged(WeightsError):
    """The downloaded bytes are not those that the Hub holds; another download may be better."""


def download_meter(deadline: Deadline, most: int) -> type[tqdm]:
    """A progress bar for huggingface_hub that shows nothing and ends a download of more bytes or time than allowed."""

    class Meter(tqdm):
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **options | {"disable": True})
            self.received = self.n

        def update(self, n: float | None = 1) -> None:
            self.received += n or 0
            deadline.check()
            if self.received > most:
                raise Damaged(f"more than {most:,} bytes arrived, which is more than is accepted")

    return Meter


# --- The cache --------------------------------------------------------------------------------------------------------


def recorded_checksum(path: Path) -> str | None:
    """The checksum that the Hub gave for a file in the cache: a snapshot is a link to the blob of that name."""
    try:
        return PurePosixPath(os.readlink(path)).name
    except OSError:
        return None


def note_commit(folder: Path, revision: str, commit: str) -> None:
    """Notes in the cache which commit a branch or tag stood for, as huggingface_hub does for an unpinned download.

    The next start then has these weights even without a network. A note that cannot be written does no harm.
    """
    if revision == commit:
        return
    note = folder.parents[1] / "refs" / revision
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        with replacing(note) as temporary:
            temporary.write_text(commit)
    except OSError:
        pass
