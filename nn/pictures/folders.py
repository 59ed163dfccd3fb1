"""Folders of labelled pictures: 7/any-name.jpg, or train/7/any-name.jpg and test/7/any-name.jpg, with more folders
between them or not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from nn.mlp import DIGITS, SIDE
from nn.pictures.splits import BORDER, DataError, Split, listing

Frame = Callable[[Image.Image], np.ndarray]  # any picture -> (28, 28) in [0, 1]
Opener = Callable[[Path | BinaryIO], Image.Image]  # raises ValueError or OSError for a file that is no picture

LABELS = {str(label) for label in range(DIGITS)}
PARTS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
SHUFFLE_SEED = 0  # folders come sorted by label; one fixed shuffle makes their last 10% a fair validation split
BLACK = 127  # a border whose median is lighter is paper, which is to be framed; others are taken as they are

log = logging.getLogger(__name__)


def read(
    files: Sequence[Path], folder: Path, frame: Frame | None = None, opener: Opener = Image.open
) -> tuple[Split, Split] | None:
    """The training and the test pictures among `files`, all of which lie in `folder`; None when there are none.

    Other files, and pictures outside the folders of labels, are left out; the log counts and names them.

    Raises:
        DataError: a picture is damaged, or its label is not clear.
    """
    places = [(path, *part_and_labels(path.relative_to(folder))) for path in files]
    parted = any(part and labels for _, part, labels in places)
    rows: dict[str, list[tuple[np.ndarray, int]]] = {"train": [], "test": []}
    left_out = []
    for path, part, labels in places:
        picture = open_or_none(path, opener) if labels and (part or not parted) else None
        if picture is None:
            left_out.append(path)
            continue
        with picture:
            if len(labels) > 1:
                raise DataError(f"{path}: is it a {' or a '.join(labels)}? only one folder may be named after a digit")
            rows[part or "train"].append((to_pixels(picture, path, frame), int(labels[0])))
    if not rows["train"]:
        return None
    if left_out:
        log.warning("%s: left out %s (no picture, or in no folder named 0 to 9)", folder, listing(left_out, folder))
    train, test = (shuffled(part) for part in rows.values())
    return train, test


def part_and_labels(path: Path) -> tuple[str | None, list[str]]:
    """("train", "test" or None, the digits that folders above a file are named after)."""
    folders = [name.lower() for name in path.parts[:-1]]
    return next((PARTS[name] for name in folders if name in PARTS), None), [name for name in folders if name in LABELS]


def open_or_none(file: Path | BinaryIO, opener: Opener) -> Image.Image | None:
    try:
        return opener(file)
    except (ValueError, OSError):
        return None


def to_pixels(picture: Image.Image, name: object, frame: Frame | None = None) -> np.ndarray:
    """A picture -> (28, 28) uint8. A grey one of 28x28 is MNIST's own; any other goes through `frame`. With a frame
    a grey one on paper goes through it too.

    Raises:
        DataError: it is damaged, or there is no `frame`.
    """
    try:
        if picture.size == (SIDE, SIDE) and picture.mode == "L":
            pixels = np.array(picture)
            if frame is None or np.median(pixels[BORDER]) <= BLACK:
                return pixels
        if frame is not None:
            return np.rint(frame(picture) * 255).astype(np.uint8)
    except Exception as error:  # Pillow's decoders raise all kinds of exceptions; a decompression bomb is one of them
        raise DataError(f"{name}: cannot be read as a picture: {error}") from error
    found = f"{picture.width}x{picture.height} in mode {picture.mode}"
    raise DataError(f"{name}: expected {SIDE}x{SIDE} grey pixels (mode L), found {found}")


def shuffled(rows: Sequence[tuple[np.ndarray, int]]) -> Split:
    """All pictures in one fixed shuffled order."""
    images = np.array([pixels for pixels, _ in rows], np.uint8).reshape(-1, SIDE, SIDE)
    labels = np.array([label for _, label in rows], np.int64)
    return Split(images, labels)[np.random.default_rng(SHUFFLE_SEED).permutation(len(rows))]
