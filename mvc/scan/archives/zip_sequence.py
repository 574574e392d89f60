"""Zip archives one after another, as a `.distcp` file of a distributed checkpoint holds one for each tensor.

    archive │ archive │ archive          each read by `torch.load`, from where `.metadata` beside it says

The directory of each says where it begins, so they are found from the last one to the first.
Source: torch/distributed/checkpoint/filesystem.py; APPNOTE.TXT of PKWARE, 4.3.14 to 4.3.16.
"""

from __future__ import annotations

import struct

from mvc.formats.source import HeaderError, Source

MAX_ARCHIVES = 100_000
"""Archives of one file, at most."""
_END = struct.Struct("<4s8xII2x")
_LOCATOR = 20
_WIDE_END = struct.Struct("<4s36xQQ")


def archives(source: Source) -> list[tuple[int, int]]:
    """Return the offset and the size of each archive; none if the file is not made of at least two of them."""
    result: list[tuple[int, int]] = []
    end = source.size
    try:
        while end and len(result) < MAX_ARCHIVES:
            start = _start(source, end)
            result.insert(0, (start, end - start))
            end = start
    except HeaderError:
        return []
    return result if end == 0 and len(result) > 1 else []


def _start(source: Source, end: int) -> int:
    """Return the offset of the archive that ends at `end`. Raises HeaderError."""
    place = end - _END.size
    magic, size, offset = _END.unpack(source.read(place, _END.size))
    if magic == b"PK\5\6" and place >= _LOCATOR and source.read(place - _LOCATOR, 4) == b"PK\6\7":
        place -= _LOCATOR + _WIDE_END.size
        _, size, offset = _WIDE_END.unpack(source.read(place, _WIDE_END.size))
    start: int = place - size - offset
    if magic != b"PK\5\6" or not 0 <= start < place or source.read(start, 4) != b"PK\3\4":
        raise HeaderError("it is not a sequence of archives")
    return start
