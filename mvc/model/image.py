"""Image names, as docker parses them: a registry, a repository on it, and a tag or a digest.

    ubuntu                        docker.io        library/ubuntu   latest
    acme/yolo:1.4                 docker.io        acme/yolo        1.4
    ghcr.io/acme/yolo             ghcr.io          acme/yolo        latest
    localhost:5000/yolo@sha256:…  localhost:5000   yolo             the digest

The part before the first slash is a registry if it has a dot, a colon or a capital, or is `localhost`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Self

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.toml.schema import IMAGE_DIGEST, IMAGE_TAG

HUB = "docker.io"
"""The default registry."""
LATEST = "latest"
"""The default tag."""
MAX_NAME = 255
"""Characters of registry and repository together, at most."""

_HUB_NAMES = {HUB, f"index.{HUB}"}
_HUB_HOST = f"registry-1.{HUB}"
# Compiled on first use: most runs parse no image name.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_REGISTRY = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]{{2,39}}\])(?::[0-9]{{1,5}})?\Z"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*\Z"
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_LOCAL = rf"(?:localhost|127(?:\.{_BYTE}){{3}}|\[::1\])(?::[0-9]{{1,5}})?\Z|::1\Z"
_ONLY_DIGITS = r"[0-9a-f]{64}\Z"


@dataclass(frozen=True, slots=True)
class Image:
    """An image by its full name; a `digest`, if there is one, takes precedence over the tag."""

    registry: str
    repository: str
    tag: str
    digest: str | None = None

    @classmethod
    def parse(cls, text: str, tag: str | None = None) -> Self:
        """Parse the name of an image, with its tag inside or given separately; raise BadImage."""
        name, at, digest = text.partition("@")
        if at and not IMAGE_DIGEST.match(digest):
            raise errors.BadImage(image=text, reason="the part after @ is not sha256: and 64 hex digits")
        name, own = _without_tag(name)
        for candidate in (own, tag):
            if candidate is not None and not IMAGE_TAG.match(candidate):
                raise errors.BadImage(image=text, reason=f"{candidate!r} is not a tag")
        if own and tag and own != tag:
            raise errors.BadImage(image=text, reason=f"its tag {own} differs from docker.tag, {tag}")
        return cls(*_split(text, name), tag or own or LATEST, digest or None)

    @classmethod
    def of(cls, docker: Mapping[str, Any], where: str) -> Self:
        """Return the image of the `[docker]` section of `where`; raise NoImage, BadImage."""
        if not docker.get("image"):
            raise errors.NoImage(where=where)
        return cls.parse(docker["image"], docker.get("tag"))

    @property
    def host(self) -> str:
        """The host of the registry's API, with the port if it is not the default."""
        return _HUB_HOST if self.registry == HUB else self.registry

    @property
    def is_local(self) -> bool:
        """True if the registry runs on this machine; as in docker, it is then requested without TLS."""
        return is_loopback(self.registry)

    @property
    def name(self) -> str:
        """The name without tag: `docker.io/acme/yolo`."""
        return f"{self.registry}/{self.repository}"

    @property
    def text(self) -> str:
        """The name with its tag, `docker.io/acme/yolo:1.4`, or with its digest."""
        return f"{self.name}@{self.digest}" if self.digest else f"{self.name}:{self.tag}"

    def __str__(self) -> str:
        return self.text


def is_loopback(authority: str) -> bool:
    """Return whether a host, with or without port, is this machine: `localhost`, 127.0.0.0/8, `[::1]`."""
    return re.match(_LOCAL, authority) is not None


def _without_tag(name: str) -> tuple[str, str | None]:
    """Split a name from the tag at its end; a colon before a slash belongs to a registry's port."""
    before, colon, tag = name.rpartition(":")
    return (before, tag) if colon and "/" not in tag else (name, None)


def _split(text: str, name: str) -> tuple[str, str]:
    """Return registry and repository, both in full; raise BadImage."""
    if "://" in text:
        raise errors.BadImage(image=text, reason="it is a URL; an image name has no https:// before it")
    first, slash, rest = name.partition("/")
    if not slash or not (first == "localhost" or first != first.lower() or set(first) & {".", ":"}):
        first, rest = HUB, name
    registry = HUB if first in _HUB_NAMES else first
    port = registry.rpartition(":")[2]
    if not re.match(_REGISTRY, registry) or (":" in registry and port.isdigit() and not 0 < int(port) < 1 << 16):
        raise errors.BadImage(image=text, reason=f"{registry!r} is not the name of a host")
    if registry == HUB and "/" not in rest:
        if re.match(_ONLY_DIGITS, rest):
            raise errors.BadImage(image=text, reason="it is a local image id, not an image name")
        rest = f"library/{rest}"
    if len(registry) + 1 + len(rest) > MAX_NAME or not all(re.match(_PART, part) for part in rest.split("/")):
        reason = f"names are lower-case letters and digits with . _ - and / between them, at most {MAX_NAME}"
        raise errors.BadImage(image=text, reason=reason)
    return registry, rest
