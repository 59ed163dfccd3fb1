"""A network on disk: model.safetensors, config.json and, for people, a model card README.md, in one folder.

Tensors are named as in the formulas, W1 b1 W2 b2 ... The shape of W is (fan_in, fan_out) or, between hidden layers of
joined members, (members, fan_in / members, fan_out / members). A convolution's W1 holds its kernels, (kernel_size ** 2,
members * maps). Each tensor is int8, float16 or float32, the first that loses nothing. config.json holds everything
else: widths, activation, normalisation and temperatures, how the network was trained, what it scored. It also holds the
checksum of model.safetensors, which shows that the two files belong together.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as serialize

from nn.calibrate import Calibration
from nn.convolution import check_kernel_size
from nn.fast.committee import joined, size
from nn.fast.matrices import lossless_cast, quicken
from nn.limits import MAX_LAYERS, MAX_PARAMETERS, MAX_UNITS
from nn.mlp import DIGITS, MLP

BUNDLED = Path(__file__).parent.parent / "weights"  # the network that comes with this project
MODEL_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
CARD_FILE = "README.md"
HISTORY_FILE = "history.csv"  # a row for each epoch of its training
# What nn/measure/plots.py writes beside them. The page reads the last one.
CONFUSION_FILE, MISTAKES_FILE, CURVES_FILE = "confusion_matrix.png", "mistakes.png", "curves.png"
MISTAKES_DATA = "mistakes.json"
MODEL_TYPE = "numpy-mlp"
ARCHITECTURE_KEYS = ("model_type", "widths", "activation", "mean", "std", "temperature")
NARROWER = (np.int8, np.float16)  # types of a tensor that are smaller than float32
# A file leaves these out where the network does without them. A network from a file without any of them has one
# temperature, one member, no convolution, and an activation in every hidden layer.
OPTIONAL_KEYS = ("odds_temperature", "members", "kernel_size", "linear")
CHECKSUM_KEY = "sha256"  # of model.safetensors. Older files lack it, and are not checked.
LONGEST_MESSAGE = 1000  # characters of what is wrong with a network


class WeightsError(ValueError):
    """The files are not a usable network; the message names the file and says what is wrong with it.

    It may repeat what stands in the files, which may come from anybody and goes into logs and to callers. So a message
    is cut off at LONGEST_MESSAGE, and what is no character to be read, such as a line's end, becomes a "?".
    """

    def __init__(self, message: str) -> None:
        cut = message if len(message) <= LONGEST_MESSAGE else f"{message[:LONGEST_MESSAGE]}…"
        super().__init__(printable(cut))


def printable(text: str) -> str:
    """Text from elsewhere in one line, and without what could steer a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def save(model: MLP, folder: str | Path) -> None:
    """Writes model.safetensors and config.json. Earlier files stay until both new ones are written, so a full disk
    leaves the earlier network whole. A failure between the two renames leaves a new config.json beside the earlier
    model.safetensors: `load` refuses them.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / MODEL_FILE) as parameters, replacing(folder / CONFIG_FILE) as config:
        parameters.write_bytes(serialize(tensors(model)))
        checksum = {CHECKSUM_KEY: sha256_of(parameters)}
        config.write_text(json.dumps(config_of(model) | checksum, indent=2) + "\n")


def tensors(model: MLP) -> dict[str, np.ndarray]:
    """The arrays that model.safetensors holds, by name."""
    named = named_parameters(model)
    return {name: lossless_cast(np.asarray(array, np.float32), *NARROWER) for name, array in named.items()}


def load(folder: str | Path, max_parameters: int = MAX_PARAMETERS) -> MLP:
    """The network that `save` wrote, with the matrices of nn.fast.

    Raises:
        WeightsError: a file is missing, damaged, or does not fit the other one; or the network has more parameters.
    """
    model, path = from_config(Path(folder) / CONFIG_FILE, max_parameters), Path(folder) / MODEL_FILE
    checksum = model.info.pop(CHECKSUM_KEY, None)
    arrays, expected = read(path, "safetensors", load_file), named_parameters(model)
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
        parameter[...] = array
    if checksum is not None and checksum != sha256_of(path):
        raise WeightsError(
            f"{path}: not the file that was saved with {CONFIG_FILE}, which names another {CHECKSUM_KEY}: save the "
            "network again, or take both files from one place"
        )
    return quicken(model)


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read(path: Path, format: str, reader: Callable[[Path], Any]) -> Any:
    """What `reader` makes of a file. Raises WeightsError when it is missing or damaged."""
    try:
        return reader(path)
    except FileNotFoundError as error:
        raise WeightsError(f"{path}: no such file") from error
    # TypeError: a dtype that NumPy lacks, such as BF16. RecursionError: brackets nested a thousand deep.
    except (OSError, SafetensorError, TypeError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: cannot be read as {format}: {error}") from error


def named_parameters(model: MLP) -> dict[str, np.ndarray]:
    """W1, b1, W2, b2, ... -> views of `theta`."""
    layers = enumerate(zip(*model.views(model.theta), strict=True), start=1)
    return {f"{letter}{i}": array for i, pair in layers for letter, array in zip("Wb", pair, strict=True)}


def config_of(model: MLP) -> dict:
    """The content of config.json."""
    config = {
        "model_type": MODEL_TYPE,
        "widths": list(model.widths),
        "activation": model.activation,
        "mean": model.mean,
        "std": model.std,
        "temperature": model.calibration.temperature,
        "odds_temperature": model.calibration.odds_temperature,
        "members": model.members if model.members > 1 else None,
        "kernel_size": model.kernel_size or None,
        "linear": list(model.linear) or None,
    }
    return {key: value for key, value in config.items() if value is not None} | model.info


def from_config(path: Path, max_parameters: int = MAX_PARAMETERS) -> MLP:
    """A network of the shape that config.json describes, with all parameters at zero."""
    config = read(path, "JSON", lambda path: json.loads(path.read_bytes()))
    if not isinstance(config, dict) or config.get("model_type") != MODEL_TYPE:
        raise WeightsError(f'{path}: expected an object with "model_type": "{MODEL_TYPE}"')
    if not isinstance(config.get("training", {}), dict):
        raise WeightsError(f"{path}: expected an object as training")
    if missing := [key for key in ARCHITECTURE_KEYS if key not in config]:
        raise WeightsError(f"{path}: {', '.join(missing)} missing")
    try:
        model = network_of(config, max_parameters)
    except (TypeError, ValueError, OverflowError) as error:  # OverflowError: a mean of 1000 digits
        raise WeightsError(f"{path}: does not describe a network: {error}") from error
    model.info = {key: value for key, value in config.items() if key not in ARCHITECTURE_KEYS + OPTIONAL_KEYS}
    return model


def network_of(config: dict, max_parameters: int) -> MLP:
    """The network that these settings describe; TypeError, ValueError or OverflowError when they describe none."""
    if (layers := len(config["widths"]) - 1) > MAX_LAYERS:
        raise ValueError(f"{layers:,} layers, at most {MAX_LAYERS} are accepted")
    if wrong := [width for width in config["widths"] if type(width) is not int]:
        raise ValueError(f"widths must be integers, got {wrong[0]!r}")
    inputs, *hidden, classes = widths = config["widths"]
    if "window" in config:
        raise ValueError("its units see windows, which this version no longer reads")
    members = config.get("members", 1)
    kernel_size = config.get("kernel_size", 0)
    if type(members) is not int or members < 1:
        raise ValueError(f"members must be a positive integer, got {members!r}")
    if members > 1 and (not hidden or any(width % members for width in hidden)):
        raise ValueError(f"{members} members cannot share hidden layers of {hidden} units equally")
    if "kernel_size" in config:
        check_kernel_size(kernel_size, widths, members)
    if (parameters := size(widths, members, kernel_size)) > max_parameters:
        raise ValueError(f"{parameters:,} parameters, at most {max_parameters:,} are accepted")
    if max(hidden, default=0) > MAX_UNITS:
        raise ValueError(f"{max(hidden):,} units in a hidden layer, at most {MAX_UNITS:,} are accepted")
    temperatures = (config[key] for key in ("temperature", "odds_temperature") if key in config)
    calibration = Calibration(*map(float, temperatures))
    if "odds_temperature" in config and classes <= DIGITS:
        raise ValueError(f'odds_temperature is for networks that know "not a digit", not for {classes} classes')
    options = {"kernel_size": kernel_size, "mean": float(config["mean"]), "std": float(config["std"])}
    options |= {"linear": config.get("linear", ()), "inputs": inputs, "classes": classes}
    member = MLP([width // members for width in hidden], config["activation"], None, **options)
    model = joined([member] * members)
    model.calibration = calibration
    return model


def check_folder(folder: Path) -> None:
    """Raises OSError when this folder cannot be written to, or cannot be made."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise NotADirectoryError(f"{existing}: a file, expected a folder to write to")
    if not os.access(existing, os.W_OK):
        raise PermissionError(f"{existing}: this folder cannot be written to")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """`with replacing(path) as temporary`: write to `temporary`; it takes the place of `path` once that succeeded."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
