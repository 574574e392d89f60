"""Hashing of working tree files; the only module in which `status` reads file bytes."""

from __future__ import annotations

import os
from collections.abc import Callable

from mvc.model.ids import FileId, Hasher

BLOCK = 1 << 20

on_read: Callable[[int], None] | None = None
"""Called with the number of bytes of each read; tests and progress count them."""


def file_id(fd: int) -> FileId:
    """Return the id of an open file's content, read from its start in blocks of `BLOCK` bytes; raise OSError."""
    hasher = Hasher()
    offset = 0
    while block := os.pread(fd, BLOCK, offset):
        if on_read is not None:
            on_read(len(block))
        hasher.update(block)
        offset += len(block)
    return FileId(hasher.digest())
