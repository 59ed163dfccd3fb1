"""A neural network from scratch in NumPy: what it is (mlp), how it learns (backprop, optimizers), from what (data,
augment), and the two programs that use it, `python -m nn.train` and `python -m nn.evaluate`.
"""

from nn.mlp import MLP

__all__ = ["MLP"]
