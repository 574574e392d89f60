"""Names of images, as docker reads them: a registry, a repository on it, and a tag or a digest.

    ubuntu                        docker.io        library/ubuntu   latest
    acme/yolo:1.4                 docker.io        acme/yolo        1.4
    ghcr.io/acme/yolo             ghcr.io          acme/yolo        latest
    localhost:5000/yolo@sha256:…  localhost:5000   yolo             as it is

What comes before the first slash is a registry when it has a dot, a colon or a capital in it, or is `localhost`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from mvc import errors
from mvc.model.toml.schema import IMAGE_DIGEST, IMAGE_TAG

HUB = "docker.io"
"""The registry that is meant where none is named."""
LATEST = "latest"
"""The tag that is meant where none is named."""
MAX_NAME = 255
"""Letters of registry and repository together."""

_HUB_NAMES = {HUB, f"index.{HUB}"}
_HUB_HOST = f"registry-1.{HUB}"
# Compiled when first used: most runs name no image.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_REGISTRY = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]{{2,39}}\])(?::[0-9]{{1,5}})?\Z"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*\Z"
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_LOCAL = rf"(?:localhost|127(?:\.{_BYTE}){{3}}|\[::1\])(?::[0-9]{{1,5}})?\Z|::1\Z"
_ONLY_DIGITS = r"[0-9a-f]{64}\Z"


@dataclass(frozen=True, slots=True)
class Image:
    """An image by its whole name; `digest` is set where the name has one, and then it rules."""

    registry: str
    repository: str
    tag: str
    digest: str | None = None

    @classmethod
    def parse(cls, text: str, tag: str | None = None) -> Self:
        """The image that `text` names, its tag given beside it or in it. Raises BadImage."""
        name, at, digest = text.partition("@")
        if at and not IMAGE_DIGEST.match(digest):
            raise errors.BadImage(image=text, reason="what follows the @ is not sha256: and 64 hex digits")
        name, own = _without_tag(name)
        for each in (own, tag):
            if each is not None and not IMAGE_TAG.match(each):
                raise errors.BadImage(image=text, reason=f"{each!r} is not a tag")
        if own and tag and own != tag:
            raise errors.BadImage(image=text, reason=f"its tag is {own}, and docker.tag says {tag}")
        return cls(*_split(text, name), tag or own or LATEST, digest or None)

    @classmethod
    def of(cls, docker: Mapping[str, Any], where: str) -> Self:
        """The image of the `[docker]` section that `where` has. Raises NoImage, BadImage."""
        if not docker.get("image"):
            raise errors.NoImage(where=where)
        return cls.parse(docker["image"], docker.get("tag"))

    @property
    def host(self) -> str:
        """Who answers for the registry: host, and port where it is not the usual one."""
        return _HUB_HOST if self.registry == HUB else self.registry

    @property
    def is_local(self) -> bool:
        """Whether the registry runs on this machine, and so is asked without TLS, as docker does."""
        return is_loopback(self.registry)

    @property
    def name(self) -> str:
        """`docker.io/acme/yolo`."""
        return f"{self.registry}/{self.repository}"

    def __str__(self) -> str:
        """`docker.io/acme/yolo:1.4`, or with its digest."""
        return f"{self.name}@{self.digest}" if self.digest else f"{self.name}:{self.tag}"


def is_loopback(authority: str) -> bool:
    """Whether a host, perhaps with a port, is this machine: `localhost`, 127.0.0.0/8, `[::1]`."""
    return re.match(_LOCAL, authority) is not None


def _without_tag(name: str) -> tuple[str, str | None]:
    """A name, and the tag at its end; a colon before a slash is a registry's port."""
    before, colon, tag = name.rpartition(":")
    return (before, tag) if colon and "/" not in tag else (name, None)


def _split(text: str, name: str) -> tuple[str, str]:
    """Registry and repository, both spelled out. Raises BadImage."""
    if "://" in text:
        raise errors.BadImage(image=text, reason="it is an address, and an image's name has no https:// before it")
    first, slash, rest = name.partition("/")
    if not slash or not (first == "localhost" or first != first.lower() or set(first) & {".", ":"}):
        first, rest = HUB, name
    registry = HUB if first in _HUB_NAMES else first
    port = registry.rpartition(":")[2]
    if not re.match(_REGISTRY, registry) or (":" in registry and port.isdigit() and not 0 < int(port) < 1 << 16):
        raise errors.BadImage(image=text, reason=f"{registry!r} is not the name of a host")
    if registry == HUB and "/" not in rest:
        if re.match(_ONLY_DIGITS, rest):
            raise errors.BadImage(image=text, reason="it is the id of an image, which no registry knows")
        rest = f"library/{rest}"
    if len(registry) + 1 + len(rest) > MAX_NAME or not all(re.match(_PART, part) for part in rest.split("/")):
        reason = f"names are small letters and digits with . _ - and / between them, at most {MAX_NAME}"
        raise errors.BadImage(image=text, reason=reason)
    return registry, rest
