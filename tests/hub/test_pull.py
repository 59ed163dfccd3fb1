"""Pulling weights from the Hub: pinned to a commit, checked by its checksums, plain words for whatever goes wrong."""

import json
import socket

import pytest
from hub_helpers import ANN, BAD_COMMITS, READER, REPO, config, is_version, version
from hub_server import changed, drop, flip_bit, flood, silence, status, truncate, web_page
from huggingface_hub import constants

import weights
from nn.files import LONGEST_MESSAGE, WeightsError
from weights.current import without_folder
from weights.hub.client import Damaged
from weights.hub.problems import HubError
from weights.hub.pull import WEIGHT_FILES, Repository, list_versions, pull


def at(hub, name=REPO, **options):
    return Repository(name, endpoint=hub.url, **options)


def blob(path):
    return path.resolve()


# --- Pulled files -----------------------------------------------------------------------------------------------------


def test_pulled_weights_are_the_published_bytes_and_give_the_same_answers(published):
    snapshot = pull(at(published))
    for name, content in version(1).items():
        if name != "README.md":
            assert (snapshot.folder / name).read_bytes() == content
    assert is_version(weights.from_pretrained(REPO, endpoint=published.url), 1)


def test_branch_tag_and_commit_name_the_same_weights(published):
    head = published.repos[REPO].branches["main"].oid
    assert {pull(at(published), revision).commit for revision in (None, "main", "v1", head)} == {head}


def test_a_commit_stays_what_it_was_when_the_branch_moves_on(published):
    first = pull(at(published))
    published.add_commit(REPO, "Version 2", version(2))
    assert pull(at(published), first.commit).sha256 == first.sha256
    assert pull(at(published)).sha256 != first.sha256


def test_two_commits_are_never_mixed(published):
    """A push lands between the question for the commit and the download of the config."""
    published.add_commit(REPO, "Version 2", version(2))

    def push_then_answer(request, answer):
        published.add_commit(REPO, "Version 3", {"config.json": b"{}"})
        answer()

    published.fault("GET", "/lfs/", push_then_answer, times=1)
    snapshot = pull(at(published))
    assert (snapshot.folder / "config.json").read_bytes() == version(2)["config.json"]


def test_a_commit_in_the_cache_needs_no_request(published):
    commit = pull(at(published)).commit
    before = len(published.requests)
    pull(at(published), commit)
    assert len(published.requests) == before


def test_pulled_weights_load_without_a_network(published):
    weights.from_pretrained(REPO, endpoint=published.url)
    published.fault("HEAD", "/", drop)
    assert is_version(weights.from_pretrained(REPO, local_files_only=True), 1)


def test_without_network_and_cache_there_are_no_weights(hub):
    with pytest.raises(HubError, match="not in the cache"):
        weights.from_pretrained(REPO, local_files_only=True, endpoint=hub.url)


@pytest.mark.parametrize("damage", ["flipped", "truncated", "emptied", "link gone"])
def test_a_damaged_cache_heals(published, damage):
    snapshot = pull(at(published))
    path = blob(snapshot.folder / "model.safetensors")
    data = bytearray(path.read_bytes())
    if damage == "flipped":
        data[-9] ^= 16
    path.write_bytes({"flipped": data, "truncated": data[:1000], "emptied": b"", "link gone": data}[damage])
    if damage == "link gone":
        path.unlink()
    for revision in ("main", snapshot.commit):
        assert is_version(weights.from_pretrained(REPO, revision, endpoint=published.url), 1)


def test_a_damaged_cache_is_not_trusted_without_a_network(published):
    weights.from_pretrained(REPO, endpoint=published.url)
    path = blob(pull(at(published)).folder / "model.safetensors")
    path.write_bytes(flip(path.read_bytes()))
    with pytest.raises(HubError, match="damaged"):
        pull(Repository(REPO), local_files_only=True)


def flip(data):
    return data[:-9] + bytes([data[-9] ^ 16]) + data[-8:]


# --- Refused files ----------------------------------------------------------------------------------------------------

SPOILT_BODIES = {"one flipped bit": flip_bit, "a web page": web_page, "too long": changed(lambda body: body + b"x")}


@pytest.mark.parametrize("file", ["/lfs/", "/config.json"])
@pytest.mark.parametrize("body", SPOILT_BODIES)
def test_a_body_that_was_changed_on_the_way_is_refused(published, file, body):
    fault = published.fault("GET", file, SPOILT_BODIES[body])
    with pytest.raises((HubError, Damaged), match=r"damaged on the way|ended early"):
        pull(at(published))
    fault.clear()
    assert is_version(weights.from_pretrained(REPO, endpoint=published.url), 1)


def test_a_file_that_claims_to_be_too_large_is_not_downloaded(published, monkeypatch):
    monkeypatch.setitem(WEIGHT_FILES, "config.json", 100)
    with pytest.raises(weights.WeightsError, match=r"config.json has [\d,]+ bytes, at most 100 are accepted"):
        pull(at(published))


@pytest.mark.parametrize("text", ["x" * 500_000, "x\n2026 INFO weights: all is well\x1b[2J"], ids=["long", "in lines"])
@pytest.mark.parametrize("place", ["activation", "type of a tensor"])
def test_what_files_say_cannot_flood_or_forge_a_message(published, place, text):
    """The message goes into logs, onto terminals, and to everybody who asks for /health."""
    if place == "activation":
        files = config(activation=text)(version(2))
    else:
        header = json.dumps({"W1": {"dtype": text, "shape": [1], "data_offsets": [0, 4]}}).encode()
        files = version(2) | {"model.safetensors": len(header).to_bytes(8, "little") + header + bytes(4)}
    published.add_commit(REPO, "hostile", files)
    with pytest.raises(weights.WeightsError) as error:
        weights.from_pretrained(REPO, endpoint=published.url)
    assert len(str(error.value)) <= LONGEST_MESSAGE + 1
    assert str(error.value).isprintable()


def test_a_body_without_an_end_is_cut_off(published, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 2**20)
    published.fault("GET", "/lfs/", flood)
    with pytest.raises(Damaged, match=r"more than .* bytes arrived"):
        pull(at(published))


@pytest.mark.parametrize("bad", BAD_COMMITS)
def test_a_commit_with_bad_files_is_refused_and_says_why(published, bad):
    weights.from_pretrained(REPO, endpoint=published.url)
    files, message = BAD_COMMITS[bad]
    published.add_commit(REPO, "bad", files)
    with pytest.raises(weights.WeightsError, match=message) as error:
        weights.from_pretrained(REPO, endpoint=published.url)
    assert "/" not in without_folder(error.value)
    # and whoever starts without a network next has the last good ones
    assert is_version(weights.from_pretrained(REPO, local_files_only=True), 1)


# --- Plain words ------------------------------------------------------------------------------------------------------

ANSWERS = {
    "401": (status(401, "Invalid credentials in Authorization header"), "token is not valid"),
    "403": (status(403), "may not do that"),
    "404": (status(404, error_code="RepoNotFound"), "no repository ann/digits, or a private one"),
    "no such revision": (status(404, error_code="RevisionNotFound"), "no such branch, tag or commit"),
    "no such file": (status(404, error_code="EntryNotFound"), "holds no weights"),
    "gated": (status(403, error_code="GatedRepo"), "is gated: ask for access"),
    "429": (status(429), "asked too often"),
    "500": (status(500), r"has trouble \(status 500\)"),
    "503": (status(503), r"has trouble \(status 503\)"),
    "dropped": (drop, "cannot be reached, or broke off"),
    "silent": (silence, "did not answer in time"),
    "no Hub at all": (lambda request, answer: request.send(200, b"hello"), "does not come from a Hub"),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_errors_of_the_hub_are_in_plain_words(published, answer, monkeypatch):
    act, message = ANSWERS[answer]
    if act is silence:  # others get their time, on a slow machine too
        monkeypatch.setattr("weights.hub.pull.ANSWER_SECONDS", 0.3)
    published.fault("HEAD", "/", act)
    with pytest.raises(HubError, match=message):
        pull(at(published))


def test_a_message_without_folders_keeps_names_and_addresses():
    for text, expected in {
        "/home/me/.cache/config.json: cannot be read": "config.json: cannot be read",
        "Permission denied: '/home/me/.cache/config.json'": "Permission denied: 'config.json'",
        "expected 1/2 of https://huggingface.co/ann/digits": "expected 1/2 of https://huggingface.co/ann/digits",
    }.items():
        assert without_folder(WeightsError(text)) == expected


def test_a_refused_connection_is_reported_at_once(hub):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(HubError, match="cannot be reached"):
            pull(Repository(REPO, endpoint=f"http://127.0.0.1:{closed.getsockname()[1]}"))


@pytest.mark.parametrize(
    "endpoint", ["notaurl", "huggingface.co", "localhost:8000", "ftp://a/b", "http://", "http://a:b"]
)
def test_an_address_of_the_hub_that_is_none_is_told_what_is_expected(hub, endpoint):
    for call in (pull, list_versions):
        with pytest.raises(HubError, match=r"expected one such as https://huggingface.co in --endpoint or HF_ENDPOINT"):
            call(Repository(REPO, endpoint=endpoint))


@pytest.mark.parametrize("name", ["digits", "ann/digits/more", "../digits", "ann/dig its", "", "ann/--x"])
def test_a_name_that_no_repository_can_have_is_refused(name, hub):
    with pytest.raises(HubError, match="expected OWNER/NAME"):
        pull(at(hub, name))


@pytest.mark.parametrize("revision", ["../../etc", "a b", "-x", "v1\n"])
def test_a_name_that_no_revision_can_have_is_refused(revision, hub):
    with pytest.raises(HubError, match="not the name of a branch, tag or commit"):
        pull(at(hub), revision)


# --- Tokens -----------------------------------------------------------------------------------------------------------


def test_public_weights_are_read_without_a_token(published, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", ANN)
    pull(at(published))
    assert set(published.tokens_seen) == {None}


def test_an_expired_token_does_not_block_public_weights(published, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_expired")
    assert pull(at(published)).commit


def test_an_expired_token_does_not_hide_that_there_is_no_such_revision(published, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_expired")
    with pytest.raises(HubError, match="no such branch, tag or commit"):
        pull(at(published), "v9")
    assert set(published.tokens_seen) == {None}


def test_private_weights_are_read_with_the_token_from_the_environment(published, monkeypatch):
    published.repos[REPO].private = True
    with pytest.raises(HubError, match="no repository ann/digits, or a private one"):
        pull(at(published))
    monkeypatch.setenv("HF_TOKEN", READER)
    assert is_version(weights.from_pretrained(REPO, endpoint=published.url), 1)


BAD_TOKENS = ["hf_expired", "hf_with a blank", "hf_with\nline", "hf_ümlaut"]


@pytest.mark.parametrize("token", BAD_TOKENS)
def test_a_bad_token_is_refused_and_never_repeated(published, token, caplog):
    published.repos[REPO].private = True
    with pytest.raises(HubError, match="token") as error:
        pull(at(published, token=token))
    assert token not in str(error.value)
    assert token not in caplog.text
    assert error.value.__cause__ is None


# --- The list of versions ---------------------------------------------------------------------------------------------


def test_versions_are_listed_newest_first_with_tags_and_results(published):
    published.add_commit(REPO, "Version 2, not tagged", version(2))
    published.add_commit(REPO, "Version 3", config(results={"test": {"accuracy": 0.5, "errors": 5}})(version(3)))
    newest, oldest = list_versions(at(published))
    assert (newest.names, oldest.names) == (("main",), ("v1",))
    assert newest.results == {"test": {"accuracy": 0.5, "errors": 5}}
    assert oldest.results["test"]["images"] == 10_000


def test_a_tag_lists_what_is_newer_than_itself_too(published):
    published.add_commit(REPO, "Version 2", version(2))
    assert list_versions(at(published), "v1") == list_versions(at(published))


def test_a_version_without_readable_results_is_listed_all_the_same(published):
    published.add_commit(REPO, "Version 2", {"config.json": b'{"results": {"test": {"accuracy": "<script>"}}}'})
    newest, _ = list_versions(at(published))
    assert newest.results == {"test": {}}


def test_a_download_that_breaks_off_once_is_resumed(published):
    published.fault("GET", "/lfs/", truncate, times=1)
    assert is_version(weights.from_pretrained(REPO, endpoint=published.url), 1)
