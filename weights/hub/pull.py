"""Weights from the Hugging Face Hub: which commit a name stands for, and its files on this disk, checksums verified.

    snapshot = pull(Repository("owner/name"), "v1.2")   # or a branch, or a commit; `snapshot.folder` holds the files
    list_versions(Repository("owner/name"))             # the published versions, newest first

A pull is pinned: one request finds the commit that a branch or tag stands for, and every file is then taken at that
commit, so two commits are never mixed. huggingface_hub makes all requests. This file adds what it leaves to its
callers: a limit on size and time, the checksum, and a message in plain words when something fails.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from huggingface_hub import HfApi, get_hf_file_metadata, get_token, hf_hub_download, hf_hub_url
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RemoteEntryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import validate_repo_id

from nn.files import CONFIG_FILE, MODEL_FILE, WeightsError, sha256_of
from nn.limits import MAX_PARAMETERS
from weights.hub.client import Damaged, Deadline, download_meter, note_commit, recorded_checksum, set_timeouts
from weights.hub.figures import read_figures
from weights.hub.problems import HubError, hub_errors

BRANCH = "main"
COMMIT = re.compile(r"[0-9a-f]{40}")
# A revision becomes part of an address and of a path in the cache.
REVISION = re.compile(r"(?!.*\.\.)[\w][\w./+-]{0,200}", re.ASCII)
# Printable ASCII without a blank: anything else breaks the header that carries the token.
TOKEN = re.compile(r"[!-~]+")

# As many parameters as a network may have, in the widest form, and a header.
MAX_MODEL_BYTES = 4 * MAX_PARAMETERS + 2**20
# Settings, a recipe and figures are some kilobytes of JSON.
MAX_CONFIG_BYTES = 2**20
# A card, or one of its pictures.
MAX_EXTRA_BYTES = 8 * 2**20
WEIGHT_FILES = {MODEL_FILE: MAX_MODEL_BYTES, CONFIG_FILE: MAX_CONFIG_BYTES}

# One small answer: the Hub gives it in a fraction of a second, so a longer wait means that the Hub is down.
ANSWER_SECONDS = 5
# Each costs one small request the first time, and nobody reads a longer list.
VERSIONS_LISTED = 20

Result = TypeVar("Result")


@dataclass(frozen=True)
class Repository:
    """A repository of weights, and how it is reached from here.

    Attributes:
        name: "owner/name".
        token: for a repository that is not public; None takes HF_TOKEN or the stored login, False takes none.
        endpoint: address of the Hub; None takes HF_ENDPOINT, or https://huggingface.co.
        cache_dir: None is huggingface_hub's own cache.

    Raises:
        HubError: nothing can have this name.
    """

    name: str
    token: str | bool | None = field(default=None, repr=False)
    endpoint: str | None = None
    cache_dir: str | Path | None = None

    def __post_init__(self) -> None:
        try:
            validate_repo_id(self.name)
            valid = self.name.count("/") == 1
        except HFValidationError:
            valid = False
        if not valid:
            raise HubError(f"{str(self.name)[:100]!r} is not the name of a repository; expected OWNER/NAME")

    def read(self, call: Callable[[str | bool], Result]) -> Result:
        """`call(token)`: first without a token, which suffices for public weights, so an expired one does no harm.

        Raises:
            HubError: the Hub cannot be reached, refuses, or has no such thing.
        """
        with hub_errors(self.name):
            try:
                return call(False)
            except (RevisionNotFoundError, RemoteEntryNotFoundError):
                raise  # the repository itself can be read: with an expired token the Hub would speak of that alone
            except HfHubHTTPError as error:
                token = find_token(self.token) if error.response.status_code in (401, 403, 404) else None
                if token is None:
                    raise
                return call(token)


@dataclass(frozen=True)
class Snapshot:
    """The weights of one commit on this disk, each file with the checksum that the Hub has for it."""

    commit: str
    sha256: str  # of model.safetensors
    folder: Path


@dataclass(frozen=True)
class Version:
    """One published state of a repository."""

    commit: str
    names: tuple[str, ...]  # its tags, and the branch when it is the newest commit
    title: str  # first line of the commit's message
    date: datetime | None
    results: dict = field(default_factory=dict)  # {split: {figure: number}}, from its config.json
    same_as: tuple[str, ...] = ()  # tags of other commits with the same weights, as after a rollback

    @property
    def label(self) -> str:
        """`main, v1.2`, or `main = v1.1` after a rollback."""
        return " = ".join([", ".join(self.names), *self.same_as])


# --- Pulling ----------------------------------------------------------------------------------------------------------


def pull(
    repository: Repository,
    revision: str | None = None,
    *,
    local_files_only: bool = False,
    deadline: Deadline | None = None,
) -> Snapshot:
    """Brings model.safetensors and config.json of one commit into huggingface_hub's cache, their checksums verified.

    The caller tests what the weights answer, then calls `remember`. Until then, a start without a network finds the
    commit that the branch or tag stood for before.

    A commit that is in the cache already costs no request. A damaged file in the cache is downloaded again.

    Args:
        revision: branch, tag or commit; None is the branch main.
        local_files_only: make no request, take what an earlier pull left.

    Raises:
        HubError: the Hub cannot be reached, refuses, or has no such thing.
        WeightsError: a file is too large for weights; Damaged, when its bytes do not have their checksum.
    """
    revision = revision or BRANCH
    check_revision(revision)
    if local_files_only or COMMIT.fullmatch(revision):
        if snapshot := find_in_cache(repository, revision):
            return snapshot
        if local_files_only:
            raise HubError(
                f"{repository.name} at {revision} is not in the cache, or damaged there; pull it once while online"
            )
    commit, checksum = resolve(repository, revision)
    fetch(repository, commit, MODEL_FILE, checksum, deadline)
    folder = fetch(repository, commit, CONFIG_FILE, deadline=deadline).parent
    return Snapshot(commit, sha256_of(folder / MODEL_FILE), folder)


def remember(snapshot: Snapshot, revision: str | None = None) -> None:
    """Notes in the cache that a branch or tag stands for this commit: the next start has it even without a network."""
    note_commit(snapshot.folder, revision or BRANCH, snapshot.commit)


def resolve(repository: Repository, revision: str, name: str = MODEL_FILE) -> tuple[str, str]:
    """(commit that the revision stands for now, checksum of the file there): one request, never repeated.

    Raises:
        HubError: as for `pull`.
        WeightsError: the file is too large.
    """
    check_revision(revision)
    endpoint = repository.endpoint
    url = hf_hub_url(repository.name, name, revision=revision, endpoint=endpoint)
    head = repository.read(
        lambda token: get_hf_file_metadata(url, token=token, timeout=ANSWER_SECONDS, endpoint=endpoint)
    )
    if not (head.commit_hash and COMMIT.fullmatch(head.commit_hash) and head.etag):
        raise HubError(
            f"the answer for {repository.name} does not come from a Hub: it names no commit or no checksum; "
            "check HF_ENDPOINT"
        )
    if head.size is not None and head.size > max_bytes(name):
        raise WeightsError(
            f"{repository.name}: {name} has {head.size:,} bytes, at most {max_bytes(name):,} are accepted"
        )
    return head.commit_hash, head.etag


def fetch(
    repository: Repository, commit: str, name: str, checksum: str | None = None, deadline: Deadline | None = None
) -> Path:
    """One file of a commit, from the cache or the Hub. A request finds the checksum where none is given.

    Raises:
        HubError, WeightsError: as for `pull`.
    """
    deadline = deadline or Deadline()
    if checksum is None:
        path = cached_path(repository, commit, name)
        if path and has_checksum(path, recorded_checksum(path)):
            return path
        deadline.check()
        _, checksum = resolve(repository, commit, name)

    def download(token: str | bool, force: bool) -> Path:
        deadline.check()
        path = hf_hub_download(
            repository.name,
            name,
            revision=commit,
            token=token,
            endpoint=repository.endpoint,
            cache_dir=repository.cache_dir,
            etag_timeout=ANSWER_SECONDS,
            force_download=force,
            tqdm_class=download_meter(deadline, max_bytes(name)),
        )
        return Path(path)

    for force in (False, True):  # the second download goes past a cache that holds other bytes than it should
        path = repository.read(lambda token, force=force: download(token, force))
        if has_checksum(path, checksum):
            return path
    raise Damaged(
        f"{repository.name}: {name} was damaged on the way: its bytes do not have the checksum {checksum[:12]}..."
    )


def find_token(given: str | bool | None) -> str | None:
    """The token to use: the given one, or HF_TOKEN, or the login that `hf auth login` left; None without any.

    Raises:
        HubError: it holds a character that no token has; its text is not repeated.
    """
    token = None if given is False else given if isinstance(given, str) else get_token()
    token = token.strip() if token else None
    if token and not TOKEN.fullmatch(token):
        raise HubError("the token holds a blank or a character that no token has; copy it again")
    return token or None


def check_revision(revision: str) -> None:
    """Raises HubError unless this can name a branch, tag or commit."""
    if not REVISION.fullmatch(revision):
        raise HubError(f"{revision[:100]!r} is not the name of a branch, tag or commit")


def max_bytes(name: str) -> int:
    return WEIGHT_FILES.get(name, MAX_EXTRA_BYTES)


# --- The cache --------------------------------------------------------------------------------------------------------


def find_in_cache(repository: Repository, revision: str) -> Snapshot | None:
    """The weights that an earlier pull left for this revision, verified; None when they are incomplete or damaged."""
    path = cached_path(repository, revision, MODEL_FILE)
    if path is None:
        return None
    folder = path.parent
    if not all(has_checksum(folder / name, recorded_checksum(folder / name)) for name in WEIGHT_FILES):
        return None
    return Snapshot(folder.name, sha256_of(path), folder)


def cached_path(repository: Repository, revision: str, name: str) -> Path | None:
    options = {"revision": revision, "cache_dir": repository.cache_dir, "local_files_only": True}
    try:
        return Path(hf_hub_download(repository.name, name, **options))
    except (LocalEntryNotFoundError, OSError):
        return None


def has_checksum(path: Path, checksum: str | None) -> bool:
    """Whether the file is there and has this checksum: a sha256 for large files, git's own hash for small ones."""
    try:
        if checksum is None or path.stat().st_size > max_bytes(path.name):
            return False
        data = path.read_bytes()
    except OSError:
        return False
    if len(checksum) == 64:
        return checksum == hashlib.sha256(data).hexdigest()
    return checksum == hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


# --- Published versions -----------------------------------------------------------------------------------------------


def list_versions(repository: Repository, branch: str = BRANCH, deadline: Deadline | None = None) -> list[Version]:
    """The tags and the newest commit of a branch with their results, newest first. For a tag it is the main branch.

    Raises:
        HubError: the Hub cannot be reached, refuses, or has no such repository.
    """
    check_revision(branch)
    set_timeouts()
    deadline = deadline or Deadline()
    api = HfApi(endpoint=repository.endpoint)
    refs = repository.read(lambda token: api.list_repo_refs(repository.name, token=token))
    if branch in {tag.name for tag in refs.tags}:  # its commits would be the older ones alone
        branch = BRANCH
    log = repository.read(lambda token: api.list_repo_commits(repository.name, revision=branch, token=token))
    names: dict[str, list[str]] = {log[0].commit_id: [branch]} if log else {}
    for tag in refs.tags:
        names.setdefault(tag.target_commit, []).append(tag.name)
    entries = {entry.commit_id: entry for entry in log}
    # Tags on commits that the branch does not hold come last: nothing says when they were made.
    order = [commit for commit in entries if commit in names] + [commit for commit in names if commit not in entries]
    versions = []
    for commit in order[:VERSIONS_LISTED]:
        deadline.check()
        entry = entries.get(commit)
        title, date = (entry.title, entry.created_at) if entry else ("", None)
        results = published_figures(repository, commit, deadline)
        versions.append(Version(commit, tuple(names[commit]), title, date, results))
    if versions and versions[0].names == (branch,):
        versions[0] = replace(versions[0], same_as=tags_of_same_weights(repository, *versions))
    return versions


def tags_of_same_weights(repository: Repository, head: Version, *others: Version) -> tuple[str, ...]:
    """The tags of those others that hold the same model.safetensors."""

    def checksum(version: Version) -> str | None:
        try:
            return resolve(repository, version.commit)[1]
        except (HubError, WeightsError):
            return None

    alike = [version for version in others if version.results == head.results]  # asks the Hub for no more than these
    if not alike or (wanted := checksum(head)) is None:
        return ()
    return tuple(tag for version in alike if checksum(version) == wanted for tag in version.names)


def published_figures(repository: Repository, commit: str, deadline: Deadline) -> dict[str, dict[str, float]]:
    """The figures in a commit's config.json; empty when it has none that can be read."""
    try:
        return read_figures(json.loads(fetch(repository, commit, CONFIG_FILE, deadline=deadline).read_bytes()))
    except (HubError, WeightsError, OSError, ValueError, RecursionError):
        return {}
