"""MNIST, and any folder of labelled pictures, as arrays.

    load("path/to/idx-files")     # train-images-idx3-ubyte[.gz] and its three companions
    load("path/to/pictures")      # LABEL/*.png, or train/LABEL/*.png and test/LABEL/*.png
    load()                        # ylecun/mnist from the Hugging Face Hub

The last 10% of the training images are the validation split, always: settings are chosen on them, and the test images
are left for the end. Nothing is shuffled here, so the split is the same for everyone.
"""

from __future__ import annotations

import gzip
import io
import math
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from nn.mlp import DIGITS, PIXELS, SIDE

HUB_DATASET = "ylecun/mnist"
HUB_FILES = {"train": "mnist/train-00000-of-00001.parquet", "test": "mnist/test-00000-of-00001.parquet"}
IDX_NAMES = {"train": "train", "test": "t10k"}
IDX_DIMENSIONS = {"images": 3, "labels": 1}
IDX_UNSIGNED_BYTES = 0x0800  # the magic number is this plus the number of dimensions
VALIDATION_SHARE = 0.1
SHUFFLE_SEED = 0  # folders come sorted by label; one fixed shuffle makes their last 10% a fair validation split

Frame = Callable[[Image.Image], np.ndarray]  # any picture -> (28, 28) in [0, 1]


class DataError(ValueError):
    """A data file is missing, damaged or not what it claims; the message names it and says what is wrong."""


@dataclass(frozen=True)
class Split:
    """images (n, 28, 28) uint8, white ink on black; labels (n,) int64."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def pixels(self) -> np.ndarray:
        """(n, 784) float32 in [0, 1]: what the network takes."""
        return self.images.reshape(len(self), PIXELS).astype(np.float32) / 255

    def __getitem__(self, rows: slice | np.ndarray) -> Split:
        return Split(self.images[rows], self.labels[rows])


@dataclass(frozen=True)
class Dataset:
    train: Split
    validation: Split
    test: Split

    def splits(self) -> dict[str, Split]:
        """The splits that hold anything, by name (a plain folder of pictures has no test images)."""
        return {name: split for name, split in vars(self).items() if len(split)}


def load(folder: str | Path | None = None, frame: Frame | None = None) -> Dataset:
    """The data in `folder`, or MNIST from the Hub without one.

    Args:
        folder: IDX files (gzipped or not) or a folder of LABEL/*.png.
        frame: brings a picture that is not 28x28 into MNIST's frame; `preprocessing.to_mnist` is meant. Without it such
            pictures are an error.

    Raises:
        DataError: names the file and what is wrong with it.
    """
    folder = None if folder is None else Path(folder)
    if folder is None:
        train, test = read_hub("train"), read_hub("test")
    elif not folder.is_dir():
        raise DataError(f"{folder}: no such folder; expected MNIST's IDX files or LABEL/*.png in it")
    elif any(find_idx(folder, part, "images") for part in IDX_NAMES):
        train, test = read_idx_pair(folder, "train"), read_idx_pair(folder, "test")
    else:
        parts = (folder / "train").is_dir()
        train = read_labelled_pictures(folder / "train" if parts else folder, frame)
        test = read_labelled_pictures(folder / "test", frame) if parts and (folder / "test").is_dir() else train[:0]
    kept = len(train) - round(len(train) * VALIDATION_SHARE)
    return Dataset(train[:kept], train[kept:], test)


def pixel_statistics(split: Split) -> tuple[float, float]:
    """Mean and standard deviation of all pixels in [0, 1] (MNIST: 0.13 and 0.31)."""
    counts = np.bincount(split.images.ravel(), minlength=256)
    values = np.arange(256) / 255
    mean = float(np.average(values, weights=counts))
    return mean, float(np.sqrt(np.average((values - mean) ** 2, weights=counts)))


# --- IDX, the format MNIST was published in -------------------------------------------------------------------------


def find_idx(folder: Path, part: str, kind: str) -> Path | None:
    stem = f"{IDX_NAMES[part]}-{kind}-idx{IDX_DIMENSIONS[kind]}-ubyte"
    return next((path for path in (folder / f"{stem}.gz", folder / stem) if path.is_file()), None)


def read_idx_pair(folder: Path, part: str) -> Split:
    paths = {kind: find_idx(folder, part, kind) for kind in IDX_DIMENSIONS}
    for kind, path in paths.items():
        if path is None:
            raise DataError(f"{folder}: {IDX_NAMES[part]}-{kind}-idx{IDX_DIMENSIONS[kind]}-ubyte[.gz] is missing")
    images, labels = (read_idx(path, kind) for kind, path in paths.items())
    if len(images) != len(labels):
        raise DataError(f"{paths['labels']}: {len(labels)} labels for the {len(images)} images of {paths['images']}")
    if len(labels) and labels.max() >= DIGITS:
        raise DataError(f"{paths['labels']}: expected labels 0 to {DIGITS - 1}, found {labels.max()}")
    return Split(images, labels.astype(np.int64))


def read_idx(path: Path, kind: str) -> np.ndarray:
    """One IDX file of unsigned bytes: images (n, 28, 28) or labels (n,)."""
    try:
        raw = path.read_bytes()
        if path.suffix == ".gz":
            raw = gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    header = struct.Struct(f">{1 + IDX_DIMENSIONS[kind]}I")
    if len(raw) < header.size:
        raise DataError(f"{path}: {len(raw)} bytes, too short for an IDX header of {header.size}")
    (magic, *shape), expected = header.unpack_from(raw), IDX_UNSIGNED_BYTES + IDX_DIMENSIONS[kind]
    if magic != expected:
        raise DataError(f"{path}: expected magic number {expected:#010x} ({kind}), found {magic:#010x}")
    if kind == "images" and shape[1:] != [SIDE, SIDE]:
        raise DataError(f"{path}: expected images of {SIDE}x{SIDE} pixels, found {shape[1]}x{shape[2]}")
    size = header.size + math.prod(shape)
    if len(raw) != size:
        raise DataError(f"{path}: expected {size} bytes for shape {tuple(shape)}, found {len(raw)}")
    return np.frombuffer(raw, np.uint8, offset=header.size).reshape(shape)


# --- the Hub's parquet ----------------------------------------------------------------------------------------------


def read_hub(part: str, endpoint: str | None = None) -> Split:
    """MNIST's "train" or "test" part from the Hub (downloaded once, then from huggingface_hub's cache)."""
    from httpx2 import HTTPError  # huggingface_hub lets its client's own errors through
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        path = hf_hub_download(HUB_DATASET, HUB_FILES[part], repo_type="dataset", endpoint=endpoint, token=False)
    except (HfHubHTTPError, HTTPError, OSError) as error:
        raise DataError(
            f"{HUB_DATASET} cannot be had from the Hugging Face Hub ({type(error).__name__}); "
            "give a folder of MNIST's IDX files with --data"
        ) from error
    return read_parquet(Path(path))


def read_parquet(path: Path) -> Split:
    """A parquet file with a column `image` of encoded pictures, {"bytes": ...}, and a column `label`."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise DataError("reading the Hub's MNIST needs pyarrow: pip install -r nn/requirements.txt") from error
    try:
        table = pyarrow.parquet.read_table(path, columns=["image", "label"])
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path}: cannot be read as parquet: {error}") from error
    images = np.empty((len(table), SIDE, SIDE), np.uint8)
    for i, encoded in enumerate(table["image"].combine_chunks().field("bytes")):
        images[i] = read_picture(io.BytesIO(encoded.as_py()), f"{path}: image {i}")
    return Split(images, table["label"].to_numpy().astype(np.int64))


# --- folders of pictures --------------------------------------------------------------------------------------------


def read_labelled_pictures(folder: Path, frame: Frame | None) -> Split:
    """All LABEL/*.png below `folder`, in one fixed shuffled order."""
    paths = sorted(path for label in range(DIGITS) for path in (folder / str(label)).glob("*.png"))
    if not paths:
        raise DataError(f"{folder}: neither MNIST's IDX files nor pictures named LABEL/*.png with LABEL 0 to 9")
    order = np.random.default_rng(SHUFFLE_SEED).permutation(len(paths))
    images = np.stack([read_picture(paths[i], str(paths[i]), frame) for i in order])
    return Split(images, np.array([int(paths[i].parent.name) for i in order]))


def read_picture(file: Path | io.BytesIO, name: str, frame: Frame | None = None) -> np.ndarray:
    """One encoded picture -> (28, 28) uint8. A grey one of 28x28 is MNIST's own; any other goes through `frame`."""
    try:
        with Image.open(file) as picture:
            if picture.size == (SIDE, SIDE) and picture.mode == "L":
                return np.asarray(picture)
            if frame is None:
                found = f"{picture.width}x{picture.height} in mode {picture.mode}"
                raise DataError(f"{name}: expected {SIDE}x{SIDE} grey pixels (mode L), found {found}")
            return np.rint(frame(picture) * 255).astype(np.uint8)
    except DataError:
        raise
    except Exception as error:  # Pillow's decoders raise whatever they meet; a decompression bomb is one of them
        raise DataError(f"{name}: cannot be read as a picture: {error}") from error
