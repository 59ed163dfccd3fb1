"""A network on disk: model.safetensors, config.json and, for people, a model card README.md, in one folder.

Tensors are named as in the formulas, W1 b1 W2 b2 ..., W of shape (fan_in, fan_out) or, where members were joined,
(members, fan_in / members, fan_out / members). Each is int8, float16 or float32, the first that loses nothing.
config.json holds what the arrays do not: widths, activation, normalisation and temperatures, how it was trained, what
it scored.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as serialize

from nn import MLP
from nn.fast.quantize import lossless_cast
from nn.mlp import size

MODEL_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
MODEL_TYPE = "numpy-mlp"
# 64 MB of weights, four times the memory of the largest network here: a few bytes of config.json must not claim all.
MAX_PARAMETERS = 2**24
ARCHITECTURE_KEYS = ("model_type", "widths", "activation", "mean", "std", "temperature")
NARROWER = (np.int8, np.float16)  # than the float32 of a parameter in memory
OPTIONAL_KEYS = ("odds_temperature", "members")  # networks that do without are written without


class WeightsError(ValueError):
    """The files are not a usable network; the message names the file and says what is wrong with it."""


def save(model: MLP, folder: str | Path) -> None:
    """Writes model.safetensors and config.json, each whole or not at all."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / MODEL_FILE) as temporary:
        temporary.write_bytes(serialize(tensors(model)))
    with replacing(folder / CONFIG_FILE) as temporary:
        temporary.write_text(json.dumps(config_of(model), indent=2) + "\n")


def tensors(model: MLP) -> dict[str, np.ndarray]:
    """What model.safetensors holds of it."""
    arrays = {}
    for name, array in named_parameters(model).items():
        # safetensors writes the bytes of an array that is not contiguous in the wrong order, without a word
        arrays[name] = lossless_cast(np.ascontiguousarray(array, np.float32), *NARROWER)
    return arrays


def load(folder: str | Path) -> MLP:
    """The network that `save` wrote.

    Raises:
        WeightsError: a file is missing, damaged, or does not fit the other one.
    """
    folder = Path(folder)
    model = from_config(folder / CONFIG_FILE)
    path = folder / MODEL_FILE
    try:
        arrays = load_file(path)
    except FileNotFoundError as error:
        raise WeightsError(f"{path}: no such file") from error
    except (SafetensorError, TypeError, OSError) as error:  # TypeError: a dtype NumPy lacks, such as BF16
        raise WeightsError(f"{path}: cannot be read as safetensors: {error}") from error
    check(arrays, model, path)
    for name, parameter in named_parameters(model).items():
        parameter[...] = arrays[name]
    return model


def check(arrays: dict[str, np.ndarray], model: MLP, path: Path) -> None:
    """Raises WeightsError unless `arrays` are just the parameters that `model` has: names, shapes, dtype, finite."""
    expected = named_parameters(model)
    if arrays.keys() != expected.keys():
        raise WeightsError(f"{path}: expected tensors {sorted(expected)}, found {sorted(arrays)}")
    for name, parameter in expected.items():
        array = arrays[name]
        if array.shape != parameter.shape:
            raise WeightsError(f"{path}: {name} has shape {array.shape}, {CONFIG_FILE} says {parameter.shape}")
        if array.dtype not in (np.float32, *NARROWER):
            raise WeightsError(f"{path}: {name} is {array.dtype}, expected float32, float16 or int8")
        if not np.isfinite(array).all():
            raise WeightsError(f"{path}: {name} holds NaN or infinity")


def named_parameters(model: MLP) -> dict[str, np.ndarray]:
    """W1, b1, W2, b2, ... -> views of the model's parameters."""
    layers = enumerate(zip(model.weights, model.biases, strict=True), start=1)
    return {f"{letter}{i}": array for i, (W, b) in layers for letter, array in (("W", W), ("b", b))}


def config_of(model: MLP) -> dict:
    architecture = {
        "model_type": MODEL_TYPE,
        "widths": list(model.widths),
        "activation": model.activation,
        "mean": model.mean,
        "std": model.std,
        "temperature": model.temperature,
    }
    if model.odds_temperature is not None:
        architecture["odds_temperature"] = model.odds_temperature
    if model.members > 1:
        architecture["members"] = model.members
    return architecture | model.info


def from_config(path: Path) -> MLP:
    """An untrained network of the shape that config.json describes."""
    try:
        config = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise WeightsError(f"{path}: no such file") from error
    except (OSError, ValueError, RecursionError) as error:  # RecursionError: brackets nested a thousand deep
        raise WeightsError(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(config, dict) or config.get("model_type") != MODEL_TYPE:
        raise WeightsError(f'{path}: expected an object with "model_type": "{MODEL_TYPE}"')
    if missing := [key for key in ARCHITECTURE_KEYS if key not in config]:
        raise WeightsError(f"{path}: {', '.join(missing)} missing")
    try:
        inputs, *hidden, classes = widths = [int(width) for width in config["widths"]]
        members = config.get("members", 1)
        if type(members) is not int or members < 1:
            raise ValueError(f"members must be a positive integer, got {members!r}")
        if (parameters := size(widths, members)) > MAX_PARAMETERS:
            raise ValueError(f"{parameters:,} parameters, at most {MAX_PARAMETERS:,} are accepted")
        options = {key: float(config[key]) for key in ("mean", "std", "temperature")}
        if "odds_temperature" in config:
            options["odds_temperature"] = float(config["odds_temperature"])
        model = MLP(hidden, config["activation"], inputs=inputs, classes=classes, members=members, **options)
    except (TypeError, ValueError, OverflowError) as error:  # OverflowError: a width of infinity
        raise WeightsError(f"{path}: does not describe a network: {error}") from error
    model.info = {key: value for key, value in config.items() if key not in ARCHITECTURE_KEYS + OPTIONAL_KEYS}
    return model


class replacing:
    """`with replacing(path) as temporary`: write to `temporary`; it takes the place of `path` once that succeeded."""

    def __init__(self, path: Path) -> None:
        self.path, self.temporary = path, path.with_name(f".{path.name}.{os.getpid()}")

    def __enter__(self) -> Path:
        return self.temporary

    def __exit__(self, error_type: type | None, *_: object) -> None:
        if error_type is None:
            os.replace(self.temporary, self.path)
        else:
            self.temporary.unlink(missing_ok=True)
