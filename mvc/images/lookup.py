"""What a tag stands for now: a HEAD gives the digest, a GET of that digest the bytes that must have it.

HEAD repository/manifests/tag ─► Docker-Content-Digest ─► GET repository/manifests/digest ─► SHA-256 of the body: the same?

Getting by digest makes a push in between harmless. Index types are accepted, so that the digest of an image for several
platforms is that of its index, whatever machine asks.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from mvc import errors
from mvc.images.authorize import authorize, denied, unreachable, untrusted
from mvc.images.credentials import Credentials
from mvc.images.registries import Resolved
from mvc.images.transport import Answer, Ask, Transport, origin
from mvc.model.hosts import Approvals
from mvc.model.image import Image
from mvc.model.toml.schema import IMAGE_DIGEST

MAX_MANIFEST = 4 << 20
"""The largest manifest, in bytes: what the specification has every registry take."""
INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
_ACCEPT = ", ".join((*INDEXES, *MANIFESTS))
_WORD = re.compile(r"[a-z0-9._]{1,40}\Z")
_PLATFORMS = 64
_NO_HEAD = {405, 501}


def look_up(image: Image, environ: Mapping[str, str], approvals: Approvals) -> Resolved:
    """What the tag of `image` stands for, with the logins of `environ`; raises as `Registries.resolve` does."""
    with contextlib.closing(Transport(image)) as transport:
        conversation = _Conversation(image, Credentials(environ), transport, approvals)
        head = conversation.ask("HEAD", image.tag)
        named = None if head is None else _named(image, head)
        answer = conversation.ask("GET", named or image.tag)
        if answer is None:
            raise untrusted(image, "it answers no GET")
        return _checked(image, named, answer)


class _Conversation:
    """Requests for the manifests of one repository, with the authorization that the first refusal led to."""

    def __init__(self, image: Image, credentials: Credentials, transport: Transport, approvals: Approvals) -> None:
        self._image = image
        self._credentials = credentials
        self._transport = transport
        self._approvals = approvals
        self._authorization: str | None = None
        scheme = "http" if image.is_local else "https"
        self._base = f"{scheme}://{image.host}/v2/{image.repository}/manifests/"

    def ask(self, method: str, reference: str) -> Answer | None:
        """What is said of a tag or digest; None when this method is not known there."""
        answer = self._send(method, reference)
        if answer.status == 401 and self._authorization is None:
            if origin(urlsplit(answer.url)) != origin(urlsplit(self._base)):
                raise denied(self._image, f"it redirects to {urlsplit(answer.url).hostname}, which asks for a login")
            # The answer to a HEAD and to a GET has the same challenge.
            self._authorization = authorize(self._transport, self._credentials, self._image, answer, self._approvals)
            answer = self._send(method, reference)
        if method == "HEAD" and answer.status in _NO_HEAD:
            return None
        self._expect(answer.status)
        return answer

    def _send(self, method: str, reference: str) -> Answer:
        url = self._base + reference
        return self._transport.send(Ask(method, url, MAX_MANIFEST, _ACCEPT, self._authorization))

    def _expect(self, status: int) -> None:
        image = self._image
        if status == 404:
            raise errors.NoSuchImage(registry=image.registry, image=image)
        if status in (401, 403):
            given = self._authorization is not None and not self._authorization.startswith("Bearer")
            raise denied(image, f"it answers {status}{' to the login that docker has' if given else ''}")
        if status == 429 or status >= 500:
            raise unreachable(image, f"it answers {status}")
        if status != 200:
            raise untrusted(image, f"it answers {status}")


def _named(image: Image, answer: Answer) -> str | None:
    """The digest in the header of an answer; None without such a header."""
    digest = answer.headers.get("docker-content-digest")
    if digest is not None and not IMAGE_DIGEST.match(digest):
        raise untrusted(image, "the digest it names is not sha256: and 64 hex digits")
    return digest


def _checked(image: Image, named: str | None, answer: Answer) -> Resolved:
    """The digest, if it is that of the body, and the body a manifest or an index."""
    digest = f"sha256:{hashlib.sha256(answer.body).hexdigest()}"
    for each in (named, _named(image, answer)):
        if each is not None and each != digest:
            raise untrusted(image, f"it names the digest {each} and sends bytes of {digest}")
    body = _json(image, answer.body)
    sent = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    type_ = body.get("mediaType", sent)
    if body.get("schemaVersion") != 2 or type_ not in (*INDEXES, *MANIFESTS):
        raise untrusted(image, "it sends neither a manifest nor an index of schema 2")
    if sent and sent != type_:
        raise untrusted(image, "it sends another kind of manifest than it says")
    return Resolved(image, digest, str(type_), _platforms(body) if type_ in INDEXES else ())


def _json(image: Image, body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise untrusted(image, "what it sends is not a JSON object")
    return found


def _platforms(index: Mapping[str, Any]) -> tuple[str, ...]:
    """`linux/amd64` and the like, as an index lists them; attestations, whose platform is unknown, left out."""
    listed = index.get("manifests")
    found = [_platform(each) for each in listed[:_PLATFORMS]] if isinstance(listed, list) else []
    return tuple(dict.fromkeys(each for each in found if each))


def _platform(entry: Any) -> str | None:
    platform = entry.get("platform") if isinstance(entry, dict) else None
    if not isinstance(platform, dict):
        return None
    words = [platform[key] for key in ("os", "architecture", "variant") if platform.get(key)]
    if not words or "unknown" in words or not all(isinstance(word, str) and _WORD.match(word) for word in words):
        return None
    return "/".join(words)
