"""The program that measures a network."""

import json
import sys

import numpy as np
import pytest

from nn import evaluate, files, measure
from nn.mlp import MLP
from nn.pictures import mnist
from nn.pictures.mnist import Dataset, Split


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A network that answers at random, and thirty pictures to measure it on."""
    files.save(MLP((4,), seed=1), tmp_path)
    split = Split(np.random.default_rng(0).integers(0, 256, (10, 28, 28), np.uint8), np.arange(10))
    monkeypatch.setattr(mnist, "load", lambda *_: Dataset(split, split, split))
    return tmp_path


def test_figures_are_printed_as_text_and_as_json(folder, capsys):
    assert evaluate.main(["--weights", str(folder)]) == 0
    text = capsys.readouterr().out
    assert evaluate.main(["--weights", str(folder), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert list(figures) == ["train", "validation", "test"]
    assert f"test             10{figures['test']['errors']:>8}" in text


def test_a_cross_fitted_network_has_seen_the_validation_images(folder, capsys):
    model = MLP((4,), seed=1)
    model.info = {"training": {"cross_fit": True}}
    files.save(model, folder)
    assert evaluate.main(["--weights", str(folder), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert {name: split["images"] for name, split in figures.items()} == {"train": 20, "test": 10}


def test_plots_without_matplotlib_say_what_to_install(folder, capsys, monkeypatch):
    monkeypatch.delattr(measure, "plots", raising=False)
    monkeypatch.setitem(sys.modules, "nn.measure.plots", None)
    assert evaluate.main(["--weights", str(folder), "--plots", str(folder / "plots")]) == 1
    assert capsys.readouterr().err.endswith("; pip install -r nn/requirements.txt\n")


def test_plots_are_written(folder, capsys):
    (folder / "history.csv").write_text("epoch,train_loss,validation_loss,validation_accuracy\n1,2.0,2.1,0.3\n")
    assert evaluate.main(["--weights", str(folder), "--plots", str(folder / "plots")]) == 0
    written = {path.name for path in (folder / "plots").iterdir()}
    assert written >= {"confusion_matrix.png", "curves.png", "mistakes.png"}


def test_a_folder_without_a_network_is_named(tmp_path, capsys):
    assert evaluate.main(["--weights", str(tmp_path)]) == 1
    assert f"{tmp_path}/config.json: no such file" in capsys.readouterr().err


HISTORIES = {
    "empty": b"",
    "a header alone": b"epoch,train_loss,validation_loss,validation_accuracy\n",
    "one column": b"epoch\n1\n",
    "other columns": b"epoch,x\n1\n",
    "a row that ends early": b"epoch,train_loss,validation_loss,validation_accuracy\n1,2.0\n",
    "words": b"epoch,train_loss,validation_loss,validation_accuracy\n1,2.0,low,0.3\n",
    "another file": b"\x89PNG\r\n\x1a\n\0\0\xff",
}


@pytest.mark.parametrize("damage", HISTORIES)
def test_a_damaged_history_is_named_before_anything_is_measured(folder, capsys, damage):
    (folder / "history.csv").write_bytes(HISTORIES[damage])
    assert evaluate.main(["--weights", str(folder), "--plots", str(folder / "plots")]) == 1
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert err.startswith(f"error: {folder / 'history.csv'}: ")


@pytest.mark.parametrize("place", ["file", "file/plots", "file/more/plots"])
def test_a_folder_for_plots_that_cannot_be_is_named_before_anything_is_measured(folder, capsys, place):
    (folder / "file").write_text("in the way")
    assert evaluate.main(["--weights", str(folder), "--plots", str(folder / place)]) == 1
    assert capsys.readouterr() == ("", f"error: {folder / 'file'}: a file, expected a folder to write to\n")
