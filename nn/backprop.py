"""Backpropagation: the loss of a mini-batch and its gradient, forward and backward side by side.

With z the input of a layer's activation, h its output, and delta = dL/dz, the chain rule gives for layer i

    forward    z_i = h_{i-1} W_i + b_i             h_i = activation(z_i)
    backward   dL/dW_i = h_{i-1}^T delta_i         dL/db_i = sum of delta_i over the batch
               dL/dh_{i-1} = delta_i W_i^T         delta_{i-1} = dL/dh_{i-1} * activation'(z_{i-1})

and it starts from delta = (probs - targets) / n at the logits, the derivative of cross-entropy through softmax
(`functions.cross_entropy` derives it).

Python counts from 0: layer i has `weights[i]`, its input is `h[i]`, and `h[0]` is X. Read `first.forward(X, z)` as
`product(X, W, z)` and `first.backward(delta, dW)` as `product(X.T, delta, dW)`. Their classes only leave out blank
pixels, or work on windows.
"""

from __future__ import annotations

import numpy as np

from nn.convolution import ConvolutionStep
from nn.functions import Product, cross_entropy, softmax
from nn.mlp import MLP

# Pixels that are blank in a whole mini-batch are left out of mini-batches of at least this many rows. With fewer it
# costs more to copy the others than their products cost.
FEWEST_ROWS = 32
# They are left out where the layer has at least this many units, for the same reason.
FEWEST_UNITS = 64
# They are left out if at most this share of the pixels has ink: with more there is little to save.
MOST_INKED = 0.9
# The largest sum of |probs - targets|: all of the probability in a wrong class.
LARGEST_ERROR = 2


class Backprop:
    """Computes loss and gradient of `model` for mini-batches of up to `batch_size` rows.

    `MLP.forward` answers. The forward pass here takes normalised inputs, keeps every h for the way back, and draws
    dropout.

    Loss = mean cross-entropy + l2 / 2 * (sum of squared weights; biases are left alone). Dropout (Srivastava et al.
    2014) silences each hidden unit with probability `dropout` and scales the others by 1 / (1 - dropout), so that
    nothing has to change when the network answers.

    `sampled_below` saves work on pictures that the network reads well already. A picture's error is the sum of
    |probs - targets|, from 0 to 2. One with an error below `sampled_below` goes backward only with the probability
    error / sampled_below, and then counts for the others: its gradient is divided by that probability. So the
    expected gradient stays the same (importance sampling: Katharopoulos and Fleuret 2018, "Not All Samples Are Created
    Equal"). The loss is that of all pictures.

    The large arrays that a step writes to are made once, here: fresh ones cost more in page faults than arithmetic on
    them does. `gradient` is one vector laid out like `model.theta`. `product` multiplies matrices; see
    nn/fast/products.py.

    Raises ValueError when dropout is not in [0, 1) or sampled_below not in [0, 2], or when the network consists of
    joined members.
    """

    def __init__(
        self,
        model: MLP,
        batch_size: int,
        *,
        l2: float = 0.0,
        dropout: float = 0.0,
        sampled_below: float = 0.0,
        product: Product = np.matmul,
    ) -> None:
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {dropout}")
        if not 0 <= sampled_below <= LARGEST_ERROR:
            raise ValueError(f"sampled_below must be in [0, {LARGEST_ERROR}], got {sampled_below}")
        self.weights, self.biases = model.views(model.theta)
        if model.members > 1:
            raise ValueError(f"{model!r} consists of joined networks: train its members one by one")
        self.model, self.l2, self.dropout, self.sampled_below = model, l2, dropout, sampled_below
        self.product = product
        self.activations = model.activations
        self.gradient = np.zeros_like(model.theta)
        self.dW, self.db = model.views(self.gradient)

        def buffers() -> list[np.ndarray]:
            return [np.empty((batch_size, width), model.theta.dtype) for width in model.widths[1:]]

        self._outputs = buffers()  # activations of the hidden layers, logits of the last one
        self._deltas = buffers()  # dL/dz of each layer
        self._masks = buffers()[:-1] if dropout else []
        self._ones = np.ones(batch_size, model.theta.dtype)
        first = ConvolutionStep if model.kernel_size else PixelStep
        self.first = first(self.weights[0], batch_size, product)

    def __call__(self, X: np.ndarray, targets: np.ndarray, rng: np.random.Generator | None = None) -> float:
        """Normalised inputs (n, inputs) and targets (n, classes) -> loss; the gradient is left in `self.gradient`.

        `rng` is needed only with dropout, whose masks it draws, and with `sampled_below`.
        """
        h = self.forward(X, rng)
        return self.backward(h, targets, rng)

    def forward(self, X: np.ndarray, rng: np.random.Generator | None = None) -> list[np.ndarray]:
        """The outputs of every layer, [X, h1, h2, ..., logits]. `backward` overwrites all but X."""
        n, h = len(X), [X]
        last = len(self.weights) - 1
        for i, (W, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            z = self._outputs[i][:n]
            if i == 0:
                self.first.forward(X, z)
            else:
                self.product(h[i], W, z)  # (n, fan_in) @ (fan_in, fan_out) -> (n, fan_out)
            z += b
            if i < last:
                self.activations[i].forward(z, out=z)
                if self.dropout:
                    z *= self._draw_mask(i, n, rng)
            h.append(z)
        return h

    def backward(self, h: list[np.ndarray], targets: np.ndarray, rng: np.random.Generator | None = None) -> float:
        """The outputs of `forward` and the targets (n, classes) -> loss, with dL/dtheta in `self.gradient`."""
        n = len(targets)
        probs = softmax(h[-1], out=self._deltas[-1][:n])
        loss = cross_entropy(probs, targets)
        delta = np.subtract(probs, targets, out=probs)
        delta /= n  # dL/dlogits (n, classes)
        if self.sampled_below:
            h, delta = self._sampled(h, delta, rng)
            n = len(delta)

        for i in reversed(range(len(self.weights))):
            W = self.weights[i]
            if i == 0:
                self.first.backward(delta, self.dW[0])
            else:
                self.product(h[i].T, delta, self.dW[i])  # (fan_in, n) @ (n, fan_out) -> (fan_in, fan_out)
            np.matmul(self._ones[:n], delta, out=self.db[i])  # (n,) @ (n, fan_out) -> (fan_out,): the sum of the rows
            if self.l2:
                loss += self.l2 / 2 * float(np.vdot(W, W))
                self.dW[i] += self.l2 * W
            if i > 0:  # the pixels are not parameters: layer 0 needs no gradient for its input
                dh = self._deltas[i - 1][:n]
                self.product(delta, W.T, dh)  # (n, fan_out) @ (fan_out, fan_in) -> (n, fan_in)
                delta = self._through_activation(i - 1, dh, h[i])
        return loss

    def _sampled(
        self, h: list[np.ndarray], delta: np.ndarray, rng: np.random.Generator
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """The rows of the hidden layers' outputs and of dL/dlogits that go backward, the latter weighted."""
        n = len(delta)
        chance = np.abs(delta).sum(axis=1) * (n / self.sampled_below)  # (n,): 1 or more for large errors
        (rows,) = (rng.random(n) < chance).nonzero()
        self.first.select(rows)
        if self.dropout:
            for mask in self._masks:
                mask[: len(rows)] = mask[rows]
        return [h[0], *(outputs[rows] for outputs in h[1:-1])], delta[rows] / np.minimum(chance[rows], 1)[:, None]

    def _through_activation(self, i: int, dh: np.ndarray, h: np.ndarray) -> np.ndarray:
        """dL/dh of hidden layer i -> dL/dz, in place. The derivative is written over h, which is not needed again."""
        if self.dropout:
            mask = self._masks[i][: len(h)]
            dh *= mask
            h *= 1 - self.dropout  # the units' own outputs; the gradient of a silenced unit is zero already
        dh *= self.activations[i].derivative(h, out=h)
        return dh

    def _draw_mask(self, i: int, n: int, rng: np.random.Generator) -> np.ndarray:
        """(n, width) of 0 with probability `dropout`, 1 / (1 - dropout) otherwise."""
        mask = self._masks[i][:n]
        rng.random(out=mask, dtype=mask.dtype)
        np.greater_equal(mask, self.dropout, out=mask, casting="unsafe")
        mask /= 1 - self.dropout
        return mask


class PixelStep:
    """The first layer on its way forward and backward through a mini-batch.

    A third of MNIST's frame is blank in all of 128 digits. Unless the inputs are normalised, such pixels are 0: they
    add nothing to z, and their weights have a gradient of zero. Both products leave them out.
    W: (inputs, units).
    """

    def __init__(self, W: np.ndarray, batch_size: int, product: Product) -> None:
        self.W, self.product = W, product
        self._worthwhile = batch_size >= FEWEST_ROWS and W.shape[1] >= FEWEST_UNITS
        self._X = self._inked = None  # the pixels of the last `forward`, and where they are; None: all of them
        self._rows = np.empty_like(W) if self._worthwhile else None

    def forward(self, X: np.ndarray, out: np.ndarray) -> None:
        """X (n, inputs); X @ W is written to `out` (n, units)."""
        W, self._X, self._inked = self.W, X, None
        if self._worthwhile:
            (inked,) = X.any(axis=0).nonzero()
            if inked.size <= MOST_INKED * len(W):
                W, self._X, self._inked = W[inked], X.take(inked, axis=1), inked
        self.product(self._X, W, out)  # (n, inputs) @ (inputs, units) -> (n, units)

    def select(self, rows: np.ndarray) -> None:
        """Only these rows of the last `forward` go backward."""
        self._X = self._X[rows]

    def backward(self, delta: np.ndarray, out: np.ndarray) -> None:
        """delta = dL/dz (n, units) of the last `forward`; dL/dW is written to `out` (inputs, units)."""
        X, self._X = self._X, None  # nothing of a mini-batch is kept
        if self._inked is None:
            self.product(X.T, delta, out)  # (inputs, n) @ (n, units) -> (inputs, units)
        else:
            rows = self._rows[: len(self._inked)]
            self.product(X.T, delta, rows)  # (inked, n) @ (n, units) -> (inked, units)
            out[...] = 0
            out[self._inked] = rows
