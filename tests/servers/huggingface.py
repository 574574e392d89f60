"""A stand-in for the Hugging Face Hub: an HTTP server on 127.0.0.1 that speaks the calls of huggingface_hub.

    hub = Hub();  with picsellia.serve(hub) as endpoint: HfApi(endpoint=endpoint, token=TOKEN)

Repositories of models, with commits, branches and tags. Files of at least `large` bytes are in Git LFS: uploads of them and
redirects for them go to another host name of this machine, as to the Hub's storage.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from tests.servers.picsellia import Faults
from tests.servers.picsellia_wire import Answer, Call, Refusal

TOKEN = "hf_canary0123456789"
"""The token that may read and write."""
START = datetime(2026, 2, 3, 9, 0, tzinfo=UTC)
_PAGE = 3
"""Rows of a page."""


@dataclass(frozen=True)
class Blob:
    """The content of a file; one `in_lfs` is named by its SHA-256."""

    data: bytes
    in_lfs: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def oid(self) -> str:
        data = self.data if not self.in_lfs else f"oid sha256:{self.sha256} {len(self.data)}".encode()
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    def row(self, path: str) -> dict[str, Any]:
        lfs = {"lfs": {"oid": self.sha256, "size": len(self.data), "pointerSize": 130}} if self.in_lfs else {}
        return {"type": "file", "path": path, "size": len(self.data), "oid": self.oid, **lfs}


@dataclass(frozen=True)
class Commit:
    """A commit and its files; its id is that of its contents."""

    parent: str | None
    files: Mapping[str, Blob]
    title: str
    message: str
    author: str
    date: datetime

    @property
    def id(self) -> str:
        tree = sorted((path, blob.oid) for path, blob in self.files.items())
        return hashlib.sha1(repr((self.parent, tree, self.title, self.message, self.date)).encode()).hexdigest()


@dataclass
class Repository:
    """A repository of a model."""

    private: bool = False
    gated: bool = False
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)

    def commit(
        self, files: Mapping[str, bytes | None], title: str = "A commit", *, branch: str = "main", author: str = "ana",
        message: str = "", large: int = 1000,
    ) -> str:  # fmt: skip
        """Commit files, without those that are None; the commit's id."""
        parent = self.branches.get(branch)
        tree = dict(self.commits[parent].files) if parent is not None else {}
        for path, data in files.items():
            if data is None:
                del tree[path]
            else:
                tree[path] = Blob(data, len(data) >= large)
        return self.add(parent, tree, title, message, branch, author)

    def add(
        self, parent: str | None, tree: Mapping[str, Blob], title: str, message: str, branch: str, author: str
    ) -> str:
        date = START + timedelta(minutes=len(self.commits))
        made = Commit(parent, dict(tree), title, message, author, date)
        self.commits[made.id] = made
        self.branches[branch] = made.id
        return made.id

    def history(self, revision: str) -> Iterator[Commit]:
        """The commits from a revision on, the newest first."""
        commit: str | None = self.resolve(revision)
        while commit is not None:
            yield self.commits[commit]
            commit = self.commits[commit].parent

    def resolve(self, revision: str) -> str:
        """The commit of a branch, a tag or an id."""
        names = {**{id_: id_ for id_ in self.commits}, **self.tags, **self.branches}
        if revision not in names:
            raise _Coded(404, "RevisionNotFound")
        return names[revision]


class _Coded(Refusal):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(status, code)
        self.code = code


@dataclass
class Hub:
    """All that the Hub knows."""

    token: str = TOKEN
    large: int = 1000
    part: int = 4_000_000
    """Bytes of a part; a larger file is uploaded in several."""
    repositories: dict[str, Repository] = field(default_factory=dict)
    faults: Faults = lambda _: None
    host: str = ""
    calls: list[Call] = field(default_factory=list)
    parts: dict[tuple[str, int], bytes] = field(default_factory=dict)
    uploaded: list[str] = field(default_factory=list)
    """The SHA-256 of each upload to storage, in order."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def storage(self) -> str:
        """The address of the storage: another host name."""
        return self.host.replace("127.0.0.1", "localhost")

    def answer(self, call: Call) -> Answer:
        with self.lock:
            try:
                return self._route(call)
            except _Coded as refusal:
                headers = {"X-Error-Code": refusal.code}
                return Answer(refusal.status, {"error": refusal.message}, headers)
            except Refusal as refusal:
                return Answer(refusal.status, {"error": refusal.message})

    def _route(self, call: Call) -> Answer:
        for method, pattern, function in _ROUTES:
            match = pattern.match(call.path)
            if match and call.method in method.split():
                return function(self, call, **match.groupdict())
        raise Refusal(404, f"There is no {call.method} {call.path}")

    def is_known(self, call: Call) -> bool:
        """Whether the call has the token; a wrong one is refused."""
        given = call.headers.get("authorization")
        if given is not None and given != f"Bearer {self.token}":
            raise _Coded(401, "InvalidToken")
        return given is not None

    def readable(self, call: Call, name: str) -> Repository:
        known, repository = self.is_known(call), self.repositories.get(name)
        if repository is None or (repository.private and not known):
            raise _Coded(404 if known else 401, "RepoNotFound")
        if repository.gated:
            raise _Coded(403, "GatedRepo")
        return repository

    def writable(self, call: Call, name: str) -> Repository:
        if not self.is_known(call):
            raise _Coded(401, "RepoNotFound")
        return self.readable(call, name)


Function = Callable[..., Answer]
_ROUTES: list[tuple[str, re.Pattern[str], Function]] = []
_NAME, _REVISION = r"(?P<name>[^/]+/[^/]+)", r"(?P<revision>.+?)"


def _route(method: str, path: str) -> Callable[[Function], Function]:
    pattern = re.compile(path.replace("NAME", _NAME).replace("REVISION", _REVISION) + r"\Z")

    def register(function: Function) -> Function:
        _ROUTES.append((method, pattern, function))
        return function

    return register


# --- reading


@_route("GET", "/api/models/NAME/refs")
def _refs(hub: Hub, call: Call, name: str) -> Answer:
    repository = hub.readable(call, name)

    def rows(refs: Mapping[str, str], kind: str) -> list[dict[str, str]]:
        return [{"name": ref, "ref": f"refs/{kind}/{ref}", "targetCommit": id_} for ref, id_ in refs.items()]

    return Answer(
        200, {"branches": rows(repository.branches, "heads"), "tags": rows(repository.tags, "tags"), "converts": []}
    )


def _paged(hub: Hub, call: Call, rows: list[Any]) -> Answer:
    start = int(call.query.get("cursor", 0))
    more = {k: v for k, v in call.query.items() if k != "cursor"} | {"cursor": str(start + _PAGE)}
    query = "&".join(f"{key}={value}" for key, value in more.items())
    link = {"Link": f'<{hub.host}{quote(call.path)}?{query}>; rel="next"'} if start + _PAGE < len(rows) else {}
    return Answer(200, rows[start : start + _PAGE], link)


@_route("GET", "/api/models/NAME/commits/REVISION")
def _commits(hub: Hub, call: Call, name: str, revision: str) -> Answer:
    rows = [
        {
            "id": commit.id,
            "title": commit.title,
            "message": commit.message,
            "date": commit.date.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "authors": [{"user": commit.author}],
        }
        for commit in hub.readable(call, name).history(revision)
    ]
    return _paged(hub, call, rows)


@_route("GET", "/api/models/NAME/tree/REVISION")
def _tree(hub: Hub, call: Call, name: str, revision: str) -> Answer:
    repository = hub.readable(call, name)
    commit = repository.commits[repository.resolve(revision)]
    folders = {path.rpartition("/")[0] for path in commit.files} - {""}
    rows = [{"type": "directory", "path": folder, "oid": "0" * 40} for folder in sorted(folders)]
    return _paged(hub, call, [*rows, *(blob.row(path) for path, blob in sorted(commit.files.items()))])


@_route("GET", "/api/models/NAME(?:/revision/REVISION)?")
def _info(hub: Hub, call: Call, name: str, revision: str | None) -> Answer:
    repository = hub.readable(call, name)
    commit = repository.commits[repository.resolve(revision or "main")]
    files = [{"rfilename": path} for path in sorted(commit.files)]
    return Answer(
        200, {"id": name, "modelId": name, "sha": commit.id, "private": repository.private, "siblings": files}
    )


@_route("GET HEAD", "/NAME/resolve/(?P<revision>[^/]+)/(?P<path>.+)")
def _resolve(hub: Hub, call: Call, name: str, revision: str, path: str) -> Answer:
    repository = hub.readable(call, name)
    commit = repository.commits[repository.resolve(revision)]
    blob = commit.files.get(path)
    if blob is None:
        raise _Coded(404, "EntryNotFound")
    headers = {"X-Repo-Commit": commit.id, "ETag": f'"{blob.oid}"', "Accept-Ranges": "bytes"}
    if not blob.in_lfs:
        return Answer(200, headers=headers, raw=blob.data)
    headers |= {"X-Linked-ETag": f'"{blob.sha256}"', "X-Linked-Size": str(len(blob.data))}
    repository.objects[blob.sha256] = blob.data
    return Answer(302, headers={**headers, "Location": f"{hub.storage}/storage/{name}/{blob.sha256}?signed=1"})


@_route("GET HEAD", "/storage/NAME/(?P<sha256>[0-9a-f]{64})")
def _stored(hub: Hub, call: Call, name: str, sha256: str) -> Answer:
    if "authorization" in call.headers:
        raise Refusal(400, "The storage takes no token")
    return Answer(200, raw=hub.repositories[name].objects[sha256])


# --- writing


@_route("POST", "/api/repos/create")
def _create(hub: Hub, call: Call) -> Answer:
    if not hub.is_known(call):
        raise Refusal(401, "Log in")
    asked = call.json()
    name = f"{asked['organization']}/{asked['name']}"
    if name in hub.repositories:
        raise Refusal(409, "You already created this model repo")
    repository = hub.repositories[name] = Repository(private=asked.get("visibility") == "private")
    repository.commit({".gitattributes": b"*.onnx filter=lfs\n"}, "initial commit", author="system")
    return Answer(200, {"url": f"{hub.host}/{name}", "name": name})


@_route("POST", "/api/validate-yaml")
def _validate(hub: Hub, call: Call) -> Answer:
    return Answer(200, {"errors": [], "warnings": []})


@_route("POST", "/api/models/NAME/preupload/REVISION")
def _preupload(hub: Hub, call: Call, name: str, revision: str) -> Answer:
    repository = hub.writable(call, name)
    before = repository.commits[repository.resolve(revision)].files
    rows = [
        {
            "path": file["path"],
            "uploadMode": "lfs" if file["size"] >= hub.large else "regular",
            "shouldIgnore": False,
            **({"oid": _known(before[file["path"]])} if file["path"] in before else {}),
        }
        for file in call.json()["files"]
    ]
    return Answer(200, {"files": rows})


def _known(blob: Blob) -> str:
    return blob.sha256 if blob.in_lfs else blob.oid


@_route("POST", r"/NAME\.git/info/lfs/objects/batch")
def _batch(hub: Hub, call: Call, name: str) -> Answer:
    repository = hub.writable(call, name)
    rows = []
    for asked in call.json()["objects"]:
        row, place = dict(asked), f"{hub.storage}/upload/{name}/{asked['oid']}"
        if asked["oid"] not in repository.objects:
            upload: dict[str, Any] = {"href": place}
            if asked["size"] > hub.part:
                count = -(-asked["size"] // hub.part)
                urls = {str(number + 1): f"{place}/{number}" for number in range(count)}
                upload = {
                    "href": f"{hub.host}/complete/{name}/{asked['oid']}",
                    "header": {**urls, "chunk_size": str(hub.part)},
                }
            verify = f"{hub.host}/verify/{name}/{asked['oid']}"
            row["actions"] = {"upload": upload, "verify": {"href": verify}}
        rows.append(row)
    return Answer(200, {"transfer": "basic", "objects": rows})


@_route("PUT", "/upload/NAME/(?P<sha256>[0-9a-f]{64})(?:/(?P<number>[0-9]+))?")
def _upload(hub: Hub, call: Call, name: str, sha256: str, number: str | None) -> Answer:
    if number is not None:
        hub.parts[sha256, int(number)] = call.body
        return Answer(200, headers={"ETag": f'"{number}"'})
    return _store(hub, name, sha256, call.body)


@_route("POST", "/complete/NAME/(?P<sha256>[0-9a-f]{64})")
def _complete(hub: Hub, call: Call, name: str, sha256: str) -> Answer:
    count = len(call.json()["parts"])
    return _store(hub, name, sha256, b"".join(hub.parts[sha256, number] for number in range(count)))


def _store(hub: Hub, name: str, sha256: str, data: bytes) -> Answer:
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Refusal(400, "The checksum is another")
    hub.repositories[name].objects[sha256] = data
    hub.uploaded.append(sha256)
    return Answer(200, {})


@_route("POST", "/verify/NAME/(?P<sha256>[0-9a-f]{64})")
def _verify(hub: Hub, call: Call, name: str, sha256: str) -> Answer:
    repository = hub.writable(call, name)
    if sha256 not in repository.objects:
        raise Refusal(404, "No such object")
    return Answer(200, {})


@_route("POST", "/api/models/NAME/commit/REVISION")
def _commit(hub: Hub, call: Call, name: str, revision: str) -> Answer:
    repository = hub.writable(call, name)
    rows = [json.loads(line) for line in call.body.splitlines()]
    header = rows[0]["value"]
    tip = repository.branches[revision]
    if header.get("parentCommit", tip) != tip:
        raise Refusal(412, "The branch has moved")
    tree = dict(repository.commits[tip].files)
    for row in rows[1:]:
        value = row["value"]
        if row["key"] == "file":
            tree[value["path"]] = Blob(base64.b64decode(value["content"]), in_lfs=False)
        elif row["key"] == "lfsFile":
            tree[value["path"]] = Blob(repository.objects[value["oid"]], in_lfs=True)
        else:
            del tree[value["path"]]
    made = repository.add(tip, tree, header["summary"], header["description"], revision, "ana")
    return Answer(200, {"commitUrl": f"{hub.host}/{name}/commit/{made}", "commitOid": made})


@_route("POST", "/api/models/NAME/tag/REVISION")
def _tag(hub: Hub, call: Call, name: str, revision: str) -> Answer:
    repository = hub.writable(call, name)
    tag = call.json()["tag"]
    if tag in repository.tags:
        raise Refusal(409, "The tag exists")
    repository.tags[tag] = repository.resolve(revision)
    return Answer(200, {})


@_route("DELETE", "/api/models/NAME/tag/(?P<tag>.+)")
def _untag(hub: Hub, call: Call, name: str, tag: str) -> Answer:
    hub.writable(call, name).tags.pop(tag, None)
    return Answer(200, {})
