"""The self-test finds what no check of bytes finds."""

import numpy as np
import pytest

from nn import files
from nn.files import BUNDLED, WeightsError
from nn.mlp import MLP
from nn.selftest import self_test, selftest_digits, verified


def test_the_bundled_network_reads_the_digits():
    assert self_test(verified(BUNDLED), BUNDLED) >= 0.98


def test_labels_in_another_order_are_found(tmp_path):
    model = files.load(BUNDLED)
    model.weights[-1][:, :10] = np.roll(model.weights[-1][:, :10], 1, axis=1)
    files.save(model, tmp_path)
    with pytest.raises(WeightsError, match=r"model.safetensors: reads \d of 50 test digits, at least 45 are expected"):
        verified(tmp_path)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (MLP((4,), inputs=100), "takes 100 values and knows 10 classes"),
        (MLP((4,), classes=26), "takes 784 values and knows 26 classes"),
    ],
)
def test_networks_for_other_pictures_are_refused(model, message):
    with pytest.raises(WeightsError, match=message):
        self_test(model, "file")


def test_answers_that_are_not_numbers_are_refused():
    model = MLP((4,))
    model.theta[...] = 1e38
    with pytest.raises(WeightsError, match="its answers are not probabilities"):
        self_test(model, "file")


def test_there_are_five_of_each_digit():
    assert np.bincount(selftest_digits()[1]).tolist() == [5] * 10
