"""The model card states the measured figures, and says what they were measured on."""

import math

import pytest
from huggingface_hub import ModelCard

import weights
from nn import MLP
from nn.fast.committee import joined
from nn.fast.quantize import quantize
from weights.hub import card


def test_the_bundled_card_states_the_figures_of_config_json():
    results = weights.load().info["results"]
    bundled = ModelCard.load(weights.BUNDLED / "README.md")
    stated = {r.dataset_split: r.metric_value for r in bundled.data.eval_results if r.metric_type == "accuracy"}
    assert stated["test"] == pytest.approx(results["test"]["accuracy"], abs=1e-5)
    assert bundled.data.license == "apache-2.0"
    assert bundled.data.model_name


def scored(**changes):
    """A scoring of drawings as `sketches.py score --json` writes it, cut short."""
    row = {"accuracy": 0.985, "slashed_zero": 0.9, "ece": 0.007, "refused": 4, "predict_ms": 5.0}
    others = {"n": 1566, "auroc": 0.9947, "over_90": 0.033, "refused": 0.857}
    return {"n": 400, "n_slashed_zero": 30, "conditions": {"thin": row}, "nondigits": others} | changes


def test_a_card_says_how_the_weights_are_kept(tmp_path):
    model = MLP((8, 4), seed=1)
    card.write_card(tmp_path, model, {})
    assert "holds `W1 W2 W3` in float32, `b1 b2 b3` in int8" in (tmp_path / "README.md").read_text()
    quantize(model)
    card.write_card(tmp_path, model, {})
    text = (tmp_path / "README.md").read_text()
    assert "holds `W1 b1 W2 b2 b3` in int8, `W3` in float32" in text
    assert "quantized" in text


def test_a_card_says_how_a_network_is_put_together(tmp_path):
    said = {"It is 2 networks": "joined", "kernels of 8 by 8 pixels": "convolution", "W1 holds a kernel": "convolution"}
    said["or between hidden\nlayers (members"] = "joined"
    for kinds in ((), ("joined",), ("convolution",), ("joined", "convolution")):
        kernel_size = 8 * ("convolution" in kinds)
        members = [MLP((25, 4), kernel_size=kernel_size, seed=seed) for seed in range(1 + ("joined" in kinds))]
        card.write_card(tmp_path, joined(members), {})
        text = (tmp_path / "README.md").read_text()
        for sentence, kind in said.items():
            assert (sentence in text) == (kind in kinds), (sentence, kinds)


def test_a_card_speaks_of_mnist_only_where_mnist_was_measured(tmp_path):
    figures = {"errors": 1, "accuracy": 0.99, "loss": 0.1, "calibration_error": 0.01}
    splits = {"train": figures | {"images": 900}, "validation": figures | {"images": 100}}
    card.write_card(tmp_path, MLP((4,)), splits)
    text = (tmp_path / "README.md").read_text()
    assert "ylecun/mnist" not in text
    assert "60,000" not in text
    assert "## Results on its pictures" in text
    splits = {name: figures | {"images": count} for name, count in card.MNIST_IMAGES.items()}
    card.write_card(tmp_path, MLP((4,)), splits)
    text = (tmp_path / "README.md").read_text()
    assert "ylecun/mnist" in text
    assert "60,000" in text


def test_the_card_of_a_cross_fitted_network_says_what_was_unseen(tmp_path):
    figures = {"errors": 1, "accuracy": 0.99, "loss": 0.1, "calibration_error": 0.01}
    model = MLP((4,))
    model.info = {"training": {"cross_fit": True, "unseen_by_pairs": {"images": 12_000, "errors": 57}}}
    splits = {name: figures | {"images": count} for name, count in card.CROSS_FITTED_IMAGES.items()}
    card.write_card(tmp_path, model, splits)
    text = (tmp_path / "README.md").read_text()
    assert "ylecun/mnist" in text
    assert "12,000 images that two members left out; these two alone misread 57" in text
    assert "first 90%" not in text


def test_a_card_shows_the_score_on_drawings(tmp_path):
    model = MLP((4,), classes=11)
    card.write_card(tmp_path, model, {}, card.drawing_figures(scored()))
    text = (tmp_path / "README.md").read_text()
    assert "| thin | 98.50% | 1.00% | 0.70% |" in text
    assert "30 of the digits are slashed zeros; drawn as thin, it reads 27." in text
    assert "gives 3.3% of them a digit's name" in text
    card.write_card(tmp_path, weights.load(tmp_path), {})  # measured again, without drawings
    assert "drawings" not in weights.load(tmp_path).info


def without(name):
    given = scored()
    del given[name]
    return given


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (scored(nondigits={"n": 3}), "got one without 'auroc'"),
        (without("n"), "got one without 'n'"),
        (scored(conditions={"thin": {"accuracy": 0.9}}), "got one without"),
        ({}, "got one without 'n'"),
        (None, "got something else"),
        ([], "got something else"),
        (5, "got something else"),
        (scored(conditions=[1]), "got something else"),
        (scored(n=0), "numbers, for at least one digit"),
        (scored(n="many"), "numbers, for at least one digit"),
        (scored(n={}), "numbers, for at least one digit"),
        (scored(conditions={"thin": {"accuracy": {}, "slashed_zero": 1, "ece": 0, "refused": 1}}), "numbers, for"),
        (scored(n=None), "numbers, for at least one digit"),
        (scored(n=math.nan), "numbers, for at least one digit"),
        (scored(conditions={}), "numbers, for at least one digit"),
        (scored(nondigits={"n": 1, "auroc": math.nan, "over_90": 0.1, "refused": 0.1}), "numbers, for at least one"),
    ],
)
def test_a_scoring_of_something_else_is_refused(given, message):
    with pytest.raises(ValueError, match=f"expected the JSON of a scoring of drawings.*{message}"):
        card.drawing_figures(given)


@pytest.mark.parametrize("training", [{"epochs": "x", "epochs_done": 5}, {"cross_fit": True, "images": {"train": 1}}])
def test_settings_that_cannot_be_shown_leave_the_files_as_they_were(tmp_path, training):
    card.write_card(tmp_path, MLP((4,)), {})
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    model = MLP((4,), seed=1)
    model.info = {"training": training}
    figures = {"images": 60_000, "errors": 1, "accuracy": 0.99, "loss": 0.1, "calibration_error": 0.01}
    with pytest.raises(ValueError, match="a card cannot be made from "):
        card.write_card(tmp_path, model, {"train": figures} if "cross_fit" in training else {})
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_card_tells_what_was_learned_from_and_what_was_measured_apart(tmp_path):
    model, row = MLP((4,)), {"errors": 1, "accuracy": 0.99, "loss": 0.1, "calibration_error": 0.01}
    on_mnist = {name: row | {"images": count} for name, count in card.MNIST_IMAGES.items()}
    on_others = {"test": row | {"images": 1_000}}
    said = {(4_500, "mnist"): "a collection of handwritten digits", (54_000, "mnist"): "MNIST"}
    said |= {(4_500, "others"): "a collection of handwritten digits", (54_000, "others"): "MNIST"}
    for (count, measured), learned_from in said.items():
        model.info = {"training": {"images": {"train": count, "validation": 10}}}
        card.write_card(tmp_path, model, on_mnist if measured == "mnist" else on_others)
        text = (tmp_path / "README.md").read_text()
        assert f"trained on\n{learned_from}." in text
        assert ("## Results on MNIST" in text) == (measured == "mnist")
        assert ("first 90%" in text) == (learned_from == "MNIST")
