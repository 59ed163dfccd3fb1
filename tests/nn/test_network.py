"""The network's proofs: its gradients, one step by hand, and agreement with independent implementations."""

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from nn.backprop import Backprop
from nn.fast.quantize import LEVELS, MOST_LAYERS, quantize
from nn.functions import cross_entropy, one_hot, sigmoid, softmax
from nn.mlp import MLP, columns, joined, product, transposed
from nn.optimizers import Adam, learning_rate, make_optimizer


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


def test_adam_in_blocks_equals_adam_on_the_whole_vector(monkeypatch):
    rng = np.random.default_rng(0)
    theta, gradient = rng.standard_normal((2, 1000)).astype(np.float32)
    whole, blocks = theta.copy(), theta.copy()
    Adam(1000).step(whole, gradient.copy(), 0.1)
    monkeypatch.setattr("nn.optimizers.BLOCK", 128)
    Adam(1000).step(blocks, gradient.copy(), 0.1)
    np.testing.assert_array_equal(whole, blocks)


def test_dropout_keeps_the_expected_activation():
    model = MLP((2000,), "sigmoid", inputs=6, classes=4)
    X, _ = small_problem()
    plain = Backprop(model, len(X)).forward(X.astype(np.float32))[1].copy()
    dropped = Backprop(model, len(X), dropout=0.3).forward(X.astype(np.float32), np.random.default_rng(0))[1]
    assert (dropped == 0).mean() == pytest.approx(0.3, abs=0.02)
    assert dropped.mean() == pytest.approx(plain.mean(), rel=0.02)


def test_initial_weights_have_the_variance_of_he_and_of_xavier():
    he, xavier = MLP((300,), "relu"), MLP((300,), "sigmoid")
    assert he.weights[0].std() == pytest.approx((2 / 784) ** 0.5, rel=0.01)
    assert xavier.weights[0].std() == pytest.approx((2 / (784 + 300)) ** 0.5, rel=0.01)
    assert not he.biases[0].any()


def test_probabilities_of_each_row_sum_to_one_even_for_huge_logits():
    probs = softmax(np.array([[1e4, -1e4, 0.0], [3.0, 3.0, 3.0]]))
    np.testing.assert_allclose(probs.sum(axis=1), 1)
    assert np.isfinite(cross_entropy(probs.astype(np.float32), np.array([[0, 1, 0], [1, 0, 0]])))
    assert np.isfinite(sigmoid(np.array([-1e4, 1e4]), out=np.empty(2))).all()


def test_temperature_softens_without_changing_the_answer():
    X = np.random.default_rng(0).random((5, 784), np.float32)
    sharp, soft = MLP((32,), seed=1), MLP((32,), seed=1, temperature=3.0)
    assert (sharp.predict_proba(X).argmax(axis=1) == soft.predict_proba(X).argmax(axis=1)).all()
    assert (sharp.predict_proba(X).max(axis=1) > soft.predict_proba(X).max(axis=1)).all()


def test_a_million_rows_would_go_through_in_chunks(monkeypatch):
    X = np.random.default_rng(0).random((50, 784), np.float32)
    model, rows = MLP((32, 16)), []
    whole, forward = model.predict_proba(X), model._forward
    monkeypatch.setattr("nn.mlp.CHUNK_ROWS", 7)
    monkeypatch.setattr(model, "_forward", lambda chunk: rows.append(len(chunk)) or forward(chunk))
    np.testing.assert_allclose(model.predict_proba(X), whole, rtol=1e-5)
    assert rows == [7] * 7 + [1]


@pytest.mark.parametrize("hidden", [(), (5,), (6, 4), (5, 4, 3)])
def test_joined_members_answer_with_the_mean_of_their_logits(hidden):
    rng = np.random.default_rng(0)
    members = [MLP(hidden, seed=seed, mean=0.1, std=0.3, dtype=np.float64) for seed in range(3)]
    for member in members:
        member.theta[...] = rng.standard_normal(member.theta.size)
    X = rng.random((7, 784))
    whole = joined(members)
    assert whole.hidden == tuple(3 * width for width in hidden)
    means = np.mean([member.logits(X) for member in members], axis=0)
    np.testing.assert_allclose(whole.logits(X), means, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(whole.logits(X[:1]), means[:1], rtol=1e-4, atol=1e-3)


def test_what_was_joined_is_not_joined_or_trained_again():
    whole = joined([MLP((4, 2)), MLP((4, 2), seed=1)])
    with pytest.raises(ValueError, match="cannot be joined again"):
        joined([whole, whole])
    with pytest.raises(ValueError, match="trained apart"):
        Backprop(whole, 8)


def test_blocks_multiply_like_the_matrix_they_stand_for():
    rng = np.random.default_rng(0)
    blocks = rng.standard_normal((3, 4, 2))
    matrix = np.zeros((12, 6))
    for i, block in enumerate(blocks):
        matrix[4 * i : 4 * i + 4, 2 * i : 2 * i + 2] = block
    for h in (rng.random((5, 12)), np.eye(12)[[7]]):
        np.testing.assert_allclose(product(h, blocks), h @ matrix)
    np.testing.assert_allclose(product(matrix, transposed(blocks)), matrix @ matrix.T)
    units = np.array([5, 0, 3])
    np.testing.assert_array_equal(columns(blocks, units), matrix.T[units])
    np.testing.assert_array_equal(columns(matrix, units), matrix.T[units])


def quantized(hidden=(64, 32), members=1):
    """A network with biases that matter, and the same quantized."""
    model, rounded = (MLP(hidden, seed=3, classes=11, members=members) for _ in range(2))
    for each in (model, rounded):
        for i, b in enumerate(each.biases):
            b[...] = np.random.default_rng(i).standard_normal(b.shape)
    quantize(rounded)
    return model, rounded


@pytest.mark.parametrize(
    ("hidden", "members"), [((), 1), ((64,), 1), ((64, 32), 1), ((64, 32, 16), 1), ((64,), 4), ((64, 32, 16), 4)]
)
def test_a_quantized_network_answers_as_before(hidden, members):
    X = np.random.default_rng(0).random((200, 784), np.float32)
    model, rounded = quantized(hidden, members)
    for W in rounded.weights[:-1]:
        np.testing.assert_array_equal(W, np.rint(W))
        np.testing.assert_array_equal(np.abs(W).max(axis=-2), LEVELS)  # each unit uses the whole range
    before, after = model.logits(X), rounded.logits(X)
    assert np.abs(after - before).max() < 0.05 * before.std()
    assert not hidden or (after != before).any()


@pytest.mark.parametrize("members", [1, 4])
def test_nothing_is_lost_of_weights_that_are_multiples_of_a_scale(members):
    rng = np.random.default_rng(0)
    model = MLP((16, 8), seed=3, members=members)
    for W, b in zip(model.weights[:-1], model.biases[:-1], strict=True):
        W[...] = rng.integers(-LEVELS, LEVELS + 1, W.shape)
        W[..., 0, :] = LEVELS
        b[...] = rng.standard_normal(b.shape)
    integers = model.weights[0].copy()
    W1, W2, _ = model.weights
    W1 *= 2.0**-8
    W2 *= 2.0 ** rng.integers(-12, -6, (*W2.shape[:-2], 1, W2.shape[-1]))
    X = rng.random((20, 784), np.float32)
    before = model.logits(X)
    quantize(model)
    np.testing.assert_array_equal(model.weights[0], integers)
    np.testing.assert_allclose(model.logits(X), before, rtol=1e-4, atol=1e-5 * before.std())


def test_weights_are_rounded_to_the_nearest():
    model, rounded = (MLP((16,), seed=3) for _ in range(2))
    quantize(rounded)
    exact = model.weights[0] / (np.abs(model.weights[0]).max(axis=0) / LEVELS)
    assert np.abs(rounded.weights[0] - exact).max() < 0.501


def test_a_unit_that_nothing_leads_to_is_not_divided_by_nothing():
    model = MLP((8,), seed=1)
    model.weights[0][:, 3] = 0
    quantize(model)
    assert np.isfinite(model.theta).all()
    assert not model.weights[0][:, 3].any()


def test_only_networks_that_let_scales_through_are_quantized():
    deep = MLP((4,) * MOST_LAYERS)
    quantize(deep)
    assert np.isfinite(deep.logits(np.ones((2, 784), np.float32))).all()
    for model in (MLP((8,), "sigmoid"), MLP((4,) * (MOST_LAYERS + 1))):
        with pytest.raises(ValueError, match="up to 8 layers of relu"):
            quantize(model)


@pytest.mark.parametrize("members", [1, 4])
def test_a_frozen_network_answers_single_pictures_from_int8(members):
    rng = np.random.default_rng(0)
    X = (rng.random((20, 784), np.float32) - 0.8).clip(0)  # mostly paper
    X[-1] = rng.random(784)  # all ink
    _, model = quantized(members=members)
    batch = model.logits(X)
    assert model.freeze() is model
    assert [W is not None and W.dtype.name for W in model.int8_weights] == ["int8", "int8", False]
    np.testing.assert_array_equal(model.logits(X), batch)
    for row, expected in zip(X, batch, strict=True):
        np.testing.assert_allclose(model.logits(row[None])[0], expected, rtol=1e-4, atol=1e-4 * batch.std())
    for array in (model.theta, *model.weights, *model.biases, *model.int8_weights[:-1]):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    model.int8_weights[0] = np.zeros_like(model.int8_weights[0])
    assert np.abs(model.logits(X[:1])[0] - batch[0]).max() > 0.01 * batch.std()  # they are what it read
    np.testing.assert_array_equal(model.logits(X), batch)


def test_a_network_of_real_numbers_can_be_frozen_too():
    X = np.random.default_rng(0).random((1, 784), np.float32)
    model = MLP((32, 16))
    before = model.logits(X)
    np.testing.assert_array_equal(model.freeze().logits(X), before)


def test_odds_temperature_softens_whether_it_is_a_digit_and_not_which():
    X = np.random.default_rng(0).random((5, 784), np.float32)
    plain, same, soft = (MLP((32,), seed=1, classes=11, odds_temperature=odds) for odds in (None, 1.0, 3.0))
    np.testing.assert_allclose(same.predict_proba(X), plain.predict_proba(X), rtol=1e-4)
    probs, softened = plain.predict_proba(X), soft.predict_proba(X)
    np.testing.assert_allclose(softened.sum(axis=1), 1, rtol=1e-5)
    odds, softer = (np.log(p[:, 10] / (1 - p[:, 10])) for p in (probs, softened))
    np.testing.assert_allclose(softer, odds / 3, rtol=1e-4)
    sure = soft.probabilities(np.array([[100.0, *[0] * 9, -100], [0.0] * 10 + [200]], np.float32))
    tails = [np.exp(-200 / 3), np.exp(-(200 - np.log(10)) / 3) / 10]  # far from zero, though far below one
    np.testing.assert_allclose(sure[[0, 1], [10, 0]], tails, rtol=1e-4)
    digits, still = (p[:, :10] / (1 - p[:, 10:]) for p in (probs, softened))
    np.testing.assert_allclose(still, digits, rtol=1e-4)


def test_no_hidden_layer_is_a_linear_model():
    model = MLP(())
    X = np.random.default_rng(0).random((3, 784), np.float32)
    np.testing.assert_allclose(model.logits(X), X @ model.weights[0] + model.biases[0], rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"activation": "tanh"}, "activation must be one of .*'tanh'"),
        ({"hidden": (0,)}, "at least one unit"),
        ({"temperature": 0}, "must be finite, all but the mean positive"),
        ({"odds_temperature": float("inf")}, "must be finite, all but the mean positive"),
        ({"hidden": (8, 6), "members": 4}, "4 members cannot share"),
        ({"members": 0}, "0 members cannot share"),
        ({"hidden": (), "members": 2}, "2 members cannot share"),
        ({"odds_temperature": 1.0}, 'for networks that know "not a digit", not for 10 classes'),
        ({"mean": float("nan")}, "must be finite"),
        ({"initialization": "zeros"}, "initialization must be one of"),
    ],
)
def test_impossible_networks_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        MLP(**arguments)


def test_pixels_of_the_wrong_shape_are_refused():
    with pytest.raises(ValueError, match=r"expected X of shape \(n, 784\), got \(2, 700\)"):
        MLP().predict_proba(np.zeros((2, 700)))


def test_learning_rate_warms_up_and_falls_along_a_cosine():
    rates = [learning_rate(step, 100, 1.0, "cosine", warmup_steps=10) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == rates[10] == 1.0
    assert rates[55] == pytest.approx(0.5)
    assert rates[99] < 0.001
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert {learning_rate(step, 100, 0.3) for step in range(100)} == {0.3}
