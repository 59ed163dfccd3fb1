import numpy as np
import pytest

from nn import MLP
from nn.backprop import Backprop
from nn.fast.committee import joined
from nn.functions import cross_entropy, one_hot, softmax
from nn.inside import kernels_at_work, one_pass, one_step, without_units


@pytest.fixture
def model():
    return MLP((6,), seed=3, mean=0.13, std=0.31)


@pytest.fixture
def pixels():
    return np.random.default_rng(1).random(784, np.float32)


def test_contributions_add_up_to_z_and_pushes_to_the_logits(model, pixels):
    seen = one_pass(model, pixels)
    hidden = []
    logits = model.forward(pixels[None], hidden)
    np.testing.assert_allclose(seen.contributions.sum(axis=0) + model.biases[0], hidden[0][0][0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(seen.pushes.sum(axis=0) + model.biases[1], logits[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(seen.h, np.maximum(seen.z, 0))
    np.testing.assert_allclose(seen.probs, model.predict_proba(pixels[None])[0], rtol=1e-5)


def test_a_step_is_that_of_backpropagation_and_leaves_the_network_as_it_was(model, pixels):
    theta = model.theta.copy()
    step = one_step(model, pixels, target=4, rate=0.05)
    backprop = Backprop(model, 1)
    backprop(model.normalize(pixels[None]), one_hot(np.array([4]), 10))
    np.testing.assert_array_equal(model.theta, theta)
    np.testing.assert_allclose(step.model.theta, theta - 0.05 * backprop.gradient, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(step.change, -0.05 * backprop.dW[0], atol=1e-7)
    np.testing.assert_allclose(step.change2, -0.05 * backprop.dW[1], atol=1e-7)
    np.testing.assert_allclose(step.delta2, step.before - step.targets, atol=1e-7)
    np.testing.assert_allclose(step.delta1, step.blame * (one_pass(model, pixels).z > 0), atol=1e-7)
    assert step.after[4] > step.before[4]


def test_blame_is_the_slope_of_the_loss_over_a_units_output(model, pixels):
    """Central differences: each unit's output is moved a little to both sides, and nothing below it changes."""
    step, seen, targets = one_step(model, pixels, target=2), one_pass(model, pixels), one_hot(np.array([2]), 10)
    W2, b2 = model.weights[1].astype(float), model.biases[1]
    for unit, blame in enumerate(step.blame):
        move = np.zeros(6)
        move[unit] = 1e-4
        above, below = (
            cross_entropy(softmax((seen.h + sign * move)[None] @ W2 + b2), targets.astype(float)) for sign in (1, -1)
        )
        assert blame == pytest.approx((above - below) / 2e-4, abs=1e-4)


def test_a_class_that_is_none_and_another_kind_of_network_are_refused(model, pixels):
    with pytest.raises(ValueError, match="target from 0 to 9"):
        one_step(model, pixels, target=10)
    with pytest.raises(ValueError, match="one hidden layer"):
        one_pass(MLP((4, 4)), pixels)
    for ask in (one_pass, lambda *given: one_step(*given, target=1)):
        with pytest.raises(ValueError, match="no convolution"):
            ask(MLP((25,), kernel_size=8), pixels)
    with pytest.raises(ValueError, match="784 pixels, got 700"):
        one_pass(model, pixels[:700])


def test_without_units_is_the_network_whose_units_say_nothing():
    model = MLP((6, 5), activation="sigmoid", seed=3)  # a sigmoid unit is never silent by itself
    X = np.random.default_rng(1).random((4, 784), np.float32)
    hidden = []
    model.forward(X, hidden)
    h1 = hidden[0][1].copy()
    h1[:, [1, 4]] = 0
    h2 = 1 / (1 + np.exp(-(h1 @ model.weights[1] + model.biases[1])))
    h2[:, 0] = 0
    theta = model.theta.copy()
    rest = without_units(model, [[1, 4], [0]])
    np.testing.assert_allclose(rest.forward(X), h2 @ model.weights[2] + model.biases[2], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(model.theta, theta)
    for unit in (6, -1):
        with pytest.raises(IndexError, match=f"units from 0 to 5 in hidden layer 0, got {unit}"):
            without_units(model, [[unit]])
    with pytest.raises(IndexError, match="units of at most 2 hidden layers, got those of 3"):
        without_units(model, [[], [], [0]])
    with pytest.raises(ValueError, match="joined networks: silence units"):
        without_units(joined([model, model]), [[1]])


@pytest.mark.parametrize("members", [1, 2])
def test_what_a_kernel_finds_and_pushes_is_what_the_network_answers_with_and_without_it(pixels, members):
    options = {"kernel_size": 8, "mean": 0.13, "std": 0.31}
    plain = [MLP((75, 6), seed=seed, **options) for seed in range(members)]
    for each in plain:
        each.theta[...] += 0.01  # biases that are not 0
    model = joined(plain)
    seen = kernels_at_work(model, pixels)
    hidden = []
    logits = model.forward(pixels[None], hidden)[0]
    np.testing.assert_array_equal(seen.logits, logits)
    assert seen.kernels.shape == (3 * members, 64)
    # The largest of the four windows of each place, worked out anew.
    starts = 1 + 2 * np.arange(10)
    patches = np.array([[seen.x.reshape(28, 28)[r : r + 8, c : c + 8].ravel() for c in starts] for r in starts])
    sums = (patches @ seen.kernels.T).reshape(5, 2, 5, 2, -1).max(axis=(1, 3)).reshape(25, -1).T
    np.testing.assert_allclose(np.maximum(sums + seen.biases, 0), seen.h, rtol=1e-4, atol=1e-4)
    for kernel, push in enumerate(seen.pushes):
        member, column = divmod(kernel, 3)
        units = 3 * np.arange(25) + column  # in this member
        np.testing.assert_array_equal(hidden[0][1][0, 75 * member + units], seen.h[kernel])
        rest = [*plain[:member], without_units(plain[member], [units]), *plain[member + 1 :]]
        without = np.mean([each.forward(pixels[None])[0] for each in rest], axis=0)
        np.testing.assert_allclose(push, logits - without, rtol=1e-4, atol=1e-4)
    assert (np.abs(seen.pushes).max(axis=1) > 0.1).all()


def test_a_network_without_kernels_is_refused(model, pixels):
    with pytest.raises(ValueError, match="convolution"):
        kernels_at_work(model, pixels)
