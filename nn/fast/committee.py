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


class Committee(MLP):
    """A network whose hidden units belong to several members, with all parameters at zero.

    Of the weights between hidden layers `theta` holds the members' blocks alone, (members, fan_in / members,
    fan_out / members). The arguments after `members` are those of MLP.
    """

    def __init__(self, members: int, hidden: Sequence[int], activation: str = "relu", **options: object) -> None:
        if members < 2 or not hidden or any(width % members for width in hidden):
            raise ValueError(f"{members} members cannot share hidden layers of {(*hidden,)} units equally")
        self.members = members
        super().__init__(hidden, activation, seed=None, **options)
        quicken(self)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        return shapes(self.widths, self.members)


def make(members: int, hidden: Sequence[int], activation: str, **options: object) -> MLP:
    """A network with all parameters at zero: a committee, or a plain one if there is one member."""
    if members == 1:
        return MLP(hidden, activation, seed=None, **options)
    return Committee(members, hidden, activation, **options)


def shapes(widths: Sequence[int], members: int) -> list[tuple[int, ...]]:
    """The shapes of the weights of a committee, or of a plain network, with layers of these widths."""
    blocks = range(1, len(widths) - 2) if members > 1 else ()
    return [
        (members, fan_in // members, fan_out // members) if layer in blocks else (fan_in, fan_out)
        for layer, (fan_in, fan_out) in enumerate(pairwise(widths))
    ]


def size(widths: Sequence[int], members: int) -> int:
    """The number of its parameters."""
    return sum(map(math.prod, shapes(widths, members))) + sum(widths[1:])


def joined(models: Sequence[MLP]) -> MLP:
    """One network whose logits are the mean of those of its members.

    The members must be alike but for their parameters. Raises ValueError if they were joined themselves.
    """
    first, count = models[0], len(models)
    if isinstance(first, Committee):
        raise ValueError("networks that were joined cannot be joined again")
    options = {"inputs": first.widths[0], "classes": first.classes, "mean": first.mean, "std": first.std}
    options["dtype"] = first.theta.dtype
    whole = make(count if first.hidden else 1, [width * count for width in first.hidden], first.activation, **options)
    whole.info = dict(first.info)
    *layers, last = zip(*whole.views(whole.theta), strict=True)
    for layer, (W, b) in enumerate(layers):
        theirs = [model.weights[layer] for model in models]
        W[...] = np.stack(theirs) if W.ndim == 3 else np.concatenate(theirs, axis=1)
        b[...] = np.concatenate([model.biases[layer] for model in models])
    W, b = last
    theirs = [model.weights[-1] for model in models]
    W[...] = np.concatenate(theirs) / count if layers else np.mean(theirs, axis=0)
    b[...] = np.mean([model.biases[-1] for model in models], axis=0)
    return whole
