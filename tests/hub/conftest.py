"""A Hub of its own for each test, empty or with one version of the weights."""

import pytest
from hub_helpers import ANN, BOB, READER, REPO, version
from hub_server import HubServer
from huggingface_hub import close_session, constants


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A Hub with some tokens and no repository; huggingface_hub of this process has a cache and a login of its own."""
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


@pytest.fixture
def published(hub):
    """The Hub with version 1 of the weights in ann/digits, tagged v1."""
    repo = hub.add_repo(REPO)
    hub.add_commit(REPO, "Version 1", version(1))
    repo.tags["v1"] = repo.branches["main"]
    return hub
