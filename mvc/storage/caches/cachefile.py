r"""A cache file: JSON after the number of its format and a checksum; it may come from anybody.

1 <BLAKE3 of the rest>\n{…}
"""

from __future__ import annotations

import json
from typing import Any

from mvc import errors
from mvc.model.ids import DIGITS, digest
from mvc.storage.disk.door import StoreDoor


def read(door: StoreDoor, name: str, version: int, limit: int) -> Any:
    """Return the content of a cache file; None if it is absent, corrupt, of another version or longer than `limit` bytes."""
    head = f"{version} ".encode()
    try:
        data = door.read(name, limit)
        body = data[len(head) + DIGITS + 1 :]
        return json.loads(body) if data.startswith(head + digest(body).encode() + b"\n") else None
    except (OSError, errors.MvcError, ValueError, RecursionError):
        return None


def write(door: StoreDoor, name: str, version: int, content: Any) -> None:
    """Write a cache file; ignore a read-only store."""
    body = json.dumps(content, separators=(",", ":")).encode()
    door.cache(name, f"{version} {digest(body)}\n".encode() + body)
