"""The images that a program is given: pictures of any size, framed as the app frames them."""

from __future__ import annotations

from pathlib import Path

from nn.pictures import mnist
from nn.pictures.mnist import Dataset
from preprocessing import to_mnist
from preprocessing.picture import open_picture


def load_images(place: str | Path | None) -> Dataset:
    """The images in a folder or file, or MNIST from the Hub without one. Raises DataError, as `mnist.load` does."""
    return mnist.load(place, to_mnist, open_picture)
