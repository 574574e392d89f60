"""Weights of Core ML: the blobs of an ML program in a file of its own, without names, each after a record of 64 bytes.

    u32 blobs, u32 version 2 │ 0xDEADBEEF, u32 type, u64 size, u64 offset of its bytes │ bytes │ zeros up to 64 │ next record …

Source: mlmodel/src/MILBlob/Blob/StorageFormat.hpp and BlobDataType.hpp of coremltools.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from mvc.formats.header import Header, ordered
from mvc.formats.source import MAX_SEGMENTS, HeaderError, Source
from mvc.model.segment import WIDTHS, Segment

ALIGNMENT = 64
_VERSION = 2
_SENTINEL = 0xDEADBEEF
_RECORD = struct.Struct("<IIQQ")
_DTYPES = {
    1: "F16", 2: "F32", 3: "U8", 4: "I8", 5: "BF16", 6: "I16", 7: "U16", 8: "I4", 9: "U1", 10: "U2", 11: "U4", 12: "U3",
    13: "U6", 14: "I32", 15: "U32", 16: "F8_E4M3", 17: "F8_E5M2",
}  # fmt: skip


def matches(start: bytes, source: Source) -> bool:  # noqa: ARG001 - the first bytes suffice
    """Return whether it has the version and the first record."""
    return int.from_bytes(start[4:8], "little") == _VERSION and not any(start[8:ALIGNMENT])


def read(source: Source) -> Header:
    """Return the blobs; raise HeaderError if a record is malformed."""
    count = int.from_bytes(source.read(0, 4), "little")
    if count > MAX_SEGMENTS:
        raise HeaderError(f"it has more than {MAX_SEGMENTS} blobs")
    return Header("coreml_weights", ordered(_blobs(source, count), source.size))


def _blobs(source: Source, count: int) -> Iterator[Segment]:
    position = ALIGNMENT
    for number in range(count):
        sentinel, kind, size, offset = _RECORD.unpack(source.read(position, _RECORD.size))
        if sentinel != _SENTINEL or offset < position + ALIGNMENT:
            raise HeaderError(f"the record of blob {number} is malformed")
        dtype = _DTYPES.get(kind, "")
        shape = (size // WIDTHS[dtype],) if dtype in WIDTHS and not size % WIDTHS[dtype] else None
        yield Segment(offset, size, "", dtype if shape or dtype not in WIDTHS else "", shape)
        position = -(-(offset + size) // ALIGNMENT) * ALIGNMENT
