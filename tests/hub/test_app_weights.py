"""The app with weights from the Hub: it starts at once whatever the Hub does, and takes up new ones while it runs."""

import json
import urllib.request

import pytest
from conftest import EXAMPLES, serving
from gradio_client import Client, handle_file
from hub_helpers import REPO, environment, wait_for
from hub_server import silence, status

import weights


def slightly_changed(number, folder):
    """{name: bytes}: the bundled network, its last weights larger by some millionths."""
    network = weights.load()
    network.weights[-1] *= 1 + number * 1e-6
    weights.save_pretrained(network, folder)
    return {name: (folder / name).read_bytes() for name in ("model.safetensors", "config.json")}


@pytest.fixture
def stocked(hub, tmp_path):
    hub.add_repo(REPO)
    hub.add_commit(REPO, "Version 1", slightly_changed(1, tmp_path))
    return hub


@pytest.fixture
def app(stocked, tmp_path, monkeypatch):
    """app() starts `python app.py` with WEIGHTS_REPO and gives its address."""
    for name, value in environment(stocked, tmp_path / "home").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("WEIGHTS_REPO", REPO)
    monkeypatch.setenv("WEIGHTS_POLL_SECONDS", "0.2")
    return lambda: serving(tmp_path / "log.txt")


def health(url):
    with urllib.request.urlopen(f"{url}/health", timeout=60) as response:
        return json.load(response)


def names_the_seven(url):
    answer = Client(url, verbose=False).predict(handle_file(EXAMPLES / "7.png"), api_name="/predict")
    return max(answer, key=answer.get) == "7"


def head(hub):
    return hub.repos[REPO].branches["main"].oid


def test_the_last_good_weights_answer_whatever_the_hub_does_and_new_ones_are_taken_up(stocked, app, tmp_path):
    fault = stocked.fault("HEAD", "/resolve/", silence)
    with app() as url:
        stocked.wait_held()
        assert names_the_seven(url)
        assert stocked.held  # the Hub still has not answered
        assert health(url)["weights"]["source"] == "bundled"
        fault.clear()
        stocked.release()
        wait_for(lambda: health(url)["weights"]["revision"] == head(stocked))
        good = head(stocked)
        stocked.add_commit(REPO, "broken", {"model.safetensors": b"broken"})
        wait_for(lambda: "is refused" in (health(url)["weights"]["error"] or ""))
        assert health(url)["weights"]["revision"] == good
        assert names_the_seven(url)
        fault = stocked.fault("HEAD", "/resolve/", status(503))
        wait_for(lambda: "has trouble" in health(url)["weights"]["error"])
        assert names_the_seven(url)
        fault.clear()
        stocked.add_commit(REPO, "Version 2", slightly_changed(2, tmp_path))
        wait_for(lambda: health(url)["weights"]["revision"] == head(stocked))
        assert names_the_seven(url)
        assert health(url)["weights"]["error"] is None
