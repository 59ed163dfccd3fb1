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
from nn.trainer import Trainer


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
        metadata = metadata_of(file, path)
        saved = json.loads(metadata["recipe"])
        known = asdict(Recipe())
        if removed := [key for key, value in saved.items() if key not in known and value]:
            raise ValueError(f"{path} was made with {', '.join(removed)}, which this version does not know: start anew")
        distortion = asdict(Distortion()) | saved.get("distortion", {})
        saved = known | saved | {"distortion": distortion}  # a setting may be newer than the checkpoint
        saved, wanted = (json.loads(json.dumps(each)) for each in (saved, asdict(trainer.recipe)))
        longer = wanted["schedule"] == "constant" and wanted["epochs"] > saved["epochs"]
        free = AFTERWARDS | ({"epochs"} if longer else set())
        if differing := [key for key in wanted if key not in free and saved[key] != wanted[key]]:
            settings = ", ".join(difference(key, saved[key], wanted[key]) for key in differing)
            raise ValueError(f"{path} was made with {settings}: repeat that to resume")
        if metadata.get("images", fingerprint(trainer)) != fingerprint(trainer):
            raise ValueError(f"{path} was made from other images: give the same --data to resume")
        for name, array in arrays_of(trainer).items():
            found = file.get_tensor(name) if name in file.keys() else np.empty(0)  # noqa: SIM118, it is no dict
            if found.shape != array.shape or not np.isfinite(found).all():
                raise damaged(path, f"no {name} of shape {array.shape}")
            array[...] = found
    trainer.history = json.loads(metadata["history"])
    if trainer.history and trainer.best_row is trainer.history[-1]:
        trainer.best[...] = trainer.average  # as the trainer has it, whatever an older version kept


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
        return len(json.loads(metadata_of(file, path)["history"]))


def metadata_of(file: safe_open, path: Path) -> dict[str, str]:
    metadata = file.metadata() or {}
    if not {"recipe", "history"} <= metadata.keys():
        raise ValueError(f"{path} is no checkpoint of a training run; leave out --resume to start anew")
    try:
        kinds = [type(json.loads(metadata[key])) for key in ("recipe", "history")]
    except ValueError as error:
        raise damaged(path, error) from error
    if kinds != [dict, list]:
        raise damaged(path, "its recipe or its history is something else")
    return metadata


def damaged(path: Path, what: object) -> ValueError:
    return ValueError(f"{path}: a damaged checkpoint ({what}); leave out --resume to start anew")


def opened(path: Path) -> safe_open:
    try:
        return safe_open(path, "np")
    except SafetensorError as error:
        raise damaged(path, error) from error


def arrays_of(trainer: Trainer) -> dict:
    """The arrays that a run changes, by name."""
    state = {f"optimizer.{name}": array for name, array in trainer.optimizer.state.items()}
    return {"theta": trainer.model.theta, "average": trainer.average, "best": trainer.best} | state
