"""PyTorch before archives: five pickles, then the storages, each behind its count of elements.

    magic number │ protocol │ system │ the object │ list of keys │ u64 count │ storage │ u64 count │ storage │ …

What follows the last storage is read by no loader. Source: `_legacy_load` in torch/serialization.py of PyTorch.
"""

from __future__ import annotations

from typing import Any

from mvc.formats.source import Source, TooLongError
from mvc.formats.syntax import pickle_text
from mvc.scan.pickles.machine import Machine
from mvc.scan.pickles.torch import REFERENCE, SIZE, StorageCalls
from mvc.scan.pickles.window import Window
from mvc.scan.scan import Scan

RULES = (REFERENCE, SIZE)

_MAGIC = b"\x8a\x0a" + 0x1950A86A20F9469CFC6C.to_bytes(10, "little") + b"."
_BEGINNING = 2 + 9 + len(_MAGIC)
"""The bytes of the first pickle, at most: a protocol, the length of a frame, and the number."""
_PICKLES = 5
_COUNT = 8
_MAX_KEYS = 32 << 20
"""Bytes of the pickle with the keys of the storages, at most."""


def matches(start: bytes, source: Source) -> bool:  # noqa: ARG001 - the first bytes suffice
    """Return whether content begins with the magic number of `torch.save`."""
    return start[:1] == b"\x80" and _MAGIC in start[:_BEGINNING]


def scan(source: Source, scan: Scan) -> None:
    """Read the pickles of a checkpoint, and pass over its storages. Raises HeaderError."""
    window = Window(source)
    calls = StorageCalls()
    begin = 0
    for _ in range(_PICKLES):
        begin = window.position
        Machine(window, scan, calls).read()
    for key in _keys(source, begin, window.position):
        size = calls.sizes.get(key) if isinstance(key, str) else None
        count = window.number(_COUNT)
        if size is None:
            scan.report(REFERENCE, offset=window.position)
            return
        if key in calls.conflicts or count != calls.counts[key]:
            scan.report(SIZE, detail=key, offset=window.position)
        window.skip(size)


def _keys(source: Source, begin: int, end: int) -> list[Any]:
    """Return the keys of the storages, in the order of the file."""
    if end - begin > _MAX_KEYS:
        raise TooLongError("its list of storages is too long")
    keys = pickle_text.read(source.read(begin, end - begin))
    return keys if isinstance(keys, list) else []
