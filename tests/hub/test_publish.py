"""Publishing weights and rolling back: everything or nothing, never worse, never mixed, errors in plain words."""

import io
import json
import threading
from contextlib import redirect_stderr

import numpy as np
import pytest
from hub_helpers import (
    ANN,
    BOB,
    FILES,
    READER,
    REPO,
    blind_to_nine,
    digits,
    folder_of,
    is_version,
    model,
    version,
    write_idx,
)
from hub_server import drop, drop_after, silence, status

import weights
from nn.pictures.mnist import Dataset
from weights.hub import gate, publish
from weights.hub.problems import Conflict, HubError
from weights.hub.publish import NotPublishable
from weights.hub.pull import MAX_EXTRA_BYTES, Repository, pull


@pytest.fixture
def push(hub, tmp_path):
    """push(network) publishes it as ann/digits."""

    def push(network, repo=REPO, dataset=None, token=ANN, folder=None, **options):
        folder = folder or folder_of(network, tmp_path / "mine")
        repository = Repository(repo, token, hub.url)
        options = {"say": lambda _: None} | options
        return publish.push(folder, repository, lambda: digits() if dataset is None else dataset, **options)

    return push


@pytest.fixture
def rollback(hub):
    def rollback(name, token=ANN):
        return publish.rollback(name, Repository(REPO, token, hub.url), say=lambda _: None)

    return rollback


def head(hub):
    return hub.repos[REPO].branches["main"]


def untouched(hub):
    """What a push would change."""
    repo = hub.repos.get(REPO)
    return repo and (dict(repo.branches), dict(repo.tags))


# --- Published files --------------------------------------------------------------------------------------------------


def test_pulled_files_are_the_pushed_ones(hub, push):
    published = push(model(1), tag="v1")
    assert published.url == f"{hub.url}/{REPO}/commit/{published.commit}"
    assert published.tag_url == f"{hub.url}/{REPO}/tree/v1"
    for revision in ("main", "v1", published.commit):
        assert is_version(weights.from_pretrained(REPO, revision, endpoint=hub.url), 1)
    assert {name: head(hub).files[name] for name in FILES} == version(1)


def test_one_commit_holds_everything_and_the_tag_is_on_it(hub, push):
    published = push(model(1), tag="v1")
    commits = [commit.title for commit in hub.repos[REPO].commits.values()]
    assert len(commits) == 2
    assert commits[0] == "initial commit"
    assert hub.repos[REPO].tags["v1"].oid == head(hub).oid == published.commit


def test_the_message_of_the_commit_gives_the_measured_errors(hub, push):
    push(model(1))
    assert "errors on 500 test images" in head(hub).title


def test_pictures_beside_the_card_go_along_and_old_ones_go_away(hub, push, tmp_path):
    folder = folder_of(model(1), tmp_path / "mine")
    (folder / "history.png").write_bytes(b"picture")
    (folder / "notes.txt").write_text("private")
    push(None, folder=folder)
    assert set(head(hub).files) == {*FILES, "history.png", ".gitattributes"}
    (folder / "history.png").rename(folder / "confusion.png")
    push(None, folder=folder)
    assert set(head(hub).files) == {*FILES, "confusion.png", ".gitattributes"}


def test_a_repository_that_was_renamed_is_found_by_its_old_name(published, push):
    def renamed(request, answer):
        target = request.target.replace("ann/old", REPO)
        request.send(307, b"", {"Location": f"{target}?{request.query}"})

    for method in ("GET", "HEAD", "POST"):
        published.fault(method, "ann/old", renamed)
    assert push(model(2), repo="ann/old", tag="v2").commit == head(published).oid
    assert pull(Repository("ann/old", endpoint=published.url)).commit == head(published).oid


def test_a_new_repository_can_be_private(hub, push):
    push(model(1), private=True)
    assert hub.repos[REPO].private


def test_a_pull_request_leaves_the_branch_alone(published, push):
    before = head(published)
    made = push(model(2), create_pr=True)
    assert made.pull_request_url == f"{published.url}/{REPO}/discussions/1"
    assert head(published) is before
    assert is_version(weights.from_pretrained(REPO, "refs/pr/1", endpoint=published.url), 2)


def test_a_pull_request_needs_no_right_to_write(published, push):
    assert push(model(2), token=BOB, create_pr=True).pull_request_url


def test_push_to_hub_measures_and_makes_the_card_from_that(hub, mnist_folder):
    network = model(1)
    before = dict(network.info)
    weights.push_to_hub(network, REPO, data=mnist_folder, token=ANN, endpoint=hub.url)
    assert network.info == before
    config = json.loads(head(hub).files["config.json"])
    assert config["results"]["test"]["images"] == 500
    assert b"model-index" in head(hub).files["README.md"]


@pytest.fixture
def mnist_folder(tmp_path):
    return write_idx(tmp_path / "mnist")


# --- Refusals before anything is sent ---------------------------------------------------------------------------------


def refused(hub, push, match, error=NotPublishable, **options):
    """Returns the message. Nothing was sent; where the Hub refuses, nothing was measured either."""
    before, steps = untouched(hub), []
    with pytest.raises(error, match=match) as caught:
        push(**options, say=steps.append)
    assert untouched(hub) == before
    assert error is NotPublishable or not steps
    assert not hub.seen("PUT", "/lfs/")
    assert not hub.seen("POST", "/commit/")
    return str(caught.value)


def changed(change):
    network = model(2)
    change(network)
    return network


def test_weights_that_change_while_they_are_measured_are_not_published(hub, push, tmp_path, monkeypatch):
    folder, measure = folder_of(model(1), tmp_path / "mine"), gate.misread

    def measure_and_train_on(*given):
        weights.save_pretrained(model(2), folder)
        return measure(*given)

    monkeypatch.setattr(gate, "misread", measure_and_train_on)
    with pytest.raises(NotPublishable, match="changed while they were measured"):
        push(None, folder=folder)
    assert untouched(hub) is None


def test_worse_weights_are_refused(published, push):
    refused(published, push, "worse than the published weights: .* p = ", network=changed(blind_to_nine))


def test_forced_weights_are_published_and_the_message_says_so(published, push):
    push(changed(blind_to_nine), force=True)
    forced = head(published).title.partition("[forced: ")[2]
    assert "worse than the published weights" in forced
    assert "the card states 84 errors on 10,000 images, measured were 50 on 500" in forced


def test_weights_that_are_as_good_are_published(published, push):
    push(model(2))
    assert head(published).files["model.safetensors"] == version(2)["model.safetensors"]


def test_better_weights_take_the_place_of_worse_ones(published, push):
    published.add_commit(REPO, "worse", version(3, blind_to_nine))
    push(model(2))


def test_broken_published_weights_do_not_block_a_push(published, push):
    published.add_commit(REPO, "broken", {"model.safetensors": b"broken"})
    push(model(2))


def test_without_data_nothing_is_published(published, push):
    none = digits().test[:0]
    refused(published, push, "no test images", network=model(2), dataset=Dataset(none, none, none))


@pytest.mark.parametrize("count", [1, 4, 499])
def test_a_few_images_are_no_measurement(published, push, count):
    few = digits().test[:count]
    refused(
        published, push, f"only {count} test images", network=changed(blind_to_nine), dataset=Dataset(few, few, few)
    )


def test_other_images_than_those_of_the_card_may_be_read_a_little_better_or_worse():
    stated = {"images": 10_000, "errors": 40}
    assert not gate.contradicts({}, 500, 500)
    assert not gate.contradicts({"errors": 3, "images": 0}, 500, 500)
    told = {errors: gate.contradicts(stated, errors, 1000) for errors in (0, 4, 15, 30, 1000)}
    assert told == {0: False, 4: False, 15: False, 30: True, 1000: True}
    assert not gate.contradicts({"images": 1000, "errors": 3}, 84, 10_000)  # a card of few images has its own chance
    assert gate.contradicts({"images": 1000, "errors": 3}, 400, 10_000)
    assert gate.contradicts({"images": 10_000, "errors": 5_000}, 0, 1000)  # better than it says is not what it says
    assert not gate.contradicts({"images": 10_000, "errors": 43}, 40, 10_000)
    assert gate.contradicts({"images": 10_000, "errors": 44}, 40, 10_000)


def test_unmeasured_weights_can_be_forced_and_the_message_says_so(published, push):
    none = digits().test[:0]
    push(model(2), dataset=Dataset(none, none, none), force=True)
    assert "[forced: there are no test images" in head(published).title


def test_a_card_that_states_other_figures_is_refused(hub, push):
    network = model(1)
    network.info = {"results": {"test": {"images": 500, "errors": 250, "accuracy": 0.5}}}
    refused(hub, push, "card states 250 errors on 500 images, measured were", network=network)
    network.info = {"results": {"test": {"images": 10_000, "errors": 5_000, "accuracy": 0.5}}}
    refused(hub, push, "card states 5,000 errors on 10,000 images, measured were", network=network)


@pytest.mark.parametrize("force", [False, True])
def test_broken_weights_are_never_published(hub, push, tmp_path, force):
    folder = folder_of(model(1), tmp_path / "mine")
    (folder / "model.safetensors").write_bytes(b"broken")
    refused(hub, push, "cannot be read", error=weights.WeightsError, network=None, folder=folder, force=force)


CARDS = {
    "none": None,
    "no results": "---\nlicense: mit\n---\n",
    "bad YAML": "---\na: [\n---\n",
    "no YAML": "Hi",
}


@pytest.mark.parametrize("card", CARDS)
def test_a_card_without_results_is_refused(hub, push, tmp_path, card):
    folder = folder_of(model(1), tmp_path / "mine")
    (folder / "README.md").unlink() if CARDS[card] is None else (folder / "README.md").write_text(CARDS[card])
    assert "python -m weights card" in refused(hub, push, "card|front matter", network=None, folder=folder)


def test_a_picture_that_is_too_large_is_refused_before_a_repository_is_made(hub, push, tmp_path):
    folder = folder_of(model(1), tmp_path / "large")
    (folder / "large.png").write_bytes(bytes(MAX_EXTRA_BYTES + 1))
    refused(hub, push, "large.png: more than", network=None, folder=folder)
    assert REPO not in hub.repos


@pytest.mark.parametrize("info", [{}, {"results": {"test": {"accuracy": 0.5}}}], ids=["as nn.train leaves it", "other"])
def test_a_card_of_other_weights_is_refused(hub, push, tmp_path, info):
    folder, retrained = folder_of(model(1), tmp_path / "mine"), model(2)
    retrained.info = info
    weights.save_pretrained(retrained, folder)
    said = refused(hub, push, "written for other weights", network=None, folder=folder)
    assert "python -m weights card" in said


def test_a_tag_that_exists_is_refused_and_stays(published, push):
    refused(published, push, "tag v1 exists, on commit", network=model(2), tag="v1")


def test_a_tag_cannot_take_the_name_of_the_branch(published, push):
    refused(published, push, "name of a branch", network=model(2), tag="main")


def test_a_pull_request_gets_no_tag(published, push):
    refused(published, push, "once the pull request is merged", network=model(2), tag="v2", create_pr=True)


# --- Rights to push ---------------------------------------------------------------------------------------------------


def test_without_a_token_it_says_how_to_get_one(hub, push):
    refused(hub, push, "HF_TOKEN.*--token.*hf auth login", error=HubError, network=model(1), token=None)


def test_the_token_comes_from_the_environment(hub, push, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", f" {ANN}\n")
    assert push(model(1), token=None).commit


def test_a_token_that_may_only_read_is_refused(published, push):
    refused(published, push, "may only read", error=HubError, network=model(2), token=READER)


def scope(name, *permissions):
    """What a fine-grained token may do in a repository or a namespace."""
    return {"entity": {"type": "model" if "/" in name else "user", "name": name}, "permissions": permissions}


READS, WRITES = ("repo.content.read",), ("repo.content.read", "repo.write")


def test_a_fine_grained_token_that_may_only_read_is_refused(published, push):
    published.add_user("ann", "hf_fine", "fineGrained", scopes=(scope("ann", *READS),))
    refused(published, push, "may only read", error=HubError, network=model(2), token="hf_fine")


def test_a_fine_grained_token_for_another_repository_is_refused_before_the_measurement(published, push):
    published.add_user("ann", "hf_fine", "fineGrained", scopes=(scope("ann/other", *WRITES),))
    refused(published, push, "ann may not write to ann/digits", error=HubError, network=model(2), token="hf_fine")


def test_a_fine_grained_token_for_this_repository_suffices(published, push):
    published.add_user("ann", "hf_fine", "fineGrained", scopes=(scope(REPO, *WRITES),))
    assert push(model(2), token="hf_fine").commit


CANNOT_CREATE = "this token may not create ann/digits: give it write access to ann"


def test_a_token_that_may_not_create_in_ones_own_namespace_is_refused_before_the_measurement(hub, push):
    hub.add_user("ann", "hf_fine", "fineGrained", scopes=(scope("ann/other", *WRITES),))
    refused(hub, push, CANNOT_CREATE, error=HubError, network=model(1), token="hf_fine")
    assert not hub.seen("POST", "/repos/create")


def test_where_whoami_does_not_tell_the_rights_the_hub_decides(hub, push):
    group = {"entity": {"type": "resource-group", "name": "team"}, "permissions": WRITES}
    hub.add_user("ann", "hf_fine", "fineGrained", scopes=(group,))
    with pytest.raises(HubError, match=CANNOT_CREATE):
        push(model(1), token="hf_fine")
    assert hub.seen("POST", "/repos/create")


def test_a_fine_grained_token_for_ones_own_namespace_may_create(hub, push):
    hub.add_user("ann", "hf_fine", "fineGrained", scopes=(scope("ann", *WRITES),))
    assert push(model(1), token="hf_fine").commit


def test_a_member_may_create_in_an_organization(hub, push):
    hub.add_user("bob", "hf_member", organizations=("ann",))
    assert push(model(1), token="hf_member").commit


def test_a_hub_without_the_check_of_rights_decides_at_the_commit(published, push):
    published.fault("GET", "/auth-check/write", status(404))
    assert push(model(2)).commit
    with pytest.raises(HubError, match="may not do that to ann/digits"):
        push(model(3), token=BOB)


def test_an_expired_token_is_refused_and_not_repeated(published, push):
    text = refused(published, push, "not valid", error=HubError, network=model(2), token="hf_expired")
    assert "hf_expired" not in text


@pytest.mark.parametrize("said", [b"[]", b"{}", b'{"name": "ann", "orgs": null}', b'{"name": "ann", "auth": null}'])
def test_an_account_that_no_hub_describes_like_this_is_an_error_in_words(hub, push, said):
    hub.fault("GET", "/whoami", lambda request, answer: request.send(200, said))
    refused(hub, push, "unexpected failure", HubError, network=model(1))


def test_creating_under_another_owner_is_refused_with_a_name_of_ones_own(hub, push):
    refused(hub, push, "bob may not create ann/digits.*push to bob/digits", HubError, network=model(1), token=BOB)


def test_the_repository_of_another_owner_is_refused_with_a_way_out(published, push):
    refused(
        published,
        push,
        "bob may not write to ann/digits with this token; --create-pr",
        HubError,
        network=model(2),
        token=BOB,
    )


def test_a_gated_repository_is_named_as_such(published, push):
    published.repos[REPO].gated = True
    refused(published, push, "gated", error=HubError, network=model(2), token=BOB)


@pytest.mark.parametrize(("code", "words"), [(403, "Private repository storage limit reached"), (402, ""), (507, "")])
def test_a_used_up_quota_is_named_as_such(published, push, code, words):
    published.fault("POST", "/commit/", status(code, words))
    with pytest.raises(HubError, match="storage quota of ann is used up"):
        push(model(2))


def test_a_quota_that_ends_the_upload_is_named_as_such(hub, push):
    """huggingface_hub wraps errors of uploads in one that says nothing."""
    hub.fault("PUT", "/lfs/", status(403, "storage limit reached"))
    with pytest.raises(HubError, match="storage quota of ann is used up"):
        push(model(1))


def test_trouble_of_the_hub_is_named_as_such(published, push):
    published.fault("GET", "/whoami-v2", status(503))
    refused(published, push, "has trouble", error=HubError, network=model(2))


# --- Others push too, and networks break ------------------------------------------------------------------------------


def test_the_second_of_two_pushes_is_a_conflict_and_nothing_is_mixed(published, push):
    def somebody_pushes_first(request, answer):
        published.add_commit(REPO, "Theirs", version(3))
        answer()

    published.fault("POST", "/commit/", somebody_pushes_first, times=1)
    with pytest.raises(Conflict, match="somebody pushed to ann/digits meanwhile: nothing was changed"):
        push(model(2), tag="v2")
    assert head(published).files["model.safetensors"] == version(3)["model.safetensors"]
    assert "v2" not in published.repos[REPO].tags


def test_two_pushes_at_once_are_one_winner_and_one_conflict(published, push, tmp_path):
    both_there = threading.Barrier(2, timeout=60)

    def together(request, answer):
        both_there.wait()
        answer()

    published.fault("POST", "/commit/", together)
    outcomes = {}

    def pusher(number):
        try:
            outcomes[number] = push(model(number), folder=folder_of(model(number), tmp_path / str(number)))
        except Conflict as error:
            outcomes[number] = error

    threads = [threading.Thread(target=pusher, args=(number,)) for number in (2, 3)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    winners = [number for number in (2, 3) if not isinstance(outcomes[number], Conflict)]
    assert len(winners) == 1
    assert {name: head(published).files[name] for name in FILES} == version(winners[0])


def test_the_same_files_again_make_no_commit_but_can_be_tagged(hub, push):
    first = push(model(1))
    asked = hub.seen("GET", f"/revision/{first.commit}")
    assert push(model(1), tag="v1").commit == first.commit
    assert hub.repos[REPO].tags["v1"].oid == first.commit
    assert hub.seen("GET", f"/revision/{first.commit}") - asked == 2  # what is there, before and after


def test_somebodys_commit_is_never_taken_for_ours(published, push):
    """The files are there already, and while that is found out somebody pushes others."""

    def somebody_pushes(request, answer):
        answer()
        published.add_commit(REPO, "Theirs", version(3))

    published.fault("POST", "/preupload/", somebody_pushes, times=1)
    with pytest.raises(Conflict, match="meanwhile"):
        push(model(1), tag="v2")
    assert "v2" not in published.repos[REPO].tags


BREAKS = {
    "before the commit": ("POST", "/commit/", drop),
    "after the commit": ("POST", "/commit/", drop_after),
    "while the files are announced": ("POST", "/api/validate-yaml", drop),
    "before the tag": ("POST", "/tag/", drop),
    "after the tag": ("POST", "/tag/", drop_after),
}


@pytest.mark.parametrize("moment", BREAKS)
def test_a_push_that_broke_off_is_completed_by_running_it_again(published, push, moment):
    fault = published.fault(*BREAKS[moment])
    with pytest.raises(HubError, match="run the same command again"):
        push(model(2), tag="v2")
    fault.clear()
    push(model(2), tag="v2")
    assert head(published).files["model.safetensors"] == version(2)["model.safetensors"]
    assert published.repos[REPO].tags["v2"] is head(published)
    assert len(published.repos[REPO].commits) == 3


def test_a_push_that_broke_off_after_its_tag_is_complete_whatever_was_pushed_since(published, push):
    first = push(model(2), tag="v2")
    push(model(3))
    before = untouched(published)
    steps = []
    again = push(model(2), tag="v2", say=steps.append)
    assert (again.commit, again.url, again.tag_url) == (first.commit, first.url, first.tag_url)
    assert "these very files already" in steps[0]
    assert untouched(published) == before


@pytest.mark.parametrize("file", ["README.md", "history.png"])
def test_a_tag_on_other_files_is_not_taken_for_ours(published, push, tmp_path, file):
    """Not even when the weights are the same."""
    folder = folder_of(model(2), tmp_path / "mine")
    push(None, folder=folder, tag="v2")
    with (folder / file).open("a") as other:
        other.write("more")
    with pytest.raises(NotPublishable, match=r"tag v2 exists, on commit .* with other files"):
        push(None, folder=folder, tag="v2")


def test_a_tag_that_somebody_made_meanwhile_on_this_very_commit_is_ours(published, push):
    def tag_twice(request, answer):
        published.repos[REPO].tags["v2"] = head(published)
        answer()

    published.fault("POST", "/tag/", tag_twice)
    assert push(model(2), tag="v2").tag_url


def test_a_pull_request_that_broke_off_is_not_opened_twice(published, push):
    fault = published.fault("POST", "/commit/", drop_after)
    with pytest.raises(HubError, match="run the same command again"):
        push(model(2), token=BOB, create_pr=True)
    fault.clear()
    again = push(model(2), token=BOB, create_pr=True)
    assert published.repos[REPO].pull_requests == 1
    assert again.pull_request_url == f"{published.url}/{REPO}/discussions/1"
    assert again.commit == published.repos[REPO].branches["refs/pr/1"].oid
    assert push(model(3), token=BOB, create_pr=True).pull_request_url.endswith("/2")


def test_an_upload_that_stumbles_goes_on_by_itself(hub, push):
    hub.fault("PUT", "/lfs/", status(500), times=1)
    push(model(1))
    assert hub.seen("PUT", "/lfs/") == 2


def test_a_silent_hub_does_not_hold_a_push_for_ever(published, push, monkeypatch):
    monkeypatch.setattr("weights.hub.client.REQUEST_TIMEOUT", 2)  # for good answers too, which come at once
    published.fault("POST", "/commit/", silence)
    with pytest.raises(HubError, match=r"did not answer in time.*run the same command again"):
        push(model(2))


def test_a_tag_that_somebody_made_meanwhile_is_a_conflict(published, push):
    published.fault("POST", "/tag/", status(409), times=1)
    with pytest.raises(Conflict, match=r"published .* somebody made tag v2 meanwhile"):
        push(model(2), tag="v2")


# --- Roll back --------------------------------------------------------------------------------------------------------


def test_rolling_back_makes_a_new_commit_with_the_earlier_files(published, push, rollback):
    push(model(2), tag="v2")
    files = {**version(2), "new.png": b"picture"}
    published.add_commit(REPO, "Version 3", files)
    made = rollback("v1")
    assert made.commit == head(published).oid != published.repos[REPO].tags["v1"].oid
    assert head(published).files == published.repos[REPO].tags["v1"].files
    assert head(published).title.startswith("Roll back to v1 (")


def test_rolling_back_to_worse_weights_is_allowed(published, push, rollback):
    published.add_commit(REPO, "worse", version(3, blind_to_nine))
    published.repos[REPO].tags["worse"] = head(published)
    push(model(2))
    rollback("worse")
    assert head(published).files["config.json"] == version(3, blind_to_nine)["config.json"]


def test_a_commit_can_be_rolled_back_to_and_pictures_come_back(hub, push, rollback, tmp_path):
    folder = folder_of(model(1), tmp_path / "mine")
    (folder / "history.png").write_bytes(b"picture")
    first = push(None, folder=folder)
    (folder / "history.png").unlink()
    weights.save_pretrained(model(2), folder)
    push(None, folder=folder)
    rollback(first.commit)
    assert head(hub).files["history.png"] == b"picture"


def test_rolling_back_to_nothing_or_to_broken_weights_is_refused(published, rollback):
    broken = published.add_commit(REPO, "broken", {"model.safetensors": b"broken"})
    before = untouched(published)
    with pytest.raises(HubError, match="no such branch, tag or commit"):
        rollback("v9")
    with pytest.raises(weights.WeightsError, match="cannot be read"):
        rollback(broken)
    assert untouched(published) == before


def test_rolling_back_needs_the_right_to_write(published, rollback):
    with pytest.raises(HubError, match="may only read"):
        rollback("v1", token=READER)
    asked = len(published.requests)
    with pytest.raises(HubError, match="bob may not write to ann/digits"):
        rollback("v1", token=BOB)
    assert not any("/resolve/" in path for _, path in published.requests[asked:])  # nothing was downloaded for that


# --- The measure ------------------------------------------------------------------------------------------------------


def test_mcnemar_is_the_tail_of_fair_coins():
    assert gate.mcnemar(0, 0) == 1
    assert gate.mcnemar(5, 0) == 1 / 32
    assert gate.mcnemar(0, 5) == 1
    assert gate.mcnemar(3, 1) == pytest.approx(5 / 16)
    assert gate.mcnemar(3000, 2700) < 0.001


def test_what_chance_explains_in_one_of_twenty_cases_is_not_worse():
    worse = {errors: gate.Comparison(100, errors, 0, gate.mcnemar(errors, 0)).worse for errors in (4, 5)}
    assert worse == {4: False, 5: True}  # p = 1/16 and 1/32


def test_a_difference_within_the_noise_is_not_worse():
    test = digits().test
    network = model(1)
    twin = gate.compare(network, network, test)
    assert (twin.p, twin.worse) == (1, False)
    blind = model(1)
    blind_to_nine(blind)
    assert gate.compare(blind, network, test).worse
    assert not gate.compare(network, blind, test).worse


def test_each_step_is_reported(hub, push):
    steps = []
    with redirect_stderr(io.StringIO()):
        push(model(1), say=steps.append)
    assert any("errors on 500 test images" in line for line in steps)
    assert f"created {REPO}" in steps
    assert any(line.startswith("sending README.md") for line in steps)
    assert not any(ANN in line for line in steps)
    assert np.all([isinstance(line, str) for line in steps])
