"""A neural network from scratch in NumPy. Read functions, mlp, backprop, optimizers and trainer, in this order.

README.md says what the other files are for. The programs are `python -m nn.train`, `nn.evaluate`, `nn.compare` and
`nn.corruptions`.
"""

from nn.mlp import MLP

__all__ = ["MLP"]
