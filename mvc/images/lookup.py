"""Lookup of an image tag: a HEAD returns the digest, a GET of that digest the manifest that must match it.

HEAD repository/manifests/tag ─► Docker-Content-Digest ─► GET repository/manifests/digest ─► compare with its SHA-256

Since the manifest is requested by digest, a push in between does no harm. Index types are accepted, so the digest of an
image for several platforms is that of its index on every machine.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from mvc import errors
from mvc.formats.syntax import foreign_json
from mvc.images.authorize import Authorizer, denied, unreachable, untrusted
from mvc.images.credentials import Credentials
from mvc.images.registries import Resolved
from mvc.images.transport import Request, Response, Transport, origin
from mvc.model.hosts import Approvals
from mvc.model.image import Image
from mvc.model.toml.schema import IMAGE_DIGEST

MAX_MANIFEST = 4 << 20
"""The largest manifest, in bytes: the size that the OCI specification requires every registry to accept."""
INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
_ACCEPT = ", ".join((*INDEXES, *MANIFESTS))
_WORD = re.compile(r"[a-z0-9._]{1,40}\Z")
_PLATFORMS = 64
_NO_HEAD = {405, 501}


def resolve(image: Image, environ: Mapping[str, str], approvals: Approvals) -> Resolved:
    """Return the image that the tag of `image` points to, with the logins of `environ`.

    Raises as `Registries.resolve` does.
    """
    with contextlib.closing(Transport(image)) as transport:
        client = _Client(image, Credentials(environ), transport, approvals)
        head = client.request("HEAD", image.tag)
        digest = None if head is None else _digest_header(image, head)
        response = client.request("GET", digest or image.tag)
        if response is None:
            raise untrusted(image, "it supports no GET of manifests")
        return _verified(image, digest, response)


class _Client:
    """Requests for the manifests of one repository, authorized as its first 401 demands."""

    def __init__(self, image: Image, credentials: Credentials, transport: Transport, approvals: Approvals) -> None:
        self._image = image
        self._authorizer = Authorizer(transport, credentials, image, approvals)
        self._transport = transport
        self._authorization: str | None = None
        scheme = "http" if image.is_local else "https"
        self._base = f"{scheme}://{image.host}/v2/{image.repository}/manifests/"

    def request(self, method: str, reference: str) -> Response | None:
        """Request the manifest of a tag or digest; return None if the registry does not support the method."""
        response = self._send(method, reference)
        if response.status == 401 and self._authorization is None:
            if origin(urlsplit(response.url)) != origin(urlsplit(self._base)):
                raise denied(self._image, f"it redirects to {urlsplit(response.url).hostname}, which requires a login")
            # Its challenge holds for HEAD and GET alike.
            self._authorization = self._authorizer.header(response)
            response = self._send(method, reference)
        if method == "HEAD" and response.status in _NO_HEAD:
            return None
        self._expect_ok(response.status)
        return response

    def _send(self, method: str, reference: str) -> Response:
        url = self._base + reference
        return self._transport.send(Request(method, url, MAX_MANIFEST, _ACCEPT, self._authorization))

    def _expect_ok(self, status: int) -> None:
        image = self._image
        if status == 404:
            raise errors.NoSuchImage(registry=image.registry, image=image)
        if status in (401, 403):
            has_login = self._authorization is not None and not self._authorization.startswith("Bearer")
            raise denied(image, f"it answers {status}{' to the login of docker' if has_login else ''}")
        if status == 429 or status >= 500:
            raise unreachable(image, f"it answers {status}")
        if status != 200:
            raise untrusted(image, f"it answers {status}")


def _digest_header(image: Image, response: Response) -> str | None:
    """Return the digest in the header of a response; None without such a header."""
    digest = response.headers.get("docker-content-digest")
    if digest is not None and not IMAGE_DIGEST.match(digest):
        raise untrusted(image, "its digest is not sha256: and 64 hex digits")
    return digest


def _verified(image: Image, expected: str | None, response: Response) -> Resolved:
    """Return the image if the digests match the body, and the body is a manifest or an index."""
    digest = f"sha256:{hashlib.sha256(response.body).hexdigest()}"
    for claimed in (expected, _digest_header(image, response)):
        if claimed is not None and claimed != digest:
            raise untrusted(image, f"it claims the digest {claimed} and sends content of digest {digest}")
    body = _json(image, response.body)
    content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    type_ = body.get("mediaType", content_type)
    if body.get("schemaVersion") != 2 or type_ not in (*INDEXES, *MANIFESTS):
        raise untrusted(image, "it sends neither a manifest nor an index of schema 2")
    if content_type and content_type != type_:
        raise untrusted(image, "the media type of its manifest differs from its Content-Type header")
    return Resolved(image, digest, str(type_), _platforms(body) if type_ in INDEXES else ())


def _json(image: Image, body: bytes) -> dict[str, Any]:
    try:
        value = foreign_json.loads(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise untrusted(image, "its manifest is not a JSON object")
    return value


def _platforms(index: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the platforms that an index lists, as `linux/amd64`.

    Attestations have none ("unknown") and are left out.
    """
    entries = index.get("manifests")
    platforms = [_platform(entry) for entry in entries[:_PLATFORMS]] if isinstance(entries, list) else []
    return tuple(dict.fromkeys(platform for platform in platforms if platform))


def _platform(entry: Any) -> str | None:
    platform = entry.get("platform") if isinstance(entry, dict) else None
    if not isinstance(platform, dict):
        return None
    words = [platform[key] for key in ("os", "architecture", "variant") if platform.get(key)]
    if not words or "unknown" in words or not all(isinstance(word, str) and _WORD.match(word) for word in words):
        return None
    return "/".join(words)
