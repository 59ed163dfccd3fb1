"""How a gradient becomes a step, in order of increasing complexity: SGD, momentum, Nesterov momentum, Adam.

An optimizer changes the parameter vector in place. It keeps its memory in `state`, a dict of arrays, which is all that
a checkpoint stores of it.
"""

from __future__ import annotations

import math

import numpy as np

# Parameters that Adam updates at a time. Its ten passes go over four vectors. Blocks of 128 KiB a vector stay in the
# processor's cache, a whole network does not, and so few blocks cost little in calls of NumPy.
BLOCK = 32_768


class SGD:
    """theta <- theta - lr * g, with `momentum` > 0 (Polyak 1964): v <- momentum * v - lr * g; theta <- theta + v.

    `nesterov` looks ahead along the velocity (Sutskever et al. 2013): theta <- theta + momentum * v - lr * g.
    Raises ValueError when momentum is not in [0, 1).
    """

    def __init__(self, size: int, momentum: float = 0.0, nesterov: bool = False, dtype: type = np.float32) -> None:
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must be in [0, 1), got {momentum}")
        self.momentum, self.nesterov = momentum, nesterov
        self.state = {"velocity": np.zeros(size, dtype)} if momentum else {}
        self._change = np.empty(size, dtype)

    def step(self, theta: np.ndarray, gradient: np.ndarray, learning_rate: float) -> None:
        """Moves theta (size,) by one step, in place. The gradient (size,) is left as it is."""
        change = np.multiply(gradient, -learning_rate, out=self._change)
        if not self.momentum:
            theta += change
            return
        velocity = self.state["velocity"]
        velocity *= self.momentum
        velocity += change
        if self.nesterov:
            theta += change
            theta += self.momentum * velocity
        else:
            theta += velocity


class Adam:
    """Adam (Kingma and Ba 2015): a running mean of the gradient, divided by the root of the running mean of its
    square, both corrected for having started at zero.

    The paper's m and v are (1 - beta1) and (1 - beta2) times the sums that are kept here. That saves two passes over
    the parameters: step size and epsilon take up these factors and the corrections.

        m_hat = m / (1 - beta1^t) = m_factor * gradients
        sqrt(v_hat) = sqrt(v / (1 - beta2^t)) = v_factor * sqrt(squares)
        lr * m_hat / (sqrt(v_hat) + eps) = (lr * m_factor / v_factor) * gradients / (sqrt(squares) + eps / v_factor)
    """

    def __init__(
        self, size: int, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8, dtype: type = np.float32
    ) -> None:
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        sums = {"gradients": np.zeros(size, dtype), "squares": np.zeros(size, dtype)}
        self.state = sums | {"steps": np.zeros(1, np.int64)}
        self._scratch = np.empty(min(size, BLOCK), dtype)

    def step(self, theta: np.ndarray, gradient: np.ndarray, learning_rate: float) -> None:
        """Moves theta (size,) by one step, in place. The gradient (size,) is left as it is."""
        self.state["steps"] += 1
        t = int(self.state["steps"][0])
        m_factor = (1 - self.beta1) / (1 - self.beta1**t)
        v_factor = math.sqrt((1 - self.beta2) / (1 - self.beta2**t))
        step_size, epsilon = learning_rate * m_factor / v_factor, self.epsilon / v_factor

        for start in range(0, theta.size, BLOCK):
            block = slice(start, start + BLOCK)
            g, gradients, squares = gradient[block], self.state["gradients"][block], self.state["squares"][block]
            scratch = self._scratch[: g.size]
            gradients *= self.beta1
            gradients += g
            np.multiply(g, g, out=scratch)
            squares *= self.beta2
            squares += scratch
            np.sqrt(squares, out=scratch)
            scratch += epsilon
            np.divide(gradients, scratch, out=scratch)
            scratch *= step_size
            theta[block] -= scratch


OPTIMIZERS = ("sgd", "momentum", "nesterov", "adam")


def make_optimizer(name: str, size: int, momentum: float = 0.9, dtype: type = np.float32) -> SGD | Adam:
    """One of OPTIMIZERS by its name, for `size` parameters. Raises ValueError for another name."""
    match name:
        case "sgd":
            return SGD(size, dtype=dtype)
        case "momentum" | "nesterov":
            return SGD(size, momentum, nesterov=name == "nesterov", dtype=dtype)
        case "adam":
            return Adam(size, dtype=dtype)
    raise ValueError(f"optimizer must be one of {OPTIMIZERS}, got {name!r}")


SCHEDULES = ("constant", "cosine")


def learning_rate(
    step: int,
    total_steps: int,
    peak: float,
    schedule: str = "constant",
    warmup_steps: int = 0,
) -> float:
    """The learning rate of step 0 <= step < total_steps.

    It rises linearly to `peak` over the warm-up, then stays ("constant") or falls along half a cosine towards zero
    ("cosine", Loshchilov and Hutter 2017). Raises ValueError for another schedule.
    """
    if schedule not in SCHEDULES:
        raise ValueError(f"schedule must be one of {SCHEDULES}, got {schedule!r}")
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    if schedule == "constant":
        return peak
    progress = (step - warmup_steps) / max(total_steps - warmup_steps, 1)
    return peak * 0.5 * (1 + math.cos(math.pi * progress))
