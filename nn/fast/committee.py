"""Several networks in one, whose logits are the mean of theirs.

    joined([first, second, third, fourth])

Networks that were trained from different random starts are wrong in different places, so together they make fewer
mistakes (Hansen and Salamon 1990). The members' hidden units stand side by side and meet in the logits alone: the first
W has the members' columns one after another, W between hidden layers has their matrices along its diagonal, and the
last W has their rows one below the other, divided by the number of members.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from nn.fast.matrices import quicken
from nn.mlp import MLP


def joined(models: Sequence[MLP]) -> MLP:
    """A committee of networks that are alike but for their parameters; a single one as it is."""
    return Committee(models) if len(models) > 1 else models[0]


class Committee(MLP):
    """Joined networks. Raises ValueError if they have no hidden layers, or were joined before.

    Of the weights between hidden layers `theta` holds the members' blocks alone, (members, fan_in / members,
    fan_out / members).
    """

    def __init__(self, models: Sequence[MLP]) -> None:
        first, self.members = models[0], len(models)
        if isinstance(first, Committee) or not first.hidden:
            raise ValueError(f"expected networks with hidden layers that were not joined before, got {first!r}")
        options = {"inputs": first.widths[0], "classes": first.classes, "mean": first.mean, "std": first.std}
        hidden = [width * self.members for width in first.hidden]
        super().__init__(hidden, first.activation, None, dtype=first.theta.dtype, **options)
        self.info = dict(first.info)
        for layer, (W, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            weights, biases = [model.weights[layer] for model in models], [model.biases[layer] for model in models]
            if layer < len(hidden):
                W[...] = np.stack(weights) if W.ndim == 3 else np.concatenate(weights, axis=1)
                b[...] = np.concatenate(biases)
            else:
                W[...] = np.concatenate(weights) / self.members
                b[...] = np.mean(biases, axis=0)
        quicken(self)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        return shapes(self.widths, self.members)


def shapes(widths: Sequence[int], members: int) -> list[tuple[int, ...]]:
    """The shapes of the weights of members with layers of these widths together."""
    blocks = range(1, len(widths) - 2) if members > 1 else ()
    return [
        (members, fan_in // members, fan_out // members) if layer in blocks else (fan_in, fan_out)
        for layer, (fan_in, fan_out) in enumerate(pairwise(widths))
    ]


def size(widths: Sequence[int], members: int) -> int:
    """The number of their parameters."""
    return sum(map(math.prod, shapes(widths, members))) + sum(widths[1:])
