"""The cache of the page: what its index says of each version of a model, which depends on the version's id alone.

    cache/page/<model>   {"9f86…": ["60ab…"], 7, "Ana", …]}

It may be deleted or corrupt at any time.
"""

from __future__ import annotations

from typing import Any

from mvc.model import names
from mvc.storage.caches import cachefile
from mvc.storage.disk.door import StoreDoor

FOLDER = "cache/page"
_FORMAT = 1
_MAX_BYTES = 256 << 20


def load(door: StoreDoor, model: str) -> Any:
    """Return what was saved; None if the cache is absent or corrupt."""
    return cachefile.read(door, _name(model), _FORMAT, _MAX_BYTES)


def save(door: StoreDoor, model: str, content: Any) -> None:
    """Write the cache; ignore a read-only store."""
    cachefile.write(door, _name(model), _FORMAT, content)


def forget(door: StoreDoor) -> None:
    """Delete the caches of all models, which may have versions that were removed."""
    for name in door.names(FOLDER):
        door.forget(f"{FOLDER}/{name}")


def _name(model: str) -> str:
    return f"{FOLDER}/{names.encode_component(model)}"
