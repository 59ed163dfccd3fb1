"""The model card: README.md beside the weights, made from measured figures and the template card_template.md.

    python -m weights card runs/mine --data DIR

The card shows pictures that lie beside it. Its metadata holds the results where the Hub reads them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from huggingface_hub import EvalResult, ModelCard, ModelCardData

from nn import MLP
from nn.files import CARD_FILE, CONFIG_FILE, CONFUSION_FILE, MISTAKES_FILE, MODEL_FILE, replacing, save, tensors
from nn.mlp import DIGITS
from weights.hub.figures import is_presentable, learned_from

TEMPLATE = Path(__file__).with_name("card_template.md")
MODEL_NAME = "Handwritten digits, a NumPy neural network"

# Shown where they lie beside the card, as nn.measure.plots draws them.
PICTURES = {
    CONFUSION_FILE: "Confusion matrix on the {split} images",
    MISTAKES_FILE: "The most confident mistakes on the {split} images",
}
# A split of another size is not MNIST's.
MNIST_IMAGES = {"train": 54_000, "validation": 6_000, "test": 10_000}
CROSS_FITTED_IMAGES = {"train": 60_000, "test": 10_000}  # members hold out images, the whole network none

# The figures that config.json keeps: of each split, of each way to redraw a drawing, and of things that are no digit.
KEPT_OF_SPLIT = ("images", "errors", "accuracy", "loss", "calibration_error")
KEPT_OF_CONDITION = ("accuracy", "slashed_zero", "ece", "refused")
KEPT_OF_NON_DIGITS = ("n", "auroc", "over_90", "refused")


def write_card(folder: Path, model: MLP, results: dict[str, dict], drawings: dict | None = None) -> list[Path]:
    """Puts the figures into config.json and writes README.md; returns the files it wrote.

    Args:
        results: by split, as `nn.measure.metrics.evaluate` gives them.
        drawings: the app's score on real people's drawings, as `drawing_figures` gives it.

    Raises:
        ValueError: the settings in config.json are not those of a training; nothing was written.
    """
    figures = {split: {key: row[key] for key in KEPT_OF_SPLIT} for split, row in results.items()}
    model.info = model.info | {"results": figures}
    model.info.pop("drawings", None)  # they may be of other weights
    if drawings:
        model.info["drawings"] = drawings
    *_, split = results or [""]  # that of the pictures
    pictures = {file: text.format(split=split) for file, text in PICTURES.items() if (folder / file).is_file()}
    try:
        card = str(model_card(model, figures, pictures))
    except Exception as error:  # jinja2's errors and Python's have no common ancestor
        raise ValueError(f"a card cannot be made from {folder / CONFIG_FILE}: {error}") from error
    save(model, folder)
    with replacing(folder / CARD_FILE) as temporary:
        temporary.write_text(card, "utf-8")
    return [folder / name for name in (MODEL_FILE, CONFIG_FILE, CARD_FILE)]


def model_card(model: MLP, figures: dict[str, dict], pictures: dict[str, str]) -> ModelCard:
    """The model card of a network.

    figures: for each split, KEPT_OF_SPLIT. pictures: {file: caption} of those that lie beside the card.
    """
    training = model.info.get("training", {})
    known = CROSS_FITTED_IMAGES if training.get("cross_fit") else MNIST_IMAGES
    on_mnist = all(row["images"] == known.get(split) for split, row in figures.items())
    count = learned_from(model.info)
    from_mnist = on_mnist if count is None else count == known["train"]  # other collections have other numbers
    dataset = {"dataset_type": "ylecun/mnist", "dataset_name": "MNIST"}
    if not on_mnist:
        dataset = {"dataset_type": "custom", "dataset_name": "other pictures" if from_mnist else "its pictures"}
    metadata = ModelCardData(
        license="apache-2.0",
        library_name="numpy",
        pipeline_tag="image-classification",
        tags=["mnist", "numpy", "mlp", "from-scratch"],
        datasets=["ylecun/mnist"] if from_mnist else None,
        metrics=["accuracy"],
        model_name=MODEL_NAME,
        eval_results=[
            EvalResult(
                task_type="image-classification",
                dataset_split=split,
                metric_type="accuracy",
                metric_value=round(figures[split]["accuracy"], 5),
                **dataset,
            )
            for split in ("validation", "test")
            if split in figures
        ],
    )
    arrays = tensors(model)
    names_by_dtype = {}
    for name, array in arrays.items():
        names_by_dtype.setdefault(array.dtype.name, []).append(name)
    return ModelCard.from_template(
        metadata,
        TEMPLATE,
        model_name=MODEL_NAME,
        model=model,
        from_mnist=from_mnist,
        dataset_name=dataset["dataset_name"],
        results=figures,
        pictures=pictures,
        drawings=model.info.get("drawings"),
        training=training,
        tensors=names_by_dtype,
        quantized=any(array.dtype == np.int8 for array in arrays.values() if array.ndim > 1),
        asks_two_questions=model.calibration.odds_temperature is not None,
        refuses=model.classes > DIGITS,
    )


def drawing_figures(scored: dict) -> dict:
    """The figures that the card shows of a scoring of drawings, as `sketches.py score --json` writes it.

    Raises ValueError when one is missing or no number.
    """
    try:
        figures = {
            "digits": scored["n"],
            "slashed_zeros": scored["n_slashed_zero"],
            "conditions": {
                name: {key: row[key] for key in KEPT_OF_CONDITION} for name, row in scored["conditions"].items()
            },
        }
        if "nondigits" in scored:
            figures["non_digits"] = {key: scored["nondigits"][key] for key in KEPT_OF_NON_DIGITS}
    except KeyError as error:
        raise ValueError(f"expected the JSON of a scoring of drawings, got one without {error}") from error
    except (TypeError, AttributeError):
        raise ValueError("expected the JSON of a scoring of drawings, got something else") from None
    rows = [*figures["conditions"].values(), figures.get("non_digits", {})]
    numbers = [figures["digits"], figures["slashed_zeros"], *(value for row in rows for value in row.values())]
    if not figures["conditions"] or not all(map(is_presentable, numbers)) or figures["digits"] < 1:
        raise ValueError("expected the JSON of a scoring of drawings: numbers, for at least one digit and condition")
    return figures
