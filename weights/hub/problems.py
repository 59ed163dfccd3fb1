"""Failures between here and the Hub, in plain words: what happened, and what to do.

huggingface_hub's own messages may hold an address, a header or a token. None of their text is repeated: a message is
made from the kind of error and the status of the answer alone.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from huggingface_hub.errors import (
    DisabledRepoError,
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from nn.files import WeightsError

# What an answer of the Hub means, by the kind of error, then by its status.
ANSWERS = {
    GatedRepoError: "{repo} is gated: ask for access on its page, then set HF_TOKEN to a token of that account",
    RevisionNotFoundError: "{repo} has no such branch, tag or commit; `python -m weights list {repo}` shows them",
    RemoteEntryNotFoundError: "{repo} holds no weights at that revision: expected model.safetensors and config.json",
    DisabledRepoError: "{repo} was disabled by the Hub",
    RepositoryNotFoundError: "no repository {repo}, or a private one that this token may not read; "
    "check the name and HF_TOKEN",
}
STATUSES = {
    401: "the token is not valid (expired, revoked or mistyped): make a new one at huggingface.co/settings/tokens",
    403: "this token may not do that to {repo}: a read-only token, or an account without rights there",
    404: "{repo} or a part of it does not exist",
    409: "{repo} exists already, or somebody works on it right now; look at it, then run this again",
    412: "somebody pushed to {repo} meanwhile: nothing was changed; look at theirs, then run this again",
    429: "the Hub was asked too often (status 429): wait some minutes, then run it again",
}
# What it means that there was no answer, or that it could not be kept.
SILENCES = {
    OfflineModeIsEnabled: "HF_HUB_OFFLINE is set, so the Hub was not asked",
    (httpx2.UnsupportedProtocol, httpx2.InvalidURL): "this is no address of a Hub: expected one such as "
    "https://huggingface.co in --endpoint or HF_ENDPOINT",
    httpx2.TimeoutException: "the Hub did not answer in time",
    httpx2.HTTPError: "the Hub cannot be reached, or broke off ({kind})",
    FileMetadataError: "the answer for {repo} does not come from a Hub; check HF_ENDPOINT",
    LocalEntryNotFoundError: "{repo} cannot be had from the Hub and is not in the cache",
}
NO_ROOM = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up", errno.EFBIG: "no room"}
QUOTA_WORDS = ("quota", "storage limit", "limit reached", "exceed")


class HubError(RuntimeError):
    """The Hub cannot be reached, has no such thing, or refuses; the message says what to do and never holds a token.

    `status` is the HTTP status of the answer, None when there was none.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Conflict(HubError):
    """Somebody else was faster: nothing was changed."""


@contextmanager
def hub_errors(repo: str) -> Iterator[None]:
    """Whatever goes wrong inside with the Hub is raised as a HubError; our own errors pass."""
    try:
        yield
    except (HubError, WeightsError):
        raise
    except Exception as error:
        # huggingface_hub's errors have no common ancestor, and any of their texts may hold a token: none is chained.
        raise as_hub_error(error, repo) from None


def as_hub_error(error: Exception, repo: str) -> HubError:
    """The error that huggingface_hub raised, as one that a person can act on."""
    error = root_cause(error)
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        kind = Conflict if status in (409, 412) else HubError
        return kind(meaning_of_answer(error, status, repo), status)
    return HubError(meaning_of_silence(error, repo))


def root_cause(error: BaseException) -> BaseException:
    """The answer or network failure behind an error that only wraps it, as huggingface_hub wraps those of uploads."""
    found = error
    while not isinstance(found, HfHubHTTPError | httpx2.HTTPError | OfflineModeIsEnabled):
        if (isinstance(found, OSError) and found.errno) or found.__cause__ is None:
            break
        found = found.__cause__
    return found if isinstance(found, HfHubHTTPError | httpx2.HTTPError | OSError) else error


def meaning_of_answer(error: HfHubHTTPError, status: int, repo: str) -> str:
    for kind, meaning in ANSWERS.items():
        if isinstance(error, kind):
            return meaning.format(repo=repo)
    said = f"{error.server_message or ''} {error.response.headers.get('X-Error-Message', '')}".lower()
    if status in (402, 413, 507) or (status == 403 and any(word in said for word in QUOTA_WORDS)):
        return f"the storage quota of {repo.split('/')[0]} is used up (status {status}): free some, then run it again"
    if status >= 500:
        return f"the Hub has trouble (status {status}): try again later"
    return STATUSES.get(status, f"the Hub refused (status {status})").format(repo=repo)


def meaning_of_silence(error: BaseException, repo: str) -> str:
    for kind, meaning in SILENCES.items():
        if isinstance(error, kind):
            return meaning.format(repo=repo, kind=type(error).__name__)
    if not isinstance(error, OSError):
        return f"an unexpected failure ({type(error).__name__})"
    if error.errno in NO_ROOM:
        return f"the files cannot be written: {NO_ROOM[error.errno]}"
    if error.errno:
        return f"the files cannot be read or written: {error.strerror}"
    return "the download ended early"  # huggingface_hub counts its bytes
