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


def stamp(door: StoreDoor) -> frozenset[int]:
    """Return the hashes of the name and stat of each file that `on_disk` counts, to detect changes within a process."""
    return frozenset(hash(file) for name in door.names("") if name not in _SLACK for file in _files(door, name))


def size(door: StoreDoor, name: str) -> int:
    """Return the bytes of the file `name`, or of all files below the folder; 0 when it is absent."""
    return sum(stat.size for _, stat in _files(door, name))


def _files(door: StoreDoor, name: str) -> Iterator[tuple[str, Stat]]:
    """Yield the name and the stat of the file `name`, or of all files below the folder; nothing when it is absent."""
    with contextlib.suppress(FileNotFoundError):  # removed meanwhile
        stat = door.stat(name)
        if stat.is_folder:
            yield from door.files(name)
        else:
            yield name, stat
