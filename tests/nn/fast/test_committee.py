"""Committees: several networks joined into one."""

import numpy as np
import pytest

from nn.fast.committee import joined
from nn.mlp import MLP


@pytest.mark.parametrize("hidden", [(5,), (6, 4), (5, 4, 3)])
def test_joined_members_answer_with_the_mean_of_their_logits(hidden):
    rng = np.random.default_rng(0)
    members = [MLP(hidden, seed=seed, mean=0.1, std=0.3, dtype=np.float64) for seed in range(3)]
    for member in members:
        member.theta[...] = rng.standard_normal(member.theta.size)
    X = (rng.random((7, 784)) - 0.5).clip(0)
    whole = joined(members)
    assert whole.hidden == tuple(3 * width for width in hidden)
    means = np.mean([member.logits(X) for member in members], axis=0)
    np.testing.assert_allclose(whole.logits(X), means, rtol=1e-9)
    np.testing.assert_allclose(whole.logits(X[:1]), means[:1], rtol=1e-9)


def test_a_single_member_stays_as_it_is():
    member = MLP((6, 4), seed=3)
    np.testing.assert_array_equal(joined([member]).theta, member.theta)


def test_joined_networks_are_not_joined_again():
    whole = joined([MLP((4, 2)), MLP((4, 2), seed=1)])
    with pytest.raises(ValueError, match="not joined before"):
        joined([whole, whole])


def test_networks_without_hidden_layers_are_not_joined():
    with pytest.raises(ValueError, match="with hidden layers"):
        joined([MLP(()), MLP(())])
