"""The program that measures a network on damaged digits."""

import numpy as np
import pytest
from PIL import Image

from nn import compare, corruptions
from nn.mlp import MLP
from nn.pictures import mnist
from nn.pictures.corruptions import CORRUPTIONS
from nn.pictures.mnist import Dataset, Split


def test_the_table_has_both_ways_for_every_corruption_and_their_means(mnist_dir):
    test = mnist.load(mnist_dir).validation[:8]
    results = corruptions.measure(MLP((8,)), test.images, test.labels)
    assert list(results) == ["clean", *CORRUPTIONS, "mean"]
    for way in ("raw", "app"):
        assert results["mean"][way] == pytest.approx(np.mean([results[name][way] for name in CORRUPTIONS]))


def test_the_program_needs_test_images(tmp_path, capsys):
    for label in ("0", "1"):
        (tmp_path / label).mkdir()
        for number in range(20):
            Image.new("L", (28, 28)).save(tmp_path / label / f"{number}.png")
    assert corruptions.main(["--data", str(tmp_path)]) == 1
    assert "no test images" in capsys.readouterr().err


@pytest.mark.parametrize("program", [corruptions, compare])
def test_without_test_images_the_data_set_is_named(program, monkeypatch, capsys):
    none = Split(np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.int64))
    monkeypatch.setattr(mnist, "load", lambda *_: Dataset(none, none, none))
    assert program.main([]) == 1
    assert capsys.readouterr().err.startswith("error: ylecun/mnist: no test images")


@pytest.mark.parametrize("limit", ["0", "-5", "few"])
def test_a_limit_that_leaves_no_images_is_refused(limit, capsys):
    with pytest.raises(SystemExit) as exit:
        corruptions.main(["--limit", limit])
    assert exit.value.code == 2
    assert "argument --limit: " in capsys.readouterr().err


def test_the_program_says_what_is_wrong_with_its_data(tmp_path, capsys):
    assert corruptions.main(["--data", str(tmp_path / "nowhere")]) == 1
    assert "error:" in capsys.readouterr().err


def test_the_table_of_presets_has_one_row_for_each_that_is_named(mnist_dir, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(compare, "row", lambda name, *_: f"| {name} |")
    assert compare.main(["--data", str(mnist_dir), "--only", "tiny", "linear", "tiny"]) == 0
    assert capsys.readouterr().out.splitlines()[2:] == ["| tiny |", "| linear |"]
    with pytest.raises(SystemExit):
        compare.main(["--data", str(mnist_dir), "--only"])
    assert "argument --only: expected at least one argument" in capsys.readouterr().err
