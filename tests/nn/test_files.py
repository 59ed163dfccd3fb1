"""Networks on disk: round trips, and every way the files can be wrong."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, output_of
from safetensors.numpy import load_file, save_file

import weights
from nn import MLP
from nn.calibrate import Calibration
from nn.fast.committee import joined
from weights import WeightsError


@pytest.fixture
def folder(tmp_path):
    model = MLP((32, 16), "sigmoid", seed=3, mean=0.13, std=0.31, calibration=Calibration(1.7))
    model.info = {"training": {"seed": 3}}
    weights.save_pretrained(model, tmp_path)
    return tmp_path


X = np.random.default_rng(0).random((5, 784), np.float32)


def test_what_is_saved_is_what_is_loaded(folder, tmp_path):
    model = weights.load(folder)
    assert (model.widths, model.activation, model.calibration.temperature) == ((784, 32, 16, 10), "sigmoid", 1.7)
    assert model.info == {"training": {"seed": 3}}
    weights.save_pretrained(model, tmp_path / "again")
    np.testing.assert_array_equal(weights.load(tmp_path / "again").predict_proba(X), model.predict_proba(X))
    for name in ("model.safetensors", "config.json"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize(("kernel_size", "shape"), [(0, (784, 100)), (8, (64, 4))])
def test_a_joined_network_that_knows_what_is_no_digit_comes_back_as_it_was(tmp_path, kernel_size, shape):
    model = joined([MLP((25, 4), kernel_size=kernel_size, seed=seed, classes=11) for seed in range(4)])
    model.calibration = Calibration(1.2, 1.6)
    weights.save_pretrained(model, tmp_path)
    again = weights.load(tmp_path)
    assert (again.members, again.kernel_size, again.calibration) == (4, kernel_size, Calibration(1.2, 1.6))
    tensors = load_file(tmp_path / "model.safetensors")
    assert (tensors["W1"].shape, tensors["W2"].shape) == (shape, (4, 25, 4))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert not again.info


@pytest.mark.parametrize(
    ("number", "dtype"),
    [(-128, "int8"), (128, "float16"), (0.5, "float16"), (0.1, "float32"), (1e6, "float32"), (np.nan, "float32")],
)
def test_a_tensor_is_written_in_the_smallest_dtype_that_loses_nothing(tmp_path, number, dtype):
    model = MLP((32,))
    model.biases[0][0] = number
    weights.save_pretrained(model, tmp_path)
    dtypes = {name: array.dtype.name for name, array in load_file(tmp_path / "model.safetensors").items()}
    assert dtypes == {"W1": "float32", "b1": dtype, "W2": "float32", "b2": "int8"}
    if np.isfinite(number):
        np.testing.assert_array_equal(weights.load(tmp_path).theta, model.theta)
        assert weights.load(tmp_path).theta.dtype == np.float32


def test_double_precision_is_for_memory_alone(tmp_path):
    weights.save_pretrained(MLP((32,), dtype=np.float64), tmp_path)
    assert weights.load(tmp_path).theta.dtype == np.float32


def change(**tensors):
    def spoil(folder):
        arrays = load_file(folder / "model.safetensors")
        save_file({k: v for k, v in (arrays | tensors).items() if v is not None}, folder / "model.safetensors")

    return spoil


def replace_with(content):
    return lambda folder: (folder / "model.safetensors").write_bytes(content)


def configure(**values):
    def spoil(folder):
        config = json.loads((folder / "config.json").read_text()) | values
        (folder / "config.json").write_text(json.dumps({k: v for k, v in config.items() if v is not None}))

    return spoil


def truncate(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-40])


WRONG = {
    "no file": (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors: no such file"),
    "no config": (lambda folder: (folder / "config.json").unlink(), "config.json: no such file"),
    "truncated": (truncate, "model.safetensors: cannot be read"),
    "empty": (replace_with(b""), "model.safetensors: cannot be read"),
    "web page": (replace_with(b"<!doctype html><html></html>"), "model.safetensors: cannot be read"),
    "LFS pointer": (replace_with(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n"), "cannot be read"),
    "pickle": (replace_with(b"\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00\x8c\x0bhello"), "cannot be read"),
    "a tensor missing": (change(b1=None), r"expected tensors .* found"),
    "a tensor too many": (change(W9=np.zeros(3, np.float32)), r"expected tensors .* found"),
    "transposed": (change(W2=np.zeros((16, 32), np.float32)), r"W2 has shape \(16, 32\), config.json says \(32, 16\)"),
    "float64": (change(b1=np.zeros(32)), "b1 is float64, expected float32"),
    "NaN": (change(b1=np.full(32, np.nan, np.float32)), "b1 holds NaN or infinity"),
    "infinity": (change(b1=np.full(32, np.inf, np.float32)), "b1 holds NaN or infinity"),
    "other widths": (configure(widths=[784, 64, 16, 10]), r"has shape .* config.json says"),
    "config not JSON": (lambda folder: (folder / "config.json").write_text("{"), "config.json: cannot be read as JSON"),
    "config of another model": (configure(model_type="bert"), 'expected an object with "model_type"'),
    "config incomplete": (configure(std=None, mean=None), "mean, std missing"),
    "activation unknown": (configure(activation="swish"), "does not describe a network: activation"),
    "widths no list": (configure(widths=7), "does not describe a network"),
    "widths no integers": (
        configure(widths=[784.9, 32, 16, 10]),
        "does not describe a network: widths must be integers, got 784.9",
    ),
    "width of infinity": (configure(widths=[784, float("inf"), 10]), "widths must be integers, got inf"),
    "mean too large for a float": (configure(mean=10**1000), "does not describe a network: int too large"),
    "mean not finite": (configure(mean=float("nan")), "does not describe a network: mean and std"),
    "odds temperature zero": (configure(odds_temperature=0), "temperatures must be finite and at least 1e-06"),
    "members that do not share": (configure(members=3), "does not describe a network: 3 members cannot share"),
    "members without hidden layers": (configure(widths=[784, 10], members=10**9), "1000000000 members cannot share"),
    "members no integer": (configure(members=2.0), "does not describe a network: members must be a positive integer"),
    "a linear layer that there is not": (
        configure(linear=[2]),
        "does not describe a network: linear layers are numbers",
    ),
    "linear layers no list": (configure(linear=1), "does not describe a network"),
    "linear layers no numbers": (configure(linear=[[1]]), "does not describe a network: linear layers are numbers"),
    "a million linear layers": (
        configure(linear=[0] * 10**6),
        "does not describe a network: linear layers are numbers",
    ),
    "kernels that do not fit": (configure(kernel_size=8), "does not describe a network: kernels of 8 pixels need"),
    "kernels of no size": (
        configure(kernel_size=0),
        "does not describe a network: a kernel has 4, 8, 12, 16, 20 pixels",
    ),
    "windows, as before there were kernels": (
        configure(window=8),
        "its units see windows, which this version no longer",
    ),
    "more units than memory": (
        configure(widths=[784, 25_000, 10], kernel_size=8),
        "does not describe a network: 25,000 units in a hidden layer, at most 16,384 are accepted",
    ),
    "odds without a class": (configure(odds_temperature=1.5), "does not describe a network: odds_temperature is for"),
    "members no number": (configure(members="all"), "does not describe a network"),
    "temperature near zero": (configure(temperature=1e-320), "does not describe a network: temperatures must be"),
    "std zero": (configure(std=0), "does not describe a network"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_damaged_files_are_refused_and_named(folder, wrong):
    spoil, message = WRONG[wrong]
    spoil(folder)
    with pytest.raises(WeightsError, match=message) as error:
        weights.load(folder)
    assert str(folder) in str(error.value)


def test_a_disk_that_fills_up_between_the_two_files_leaves_the_earlier_network(folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr(Path, "write_text", lambda *_: (_ for _ in ()).throw(OSError("no space left on device")))
    with pytest.raises(OSError, match="no space"):
        weights.save_pretrained(MLP((32, 16), "sigmoid"), folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_saving_fails_whole_or_not_at_all(folder, monkeypatch):
    before = (folder / "model.safetensors").read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("no space left on device")))
    with pytest.raises(OSError, match="no space"):
        weights.save_pretrained(MLP((32, 16), "sigmoid"), folder)
    assert (folder / "model.safetensors").read_bytes() == before


def test_files_of_two_networks_of_one_shape_are_refused(folder, monkeypatch):
    replaced = []

    def replace_once(source, target):
        if replaced:
            raise OSError("the machine stopped")
        replaced.append(target)
        Path(source).rename(target)

    monkeypatch.setattr("os.replace", replace_once)
    with pytest.raises(OSError, match="stopped"):
        weights.save_pretrained(MLP((32, 16), "sigmoid", seed=4), folder)
    with pytest.raises(WeightsError, match=r"model.safetensors: not the file that was saved with config.json"):
        weights.load(folder)


def test_a_network_that_was_saved_without_a_checksum_is_loaded(folder):
    configure(sha256=None)(folder)
    assert weights.load(folder).info == {"training": {"seed": 3}}


def test_a_config_in_any_language_is_read_wherever_the_program_runs(folder):
    config = json.loads((folder / "config.json").read_text("utf-8")) | {"author": "Zoë"}
    (folder / "config.json").write_text(json.dumps(config, ensure_ascii=False), "utf-8")
    command = [sys.executable, "-c", f"import weights; print(ascii(weights.load({str(folder)!r}).info['author']))"]
    plain = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert output_of(command, cwd=ROOT, env=plain).strip() == ascii("Zoë")
