"""Backpropagation: its gradients, one step by hand, and agreement with independent implementations."""

import numpy as np
import pytest

from nn import backprop
from nn.backprop import FEWEST_ROWS, FEWEST_UNITS, Backprop
from nn.fast.committee import joined
from nn.files import load, save
from nn.functions import one_hot, softmax
from nn.mlp import MLP
from nn.optimizers import make_optimizer


def small_problem(n=7, inputs=6, classes=4, seed=1):
    rng = np.random.default_rng(seed)
    return rng.random((n, inputs)), one_hot(rng.integers(0, classes, n), classes, dtype=np.float64)


class SameMasks:
    """A random generator that draws the same dropout masks on every call, so that a loss can be differentiated."""

    def random(self, out, dtype):
        return np.random.default_rng(5).random(out=out, dtype=dtype)


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
@pytest.mark.parametrize("hidden", [(), (5,), (5, 3), (5, 4, 3)])
@pytest.mark.parametrize("options", [{}, {"l2": 0.1}, {"dropout": 0.4}, {"l2": 0.1, "dropout": 0.4}], ids=str)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_gradient_agrees_with_central_differences(activation, hidden, options, smoothing):
    X, targets = small_problem()
    targets = targets * (1 - smoothing) + smoothing / 4
    model = MLP(hidden, activation, seed=3, inputs=6, classes=4, dtype=np.float64)
    model.theta += 0.01  # biases off zero
    backprop = Backprop(model, len(X), **options)
    backprop(X, targets, SameMasks())
    gradient = backprop.gradient.copy()

    numeric, epsilon = np.empty_like(gradient), 1e-6
    for i in range(model.theta.size):
        start = model.theta[i]
        losses = []
        for value in (start + epsilon, start - epsilon):
            model.theta[i] = value
            losses.append(backprop(X, targets, SameMasks()))
        model.theta[i] = start
        numeric[i] = (losses[0] - losses[1]) / (2 * epsilon)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-8)


def test_one_step_of_gradient_descent_worked_out_by_hand():
    model = MLP((1,), "relu", inputs=2, classes=2, dtype=np.float64)
    model.weights[0][...] = [[0.5], [-0.25]]
    model.biases[0][...] = [0.1]
    model.weights[1][...] = [[1.0, -1.0]]
    model.biases[1][...] = [0.0, 0.2]
    X, targets = np.array([[1.0, 0.4]]), np.array([[0.0, 1.0]])
    backprop = Backprop(model, 1)
    loss = backprop(X, targets)
    # h = relu(1 * 0.5 + 0.4 * -0.25 + 0.1) = 0.5;  logits = [0.5, -0.5 + 0.2] = [0.5, -0.3]
    # probs = [1, exp(-0.8)] / (1 + exp(-0.8)) = [0.689974, 0.310026];  loss = -log 0.310026 = 1.171101
    assert loss == pytest.approx(1.171101, abs=1e-6)
    # delta2 = probs - targets = [0.689974, -0.689974]
    # dW2 = h * delta2 = [0.344987, -0.344987];  db2 = delta2
    # dh = delta2 @ W2^T = 0.689974 * 1 + -0.689974 * -1 = 1.379949; the unit fired, so delta1 = dh
    # dW1 = X^T delta1 = [1.379949, 0.551980];  db1 = 1.379949
    make_optimizer("sgd", model.theta.size, dtype=np.float64).step(model.theta, backprop.gradient, 0.1)
    # theta - 0.1 * gradient
    np.testing.assert_allclose(model.weights[0].ravel(), [0.5 - 0.1379949, -0.25 - 0.0551980], atol=1e-6)
    np.testing.assert_allclose(model.biases[0], [0.1 - 0.1379949], atol=1e-6)
    np.testing.assert_allclose(model.weights[1].ravel(), [1 - 0.0344987, -1 + 0.0344987], atol=1e-6)
    np.testing.assert_allclose(model.biases[1], [-0.0689974, 0.2 + 0.0689974], atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"l2": 0.1, "dropout": 0.4}], ids=str)
def test_blank_pixels_are_left_out_and_change_nothing(options, monkeypatch):
    rng = np.random.default_rng(2)
    model = MLP((FEWEST_UNITS, 5), seed=3, inputs=20, classes=4, dtype=np.float64)
    sparing = Backprop(model, FEWEST_ROWS, **options)
    monkeypatch.setattr(backprop, "FEWEST_UNITS", FEWEST_UNITS + 1)
    plain = Backprop(model, FEWEST_ROWS, **options)
    for inked in (20, 12, 0, 15):  # nothing of an earlier mini-batch may be left
        X, targets = small_problem(FEWEST_ROWS, 20, seed=inked)
        X[:, rng.permutation(20)[inked:]] = 0
        assert sparing(X, targets, SameMasks()) == pytest.approx(plain(X, targets, SameMasks()), rel=1e-12)
        np.testing.assert_allclose(sparing.gradient, plain.gradient, rtol=1e-9, atol=1e-15)


def test_weights_of_blank_pixels_are_not_read():
    model = MLP((FEWEST_UNITS,), seed=3, inputs=20, classes=4, dtype=np.float64)
    X, targets = small_problem(FEWEST_ROWS, 20)
    X[:, 5:] = 0
    model.weights[0][5:] = np.nan
    step = Backprop(model, FEWEST_ROWS)
    assert np.isfinite(step(X, targets))
    assert not step.dW[0][5:].any()


# scikit-learn adds Adam's epsilon before correcting the bias, PyTorch and the paper's algorithm 1 after it; it must not
# matter where the two are compared.
NEGLIGIBLE = 1e-15

OPTIMIZERS_OF_SKLEARN = {
    "sgd": {"solver": "sgd", "momentum": 0.0},
    "momentum": {"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": False},
    "nesterov": {"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": True},
    "adam": {"solver": "adam", "epsilon": NEGLIGIBLE},
}


def digits_like(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((n, 20)).astype(np.float32), np.arange(n) % 5


@pytest.mark.parametrize("optimizer", OPTIMIZERS_OF_SKLEARN)
@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_twenty_steps_agree_with_scikit_learn(optimizer, activation):
    X, y = digits_like(64)
    X = X.astype(np.float64)
    lr, l2, n = 0.01, 1e-3, 32
    from sklearn.neural_network import MLPClassifier  # here, for it takes two seconds in each of pytest's processes

    theirs = MLPClassifier(
        (12, 8), activation={"relu": "relu", "sigmoid": "logistic"}[activation], alpha=l2 * n, batch_size=n,
        learning_rate_init=lr, shuffle=False, random_state=0, **OPTIMIZERS_OF_SKLEARN[optimizer],
    )  # fmt: skip
    theirs.partial_fit(X, y, classes=range(5))  # builds the network: two steps
    ours = MLP((12, 8), activation, seed=4, inputs=20, classes=5, dtype=np.float64)
    copy_into_sklearn(ours, theirs)

    backprop, step = Backprop(ours, n, l2=l2), make_optimizer(optimizer, ours.theta.size, dtype=np.float64)
    step.epsilon = NEGLIGIBLE
    targets = one_hot(y, 5, dtype=np.float64)
    for _ in range(10):
        theirs.partial_fit(X, y)
        for rows in (slice(0, 32), slice(32, 64)):
            backprop(X[rows], targets[rows])
            step.step(ours.theta, backprop.gradient, lr)
    for W, b, their_W, their_b in zip(ours.weights, ours.biases, theirs.coefs_, theirs.intercepts_, strict=True):
        np.testing.assert_allclose(W, their_W, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(b, their_b, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-6, atol=1e-9)


def copy_into_sklearn(model, classifier):
    """Gives the classifier our parameters, and its optimizer a fresh start."""
    for i, (W, b) in enumerate(zip(model.weights, model.biases, strict=True)):
        classifier.coefs_[i][...], classifier.intercepts_[i][...] = W, b
    state = classifier._optimizer
    for name in ("velocities", "ms", "vs"):
        for array in getattr(state, name, []):
            array[...] = 0
    state.t = 0


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam"])
def test_twenty_steps_agree_with_pytorch(optimizer):
    torch = pytest.importorskip("torch")
    X, y = digits_like(64)
    ours = MLP((12, 8), "relu", seed=4, inputs=20, classes=5)
    layers = []
    for W, b in zip(ours.weights, ours.biases, strict=True):
        layer = torch.nn.Linear(*W.shape)
        layer.weight.data, layer.bias.data = torch.from_numpy(W.T.copy()), torch.from_numpy(b.copy())
        layers += [layer, torch.nn.ReLU()]
    theirs = torch.nn.Sequential(*layers[:-1])
    lr = 0.01
    sgd = {"sgd": {}, "momentum": {"momentum": 0.9}, "nesterov": {"momentum": 0.9, "nesterov": True}}
    their_step = (
        torch.optim.Adam(theirs.parameters(), lr)
        if optimizer == "adam"
        else torch.optim.SGD(theirs.parameters(), lr, **sgd[optimizer])
    )
    backprop, our_step = Backprop(ours, 64), make_optimizer(optimizer, ours.theta.size)
    for _ in range(20):
        their_step.zero_grad()
        torch.nn.functional.cross_entropy(theirs(torch.from_numpy(X)), torch.from_numpy(y)).backward()
        their_step.step()
        backprop(X, one_hot(y, 5))
        our_step.step(ours.theta, backprop.gradient, lr)
    for W, layer in zip(ours.weights, layers[::2], strict=True):
        np.testing.assert_allclose(W, layer.weight.detach().numpy().T, rtol=1e-3, atol=1e-4)


def test_dropout_keeps_the_expected_activation():
    model = MLP((2000,), "sigmoid", inputs=6, classes=4)
    X, _ = small_problem()
    plain = Backprop(model, len(X)).forward(X.astype(np.float32))[1].copy()
    dropped = Backprop(model, len(X), dropout=0.3).forward(X.astype(np.float32), np.random.default_rng(0))[1]
    assert (dropped == 0).mean() == pytest.approx(0.3, abs=0.02)
    assert dropped.mean() == pytest.approx(plain.mean(), rel=0.02)


def test_a_network_that_was_loaded_is_trained_further(tmp_path):
    save(MLP((8, 6), seed=2), tmp_path)
    X, y = digits_like(32)
    X = np.resize(X, (32, 784))
    losses = []
    for model in (MLP((8, 6), seed=2), load(tmp_path)):
        backprop = Backprop(model, len(X))
        losses.append([])
        for _ in range(3):
            losses[-1].append(backprop(X, one_hot(y, 10)))
            model.theta -= 0.1 * backprop.gradient
    assert losses[0] == losses[1]
    assert losses[1][2] < losses[1][0]


def test_a_joined_network_is_not_trained():
    with pytest.raises(ValueError, match="joined networks: train its members"):
        Backprop(joined([MLP((4, 2)), MLP((4, 2), seed=1)]), 8)


@pytest.mark.parametrize("dropout", [0, 0.4])
@pytest.mark.parametrize(
    "model",
    [
        MLP((), seed=3, inputs=784, classes=4, dtype=np.float64),
        MLP((FEWEST_UNITS, 5), seed=3, inputs=784, classes=4, dtype=np.float64),
        MLP((50, 5), kernel_size=8, seed=3, classes=4, dtype=np.float64),
    ],
    ids=["linear", "pixels", "kernels"],
)
def test_pictures_that_go_backward_at_random_count_for_those_that_do_not(model, dropout):
    X, targets = small_problem(FEWEST_ROWS, 784)
    X[:, 300:] = 0
    targets[::2] = 0.9 * model.predict_proba(X[::2]) + 0.1 * targets[::2]  # read well
    options = {"l2": 0.1, "dropout": dropout}
    every, sampling = (Backprop(model, len(X), **options, sampled_below=below) for below in (0, 0.3))
    kept, numbers = [], []
    for seed in range(3):
        masks, draws = np.random.default_rng(seed), SameDraws(seed)
        loss = every(X, targets, SameDraws(seed))
        assert sampling(X, targets, draws) == loss  # of all pictures
        h = every.forward(X, masks)
        errors = np.abs(softmax(h[-1]) - targets).sum(axis=1)
        chance = np.minimum(errors / 0.3, 1)
        backward = draws.drawn < chance
        assert backward[errors >= 0.3].all()
        numbers.append(backward.sum())
        # Mixtures of targets and probabilities give each row of delta the weight that it shall have.
        weights = (backward / np.maximum(chance, 1e-300))[:, None]
        mixed = softmax(h[-1]) + weights * (targets - softmax(h[-1]))
        every.backward(h, mixed)
        np.testing.assert_allclose(sampling.gradient, every.gradient, rtol=1e-9, atol=1e-12)
        kept.append(backward)
    assert max(numbers) < len(X)
    assert (kept[0] != kept[1]).any()


class SameDraws:
    """The generator of a seed, which remembers what it drew last."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def random(self, *arguments, **options):
        self.drawn = self.rng.random(*arguments, **options)
        return self.drawn


def test_the_expected_gradient_is_that_of_all_pictures():
    X, targets = small_problem(40)
    model = MLP((5, 3), seed=3, inputs=6, classes=4, dtype=np.float64)
    targets = 0.9 * model.predict_proba(X) + 0.1 * targets
    every, sampling = Backprop(model, 40), Backprop(model, 40, sampled_below=1)
    every(X, targets)
    rng, mean = np.random.default_rng(0), np.zeros_like(every.gradient)
    for _ in range(4000):
        sampling(X, targets, rng)
        mean += sampling.gradient / 4000
    assert np.linalg.norm(mean - every.gradient) < 0.05 * np.linalg.norm(every.gradient)


def test_no_picture_need_go_backward():
    X, _ = small_problem()
    model = MLP((5,), seed=3, inputs=6, classes=4, dtype=np.float64)
    sampling = Backprop(model, len(X), sampled_below=2)
    sampling(X, model.predict_proba(X), np.random.default_rng(0))
    assert not sampling.gradient.any()


@pytest.mark.parametrize("below", [-0.1, 2.1, np.nan])
def test_errors_below_which_pictures_are_sampled_are_checked(below):
    with pytest.raises(ValueError, match=r"sampled_below must be in \[0, 2\]"):
        Backprop(MLP((3,)), 8, sampled_below=below)
