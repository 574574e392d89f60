"""How many bytes a store takes on the disk."""

from __future__ import annotations

import contextlib

from mvc.storage.door import LOCK, TEMPORARY, StoreDoor

_SLACK = {"cache", TEMPORARY, LOCK}


def on_disk(door: StoreDoor) -> int:
    """The bytes of all files below `door` that cannot be made again: caches and temporary files are left out."""
    return sum(size(door, name) for name in door.names("") if name not in _SLACK)


def size(door: StoreDoor, name: str) -> int:
    """The bytes of the file `name`, or of all files below the folder; 0 when it is absent."""
    with contextlib.suppress(FileNotFoundError):  # removed meanwhile
        stat = door.stat(name)
        if stat.is_folder:
            return sum(size(door, f"{name}/{each}") for each in door.names(name))
        return stat.size
    return 0
