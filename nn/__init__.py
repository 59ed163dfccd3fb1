"""A neural network from scratch in NumPy: what it is (mlp), how it learns (backprop, optimizers), from what (data,
augment), and the programs that use it: `python -m nn.train`, `nn.evaluate` and `nn.compare`.
"""

from nn.mlp import MLP

__all__ = ["MLP"]
