"""Encoding of numbers as byte planes, or as the planes of their difference from a delta base.

u32 a plane    stored size of each plane: 0 all zeros, the count of numbers: raw, any other: a zstd frame
…              the planes, from the lowest byte of a number to its highest
…              the bytes after the last whole number
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from mvc import errors
from mvc.model.ids import Buffer
from mvc.storage.chunks import encodings, planes, zstd
from mvc.storage.chunks.encodings import BASED, BFLOAT, DELTA, PROBE, Base, pays
from mvc.storage.chunks.planes import Numbers, Plane

RAW = 0
FRAME = 1
QUADS = 2
ZEROS = 3
_FORM = 30
"""Bits of a plane's stored size; the bits above hold its form."""
_PARTS = 4
_SPARSE = 0.5
"""The share of zeros in a plane from which quads are tried."""
_WIDTHS = (1, 2, 4, 8)


def encode(raw: Buffer, width: int, base: Base | None) -> tuple[int, tuple[Buffer, ...]]:
    """Encode numbers of `width` bytes: return the chosen encoding and the stored bytes, which may be longer than `raw`.

    Planes and delta are both tried on samples, and the shorter one is used; a delta must be clearly shorter.
    """
    values = planes.numbers(raw, width)
    chosen, split = encodings.PLANES, planes.split(values)
    if base is not None:
        apart = planes.split(planes.difference(values, _predicted(*base, values)))
        if _estimate(apart) <= encodings.WORTH_A_BASE * _estimate(split):
            chosen, split = base[0], apart
    packed = [_pack(plane) for plane in split]
    heads = struct.pack(f"<{width}I", *(form << _FORM | len(stored) for form, stored in packed))
    return chosen, (heads, *(stored for _, stored in packed), memoryview(raw)[len(values) * width :])


def decode(encoding: int, stored: memoryview, size: int, width: int, base: Buffer | None) -> Buffer:
    """Decode `stored`, the result of `encode`, to about `size` bytes. Raises Damaged."""
    if width not in _WIDTHS or (base is None) == (encoding in BASED):
        raise _damaged("its width or delta base does not fit its encoding")
    found, rest = _unpack(stored, width, size // width)
    values = planes.join(found, size // width)
    if base is not None:
        values = planes.restore(values, _predicted(encoding, base, values))
    raw = values.data.cast("B")
    return b"".join((raw, rest)) if rest else raw


def _predicted(encoding: int, base: Buffer, values: Numbers) -> Numbers:
    """Return the numbers that the base predicts, as many as `values` and of the same width."""
    if encoding == DELTA:
        return planes.resized(planes.numbers(base, values.itemsize), len(values))
    single = planes.resized(planes.numbers(base, 4), len(values))
    return planes.to_bf16(single) if encoding == BFLOAT else planes.to_fp16(single)


def _estimate(split: Sequence[Plane]) -> int:
    """Estimate from samples how many bytes planes take; comparable between planes of equal length."""
    return sum(len(_pack(planes.sampled(plane, PROBE // _PARTS, _PARTS))[1]) for plane in split)


def _pack(plane: Plane) -> tuple[int, Buffer]:
    """Return the shortest form of a plane, and its stored bytes."""
    raw = plane.data
    if len(raw) > 2 * PROBE and not pays(len(zstd.compress_plane(raw[:PROBE])), PROBE):
        return RAW, raw
    zeros = planes.zeros(plane)
    if zeros == len(raw):
        return ZEROS, b""
    if zeros > _SPARSE * len(raw) and _is_better_in_quads(plane):
        return QUADS, _quads(plane)
    packed = zstd.compress_plane(raw)
    return (FRAME, packed) if pays(len(packed), len(raw)) else (RAW, raw)


def _is_better_in_quads(plane: Plane) -> bool:
    part = planes.sampled(plane, PROBE // _PARTS, _PARTS)
    return len(_quads(part)) < len(zstd.compress_plane(part.data))


def _quads(plane: Plane) -> Buffer:
    pairs, others = planes.quads(plane)
    first = zstd.compress_plane(pairs.data)
    return b"".join((struct.pack("<I", len(first)), first, zstd.compress_plane(others.data) if len(others) else b""))


def _unpack(stored: memoryview, width: int, count: int) -> tuple[list[Plane | None], memoryview]:
    """Return the planes of `count` numbers, and the bytes after them."""
    if len(stored) < 4 * width:
        raise _damaged("it is too short for its planes")
    place = 4 * width
    found = []
    for head in struct.unpack_from(f"<{width}I", stored):
        size = head & ((1 << _FORM) - 1)
        found.append(_plane(head >> _FORM, stored[place : place + size], size, count))
        place += size
    return found, stored[place:]


def _plane(form: int, stored: memoryview, size: int, count: int) -> Plane | None:
    if len(stored) != size or (form == ZEROS and size):
        raise _damaged("it ends within a plane")
    if form == ZEROS:
        return None
    if form == QUADS:
        return _from_quads(stored, count)
    raw = zstd.decompress(stored, count) if form == FRAME else stored
    if len(raw) != count:
        raise _damaged("a plane is not as long as there are numbers")
    return planes.plane(raw)


def _from_quads(stored: memoryview, count: int) -> Plane:
    if len(stored) < 4:
        raise _damaged("it ends within a plane")
    place = 4 + int.from_bytes(stored[:4], "little")
    pairs = zstd.decompress(stored[4:place], -(-count // 4))
    others = zstd.decompress(stored[place:], count) if len(stored) > place else b""
    if len(pairs) != -(-count // 4):
        raise _damaged("a plane is not as long as there are numbers")
    plane = planes.from_quads(planes.plane(pairs), planes.plane(others), count)
    if plane is None:
        raise _damaged("a plane has a wrong number of bytes of 3 and above")
    return plane


def _damaged(reason: str) -> errors.Damaged:
    return errors.Damaged(what="an encoded chunk", reason=reason)
