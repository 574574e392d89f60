"""A store in memory for targets that read files, made on first use and removed at the end."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from mvc.model.ids import digest
from mvc.storage.disk.door import StoreDoor


@functools.cache
def folder() -> Path:
    """Return an empty folder, in memory if there is one."""
    memory = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(prefix="mvc-fuzz-", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


@functools.cache
def door() -> StoreDoor:
    """Return the door of an empty store."""
    (folder() / ".mvc").mkdir()
    return StoreDoor(folder() / ".mvc")


def put(name: str, data: bytes) -> Path:
    """Write a file of the store, in place of one of that name; return its path."""
    path = door().root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def sealed_cache(name: str, form: bytes, body: bytes) -> None:
    """Write a cache file with the right checksum of its content."""
    put(name, form + digest(body).encode() + b"\n" + body)
