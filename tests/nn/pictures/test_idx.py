"""MNIST's IDX files under all their names, and what is wrong with a file."""

import gzip
import struct

import numpy as np
import pytest

from nn.pictures import mnist
from nn.pictures.mnist import DataError


def idx(array):
    """The bytes of an IDX file of unsigned bytes."""
    return struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.tobytes()


def write_mnist(folder, n=20, compress=False, prefix=""):
    rng = np.random.default_rng(0)
    for part in ("train", "t10k"):
        arrays = {
            "images-idx3": rng.integers(0, 256, (n, 28, 28), np.uint8),
            "labels-idx1": np.arange(n, dtype="u1") % 10,
        }
        for name, array in arrays.items():
            raw = idx(array)
            path = folder / f"{prefix}{part}-{name}-ubyte{'.gz' if compress else ''}"
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
    "other count": (
        "t10k-labels-idx1-ubyte",
        lambda raw: idx(np.zeros(19, "u1")),
        r"labels of shape \(19,\) for the 20 images",
    ),
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


def test_missing_companions_are_named_beside_the_found_ones(tmp_path):
    write_mnist(tmp_path)
    for name in ("t10k-labels-idx1-ubyte", "train-images-idx3-ubyte"):
        (tmp_path / name).unlink()
    message = "train-images-idx3-ubyte, t10k-labels-idx1-ubyte missing .*; found 2 files: t10k-images-idx3-ubyte, train"
    with pytest.raises(DataError, match=message):
        mnist.load(tmp_path)


def renamed(rename, transform=lambda name, raw: raw):
    """Writes MNIST's four files under other names."""

    def write(folder):
        plain = folder / "plain"
        plain.mkdir()
        for path in list(write_mnist(plain).iterdir()):
            target = folder / "data" / rename(path.name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(transform(path.name, path.read_bytes()))
        return folder / "data", mnist.load(plain)

    return write


def zipped(name, raw):
    return gzip.compress(raw)


def columns_first(name, raw):
    """As EMNIST stores its images."""
    if "images" not in name:
        return raw
    images = np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 28, 28)
    return idx(np.ascontiguousarray(images.transpose(0, 2, 1)))


def emnist(name):
    return "gzip/emnist-digits-" + name.replace("t10k", "test") + ".gz"


NAMES = {
    "dots": renamed(lambda name: name.replace("-idx", ".idx")),
    "a folder around each file": renamed(lambda name: f"{name}/{name}"),
    "dots on the folders alone": renamed(lambda name: f"{name.replace('-idx', '.idx')}/{name}"),
    "torchvision": renamed(lambda name: f"MNIST/raw/{name}"),
    "a gzip without suffix": renamed(lambda name: name, zipped),
    "a suffix without gzip": renamed(lambda name: f"{name}.gz"),
    "capitals": renamed(str.upper),
    "underscores": renamed(lambda name: name.replace("-", "_")),
    "test for t10k": renamed(lambda name: name.replace("t10k", "test")),
    "EMNIST": renamed(emnist, lambda name, raw: zipped(name, columns_first(name, raw))),
}


@pytest.mark.parametrize("names", NAMES)
def test_mnist_loads_under_its_other_names(tmp_path, names):
    folder, expected = NAMES[names](tmp_path)
    dataset = mnist.load(folder)
    for split, same in zip(dataset.splits().values(), expected.splits().values(), strict=True):
        np.testing.assert_array_equal(split.images, same.images)
        np.testing.assert_array_equal(split.labels, same.labels)


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_a_file_is_read_with_its_companions_and_nothing_of_other_data_sets(tmp_path, name):
    expected = mnist.load(write_mnist(tmp_path))
    write_mnist(tmp_path, n=30, prefix="emnist-digits-")
    dataset = mnist.load(tmp_path / name)
    for split, same in zip(dataset.splits().values(), expected.splits().values(), strict=True):
        np.testing.assert_array_equal(split.images, same.images)
    assert len(mnist.load(tmp_path / f"emnist-digits-{name}").test) == 30


def test_a_file_without_its_companions_names_those_that_are_missing(tmp_path):
    write_mnist(tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte").unlink()
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte missing .*; found 3 files"):
        mnist.load(tmp_path / "train-images-idx3-ubyte")


def test_a_compressed_copy_beside_the_files_does_no_harm(tmp_path):
    """As torchvision leaves them."""
    expected = mnist.load(write_mnist(tmp_path))
    np.testing.assert_array_equal(mnist.load(write_mnist(tmp_path, compress=True)).train.images, expected.train.images)


def test_two_data_sets_in_one_folder_are_ambiguous(tmp_path):
    for name, n in (("MNIST", 20), ("FashionMNIST", 30)):
        (tmp_path / name / "raw").mkdir(parents=True)
        write_mnist(tmp_path / name / "raw", n)
    with pytest.raises(DataError, match=r"which are the train images\? .*FashionMNIST.* and MNIST.* differ"):
        mnist.load(tmp_path)
    assert len(mnist.load(tmp_path / "MNIST").test) == 20


def test_parts_of_two_data_sets_are_not_mixed(tmp_path):
    for path in list(write_mnist(tmp_path).iterdir()):
        if "t10k" in path.name:
            path.rename(tmp_path / f"emnist-digits-{path.name}")
    with pytest.raises(DataError, match="several data sets, each incomplete"):
        mnist.load(tmp_path)
