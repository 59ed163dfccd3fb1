"""Publishing weights on the Hub, and rolling back: one commit with everything, or nothing.

    push("folder", "owner/name", dataset, tag="v1.2")
    rollback("v1.1", "owner/name")

A commit names its parent, so that two people who push at once cannot mix their files: one wins and the other is told.
The tag is put on that very commit, and never moved. Running the same push again after a broken connection completes it:
what has arrived is recognised by its checksums.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, ModelCard
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

from nn import MLP
from nn.files import CONFIG_FILE, MODEL_FILE, WeightsError
from nn.pictures.mnist import Dataset
from nn.selftest import verified
from weights.hub import gate
from weights.hub import pull as hub
from weights.hub.figures import figures
from weights.hub.problems import Conflict, HubError, explain
from weights.hub.pull import BRANCH, CARD_FILE, MAX_EXTRA_BYTES, WEIGHT_FILES

# The figures of the card may differ by some images from what is measured here: another machine rounds otherwise.
ROUNDING_ERRORS = 3
# The Hub's own name for what a token may do; one that is finely grained is judged by the Hub.
READ_ONLY_ROLE = "read"

Say = Callable[[str], None]


class Refused(ValueError):
    """These weights should not be published; the message says why, and whether --force would do it all the same."""


@dataclass(frozen=True)
class Published:
    """Where the weights are now."""

    commit: str
    url: str
    tag_url: str | None = None
    pull_request_url: str | None = None


@dataclass(frozen=True)
class Account:
    """The Hub as one person sees it."""

    api: HfApi
    name: str
    token: str = field(repr=False)


# --- Push -------------------------------------------------------------------------------------------------------------


def push(
    folder: str | Path,
    repo: str,
    dataset: Dataset | None,
    *,
    tag: str | None = None,
    create_pr: bool = False,
    private: bool = False,
    message: str | None = None,
    force: bool = False,
    token: str | None = None,
    endpoint: str | None = None,
    cache_dir: str | Path | None = None,
    say: Say = print,
) -> Published:
    """Publishes the weights in `folder` with their card and its pictures, after checking and measuring them.

    Args:
        folder: model.safetensors, config.json, README.md and the pictures (PNG) that lie beside it.
        repo: "owner/name"; it is created when it is not there.
        dataset: its test images are what the weights are measured on; None is refused unless forced.
        tag: a new tag on the commit.
        create_pr: open a pull request instead of committing to the branch.
        private: of a repository that is created now.
        message: of the commit; by default it tells the errors on the test images.
        force: publish weights that are worse, or that could not be measured; the message of the commit says so.
        token: None takes HF_TOKEN or the stored login.
        say: is told each step.

    Raises:
        WeightsError: the files are not usable weights; nothing was sent.
        Refused: they are worse than the published ones, not measured, without a card, or the tag exists; nothing was
            sent.
        HubError: the Hub cannot be reached or refuses. Conflict, when somebody else pushed meanwhile.
    """
    folder = Path(folder)
    hub.check_names(repo, tag or BRANCH)
    if tag and create_pr:
        raise Refused("a tag goes on the commit that is served: push with --tag again once the pull request is merged")
    model = verified(folder)
    check_card(folder)
    account = login(token, endpoint, writes=not create_pr)
    head = branch_head(account, repo)
    if tag:
        check_tag_is_new(account, repo, tag, head)
    reasons, measured = judge(model, dataset, repo, head, account, cache_dir)
    say(measured)
    if reasons and not force:
        raise Refused(f"not published: {'; '.join(reasons)}. --force publishes it all the same and says so")
    title = message or f"Publish a {'-'.join(map(str, model.widths))} network: {measured}"
    if reasons:
        title += f" [forced: {'; '.join(reasons)}]"
    if head is None:
        head = create_repository(account, repo, private)
        say(f"created {repo}")
    published = commit(account, repo, folder, title, head, create_pr=create_pr, say=say)
    return with_tag(account, repo, tag, published) if tag else published


def check_card(folder: Path) -> None:
    """Raises Refused unless there is a model card with results, as huggingface_hub itself reads it."""
    path = folder / CARD_FILE
    hint = f"`python -m nn.evaluate --weights {folder} --data DIR --card` writes it"
    if not path.is_file():
        raise Refused(f"{path}: no model card; {hint}")
    try:
        results = ModelCard.load(path).data.eval_results
    except Exception as error:  # yaml's errors and huggingface_hub's have no common ancestor
        raise Refused(f"{path}: its front matter cannot be read ({type(error).__name__}); {hint}") from None
    if not results:
        raise Refused(f"{path}: the card has no results (model-index); {hint}")


def judge(
    model: MLP, dataset: Dataset | None, repo: str, head: str | None, account: Account, cache_dir: str | Path | None
) -> tuple[list[str], str]:
    """(reasons against publishing, the measurement in words)."""
    if dataset is None or not len(dataset.test):
        return ["there are no test images to measure these weights on"], "not measured"
    published = published_model(repo, head, account, cache_dir)
    if published is None:
        comparison, errors = None, int(gate.misread(model, dataset.test).sum())
        measured = f"{errors:,} errors on {len(dataset.test):,} test images"
    else:
        comparison = gate.compare(model, published, dataset.test)
        errors, measured = comparison.new_errors, str(comparison)
    reasons = []
    stated = figures(model.info).get("test", {})
    claimed = stated.get("errors", errors) if stated.get("images") == len(dataset.test) else errors
    if abs(claimed - errors) > ROUNDING_ERRORS:
        reasons.append(f"the card states {claimed:,} errors, measured were {errors:,}")
    if comparison and comparison.worse:
        reasons.append(f"worse than the published weights: {comparison}")
    return reasons, measured


def published_model(repo: str, head: str | None, account: Account, cache_dir: str | Path | None) -> MLP | None:
    """The network on the branch; None when there is none, or none that could be served."""
    if head is None:
        return None
    places = {"token": account.token, "endpoint": account.api.endpoint, "cache_dir": cache_dir}
    try:
        return verified(hub.pull(repo, head, **places).folder)
    except WeightsError:
        return None
    except HubError as error:
        if error.status == 404:
            return None
        raise


# --- Roll back --------------------------------------------------------------------------------------------------------


def rollback(
    version: str,
    repo: str,
    *,
    message: str | None = None,
    token: str | None = None,
    endpoint: str | None = None,
    cache_dir: str | Path | None = None,
    say: Say = print,
) -> Published:
    """Makes a new commit on the branch with the files of `version` (a tag or commit), so that every replica follows.

    Raises:
        WeightsError: that version does not hold usable weights; nothing was changed.
        HubError: no such version, or the Hub refuses. Conflict, when somebody else pushed meanwhile.
    """
    account = login(token, endpoint)
    head = branch_head(account, repo)
    if head is None:
        raise HubError(f"no repository {repo}, or a private one that this token may not read", 404)
    places = {"token": account.token, "endpoint": account.api.endpoint, "cache_dir": cache_dir}
    snapshot = hub.pull(repo, version, **places)
    verified(snapshot.folder)
    for name in remote_files(account, repo, snapshot.commit):
        if publishable(name) and name not in WEIGHT_FILES:
            hub.fetch(name, snapshot.commit, MAX_EXTRA_BYTES, repo=repo, **places)
    title = message or f"Roll back to {version} ({snapshot.commit[:8]})"
    return commit(account, repo, snapshot.folder, title, head, say=say)


# --- The Hub, step by step --------------------------------------------------------------------------------------------


def login(token: str | None, endpoint: str | None, writes: bool = True) -> Account:
    """Who pushes, known before anything is sent.

    Raises:
        HubError: there is no token, it is not valid, or it may only read.
    """
    hub.set_timeouts()
    secret = hub.usable_token(token)
    if secret is None:
        raise HubError("no token: set HF_TOKEN, pass --token, or run `hf auth login`; it needs the right to write")
    api = HfApi(endpoint=endpoint, token=secret)
    try:
        user = api.whoami()
    except Exception as error:
        raise explain(error, "the Hub") from None
    role = user.get("auth", {}).get("accessToken", {}).get("role")
    if role == READ_ONLY_ROLE and writes:
        raise HubError("this token may only read: make one that may write at huggingface.co/settings/tokens", 403)
    return Account(api, str(user.get("name")), secret)


def branch_head(account: Account, repo: str) -> str | None:
    """The newest commit; None when there is no such repository."""
    hub.check_names(repo, BRANCH)
    try:
        return account.api.model_info(repo).sha
    except GatedRepoError as error:
        raise explain(error, repo) from None
    except RepositoryNotFoundError:
        return None
    except Exception as error:
        raise explain(error, repo) from None


def check_tag_is_new(account: Account, repo: str, tag: str, head: str | None) -> None:
    if head is None:
        return
    try:
        refs = account.api.list_repo_refs(repo)
    except Exception as error:
        raise explain(error, repo) from None
    for existing in refs.tags:
        if existing.name == tag:
            raise Refused(
                f"tag {tag} exists, on commit {existing.target_commit[:8]}: tags are never moved, take a new one"
            )
    if tag in {branch.name for branch in refs.branches}:
        raise Refused(f"{tag} is the name of a branch; take another one for the tag")


def create_repository(account: Account, repo: str, private: bool) -> str:
    """Returns the new repository's first commit."""
    try:
        account.api.create_repo(repo, private=private or None, exist_ok=True)
        return account.api.model_info(repo).sha
    except HfHubHTTPError as error:
        if error.response.status_code == 403:
            raise HubError(
                f"{account.name} may not create {repo}: {repo.split('/')[0]} is another owner; "
                f"push to {account.name}/{repo.split('/')[1]}",
                403,
            ) from None
        raise explain(error, repo) from None
    except Exception as error:
        raise explain(error, repo) from None


def commit(
    account: Account, repo: str, folder: Path, title: str, parent: str, *, create_pr: bool = False, say: Say = print
) -> Published:
    """One commit with the publishable files of `folder`; pictures that belong to earlier weights go.

    Raises:
        HubError: the Hub refuses, or the connection broke. Conflict, when `parent` is not the newest commit any more.
    """
    paths = sorted(path for path in folder.iterdir() if publishable(path.name) and path.is_file())
    too_large = [path.name for path in paths if path.name not in WEIGHT_FILES and path.stat().st_size > MAX_EXTRA_BYTES]
    if too_large:
        raise Refused(f"{', '.join(too_large)}: more than {MAX_EXTRA_BYTES:,} bytes; make the picture smaller")
    names = {path.name for path in paths}
    try:
        stale = [name for name in remote_files(account, repo, parent) if publishable(name) and name not in names]
        say(f"sending {', '.join(path.name for path in paths)}")
        info = account.api.create_commit(
            repo,
            [CommitOperationAdd(path.name, path) for path in paths] + [CommitOperationDelete(name) for name in stale],
            commit_message=title,
            parent_commit=parent,
            create_pr=create_pr,
        )
        check_arrived(account, repo, folder, info.oid)
    except (HubError, WeightsError):
        raise
    except Exception as error:
        problem = explain(error, repo)
        if isinstance(problem, Conflict) or problem.status == 403:
            hint = "; --create-pr proposes it instead" if problem.status == 403 and not create_pr else ""
            raise type(problem)(f"{problem}{hint}", problem.status) from None
        raise HubError(
            f"{problem}; nothing is lost: run the same command again, it goes on from what has arrived", problem.status
        ) from None
    if info.oid == parent:
        say("these very files are the newest commit already")
    return Published(info.oid, info.commit_url, pull_request_url=info.pr_url)


def check_arrived(account: Account, repo: str, folder: Path, oid: str) -> None:
    """Raises HubError unless the commit holds the very files that were sent.

    A commit without changes skips the check of its parent, so somebody else's may have come in between.
    """
    for name, most in WEIGHT_FILES.items():
        _, etag = hub.resolve(repo, oid, token=account.token, endpoint=account.api.endpoint, name=name, most=most)
        if not hub.matches(folder / name, etag, most):
            raise Conflict(f"somebody pushed to {repo} meanwhile: {name} of commit {oid[:8]} is not the one sent", 412)


def with_tag(account: Account, repo: str, tag: str, published: Published) -> Published:
    """Puts a new tag on the commit."""
    try:
        account.api.create_tag(repo, tag=tag, revision=published.commit)
    except Exception as error:
        problem = explain(error, repo)
        if isinstance(problem, Conflict):
            raise Conflict(
                f"the weights are published ({published.url}), but somebody made tag {tag} meanwhile: "
                "run it again with a new tag",
                problem.status,
            ) from None
        raise HubError(
            f"the weights are published ({published.url}), but not tagged: {problem}; run the same command again",
            problem.status,
        ) from None
    url = f"{account.api.endpoint}/{repo}/tree/{tag}"
    return Published(published.commit, published.url, url, published.pull_request_url)


def remote_files(account: Account, repo: str, commit_: str) -> list[str]:
    try:
        return [file.rfilename for file in account.api.model_info(repo, revision=commit_).siblings or ()]
    except Exception as error:
        raise explain(error, repo) from None


def publishable(name: str) -> bool:
    """The weights, the card and the pictures beside it."""
    return name in (MODEL_FILE, CONFIG_FILE, CARD_FILE) or (name.endswith(".png") and "/" not in name)
