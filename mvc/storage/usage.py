"""How many bytes a store takes on the disk."""

from __future__ import annotations

import contextlib

from mvc.storage.door import LOCK, TEMPORARY, StoreDoor

_SLACK = {"cache", TEMPORARY, LOCK}


def on_disk(door: StoreDoor) -> int:
    """The bytes of all files below `door` that cannot be made again: caches and temporary files are left out."""
    return sum(_bytes(door, name) for name in door.names("") if name not in _SLACK)


def _bytes(door: StoreDoor, name: str) -> int:
    with contextlib.suppress(FileNotFoundError):  # removed meanwhile
        stat = door.stat(name)
        if stat.is_folder:
            return sum(_bytes(door, f"{name}/{each}") for each in door.names(name))
        return stat.size
    return 0
