"""Plots for nn.evaluate: confusion matrix, learning curves, and the most confident mistakes, as PNG; and the confusion
matrix with every mistake behind it as JSON, for the page.
"""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image

from nn.files import CONFUSION_FILE, CURVES_FILE, HISTORY_FILE, MISTAKES_DATA, MISTAKES_FILE
from nn.measure import metrics
from nn.mlp import MLP
from nn.pictures.mnist import DataError, Dataset, Split

matplotlib.use("Agg")  # plots go to files; no screen is needed
import matplotlib.pyplot as plt

MISTAKES_SHOWN = 30
MISTAKES_PER_ROW = 10
INK = "#4f46e5"
ACCENT = "#d97706"
CURVES = ("epoch", "train_loss", "validation_loss", "validation_accuracy")

History = Mapping[str, np.ndarray]  # a column's name -> a number for each epoch


def write(
    folder: Path, model: MLP, dataset: Dataset, results: dict[str, dict], history: History | None = None
) -> list[Path]:
    """Writes the plots of the last split (the test images) and, where there is a history, the learning curves."""
    folder.mkdir(parents=True, exist_ok=True)
    name, split = list(dataset.splits().items())[-1]
    probs = model.predict_proba(split.pixels())
    figures = {
        CONFUSION_FILE: confusion_matrix(np.array(results[name]["confusion_matrix"]), name),
        MISTAKES_FILE: mistakes(probs, split, name),
    }
    if history:
        figures[CURVES_FILE] = curves(history)
    for file_name, figure in figures.items():
        figure.savefig(folder / file_name, dpi=120, bbox_inches="tight")
        plt.close(figure)
    data = all_mistakes(probs, split, name)
    (folder / MISTAKES_DATA).write_text(json.dumps(data), "utf-8")
    return [folder / file_name for file_name in (*figures, MISTAKES_DATA)]


def read_history(run: Path) -> History | None:
    """The CURVES of the history.csv that a run left in its folder; None when there is none.

    Raises:
        DataError: it is damaged.
    """
    path = run / HISTORY_FILE
    if not path.is_file():
        return None
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        history = {name: np.array([float(row[name]) for row in rows]) for name in CURVES}
    except (ValueError, TypeError, KeyError, csv.Error) as error:  # TypeError: a row that ends early
        raise DataError(f"{path}: cannot be read as numbers in the columns {', '.join(CURVES)}") from error
    if not rows:
        raise DataError(f"{path}: expected a row for each epoch, found none")
    return history


def all_mistakes(probs: np.ndarray, split: Split, name: str) -> dict:
    """The confusion matrix and every misread image, the most confident mistake first.

    probs: (n, classes), the answers to the split's n images.
    Returns {"split", "counts": rows of true digits, columns of answers, "mistakes": [{"true", "read", "confidence",
    "png": base64 of the image, white on black}]}.
    """
    names = metrics.class_names(probs.shape[1])
    mistakes = []
    for i in metrics.most_confident_mistakes(probs, split.labels, len(split)):
        file = io.BytesIO()
        Image.fromarray(split.images[i]).save(file, "PNG", optimize=True)
        png = base64.b64encode(file.getvalue()).decode()
        confidence = round(float(probs[i].max()), 4)
        read = names[probs[i].argmax()]
        mistakes.append({"true": names[split.labels[i]], "read": read, "confidence": confidence, "png": png})
    return {"split": name, "counts": metrics.confusion_matrix(probs, split.labels).tolist(), "mistakes": mistakes}


def confusion_matrix(counts: np.ndarray, name: str) -> plt.Figure:
    """Counts by true class and answer; the shade shows errors alone, or the diagonal would drown them."""
    errors = counts - np.diag(np.diag(counts))
    figure, axes = plt.subplots(figsize=(6, 6))
    axes.imshow(errors, cmap="Oranges", vmin=0, vmax=max(errors.max(), 1) * 1.5)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            weight = "bold" if row == column else "normal"
            axes.text(column, row, f"{count}", ha="center", va="center", fontsize=9, weight=weight)
    ticks = [label.replace(" ", "\n") for label in metrics.class_names(len(counts))]
    axes.set_xticks(range(len(ticks)), ticks)
    axes.set_yticks(range(len(ticks)), ticks)
    axes.set(xlabel="answered", ylabel="true", title=f"{errors.sum()} errors in {counts.sum():,} {name} images")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return figure


def curves(history: History) -> plt.Figure:
    """Loss and validation accuracy over the epochs."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6))
    left.semilogy(history["epoch"], history["train_loss"], color=INK, label="training (as the optimizer saw it)")
    left.semilogy(history["epoch"], history["validation_loss"], color=ACCENT, label="validation")
    left.set(xlabel="epoch", title="cross-entropy loss")
    left.legend(frameon=False)
    right.plot(history["epoch"], 100 * history["validation_accuracy"], color=ACCENT)
    right.set(xlabel="epoch", title="validation accuracy, %")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    return figure


def mistakes(probs: np.ndarray, split: Split, name: str) -> plt.Figure:
    """A mosaic of the wrong answers with the highest probability. probs: as for `all_mistakes`."""
    worst = metrics.most_confident_mistakes(probs, split.labels, MISTAKES_SHOWN)
    names = metrics.class_names(probs.shape[1])
    rows = max(-(-len(worst) // MISTAKES_PER_ROW), 1)
    figure, grid = plt.subplots(rows, MISTAKES_PER_ROW, figsize=(MISTAKES_PER_ROW, 1.3 * rows), squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, i in zip(grid.flat, worst, strict=False):
        axes.imshow(split.images[i], cmap="gray_r")
        answer = names[probs[i].argmax()].replace(metrics.NOT_A_DIGIT, "none")
        axes.set_title(f"{split.labels[i]} → {answer}\n{probs[i].max():.0%}", fontsize=9)
    figure.suptitle(f"The {len(worst)} most confident mistakes among {len(split):,} {name} images", fontsize=11)
    figure.subplots_adjust(top=0.76 if rows < 3 else 0.82, hspace=0.65)
    return figure
