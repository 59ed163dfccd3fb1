"""The model card: README.md beside the weights, made from the figures that nn.evaluate measured.

Pictures that lie beside it are shown; figures of its results stand in its metadata, where the Hub reads them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from huggingface_hub import EvalResult, ModelCard, ModelCardData

from nn import MLP
from nn.files import save, tensors
from nn.mlp import DIGITS

MODEL_NAME = "Handwritten digits, a NumPy multilayer perceptron"
KEPT_FIGURES = ("images", "errors", "accuracy", "loss", "calibration_error")  # of each split, in config.json

# Shown where nn.evaluate has drawn them beside the card.
PICTURES = {
    "confusion_matrix.png": "Confusion matrix on the {split} images",
    "mistakes.png": "The most confident mistakes on the {split} images",
}
# Other numbers are of other pictures than MNIST's.
MNIST_IMAGES = {"train": 54_000, "validation": 6_000, "test": 10_000}
CROSS_FITTED_IMAGES = {"train": 60_000, "test": 10_000}  # members hold out images, the whole network none

TEXT = """\
# {name}

A fully connected network, {widths}, {activation} hidden layers, {parameters:,} parameters, trained on
{source}, and on pictures made from it, by a program written from scratch in NumPy. It takes 784 pixels in [0, 1],
white ink on black, framed the way MNIST frames its digits, and gives a probability for each class.
{members}
## Results on {data}

{table}
{splits}
The calibration error is taken over 15 equal-width bins of the answer's probability.
{pictures}{drawings}
## Training

```
{recipe}
```

Every setting stands in `config.json` under `training`, and `python -m nn.train` with these settings and seed repeats
the run.

## Use

```python
import preprocessing, weights

model = weights.load("folder with these files")
tensor = preprocessing.to_mnist(image)  # any picture of one digit -> (28, 28)
probabilities = model.predict_proba(tensor.reshape(1, 784))[0]
```

`model.safetensors` holds {tensors}, W of shape (fan_in, fan_out){blocks}.
{quantized}`h = {activation}(x @ W1 + b1)` and so on, then {last}.

## Limits

It knows the digits 0 to 9, one at a time, as {hands}.
{refusal}
It is a demonstration and a lesson: nothing that matters should hang on its answer alone.
"""

SPLITS = """
Training and validation images are the first 90% and the last 10% of MNIST's 60,000 training images. Settings were
chosen on the validation images; the project's `nn/README.md` lists every reading of the test images.
"""

CROSS_FITTED = """
Settings were chosen on networks that did not see the last 10% of MNIST's 60,000 training images. The members of this
one then held out a tenth each, not the same one, and together they have seen all. Its temperatures were fitted on
{images:,} images that two of its members did not see; those two alone misread {errors} of them. The project's
`nn/README.md` lists every reading of the test images.
"""

DRAWINGS = """
## Results on real drawings

{digits:,} digits that people drew with a stylus on a pad, redrawn anywhere on a 400x400 canvas under several
conditions, read by the whole app: its preprocessing, then this network. Nothing was trained on them.

{table}

{slashed}
{others}"""
NON_DIGITS = """
Of {n:,} letters and signs by the same people it refuses {refused:.1%}, and gives {over_90:.1%} a digit's name with more
than 90% confidence; the top probability tells digits from them with an AUROC of {auroc:.4f}.
"""

MEMBERS = """
It is {members} networks that were trained apart and joined: no weights lead from one member's hidden units to
another's, and the logits are the mean of theirs.
"""
BLOCKS = """, or between hidden
layers (members, fan_in / members, fan_out / members)"""
QUANTIZED = """\
The integers are quantized weights, used as they are: the scale of each unit is folded into the next layer.
"""
SOFTMAX = "softmax of the logits, divided by `temperature`"
TWO_QUESTIONS = """two questions, whether it is a digit and which:
a sigmoid of the log odds of the last logit against the others, divided by `odds_temperature`, and softmax of the
others, divided by `temperature`"""
REFUSES = """\
The eleventh class is "not a digit": letters, scribbles and dashes made up by the training program stand for everything
else, so most things that are no digit are refused, and a few get a digit's name all the same. Letters that many people
write like a digit (O, l, S, Z) are read as one."""
ANSWERS_ALWAYS = """\
It answers with a digit whatever it is shown: a letter or a scribble gets one too, sometimes with confidence. Slashed
zeros and ones with a base are rare in MNIST and often misread."""


def write(folder: Path, model: MLP, results: dict[str, dict], drawings: dict | None = None) -> None:
    """Puts the figures into config.json and writes README.md.

    results: by split, as `nn.metrics.evaluate` gives them. drawings: what the app scored on real people's drawings, as
    `sketches.py score --json` writes it.

    Raises:
        ValueError: drawings lack a figure.
    """
    figures = {name: {key: r[key] for key in KEPT_FIGURES} for name, r in results.items()}
    model.info = model.info | {"results": figures}
    model.info.pop("drawings", None)  # they may be of other weights
    if drawings:
        model.info["drawings"] = kept(drawings)
    save(model, folder)
    *_, split = results or [""]  # that of the pictures
    present = {file: text.format(split=split) for file, text in PICTURES.items() if (folder / file).is_file()}
    (folder / "README.md").write_text(str(make(model, figures, present)))


def make(model: MLP, figures: dict[str, dict], pictures: dict[str, str]) -> ModelCard:
    training = model.info.get("training", {})
    cross_fit = training.get("cross_fit", False)
    known = CROSS_FITTED_IMAGES if cross_fit else MNIST_IMAGES
    mnist = all(result["images"] == known.get(split) for split, result in figures.items())
    data = "MNIST" if mnist else "its pictures"
    metadata = ModelCardData(
        license="apache-2.0",
        library_name="numpy",
        pipeline_tag="image-classification",
        tags=["mnist", "numpy", "mlp", "from-scratch"],
        datasets=["ylecun/mnist"] if mnist else None,
        metrics=["accuracy"],
        model_name=MODEL_NAME,
        eval_results=[
            EvalResult(
                task_type="image-classification",
                dataset_type="ylecun/mnist" if mnist else "custom",
                dataset_name=data,
                dataset_split=split,
                metric_type="accuracy",
                metric_value=round(figures[split]["accuracy"], 5),
            )
            for split in ("validation", "test")
            if split in figures
        ],
    )
    arrays = tensors(model)
    text = TEXT.format(
        name=MODEL_NAME,
        widths="-".join(map(str, model.widths)),
        activation=model.activation,
        parameters=model.theta.size,
        source="MNIST alone" if mnist else "a collection of handwritten digits",
        data=data,
        splits="" if not mnist else CROSS_FITTED.format(**training["unseen_by_pairs"]) if cross_fit else SPLITS,
        hands="people in the United States wrote them around 1990" if mnist else "the people of its pictures do",
        members=MEMBERS.format(members=model.members) if model.members > 1 else "",
        table=results_table(figures),
        pictures="".join(f"\n![{text}]({file})\n" for file, text in pictures.items()),
        drawings=drawings_section(model.info["drawings"]) if "drawings" in model.info else "",
        tensors=by_dtype(arrays),
        quantized=QUANTIZED if any(array.dtype == np.int8 for array in arrays.values() if array.ndim > 1) else "",
        blocks=BLOCKS if any(W.ndim > 2 for W in model.weights) else "",
        last=SOFTMAX if model.odds_temperature is None else TWO_QUESTIONS,
        refusal=REFUSES if model.classes > DIGITS else ANSWERS_ALWAYS,
        recipe="\n".join(f"{key}: {value}" for key, value in training.items()),
    )
    return ModelCard(f"---\n{metadata}\n---\n\n{text}")


def by_dtype(arrays: dict[str, np.ndarray]) -> str:
    """Their names, with the dtype of each."""
    names = {}
    for name, array in arrays.items():
        names.setdefault(array.dtype.name, []).append(name)
    return ", ".join(f"`{' '.join(theirs)}` in {dtype}" for dtype, theirs in names.items())


def results_table(figures: dict[str, dict]) -> str:
    rows = ["| split | images | errors | accuracy | loss | calibration error |", "|---|---:|---:|---:|---:|---:|"]
    for name, r in figures.items():
        rows.append(
            f"| {name} | {r['images']:,} | {r['errors']:,} | {r['accuracy']:.2%} | {r['loss']:.4f} "
            f"| {r['calibration_error']:.2%} |"
        )
    return "\n".join(rows)


# --- real people's drawings -------------------------------------------------------------------------------------------

KEPT_OF_CONDITION = ("accuracy", "slashed_zero", "ece", "refused")
KEPT_OF_NON_DIGITS = ("n", "auroc", "over_90", "refused")


def kept(drawings: dict) -> dict:
    """The figures of a scoring that the card shows."""
    try:
        conditions = {
            name: {key: row[key] for key in KEPT_OF_CONDITION} for name, row in drawings["conditions"].items()
        }
        figures = {"digits": drawings["n"], "slashed_zeros": drawings["n_slashed_zero"], "conditions": conditions}
        if "nondigits" in drawings:
            figures["non_digits"] = {key: drawings["nondigits"][key] for key in KEPT_OF_NON_DIGITS}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"expected the JSON of a scoring of drawings, got none with {error}") from error
    return figures


def drawings_section(drawings: dict) -> str:
    rows = ["| drawn as | accuracy | refused | calibration error |", "|---|---:|---:|---:|"]
    for name, row in drawings["conditions"].items():
        refused = row["refused"] / drawings["digits"]
        rows.append(f"| {name} | {row['accuracy']:.2%} | {refused:.2%} | {row['ece']:.2%} |")
    first, row = next(iter(drawings["conditions"].items()))
    zeros = drawings["slashed_zeros"]
    slashed = f"{zeros} of the digits are slashed zeros; drawn as {first}, it reads {row['slashed_zero'] * zeros:.0f}."
    others = NON_DIGITS.format(**drawings["non_digits"]) if "non_digits" in drawings else ""
    return DRAWINGS.format(
        digits=drawings["digits"], table="\n".join(rows), slashed=slashed if zeros else "", others=others
    )
