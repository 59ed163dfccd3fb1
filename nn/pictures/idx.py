"""MNIST's own files, in the format IDX, under the names that they have in different places.

    train-images-idx3-ubyte.gz, or without .gz, compressed or not whatever the name says     MNIST itself
    train-images.idx3-ubyte, train-images-idx3-ubyte/train-images-idx3-ubyte                 Kaggle
    MNIST/raw/train-images-idx3-ubyte                                                        torchvision
    emnist-digits-train-images-idx3-ubyte.gz                                                 EMNIST, stored transposed

and three companions: train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, `test` for `t10k`.
"""

from __future__ import annotations

import gzip
import itertools
import math
import re
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nn.mlp import SIDE
from nn.pictures.splits import DataError, Split, checked, listing

NAME = re.compile(
    r"(?P<set>.*)(?P<part>train|t10k|test)[-_.](?P<kind>images|labels)[-_.]idx[13][-_.]ubyte(\.gz)?", re.I
)
PARTS, DIMENSIONS = ("train", "t10k"), {"images": 3, "labels": 1}
UNSIGNED_BYTES = 0x0800  # the magic number is this plus the number of dimensions
GZIP_MAGIC = b"\x1f\x8b"
# Cohen et al. 2017 wrote EMNIST's images column by column.
TRANSPOSED = "emnist"


def read(files: Sequence[Path], folder: Path) -> tuple[Split, Split] | None:
    """The training and the test images among `files`, all of which lie in `folder`; None when no name is MNIST's.

    Raises:
        DataError: one of the four files is missing, damaged, or there are several that differ.
    """
    names = [(path, match) for path in files if (match := NAME.fullmatch(path.name))]
    if not names:
        return None
    roles = {role: [] for role in itertools.product(PARTS, DIMENSIONS)}
    for path, match in names:
        part = match["part"].lower().replace("test", "t10k")
        roles[part, match["kind"].lower()].append(path)
    found = listing([path for path, _ in names], folder)
    missing = [f"{part}-{kind}-idx{DIMENSIONS[kind]}-ubyte" for (part, kind), paths in roles.items() if not paths]
    if missing:
        raise DataError(f"{folder}: {', '.join(missing)} missing (with or without .gz); found {found}")
    chosen = {role: the_one_of(paths, role, folder) for role, paths in roles.items()}
    sets = {NAME.fullmatch(path.name)["set"].lower() for path in chosen.values()}
    if len(sets) > 1:
        raise DataError(f"{folder}: files of several data sets, each incomplete; found {found}")
    train, test = (read_pair(chosen[part, "images"], chosen[part, "labels"]) for part in PARTS)
    return train, test


def with_companions(path: Path) -> list[Path]:
    """A file of MNIST's and those of the same data set beside it; a file of another name as it is, alone."""
    own = NAME.fullmatch(path.name)
    if own is None:
        return [path]
    beside = [(other, NAME.fullmatch(other.name)) for other in sorted(path.parent.iterdir()) if other.is_file()]
    return [other for other, name in beside if name and name["set"].lower() == own["set"].lower()]


def the_one_of(paths: Sequence[Path], role: tuple[str, str], folder: Path) -> Path:
    """The file for this role; copies of it, such as the compressed one beside it, do no harm."""
    first, *others = paths
    for other in others:
        if read_bytes(other) != read_bytes(first):
            names = f"{first.relative_to(folder)} and {other.relative_to(folder)}"
            raise DataError(
                f"{folder}: which are the {' '.join(role)}? {names} differ; give the folder of one data set"
            )
    return first


def read_pair(images: Path, labels: Path) -> Split:
    pixels = read_array(images, "images")
    if TRANSPOSED in images.name.lower():
        pixels = np.ascontiguousarray(pixels.transpose(0, 2, 1))
    return checked(pixels, read_array(labels, "labels"), images, labels)


def read_array(path: Path, kind: str) -> np.ndarray:
    """One IDX file of unsigned bytes: images (n, 28, 28) or labels (n,)."""
    raw = read_bytes(path)
    header = struct.Struct(f">{1 + DIMENSIONS[kind]}I")
    if len(raw) < header.size:
        raise DataError(f"{path}: {len(raw)} bytes, too short for an IDX header of {header.size}")
    (magic, *shape), expected = header.unpack_from(raw), UNSIGNED_BYTES + DIMENSIONS[kind]
    if magic != expected:
        raise DataError(f"{path}: expected magic number {expected:#010x} ({kind}), found {magic:#010x}")
    if kind == "images" and shape[1:] != [SIDE, SIDE]:
        raise DataError(f"{path}: expected images of {SIDE}x{SIDE} pixels, found {shape[1]}x{shape[2]}")
    size = header.size + math.prod(shape)
    if len(raw) != size:
        raise DataError(f"{path}: expected {size} bytes for shape {tuple(shape)}, found {len(raw)}")
    return np.frombuffer(raw, np.uint8, offset=header.size).reshape(shape)


def read_bytes(path: Path, most: int = -1) -> bytes:
    """The content of a file, or its first bytes, decompressed if it is compressed: browsers and tools drop or keep .gz
    as they like. Raises DataError.
    """
    try:
        with path.open("rb") as file:
            compressed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            file.seek(0)
            with gzip.open(file) if compressed else file as content:
                return content.read(most)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
