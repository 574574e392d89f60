"""Registries of images, with answers from the input: manifests, tags, tokens, challenges, blobs; docker's own files."""

from __future__ import annotations

import hashlib

from mvc import errors
from mvc.images import challenge, lookup
from mvc.images.blobs import Blob
from mvc.images.credentials import Credentials
from mvc.images.distribution import Repository
from mvc.images.session import Session
from mvc.images.transport import Request, Response, Transport
from mvc.model.hosts import Approvals
from mvc.model.image import Image
from tests.fuzz import store
from tests.fuzz.target import Target

_IMAGE = Image.parse("registry.example.org/acme/yolo:1.4")
_STATUSES = (200, 401, 404, 202, 206, 201, 429, 405, 400, 307)
_HEADERS = (
    "docker-content-digest", "content-type", "www-authenticate", "link", "location", "range", "content-range",
    "content-length", "retry-after",
)  # fmt: skip
_REFUSALS = (
    errors.UntrustedImage, errors.ImageDenied, errors.ImageUnreachable, errors.RealmNotTrusted, errors.NoSuchImage,
    errors.BadDockerConfig,
)  # fmt: skip


class _Transport(Transport):
    """Answers with the parts of an input: a status, lines of headers, an empty line, a body."""

    def __init__(self, data: bytes) -> None:
        super().__init__(_IMAGE)
        self._parts = [_answer(part) for part in data.split(b"\0")[:6]]
        self._next = 0

    def _attempt(self, request: Request, url: str) -> Response:
        status, headers, body = self._parts[self._next % len(self._parts)]
        self._next += 1
        if request.receiver is not None and status in (200, 206):
            request.receiver.begin(status, headers)
            request.receiver.write(body[: request.limit])
            body = b""
        return Response(status, headers, body, url)


def _answer(part: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = part[1:].partition(b"\n\n")
    lines = [line for line in head.split(b"\n") if line]
    headers = {_HEADERS[line[0] % len(_HEADERS)]: line[1:].decode("latin-1") for line in lines}
    if headers.get("docker-content-digest") == "":
        headers["docker-content-digest"] = f"sha256:{hashlib.sha256(body).hexdigest()}"
    return _STATUSES[part[0] % len(_STATUSES)] if part else 200, headers, body


def _session(data: bytes) -> Session:
    approvals, credentials = Approvals({}), Credentials({})
    return Session(_IMAGE, credentials, _Transport(data), approvals, writes=True, sleep=lambda _: None)


def _resolved(data: bytes) -> None:
    client = lookup._Client(_IMAGE, Credentials({}), _Transport(data), Approvals({}))
    head = client.request("HEAD", "1.4")
    digest = None if head is None else lookup._digest_header(_IMAGE, head)
    response = client.request("GET", "1.4")
    if response is not None:
        lookup._verified(_IMAGE, digest, response)


def _repository(data: bytes) -> None:
    """Ask a registry for tags and a manifest, and for a blob, and send one."""
    content = data[-64:]
    blob = Blob(f"sha256:{hashlib.sha256(content).hexdigest()}", len(content), lambda offset: iter([content[offset:]]))
    for question in (
        lambda: Repository(_session(data)).tags(),
        lambda: Repository(_session(data)).manifest("1.4", "*/*"),
        lambda: Repository(_session(data)).put_manifest("1.4", "application/json", b"{}"),
        lambda: Repository(_session(data)).download(blob.digest, 16, lambda _: None),
        lambda: Repository(_session(data)).upload(blob, ("acme/other",)),
    ):
        try:
            question()
        except _REFUSALS:
            continue


def _challenge(data: bytes) -> None:
    for scheme, parameters in challenge.parse(data.decode("latin-1")).items():
        assert scheme == scheme.lower()
        assert all(name == name.lower() for name in parameters)


def _logins(data: bytes) -> None:
    """Read docker's config.json, without a helper to run, and what a helper printed."""
    path = store.put("docker/config.json", data)
    credentials = Credentials({"DOCKER_CONFIG": str(path.parent), "PATH": str(store.folder() / "nowhere")})
    for registry in ("docker.io", "ghcr.io"):
        try:
            login = credentials.login(registry)
        except (errors.BadDockerConfig, errors.HelperFailed):
            continue
        if login is not None:
            login.basic  # noqa: B018 - it is encoded
    credentials._parse_output(data, "docker-credential-x", "ghcr.io")


TARGETS = (
    Target("image-lookup", _resolved, _REFUSALS),
    Target("image-repository", _repository),
    Target("image-challenge", _challenge),
    Target("docker-logins", _logins, (errors.HelperFailed,)),
)
