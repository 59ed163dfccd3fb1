"""MNIST as one file of arrays, and as tables of numbers.

mnist.npz                          Keras: x_train, y_train, x_test, y_test
train.csv, mnist_test.csv          Kaggle: a label and 784 pixels in each row, with a header or without
emnist-digits-train.csv            EMNIST: the same without a header, stored transposed
any-name.csv                       the same; all of it is to learn from. Only where the file is given, not its folder
"""

from __future__ import annotations

import io
import logging
import re
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nn.mlp import PIXELS, SIDE
from nn.pictures.idx import TRANSPOSED, read_bytes
from nn.pictures.splits import DataError, Split, checked

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
CSV_NAME = re.compile(r"(.*[-_. ])?(?P<part>train|test)(\.csv|\.csv\.gz)", re.I)
# Bytes of a first line: 785 cells, of which a header's are called pixel783 or 28x28.
MOST_HEAD = 2**14
# Characters of a first cell that a message repeats. In a table with semicolons this cell is the whole line, and its
# beginning shows them.
SHOWN = 40

log = logging.getLogger(__name__)


def read(files: Sequence[Path], folder: Path) -> tuple[Split, Split] | None:
    """The training and the test images among `files`, all of which lie in `folder`; None when there are no such tables.

    Tables that are named like these and hold something else are left out, and the log names them.

    Raises:
        DataError: a file is damaged, or it is not clear which one is meant.
    """
    archives = [path for path in files if path.suffix.lower() == ".npz"]
    if archives:
        return read_npz(only(archives, folder))
    tables, others = {"train": [], "test": []}, []
    for path in files:
        if match := CSV_NAME.fullmatch(path.name):
            fits = len(first_row(path)) in (PIXELS, 1 + PIXELS)
            (tables[match["part"].lower()] if fits else others).append(path)
    if not tables["train"]:
        return None
    for path in others:
        log.warning("left out %s", unlike_mnist(path, first_row(path)))
    train = read_csv(only(tables["train"], folder))
    test = only(tables["test"], folder) if tables["test"] else None
    if test and len(first_row(test)) == PIXELS:
        log.warning("%s: left out, its %d columns are pixels without a label", test, PIXELS)
        test = None
    return train, read_csv(test) if test else train[:0]


def is_unnamed(path: Path) -> bool:
    """Whether this is a table whose name says neither train nor test."""
    return path.name.lower().endswith((".csv", ".csv.gz")) and not CSV_NAME.fullmatch(path.name)


def read_alone(path: Path) -> tuple[Split, Split]:
    """A table of images to learn from, and none to test on. Raises DataError when it is none."""
    train = read_csv(path)
    return train, train[:0]


def only(paths: Sequence[Path], folder: Path) -> Path:
    if len(paths) > 1:
        names = " or ".join(str(path.relative_to(folder)) for path in paths[:2])
        raise DataError(f"{folder}: which one is meant, {names}? give the file, or the folder of one data set")
    return paths[0]


def read_npz(path: Path) -> tuple[Split, Split]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = dict(archive)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: cannot be read as arrays: {error}") from error
    if not arrays.keys() >= set(ARRAYS):
        raise DataError(f"{path}: expected arrays {', '.join(ARRAYS)}, found {', '.join(arrays) or 'none'}")
    x_train, y_train, x_test, y_test = (arrays[name] for name in ARRAYS)
    return checked(x_train, y_train, path, path), checked(x_test, y_test, path, path)


def first_row(path: Path) -> list[str]:
    """The cells of the first line, without quotation marks; of a longer line than MOST_HEAD its beginning."""
    line = read_bytes(path, MOST_HEAD).split(b"\n", 1)[0].decode("utf-8-sig", "replace")
    return [cell.strip('" \r') for cell in line.split(",")]


def unlike_mnist(path: Path, first: list[str]) -> str:
    """What is wrong with a table whose first line has these cells."""
    return f"{path}: expected columns label and {PIXELS} pixels, found {len(first)} from {first[0][:SHOWN]!r}"


def left_out(files: Sequence[Path]) -> str:
    """Why the first of these files that is named like a table to learn from was not read; "" where there is none."""
    named = (path for path in files if (match := CSV_NAME.fullmatch(path.name)) and match["part"].lower() == "train")
    return next((unlike_mnist(path, first_row(path)) for path in named), "")


def read_csv(path: Path) -> Split:
    """A label and 784 pixels in each row. A header, if there is one, begins with `label`."""
    first = first_row(path)
    header = not first[0].strip().isdigit()
    if len(first) != 1 + PIXELS or (header and first[0].strip().lower() != "label"):
        raise DataError(unlike_mnist(path, first))
    try:
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # of no rows
            rows = np.loadtxt(io.BytesIO(read_bytes(path)), np.uint8, delimiter=",", skiprows=int(header), ndmin=2)
    except ValueError as error:
        reason = str(error).split(";")[0].rstrip(".")  # the rest is advice for who calls NumPy
        raise DataError(f"{path}: expected integers from 0 to 255, {1 + PIXELS} in each row: {reason}") from error
    if not rows.size or rows.shape[1] != 1 + PIXELS:
        raise DataError(f"{path}: expected rows of {1 + PIXELS} numbers, found {len(rows)} of {rows.shape[1]}")
    images = rows[:, 1:].reshape(-1, SIDE, SIDE)
    if TRANSPOSED in path.name.lower():
        images = np.ascontiguousarray(images.transpose(0, 2, 1))
    return checked(images, rows[:, 0], path, path)
