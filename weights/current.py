"""The weights that are served: the bundled ones at once, and newer ones from the Hub once they are here and checked.

    model, provenance = served().current     # one reference: a request keeps this network from beginning to end

A thread of its own looks at the Hub, so no request waits for it. It follows a branch or tag; a commit stays as it is.
Weights that fail a check are refused, and those before them stay.
"""

from __future__ import annotations

import functools
import logging
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from huggingface_hub import close_session

import weights
from nn import MLP, flags
from nn.fast.matrices import freeze
from nn.files import MODEL_FILE, WeightsError, sha256_of
from nn.selftest import verified
from weights.hub.client import Damaged, Deadline
from weights.hub.figures import read_figures
from weights.hub.problems import HubError
from weights.hub.pull import (
    BRANCH,
    COMMIT,
    Repository,
    Snapshot,
    Version,
    check_revision,
    find_in_cache,
    list_versions,
    pull,
    remember,
    resolve,
)

BUNDLED_SOURCE = "bundled"

# A new commit is served within this time. One HEAD in five minutes is far below what the Hub allows anybody.
POLL_SECONDS = 300.0
# The shortest time between two looks that may be set; tests use it.
LEAST_POLL_SECONDS = 0.05
# After a failure the Hub is asked again soon, then at ever longer intervals up to the usual one.
RETRY_SECONDS = 5.0
# Time for one look at the Hub with all downloads. 4 MB in this time are 0.3 Mbit/s, slower than any network it runs in.
BUDGET_SECONDS = 120.0
# A look that outlasts its budget is told to end and left behind. A Hub that never lets go holds this many threads.
MOST_LEFT_BEHIND = 4

# The folders of a path, also of one in quotation marks; an address on the web is none.
FOLDERS = re.compile(r"(?<![\w.:/])/(?:[^/\s'\"]+/)+")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """Which weights to serve, and how often to look for newer ones."""

    repo: str | None = None  # WEIGHTS_REPO; None: the bundled weights
    revision: str = BRANCH  # WEIGHTS_REVISION: branch, tag or commit
    poll_seconds: float = POLL_SECONDS  # WEIGHTS_POLL_SECONDS
    retry_seconds: float = RETRY_SECONDS
    budget_seconds: float = BUDGET_SECONDS
    token: str | None = field(default=None, repr=False)  # None: HF_TOKEN or the stored login, if the Hub asks for one
    endpoint: str | None = None  # None: HF_ENDPOINT
    cache_dir: str | Path | None = None  # None: HF_HUB_CACHE
    mistake: str | None = None  # why the environment cannot be followed; the bundled weights are served then

    @classmethod
    def from_environment(cls) -> Settings:
        """The variables' settings. A wrong value does not keep the app from starting: `mistake` says what is wrong. In
        the place of a wrong interval there is the usual one, and the log says so.
        """
        repo = flags.variable("WEIGHTS_REPO")
        revision = flags.variable("WEIGHTS_REVISION") or BRANCH
        given = flags.variable("WEIGHTS_POLL_SECONDS")
        mistake = None
        try:
            poll = float(given or POLL_SECONDS)
            if not LEAST_POLL_SECONDS <= poll <= threading.TIMEOUT_MAX:
                raise ValueError
        except ValueError:
            poll = POLL_SECONDS
            log.warning("WEIGHTS_POLL_SECONDS: expected seconds, such as 300, got %.20r: it is %g now", given, poll)
        try:
            if repo:
                Repository(repo)
                check_revision(revision)
            elif revision != BRANCH:
                mistake = f"WEIGHTS_REVISION: {revision[:100]!r} of which repository? WEIGHTS_REPO is not set"
        except HubError as error:
            mistake = f"WEIGHTS_REPO or WEIGHTS_REVISION: {error}"
        return cls(repo, revision, poll, mistake=mistake)

    @property
    def repository(self) -> Repository:
        return Repository(self.repo, self.token, self.endpoint, self.cache_dir)


@dataclass(frozen=True)
class Provenance:
    """Where a network comes from."""

    source: str  # "bundled" or "owner/name"
    sha256: str  # of model.safetensors
    since: datetime
    revision: str | None = None  # the commit; None for the bundled weights
    requested: str | None = None  # the branch, tag or commit that was asked for
    results: dict = field(default_factory=dict, repr=False)  # {split: {figure: number}}, from config.json

    def __str__(self) -> str:
        place = self.source if self.revision is None else f"{self.source}@{self.requested}, commit {self.revision[:8]}"
        return f"{place} (sha256 {self.sha256[:12]})"


class Served(NamedTuple):
    """A network, and where it comes from."""

    model: MLP
    provenance: Provenance


@dataclass(frozen=True)
class Look:
    """The last time that the Hub was asked."""

    checked: datetime | None = None
    error: str | None = None  # why the newest weights are not served; None when they are


class Serving:
    """The current weights, and the thread that exchanges them. Make it with `start`."""

    def __init__(self, settings: Settings, bundled: Served) -> None:
        self.settings = settings
        self.current = bundled  # replaced whole, never changed: reading it needs no lock
        self.look = Look(error=settings.mistake)
        self.versions: tuple[Version, ...] = ()  # as listed when the current weights were first served
        self._lock = threading.Lock()  # a look that was left behind may end while another one runs
        self._deadline = Deadline()
        self._left_behind: list[threading.Thread] = []
        self._stopped = threading.Event()

    def health(self) -> dict:
        """The answer to GET /health: which weights answer now, and why newer ones do not, if so. No secrets."""
        _, provenance = self.current
        look, settings = self.look, self.settings
        return {
            "status": "ok",
            "weights": {
                "source": provenance.source,
                "revision": provenance.revision,
                "sha256": provenance.sha256,
                "since": timestamp(provenance.since),
                "wanted": f"{settings.repo}@{settings.revision}" if settings.repo else None,
                "checked": timestamp(look.checked),
                "error": look.error,
            },
        }

    def stop(self) -> None:
        """Ends the thread and a look that is under way."""
        self._stopped.set()
        self._deadline.cancel()

    # --- The thread ---------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        self._use_cache()
        pause, listed = self.settings.retry_seconds, None
        while not self._stopped.is_set():
            asks = self._can_look()
            newest = self._within_budget(self._look_at_hub) if asks else False
            if not asks:
                self._failed(f"{MOST_LEFT_BEHIND} earlier looks at the Hub have not ended: it is not asked again")
            elif newest is None:
                self._failed(f"the Hub took longer than {self.settings.budget_seconds:g} seconds")
            if newest:
                serves = self.current.provenance.revision
                if listed != serves and self._can_look() and self._within_budget(self._list_versions):
                    listed = serves  # not at every look: that would cost three requests instead of one
                if COMMIT.fullmatch(self.settings.revision) and listed == serves:
                    return  # pinned: there is nothing left to wait for
                pause, wait = self.settings.retry_seconds, self.settings.poll_seconds
            else:
                pause, wait = min(2 * pause, self.settings.poll_seconds), min(pause, self.settings.poll_seconds)
            self._stopped.wait(wait)

    def _can_look(self) -> bool:
        """Whether few enough looks were left behind."""
        self._left_behind = [thread for thread in self._left_behind if thread.is_alive()]
        return len(self._left_behind) < MOST_LEFT_BEHIND

    def _within_budget(self, task: Callable[[Deadline], bool]) -> bool | None:
        """Runs a task on a thread of its own. Returns its result, or None when it took too long and was left behind."""
        outcome: list[bool] = []
        self._deadline = deadline = Deadline(self.settings.budget_seconds)
        thread = threading.Thread(target=lambda: outcome.append(task(deadline)), name="weights-look", daemon=True)
        thread.start()
        thread.join(self.settings.budget_seconds)
        if not thread.is_alive():
            return bool(outcome and outcome[0])
        with self._lock:
            deadline.cancel()
        close_session()  # a slow download that never ends checks no deadline, but it ends with its connection
        self._left_behind.append(thread)
        return None

    def _use_cache(self) -> None:
        """Serves the weights that an earlier run pulled: they are newer than the bundled ones, even without a Hub."""
        try:
            snapshot = find_in_cache(self.settings.repository, self.settings.revision)
            if snapshot:
                self._swap(snapshot, Deadline(), self.look)  # the Hub was not asked
        except Exception as error:
            log.warning("weights: the cached ones were not used (%s)", type(error).__name__)

    def _look_at_hub(self, deadline: Deadline) -> bool:
        """Asks for the commit; pulls, checks and swaps a new one. Returns True when the newest weights are served."""
        settings = self.settings
        commit = settings.revision
        pinned = COMMIT.fullmatch(commit)
        if pinned and commit == self.current.provenance.revision:
            return True  # it came from the cache
        try:
            if not pinned:
                commit, _ = resolve(settings.repository, settings.revision)
            if commit != self.current.provenance.revision:
                snapshot = pull(settings.repository, commit, deadline=deadline)
                self._swap(snapshot, deadline, Look(datetime.now(UTC)))
                remember(snapshot, settings.revision)
            return self._succeeded(deadline)
        except (HubError, Damaged) as error:
            return self._failed(str(error), deadline)
        except WeightsError as error:
            return self._failed(f"commit {commit[:8]} is refused: {without_folder(error)}", deadline)
        except Exception as error:  # the thread survives every error
            return self._failed(f"an unexpected failure ({type(error).__name__})", deadline)

    def _swap(self, snapshot: Snapshot, deadline: Deadline, look: Look) -> None:
        """Verifies weights and serves them from now on. Raises WeightsError when they fail."""
        model = freeze(verified(snapshot.folder))
        results = read_figures(model.info)
        repo, commit, wanted = self.settings.repo, snapshot.commit, self.settings.revision
        provenance = Provenance(repo, snapshot.sha256, datetime.now(UTC), commit, wanted, results=results)
        with self._lock:
            deadline.check()
            self.current = Served(model, provenance)
            self.look = look  # at once, or /health would name the new weights and the old error for a moment
        log.info("weights: now serving %s", provenance)

    def _list_versions(self, deadline: Deadline) -> bool:
        """Lists the published versions for the page. After a failure the old list stays."""
        settings = self.settings
        branch = BRANCH if COMMIT.fullmatch(settings.revision) else settings.revision
        try:
            versions = tuple(list_versions(settings.repository, branch, deadline))
            with self._lock:
                deadline.check()
                self.versions = versions
        except Exception as error:
            log.debug("weights: the published versions cannot be listed (%s)", type(error).__name__)
            return False
        return True

    def _succeeded(self, deadline: Deadline) -> bool:
        with self._lock:
            deadline.check()
            if self.look.error:
                log.info("weights: the Hub is back, serving %s", self.current.provenance)
            self.look = Look(datetime.now(UTC))
        return True

    def _failed(self, problem: str, deadline: Deadline | None = None) -> bool:
        with self._lock:
            if deadline is not None and deadline.cancelled.is_set():
                return False  # it was left behind, and the log says so already
            if problem != self.look.error:  # once, not after every look
                log.warning("weights: %s; still serving %s", problem, self.current.provenance)
            self.look = Look(datetime.now(UTC), problem)
        return False


# Held while the weights are read: two threads that ask first would read them twice.
STARTING = threading.Lock()


def served() -> Serving:
    """The weights of this process: the bundled ones or those that WEIGHTS_REPO names, read when first asked for.

    Raises:
        WeightsError: the bundled weights are damaged.
    """
    with STARTING:
        return started()


@functools.cache
def started() -> Serving:
    return start()


def start(settings: Settings | None = None) -> Serving:
    """Serves the bundled weights from now on, and follows those on the Hub, if settings name any.

    Raises:
        WeightsError: the bundled weights are damaged.
    """
    show_log()
    settings = settings or Settings.from_environment()
    bundled = bundled_weights()
    serving = Serving(settings, bundled)
    log.info("weights: serving %s", bundled.provenance)
    if settings.mistake:
        log.warning("weights: %s", settings.mistake)
    if settings.repo and not settings.mistake:
        threading.Thread(target=serving._watch, name="weights", daemon=True).start()
    return serving


def bundled_weights() -> Served:
    model = weights.load()
    sha256 = sha256_of(weights.BUNDLED / MODEL_FILE)
    results = read_figures(model.info)
    return Served(freeze(model), Provenance(BUNDLED_SOURCE, sha256, datetime.now(UTC), results=results))


def show_log() -> None:
    """Prints the log about weights where the program has not set up logging."""
    log.setLevel(logging.INFO)
    if not log.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(handler)


def timestamp(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def without_folder(error: WeightsError) -> str:
    """The message with file names, but without the folders of this machine."""
    return FOLDERS.sub("", str(error))
