"""What uploads leave on the disk: the folder they go into, and the ASGI app around gradio's route that guards it.

    folder = UploadFolder(own_folder())      # before gradio is imported
    Uploads(gradio_app, folder)              # takes an upload when there is room for it
    await folder.tidy()                      # now and then: deletes what is old

Gradio can delete old files too, but its cleaner ends for good when an upload arrives while it looks, and it does not
know of uploads that were broken off. So files are deleted here, by their age, whatever made them.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from weights.serving.limits.sizes import BODY, DISK_FULL, MAX_PICTURE_BYTES, NO_ROOM, Refused
from weights.serving.request_head import declared_length

# All uploads on the disk together: 25 of the largest, thousands of usual ones.
MAX_FOLDER_BYTES = 500_000_000
# A file counts as at least this much, because it takes a folder of its own: 5,000 are far below the number that a file
# system or a listing would mind.
LEAST_BYTES = 100_000
# Files in one request. The page and the clients send them one by one.
MAX_FORM_FILES = 16
# Files older than this are deleted. A visitor may look at a picture for ten minutes and ask about it again.
KEPT_SECONDS = 600
# How often old files are looked for.
LOOK_SECONDS = 60
# An upload is read within seconds, by the call it was made for. No younger file is deleted to make room.
GRACE_SECONDS = 20
# After making room, this share of the folder is in use, so that the next upload does not need to look at all files.
LEFT_FULL = 0.75
# Files are gone after this many minutes at the latest; the page says so.
GONE_AFTER_MINUTES = (KEPT_SECONDS + LOOK_SECONDS) // 60

NO_FILES = 'Expected files in the field "files" of the form, each with a file name.'

# Names of the folders below begin with this, so that nobody else's files are taken for uploads.
OURS = "draw-a-digit-uploads-"


def own_folder() -> Path:
    """Makes a folder for the uploads of this process, inside the one that gradio would use, and tells gradio of it.

    It is deleted when the process ends. If it cannot be made, the process ends at once, with a message.
    """
    shared = Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / "gradio").resolve()
    try:
        shared.mkdir(parents=True, exist_ok=True)
        own = tempfile.mkdtemp(prefix=OURS, dir=shared)
    except OSError as error:
        sys.exit(f"Uploads cannot be stored in {shared}: {error.strerror}. GRADIO_TEMP_DIR may name another folder.")
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    os.environ["GRADIO_TEMP_DIR"] = own
    return Path(own)


class UploadFolder:
    """The folder that uploads go into. It never holds more than it may, nor anything for longer than it should.

    Folders beside it that other processes of this app have made, and perhaps left behind, are counted and tidied too.
    """

    def __init__(
        self,
        folder: str | Path,
        max_bytes: int = MAX_FOLDER_BYTES,
        least: int = LEAST_BYTES,
        kept: float = KEPT_SECONDS,
        grace: float = GRACE_SECONDS,
    ):
        self.folder = Path(folder)
        self.max_bytes, self.least = max_bytes, least
        self.kept, self.grace = kept, grace
        self.bytes = max_bytes  # unknown: the first upload looks
        self.reserved = 0  # bytes of uploads under way
        self.under_way = 0
        self.broken_off = False
        self.lock = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def room_for(self, size: int) -> AsyncIterator[None]:
        """Room for an upload of at most `size` bytes and MAX_FORM_FILES files. Raises Refused when there is none.

        The files of an upload that was broken off are deleted as soon as no other upload is under way.
        """
        size = max(size, MAX_FORM_FILES * self.least)  # usually more than comes; the next count corrects it
        async with self.lock:
            if not self.fits(size):
                await self.clean(size)
                if not self.fits(size):
                    raise Refused(
                        429,
                        f"The uploads of the last {self.grace:g} seconds fill the {self.max_bytes:,} bytes there is "
                        f"room for; each counts as at least {self.least:,}. Try again shortly.",
                    )
            self.reserved += size
        self.under_way += 1
        try:
            yield
        except BaseException:
            self.broken_off = True
            raise
        finally:
            self.reserved -= size
            self.bytes += size
            self.under_way -= 1
            if self.broken_off and not self.under_way:
                self.drop_unfinished()

    def fits(self, size: int) -> bool:
        return self.bytes + self.reserved + size <= self.max_bytes

    def drop_unfinished(self) -> None:
        """Deletes the files that are still where gradio receives them; complete ones have folders of their own.

        They are emptied first: until the next search for garbage an error may keep them open.
        """
        self.broken_off = False
        with contextlib.suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):  # one that cannot be deleted does not keep the others
                    if entry.is_file(follow_symlinks=False):
                        os.truncate(entry.path, 0)
                        os.remove(entry.path)

    async def tidy(self) -> None:
        """Deletes what is too old."""
        async with self.lock:
            await self.clean()

    async def clean(self, size: int = 0) -> None:
        """Sweeps in a thread. An upload that ends meanwhile is counted, until the next sweep perhaps twice."""
        before = self.bytes
        left = await asyncio.to_thread(self.sweep, size)
        self.bytes += left - before

    def sweep(self, size: int = 0) -> int:
        """Deletes files that are too old, the oldest others while they and `size` more bytes are too many, and empty
        folders. Returns the bytes that are left.
        """
        now = time.time()
        with contextlib.suppress(OSError):
            os.utime(self.folder)  # other processes see that this one lives
        files, empty = self.contents()
        left = sum(bytes_ for _, bytes_, _ in files)
        for changed, bytes_, path in sorted(files):
            full = left + self.reserved + size > LEFT_FULL * self.max_bytes
            if now - changed < (self.grace if full else self.kept):
                break
            with contextlib.suppress(OSError):
                os.remove(path)
                left -= bytes_
        for changed, path in empty:
            # A younger one is about to get its file; the folder of another process is young as long as that one lives.
            if now - changed >= (self.kept if os.path.basename(path).startswith(OURS) else self.grace):
                with contextlib.suppress(OSError):
                    os.rmdir(path)
        return left

    def contents(self) -> tuple[list[tuple[float, int, str]], list[tuple[float, str]]]:
        """(time of the last change, bytes that count, path) of each file; (time of the last change, path) of each empty
        folder.
        """
        files, empty = [], []
        for root in self.roots():
            for folder, inner, names in os.walk(root, topdown=False):
                if not (inner or names or folder == str(self.folder)):
                    with contextlib.suppress(OSError):
                        empty.append((os.lstat(folder).st_mtime, folder))
                for name in names:
                    with contextlib.suppress(OSError):
                        path = os.path.join(folder, name)
                        status = os.lstat(path)
                        files.append((status.st_ctime, max(status.st_size, self.least), path))
        return files, empty

    def roots(self) -> Iterator[Path]:
        yield self.folder
        if self.folder.name.startswith(OURS):
            beside = self.folder.parent.glob(f"{OURS}*")
            yield from (folder for folder in beside if folder != self.folder and not folder.is_symlink())


class Uploads:
    """Takes an upload when there is room for it in the folder, and no more files in it than a form may have."""

    def __init__(self, app: ASGIApp, folder: UploadFolder):
        self.app = app
        self.folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises Refused."""
        _, options = parse_options_header(Headers(scope=scope).get("content-type"))
        delimiter = b"--" + options.get(b"boundary", b"")
        parts, tail = 0, b""
        begun = None  # the answer, until it is seen that it names a file

        async def counted() -> Message:
            nonlocal parts, tail
            message = await receive()
            data = tail + message.get("body", b"")
            parts += data.count(delimiter)
            tail = data[1 - len(delimiter) :]  # the next delimiter may begin here
            if parts > MAX_FORM_FILES + 1:  # the last one ends the form
                scope[BODY].stop(Refused(413, f"Expected at most {MAX_FORM_FILES} files in a form."))
            return message

        async def sent(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                self.folder.broken_off |= message["status"] != 200
                begun = message
                return
            if begun and message.get("body") == b"[]":
                scope[BODY].refused = Refused(422, NO_FILES)
                return
            if begun:
                await send(begun)
            begun = None
            await send(message)

        try:
            async with self.folder.room_for(declared_length(scope) or MAX_PICTURE_BYTES):
                await self.app(scope, counted, sent)
        except (TypeError, AttributeError) as error:  # gradio's, for a field that is no file
            raise Refused(422, NO_FILES) from error
        except FormParserError as error:
            raise Refused(422, f"Expected a form: {error}.") from error
        except UnicodeError as error:  # Python knows a charset in which nothing can be read: "undefined"
            raise Refused(422, "Expected a form in UTF-8.") from error
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            raise Refused(507, NO_ROOM) from error
