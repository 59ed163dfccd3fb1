"""Checkpoints: a training run on disk, so that it can be interrupted and go on.

A file holds everything that the next epoch depends on. On the same machine, with the same versions of its libraries, a
resumed run equals an uninterrupted one bit for bit.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as serialize

from nn.files import replacing
from nn.pictures.augment import Distortion
from nn.recipes import AFTERWARDS, Recipe
from nn.trainer import COLUMNS, Trainer

# What to do about a run that cannot go on. Nothing of it is deleted here.
ANEW = "give another --out to start anew"


def save(trainer: Trainer, path: Path) -> None:
    """Writes the run's arrays, its recipe and its history."""
    metadata = {"recipe": json.dumps(asdict(trainer.recipe)), "history": json.dumps(trainer.history)}
    metadata["images"] = fingerprint(trainer)
    with replacing(path) as temporary:
        temporary.write_bytes(serialize(arrays_of(trainer), metadata))


def load(trainer: Trainer, path: Path) -> None:
    """Lets the run go on where it was saved.

    At a constant learning rate the recipe may ask for more epochs than before: they only say when the run ends.

    Raises ValueError when the checkpoint is damaged, or was made by another recipe or from other images.
    """
    with opened(path) as file:
        recipe, history, images = contents(file, path)
        saved, wanted = as_of_today(recipe, path), as_json(trainer.recipe)
        longer = wanted["schedule"] == "constant" and wanted["epochs"] > saved["epochs"]
        free = AFTERWARDS | ({"epochs"} if longer else set())
        if differing := [key for key in wanted if key not in free and saved[key] != wanted[key]]:
            settings = ", ".join(difference(key, saved[key], wanted[key]) for key in differing)
            raise ValueError(f"{path} was made with {settings}: repeat that to resume, or {ANEW}")
        if images not in (None, fingerprint(trainer)):
            raise ValueError(f"{path} was made from other images: give the same --data to resume, or {ANEW}")
        arrays = arrays_of(trainer)
        saved_arrays = {name: read(file, name, array, path) for name, array in arrays.items()}
    for name, array in arrays.items():
        array[...] = saved_arrays[name]
    trainer.history = history
    if trainer.history and trainer.best_row is trainer.history[-1]:
        trainer.best[...] = trainer.average  # as the trainer has it, whatever an older version kept


def read(file: safe_open, name: str, like: np.ndarray, path: Path) -> np.ndarray:
    """An array of the file, which must have the shape and the type of another one."""
    try:
        found = file.get_tensor(name)
    except (SafetensorError, TypeError, AttributeError) as error:  # it is not there, or of a type that NumPy lacks
        raise damaged(path, error) from error
    if found.shape != like.shape or found.dtype != like.dtype:
        raise damaged(path, f"expected {name} of shape {like.shape} and type {like.dtype}")
    if not np.isfinite(found).all():
        raise damaged(path, f"not all values of {name} are finite")
    return found


def difference(name: str, before: object, now: object) -> str:
    """A setting before and now; of several under one name, those that differ."""
    if isinstance(before, dict) and isinstance(now, dict):
        return ", ".join(difference(f"{name} {key}", before[key], now[key]) for key in now if before[key] != now[key])
    return f"{name} {before} (now {now})"


def fingerprint(trainer: Trainer) -> str:
    """Tells the images of a run from others."""
    parts = [part for split in (trainer.train, trainer.validation) for part in (split.images, split.labels)]
    return " ".join(f"{len(part)}:{zlib.crc32(np.ascontiguousarray(part)):08x}" for part in parts)


def epochs(path: Path) -> int:
    """The number of epochs that were finished when it was saved. Raises ValueError when the checkpoint is damaged."""
    with opened(path) as file:
        return len(contents(file, path)[1])


def contents(file: safe_open, path: Path) -> tuple[dict, list[dict], str | None]:
    """The recipe, the history and the images' fingerprint, which old checkpoints lack."""
    metadata = file.metadata() or {}
    if not {"recipe", "history"} <= metadata.keys():
        raise ValueError(f"{path} is no checkpoint of a training run; {ANEW}")
    try:
        recipe, history = json.loads(metadata["recipe"]), json.loads(metadata["history"])
    except (ValueError, RecursionError) as error:
        raise damaged(path, error) from error
    if not is_recipe(recipe):
        raise damaged(path, "expected a recipe with a number of epochs and with distortions")
    if not is_history(history):
        raise damaged(path, f"expected rows of {', '.join(COLUMNS)}, one for each epoch from 1 on")
    return recipe, history, metadata.get("images")


def is_recipe(value: object) -> bool:
    """Whether a value has what `load` computes with. The rest of a recipe is only compared."""
    return (
        isinstance(value, dict) and isinstance(value.get("epochs"), int) and isinstance(value.get("distortion"), dict)
    )


def is_history(value: object) -> bool:
    return (
        isinstance(value, list)
        and all(isinstance(row, dict) and row.keys() == set(COLUMNS) for row in value)
        and all(isinstance(number, int | float) for row in value for number in row.values())
        and [row["epoch"] for row in value] == [*range(1, len(value) + 1)]
    )


def as_of_today(recipe: dict, path: Path) -> dict:
    """A saved recipe with the settings that are newer than it. Raises ValueError when it used one that is gone."""
    known, distortion = asdict(Recipe()), asdict(Distortion())
    removed = [key for key, value in recipe.items() if key not in known and value]
    removed += [f"distortion {key}" for key, value in recipe["distortion"].items() if key not in distortion and value]
    if removed:
        raise ValueError(f"{path} was made with {', '.join(removed)}, which this version does not know; {ANEW}")
    distortion |= {key: value for key, value in recipe["distortion"].items() if key in distortion}
    recipe = known | {key: value for key, value in recipe.items() if key in known}
    return as_json(recipe | {"distortion": distortion})


def as_json(recipe: Recipe | dict) -> dict:
    """The recipe as it comes back from a file: with lists for tuples."""
    return json.loads(json.dumps(asdict(recipe) if isinstance(recipe, Recipe) else recipe))


def damaged(path: Path, what: object) -> ValueError:
    return ValueError(f"{path}: a damaged checkpoint ({what}); {ANEW}")


def opened(path: Path) -> safe_open:
    try:
        return safe_open(path, "np")
    except SafetensorError as error:
        raise damaged(path, error) from error


def arrays_of(trainer: Trainer) -> dict:
    """The arrays that a run changes, by name."""
    state = {f"optimizer.{name}": array for name, array in trainer.optimizer.state.items()}
    return {"theta": trainer.model.theta, "average": trainer.average, "best": trainer.best} | state
