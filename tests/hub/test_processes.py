"""Processes that die or starve in the middle: nothing half done is ever seen, and running again completes it."""

import json
import resource
import signal
import subprocess
import sys

import pytest
from hub_helpers import ANN, FILES, REPO, ROOT, command, environment, folder_of, model, version, wait_for, write_idx
from hub_server import pause_after, silence, stall

# Serves weights as the app does; for each line on its input it prints its health, and whether it reads digits.
SERVER = """
import json, resource, sys
import numpy as np
if len(sys.argv) > 1:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
from weights import current
from nn.selftest import selftest_digits
served = current.start()
pixels, labels = selftest_digits()
for line in sys.stdin:
    network, provenance = served.current
    right = bool((network.predict_proba(pixels).argmax(axis=1) == labels).mean() >= 0.9)
    print(json.dumps({"right": right} | served.health()), flush=True)
"""


class Process:
    """A process that takes `hub` for the Hub."""

    def __init__(self, hub, home, *arguments, **variables):
        self.process = subprocess.Popen(
            arguments,
            cwd=ROOT,
            env=environment(hub, home) | {"PYTHONDONTWRITEBYTECODE": "1"} | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def finish(self):
        out, err = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, out + err
        return out

    def ask(self):
        """The health of a serving process, whose answers must be right at any time."""
        self.process.stdin.write("how are you?\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert answer["right"]
        return answer["weights"]


@pytest.fixture
def start(published, tmp_path):
    """start("-m", "weights", ...) with one cache for all processes of a test; the rest is killed in the end."""
    started = []

    def start(*arguments, **variables):
        started.append(Process(published, tmp_path / "home", *arguments, **variables))
        return started[-1]

    yield start
    published.release()
    for each in started:
        each.kill()


@pytest.fixture
def serve(start):
    def serve(*arguments, **variables):
        followed = {"WEIGHTS_REPO": REPO, "WEIGHTS_POLL_SECONDS": "0.2"}
        return start(sys.executable, "-c", SERVER, *arguments, **followed, **variables)

    return serve


@pytest.fixture
def push(start, tmp_path):
    folder, data = folder_of(model(2), tmp_path / "mine"), write_idx(tmp_path / "mnist")
    arguments = command("push", REPO, "--folder", folder, "--data", data, "--tag", "v2")
    return lambda: start(*arguments, HF_TOKEN=ANN)


@pytest.mark.parametrize(
    ("request_", "fault", "commits_then", "tags_then"),
    [
        (("POST", "/commit/"), silence, 2, {"v1"}),
        (("POST", "/commit/"), pause_after, 3, {"v1"}),
        (("POST", "/tag/"), pause_after, 3, {"v1", "v2"}),
    ],
    ids=["after the upload, before the commit", "after the commit, before the tag", "after the tag"],
)
def test_a_push_that_is_killed_is_completed_by_running_it_again(
    published, push, request_, fault, commits_then, tags_then
):
    fault = published.fault(*request_, fault)
    pushing = push()
    published.wait_held()
    pushing.kill()
    fault.clear()
    published.release()
    repo = published.repos[REPO]
    assert len(repo.commits) == commits_then
    assert set(repo.tags) == tags_then
    printed = push().finish()
    assert repo.branches["main"].oid in printed
    assert len(repo.commits) == 3
    assert repo.tags["v2"] is repo.branches["main"]
    assert {name: repo.branches["main"].files[name] for name in FILES} == version(2)


def test_a_pull_that_is_killed_leaves_nothing_half_behind(published, start, tmp_path):
    fault = published.fault("GET", "/lfs/", stall)
    pulling = start(*command("pull", REPO))
    published.wait_held()
    pulling.kill()
    fault.clear()
    published.release()
    start(*command("pull", REPO, "--folder", tmp_path / "copy")).finish()
    assert (tmp_path / "copy" / "model.safetensors").read_bytes() == version(1)["model.safetensors"]


def test_a_server_that_is_killed_while_pulling_serves_good_weights_again(published, serve):
    first = serve()
    wait_for(lambda: first.ask()["source"] == REPO)
    published.add_commit(REPO, "Version 2", version(2))
    fault = published.fault("GET", "/lfs/", stall)
    second = serve()
    published.wait_held()
    wait_for(lambda: second.ask()["source"] == REPO, "the weights of the last run")
    second.kill()
    fault.clear()
    published.release()
    third = serve()
    head = published.repos[REPO].branches["main"].oid
    wait_for(lambda: third.ask()["revision"] == head)


def test_a_full_disk_is_reported_and_survived(published, serve):
    """A limit on the size of files stands for the full disk: the operating system refuses in the same place."""
    served = serve("10000")
    wait_for(lambda: "cannot be written" in (served.ask()["error"] or ""))
    assert served.ask()["source"] == "bundled"
    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    wait_for(lambda: served.ask()["source"] == REPO)
    assert served.ask()["error"] is None


def test_a_token_appears_in_no_output(published, start, serve):
    published.repos[REPO].private = True
    token = "hf_SomeExpiredToken"
    served = serve(HF_TOKEN=token)
    assert "token is not valid" in wait_for(lambda: served.ask()["error"])
    failing = start(*command("push", REPO), HF_TOKEN=token, HF_DEBUG="")
    for each, code in ((served, 0), (failing, 1)):
        out, err = each.process.communicate(timeout=120)
        assert each.process.returncode == code
        assert "token is not valid" in err
        assert token not in out + err
    assert token in published.tokens_seen
