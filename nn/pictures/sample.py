"""Digits that come with this project: 5,000 of MNIST's training images to learn from and 1,000 others to test on.

    python -m nn.train --data nn/pictures/mnist-sample.png     # trains on them, offline
    python -m nn.pictures.sample --data DIR                    # makes the file again from MNIST's files in DIR

The rule: of each digit the first 500 training images are to learn from, and the next 100 to test on. In the file, a
grey PNG without loss, they stand as tiles of 28x28, 100 in a row, and the tile in column c shows the digit c mod 10.
The first 50 rows are to learn from and the last 10 to test on, so that a tile's place says all there is to know of it.
MNIST's own test images are not among them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from nn import flags, programs
from nn.mlp import DIGITS, SIDE
from nn.pictures import idx
from nn.pictures.splits import DataError, Dataset, Split, with_validation

FILE = Path(__file__).with_name("mnist-sample.png")
# Enough for a small network to read nine in ten unseen digits, and few enough for a file of one megabyte.
TRAIN_OF_EACH = 500
# A thousand digits measure 90% to within a percent.
TEST_OF_EACH = 100
TILES_IN_A_ROW = 100


def load(path: Path = FILE) -> Dataset:
    """The digits in the file. The last tenth of those to learn from is the validation split, as everywhere.

    Raises:
        DataError: the file is missing or damaged.
    """
    of_each = TRAIN_OF_EACH + TEST_OF_EACH
    size = TILES_IN_A_ROW * SIDE, of_each * DIGITS // TILES_IN_A_ROW * SIDE
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            if picture.size != size or picture.mode != "L":
                raise DataError(f"{path}: expected {size} grey pixels, found {picture.size}, {picture.mode}")
            mosaic = np.asarray(picture)
    except (OSError, SyntaxError) as error:
        raise DataError(f"{path}: cannot be read as a PNG: {error}") from error
    images = mosaic.reshape(-1, SIDE, TILES_IN_A_ROW, SIDE).swapaxes(1, 2).reshape(-1, SIDE, SIDE)
    whole, kept = Split(images, np.arange(len(images)) % DIGITS), TRAIN_OF_EACH * DIGITS
    return with_validation(whole[:kept], whole[kept:])


def select(train: Split) -> np.ndarray:
    """MNIST's training images -> (6000, 28, 28) uint8, the tiles in the file's order.

    Raises:
        DataError: there are fewer images of a digit than the rule asks for.
    """
    of_each = TRAIN_OF_EACH + TEST_OF_EACH
    rows = [np.flatnonzero(train.labels == digit)[:of_each] for digit in range(DIGITS)]
    if min(map(len, rows)) < of_each:
        raise DataError(f"expected {of_each} images of each digit, got {[len(found) for found in rows]}")
    return train.images[np.stack(rows, axis=1).ravel()]  # a round of 0 to 9, then the next


def save(images: np.ndarray, path: Path = FILE) -> None:
    """Writes tiles (6000, 28, 28) uint8 as one PNG."""
    tiles = images.reshape(-1, TILES_IN_A_ROW, SIDE, SIDE).swapaxes(1, 2)
    Image.fromarray(tiles.reshape(-1, TILES_IN_A_ROW * SIDE)).save(path, optimize=True)


@programs.reports_errors()
def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m nn.pictures.sample", description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=flags.path, required=True, help="folder of MNIST's IDX files")
    parser.add_argument("--out", type=flags.path, default=FILE, help="file to write (default: %(default)s)")
    arguments = parser.parse_args(argv)
    if arguments.out.suffix.lower() != ".png":
        parser.error(f"argument --out: expected the name of a PNG, such as {FILE.name}, got {arguments.out}")
    found = idx.read(sorted(arguments.data.glob("*")), arguments.data)
    if found is None:
        raise DataError(f"{arguments.data}: no IDX files of MNIST in it")
    save(select(found[0]), arguments.out)
    print(f"{arguments.out}: {arguments.out.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    programs.run(main)
