"""Zip archives for tests, whose records can be made to lie."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

LOCAL, ENTRY, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"


def archive(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """An archive of these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as file:
        for name, data in members.items():
            file.writestr(zipfile.ZipInfo(name), data, compression)
    return out.getvalue()


def unpacked(path: Path) -> dict[str, bytes]:
    """The members of an archive."""
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def patched(data: bytes, record: bytes, at: int, value: int, width: int, number: int = 0) -> bytes:
    """`data` with `value`, `width` bytes, `at` bytes into its record of a kind; `number` counts those."""
    place = -1
    for _ in range(number + 1):
        place = data.index(record, place + 1)
    return data[: place + at] + value.to_bytes(width, "little") + data[place + at + width :]


def widened(data: bytes) -> bytes:
    """The same archive with the record of 64-bit sizes in front of its end."""
    place = data.rindex(END)
    count, size, offset = struct.unpack_from("<HII", data, place + 10)
    record = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, place, 1)
    end = struct.pack("<4sHHHHIIH", END, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return data[:place] + record + locator + end
