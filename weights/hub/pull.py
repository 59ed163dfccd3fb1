"""Weights on the Hugging Face Hub: which commit is meant, and its files on this disk, checked against its checksums.

    snapshot = pull("owner/name", "v1.2")    # or a branch, or a commit; `snapshot.folder` holds the files
    versions("owner/name")                   # what was published, newest first

A pull is pinned: one request finds the commit that a branch or tag stands for, and every file is then taken at that
commit, so that two commits are never mixed. All requests are huggingface_hub's; what it leaves to its callers (a limit
on size and time, the checksum, an answer in plain words when something fails) is added here.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TypeVar

import httpx2
from huggingface_hub import HfApi, get_hf_file_metadata, get_session, get_token, hf_hub_download, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from huggingface_hub.utils import tqdm, validate_repo_id
from huggingface_hub.utils.sha import git_hash

from nn.files import CONFIG_FILE, MAX_PARAMETERS, MODEL_FILE, WeightsError, replacing
from weights.hub.figures import figures
from weights.hub.problems import HubError, explain

BRANCH = "main"
CARD_FILE = "README.md"
COMMIT = re.compile(r"[0-9a-f]{40}")
# A revision becomes part of an address and of a path in the cache.
REVISION = re.compile(r"(?!.*\.\.)[\w][\w./+-]{0,200}", re.ASCII)

# As many parameters as a network may have, in the widest form, and a header.
MAX_MODEL_BYTES = 4 * MAX_PARAMETERS + 2**20
# Settings, a recipe and figures are some kilobytes of JSON.
MAX_CONFIG_BYTES = 2**20
# A card, or one of its pictures.
MAX_EXTRA_BYTES = 8 * 2**20
WEIGHT_FILES = {MODEL_FILE: MAX_MODEL_BYTES, CONFIG_FILE: MAX_CONFIG_BYTES}

# One small answer; the Hub gives it in a fraction of a second, and who waits longer waits for a Hub that is down.
ANSWER_SECONDS = 5
# huggingface_hub sets no limit on most of its requests. Connecting is quick; an upload may pause while it is stored.
REQUEST_TIMEOUT = httpx2.Timeout(60, connect=10)
# Each listed version costs one small file the first time; more than this nobody reads on a page.
VERSIONS_LISTED = 20

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Snapshot:
    """Files of one commit on this disk, each with the checksum that the Hub has for it."""

    repo: str
    revision: str  # as it was asked for: branch, tag or commit
    commit: str
    sha256: str  # of model.safetensors
    folder: Path


@dataclass(frozen=True)
class Version:
    """One published state of a repository."""

    commit: str
    names: tuple[str, ...]  # its tags, and the branch when it is the newest
    title: str  # first line of the commit's message
    date: datetime | None
    results: dict = field(default_factory=dict)  # {split: {figure: number}}, from its config.json


class Limit:
    """How long a download may take; another thread may end it with `cancel`."""

    def __init__(self, seconds: float | None = None) -> None:
        self.end = None if seconds is None else time.monotonic() + seconds
        self.cancelled = threading.Event()

    def cancel(self) -> None:
        self.cancelled.set()

    def check(self) -> None:
        """Raises HubError when the time is up or somebody gave up waiting."""
        if self.cancelled.is_set() or (self.end is not None and time.monotonic() > self.end):
            raise HubError("the Hub did not deliver in time")


class Damaged(WeightsError):
    """What arrived is not what the Hub holds; another download may be better."""


# --- Pulling ----------------------------------------------------------------------------------------------------------


def pull(
    repo: str,
    revision: str | None = None,
    *,
    token: str | bool | None = None,
    endpoint: str | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
    limit: Limit | None = None,
) -> Snapshot:
    """model.safetensors and config.json of one commit, in huggingface_hub's cache, their checksums verified.

    A commit that is in the cache already is taken from there without a request. A file in the cache that is damaged
    is downloaded again.

    Args:
        repo: "owner/name".
        revision: branch, tag or commit; None is the branch main.
        token: for repositories that are not public; None takes HF_TOKEN or the stored login. Public ones are read
            without it, so an expired token does no harm.
        endpoint: address of the Hub; None takes HF_ENDPOINT, or https://huggingface.co.
        local_files_only: ask nobody, take what an earlier pull left.

    Raises:
        HubError: the Hub cannot be reached, refuses, or has no such thing.
        WeightsError: the files are too large to be weights; Damaged, when they are not what their checksums say.
    """
    revision = revision or BRANCH
    check_names(repo, revision)
    limit = limit or Limit()
    if local_files_only or COMMIT.fullmatch(revision):
        snapshot = cached(repo, revision, cache_dir)
        if snapshot:
            return snapshot
        if local_files_only:
            raise HubError(f"{repo} at {revision} is not in the cache, or damaged there; pull it once with a network")
    places = {"repo": repo, "token": token, "endpoint": endpoint}
    commit, etag = resolve(revision=revision, **places)
    etags = {MODEL_FILE: etag}
    folder = None
    for name, most in WEIGHT_FILES.items():
        folder = fetch(name, commit, most, cache_dir=cache_dir, limit=limit, etag=etags.get(name), **places).parent
    remember(folder, revision, commit)
    return Snapshot(repo, revision, commit, sha256_of(folder / MODEL_FILE), folder)


def resolve(
    repo: str,
    revision: str,
    *,
    token: str | bool | None = None,
    endpoint: str | None = None,
    name: str = MODEL_FILE,
    most: int = MAX_MODEL_BYTES,
) -> tuple[str, str]:
    """(commit that the revision stands for now, checksum of the file there): one request, never repeated.

    Raises:
        HubError: as for `pull`.
        WeightsError: the file is too large.
    """
    check_names(repo, revision)
    url = hf_hub_url(repo, name, revision=revision, endpoint=endpoint)
    head = reading(
        lambda key: get_hf_file_metadata(url, token=key, timeout=ANSWER_SECONDS, endpoint=endpoint), repo, token
    )
    if not (head.commit_hash and COMMIT.fullmatch(head.commit_hash) and head.etag):
        raise HubError(f"what answers for {repo} is not a Hub: it names no commit or no checksum; check HF_ENDPOINT")
    if head.size is not None and head.size > most:
        raise WeightsError(f"{repo}: {name} has {head.size:,} bytes, at most {most:,} are accepted")
    return head.commit_hash, head.etag


def fetch(
    name: str,
    commit: str,
    most: int,
    *,
    repo: str,
    token: str | bool | None = None,
    endpoint: str | None = None,
    cache_dir: str | Path | None = None,
    limit: Limit | None = None,
    etag: str | None = None,
) -> Path:
    """One file of a commit, from the cache or the Hub, with the checksum `etag` (asked for when not given).

    Raises:
        HubError, WeightsError: as for `pull`.
    """
    limit = limit or Limit()
    if etag is None:
        kept = from_cache(repo, name, commit, cache_dir)
        if kept and matches(kept, recorded_etag(kept), most):
            return kept
        limit.check()
        _, etag = resolve(repo, commit, token=token, endpoint=endpoint, name=name, most=most)

    def download(key: str | bool, force: bool) -> Path:
        limit.check()
        path = hf_hub_download(
            repo,
            name,
            revision=commit,
            token=key,
            endpoint=endpoint,
            cache_dir=cache_dir,
            etag_timeout=ANSWER_SECONDS,
            force_download=force,
            tqdm_class=meter(limit, most),
        )
        return Path(path)

    for force in (False, True):  # the second time past a cache that holds something else than it should
        path = reading(lambda key, force=force: download(key, force), repo, token)
        if matches(path, etag, most):
            return path
    raise Damaged(f"{repo}: {name} was damaged on the way: its bytes do not have the checksum {etag[:12]}...")


def reading(call: Callable[[str | bool], Answer], repo: str, token: str | bool | None) -> Answer:
    """`call(token)`, first without a token, as for anything public, and with one where the Hub refuses that.

    Raises:
        HubError: in plain words what went wrong.
    """
    try:
        try:
            return call(False)
        except HfHubHTTPError as error:
            secret = usable_token(token) if error.response.status_code in (401, 403, 404) else None
            if secret is None:
                raise
            return call(secret)
    except (HubError, WeightsError):
        raise
    except Exception as error:
        # huggingface_hub's errors have no common ancestor, and any of their texts may hold a token: none is chained
        raise explain(error, repo) from None


def usable_token(token: str | bool | None) -> str | None:
    """The token to use: the given one, or HF_TOKEN, or the login that `hf auth login` left; None without any.

    Raises:
        HubError: the token cannot be one (a blank or a line break inside); its text is not repeated.
    """
    secret = None if token is False else token if isinstance(token, str) else get_token()
    secret = secret.strip() if secret else None
    if secret and not re.fullmatch(r"[!-~]+", secret):
        raise HubError("the token holds a blank or a character that no token has; copy it again")
    return secret or None


def check_names(repo: str, revision: str) -> None:
    """Raises HubError unless these can name a repository and a revision."""
    try:
        validate_repo_id(repo)
        valid = repo.count("/") == 1
    except HFValidationError:
        valid = False
    if not valid:
        raise HubError(f"{str(repo)[:100]!r} is not the name of a repository; expected OWNER/NAME")
    if not REVISION.fullmatch(revision):
        raise HubError(f"{revision[:100]!r} is not the name of a branch, tag or commit")


def meter(limit: Limit, most: int) -> type[tqdm]:
    """A progress bar for huggingface_hub that shows nothing and ends a download beyond its limits."""

    class Meter(tqdm):
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **options | {"disable": True})
            self.received = self.n

        def update(self, n: float | None = 1) -> None:
            self.received += n or 0
            limit.check()
            if self.received > most:
                raise Damaged(f"more than {most:,} bytes arrived, which is more than is accepted")

    return Meter


def set_timeouts() -> None:
    """Gives the HTTP client that huggingface_hub shares a timeout; without one a silent Hub holds a push for ever."""
    get_session().timeout = REQUEST_TIMEOUT


# --- The cache --------------------------------------------------------------------------------------------------------


def cached(repo: str, revision: str, cache_dir: str | Path | None) -> Snapshot | None:
    """What an earlier pull left for this revision, checked; None when it is incomplete or damaged."""
    path = from_cache(repo, MODEL_FILE, revision, cache_dir)
    if path is None:
        return None
    commit, folder = path.parent.name, path.parent
    for name, most in WEIGHT_FILES.items():
        if not matches(folder / name, recorded_etag(folder / name), most):
            return None
    return Snapshot(repo, revision, commit, sha256_of(path), folder)


def from_cache(repo: str, name: str, revision: str, cache_dir: str | Path | None) -> Path | None:
    try:
        return Path(hf_hub_download(repo, name, revision=revision, cache_dir=cache_dir, local_files_only=True))
    except (LocalEntryNotFoundError, OSError):
        return None


def recorded_etag(path: Path) -> str | None:
    """The checksum the Hub gave for a file in the cache: a snapshot is a link to the blob of that name."""
    try:
        return PurePosixPath(os.readlink(path)).name
    except OSError:
        return None


def matches(path: Path, etag: str | None, most: int) -> bool:
    """Whether the file has this checksum: a sha256 for large files, git's own hash for small ones."""
    try:
        if etag is None or path.stat().st_size > most:
            return False
        data = path.read_bytes()
    except OSError:
        return False
    return etag == (git_hash(data) if len(etag) == 40 else hashlib.sha256(data).hexdigest())


def remember(folder: Path, revision: str, commit: str) -> None:
    """Notes in the cache which commit a branch or tag stood for, as huggingface_hub does for an unpinned download, so
    that the next start has these weights even without a network. Failing to is no harm.
    """
    if COMMIT.fullmatch(revision):
        return
    note = folder.parents[1] / "refs" / revision
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        with replacing(note) as temporary:
            temporary.write_text(commit)
    except OSError:
        pass


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# --- What was published -----------------------------------------------------------------------------------------------


def versions(
    repo: str,
    *,
    branch: str = BRANCH,
    token: str | bool | None = None,
    endpoint: str | None = None,
    cache_dir: str | Path | None = None,
    limit: Limit | None = None,
    most: int = VERSIONS_LISTED,
) -> list[Version]:
    """The tags and the newest commit of a branch with their results, newest first.

    Raises:
        HubError: the Hub cannot be reached, refuses, or has no such repository.
    """
    check_names(repo, branch)
    set_timeouts()
    limit = limit or Limit()
    api = HfApi(endpoint=endpoint)
    refs = reading(lambda key: api.list_repo_refs(repo, token=key), repo, token)
    log = reading(lambda key: api.list_repo_commits(repo, revision=branch, token=key), repo, token)
    names: dict[str, list[str]] = {log[0].commit_id: [branch]} if log else {}
    for tag in refs.tags:
        names.setdefault(tag.target_commit, []).append(tag.name)
    commits = {entry.commit_id: entry for entry in log}
    # tags on commits that the branch does not hold come last: nothing says when they were made
    order = [entry.commit_id for entry in log if entry.commit_id in names]
    order += [commit for commit in names if commit not in commits]
    found = []
    for commit in order[:most]:
        limit.check()
        entry = commits.get(commit)
        results = results_of(repo, commit, token=token, endpoint=endpoint, cache_dir=cache_dir, limit=limit)
        title, date = (entry.title, entry.created_at) if entry else ("", None)
        found.append(Version(commit, tuple(names[commit]), title, date, results))
    return found


def results_of(repo: str, commit: str, **places: object) -> dict:
    """The figures in a commit's config.json; empty when it has none that can be read."""
    try:
        path = fetch(CONFIG_FILE, commit, MAX_CONFIG_BYTES, repo=repo, **places)
        return figures(json.loads(path.read_text()))
    except (HubError, WeightsError, OSError, ValueError, RecursionError):
        return {}
