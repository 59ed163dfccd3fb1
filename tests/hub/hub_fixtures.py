"""What the tests of weights on the Hub share. Import the fixtures that a file needs by the names of their functions."""

import functools
import gzip
import os
import struct
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from hub_server import HubServer
from huggingface_hub import close_session, constants

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


@pytest.fixture(name="hub")
def hub_fixture(tmp_path, monkeypatch):
    """A Hub with three tokens and no repository; huggingface_hub of this process has a cache and a login of its own."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # the Hub's other protocol does not go over plain HTTP
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "WEIGHTS_REPO", "WEIGHTS_REVISION", "WEIGHTS_POLL_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    with HubServer() as server:
        server.add_user("ann", ANN)
        server.add_user("bob", BOB)
        server.add_user("ann", READER, role="read")
        yield server
    close_session()  # or a connection that is kept alive could reach this Hub when the next has its port


@pytest.fixture(name="published")
def published_fixture(hub):
    """The Hub with version 1 of the weights in ann/digits, tagged v1."""
    repo = hub.add_repo(REPO)
    hub.add_commit(REPO, "Version 1", version(1))
    repo.tags["v1"] = repo.branches["main"]
    return hub


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
    (folder / "README.md").write_bytes((weights.BUNDLED / "README.md").read_bytes())
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


def digits(copies=2):
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


def wait_for(condition, what="the condition"):
    """Returns what `condition()` gives once that is true."""
    end = time.monotonic() + WAIT_SECONDS
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {WAIT_SECONDS} s in vain for {what}"
        time.sleep(0.01)
    return value
