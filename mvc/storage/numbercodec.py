"""Encoding numbers: as byte planes, or as the planes of what differs from a base.

u32 a plane    stored size of each plane: 0 all zeros, the count of numbers: raw, any other: a zstd frame
…              the planes, from the lowest byte of a number to its highest
…              the bytes after the last whole number
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from mvc import errors
from mvc.model.ids import Buffer
from mvc.storage import encodings, frames, planes
from mvc.storage.encodings import BASED, BFLOAT, DELTA, PROBE, Base, pays
from mvc.storage.planes import Numbers, Plane

_PARTS = 4
_WIDTHS = (1, 2, 4, 8)


def encode(raw: Buffer, width: int, base: Base | None) -> tuple[int, Buffer]:
    """The encoding chosen for numbers of `width` bytes, and their stored bytes, which may be longer than `raw`.

    Planes and delta are both tried on samples, and the shorter one is made; a delta has to be clearly shorter.
    """
    values = planes.numbers(raw, width)
    chosen, split = encodings.PLANES, planes.split(values)
    if base is not None:
        apart = planes.split(planes.difference(values, _predicted(*base, values)))
        if _estimate(apart) <= encodings.WORTH_A_BASE * _estimate(split):
            chosen, split = base[0], apart
    packed = [_pack(plane) for plane in split]
    sizes = struct.pack(f"<{width}I", *map(len, packed))
    return chosen, b"".join((sizes, *packed, memoryview(raw)[len(values) * width :]))


def decode(encoding: int, stored: memoryview, size: int, width: int, base: Buffer | None) -> Buffer:
    """The numbers that `encode` made `stored` of, about `size` bytes; raises Damaged."""
    if width not in _WIDTHS or (base is None) == (encoding in BASED):
        raise _damaged("its width or its base is none that its encoding has")
    found, rest = _unpack(stored, width, size // width)
    values = planes.join(found, size // width)
    if base is not None:
        values = planes.restore(values, _predicted(encoding, base, values))
    raw = values.data.cast("B")
    return b"".join((raw, rest)) if rest else raw


def _predicted(encoding: int, base: Buffer, values: Numbers) -> Numbers:
    """What the base says that numbers may be: as many as there are `values`, of the same width."""
    if encoding == DELTA:
        return planes.resized(planes.numbers(base, values.itemsize), len(values))
    single = planes.resized(planes.numbers(base, 4), len(values))
    return planes.to_bf16(single) if encoding == BFLOAT else planes.to_fp16(single)


def _estimate(split: Sequence[Plane]) -> int:
    """About how many bytes planes take, from samples; comparable between planes of as many numbers."""
    return sum(len(_pack(planes.sampled(plane, PROBE // _PARTS, _PARTS))) for plane in split)


def _pack(plane: Plane) -> Buffer:
    if not plane.any():
        return b""
    if len(plane) > 2 * PROBE and not pays(len(frames.compress_plane(plane[:PROBE].data)), PROBE):
        return plane.data
    packed = frames.compress_plane(plane.data)
    return packed if pays(len(packed), len(plane)) else plane.data


def _unpack(stored: memoryview, width: int, count: int) -> tuple[list[Plane | None], memoryview]:
    """The planes of `count` numbers, and the bytes after them."""
    if len(stored) < 4 * width:
        raise _damaged("it is too short for its planes")
    place = 4 * width
    found = []
    for size in struct.unpack_from(f"<{width}I", stored):
        found.append(_plane(stored[place : place + size], size, count) if size else None)
        place += size
    return found, stored[place:]


def _plane(stored: memoryview, size: int, count: int) -> Plane:
    if len(stored) != size:
        raise _damaged("it ends within a plane")
    raw = stored if size == count else frames.decompress(stored, count)
    if len(raw) != count:
        raise _damaged("a plane is not as long as there are numbers")
    return planes.plane(raw)


def _damaged(reason: str) -> errors.Damaged:
    return errors.Damaged(what="an encoded chunk", reason=reason)
