"""MNIST as Keras's mnist.npz and as Kaggle's CSV."""

import gzip
import logging
import re

import numpy as np
import pytest

from nn.pictures import mnist
from nn.pictures.mnist import DataError

RNG = np.random.default_rng(0)
IMAGES, LABELS = RNG.integers(0, 256, (30, 28, 28), np.uint8), np.arange(30, dtype=np.uint8) % 10


def write_npz(path, **changes):
    arrays = {"x_train": IMAGES[:20], "y_train": LABELS[:20], "x_test": IMAGES[20:], "y_test": LABELS[20:]}
    np.savez(path, **{name: array for name, array in (arrays | changes).items() if array is not None})
    return path


def sizes(dataset):
    return {name: len(split) for name, split in dataset.splits().items()}


@pytest.mark.parametrize("as_file", [False, True], ids=["folder", "file"])
def test_the_archive_of_keras_loads(tmp_path, as_file):
    path = write_npz(tmp_path / "mnist.npz")
    dataset = mnist.load(path if as_file else tmp_path)
    assert sizes(dataset) == {"train": 18, "validation": 2, "test": 10}
    np.testing.assert_array_equal(dataset.test.images, IMAGES[20:])
    np.testing.assert_array_equal(dataset.test.labels, LABELS[20:])


BAD_ARCHIVES = {
    "other names": (
        {"x_test": None},
        "expected arrays x_train, y_train, x_test, y_test, found x_train, y_train, y_test",
    ),
    "floats": ({"x_train": IMAGES[:20] / 255}, "expected 28x28 bytes an image, found float64"),
    "other sizes": ({"x_test": IMAGES[20:, :20]}, r"expected 28x28 bytes an image, found uint8 \(20, 28\)"),
    "other counts": ({"y_test": LABELS[21:]}, r"labels of shape \(9,\) for the 10 images"),
    "one-hot labels": ({"y_train": np.eye(10)[LABELS[:20]]}, r"labels of shape \(20, 10\) for the 20 images"),
    "labels that are no integers": ({"y_train": LABELS[:20] + 0.5}, "expected labels that are integers, found float64"),
    "labels that are words": ({"y_train": LABELS[:20].astype(str)}, "expected labels that are integers, found <U"),
    "letters": ({"y_train": LABELS[:20] + 20}, "expected labels 0 to 9, found 29"),
    "objects": ({"x_train": np.array([None] * 20)}, "cannot be read as arrays: Object arrays"),
}


@pytest.mark.parametrize("bad", BAD_ARCHIVES)
def test_an_archive_of_something_else_is_refused(tmp_path, bad):
    changes, message = BAD_ARCHIVES[bad]
    write_npz(tmp_path / "mnist.npz", **changes)
    with pytest.raises(DataError, match=message) as error:
        mnist.load(tmp_path)
    assert "mnist.npz" in str(error.value)


@pytest.mark.parametrize("damage", [lambda raw: raw[: len(raw) // 2], lambda raw: b"<html>", lambda raw: b""])
def test_a_damaged_archive_is_named(tmp_path, damage):
    path = write_npz(tmp_path / "mnist.npz")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"mnist.npz: cannot be read as arrays"):
        mnist.load(tmp_path)


def table(rows, header="label", labels=LABELS, images=IMAGES):
    """The bytes of a CSV file of these rows."""
    lines = [",".join([header, *(f"pixel{i}" for i in range(784))])] if header else []
    lines += [",".join(map(str, [labels[i], *images[i].ravel()])) for i in rows]
    return "\n".join(lines).encode() + b"\n"


@pytest.mark.parametrize(
    ("change", "first"),
    [
        (lambda raw: raw.replace(b",", b";"), "label;pixel0;pixel1;pixel2;pixel3;pixel4"),
        (lambda raw: b"\n" + raw, ""),
    ],
    ids=["semicolons", "an empty line"],
)
def test_a_table_to_learn_from_that_is_left_out_is_named_with_the_reason(tmp_path, change, first):
    (tmp_path / "train.csv").write_bytes(change(table(range(20))))
    (tmp_path / "test.csv").write_bytes(table(range(20, 30)))
    with pytest.raises(DataError, match=rf"train\.csv: expected columns label and 784 pixels, found 1 from '{first}"):
        mnist.load(tmp_path)


CSV_FILES = {
    "Kaggle": ("train.csv", "test.csv", lambda raw: raw),
    "in a folder": ("digits/mnist_train.csv", "digits/mnist_test.csv", lambda raw: raw),
    "no header": ("mnist_train.csv", "mnist_test.csv", lambda raw: raw.split(b"\n", 1)[1]),
    "lines as on Windows": ("train.csv", "test.csv", lambda raw: b"\xef\xbb\xbf" + raw.replace(b"\n", b"\r\n")),
    "quoted header": ("train.csv", "test.csv", lambda raw: re.sub(rb"(label|pixel\d+)", rb'"\1"', raw)),
    "compressed": ("train.csv.gz", "test.csv", gzip.compress),
}


@pytest.mark.parametrize("kind", CSV_FILES)
def test_tables_load(tmp_path, kind):
    train, test, transform = CSV_FILES[kind]
    for name, rows in ((train, range(20)), (test, range(20, 30))):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(transform(table(rows)))
    dataset = mnist.load(tmp_path)
    assert sizes(dataset) == {"train": 18, "validation": 2, "test": 10}
    np.testing.assert_array_equal(dataset.test.images, IMAGES[20:])
    np.testing.assert_array_equal(dataset.test.labels, LABELS[20:])


def test_the_table_of_emnist_is_turned_upright(tmp_path):
    raw = table(range(20), header="", images=IMAGES.transpose(0, 2, 1))
    (tmp_path / "emnist-digits-train.csv").write_bytes(raw)
    np.testing.assert_array_equal(mnist.load(tmp_path).train.images, IMAGES[:18])


def test_the_test_table_of_kaggle_has_no_labels_and_is_left_out_by_name(tmp_path, caplog):
    (tmp_path / "train.csv").write_bytes(table(range(20)))
    unlabelled = b"\n".join(line.split(b",", 1)[1] for line in table(range(20, 30)).splitlines())
    (tmp_path / "test.csv").write_bytes(unlabelled)
    with caplog.at_level(logging.WARNING):
        assert sizes(mnist.load(tmp_path)) == {"train": 18, "validation": 2}
    assert "test.csv: left out, its 784 columns are pixels without a label" in caplog.text


@pytest.mark.parametrize("name", ["test.csv", "my-train.csv"])
def test_a_table_of_something_else_beside_a_good_one_is_left_out_by_name(tmp_path, caplog, name):
    (tmp_path / "train.csv").write_bytes(table(range(20)))
    (tmp_path / name).write_bytes(table(range(20, 30)).replace(b",", b";"))
    with caplog.at_level(logging.WARNING):
        assert sizes(mnist.load(tmp_path)) == {"train": 18, "validation": 2}
    assert re.search(rf"left out .*{name}: expected columns label and 784 pixels, found 1 from 'label;", caplog.text)


BAD_TABLES = {
    "label last": (lambda raw: raw.replace(b"label,", b"pixel784,", 1), "expected columns label and 784 pixels"),
    "no labels": (
        lambda raw: b"\n".join(line.split(b",", 1)[1] for line in raw.splitlines()),
        "found 784 from 'pixel0'",
    ),
    "cut": (lambda raw: raw[:-100], r"train.csv: .*columns"),
    "too bright": (lambda raw: raw.rstrip().rsplit(b",", 1)[0] + b",256\n", "train.csv: .*256"),
    "words": (lambda raw: raw.rstrip().rsplit(b",", 1)[0] + b",dark\n", "train.csv: .*dark"),
}


@pytest.mark.parametrize("bad", BAD_TABLES)
def test_a_damaged_table_is_named(tmp_path, bad):
    damage, message = BAD_TABLES[bad]
    (tmp_path / "train.csv").write_bytes(damage(table(range(20))))
    with pytest.raises(DataError, match=message):
        mnist.load(tmp_path)


def test_two_tables_are_ambiguous(tmp_path):
    for name in ("mnist_train.csv", "emnist-digits-train.csv"):
        (tmp_path / name).write_bytes(table(range(20)))
    with pytest.raises(DataError, match=r"which one is meant, emnist-digits-train.csv or mnist_train.csv\?"):
        mnist.load(tmp_path)
    assert sizes(mnist.load(tmp_path / "mnist_train.csv")) == {"train": 18, "validation": 2}


def test_a_table_of_something_else_is_not_taken_for_mnist(tmp_path):
    (tmp_path / "train.csv").write_text("file,label\n1.png,3\n")
    with pytest.raises(DataError, match=r"no images to learn from.*found 1 file: train.csv"):
        mnist.load(tmp_path)


@pytest.mark.parametrize("name", ["digits.csv", "DIGITS.CSV", "my digits.csv.gz", "trained.csv", "contest.csv"])
def test_a_table_that_is_named_itself_may_have_any_name(tmp_path, name):
    raw = table(range(20))
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith("gz") else raw)
    (tmp_path / "mnist_train.csv").write_bytes(table(range(10)))
    dataset = mnist.load(tmp_path / name)
    assert sizes(dataset) == {"train": 18, "validation": 2}
    np.testing.assert_array_equal(dataset.train.images, IMAGES[:18])
    assert sizes(mnist.load(tmp_path)) == {"train": 9, "validation": 1}  # in a folder the names tell


def test_a_table_of_something_else_that_is_named_itself_is_told_what_is_expected(tmp_path):
    (tmp_path / "digits.csv").write_text("file,label\n1.png,3\n")
    with pytest.raises(DataError, match=r"digits.csv: expected columns label and 784 pixels, found 2 from 'file'"):
        mnist.load(tmp_path / "digits.csv")


def test_a_table_to_test_on_is_not_learned_from(tmp_path):
    (tmp_path / "mnist_test.csv").write_bytes(table(range(20)))
    with pytest.raises(DataError, match=r"no images to learn from.*found 1 file: mnist_test.csv"):
        mnist.load(tmp_path / "mnist_test.csv")
