"""Trains every preset that repeats a published project and prints the table of their authors' figures beside ours.

    python -m nn.compare --data DIR --out runs/presets

A preset whose weights are in --out already is not trained again, so the table can be printed anew at once.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from nn import flags, programs
from nn.checkpoint import as_json
from nn.files import WeightsError, load
from nn.images import load_images
from nn.measure.metrics import evaluate
from nn.pictures import mnist
from nn.pictures.mnist import DataError, Dataset
from nn.recipes import PRESETS, Preset, Recipe
from nn.runs import fit, is_begun

REPEATED = [name for name, preset in PRESETS.items() if preset.repeats]


def row(name: str, preset: Preset, dataset: Dataset, folder: Path) -> str:
    """One line of the table. The preset is trained first, unless that is done."""
    if not finished(folder, preset, dataset):
        runs = fit(preset.recipe, dataset, folder, resume=is_begun(folder))
        if min(run.epoch for run in runs) < preset.recipe.epochs:  # Ctrl-C: `fit` kept the best so far and returned
            raise KeyboardInterrupt
    results = evaluate(load(folder), dataset)
    figures = " | ".join(f"{results[split]['accuracy']:.2%}" for split in ("train", "validation", "test"))
    accuracy = round(100 * results["test"]["accuracy"], 6)  # 100 * 0.954 is less than 95.4
    reached = "" if preset.floor is None else "yes" if accuracy >= preset.floor else "no"
    return f"| `{name}` | {preset.about} | {preset.published or 'none given'} | {figures} | {reached} |"


def finished(folder: Path, preset: Preset, dataset: Dataset) -> bool:
    """Whether `folder` holds weights of this very recipe, trained to the end.

    Raises ValueError when they learned from another number of images.
    """
    try:
        training = load(folder).info.get("training", {})
    except WeightsError:
        return False
    training = as_json(Recipe()) | training  # settings that are newer than these weights
    if not as_json(preset.recipe).items() <= training.items() or training.get("epochs_done") != preset.recipe.epochs:
        return False
    if training.get("images") != {"train": len(dataset.train), "validation": len(dataset.validation)}:
        raise ValueError(f"{folder} was made from other images: give the same --data, or another --out")
    return True


@programs.reports_errors()
def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m nn.compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=flags.path, help=mnist.DATA_HELP)
    parser.add_argument("--out", type=flags.path, default=Path("runs/presets"), help="default: %(default)s")
    parser.add_argument("--only", nargs="+", choices=REPEATED, help="these presets alone")
    arguments = parser.parse_args(argv)
    try:
        dataset = load_images(arguments.data)
        if not len(dataset.test):
            raise DataError(f"{arguments.data or mnist.HUB_DATASET}: no test images; the table needs MNIST's")
        print("| preset | network | its author's figure | train | validation | test | reached |")
        print("|---|---|---|---:|---:|---:|---|")
        for name in dict.fromkeys(arguments.only or REPEATED):  # each once
            print(row(name, PRESETS[name], dataset, arguments.out / name), flush=True)
    except KeyboardInterrupt:
        print("interrupted: the table ends here; finished presets are not trained again", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    programs.run(main)
