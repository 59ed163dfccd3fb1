import numpy as np
import pytest

from nn import MLP
from nn.files import BUNDLED, load
from nn.fool import fool, pixel_gradient
from nn.functions import cross_entropy, one_hot, softmax
from nn.selftest import SELFTEST


@pytest.fixture(scope="module")
def small():
    return load(BUNDLED / "small")


@pytest.fixture(scope="module")
def digits():
    """The fifty digits of the self-test, (50, 784) float32."""
    with np.load(SELFTEST) as file:
        return file["images"].reshape(50, 784).astype(np.float32) / 255


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
@pytest.mark.parametrize("hidden", [(), (5,), (6, 4)])
def test_the_gradient_of_the_pixels_agrees_with_central_differences(activation, hidden):
    model = MLP(hidden, activation, seed=2, mean=0.1, std=0.3, dtype=np.float64)
    x, targets = np.random.default_rng(0).random(784), one_hot(np.array([3]), 10, dtype=float)
    gradient, loss = pixel_gradient(model, x, targets[0])
    assert loss == pytest.approx(cross_entropy(softmax(model.forward(x[None])), targets))
    for pixel in range(0, 784, 97):
        move = np.zeros(784)
        move[pixel] = 1e-5
        above, below = (cross_entropy(softmax(model.forward((x + s * move)[None])), targets) for s in (1, -1))
        assert gradient[pixel] == pytest.approx((above - below) / 2e-5, rel=1e-4, abs=1e-8)


def test_most_digits_are_fooled_within_the_bound(small, digits):
    tried = [(x, (small.forward(x[None]).argmax() + away) % 10) for x in digits for away in (1, 5)]
    fooled = [fool(small, x, target, strength=0.3) for x, target in tried]
    assert len(fooled) == 100
    assert sum(each.success for each in fooled) >= 90
    for (x, target), each in zip(tried, fooled, strict=True):
        assert each.success == (small.forward(each.pixels[None]).argmax() == target)
        assert np.abs(each.pixels - x).max() <= 0.3 + 1e-6
        assert 0 <= each.pixels.min() <= each.pixels.max() <= 1


def test_without_strength_nothing_changes(small, digits):
    x = digits[0]
    fooled = fool(small, x, (small.forward(x[None]).argmax() + 1) % 10, strength=0)
    assert not fooled.success
    assert fooled.steps == 0
    np.testing.assert_array_equal(fooled.pixels, x)


@pytest.mark.parametrize(("target", "strength"), [(10, 0.1), (-1, 0.1), (3, 1.5), (3, float("nan"))])
def test_what_cannot_be_is_refused(small, target, strength):
    with pytest.raises(ValueError, match=r"expected a (target|strength) from 0"):
        fool(small, np.zeros(784), target, strength)


def test_too_few_pixels_are_refused(small):
    for ask in (lambda x: fool(small, x, 3), lambda x: pixel_gradient(small, x, np.eye(10)[3])):
        with pytest.raises(ValueError, match="expected 784 pixels, got 700"):
            ask(np.zeros(700))
