"""Windows: a first layer whose units see parts of the picture answers, learns and explains as the matrix with zeros."""

import numpy as np
import pytest

from nn.backprop import Backprop
from nn.evidence import evidence
from nn.fast.committee import joined
from nn.fast.matrices import InkWindows
from nn.fool import pixel_gradient
from nn.functions import one_hot
from nn.mlp import MLP
from nn.windows import SIDES, Windows, count, cut, paste, places

UNITS = 3  # of each window


def whole(blocks, side):
    """The matrix (784, units) that blocks stand for, pixel by pixel."""
    W = np.zeros((28, 28, len(blocks) * blocks.shape[2]), blocks.dtype)
    for number, block in enumerate(blocks):
        _, rows, columns = places(side)[number % count(side)]
        units = slice(number * blocks.shape[2], (number + 1) * blocks.shape[2])
        W[rows, columns, units] = block.reshape(side, side, -1)
    return W.reshape(784, -1)


@pytest.fixture(params=SIDES, ids=lambda side: f"windows of {side}")
def side(request):
    return request.param


def blocks_of(side, members=1, dtype=np.float64):
    rng = np.random.default_rng(side)
    return rng.integers(-100, 100, (members * count(side), side * side, UNITS)).astype(dtype)


def test_windows_overlap_and_cover_the_middle_of_the_picture_evenly(side):
    seen = paste(np.ones((count(side), 1, side * side)), side).reshape(28, 28)
    assert (seen[2:26, 2:26] >= 1).all()
    assert seen.sum() == seen[2:26, 2:26].sum()
    assert seen[13:15, 13:15].min() >= 4
    np.testing.assert_array_equal(seen, np.rot90(seen))


def test_a_picture_that_is_cut_shows_each_window_its_own_part(side):
    X = np.arange(2 * 784).reshape(2, 784)
    for part, (_, rows, columns) in zip(cut(X, side), places(side), strict=True):
        np.testing.assert_array_equal(part.reshape(2, side, side), X.reshape(2, 28, 28)[:, rows, columns])


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("kind", ["windows", "ink", "ink, int8"])
def test_windows_multiply_like_the_matrix_they_stand_for(side, members, kind):
    blocks = blocks_of(side, members)
    rows = blocks.astype(np.int8) if kind == "ink, int8" else blocks
    matrix = Windows(blocks) if kind == "windows" else InkWindows(blocks, rows)
    W = whole(blocks, side)
    rng = np.random.default_rng(0)
    drawing = rng.random((1, 784)) * (rng.random((1, 784)) < 0.2)
    for X in (
        rng.random((5, 784)),
        drawing,
        np.zeros((0, 784)),
        np.zeros((1, 784)),
        np.ones((1, 784)),
        np.eye(784)[[400]],
    ):
        np.testing.assert_allclose(X @ matrix, X @ W, atol=1e-9)
    delta = rng.standard_normal((4, W.shape[1]))
    np.testing.assert_allclose(delta @ matrix.T, delta @ W.T)
    units = np.array([W.shape[1] - 1, 0, 5])
    np.testing.assert_array_equal(matrix.T[units], W.T[units])
    assert matrix.T[units[:0]].shape == (0, 784)


def test_one_picture_reads_the_integers_alone():
    blocks = blocks_of(8, dtype=np.float32)
    matrix = InkWindows(blocks.copy(), blocks.astype(np.int8))
    matrix.blocks[...] = np.nan
    X = np.eye(784, dtype=np.float32)[[400]]
    np.testing.assert_array_equal(X @ matrix, X @ whole(blocks, 8))


def test_the_gradient_agrees_with_central_differences():
    rng = np.random.default_rng(1)
    X, targets = rng.random((6, 784)), one_hot(rng.integers(0, 4, 6), 4, dtype=np.float64)
    model = MLP((50, 5), window=8, classes=4, dtype=np.float64)
    model.theta += 0.01
    backprop = Backprop(model, 8, l2=0.1)  # room for more rows than there are
    backprop(X, targets)
    gradient, epsilon = backprop.gradient.copy(), 1e-6
    for i in [*rng.choice(model.theta.size, 200), *range(-80, 0)]:
        start, losses = model.theta[i], []
        for value in (start + epsilon, start - epsilon):
            model.theta[i] = value
            losses.append(backprop(X, targets))
        model.theta[i] = start
        assert gradient[i] == pytest.approx((losses[0] - losses[1]) / (2 * epsilon), rel=1e-5, abs=1e-8)


def test_the_gradient_of_pixels_and_the_evidence_are_those_of_the_matrix_with_zeros():
    model = MLP((50, 5), window=8, classes=4, dtype=np.float64)
    dense = MLP((50, 5), seed=None, classes=4, dtype=np.float64)
    for mine, theirs in zip(model.views(model.theta)[0], dense.weights, strict=True):
        theirs[...] = whole(mine, 8) if mine.ndim == 3 else mine
    x, targets = np.random.default_rng(2).random(784), np.eye(4)[1]
    np.testing.assert_allclose(pixel_gradient(model, x, targets)[0], pixel_gradient(dense, x, targets)[0], atol=1e-12)
    np.testing.assert_allclose(evidence(model, x, 1, 2), evidence(dense, x, 1, 2), atol=1e-12)


def test_initial_weights_suit_the_pixels_that_a_unit_sees():
    (W, _), _ = (model := MLP((1600,), window=8)).views(model.theta)
    assert W.std() == pytest.approx((2 / 64) ** 0.5, rel=0.02)


@pytest.mark.parametrize("hidden", [(50,), (50, 4), (50, 6, 4)])
def test_joined_members_with_windows_answer_with_the_mean_of_their_logits(hidden):
    rng = np.random.default_rng(0)
    members = [MLP(hidden, window=8, seed=seed, dtype=np.float64) for seed in range(3)]
    for member in members:
        member.theta[...] = rng.standard_normal(member.theta.size)
    X = (rng.random((7, 784)) - 0.5).clip(0)
    network = joined(members)
    means = np.mean([member.logits(X) for member in members], axis=0)
    np.testing.assert_allclose(network.logits(X), means, rtol=1e-9)
    np.testing.assert_allclose(network.logits(X[:1]), means[:1], rtol=1e-9)
    with pytest.raises(ValueError, match="several networks in one"):
        Backprop(network, 8)


@pytest.mark.parametrize(
    ("window", "hidden", "options"),
    [(7, (50,), {}), (8.0, (50,), {}), (28, (50,), {}), (8, (51,), {}), (8, (), {}), (8, (50,), {"inputs": 64})],
)
def test_windows_that_do_not_fit_are_refused(window, hidden, options):
    with pytest.raises(ValueError, match=r"a window has 8, 12, 16, 20 pixels|windows of 8 pixels need 784 inputs"):
        MLP(hidden, window=window, **options)
