"""The digits that come with the project are MNIST's, and a network learns from them without a network."""

import numpy as np
import pytest

from nn import train
from nn.pictures import mnist, sample, sheet
from nn.pictures.mnist import DataError


def test_sample_has_as_many_of_each_digit_in_each_part():
    dataset = mnist.load(sample.FILE)
    counts = {name: np.bincount(split.labels).tolist() for name, split in dataset.splits().items()}
    assert counts == {"train": [450] * 10, "validation": [50] * 10, "test": [100] * 10}


def test_sample_follows_its_rule_and_is_lossless(mnist_dir):
    original = mnist.load(mnist_dir)
    labels = np.concatenate([original.train.labels, original.validation.labels])
    images = np.concatenate([original.train.images, original.validation.images])
    shipped = mnist.load(sample.FILE)
    learned = np.concatenate([shipped.train.images, shipped.validation.images])
    for digit in range(10):
        expected = images[labels == digit][:600]
        expected = np.where(expected == 1, 0, expected)  # see the README beside the file
        np.testing.assert_array_equal(learned[digit::10], expected[:500])
        np.testing.assert_array_equal(shipped.test.images[digit::10], expected[500:])


def test_test_digits_are_not_among_those_to_learn_from():
    shipped = mnist.load(sample.FILE)
    learned = {image.tobytes() for split in (shipped.train, shipped.validation) for image in split.images}
    assert not learned & {image.tobytes() for image in shipped.test.images}


def test_command_makes_the_same_file_again(mnist_dir, tmp_path):
    assert sample.main(["--data", str(mnist_dir), "--out", str(tmp_path / "again.png")]) == 0
    again, shipped = sample.load(tmp_path / "again.png"), sample.load()
    for name, split in shipped.splits().items():
        np.testing.assert_array_equal(again.splits()[name].images, split.images)


def test_folder_without_mnist_is_named(tmp_path, capsys):
    assert sample.main(["--data", str(tmp_path), "--out", str(tmp_path / "none.png")]) == 1
    assert f"{tmp_path}: no IDX files of MNIST" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["sample.xyz", "sample.jpg", "sample", "a folder", "a folder.png"])
def test_what_cannot_be_written_as_a_png_is_said(mnist_dir, tmp_path, capsys, name):
    (tmp_path / "a folder").mkdir()
    (tmp_path / "a folder.png").mkdir()
    try:
        code = sample.main(["--data", str(mnist_dir), "--out", str(tmp_path / name)])
    except SystemExit as stop:
        code = stop.code
    assert code in (1, 2)
    assert name in capsys.readouterr().err
    assert not (tmp_path / name).is_file()


@pytest.mark.parametrize("name", ["x.txt", "x", "folder", "folder.png", "file/x.png", "file/more/x.png"])
def test_a_sheet_that_cannot_be_written_is_said(tmp_path, capsys, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").write_text("in the way")
    assert sheet.main(["digits", str(tmp_path / name)]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"error: {tmp_path / name}: ")
    assert len(err.splitlines()) == 1


def test_damaged_sample_is_refused(tmp_path):
    path = tmp_path / sample.FILE.name
    path.write_bytes(sample.FILE.read_bytes()[:1000])
    with pytest.raises(DataError, match="cannot be read as a PNG"):
        mnist.load(path)


def test_training_works_without_a_network_and_says_what_it_learns_from(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    options = ["--hidden", "32", "--epochs", "4", "--batch-size", "32", "--out", str(tmp_path / "run")]
    assert train.main([*options, "--target-accuracy", "88"]) == 0
    told = capsys.readouterr().err
    assert "cannot be had from the Hugging Face Hub" in told
    assert f"learns from 5,000 of MNIST's images: {sample.FILE}" in told
