"""The weights that are served: at once, always good, exchanged between two requests, and honest about what went wrong.

The fault table: whatever happens between here and the Hub, the last good weights answer, /health says what is wrong,
and once the fault is gone the newest weights are served without anybody's help.
"""

import contextlib
import dataclasses
import json
import logging
import re
import socket
import threading

import numpy as np
import pytest
from conftest import EXAMPLES
from fastapi.testclient import TestClient
from hub_helpers import ANN, BAD_COMMITS, READER, REPO, config, is_version, model, reads_digits, version, wait_for
from hub_server import drip, drop, flip_bit, flood, pause, redirect, silence, status, truncate, web_page
from huggingface_hub import constants

import weights
from nn.files import sha256_of
from nn.selftest import selftest_digits
from weights import current as serving
from weights.current import Settings
from weights.hub.client import Deadline
from weights.hub.problems import HubError
from weights.hub.pull import Repository, pull, remember
from weights.serving import http
from weights.serving.page import network as page


@pytest.fixture
def serve(hub, monkeypatch):
    """serve(revision=...) starts serving from the Hub; it looks often, and waits for answers as long as ever."""
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 2**20)
    started = []

    def serve(**options):
        hurry = {"poll_seconds": 0.1, "retry_seconds": 0.05}
        started.append(serving.start(Settings(**{"repo": REPO, "endpoint": hub.url} | hurry | options)))
        return started[-1]

    yield serve
    hub.release()
    for each in started:
        each.stop()
    for thread in threading.enumerate():  # one that lives on would ask a Hub that has gone, and end others' connections
        if thread.name in ("weights", "weights-look"):
            thread.join(30)


@contextlib.contextmanager
def impatient(served):
    """Short limits while a fault keeps silent. Not longer than that: on a slow machine good answers take their time."""
    usual = served.settings
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("weights.hub.pull.ANSWER_SECONDS", 0.5)
        patch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.5)
        served.settings = dataclasses.replace(usual, budget_seconds=1)
        yield
        served.settings = usual


def revision(served):
    return served.current.provenance.revision


def error(served):
    return served.health()["weights"]["error"]


def wait_for_version(served, number):
    wait_for(lambda: revision(served) and is_version(served.current.model, number), f"version {number}")
    wait_for(lambda: error(served) is None, "a report without an error")


def push(hub, number, **files):
    return hub.add_commit(REPO, f"Version {number}", version(number) | files)


# --- Starting and following -------------------------------------------------------------------------------------------


def test_without_a_repository_the_bundled_weights_are_served_without_a_request(hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    served = serving.start()
    assert served.current.model.widths == weights.load().widths
    assert not served.current.model.theta.flags.writeable
    assert served.health()["weights"]["source"] == "bundled"
    assert not hub.requests


def test_bundled_weights_answer_while_the_hub_still_holds_the_connection(published, serve):
    published.fault("HEAD", "/resolve/", silence)
    served = serve()
    published.wait_held()
    assert reads_digits(served.current.model)
    assert published.held
    assert served.health()["weights"]["source"] == "bundled"


def test_the_branch_is_followed_without_a_restart(published, serve):
    served = serve()
    wait_for_version(served, 1)
    second = push(published, 2)
    wait_for_version(served, 2)
    assert revision(served) == second


def test_a_tag_is_served(published, serve):
    push(published, 2)
    wait_for_version(serve(revision="v1"), 1)


def test_a_commit_is_pinned_for_ever(published, serve):
    first = published.repos[REPO].branches["main"].oid
    served = serve(revision=first)
    wait_for_version(served, 1)
    wait_for(lambda: served.versions, "the list of versions")
    push(published, 2)
    asked = published.seen("HEAD", "/resolve/")
    wait_for(lambda: not any(t.name == "weights" for t in threading.enumerate()), "the thread to end")
    assert published.seen("HEAD", "/resolve/") == asked
    assert revision(served) == first


def test_a_pinned_commit_gets_its_list_of_versions_after_a_failure(published, serve):
    fault = published.fault("GET", "/refs", status(503))
    served = serve(revision=published.repos[REPO].branches["main"].oid)
    wait_for(lambda: fault.met > 1)
    fault.clear()
    wait_for(lambda: served.versions, "the list of versions")
    wait_for(lambda: not any(t.name == "weights" for t in threading.enumerate()), "the thread to end")


def test_weights_from_the_cache_leave_the_time_of_the_last_check_empty(published, serve):
    first = published.repos[REPO].branches["main"].oid
    wait_for_version(serve(revision=first), 1)
    asked = published.seen("HEAD", "/resolve/")
    again = serve(revision=first)
    wait_for_version(again, 1)
    wait_for(lambda: not any(t.name == "weights" for t in threading.enumerate()), "the thread to end")
    assert published.seen("HEAD", "/resolve/") == asked
    assert again.health()["weights"]["checked"] is None


def test_a_roll_back_is_followed_like_any_commit(published, serve):
    push(published, 2)
    served = serve()
    wait_for_version(served, 2)
    push(published, 1)
    wait_for_version(served, 1)


def test_an_unchanged_branch_costs_one_small_request(published, serve):
    served = serve()
    wait_for_version(served, 1)
    wait_for(lambda: served.versions, "the list of versions")
    assert published.seen("GET", "/lfs/") == 1
    before = len(published.requests)
    wait_for(lambda: len(published.requests) > before + 3)
    assert set(published.requests[before:]) == {("HEAD", f"/{REPO}/resolve/main/model.safetensors")}


def test_versions_are_listed_again_after_a_failure_and_after_a_swap(published, serve):
    fault = published.fault("GET", "/refs", status(503))
    served = serve()
    wait_for_version(served, 1)
    wait_for(lambda: fault.met > 1)
    assert not served.versions
    fault.clear()
    wait_for(lambda: len(served.versions) == 1, "the list of versions")
    push(published, 2)
    wait_for(lambda: len(served.versions) == 2, "the newest version in the list")


def test_weights_of_the_last_run_are_served_when_the_hub_is_away(published, serve):
    wait_for_version(serve(), 1)
    published.fault("HEAD", "/", drop)
    again = serve()
    wait_for(lambda: revision(again) and is_version(again.current.model, 1))
    wait_for(lambda: error(again))


def test_refused_weights_of_the_last_run_are_not_served(published, serve):
    wait_for_version(serve(), 1)
    push(published, 2, **BAD_COMMITS["NaN"][0])
    snapshot = pull(Repository(REPO, endpoint=published.url))  # somebody pulls it by hand, without a look at it
    published.fault("HEAD", "/", drop)
    again = serve()
    wait_for(lambda: error(again))
    assert is_version(again.current.model, 1)
    remember(snapshot)  # as huggingface_hub's own programs do
    again = serve()
    wait_for(lambda: error(again))
    assert again.health()["weights"]["source"] == "bundled"


def test_private_weights_are_served_with_a_token(published, serve, monkeypatch):
    published.repos[REPO].private = True
    monkeypatch.setenv("HF_TOKEN", READER)
    wait_for_version(serve(), 1)


# --- Swapping ---------------------------------------------------------------------------------------------------------


def test_a_request_keeps_the_network_it_began_with(published, serve):
    served = serve()
    wait_for_version(served, 1)
    begun, provenance = served.current
    before = begun.theta.copy()
    push(published, 2)
    wait_for_version(served, 2)
    assert np.array_equal(begun.theta, before)
    assert not served.current.model.theta.flags.writeable
    assert provenance.revision != revision(served)


def test_every_answer_comes_from_one_whole_network(published, serve):
    """Requests all the while that weights are exchanged: each answer is that of the version its label says."""
    served = serve()
    wait_for_version(served, 1)
    pixels = selftest_digits()[0][:5]
    expected = {served.current.provenance.revision: model(1).predict_proba(pixels)}
    wrong, asked, done = [], [], threading.Event()

    def ask():
        while not done.is_set():
            network, provenance = served.current
            asked.append((provenance.revision, network.predict_proba(pixels)))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    [thread.start() for thread in threads]
    expected[push(published, 2)] = model(2).predict_proba(pixels)
    wait_for_version(served, 2)
    done.set()
    [thread.join() for thread in threads]
    wrong = [commit for commit, answer in asked if not np.array_equal(answer, expected[commit])]
    assert asked
    assert not wrong


def test_a_slow_download_delays_no_answer(published, serve):
    served = serve()
    wait_for_version(served, 1)
    published.fault("GET", "/lfs/", pause, times=1)
    push(published, 2)
    published.wait_held()
    assert is_version(served.current.model, 1)
    assert error(served) is None
    published.release()
    wait_for_version(served, 2)


# --- The fault table --------------------------------------------------------------------------------------------------

HEAD, MODEL, CONFIG = ("HEAD", "/resolve/"), ("GET", "/lfs/"), ("GET", "/config.json")
FAULTS = {
    "accepted and silent": (*HEAD, silence, "did not answer in time"),
    "silent while downloading": (*MODEL, silence, "took longer|did not"),
    "dropped": (*HEAD, drop, "cannot be reached, or broke off"),
    "401": (*HEAD, status(401, "Invalid credentials in Authorization header"), "token is not valid"),
    "403": (*HEAD, status(403), "may not do that"),
    "404": (*HEAD, status(404, error_code="RepoNotFound"), "no repository"),
    "branch gone": (*HEAD, status(404, error_code="RevisionNotFound"), "no such branch"),
    "429": (*HEAD, status(429), "asked too often"),
    "500": (*HEAD, status(500), "has trouble"),
    "503": (*HEAD, status(503), "has trouble"),
    "403 for the file": (*MODEL, status(403), "may not do that"),
    "500 for the file": (*MODEL, status(500), "has trouble"),
    "truncated body": (*MODEL, truncate, "took longer|cannot be reached, or broke off"),
    "one flipped bit": (*MODEL, flip_bit, "damaged on the way"),
    "one flipped bit in the config": (*CONFIG, flip_bit, "damaged on the way"),
    "an HTML page on the way": (*MODEL, web_page, "ended early"),
    "redirect to a dead host": (*MODEL, redirect("http://127.0.0.1:9/"), "cannot be reached|took longer"),
    "a body without an end": (*MODEL, flood, "more than .* bytes"),
}
# Found out by waiting alone, or by huggingface_hub's own retries, which take seconds.
SILENT = ("accepted and silent", "silent while downloading", "truncated body", "redirect to a dead host")


@pytest.mark.parametrize("name", FAULTS)
def test_faults_of_the_hub(published, serve, name, caplog):
    method, path, act, message = FAULTS[name]
    served = serve()
    wait_for_version(served, 1)
    with impatient(served) if name in SILENT else contextlib.nullcontext():
        fault = published.fault(method, path, act)
        push(published, 2)
        still_good_until(served, message)
    published.faults.remove(fault)
    published.release()
    wait_for_version(served, 2)
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("name", BAD_COMMITS)
def test_bad_commits(published, serve, name, caplog):
    files, message = BAD_COMMITS[name]
    served = serve()
    wait_for_version(served, 1)
    bad = published.add_commit(REPO, "bad", files)
    still_good_until(served, message)
    assert f"commit {bad[:8]} is refused" in error(served)
    push(published, 3)
    wait_for_version(served, 3)
    refusals = [record for record in caplog.records if "is refused" in record.message]
    assert len(refusals) == 1
    assert published.seen("GET", "/lfs/") <= 3


def still_good_until(served, message):
    """Waits until /health tells of the fault; version 1 answers all the while."""

    def reported():
        assert is_version(served.current.model, 1)
        return error(served) and re.search(message, error(served))

    wait_for(reported, f"{message!r}; health says {served.health()}")


def test_a_refused_connection(published, serve):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        served = serve(endpoint=f"http://127.0.0.1:{closed.getsockname()[1]}")
        wait_for(lambda: error(served) and "cannot be reached" in error(served))
        assert reads_digits(served.current.model)


def test_a_hub_that_is_away_at_the_start_is_found_later(published, serve):
    fault = published.fault("HEAD", "/", status(503))
    served = serve()
    wait_for(lambda: error(served))
    assert served.health()["weights"]["source"] == "bundled"
    fault.clear()
    wait_for_version(served, 1)


@pytest.mark.parametrize("damage", [b"", b"damaged", None])
def test_a_damaged_cache(published, serve, damage):
    wait_for_version(serve(), 1)
    blob = (pull(Repository(REPO, endpoint=published.url)).folder / "model.safetensors").resolve()
    blob.unlink() if damage is None else blob.write_bytes(damage)
    wait_for_version(serve(), 1)


def test_a_download_that_drips_for_ever_is_given_up(published, serve):
    """Nobody lets go of the old connection; the new look must not wait for it."""
    served = serve()
    wait_for_version(served, 1)
    with impatient(served):
        published.fault("GET", "/lfs/", drip)
        push(published, 2)
        wait_for(lambda: error(served))
    published.faults.clear()
    wait_for_version(served, 2)
    assert not published.released.is_set()


def test_a_look_that_was_given_up_changes_nothing(published, serve):
    served = serve()
    wait_for_version(served, 1)
    push(published, 2)
    late = pull(Repository(REPO, endpoint=published.url), "v1")
    wait_for_version(served, 2)
    given_up = Deadline()
    given_up.cancel()
    with pytest.raises(HubError):
        served._swap(late, given_up, serving.Look())
    assert served._failed("late news", given_up) is False
    assert is_version(served.current.model, 2)
    assert error(served) is None


def test_a_hub_that_never_lets_go_does_not_gather_threads(published, serve, monkeypatch):
    def stubborn(request, answer):
        published.hold()
        request.break_off()

    def all_left_behind():
        threads = [thread for thread in served._left_behind if thread.is_alive()]
        return len(threads) == serving.MOST_LEFT_BEHIND <= published.held

    monkeypatch.setattr("weights.hub.pull.ANSWER_SECONDS", None)  # not even the request ends by itself
    published.fault("HEAD", "/", stubborn)
    served = serve(budget_seconds=0.05)
    wait_for(all_left_behind)
    before, asked, checked = threading.active_count(), len(published.requests), served.look.checked
    wait_for(lambda: served.look.checked > checked, "another look")
    assert error(served)
    assert threading.active_count() <= before
    assert len(published.requests) == asked
    assert reads_digits(served.current.model)
    published.faults.clear()
    published.release()
    served.settings = dataclasses.replace(served.settings, budget_seconds=serving.BUDGET_SECONDS)
    wait_for_version(served, 1)


# --- Health, log and page ---------------------------------------------------------------------------------------------


def test_health_names_the_served_weights(published, serve):
    served = serve()
    wait_for_version(served, 1)
    client = TestClient(http.api(served, EXAMPLES / "7.png"))
    health = client.get("/health").json()
    assert health["status"] == "ok"
    assert health["weights"] == {
        "source": REPO,
        "revision": published.repos[REPO].branches["main"].oid,
        "sha256": sha256_of(pull(Repository(REPO, endpoint=published.url)).folder / "model.safetensors"),
        "since": health["weights"]["since"],
        "wanted": f"{REPO}@main",
        "checked": health["weights"]["checked"],
        "error": None,
    }


def test_one_line_for_each_start_swap_and_refusal(published, serve, caplog):
    caplog.set_level(logging.INFO)
    served = serve()
    wait_for_version(served, 1)
    bad = published.add_commit(REPO, "bad", BAD_COMMITS["NaN"][0])
    wait_for(lambda: error(served))
    asked = published.seen("HEAD", "/model.safetensors")
    wait_for(lambda: published.seen("HEAD", "/model.safetensors") > asked + 3)
    lines = [record.message for record in caplog.records if record.name == "weights.current"]
    start, swap, refusal = lines
    assert start.startswith("weights: serving bundled (sha256 ")
    assert swap.startswith(f"weights: now serving {REPO}@main, commit ")
    assert refusal.startswith(
        f"weights: commit {bad[:8]} is refused: model.safetensors: W1 holds NaN or infinity; still"
    )


def test_a_token_appears_neither_in_health_nor_on_the_page_nor_in_the_log(published, serve, monkeypatch, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    published.repos[REPO].private = True
    for token in (ANN, "hf_SomeExpiredToken", "hf_with a blank", "hf_with\nline"):
        monkeypatch.setenv("HF_TOKEN", token)
        served = serve()
        wait_for(lambda served=served: error(served) or revision(served))
        shown = json.dumps(served.health()) + page.render(served) + repr(served.settings) + caplog.text
        assert token not in shown + "".join(capfd.readouterr())
        served.stop()


def test_the_page_shows_the_served_weights_and_the_published_versions(published, serve):
    push(published, 2)
    served = serve()
    wait_for_version(served, 2)
    wait_for(lambda: served.versions)
    shown = page.render(served)
    for text in (
        REPO,
        revision(served),
        served.current.provenance.sha256,
        "test 99.16% (84 errors)",
        "v1",
        "main",
    ):
        assert text in shown


@pytest.mark.parametrize(
    "number", [10**400, float("nan"), float("inf"), -1e300], ids=["huge", "NaN", "infinite", "low"]
)
def test_a_figure_that_cannot_be_shown_is_left_out(published, serve, number):
    changed_config = config(results={"test": {"accuracy": number, "errors": 84}})
    published.add_commit(REPO, "Version 2", changed_config(version(2)))
    served = serve()
    wait_for_version(served, 2)
    wait_for(lambda: served.versions)
    assert served.current.provenance.results == {"test": {"errors": 84}}
    assert "not stated" in page.render(served)


def test_names_from_the_hub_are_escaped_on_the_page(published, serve):
    published.repos[REPO].tags["<img src=x>"] = published.repos[REPO].branches["main"]
    served = serve()
    wait_for(lambda: served.versions)
    assert "<img" not in page.render(served)
    assert "&lt;img" in page.render(served)


def test_the_page_is_read_only():
    """The view has one listener, and it takes nothing from the visitor."""
    import gradio

    with gradio.Blocks() as blocks:
        page.view(serving.start(Settings()))
    (listener,) = blocks.fns.values()
    assert listener.inputs == []


# --- Settings ---------------------------------------------------------------------------------------------------------


def test_settings_come_from_the_environment(monkeypatch):
    for name, value in {"REPO": REPO, "REVISION": "v1", "POLL_SECONDS": "60"}.items():
        monkeypatch.setenv(f"WEIGHTS_{name}", value)
    assert Settings.from_environment() == Settings(REPO, "v1", 60)


MISTAKES = [
    {"WEIGHTS_REPO": "digits"},
    {"WEIGHTS_REVISION": "../x", "WEIGHTS_REPO": REPO},
    {"WEIGHTS_REVISION": "v1"},
]


@pytest.mark.parametrize("given", ["soon", "0", "inf", "1e+300"])
def test_a_wrong_interval_is_reported_and_the_usual_one_is_taken(monkeypatch, caplog, given):
    monkeypatch.setenv("WEIGHTS_REPO", REPO)
    monkeypatch.setenv("WEIGHTS_POLL_SECONDS", given)
    assert Settings.from_environment() == Settings(REPO)
    assert f"got {given!r}" in caplog.text


@pytest.mark.parametrize("variables", MISTAKES, ids=lambda variables: " ".join(variables))
def test_a_mistake_in_the_environment_is_reported_and_the_bundled_weights_are_served(hub, monkeypatch, variables):
    name, *_ = variables
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    served = serving.start()
    assert reads_digits(served.current.model)
    assert name in error(served)
    assert not hub.requests
