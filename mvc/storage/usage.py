"""Disk usage of a store, in bytes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from mvc.storage.disk.door import LOCK, StoreDoor
from mvc.storage.disk.file_stat import Stat
from mvc.storage.disk.temporary import TEMPORARY

_SLACK = {"cache", TEMPORARY, LOCK}


def on_disk(door: StoreDoor) -> int:
    """Return the bytes of all files below `door` without caches and temporary files."""
    return sum(size(door, name) for name in door.names("") if name not in _SLACK)


def stamp(door: StoreDoor) -> frozenset[tuple[str, Stat]]:
    """Return the stat of each file that `on_disk` counts, to detect changes."""
    return frozenset(_looks(door, [name for name in door.names("") if name not in _SLACK]))


def _looks(door: StoreDoor, names: list[str]) -> Iterator[tuple[str, Stat]]:
    while names:
        name = names.pop()
        with contextlib.suppress(FileNotFoundError):  # removed meanwhile
            stat = door.stat(name)
            if stat.is_folder:
                names += [f"{name}/{each}" for each in door.names(name)]
            else:
                yield name, stat


def size(door: StoreDoor, name: str) -> int:
    """Return the bytes of the file `name`, or of all files below the folder; 0 when it is absent."""
    with contextlib.suppress(FileNotFoundError):  # removed meanwhile
        stat = door.stat(name)
        if stat.is_folder:
            return sum(size(door, f"{name}/{each}") for each in door.names(name))
        return stat.size
    return 0
