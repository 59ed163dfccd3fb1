"""What callers leave behind, kept small: files in gradio's upload folder, and drawings that the pad has sent.

Gradio deletes files after ten minutes and forgets drawings when they are read. Neither helps against a caller who sends
without end, so both have a size here, whatever else is called.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

# Uploads on disk, all together: 25 of the largest, thousands of the usual ones.
MAX_FOLDER_BYTES = 500_000_000
# Each has a folder of its own; far below what a file system's inodes or a listing of them would mind.
MAX_FOLDER_FILES = 5_000
# In one request; the page and the clients send them one by one.
MAX_FORM_FILES = 16
# An upload is read within seconds, by the call it was made for. Nothing younger is taken away from its owner.
GRACE_SECONDS = 20
# After tidying this share is left, so that the next upload does not need another look at all files.
LEFT_FULL = 0.75

# Drawings that the pad sent and nobody has read yet. A visitor's are read within the second.
MAX_BLOBS = 64
MAX_BLOB_STORE_BYTES = 32_000_000
# Gradio's pad without layers sends one; with them, nobody draws more.
MAX_LAYERS = 8
MAX_ID_LENGTH = 64


class Full(Exception):
    """There is no room for another upload at the moment."""


class UploadFolder:
    """The folder that uploads go into, never larger than it may be.

    folder: its path; it need not exist yet.
    kept: gives the files in it that belong to the app.
    forget: is told which files are gone.
    """

    def __init__(
        self,
        folder: str | Path,
        kept: Callable[[], Iterable[str]] = tuple,
        forget: Callable[[set[str]], None] = lambda files: None,
        max_bytes: int = MAX_FOLDER_BYTES,
        max_files: int = MAX_FOLDER_FILES,
        grace: float = GRACE_SECONDS,
    ):
        self.folder = Path(folder)
        self.kept, self.forget = kept, forget
        self.max_bytes, self.max_files, self.grace = max_bytes, max_files, grace
        self.bytes, self.files = max_bytes, max_files  # unknown: the first upload looks
        self.reserved = 0
        self.lock = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def room_for(self, size: int) -> AsyncIterator[None]:
        """Room for an upload of at most `size` bytes and MAX_FORM_FILES files. Raises Full when there is none."""
        async with self.lock:
            if not self.fits(size):
                await asyncio.to_thread(self.tidy, size)
                if not self.fits(size):
                    raise Full(
                        f"The uploads of the last {self.grace:g} seconds fill the {self.max_bytes:,} bytes or "
                        f"{self.max_files:,} files there is room for. Try again shortly."
                    )
            self.reserved += size
            self.files += MAX_FORM_FILES  # more than come, as a rule: the next count corrects it
        try:
            yield
        finally:
            self.reserved -= size
            self.bytes += size

    def fits(self, size: int) -> bool:
        return self.bytes + self.reserved + size <= self.max_bytes and self.files + MAX_FORM_FILES <= self.max_files

    def tidy(self, size: int = 0) -> None:
        """Counts the files, and deletes the oldest while they and `size` more bytes are too many."""
        now, kept = time.time(), set(self.kept())
        files = sorted(self.list_files())
        self.bytes, self.files = sum(each for _, each, _ in files), len(files)
        removed = set()
        for changed, bytes_, path in files:
            room = self.bytes + self.reserved + size <= LEFT_FULL * self.max_bytes
            if (room and self.files <= LEFT_FULL * self.max_files) or now - changed < self.grace:
                break
            if path in kept:
                continue
            with contextlib.suppress(OSError):
                os.remove(path)
                self.bytes -= bytes_
                self.files -= 1
                removed.add(path)
            with contextlib.suppress(OSError):
                if Path(path).parent != self.folder:
                    os.rmdir(Path(path).parent)
        self.forget(removed)

    def list_files(self) -> list[tuple[float, int, str]]:
        """(time of the last change, bytes, path) of each."""
        found = []
        for folder, _, names in os.walk(self.folder):
            for name in names:
                with contextlib.suppress(OSError):
                    path = os.path.join(folder, name)
                    status = os.lstat(path)
                    found.append((status.st_ctime, status.st_size, path))
        return found


class BadDrawing(ValueError):
    """Not what the pad sends; the message says what is expected."""


class BlobStore(dict):
    """The pad's drawings by id, the oldest given up when they are too many or too large."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()  # gradio writes from a pool of threads

    def __setitem__(self, key: str, value: Any) -> None:
        with self.lock:
            self.pop(key, None)  # the newest stand last
            super().__setitem__(key, value)
            while len(self) > MAX_BLOBS or sum(map(blob_bytes, list(self.values()))) > MAX_BLOB_STORE_BYTES:
                self.pop(next(iter(self)), None)


def blob_bytes(drawing: Any) -> int:
    """Bytes of one drawing: {background, layers, composite}, each None or a file's bytes."""
    return sum(len(part) for part in (drawing.background, drawing.composite, *drawing.layers) if part)


def bounded_accept(accept: Callable[[Any], None]) -> Callable[[Any], None]:
    """The pad's `accept_blobs`, which would believe any index and make a list of that length."""

    def accept_blobs(data):
        fields, files = data.data, data.files
        if fields["type"] not in ("layer", "background", "composite"):
            raise BadDrawing("expected a layer, the background or the composite")
        if fields["index"] not in ("", "null", *map(str, range(MAX_LAYERS))):
            raise BadDrawing(f"expected an index below {MAX_LAYERS}")
        if not 0 < len(fields["id"]) <= MAX_ID_LENGTH:
            raise BadDrawing(f"expected an id of at most {MAX_ID_LENGTH} characters")
        if len(files) != 1:
            raise BadDrawing(f"expected one file, got {len(files)}")
        accept(data)

    accept_blobs._is_server_fn = True
    return accept_blobs
