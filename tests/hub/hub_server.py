"""A server that speaks the Hugging Face Hub's protocol, as far as models are published and pulled, and fails on demand.

    with HubServer() as hub:
        hub.add_user("ann", "hf_ann", role="write")
        fault = hub.fault("GET", "/lfs/", truncate)     # from now on, until fault.clear()
        ...

State lives in memory. Large files are kept on a second port, as the Hub keeps them on another host: huggingface_hub
follows a redirect that stays on one origin and would lose the headers that name the commit. Everything else follows
https://huggingface.co/docs/hub/api and the requests that huggingface_hub really sends.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

START = datetime(2026, 1, 1, tzinfo=UTC)
LARGE = (".safetensors", ".bin")  # stored apart, as .gitattributes of a new repository on the Hub says


def git_hash(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


# --- Stored objects ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class User:
    """A token and whose it is."""

    name: str
    role: str  # "write", "read" or "fineGrained"
    scopes: tuple[dict, ...] = ()  # of a fine-grained one
    organizations: tuple[str, ...] = ()  # of the user, who may write to all of theirs


@dataclass(frozen=True)
class Commit:
    oid: str
    title: str
    date: datetime
    files: dict[str, bytes]
    parent: Commit | None = None


@dataclass
class Repo:
    name: str
    private: bool = False
    gated: bool = False
    branches: dict[str, Commit] = field(default_factory=dict)
    tags: dict[str, Commit] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    pull_requests: int = 0
    authors: dict[int, str] = field(default_factory=dict)  # of the pull requests

    def find(self, revision: str) -> Commit | None:
        return self.branches.get(revision) or self.tags.get(revision) or self.commits.get(revision)


# --- Faults -----------------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Fault:
    """What happens instead of an answer, for requests of this method whose path contains `path`."""

    server: HubServer
    method: str
    path: str
    act: Callable
    times: int | None  # None: until it is cleared
    met: int = 0

    def matches(self, method: str, path: str) -> bool:
        return method == self.method and self.path in path and self.times != 0

    def clear(self) -> None:
        self.server.faults.remove(self)


def status(code: int, message: str = "no", error_code: str = "") -> Callable:
    """An answer with this status."""

    def act(request: Request, answer: Callable) -> None:
        headers = {"X-Error-Message": message} | ({"X-Error-Code": error_code} if error_code else {})
        request.send(code, json.dumps({"error": message}).encode(), headers)

    return act


def drop(request: Request, answer: Callable) -> None:
    """The connection ends without an answer."""
    request.break_off()


def drop_after(request: Request, answer: Callable) -> None:
    """The request is carried out, but its answer is lost."""
    request.mute = True
    answer()
    request.break_off()


def silence(request: Request, answer: Callable) -> None:
    """The connection is accepted and held, and nothing is ever said; `server.release()` lets go."""
    request.server.owner.hold()
    request.break_off()


def pause(request: Request, answer: Callable) -> None:
    """Nothing is said until `server.release()`; then the answer follows."""
    request.server.owner.hold()
    answer()


def pause_after(request: Request, answer: Callable) -> None:
    """The request is carried out, but nothing is said of it."""
    request.mute = True
    answer()
    request.server.owner.hold()
    request.break_off()


def stall(request: Request, answer: Callable) -> None:
    """Half of the body arrives, then nothing until `server.release()`."""

    def half(body: bytes) -> bytes:
        request.wfile.write(body[: len(body) // 2])
        request.server.owner.hold()
        return body[len(body) // 2 :]

    request.change, request.late = half, True
    answer()


def changed(change: Callable[[bytes], bytes], claim_whole: bool = False) -> Callable:
    """The right answer with another body."""

    def act(request: Request, answer: Callable) -> None:
        request.change, request.claim_whole = change, claim_whole
        answer()

    return act


truncate = changed(lambda body: body[: len(body) // 2], claim_whole=True)
flip_bit = changed(lambda body: body[:-9] + bytes([body[-9] ^ 16]) + body[-8:])
web_page = changed(lambda body: b"<!doctype html><html><body>Sign in to the network</body></html>")


def redirect(url: str) -> Callable:
    """A redirect to another host."""
    return lambda request, answer: request.send(302, b"", {"Location": url} | request.file_headers())


def drip(request: Request, answer: Callable) -> None:
    """The body comes byte by byte, too slowly ever to end, but never slowly enough for a timeout."""
    request.send_response(200)
    request.send_header("Content-Length", "1000000")
    request.end_headers()
    while not request.server.owner.released.wait(0.1):
        request.wfile.write(b"x")


def flood(request: Request, answer: Callable) -> None:
    """A body without a stated length, far larger than any weights; not endless, for the sake of this machine's disk."""
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    for _ in range(100):
        request.wfile.write(b"100000\r\n" + bytes(0x100000) + b"\r\n")
    request.wfile.write(b"0\r\n\r\n")


# --- The server -------------------------------------------------------------------------------------------------------


class HubServer:
    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.repos: dict[str, Repo] = {}
        self.large: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        self.tokens_seen: list[str | None] = []
        self.held = 0
        self.released = threading.Event()
        self.changed = threading.Condition()
        self.lock = threading.RLock()

    def __enter__(self) -> HubServer:
        self.servers = [Listener(("127.0.0.1", 0), Request) for _ in range(2)]
        for server in self.servers:
            server.owner = self
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True).start()
        self.url, self.storage = (f"http://127.0.0.1:{server.server_address[1]}" for server in self.servers)
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def add_user(self, name: str, token: str, role: str = "write", **options: tuple) -> None:
        self.users[token] = User(name, role, **options)

    def add_repo(self, name: str, **options: bool) -> Repo:
        repo = self.repos[name] = Repo(name, **options)
        self.add_commit(name, "initial commit", {".gitattributes": b"*.safetensors filter=lfs\n"})
        return repo

    def add_commit(self, name: str, title: str, files: dict[str, bytes], branch: str = "main") -> str:
        """A commit as if somebody had pushed it: `files` beside those that are there."""
        repo = self.repos[name]
        parent = repo.branches.get(branch)
        return self.commit(repo, branch, parent, title, (parent.files if parent else {}) | files).oid

    def commit(self, repo: Repo, branch: str, parent: Commit | None, title: str, files: dict[str, bytes]) -> Commit:
        with self.lock:
            number = sum(len(each.commits) for each in self.repos.values())
            oid = hashlib.sha1(f"{repo.name} {number} {title}".encode()).hexdigest()
            made = Commit(oid, title, START + timedelta(days=number), files, parent)
            repo.commits[oid] = repo.branches[branch] = made
            return made

    def fault(self, method: str, path: str, act: Callable, times: int | None = None) -> Fault:
        """Lets requests fail: `method` is GET, HEAD, POST or PUT, `path` a part of their path."""
        if self.released.is_set():
            self.released = threading.Event()
        self.faults.append(Fault(self, method, path, act, times))
        return self.faults[-1]

    def seen(self, method: str, path: str) -> int:
        """How many such requests came."""
        return sum(m == method and path in p for m, p in list(self.requests))

    def hold(self) -> None:
        released = self.released
        with self.changed:
            self.held += 1
            self.changed.notify_all()
        released.wait()
        with self.changed:
            self.held -= 1

    def wait_held(self, seconds: float = 60) -> None:
        """Returns once a request is being held."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.held, seconds), f"no request came; seen: {self.requests}"

    def release(self) -> None:
        """Lets go of what is held."""
        self.released.set()


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    owner: HubServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that break off are part of the tests."""


class Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or small answers wait 40 ms for the other side's acknowledgement
    server: Listener

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.handle_request()

    do_HEAD = do_POST = do_PUT = do_GET

    # --- Plumbing ---

    def handle_request(self) -> None:
        hub = self.server.owner
        self.mute, self.change, self.claim_whole, self.late = False, None, False, False
        path = unquote(urlsplit(self.path).path)
        self.query = urlsplit(self.path).query
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
        hub.requests.append((self.command, path))
        hub.tokens_seen.append(self.token)
        self.target = path
        for fault in list(hub.faults):
            if fault.matches(self.command, path):
                fault.met += 1
                fault.times = None if fault.times is None else fault.times - 1
                return fault.act(self, lambda: self.answer(hub, path))
        self.answer(hub, path)

    def send(self, code: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        if self.mute:
            return
        change = self.change if body and self.change else lambda unchanged: unchanged
        changed_body = body if self.late else change(body)
        length = len(body) if self.claim_whole else len(changed_body)
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(change(body) if self.late else changed_body)
        if length != len(changed_body):
            self.break_off()

    def send_json(self, value: object, code: int = 200) -> None:
        self.send(code, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def refuse(self, code: int, message: str, error_code: str = "") -> None:
        status(code, message, error_code)(self, lambda: None)

    def break_off(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    # --- Answers ---

    def answer(self, hub: HubServer, path: str) -> None:
        user = hub.users.get(self.token) if self.token else None
        if self.token and user is None:
            return self.refuse(401, "Invalid credentials in Authorization header")
        for method, pattern, function in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and self.command in method:
                fields = match.groupdict()
                if "repo" not in fields:
                    return function(self, hub, user, **fields)
                repo = hub.repos.get(fields.pop("repo"))
                if repo is None or (repo.private and (user is None or user.name != owner(repo))):
                    return self.refuse(401 if user is None else 404, "Repository not found", "RepoNotFound")
                with hub.lock:
                    return function(self, hub, user, repo, **fields)
        self.refuse(404, "Sorry, we can't find the page you are looking for.")

    def may_write(self, user: User | None, repo: Repo, own: bool = True) -> bool:
        if user is None:
            self.refuse(401, "Invalid username or password.")
        elif not can_write(user, repo) if own else user.role == "read":
            self.refuse(403, "Forbidden: you must have write access to this repository")
        else:
            return True
        return False

    def whoami(self, hub: HubServer, user: User | None) -> None:
        if user is None:
            return self.refuse(401, "Invalid username or password.")
        token = {"role": user.role} | ({"fineGrained": {"scoped": user.scopes}} if user.scopes else {})
        orgs = [{"name": name} for name in user.organizations]
        self.send_json({"name": user.name, "type": "user", "auth": {"accessToken": token}, "orgs": orgs})

    def may_write_there(self, hub: HubServer, user: User | None, repo: Repo) -> None:
        if repo.gated:
            self.refuse(403, "Access to this model is restricted.", "GatedRepo")
        elif self.may_write(user, repo):
            self.send(200)

    def create(self, hub: HubServer, user: User | None) -> None:
        wanted = json.loads(self.body)
        name = f"{wanted['organization'] or (user and user.name)}/{wanted['name']}"
        if user and not can_write(user, Repo(name)):
            return self.refuse(403, f'You don\'t have the rights to create a model under "{owner(Repo(name))}"')
        if name in hub.repos:
            return self.send_json({"error": "You already created this model repo", "url": f"{hub.url}/{name}"}, 409)
        hub.add_repo(name, private=wanted.get("visibility") == "private")
        self.send_json({"url": f"{hub.url}/{name}", "name": name})

    def validate_yaml(self, hub: HubServer, user: User | None) -> None:
        self.send_json({"errors": [], "warnings": []})

    def preupload(self, hub: HubServer, user: User | None, repo: Repo, rev: str) -> None:
        if not self.may_write(user, repo, own="create_pr=1" not in self.query):
            return
        there = repo.find(rev).files
        self.send_json({"files": [upload_mode(file["path"], there) for file in json.loads(self.body)["files"]]})

    def batch(self, hub: HubServer, user: User | None, repo: Repo) -> None:
        objects = []
        for wanted in json.loads(self.body)["objects"]:
            described = {"oid": wanted["oid"], "size": wanted["size"]}
            if wanted["oid"] not in hub.large:
                described["actions"] = {
                    "upload": {"href": f"{hub.storage}/lfs/{wanted['oid']}"},
                    "verify": {"href": f"{hub.url}/{repo.name}.git/info/lfs/verify"},
                }
            objects.append(described)
        self.send_json({"transfer": "basic", "objects": objects})

    def verify(self, hub: HubServer, user: User | None, repo: Repo) -> None:
        there = hub.large.get(json.loads(self.body)["oid"])
        self.send_json({}, 200 if there is not None else 404)

    def store(self, hub: HubServer, user: User | None, oid: str) -> None:
        if hashlib.sha256(self.body).hexdigest() != oid:
            return self.refuse(400, "BadDigest")
        hub.large[oid] = self.body
        self.send(200)

    def fetch(self, hub: HubServer, user: User | None, oid: str) -> None:
        self.send(200, hub.large[oid], {"ETag": f'"{oid}"'})

    def make_commit(self, hub: HubServer, user: User | None, repo: Repo, rev: str) -> None:
        propose = "create_pr=1" in self.query
        if not self.may_write(user, repo, own=not propose):
            return None
        lines = [json.loads(line) for line in self.body.splitlines()]
        header = lines[0]["value"]
        head = repo.branches[rev]
        parent = repo.commits.get(header.get("parentCommit", head.oid))
        if not propose and parent is not head:
            return self.refuse(412, "A commit has happened since. Please refresh and try again.")
        files = dict(parent.files)
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = hub.large[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        answer = {}
        if propose:
            repo.pull_requests += 1
            rev = f"refs/pr/{repo.pull_requests}"
            answer["pullRequestUrl"] = f"{hub.url}/{repo.name}/discussions/{repo.pull_requests}"
            repo.authors[repo.pull_requests] = user.name
        oid = hub.commit(repo, rev, parent, header["summary"], files).oid
        self.send_json(answer | {"commitOid": oid, "commitUrl": f"{hub.url}/{repo.name}/commit/{oid}"})

    def make_tag(self, hub: HubServer, user: User | None, repo: Repo, rev: str) -> None:
        if not self.may_write(user, repo):
            return None
        name = json.loads(self.body)["tag"]
        if name in repo.tags:
            return self.refuse(409, "Tag already exists")
        repo.tags[name] = repo.find(rev)
        self.send_json({})

    def refs(self, hub: HubServer, user: User | None, repo: Repo) -> None:
        def listed(kind: str, commits: dict[str, Commit]) -> list[dict]:
            return [{"name": n, "ref": f"refs/{kind}/{n}", "targetCommit": c.oid} for n, c in commits.items()]

        branches = {n: c for n, c in repo.branches.items() if not n.startswith("refs/")}
        self.send_json({"branches": listed("heads", branches), "tags": listed("tags", repo.tags), "converts": []})

    def log(self, hub: HubServer, user: User | None, repo: Repo, rev: str) -> None:
        commit, entries = repo.find(rev), []
        while commit:
            date = commit.date.strftime("%Y-%m-%dT%H:%M:%S.000Z")
            entries.append({"id": commit.oid, "title": commit.title, "message": "", "date": date, "authors": []})
            commit = commit.parent
        self.send_json(entries)

    def info(self, hub: HubServer, user: User | None, repo: Repo, rev: str = "main") -> None:
        commit = repo.find(rev)
        if commit is None:
            return self.refuse(404, "Invalid rev id", "RevisionNotFound")
        siblings = [{"rfilename": name} for name in commit.files]
        if "blobs=" in self.query:
            siblings = [{"rfilename": name} | described(name, data) for name, data in commit.files.items()]
        self.send_json({"id": repo.name, "sha": commit.oid, "private": repo.private, "siblings": siblings})

    def discussions(self, hub: HubServer, user: User | None, repo: Repo) -> None:
        """The open pull requests of an author, the only ones that anybody asks for here."""
        asked = parse_qs(self.query)
        assert (asked["type"], asked["status"]) == (["pull_request"], ["open"])
        found = [
            {
                "num": number,
                "title": "A pull request",
                "author": {"name": author},
                "createdAt": "2026-01-01T00:00:00.000Z",
                "status": "open",
                "isPullRequest": True,
                "repo": {"name": repo.name, "type": "model"},
            }
            for number, author in repo.authors.items()
            if [author] == asked["author"]
        ]
        self.send_json({"discussions": found, "count": len(found), "start": 0})

    def resolve(self, hub: HubServer, user: User | None, repo: Repo, rev: str, file: str) -> None:
        if repo.gated:
            return self.refuse(403 if user else 401, "Access to this model is restricted.", "GatedRepo")
        commit = repo.find(rev)
        if commit is None:
            return self.refuse(404, "Invalid rev id", "RevisionNotFound")
        if file not in commit.files:
            return self.refuse(404, "Entry not found", "EntryNotFound")
        data, headers = commit.files[file], self.file_headers()
        if file.endswith(LARGE):
            oid = hashlib.sha256(data).hexdigest()
            hub.large.setdefault(oid, data)
            return self.send(302, b"", {"Location": f"{hub.storage}/lfs/{oid}"} | headers)
        self.send(200, data, headers)

    def file_headers(self) -> dict[str, str]:
        """What the Hub says of a file in its headers."""
        match = re.fullmatch(RESOLVE, self.target)
        if not match:
            return {}
        commit = self.server.owner.repos[match["repo"]].find(match["rev"])
        data = commit.files[match["file"]]
        if not match["file"].endswith(LARGE):
            return {"X-Repo-Commit": commit.oid, "ETag": f'"{git_hash(data)}"'}
        linked = {"X-Linked-Etag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Linked-Size": str(len(data))}
        return {"X-Repo-Commit": commit.oid} | linked


def owner(repo: Repo) -> str:
    return repo.name.split("/")[0]


def can_write(user: User, repo: Repo) -> bool:
    if user.role == "fineGrained":
        entities = [scope["entity"]["name"] for scope in user.scopes if "repo.write" in scope["permissions"]]
        return repo.name in entities or owner(repo) in entities
    return user.role == "write" and owner(repo) in (user.name, *user.organizations)


def described(name: str, data: bytes) -> dict:
    """A file in the list of a commit's files."""
    if not name.endswith(LARGE):
        return {"size": len(data), "blobId": git_hash(data)}
    lfs = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 132}
    return {"size": len(data), "blobId": git_hash(b"a pointer"), "lfs": lfs}


def upload_mode(path: str, there: dict[str, bytes]) -> dict:
    large = path.endswith(LARGE)
    oid = None
    if path in there:
        oid = hashlib.sha256(there[path]).hexdigest() if large else git_hash(there[path])
    return {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False, "oid": oid}


REPO = r"(?P<repo>[^/]+/[^/]+)"
RESOLVE = rf"(?:/datasets)?/{REPO}/resolve/(?P<rev>refs/pr/\d+|[^/]+)/(?P<file>.+)"
ROUTES = [
    ("GET", r"/api/whoami-v2", Request.whoami),
    ("POST", r"/api/repos/create", Request.create),
    ("POST", r"/api/validate-yaml", Request.validate_yaml),
    ("POST", rf"/api/models/{REPO}/preupload/(?P<rev>.+)", Request.preupload),
    ("POST", rf"/{REPO}\.git/info/lfs/objects/batch", Request.batch),
    ("POST", rf"/{REPO}\.git/info/lfs/verify", Request.verify),
    ("PUT", r"/lfs/(?P<oid>\w+)", Request.store),
    ("GET", r"/lfs/(?P<oid>\w+)", Request.fetch),
    ("POST", rf"/api/models/{REPO}/commit/(?P<rev>.+)", Request.make_commit),
    ("POST", rf"/api/models/{REPO}/tag/(?P<rev>.+)", Request.make_tag),
    ("GET", rf"/api/models/{REPO}/auth-check/write", Request.may_write_there),
    ("GET", rf"/api/models/{REPO}/discussions", Request.discussions),
    ("GET", rf"/api/models/{REPO}/refs", Request.refs),
    ("GET", rf"/api/models/{REPO}/commits/(?P<rev>.+)", Request.log),
    ("GET", rf"/api/models/{REPO}/revision/(?P<rev>.+)", Request.info),
    ("GET", rf"/api/models/{REPO}", Request.info),
    (("HEAD", "GET"), RESOLVE, Request.resolve),
]
