"""Reading MNIST and folders of pictures, and saying what is wrong with a file."""

import gzip
import struct

import numpy as np
import pytest
from PIL import Image

from nn.pictures import mnist
from nn.pictures.mnist import DataError


def idx(array):
    """The bytes of an IDX file of unsigned bytes."""
    return struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.tobytes()


def write_mnist(folder, n=20, compress=False):
    rng = np.random.default_rng(0)
    for part in ("train", "t10k"):
        arrays = {
            "images-idx3": rng.integers(0, 256, (n, 28, 28), np.uint8),
            "labels-idx1": np.arange(n, dtype="u1") % 10,
        }
        for name, array in arrays.items():
            raw = idx(array)
            path = folder / f"{part}-{name}-ubyte{'.gz' if compress else ''}"
            path.write_bytes(gzip.compress(raw) if compress else raw)
    return folder


@pytest.mark.parametrize("compress", [False, True])
def test_idx_files_load_gzipped_or_not_and_the_last_tenth_is_for_validation(tmp_path, compress):
    dataset = mnist.load(write_mnist(tmp_path, compress=compress))
    assert {name: len(split) for name, split in dataset.splits().items()} == {"train": 18, "validation": 2, "test": 20}
    assert dataset.validation.labels.tolist() == [8, 9]
    assert dataset.train.pixels().shape == (18, 784)
    assert dataset.train.pixels().max() <= 1


def cut(raw):
    return raw[:-100]


DAMAGE = {
    "truncated": ("train-images-idx3-ubyte", cut, "expected 15696 bytes for shape"),
    "too short": ("train-images-idx3-ubyte", lambda raw: raw[:3], "too short for an IDX header"),
    "labels instead of images": (
        "train-images-idx3-ubyte",
        lambda raw: idx(np.zeros(20, "u1")),
        "expected magic number",
    ),
    "a web page": ("t10k-labels-idx1-ubyte", lambda raw: b"<!doctype html><html>", "expected magic number"),
    "other size": (
        "t10k-images-idx3-ubyte",
        lambda raw: idx(np.zeros((20, 32, 32), "u1")),
        "28x28 pixels, found 32x32",
    ),
    "other count": ("t10k-labels-idx1-ubyte", lambda raw: idx(np.zeros(19, "u1")), "19 labels for the 20 images"),
    "letters": ("train-labels-idx1-ubyte", lambda raw: idx(np.full(20, 26, "u1")), "labels 0 to 9, found 26"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_named_with_what_is_wrong(tmp_path, damage):
    name, spoil, message = DAMAGE[damage]
    path = write_mnist(tmp_path) / name
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(DataError, match=message) as error:
        mnist.load(tmp_path)
    assert name in str(error.value)


def test_a_truncated_gzip_file_is_named(tmp_path):
    path = write_mnist(tmp_path, compress=True) / "train-images-idx3-ubyte.gz"
    path.write_bytes(cut(path.read_bytes()))
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte.gz: cannot be read"):
        mnist.load(tmp_path)


def test_a_missing_companion_is_named(tmp_path):
    (write_mnist(tmp_path) / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"t10k-labels-idx.*is missing"):
        mnist.load(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere: no such folder"):
        mnist.load(tmp_path / "nowhere")


def write_pictures(folder, size=(28, 28), per_label=4):
    for label in range(10):
        (folder / str(label)).mkdir(parents=True)
        for i in range(per_label):
            Image.new("L", size, 10 * label + i).save(folder / str(label) / f"{i}.png")


def test_a_folder_of_labelled_pictures_loads(tmp_path):
    write_pictures(tmp_path)
    dataset = mnist.load(tmp_path)
    assert {name: len(split) for name, split in dataset.splits().items()} == {"train": 36, "validation": 4}
    assert (dataset.train.images[:, 0, 0] // 10 == dataset.train.labels).all()


def test_train_and_test_folders_of_pictures_load(tmp_path):
    write_pictures(tmp_path / "train")
    write_pictures(tmp_path / "test", per_label=2)
    assert {name: len(split) for name, split in mnist.load(tmp_path).splits().items()} == {
        "train": 36,
        "validation": 4,
        "test": 20,
    }


def test_pictures_of_another_size_are_framed_or_refused(tmp_path):
    write_pictures(tmp_path, size=(50, 40), per_label=1)
    with pytest.raises(DataError, match=r"0.png: expected 28x28 grey pixels \(mode L\), found 50x40"):
        mnist.load(tmp_path)
    framed = mnist.load(tmp_path, frame=lambda picture: np.full((28, 28), 0.5, np.float32))
    assert (framed.train.images == 128).all()


def test_a_broken_picture_is_named(tmp_path):
    write_pictures(tmp_path)
    (tmp_path / "3" / "1.png").write_bytes(b"not a picture")
    with pytest.raises(DataError, match=r"1.png: cannot be read as a picture"):
        mnist.load(tmp_path)


def test_a_file_that_is_not_parquet_is_named(tmp_path):
    (tmp_path / "part.parquet").write_bytes(b"<html>")
    with pytest.raises(DataError, match=r"part.parquet: cannot be read as parquet"):
        mnist.read_parquet(tmp_path / "part.parquet")


def test_a_hub_that_cannot_be_reached_is_said_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match=r"cannot be had from the Hugging Face Hub .*--data"):
        mnist.read_hub("test")


def test_mnist_itself_loads(mnist_dir):
    dataset = mnist.load(mnist_dir)
    assert {name: len(split) for name, split in dataset.splits().items()} == {
        "train": 54_000,
        "validation": 6_000,
        "test": 10_000,
    }
    assert np.bincount(dataset.test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
