"""MNIST, and any folder of labelled pictures, as arrays.

    load("path/to/mnist")         # train-images-idx3-ubyte and its three companions, mnist.npz, train.csv
    load("path/to/pictures")      # 7/any-name.jpg, or train/7/any-name.jpg and test/7/any-name.jpg
    load("nn/pictures/mnist-sample.png")     # the 6,000 digits that come with this project (sample.py)
    load()                        # ylecun/mnist from the Hugging Face Hub

The last 10% of the training images are the validation split, always: settings are chosen on them, and the test images
are left for the end. MNIST is not shuffled, so the split is the same for everyone.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from nn.mlp import SIDE
from nn.pictures import folders, idx, sample, tables
from nn.pictures.folders import Frame, Opener
from nn.pictures.splits import DataError, Dataset, Split, checked, listing, pixel_statistics, with_validation

__all__ = ["DataError", "Dataset", "Split", "load", "pixel_statistics"]

HUB_DATASET = "ylecun/mnist"
HUB_FILES = {"train": "mnist/train-00000-of-00001.parquet", "test": "mnist/test-00000-of-00001.parquet"}
DATA_HELP = (
    "MNIST's files, or pictures in folders named 0 to 9 (default: ylecun/mnist from the Hub); "
    "nn/pictures/mnist-sample.png has 5,000 of MNIST's"
)
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".7z", ".rar")
EXPECTED = (
    "train-images-idx3-ubyte and its three companions, mnist.npz, train.csv of labels and pixels, "
    "or pictures in folders named 0 to 9"
)


def load(place: str | Path | None = None, frame: Frame | None = None, opener: Opener = Image.open) -> Dataset:
    """The data in `place`, or MNIST from the Hub without one.

    Args:
        place: folder, or a file such as mnist.npz; of MNIST's own files any one, if its companions lie beside it.
            nn.pictures.idx, tables and folders say which names they know.
        frame: brings a picture that is not 28x28 into MNIST's frame; `preprocessing.to_mnist` is meant. Without it such
            pictures are an error.
        opener: opens a picture; `preprocessing.picture.open_picture` is meant.

    Raises:
        DataError: names the file and what is wrong with it, or the names that are expected and those that were found.
    """
    if place is None:
        return divided(read_hub("train"), read_hub("test"), HUB_DATASET)
    place = Path(place)
    if place.name == sample.FILE.name and place.is_file():
        return sample.load(place)
    folder = place.parent if place.is_file() else place
    if not folder.is_dir():
        raise DataError(f"{place}: no such folder; expected {EXPECTED} in it")
    files = idx.with_companions(place) if place.is_file() else files_in(folder)
    if place.is_file() and tables.is_unnamed(place):
        parts = tables.read_alone(place)
    else:
        parts = idx.read(files, folder) or tables.read(files, folder) or folders.read(files, folder, frame, opener)
    if parts is None:
        found = listing(files, folder)
        advice = "; of pictures give the folder that holds the folders 0 to 9" if place.is_file() else ""
        if packed := [path for path in files if path.name.lower().endswith(ARCHIVES)]:
            advice = f"; unpack {packed[0].relative_to(folder)} first"
        elif reason := tables.left_out(files):
            advice = f"; {reason}"
        raise DataError(f"{place}: no images to learn from: expected {EXPECTED}; found {found}{advice}")
    return divided(*parts, place)


def divided(train: Split, test: Split, name: object) -> Dataset:
    """The splits of a data set. Raises DataError when there are no images to learn from."""
    if not len(train):
        raise DataError(f"{name}: no images to learn from, and {len(test):,} to test on")
    return with_validation(train, test)


def files_in(folder: Path) -> list[Path]:
    """All files in a folder and the folders in it, sorted; hidden ones, such as .DS_Store, are passed over."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts))


# --- the Hub's parquet ------------------------------------------------------------------------------------------------


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
        picture = folders.open_or_none(io.BytesIO(encoded.as_py()), Image.open)
        if picture is None:
            raise DataError(f"{path}: image {i} cannot be read as a picture")
        images[i] = folders.to_pixels(picture, f"{path}: image {i}")
    return checked(images, table["label"].to_numpy(), path, path)
