"""One repository of an OCI registry: its manifests, blobs and tags (OCI distribution specification 1.1).

    blob ─► HEAD: stored? ─ no ─► mounted from another repository? ─ no ─► upload
    manifest ─► PUT by its digest or by a tag, which then moves: nothing can be created only if absent

Every content is checked by its digest: by the registry when it is sent, here when it is received. A request is repeated
after a lost connection, a 429 or a 5xx.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from mvc import errors
from mvc.formats.syntax import foreign_json
from mvc.images.authorize import unreachable, untrusted
from mvc.images.blobs import Blob, Reader, Sink, Upload
from mvc.images.credentials import Credentials
from mvc.images.digests import digest_of
from mvc.images.lookup import MAX_MANIFEST
from mvc.images.session import Session
from mvc.images.transport import Request, Response, Transport
from mvc.model import hosts
from mvc.model.hosts import Approvals, Destination
from mvc.model.image import Image
from mvc.model.remote_kinds import DOCKER
from mvc.model.toml.schema import IMAGE_DIGEST

MAX_TAGS = 20_000
"""Tags of a repository, at most."""
_PAGE = 1000
_NEXT = re.compile(r'\s*<([^>]*)>\s*;[^,]*\brel="?next"?')


class Received(NamedTuple):
    """A manifest as the registry has it: its digest, media type and bytes."""

    digest: str
    media_type: str
    body: bytes


class Repository:
    """The manifests, blobs and tags of one repository.

    Methods raise ImageDenied, ImageUnreachable, UntrustedImage, BadDockerConfig, RealmNotTrusted.
    """

    def __init__(self, session: Session) -> None:
        """Request nothing yet."""
        self._session = session
        self.image = session.image

    # --- manifests and tags

    def manifest(self, reference: str, accept: str) -> Received | None:
        """Return the manifest of a tag or digest, checked by its digest; None if there is none."""
        url = f"{self._session.base}/manifests/{reference}"
        response = self._session.retried(lambda: self._session.send(Request("GET", url, MAX_MANIFEST, accept)))
        if response.status == 404:
            return None
        self._session.expect(response, 200)
        digest = digest_of(response.body)
        for claim in (response.headers.get("docker-content-digest"), reference):
            if claim is not None and IMAGE_DIGEST.match(claim) and claim != digest:
                raise untrusted(self.image, f"it claims the digest {claim} and sends content of digest {digest}")
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Received(digest, media_type, response.body)

    def put_manifest(self, reference: str, media_type: str, body: bytes) -> str:
        """Store a manifest by a tag, which moves, or by its digest; return the digest."""
        url, headers = f"{self._session.base}/manifests/{reference}", {"Content-Type": media_type}
        request = Request("PUT", url, MAX_MANIFEST, body=body, headers=headers)
        response = self._session.retried(lambda: self._session.send(request))
        self._session.expect(response, 201)
        digest = digest_of(body)
        if response.headers.get("docker-content-digest", digest) != digest:
            raise untrusted(self.image, "it stored another manifest than the one that was sent")
        return digest

    def tags(self) -> list[str]:
        """Return all tags, sorted; none if the repository does not exist."""
        tags, url = set[str](), f"{self._session.base}/tags/list?n={_PAGE}"
        while url:
            request = Request("GET", url, MAX_MANIFEST)
            response = self._session.retried(lambda request=request: self._session.send(request))  # type: ignore[misc]
            if response.status == 404:
                break
            self._session.expect(response, 200)
            new = self._listed(response.body) - tags
            tags |= new
            if len(tags) > MAX_TAGS:
                raise untrusted(self.image, f"it lists more than {MAX_TAGS} tags")
            following = _NEXT.match(response.headers.get("link", ""))
            url = self._session.joined(response.url, following[1]) if following and new else ""
        return sorted(tags)

    def _listed(self, body: bytes) -> set[str]:
        try:
            listed = foreign_json.loads(body)["tags"] or []
            if not isinstance(listed, list) or not all(isinstance(tag, str) for tag in listed):
                raise ValueError
        except (ValueError, KeyError, TypeError):
            raise untrusted(self.image, "its list of tags is invalid") from None
        return set(listed)

    # --- blobs

    def has_blob(self, blob: Blob) -> bool:
        """Return whether a blob is stored."""
        request = Request("HEAD", f"{self._session.base}/blobs/{blob.digest}", MAX_MANIFEST, moves=True)
        response = self._session.retried(lambda: self._session.send(request))
        if response.status == 404:
            return False
        self._session.expect(response, 200)
        return response.headers.get("content-length", str(blob.size)) == str(blob.size)

    def download(self, digest: str, size: int, sink: Sink) -> None:
        """Write a blob to `sink`, resumed after a lost connection; raise UntrustedImage if it is another content."""
        reader = Reader(size, sink)

        def attempt() -> None:
            headers = {"Range": f"bytes={reader.received}-"} if reader.received else {}
            url = f"{self._session.base}/blobs/{digest}"
            response = self._session.send(
                Request("GET", url, max(size, 1), headers=headers, receiver=reader, moves=True)
            )
            if response.status == 404:
                raise untrusted(self.image, f"it lacks {digest}, a blob of its manifest")
            self._session.expect(response, 200, 206)
            if reader.received != size:
                raise unreachable(self.image, "the connection was lost")

        if size:
            self._session.retried(attempt)
        if reader.digest != digest:
            raise untrusted(self.image, f"it sends another content as blob {digest}")

    def upload(self, blob: Blob, mounts: tuple[str, ...] = ()) -> int:
        """Store a blob unless it is stored; return the number of bytes sent.

        `mounts` are repositories of the same registry that may have it; it is then copied there.
        """
        if self.has_blob(blob):
            return 0
        begun = None
        for repository in mounts:
            begun = self._mount(blob, repository) or begun
            if begun is not None and begun.status == 201:
                return 0
        self._session.retried(Upload(self._session, blob, begun).attempt)
        return blob.size

    def _mount(self, blob: Blob, repository: str) -> Response | None:
        """Copy a blob from another repository of the registry; return the response: 201, or 202 if an upload began instead."""
        self._session.add_source(repository)
        query = urlencode({"mount": blob.digest, "from": repository})
        try:
            response = self._session.send(Request("POST", f"{self._session.base}/blobs/uploads/?{query}", MAX_MANIFEST))
        except (errors.ImageDenied, errors.ImageUnreachable):
            self._session.drop_sources()
            return None
        return response if response.status in {201, 202} else None


@contextlib.contextmanager
def connected(
    image: Image, environ: Mapping[str, str], approvals: Approvals, *, writes: bool = False
) -> Iterator[Repository]:
    """Yield the repository of `image`, with docker's logins of `environ`; close its connections afterwards.

    Only a registry on this machine, and one whose owner approved plain http for it, is requested without TLS.
    """
    plain = image.is_local or _is_plain(image, approvals)
    with contextlib.closing(Transport(image, allow_plain=plain)) as transport:
        yield Repository(Session(image, Credentials(environ), transport, approvals, writes=writes, plain=plain))


def _is_plain(image: Image, approvals: Approvals) -> bool:
    """Return whether the user approved plain http for the registry of an image."""
    parts = urlsplit(f"//{image.host}")
    where = Destination(DOCKER, hosts.canonical(parts.hostname or ""), parts.port or 80, plain=True)
    return approvals.has_plain(where)
