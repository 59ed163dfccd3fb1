"""The bundled weights, and how a network is read from disk and written to it.

model = weights.load()                      # the bundled network
weights.save_pretrained(model, "folder")    # model.safetensors + config.json
"""

from __future__ import annotations

from pathlib import Path

from nn import MLP
from weights.files import WeightsError
from weights.files import load as _load
from weights.files import save as save_pretrained

BUNDLED = Path(__file__).parent

__all__ = ["BUNDLED", "WeightsError", "load", "save_pretrained"]


def load(folder: str | Path | None = None) -> MLP:
    """The network in `folder`, or the bundled one.

    Raises:
        WeightsError: a file is missing, damaged, or does not fit the other one; the message names it.
    """
    return _load(BUNDLED if folder is None else folder)
