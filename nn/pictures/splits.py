"""Labelled images, and the checks that every way to read them shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nn.mlp import DIGITS, PIXELS, SIDE

VALIDATION_SHARE = 0.1
# The border of MNIST's frame: the outermost pixels. In all of its 70,000 digits at least 102 of these 108 are 0.
BORDER = np.ones((SIDE, SIDE), bool)
BORDER[1:-1, 1:-1] = False
# As many file names as one reads in an error message.
NAMES_LISTED = 5


class DataError(ValueError):
    """A data file is missing, damaged or not what it claims; the message names it and says what is wrong."""


def as_pixels(images: np.ndarray) -> np.ndarray:
    """(n, 28, 28) uint8 -> (n, 784) float32 in [0, 1], the network's input."""
    return images.reshape(-1, PIXELS).astype(np.float32) / 255


@dataclass(frozen=True)
class Split:
    """images (n, 28, 28) uint8, white ink on black; labels (n,) int64."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def pixels(self) -> np.ndarray:
        """(n, 784) float32 in [0, 1]: the network's input."""
        return as_pixels(self.images)

    def __getitem__(self, rows: slice | np.ndarray) -> Split:
        return Split(self.images[rows], self.labels[rows])


@dataclass(frozen=True)
class Dataset:
    """Images to learn from, to choose settings by, and to test on; the last may be empty."""

    train: Split
    validation: Split
    test: Split

    def splits(self) -> dict[str, Split]:
        """The splits that hold anything, by name (a plain folder of pictures has no test images)."""
        return {name: split for name, split in vars(self).items() if len(split)}


def with_validation(train: Split, test: Split) -> Dataset:
    """The last 10% of `train` become the validation split."""
    kept = len(train) - round(len(train) * VALIDATION_SHARE)
    return Dataset(train[:kept], train[kept:], test)


def pixel_statistics(split: Split) -> tuple[float, float]:
    """Mean and standard deviation of all pixels in [0, 1] (MNIST: 0.13 and 0.31)."""
    counts = np.bincount(split.images.ravel(), minlength=256)
    values = np.arange(256) / 255
    mean = float(np.average(values, weights=counts))
    return mean, float(np.sqrt(np.average((values - mean) ** 2, weights=counts)))


def checked(images: np.ndarray, labels: np.ndarray, images_name: object, labels_name: object) -> Split:
    """The split of these arrays.

    Raises:
        DataError: the images are not (n, 28, 28) unsigned bytes, or the labels are not n integers from 0 to 9.
    """
    if images.shape[1:] != (SIDE, SIDE) or images.dtype != np.uint8:
        raise DataError(
            f"{images_name}: expected {SIDE}x{SIDE} bytes an image, found {images.dtype} {images.shape[1:]}"
        )
    if labels.shape != (len(images),):
        raise DataError(f"{labels_name}: labels of shape {labels.shape} for the {len(images)} images of {images_name}")
    if not np.issubdtype(labels.dtype, np.integer):
        raise DataError(f"{labels_name}: expected labels that are integers, found {labels.dtype}")
    if len(labels) and not 0 <= labels.min() <= labels.max() < DIGITS:
        wrong = labels.min() if labels.min() < 0 else labels.max()
        raise DataError(f"{labels_name}: expected labels 0 to {DIGITS - 1}, found {wrong}")
    return Split(images, labels.astype(np.int64))


def listing(paths: Sequence[Path], folder: Path) -> str:
    """`12 files: a.png, b/c.png, ... and 10 more`"""
    names = [str(path.relative_to(folder)) for path in paths[:NAMES_LISTED]]
    if len(paths) > NAMES_LISTED:
        names.append(f"and {len(paths) - NAMES_LISTED:,} more")
    return f"{len(paths):,} file{'' if len(paths) == 1 else 's'}: {', '.join(names)}" if paths else "no file"
