"""Several networks in one, whose logits are the mean of theirs.

    joined([first, second, third, fourth])

Networks that were trained from different random starts are wrong in different places, so together they make fewer
mistakes (Hansen and Salamon 1990). The members' hidden units stand side by side and meet in the logits alone: the first
W has the members' columns one after another, W between hidden layers has their matrices along its diagonal, and the
last W has their rows one below the other, divided by the number of members.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nn import mlp
from nn.fast.matrices import quicken
from nn.mlp import MLP


def joined(models: Sequence[MLP]) -> MLP:
    """A committee of networks that are alike but for their parameters; a single one as it is."""
    return Committee(models) if len(models) > 1 else models[0]


class Committee(MLP):
    """Joined networks. Raises ValueError if they have no hidden layers, or were joined before.

    For the weights between hidden layers `theta` holds only the members' blocks, (members, fan_in / members,
    fan_out / members): all other weights there are 0.
    """

    def __init__(self, models: Sequence[MLP]) -> None:
        first, self.members = models[0], len(models)
        if first.members > 1 or not first.hidden:
            raise ValueError(f"expected networks with hidden layers that were not joined before, got {first!r}")
        options = {"linear": first.linear, "kernel_size": first.kernel_size, "mean": first.mean, "std": first.std}
        options |= {"inputs": first.widths[0], "classes": first.classes}
        hidden = [width * self.members for width in first.hidden]
        super().__init__(hidden, first.activation, None, dtype=first.theta.dtype, **options)
        self.info = dict(first.info)
        for layer, (W, b) in enumerate(zip(*self.views(self.theta), strict=True)):
            parts = [model.views(model.theta) for model in models]
            weights, biases = [weights[layer] for weights, _ in parts], [biases[layer] for _, biases in parts]
            if layer < len(hidden):
                W[...] = np.concatenate(weights).reshape(W.shape) if W.ndim == 3 else np.concatenate(weights, axis=1)
                b[...] = np.concatenate(biases)
            else:
                W[...] = np.concatenate(weights) / self.members
                b[...] = np.mean(biases, axis=0)
        quicken(self)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        return shapes(self.widths, self.members, self.kernel_size)


def shapes(widths: Sequence[int], members: int, kernel_size: int = 0) -> list[tuple[int, ...]]:
    """The shapes of the weights of members with layers of these widths together."""
    if members == 1:
        return mlp.shapes(widths, kernel_size)
    inputs, *hidden, classes = widths
    (fan_in, units), *between, _ = mlp.shapes([inputs, *(width // members for width in hidden), classes], kernel_size)
    return [(fan_in, members * units), *((members, *shape) for shape in between), (hidden[-1], classes)]


def size(widths: Sequence[int], members: int, kernel_size: int = 0) -> int:
    """The number of parameters of `members` networks of these widths together."""
    return mlp.size(shapes(widths, members, kernel_size), widths)
