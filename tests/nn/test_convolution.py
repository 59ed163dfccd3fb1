"""A convolution with pooling answers, learns and explains as its definition says, window by window."""

import tracemalloc

import numpy as np
import pytest

from nn.backprop import Backprop
from nn.convolution import KERNEL_SIZES, MOST_BYTES, Convolution, positions, transposed, windows
from nn.evidence import evidence, explain
from nn.fast.committee import joined
from nn.fool import pixel_gradient
from nn.functions import one_hot, softmax
from nn.mlp import MLP

MAPS = 3


@pytest.fixture(params=KERNEL_SIZES, ids=lambda size: f"kernels of {size}")
def size(request):
    return request.param


def by_definition(X, kernels, size):
    """z (n, groups * maps), with a loop over everything."""
    starts = range(1, 28 - size, 2)
    answers = {
        (y, x): X.reshape(-1, 28, 28)[:, y : y + size, x : x + size].reshape(len(X), size * size) @ kernels
        for y in starts
        for x in starts
    }
    groups = [
        np.max([answers[y, x], answers[y, x + 2], answers[y + 2, x], answers[y + 2, x + 2]], axis=0)
        for y in starts[::2]
        for x in starts[::2]
    ]
    return np.concatenate(groups, axis=1)


def pictures(n, seed=0):
    """(n, 784): random ink on a third of the pixels."""
    rng = np.random.default_rng(seed)
    return rng.random((n, 784)) * (rng.random((n, 784)) < 0.3)


def small(seed=0, hidden=(50, 5)):
    """A network in float64 whose numbers are all random, biases too."""
    model = MLP(hidden, kernel_size=8, classes=4, dtype=np.float64, seed=seed)
    model.theta += np.random.default_rng(seed).normal(0, 0.05, model.theta.size)
    return model


def test_windows_cover_the_middle_of_the_picture_alike_from_all_sides(size):
    seen = np.bincount(windows(size).ravel(), minlength=784).reshape(28, 28)
    assert (seen[1:27, 1:27] >= 1).all()
    assert seen.sum() == seen[1:27, 1:27].sum()
    for turned in (seen.T, seen[::-1], seen[:, ::-1]):
        np.testing.assert_array_equal(seen, turned)


@pytest.mark.parametrize("n", [0, 1, 5, 250])
def test_a_unit_is_the_strongest_answer_of_its_four_windows(size, n):
    kernels = np.random.default_rng(1).standard_normal((size * size, MAPS))
    X = pictures(n)
    np.testing.assert_allclose(X @ Convolution(kernels), by_definition(X, kernels, size), atol=1e-12)


def test_units_of_members_stand_side_by_side(size):
    kernels = np.random.default_rng(1).standard_normal((size * size, 2 * MAPS))
    X = pictures(4)
    apart = [by_definition(X, kernels[:, :MAPS], size), by_definition(X, kernels[:, MAPS:], size)]
    np.testing.assert_allclose(X @ Convolution(kernels, members=2), np.concatenate(apart, axis=1), atol=1e-12)


@pytest.mark.parametrize("members", [1, 2])
def test_for_one_picture_a_convolution_is_a_matrix(size, members):
    kernels = np.random.default_rng(1).standard_normal((size * size, members * MAPS))
    W, X = Convolution(kernels, members), pictures(3)
    units = members * MAPS * positions(size)
    every = np.eye(units)
    for x in X[:, None]:
        W_T = transposed(W, x)
        rows = W_T[np.arange(units)]  # (units, 784)
        np.testing.assert_allclose(x @ rows.T, x @ W, atol=1e-12)
        np.testing.assert_allclose(every @ W_T, rows, atol=1e-12)
        assert ((rows != 0).sum(axis=1) <= size * size).all()
    delta = np.random.default_rng(2).standard_normal((3, units))
    one_by_one = [row[None] @ transposed(W, x) for row, x in zip(delta, X[:, None], strict=True)]
    np.testing.assert_allclose(delta @ transposed(W, X), np.concatenate(one_by_one))
    assert (delta[:0] @ transposed(W, X[:0])).shape == (0, 784)
    with pytest.raises(ValueError, match="too many values"):
        transposed(W, X)[np.arange(2)]


def test_any_other_matrix_is_transposed_as_ever():
    W = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(transposed(W, pictures(1)), W.T)


@pytest.mark.parametrize("maps", [1, 200])
def test_many_pictures_need_little_memory_beside_their_answers(maps):
    X = pictures(2000).astype(np.float32)
    W = Convolution(np.ones((64, maps), np.float32))
    tracemalloc.start()
    z = X @ W
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most - z.nbytes < 4 * MOST_BYTES


def test_float32_stays_float32():
    W, X = Convolution(np.ones((64, MAPS), np.float32)), pictures(2).astype(np.float32)
    z = X @ W
    W_T = transposed(W, X[:1])
    assert {z.dtype, (z @ W_T).dtype, W_T[np.arange(2)].dtype} == {np.dtype(np.float32)}


@pytest.mark.parametrize("dropout", [0, 0.5])
@pytest.mark.parametrize("ink", ["random", "equal windows"])
def test_the_gradient_agrees_with_central_differences(dropout, ink):
    X, targets = pictures(6), one_hot(np.arange(6) % 4, 4, dtype=np.float64)
    if ink == "equal windows":  # grey paper, and a blot that fills all windows of some units
        X[...] = -0.4
        X.reshape(6, 28, 28)[:, 4:20, 5:21] = 1.3
    model = small()
    backprop = Backprop(model, 8, l2=0.1, dropout=dropout)  # room for more rows than there are
    full = pictures(8, seed=6), one_hot(np.arange(8) % 4, 4, dtype=np.float64)
    backprop(*full, np.random.default_rng(3))  # leaves its numbers in the arrays

    def loss():
        return backprop(X, targets, np.random.default_rng(3))

    loss()
    gradient, epsilon = backprop.gradient.copy(), 1e-6
    first = model.shapes[0][0] * model.shapes[0][1]
    rng = np.random.default_rng(0)
    for i in [*rng.choice(first, 80, replace=False), *rng.choice(model.theta.size, 150), *range(-80, 0)]:
        start, losses = model.theta[i], []
        for value in (start + epsilon, start - epsilon):
            model.theta[i] = value
            losses.append(loss())
        model.theta[i] = start
        assert gradient[i] == pytest.approx((losses[0] - losses[1]) / (2 * epsilon), rel=1e-5, abs=1e-8)


def test_the_gradient_of_pixels_agrees_with_central_differences():
    model, targets, epsilon = small(), np.eye(4)[1], 1e-6
    model.mean, model.std = 0.1, 0.3
    x = np.random.default_rng(4).random(784)

    def loss(x):
        return -np.log(softmax(model.forward(x[None]))[0, 1])

    gradient, _ = pixel_gradient(model, x, targets)
    for i in np.random.default_rng(5).choice(784, 60, replace=False):
        step = np.eye(784)[i] * epsilon
        assert gradient[i] == pytest.approx((loss(x + step) - loss(x - step)) / (2 * epsilon), rel=1e-4, abs=1e-8)


@pytest.mark.parametrize(("mean", "std"), [(0, 1), (0.13, 0.31)])
def test_evidence_adds_up_to_the_change_of_the_logits(mean, std):
    members = [small(seed) for seed in range(2)]
    for member in members:
        member.mean, member.std = mean, std
    for model in (members[0], joined(members)):
        X = pictures(3)
        logits = model.logits(X) - model.logits(np.zeros((1, 784)))
        np.testing.assert_allclose(evidence(model, X, 1, 2).sum(axis=1), logits[:, 1] - logits[:, 2], atol=1e-9)
        assert evidence(model, X[:0], 1, 2).shape == (0, 784)
        found = explain(model, X[0], 1, 2, count=1000)
        assert found.evidence.sum() == pytest.approx(logits[0, 1])
        hidden = []
        model.forward(np.concatenate([X[:1], np.zeros((1, 784))]), hidden)
        for layer, units in enumerate(found.units):
            assert sum(unit.contribution for unit in units) == pytest.approx(logits[0, 1])
            z, _ = hidden[layer]
            for unit in units:
                assert (unit.picture * X[0]).sum() == pytest.approx(z[0, unit.index] - z[1, unit.index], abs=1e-9)


def test_initial_weights_suit_the_pixels_that_a_unit_sees():
    (W, _), _ = (model := MLP((25 * 400,), kernel_size=8)).views(model.theta)
    assert W.std() == pytest.approx((2 / 64) ** 0.5, rel=0.02)


@pytest.mark.parametrize("hidden", [(50,), (50, 4), (50, 6, 4)])
def test_joined_members_answer_with_the_mean_of_their_logits(hidden):
    members = [small(seed, hidden) for seed in range(3)]
    X = pictures(7)
    network = joined(members)
    means = np.mean([member.logits(X) for member in members], axis=0)
    np.testing.assert_allclose(network.logits(X), means, rtol=1e-9)
    np.testing.assert_allclose(network.logits(X[:1]), means[:1], rtol=1e-9)
    with pytest.raises(ValueError, match="joined networks"):
        Backprop(network, 8)


@pytest.mark.parametrize(
    ("kernel", "hidden", "options"),
    [(7, (50,), {}), (8.0, (50,), {}), (28, (50,), {}), (8, (51,), {}), (8, (), {}), (8, (50,), {"inputs": 64})],
)
def test_kernels_that_do_not_fit_are_refused(kernel, hidden, options):
    with pytest.raises(ValueError, match=r"a kernel has 4, 8, 12, 16, 20 pixels|kernels of 8 pixels need 784 inputs"):
        MLP(hidden, kernel_size=kernel, **options)
