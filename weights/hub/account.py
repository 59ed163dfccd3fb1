"""The account behind a token, and its right to push, which is checked before anything is measured or sent."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from huggingface_hub import HfApi
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

from weights.hub.client import set_timeouts
from weights.hub.problems import HubError, hub_errors
from weights.hub.pull import Repository, find_token

TOKENS_PAGE = "huggingface.co/settings/tokens"
# Rights to any other kind of entity may include the right to create a repository: only creating it tells.
ENTITY_TYPES = ("user", "org", "model", "dataset", "space")


@dataclass(frozen=True)
class Publisher:
    """A repository, seen by the account that pushes to it."""

    repository: Repository  # with the token
    api: HfApi = field(repr=False)
    user: str
    owners: tuple[str, ...]  # the user and their organizations
    writable: list[dict] | None  # as `writable_entities` gives it

    @property
    def repo(self) -> str:
        return self.repository.name

    @property
    def url(self) -> str:
        return f"{self.api.endpoint}/{self.repo}"


def sign_in(repository: Repository, writes: bool = True) -> Publisher:
    """Finds the account of the token.

    Raises:
        HubError: there is no token, it is not valid, or, where `writes`, it may not write.
    """
    set_timeouts()
    token = find_token(repository.token)
    if token is None:
        raise HubError("no token: set HF_TOKEN, pass --token, or run `hf auth login`; it needs the right to write")
    api = HfApi(endpoint=repository.endpoint, token=token)
    with hub_errors("the Hub"):
        account = api.whoami()
        user = str(account["name"])
        owners = (user, *(each["name"] for each in account.get("orgs", ())))
        writable = writable_entities(account, owners)
    if writes and writable == []:
        raise HubError(f"this token may only read: make one that may write at {TOKENS_PAGE}", 403)
    return Publisher(replace(repository, token=token), api, user, owners, writable)


def writable_entities(account: dict, owners: tuple[str, ...]) -> list[dict] | None:
    """What the token may write to, {"type": "user", "name": "ann"} or alike; None when whoami's answer does not say."""
    token = account.get("auth", {}).get("accessToken", {})
    if token.get("role") == "fineGrained":
        scopes = token.get("fineGrained", {}).get("scoped", ())
        return [scope.get("entity", {}) for scope in scopes if "repo.write" in scope.get("permissions", ())]
    return {"read": [], "write": [{"type": "user", "name": owner} for owner in owners]}.get(token.get("role"))


def newest_commit(publisher: Publisher) -> str | None:
    """The head of the branch; None when there is no such repository."""
    with hub_errors(publisher.repo):
        try:
            return publisher.api.model_info(publisher.repo).sha
        except GatedRepoError:  # a subclass of the next one
            raise
        except RepositoryNotFoundError:
            return None


def check_right_to_write(publisher: Publisher, head: str | None) -> None:
    """Asks the Hub for the right to commit, before anything is measured.

    Raises:
        HubError: the token or its account has no such right.
    """
    if head is None:
        owner, entities = publisher.repo.split("/")[0], publisher.writable
        covered = [each for each in entities or () if each.get("name") == owner or each.get("type") not in ENTITY_TYPES]
        if entities is not None and not covered:
            raise HubError(why_not_created(publisher), 403)
        return
    with hub_errors(publisher.repo):
        try:
            publisher.api.auth_check(publisher.repo, write=True)
        except GatedRepoError:  # a 403 too, with a message of its own
            raise
        except HfHubHTTPError as error:
            if error.response.status_code == 403:
                problem = f"{publisher.user} may not write to {publisher.repo} with this token"
                raise HubError(f"{problem}; --create-pr proposes the weights instead", 403) from None
            if error.response.status_code != 404:  # 404: this Hub lacks the question, and answers it at the commit
                raise


def create_repository(publisher: Publisher, private: bool) -> str:
    """Returns the new repository's first commit."""
    with hub_errors(publisher.repo):
        try:
            publisher.api.create_repo(publisher.repo, private=private or None, exist_ok=True)
        except HfHubHTTPError as error:
            if error.response.status_code == 403:
                raise HubError(why_not_created(publisher), 403) from None
            raise
        return publisher.api.model_info(publisher.repo).sha


def why_not_created(publisher: Publisher) -> str:
    user, (owner, name) = publisher.user, publisher.repo.split("/")
    if owner in publisher.owners:
        return f"this token may not create {owner}/{name}: give it write access to {owner} at {TOKENS_PAGE}"
    return f"{user} may not create {owner}/{name}: {owner} is another owner; push to {user}/{name}"
