"""Files that a visitor brings along or takes home: a few, small, and perhaps in a zip.

    unpacked([Sent(name="a.zip", content=...)])     # {"model.safetensors": b"...", "config.json": b"..."}
    zipped({"7/1.png": b"..."})                     # base64

A zip is read in memory. How many files it may hold and how much they may grow is checked before any is unpacked.
"""

from __future__ import annotations

import base64
import io
import struct
import zipfile
import zlib
from typing import Annotated

from pydantic import Base64Bytes, Field

from weights.serving.page.lab.asking import Question, Refusal

# A component's call may take 2 MB (limits/calls.py), and base64 makes a third more of a file. The largest network of
# Train one takes 1.1 MB.
MOST_BYTES = 1_400_000
# Files at a time: a network has two, or one zip.
MOST_SENT = 4
# What the files of a zip may take in all: four times what a zip that is not packed can hold.
MOST_UNPACKED = 6_000_000
# Twice the drawings of a set, for the files that a computer adds.
MOST_FILES = 256
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others take memory as a file tells them
ENCRYPTED = 0x1  # a flag of a file in a zip
# What zipfile raises for files that are damaged or made to harm.
DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
    IndexError,
)


class Sent(Question):
    """A file as the page sends it."""

    name: Annotated[str, Field(max_length=200)]
    content: Base64Bytes


Files = Annotated[list[Sent], Field(min_length=1, max_length=MOST_SENT)]


def unpacked(files: list[Sent]) -> dict[str, bytes]:
    """The files by name, those of a zip with their folders. Raises Refusal."""
    if sum(len(file.content) for file in files) > MOST_BYTES:
        raise Refusal(f"All files together may have {MOST_BYTES / 1e6:.1f} MB.")
    found = {}
    for file in files:
        found |= members(file)
    return found


def members(file: Sent) -> dict[str, bytes]:
    """The files in a zip, without those that a computer adds by itself; any other file as it is. Raises Refusal."""
    try:
        if not zipfile.is_zipfile(io.BytesIO(file.content)):
            return {file.name: file.content}
        with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > MOST_UNPACKED:
                raise Refusal(f"A zip of at most {MOST_FILES} files and {MOST_UNPACKED // 10**6} MB unpacked is taken.")
            if any(entry.compress_type not in PACKINGS or entry.flag_bits & ENCRYPTED for entry in entries):
                raise Refusal("This zip is encrypted, or packed in a way that is not taken.")
            return {entry.filename: archive.read(entry) for entry in entries if not added(entry.filename)}
    except Refusal:
        raise
    except DAMAGES as error:
        raise Refusal(f"{file.name[:80]} is a damaged zip: {str(error)[:80]}.") from error


def added(name: str) -> bool:
    """Whether this is such a file as .DS_Store or __MACOSX/._7.png."""
    return any(part.startswith((".", "__")) for part in name.split("/"))


def zipped(content: dict[str, bytes]) -> str:
    """The base64 of a zip of these files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, each in content.items():
            archive.writestr(name, each)
    return base64.b64encode(file.getvalue()).decode()
