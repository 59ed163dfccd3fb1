"""Publishing weights on the Hub, and rolling back: one commit with everything, or nothing.

    push("folder", Repository("owner/name"), lambda: dataset, tag="v1.2")
    rollback("v1.1", Repository("owner/name"))

A commit names its parent, so two people who push at once cannot mix their files: one wins, the other gets a
Conflict. The tag is put on that very commit and never moved. Running a push again after a broken connection completes
it: files that have arrived are recognised by their checksums.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, ModelCard

from nn import MLP
from nn.files import CARD_FILE, MODEL_FILE, WeightsError, sha256_of
from nn.pictures.mnist import Dataset
from nn.selftest import verified
from weights.hub import gate
from weights.hub.account import Publisher, check_right_to_write, create_repository, newest_commit, sign_in
from weights.hub.figures import read_figures
from weights.hub.problems import Conflict, HubError, hub_errors
from weights.hub.pull import (
    BRANCH,
    WEIGHT_FILES,
    Repository,
    check_revision,
    fetch,
    has_checksum,
    max_bytes,
    pull,
)

# The card rounds accuracies to five places.
ROUNDED_ACCURACY = 1e-5

Say = Callable[[str], None]


class NotPublishable(ValueError):
    """These weights should not be published; the message says why, and whether --force would do it all the same."""


@dataclass(frozen=True)
class Published:
    """Where the weights are now."""

    commit: str
    url: str
    tag_url: str | None = None
    pull_request_url: str | None = None


# --- Push -------------------------------------------------------------------------------------------------------------


def push(
    folder: str | Path,
    repository: Repository,
    dataset: Callable[[], Dataset | None],
    *,
    tag: str | None = None,
    create_pr: bool = False,
    private: bool = False,
    message: str | None = None,
    force: bool = False,
    say: Say = print,
) -> Published:
    """Publishes the weights in `folder` with their card and its pictures, after checking and measuring them.

    Args:
        folder: model.safetensors, config.json, README.md and the pictures (PNG) that lie beside it.
        repository: created when it is not there.
        dataset: gives the data on whose test images the weights are measured, and is called once everything else is
            in order; None is refused unless forced.
        tag: a new tag on the commit.
        create_pr: open a pull request instead of committing to the branch.
        private: of a repository that is created now.
        message: of the commit; by default it gives the errors on the test images.
        force: publish weights that are worse, or that could not be measured; the commit's message says so.
        say: called with a line for each step.

    Raises:
        WeightsError: the files are not usable weights; nothing was sent.
        NotPublishable: they are worse than the published ones, not measured, without a card, or with a picture that is
            too large, or the tag is taken; nothing was sent.
        HubError: the Hub cannot be reached or refuses. Conflict, when somebody else pushed meanwhile.
    """
    folder = Path(folder)
    check_revision(tag or BRANCH)
    if tag and create_pr:
        raise NotPublishable("a tag goes on a commit of the branch: push with --tag once the pull request is merged")
    checksums = local_checksums(folder)
    model = verified(folder)
    check_card(folder, model)
    files = local_files(folder)
    publisher = sign_in(repository, writes=not create_pr)
    head = newest_commit(publisher)
    if head is None or not create_pr:
        check_right_to_write(publisher, head)
    if head and (earlier := earlier_push(publisher, files, tag, create_pr, say)):
        return earlier
    reasons, measured = reasons_against(model, dataset(), publisher, head)
    say(measured)
    if reasons and not force:
        raise NotPublishable(f"not published: {'; '.join(reasons)}. --force publishes it all the same and says so")
    title = message or f"Publish a {model.layers} network: {measured}"
    if reasons:
        title += f" [forced: {'; '.join(reasons)}]"
    if local_checksums(folder) != checksums:
        raise NotPublishable(
            f"not published: the files in {folder} changed while they were measured. When whatever writes there has "
            "ended, push again"
        )
    if head is None:
        head = create_repository(publisher, private)
        say(f"created {publisher.repo}")
    published = make_commit(publisher, files, title, head, create_pr=create_pr, say=say)
    return with_tag(publisher, tag, published) if tag else published


def check_card(folder: Path, model: MLP) -> None:
    """Raises NotPublishable unless there is a model card, as huggingface_hub itself reads it, with this network's
    results.
    """
    path = folder / CARD_FILE
    hint = f"`python -m weights card {folder} --data DIR` writes it"
    if not path.is_file():
        raise NotPublishable(f"{path}: no model card; {hint}")
    try:
        results = ModelCard.load(path).data.eval_results
    except Exception as error:  # yaml's errors and huggingface_hub's have no common ancestor
        raise NotPublishable(f"{path}: its front matter cannot be read ({type(error).__name__}); {hint}") from None
    if not results:
        raise NotPublishable(f"{path}: the card has no results (model-index); {hint}")
    accuracies = {split: row["accuracy"] for split, row in read_figures(model.info).items() if "accuracy" in row}
    stated = [result for result in results if result.metric_type == "accuracy" and result.dataset_split in accuracies]
    if not stated or any(differs(result.metric_value, accuracies[result.dataset_split]) for result in stated):
        raise NotPublishable(f"{path}: the card was written for other weights than {MODEL_FILE}; {hint}")


def differs(stated: object, accuracy: float) -> bool:
    """Whether what a card states is not this accuracy."""
    return not isinstance(stated, int | float) or abs(stated - accuracy) > ROUNDED_ACCURACY


def earlier_push(
    publisher: Publisher, files: dict[str, Path], tag: str | None, create_pr: bool, say: Say
) -> Published | None:
    """The tag or the open pull request that an earlier run of this push has made; None without any.

    Raises:
        NotPublishable: the tag is on a commit with other files.
    """
    if tag and (tagged := tagged_commit(publisher, tag)):
        if not holds(publisher, tagged, files):
            raise NotPublishable(
                f"tag {tag} exists, on commit {tagged[:8]} with other files: tags are never moved, take a new one"
            )
        say(f"tag {tag} is on commit {tagged[:8]} with these very files already; `list` shows what {BRANCH} is")
        return Published(tagged, f"{publisher.url}/commit/{tagged}", f"{publisher.url}/tree/{tag}")
    if create_pr:
        filters = {"author": publisher.user, "discussion_type": "pull_request", "discussion_status": "open"}
        with hub_errors(publisher.repo):
            for request in publisher.api.get_repo_discussions(publisher.repo, **filters):
                if proposed := holds(publisher, request.git_reference, files):
                    say(f"pull request {request.num} is open with these very files already")
                    url = f"{publisher.url}/commit/{proposed}"
                    return Published(proposed, url, pull_request_url=request.url)
    return None


def reasons_against(
    model: MLP, dataset: Dataset | None, publisher: Publisher, head: str | None
) -> tuple[list[str], str]:
    """(reasons not to publish, the measurement as text)."""
    images = len(dataset.test) if dataset else 0
    if images < gate.FEWEST_IMAGES:
        few = f"only {images:,}" if images else "no"
        reason = f"there are {few} test images to measure these weights on; it takes {gate.FEWEST_IMAGES}"
        return [reason], "not measured"
    published = published_model(publisher, head)
    if published is None:
        comparison, errors = None, int(gate.misread(model, dataset.test).sum())
        measured = f"{errors:,} errors on {images:,} test images"
    else:
        comparison = gate.compare(model, published, dataset.test)
        errors, measured = comparison.new_errors, str(comparison)
    reasons = []
    stated = read_figures(model.info).get("test", {})
    if gate.contradicts(stated, errors, images):
        claim = f"{stated['errors']:,} errors on {stated['images']:,} images"
        reasons.append(f"the card states {claim}, measured were {errors:,} on {images:,}")
    if comparison and comparison.worse:
        reasons.append(f"worse than the published weights: {comparison}")
    return reasons, measured


def published_model(publisher: Publisher, head: str | None) -> MLP | None:
    """The network on the branch; None when there is none, or none that could be served."""
    if head is None:
        return None
    try:
        return verified(pull(publisher.repository, head).folder)
    except WeightsError:
        return None
    except HubError as error:
        if error.status == 404:
            return None
        raise


# --- Roll back --------------------------------------------------------------------------------------------------------


def rollback(version: str, repository: Repository, *, message: str | None = None, say: Say = print) -> Published:
    """Makes a new commit on the branch with the files of `version` (a tag or commit), so that every replica follows.

    Raises:
        WeightsError: that version does not hold usable weights; nothing was changed.
        HubError: no such version, or the Hub refuses. Conflict, when somebody else pushed meanwhile.
    """
    publisher = sign_in(repository)
    head = newest_commit(publisher)
    if head is None:
        raise HubError(f"no repository {publisher.repo}, or a private one that this token may not read", 404)
    check_right_to_write(publisher, head)
    snapshot = pull(publisher.repository, version)
    verified(snapshot.folder)
    for name in remote_checksums(publisher, snapshot.commit)[1]:
        if name not in WEIGHT_FILES:
            fetch(publisher.repository, snapshot.commit, name)
    title = message or f"Roll back to {version} ({snapshot.commit[:8]})"
    return make_commit(publisher, local_files(snapshot.folder), title, head, say=say)


# --- The Hub, step by step --------------------------------------------------------------------------------------------


def tagged_commit(publisher: Publisher, tag: str) -> str | None:
    """The commit that the tag is on; None when there is no such tag. NotPublishable, when a branch has this name."""
    with hub_errors(publisher.repo):
        refs = publisher.api.list_repo_refs(publisher.repo)
    if tag in {branch.name for branch in refs.branches}:
        raise NotPublishable(f"{tag} is the name of a branch; take another one for the tag")
    return next((existing.target_commit for existing in refs.tags if existing.name == tag), None)


def make_commit(
    publisher: Publisher,
    files: dict[str, Path],
    title: str,
    parent: str,
    *,
    create_pr: bool = False,
    say: Say = print,
) -> Published:
    """One commit with these files, by name; pictures that belong to earlier weights go.

    Raises:
        HubError: the Hub refuses, or the connection broke. Conflict, when `parent` is not the newest commit any more.
    """
    try:
        with hub_errors(publisher.repo):
            _, there = remote_checksums(publisher, parent)
            same = not create_pr and are_just(files, there)
            say("these very files are the newest commit already" if same else f"sending {', '.join(files)}")
            info = publisher.api.create_commit(
                publisher.repo,
                [CommitOperationAdd(name, path) for name, path in files.items()]
                + [CommitOperationDelete(name) for name in sorted(there.keys() - files.keys())],
                commit_message=title,
                parent_commit=parent,
                create_pr=create_pr,
            )
            # A commit without changes skips the check of its parent: somebody else's may have come in between.
            if not holds(publisher, info.oid, files):
                raise Conflict(f"somebody pushed other files to {publisher.repo} meanwhile: commit {info.oid[:8]}", 412)
    except HubError as problem:
        if isinstance(problem, Conflict) or problem.status == 403:
            raise
        raise HubError(
            f"{problem}; nothing is lost: run the same command again, it sends only what is missing", problem.status
        ) from None
    return Published(info.oid, info.commit_url, pull_request_url=info.pr_url)


def with_tag(publisher: Publisher, tag: str, published: Published) -> Published:
    """Puts a new tag on the commit."""
    done = f"the weights are published ({published.url})"
    try:
        with hub_errors(publisher.repo):
            publisher.api.create_tag(publisher.repo, tag=tag, revision=published.commit)
    except Conflict as problem:
        if tagged_commit(publisher, tag) != published.commit:
            raise Conflict(
                f"{done}, but somebody made tag {tag} meanwhile: run it again with a new tag", problem.status
            ) from None
    except HubError as problem:
        raise HubError(f"{done}, but not tagged: {problem}; run the same command again", problem.status) from None
    return replace(published, tag_url=f"{publisher.url}/tree/{tag}")


# --- Files ------------------------------------------------------------------------------------------------------------


def is_publishable(name: str) -> bool:
    """The weights, the card and the pictures beside it."""
    return name in (*WEIGHT_FILES, CARD_FILE) or (name.endswith(".png") and "/" not in name)


def local_files(folder: Path) -> dict[str, Path]:
    """The publishable files by name. NotPublishable, when one is too large."""
    paths = sorted(path for path in folder.iterdir() if is_publishable(path.name) and path.is_file())
    for path in paths:
        if path.stat().st_size > max_bytes(path.name):
            raise NotPublishable(f"{path.name}: more than {max_bytes(path.name):,} bytes; make the picture smaller")
    return {path.name: path for path in paths}


def local_checksums(folder: Path) -> dict[str, str]:
    """The checksums of the publishable files by name; empty if there is no such folder."""
    paths = folder.iterdir() if folder.is_dir() else ()
    return {path.name: sha256_of(path) for path in paths if is_publishable(path.name) and path.is_file()}


def remote_checksums(publisher: Publisher, revision: str) -> tuple[str, dict[str, str]]:
    """(commit that the revision stands for, {name: checksum} of its publishable files)."""
    with hub_errors(publisher.repo):
        info = publisher.api.model_info(publisher.repo, revision=revision, files_metadata=True)
    files = [file for file in info.siblings or () if is_publishable(file.rfilename)]
    return info.sha, {file.rfilename: file.lfs.sha256 if file.lfs else file.blob_id for file in files}


def holds(publisher: Publisher, revision: str, files: dict[str, Path]) -> str | None:
    """The commit that the revision stands for, if its publishable files are just these; else None."""
    commit, checksums = remote_checksums(publisher, revision)
    return commit if are_just(files, checksums) else None


def are_just(files: dict[str, Path], checksums: dict[str, str]) -> bool:
    """Whether these files are just those with these checksums, by name."""
    return checksums.keys() == files.keys() and all(has_checksum(files[name], checksums[name]) for name in files)
