"""Small networks to publish, and processes that take a test's server for the Hub."""

import functools
import gzip
import json
import os
import re
import struct
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import weights
from nn import MLP
from nn.pictures.mnist import Dataset, Split
from nn.selftest import selftest_digits

ROOT = Path(__file__).parents[2]
REPO = "ann/digits"
ANN, BOB, READER = "hf_AnnMayWriteHerOwnRepositories", "hf_BobMayWriteHisOwnRepositories", "hf_AnnMayOnlyReadWithThis"
FILES = ("model.safetensors", "config.json", "README.md")

# Generous: a machine that trains a network on the side is slow, and waiting ends as soon as the condition holds.
WAIT_SECONDS = 60


def environment(hub, home):
    """Variables for a process of its own that takes `hub` for the Hub."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING", "WEIGHTS_"))}
    return kept | {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }


def command(*arguments):
    """`python -m weights ...` as a list."""
    return [sys.executable, "-m", "weights", *map(str, arguments)]


# --- Weights ----------------------------------------------------------------------------------------------------------


def model(number=0):
    """A small network that reads the bundled digits; each number has other bytes, and hardly other answers."""
    network = MLP(())
    network.theta[...] = fitted() * (1 + number * 1e-4)
    network.info = {"edition": number, "results": {"test": {"images": 10_000, "errors": 84, "accuracy": 0.9916}}}
    return network


@functools.cache
def fitted():
    """Parameters of a network without hidden layers, by least squares on the bundled digits: a file of 31 KB."""
    pixels, labels = selftest_digits()
    X = np.c_[pixels, np.ones(len(pixels))]
    return np.linalg.solve(X.T @ X + np.eye(X.shape[1]), X.T @ np.eye(10)[labels]).ravel() * 20


def folder_of(network, folder):
    """Files for publishing."""
    weights.save_pretrained(network, folder)
    card = (weights.BUNDLED / "README.md").read_text("utf-8")
    accuracy = network.info.get("results", {}).get("test", {}).get("accuracy", 0)
    (folder / "README.md").write_text(re.sub(r"(?m)^( +value:) .*$", rf"\1 {accuracy}", card), "utf-8")
    return folder


@functools.cache
def version(number, change=None):
    """{name: bytes} of the files of `model(number)`, after `change(network)`."""
    network = model(number)
    if change:
        change(network)
    with tempfile.TemporaryDirectory() as folder:
        folder_of(network, Path(folder))
        return {name: (Path(folder) / name).read_bytes() for name in FILES}


def blind_to_nine(network):
    """Enough for every check of the files, and clearly worse."""
    network.biases[-1][9] -= 1000


def digits(copies=10):
    """Test images: the bundled digits with some noise, so that no data need to be at hand."""
    pixels, labels = selftest_digits()
    rng = np.random.default_rng(0)
    noisy = [np.clip(pixels + rng.normal(0, 0.05, pixels.shape), 0, 1) for _ in range(copies)]
    images = np.rint(np.concatenate(noisy) * 255).astype(np.uint8).reshape(-1, 28, 28)
    split = Split(images, np.tile(labels, copies))
    return Dataset(split, split, split)


def write_idx(folder):
    """The same images as a folder of MNIST's IDX files."""
    folder.mkdir()
    test = digits().test
    for part in ("train", "t10k"):
        for kind, magic, array in (("images-idx3", 0x803, test.images), ("labels-idx1", 0x801, test.labels)):
            header = struct.pack(f">{1 + array.ndim}I", magic, *array.shape)
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes()))
    return folder


@functools.cache
def answers(number):
    """What `model(number)` says to the bundled digits."""
    return model(number).predict_proba(selftest_digits()[0])


def is_version(network, number):
    """Whether it answers as `model(number)` does, to the last bit."""
    return np.array_equal(network.predict_proba(selftest_digits()[0]), answers(number))


def reads_digits(network):
    pixels, labels = selftest_digits()
    return (network.predict_proba(pixels).argmax(axis=1) == labels).mean() >= 0.9


# --- Commits with bad files, and the message that each is refused with ------------------------------------------------


def nan(network):
    network.weights[0][3, 3] = float("nan")


def transposed(network):
    network.weights[0][...] = network.weights[0].T.reshape(network.weights[0].shape)


def permuted(network):
    for array in (network.weights[-1], network.biases[-1]):
        array[..., :10] = array[..., :10][..., ::-1].copy()


def config(**changes):
    def change(files):
        return files | {"config.json": json.dumps(json.loads(files["config.json"]) | changes).encode()}

    return change


def replace(content):
    return lambda files: files | {"model.safetensors": content}


BAD_COMMITS = {
    "NaN": (version(2, nan), "holds NaN or infinity"),
    "arrays transposed": (version(2, transposed), "reads .* of 50 test digits"),
    "labels in another order": (version(2, permuted), "reads .* of 50 test digits"),
    "a config of other widths": (config(widths=[784, 3, 10])(version(2)), "expected tensors|has shape"),
    "a config that claims all memory": (config(widths=[784, 10**9, 10])(version(2)), "parameters, at most"),
    "an infinite width": (config(widths=[784, 1e999, 10])(version(2)), "does not describe a network"),
    "a NaN mean": (config(mean=float("nan"))(version(2)), "must be finite"),
    "a config nested too deep": (version(2) | {"config.json": b"[" * 100_000}, "cannot be read as JSON"),
    "a pickle": (replace(b"\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00\x8c\x0bhello")(version(2)), "cannot be read"),
    "an HTML page": (replace(b"<!doctype html><html></html>")(version(2)), "cannot be read as safetensors"),
    "an LFS pointer": (replace(b"version https://git-lfs.github.com/spec/v1\noid x\n")(version(2)), "cannot be read"),
}


# --- Waiting ----------------------------------------------------------------------------------------------------------


def wait_for(condition, what="the condition"):
    """Returns what `condition()` gives once that is true."""
    end = time.monotonic() + WAIT_SECONDS
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {WAIT_SECONDS} s in vain for {what}"
        time.sleep(0.01)
    return value
