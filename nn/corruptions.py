"""Measures a trained network on damaged digits, as MNIST-C damages them (pictures/corruptions.py).

    python -m nn.corruptions --data DIR                                # the bundled weights
    python -m nn.corruptions --weights runs/mine --data DIR --limit 1000 --json

The network sees each damaged image twice: as it is (pixels / 255), and as the app would see it, through
`preprocessing.to_mnist`.
"""

from __future__ import annotations

import argparse
import json

import numpy as np
from tqdm import tqdm

import preprocessing
from nn import flags, programs
from nn.files import BUNDLED, load
from nn.images import load_images
from nn.mlp import DIGITS, MLP
from nn.pictures import mnist
from nn.pictures.corruptions import CORRUPTIONS, corrupt
from nn.pictures.mnist import DataError
from nn.pictures.splits import as_pixels


def errors(model: MLP, images: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """The share of (n, 28, 28) uint8 images that are misread: "raw" as they are, "app" through preprocessing.

    The most probable digit counts; "not a digit" is no answer here.
    """
    seen = {
        "raw": as_pixels(images),
        "app": np.stack([preprocessing.to_mnist(image) for image in images]).reshape(len(images), -1),
    }
    answers = {way: model.predict_proba(X)[:, :DIGITS].argmax(axis=1) for way, X in seen.items()}
    return {way: float((answer != labels).mean()) for way, answer in answers.items()}


def measure(model: MLP, images: np.ndarray, labels: np.ndarray, seed: int = 0) -> dict[str, dict[str, float]]:
    """{"clean" or a corruption's name, and last "mean" (of the corruptions): {"raw": share of errors, "app": ...}}"""
    results = {"clean": errors(model, images, labels)}
    for name in tqdm(CORRUPTIONS, unit="corruption", leave=False):
        results[name] = errors(model, corrupt(images, name, seed), labels)
    means = {way: float(np.mean([results[name][way] for name in CORRUPTIONS])) for way in ("raw", "app")}
    return results | {"mean": means}


@programs.reports_errors()
def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m nn.corruptions", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=flags.path, default=BUNDLED, help="folder (default: the bundled weights)")
    parser.add_argument("--data", type=flags.path, help=mnist.DATA_HELP)
    parser.add_argument("--limit", type=flags.at_least(1), metavar="N", help="only the first N test images")
    parser.add_argument("--seed", type=flags.at_least(0), default=0, help="of the corruptions' random numbers")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    arguments = parser.parse_args(argv)
    model = load(arguments.weights)
    test = load_images(arguments.data).test[: arguments.limit]
    if not len(test):
        raise DataError(f"{arguments.data or mnist.HUB_DATASET}: no test images to damage")
    results = measure(model, test.images, test.labels, arguments.seed)
    if arguments.json:
        print(json.dumps(results, indent=1))
        return 0
    print(f"{model!r}\nerrors on {len(test):,} damaged test images\n")
    print(f"{'corruption':<16}{'as they are':>14}{'as the app':>14}")
    for name, shares in results.items():
        print(f"{name:<16}{shares['raw']:>14.1%}{shares['app']:>14.1%}")
    return 0


if __name__ == "__main__":
    programs.run(main)
