"""MNIST from the Hub or a folder, and plain errors where there is none."""

import struct
import zipfile

import numpy as np
import pytest

from nn.pictures import mnist
from nn.pictures.mnist import DataError, Split


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere: no such folder"):
        mnist.load(tmp_path / "nowhere")


FOUND = {
    "nothing": ([], "found no file"),
    "a file of another kind": (["emnist-digits.mat"], "found 1 file: emnist-digits.mat"),
    "many": ([f"{i}.txt" for i in range(12)], r"found 12 files: 0.txt, 1.txt, .* and 7 more"),
    "letters": (["a/1.txt", ".DS_Store"], "found 1 file: a/1.txt"),
}


@pytest.mark.parametrize("case", FOUND)
def test_without_images_the_expected_names_and_the_found_ones_are_named(tmp_path, case):
    names, message = FOUND[case]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match=f"expected train-images-idx3-ubyte .* folders named 0 to 9; {message}"):
        mnist.load(tmp_path)


@pytest.mark.parametrize("name", ["digits.zip", "MNIST.ZIP", "pictures.tar.gz", "digits.tgz", "digits.7z"])
def test_an_archive_is_to_be_unpacked_first(tmp_path, name):
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("7/seven.png", b"")
    for place in (tmp_path, tmp_path / name):
        with pytest.raises(DataError, match=f"; unpack {name} first"):
            mnist.load(place)


def idx_of(images, labels):
    return (
        struct.pack(">4I", 0x0803, len(images), 28, 28) + images.tobytes(),
        struct.pack(">2I", 0x0801, len(labels)) + labels.tobytes(),
    )


def write_idx(folder, train, test):
    for part, number in (("train", train), ("t10k", test)):
        images, labels = idx_of(np.zeros((number, 28, 28), np.uint8), np.zeros(number, np.uint8))
        (folder / f"{part}-images-idx3-ubyte").write_bytes(images)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(labels)


def write_npz(folder, train, test):
    arrays = {"x_train": (train, 28, 28), "y_train": (train,), "x_test": (test, 28, 28), "y_test": (test,)}
    np.savez(folder / "mnist.npz", **{name: np.zeros(shape, np.uint8) for name, shape in arrays.items()})


@pytest.mark.parametrize("write", [write_idx, write_npz])
@pytest.mark.parametrize("test", [0, 3])
def test_a_data_set_of_no_images_is_refused(tmp_path, write, test):
    write(tmp_path, 0, test)
    with pytest.raises(DataError, match=f"no images to learn from, and {test} to test on"):
        mnist.load(tmp_path)
    write(tmp_path, 10, test)
    assert len(mnist.load(tmp_path).train) == 9


def test_a_hub_without_images_is_refused_too(monkeypatch):
    none = Split(np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.int64))
    monkeypatch.setattr(mnist, "read_hub", lambda part: none)
    with pytest.raises(DataError, match="ylecun/mnist: no images to learn from"):
        mnist.load()


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
