"""Matrices that take the place of W in `h @ W`: they multiply as W does, and are what a frozen network reads."""

import numpy as np
import pytest

from nn.fast.committee import joined
from nn.fast.matrices import NARROW, BlockDiagonal, RowSparse, freeze, quicken
from nn.fast.quantize import quantize
from nn.mlp import MLP


def dense(blocks):
    """The matrix that blocks along a diagonal stand for."""
    _, height, width = blocks.shape
    matrix = np.zeros((len(blocks) * height, len(blocks) * width), blocks.dtype)
    for i, block in enumerate(blocks):
        matrix[height * i : height * (i + 1), width * i : width * (i + 1)] = block
    return matrix


@pytest.mark.parametrize("used", [0, 1, 3, 12])
@pytest.mark.parametrize("n", [0, 1, 5])
def test_rows_that_meet_a_zero_are_not_missed(n, used):
    rng = np.random.default_rng(0)
    h = rng.random((n, 12))
    h[:, used:] = 0
    for width in (6, NARROW):
        W = rng.standard_normal((12, width))
        np.testing.assert_allclose(h @ RowSparse(W), h @ W)


@pytest.mark.parametrize(("n", "width"), [(1, 6), (5, NARROW)])
def test_rows_that_meet_a_zero_are_not_read(n, width):
    h, W = np.eye(12, dtype=np.float32)[[7] * n], np.full((12, width), np.nan, np.float32)
    W[7] = range(width)
    np.testing.assert_array_equal(h @ RowSparse(W), [range(width)] * n)


@pytest.mark.parametrize(("whole", "fixed", "dtype"), [(1, 1, np.int8), (0, 1, np.float32), (1, 0, np.float32)])
def test_rows_are_read_in_8_bits_if_that_gives_the_same_products_for_good(whole, fixed, dtype):
    rng = np.random.default_rng(0)
    W = rng.integers(-127, 128, (12, 6)).astype(np.float32) + (0 if whole else 0.5)
    W.flags.writeable = not fixed
    matrix, h = RowSparse(W), rng.standard_normal((1, 12), np.float32)
    h[:, 3:] = 0
    assert matrix.rows.dtype == dtype
    np.testing.assert_array_equal(h @ matrix, h[:, :3] @ W[:3])
    if not fixed:
        W *= 1.5
        np.testing.assert_array_equal(h @ matrix, h[:, :3] @ W[:3])


def test_blocks_multiply_like_the_matrix_they_stand_for():
    rng = np.random.default_rng(0)
    blocks = rng.standard_normal((3, 4, 2))
    matrix = dense(blocks)
    for block_diagonal in (BlockDiagonal(blocks), BlockDiagonal([RowSparse(block) for block in blocks])):
        for h in (rng.random((5, 12)), np.eye(12)[[7]], np.empty((0, 12))):
            np.testing.assert_allclose(h @ block_diagonal, h @ matrix)
        np.testing.assert_allclose(matrix @ block_diagonal.T, matrix @ matrix.T)
        units = np.array([5, 0, 3])
        np.testing.assert_array_equal(block_diagonal.T[units], matrix.T[units])


def quantized(members, kernel_size=0, linear=()):
    """A quantized network with biases that matter."""
    hidden = [width // members for width in ((100, 8, 32) if linear else (100, 32))]
    options = {"kernel_size": kernel_size, "linear": linear, "classes": 11}
    models = [MLP(hidden, seed=seed, **options) for seed in range(members)]
    for i, b in enumerate(b for model in models for b in model.biases):
        b[...] = np.random.default_rng(i).standard_normal(b.shape)
    model = joined(models)
    quantize(model)
    return quicken(model)


@pytest.mark.parametrize("linear", [(), (1,)])
@pytest.mark.parametrize(("members", "kernel_size"), [(1, 0), (4, 0), (1, 8), (4, 8)])
def test_a_frozen_network_answers_as_before_and_cannot_be_changed(members, kernel_size, linear):
    rng = np.random.default_rng(0)
    X = (rng.random((20, 784), np.float32) - 0.8).clip(0)  # mostly paper
    X[-1] = rng.random(784)  # all ink
    model = quantized(members, kernel_size, linear)
    batch, single = model.logits(X), [model.logits(row[None]) for row in X]
    assert freeze(model) is model
    np.testing.assert_array_equal(model.logits(X), batch)
    for row, before, expected in zip(X, single, batch, strict=True):
        alone = model.logits(row[None])
        np.testing.assert_array_equal(alone, before)
        np.testing.assert_allclose(alone[0], expected, rtol=1e-4, atol=1e-4 * batch.std())
    for array in (model.theta, model.weights[-1], *model.biases):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_a_network_of_real_numbers_can_be_frozen_too():
    X = np.random.default_rng(0).random((1, 784), np.float32)
    model = MLP((32, 16))
    before = model.logits(X)
    np.testing.assert_array_equal(freeze(model).logits(X), before)
