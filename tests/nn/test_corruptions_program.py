"""The program that measures a network on damaged digits."""

import numpy as np
import pytest
from PIL import Image

from nn import corruptions
from nn.mlp import MLP
from nn.pictures import mnist
from nn.pictures.corruptions import CORRUPTIONS


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


def test_the_program_says_what_is_wrong_with_its_data(tmp_path, capsys):
    assert corruptions.main(["--data", str(tmp_path / "nowhere")]) == 1
    assert "error:" in capsys.readouterr().err
