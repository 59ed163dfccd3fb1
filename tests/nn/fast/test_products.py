"""Products that are cut as OpenBLAS cuts them for two threads: right for any shape, and on one thread the same bits."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nn.fast import products
from nn.pictures import sample

ROOT = Path(__file__).parent.parent.parent.parent
SHAPES = [(1, 1, 1), (3, 784, 5), (33, 7, 100), (64, 640, 64), (176, 375, 11), (200, 321, 150), (0, 4, 3)]


@pytest.mark.parametrize("shape", SHAPES)
def test_products_are_right(shape):
    rows, terms, columns = shape
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((rows, terms)), rng.standard_normal((columns, terms)).T
    out = np.full((rows, columns), np.nan)
    assert products.matmul(a, b, out) is out
    np.testing.assert_allclose(out, a @ b, atol=1e-12)


# Steps of a member of the bundled recipe, the last one with as few pictures as an epoch leaves over.
# The bits of two threads are those by which the bundled network was made.
STEPS = """
import numpy as np
from threadpoolctl import threadpool_limits

from nn.backprop import Backprop
from nn.fast import products
from nn.mlp import MLP
from nn.optimizers import make_optimizer
from nn.pictures.augment import distort


def trained(threads, product):
    rng, model = np.random.default_rng(0), MLP((1600, 375), kernel_size=8, classes=11)
    step, optimizer = Backprop(model, 256, product=product), make_optimizer("adam", model.theta.size)
    with threadpool_limits(threads, "blas"):
        for n in (256, 256, 176):
            X = distort(rng.integers(0, 256, (500, 28, 28), np.uint8), rng, product=product)[-n:]
            targets = np.eye(11, dtype=np.float32)[rng.integers(0, 11, n)]
            step(X, targets)
            optimizer.step(model.theta, step.gradient, 1e-3)
    return model.theta.tobytes()


on_two = trained(2, np.matmul)
assert on_two != trained(1, np.matmul), "the number of threads makes no difference: nothing is shown"
assert on_two == trained(1, products.matmul), "OpenBLAS cuts products for two threads in another way"
"""


@pytest.mark.parametrize(("chosen", "used"), [(None, "Haswell"), ("SkylakeX", "SkylakeX")])
def test_members_are_trained_with_the_same_loops_unless_others_are_chosen(tmp_path, chosen, used):
    if not np._core._multiarray_umath.__cpu_features__.get("AVX512F"):
        pytest.skip("without AVX-512 there is nothing to choose")
    environment = {name: value for name, value in os.environ.items() if name != products.CHOICE}
    if chosen:
        environment[products.CHOICE] = chosen
    options = ["--data", str(sample.FILE), "--hidden", "4", "--members", "2", "--epochs", "1", "--out", str(tmp_path)]
    command = [sys.executable, "-m", "nn.train", *options]
    subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True, timeout=120)
    training = json.loads((tmp_path / "config.json").read_text())["training"]
    assert training["made_with"]["blas"].endswith(used)


def test_steps_on_one_thread_have_the_bits_of_two():
    features = np._core._multiarray_umath.__cpu_features__
    if not features.get("AVX2"):
        pytest.skip("the loops by which the bundled network was made need AVX2")
    environment = os.environ | {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", STEPS], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
