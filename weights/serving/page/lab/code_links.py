"""Formulas on the page, each with the line of code that computes it.

    link("softmax")     # the formula, and a link to its line, as HTML

The line is found by its text when the page is built, so a link cannot point to another one. A test holds that each text
stands in its file exactly once.
"""

from __future__ import annotations

import functools
import os
from html import escape
from pathlib import Path
from typing import NamedTuple

import nn

ROOT = Path(nn.__file__).parents[1]


class Formula(NamedTuple):
    """In the symbols of nn/README.md, and where it is computed."""

    text: str
    file: str
    code: str  # what the line holds, and no other line of this file


FORMULAS = {
    "z": Formula("z1 = X W1 + b1", "nn/mlp.py", "z = h @ W + b  #"),
    "relu": Formula("h1 = relu(z1) = max(z1, 0)", "nn/functions.py", "return np.maximum(z, 0, out=out)"),
    "logits": Formula("logits = h1 W2 + b2", "nn/mlp.py", "return h @ self.weights[-1] + self.biases[-1]"),
    "softmax": Formula("probs = exp(logits) / sum of exp(logits)", "nn/functions.py", "np.exp(probs, out=probs)"),
    "delta2": Formula("delta2 = probs - targets", "nn/backprop.py", "delta = np.subtract(probs, targets, out=probs)"),
    "blame": Formula("dL/dh1 = delta2 W2^T", "nn/backprop.py", "self.product(delta, W.T, dh)"),
    "delta1": Formula(
        "delta1 = dL/dh1 * relu'(z1)", "nn/backprop.py", "dh *= self.activations[i].derivative(h, out=h)"
    ),
    "dW1": Formula("dL/dW1 = X^T delta1", "nn/backprop.py", "self.product(X.T, delta, out)"),
    "dW2": Formula("dL/dW2 = h1^T delta2", "nn/backprop.py", "self.product(h[i].T, delta, self.dW[i])"),
    "db": Formula("dL/db = delta", "nn/backprop.py", "np.matmul(self._ones[:n], delta, out=self.db[i])"),
    "loss": Formula("loss = -ln(prob of the target)", "nn/functions.py", "np.log(np.maximum(probs, tiny))"),
    "sgd": Formula(
        "W <- W - learning rate * dL/dW",
        "nn/optimizers.py",
        "np.multiply(gradient, -learning_rate, out=self._change)",
    ),
    "windows": Formula("sums = windows K", "nn/convolution.py", "(flat(seen) @ self.kernels)"),
    "pool": Formula("z1 = largest of four sums + b1", "nn/convolution.py", "in_windows.max(axis=1)"),
    "fool": Formula("X <- X - step * sign(dL/dX)", "nn/fool.py", "* np.sign(gradient), lowest, highest)"),
}


@functools.cache
def line_of(name: str) -> int:
    """The number of the formula's line in its file. Raises ValueError when it is not there exactly once."""
    formula = FORMULAS[name]
    lines = (ROOT / formula.file).read_text("utf-8").splitlines()
    found = [number for number, line in enumerate(lines, start=1) if formula.code in line]
    if len(found) != 1:
        raise ValueError(f"{formula.file}: expected one line with {formula.code!r}, found {len(found)}")
    return found[0]


def link(name: str) -> str:
    """The formula with its line of code: a link on a Space, whose files have addresses, elsewhere their names."""
    formula = FORMULAS[name]
    place, space = f"{formula.file}:{line_of(name)}", os.environ.get("SPACE_ID")
    if space:
        address = f"https://huggingface.co/spaces/{space}/blob/main/{formula.file}#L{line_of(name)}"
        place = f'<a href="{escape(address)}" target="_blank" rel="noopener">{place}</a>'
    return f'<span class="formula"><code>{escape(formula.text)}</code> <small>{place}</small></span>'
