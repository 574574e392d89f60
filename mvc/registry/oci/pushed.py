r"""The cache of repositories that were published to, by registry: a blob that one has is copied there, not sent again.

    cache/pushed   1 <BLAKE3 of the rest>\n{"ghcr.io":["acme/helmet","acme/released"]}     the last one first

It may be deleted or corrupt at any time: then blobs are sent.
"""

from __future__ import annotations

import json
import re
from typing import Any

from mvc import errors
from mvc.model.ids import DIGITS, digest
from mvc.storage.disk.door import StoreDoor

NAME = "cache/pushed"
MOST = 3
"""Repositories of a registry, at most: each costs a request for each large blob that it does not have."""
_MAX_BYTES = 64 << 10
_MAX_REGISTRIES = 100
_FORMAT = b"1 "
_HEAD = len(_FORMAT) + DIGITS + 1
_REPOSITORY = re.compile(r"[a-z0-9][a-z0-9._/-]{0,254}\Z")


def repositories(door: StoreDoor, registry: str) -> tuple[str, ...]:
    """Return the repositories of a registry that were published to, the last one first."""
    return tuple(_read(door).get(registry, ()))


def add(door: StoreDoor, registry: str, repository: str) -> None:
    """Add a repository that was published to; ignore a read-only store."""
    known = _read(door)
    listed = [repository, *(name for name in known.get(registry, ()) if name != repository)][:MOST]
    if listed != known.get(registry):
        rows = {registry: listed, **{host: names for host, names in known.items() if host != registry}}
        body = json.dumps(dict(list(rows.items())[:_MAX_REGISTRIES])).encode()
        door.cache(NAME, _FORMAT + digest(body).encode() + b"\n" + body)


def _read(door: StoreDoor) -> dict[str, list[str]]:
    """Return all rows; none if the cache is invalid, since it may come from anybody."""
    try:
        data = door.read(NAME, _MAX_BYTES)
        head, body = data[:_HEAD], data[_HEAD:]
        content: Any = json.loads(body) if head == _FORMAT + digest(body).encode() + b"\n" else {}
        names = [name for listed in content.values() for name in listed]
        is_valid = all(isinstance(name, str) and _REPOSITORY.match(name) for name in names)
    except (OSError, errors.MvcError, AttributeError, TypeError, ValueError, RecursionError):
        return {}
    return dict(content) if is_valid else {}
