"""Folders of labelled pictures: any format, any case, folders in folders; left-out files are counted and named."""

import logging

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from nn.images import load_images
from nn.pictures import mnist
from nn.pictures.mnist import DataError
from preprocessing.picture import FORMATS


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


def test_grey_pictures_of_mnists_size_on_white_are_framed(tmp_path):
    white = np.full((28, 28), 255, np.uint8)
    white[6:22, 12:15] = 0
    for label in range(10):
        for number in range(2):
            path = tmp_path / str(label) / f"{number}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(white).save(path)
    images = load_images(tmp_path).train.images
    assert (images[:, :4] == 0).all()
    assert (images[:, 14, 13:15] > 200).all()


def save(path, value=0, size=(28, 28), format=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.new("L", size, value)
    if format == "HEIF":  # Pillow alone does not write it
        pillow_heif.from_pillow(picture).save(path)
    else:
        picture.save(path, format)
    return path


def test_a_mixed_folder_loads_whole(tmp_path, caplog):
    """In every format that preprocessing opens, whatever the case of the suffix, or without one."""
    suffixes = {"PNG": ".PNG", "JPEG": ".JPeG", "TIFF": ".tif", "PPM": ".pgm"}
    for label in range(10):
        for format in FORMATS:
            save(tmp_path / str(label) / f"{format}{suffixes.get(format, '.' + format.lower())}", format=format)
        save(tmp_path / str(label) / "IMG_0007", format="PNG")
    dataset = load_images(tmp_path)
    assert len(dataset.train) + len(dataset.validation) == 10 * (len(FORMATS) + 1)
    assert not caplog.text


def test_pictures_lie_in_folders_above_and_below_that_of_their_label(tmp_path):
    save(tmp_path / "3" / "ann" / "2026" / "1.png", 30)
    save(tmp_path / "bob" / "7" / "1.png", 70)
    dataset = load_images(tmp_path)
    assert sorted(zip(dataset.train.labels, dataset.train.images[:, 0, 0], strict=True)) == [(3, 30), (7, 70)]


@pytest.mark.parametrize(
    ("train", "test"), [("Train", "TEST"), ("training", "Testing"), ("mnist_png/train", "mnist_png/test")]
)
def test_train_and_test_folders_have_other_names_too(tmp_path, train, test):
    write_pictures(tmp_path / train)
    write_pictures(tmp_path / test, per_label=2)
    assert len(load_images(tmp_path).test) == 20


def test_left_out_files_are_counted_and_named(tmp_path, caplog):
    write_pictures(tmp_path)
    (tmp_path / "3" / "notes.txt").write_text("no picture")
    (tmp_path / "4" / "empty.png").write_bytes(b"")
    save(tmp_path / "A" / "1.png")
    save(tmp_path / "1.png")
    save(tmp_path / "5" / ".hidden.png")
    with caplog.at_level(logging.WARNING):
        dataset = load_images(tmp_path)
    assert len(dataset.train) == 36
    assert "left out 4 files: 1.png, 3/notes.txt, 4/empty.png, A/1.png" in caplog.text


def test_pictures_beside_train_and_test_are_left_out(tmp_path, caplog):
    write_pictures(tmp_path / "train")
    save(tmp_path / "3" / "1.png")
    with caplog.at_level(logging.WARNING):
        assert len(load_images(tmp_path).train) == 36
    assert "left out 1 file: 3/1.png" in caplog.text


def test_a_test_folder_alone_is_nothing_to_learn_from(tmp_path):
    write_pictures(tmp_path / "test")
    with pytest.raises(DataError, match="no images to learn from"):
        load_images(tmp_path)


def test_of_a_single_picture_the_folder_is_asked_for(tmp_path):
    write_pictures(tmp_path)
    with pytest.raises(DataError, match=r"7/0.png: no images .*; of pictures give the folder that holds the folders 0"):
        load_images(tmp_path / "7" / "0.png")


def test_a_picture_in_folders_of_two_labels_is_refused(tmp_path):
    save(tmp_path / "3" / "1" / "x.png")
    with pytest.raises(DataError, match=r"x.png: is it a 3 or a 1\? only one folder may be named after a digit"):
        load_images(tmp_path)


def test_a_damaged_picture_is_named(tmp_path):
    write_pictures(tmp_path, size=(200, 200))
    path = tmp_path / "3" / "1.png"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DataError, match=r"1.png: cannot be read as a picture"):
        load_images(tmp_path)
