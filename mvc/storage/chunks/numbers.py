"""Encoding of numbers as byte planes, or as the planes of their difference from a delta base.

…              the bytes before the first number, as many as the phase
u32 a plane    the form of each plane in the upper two bits, its stored size in the others
…              the planes, from the lowest byte of a number to its highest
…              the bytes after the last whole number
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from mvc import errors
from mvc.model.ids import Buffer
from mvc.storage.chunks import encodings, planes, zstd
from mvc.storage.chunks.encodings import (
    BASED,
    BFLOAT,
    CASTS,
    DELTA,
    DIFFERENCE,
    GAPPED,
    PARTS,
    PROBE,
    Base,
    Shape,
    pays,
)
from mvc.storage.chunks.planes import Numbers, Plane, Sparse

RAW = 0
FRAME = 1
QUADS = 2
ZEROS = 3
GAPS = 4
"""What is stored as `ZEROS`, with a size."""
_FORM = 30
"""Bits of a plane's stored size; the bits above hold its form."""
_SPARSE = 0.5
"""The share of zeros in a plane from which quads are tried."""
_GAP = 1.2
"""The bytes that gaps are expected to take for each byte that is not zero."""


def encode(raw: Buffer, shape: Shape, base: Base | None) -> tuple[int, tuple[Buffer, ...]]:
    """Encode numbers: return the chosen encoding and the stored bytes, which may be longer than `raw`.

    Planes and delta are compared on samples, and the shorter one is used; a delta must be clearly shorter.
    """
    view, width, phase = memoryview(raw), shape.width, shape.phase
    values = planes.numbers(view[phase:], width)
    chosen, split = encodings.PHASED if phase else encodings.PLANES, None
    if base is not None:
        delta = _difference(base[0], values, _base_numbers(base, shape, len(values)))
        alone = planes.split(planes.sampled(values, PROBE // PARTS, PARTS))
        if _estimate(delta, base[0]) <= encodings.WORTH_A_BASE * _estimate(alone, chosen):
            chosen, split = base[0], delta
    stored = (*pack(split or planes.split(values), chosen), view[phase + len(values) * width :])
    return chosen, (view[:phase], *stored) if phase else stored


def distance(raw: Buffer, shape: Shape, base: Base) -> int:
    """Return the bytes of the delta of a sample of `PROBE` bytes of numbers, 0 if they are those of the base."""
    values = planes.numbers(memoryview(raw)[shape.phase :], shape.width)
    old = _base_numbers(base, shape, len(values))
    some, other = (planes.sampled(each, PROBE // PARTS, PARTS) for each in (values, old))
    return round(_estimate(_difference(base[0], some, other), base[0]))


def decode(encoding: int, stored: memoryview, size: int, byte: int, base: Buffer | None) -> Buffer:
    """Decode `stored`, the result of `encode`, to about `size` bytes; `byte` is the width byte. Raises Damaged."""
    shape = encodings.shape(encoding, byte)
    if shape is None or shape.phase > size or (base is None) == (encoding in BASED):
        raise _damaged("its width or delta base does not fit its encoding")
    width, phase = shape.width, shape.phase
    count = (size - phase) // width
    split, rest = unpack(stored[phase:], [count] * width, encoding)
    values = planes.join(split, count)
    if base is not None:
        old = _base_numbers((encoding, base), shape, count)
        values = _restore(encoding, values, old)
    raw = values.data.cast("B")
    return b"".join((stored[:phase], raw, rest)) if phase or rest else raw


def pack(split: Sequence[Plane | Sparse], encoding: int) -> tuple[Buffer, ...]:
    """Return the stored bytes of the planes of an encoding: their heads, then each in its shortest form."""
    packed = [_pack(plane, encoding, dense=encoding not in BASED) for plane in split]
    heads = struct.pack(f"<{len(packed)}I", *(form << _FORM | len(stored) for form, stored in packed))
    return (heads, *(stored for _, stored in packed))


def unpack(stored: memoryview, counts: Sequence[int], encoding: int) -> tuple[list[Plane | Sparse | None], memoryview]:
    """Return the planes that `pack` stored, of these lengths, None for zeros, and the bytes after them. Raises Damaged."""
    place = 4 * len(counts)
    if len(stored) < place:
        raise _damaged("it is too short for its planes")
    split = []
    for head, count in zip(struct.unpack_from(f"<{len(counts)}I", stored), counts, strict=True):
        size = head & ((1 << _FORM) - 1)
        form = head >> _FORM
        if form == ZEROS and size and encoding in GAPPED:
            form = GAPS
        split.append(_plane(form, stored[place : place + size], size, count))
        place += size
    return split, stored[place:]


def _base_numbers(base: Base, shape: Shape, count: int) -> Numbers:
    """Return the first `count` numbers of a delta base, padded with zeros; those of a cast are fp32."""
    encoding, raw = base
    width = 4 if encoding in CASTS else shape.width
    return planes.resized(planes.numbers(memoryview(raw)[shape.phase :], width), count)


def _difference(encoding: int, new: Numbers, old: Numbers) -> Sequence[Plane | Sparse]:
    """Return the planes of the difference of `new` from `old`."""
    if encoding == DIFFERENCE:
        return planes.split_small(planes.difference(new, old))
    return planes.split(planes.order_difference(new, _rounded(encoding, old)))


def _restore(encoding: int, apart: Numbers, old: Numbers) -> Numbers:
    if encoding == DIFFERENCE:
        return planes.restore(apart, old)
    return planes.restore_order(apart, _rounded(encoding, old))


def _rounded(encoding: int, old: Numbers) -> Numbers:
    if encoding == DELTA:
        return old
    return planes.to_bf16(old) if encoding == BFLOAT else planes.to_fp16(old)


def _estimate(split: Sequence[Plane | Sparse], encoding: int) -> float:
    """Return the stored bytes of samples of `PROBE` bytes of planes."""
    size = 0.0
    for plane in split:
        if isinstance(plane, Sparse):
            size += _GAP * planes.sampled_others(plane, PROBE // PARTS, PARTS)
        else:
            size += len(_pack(planes.sampled(plane, PROBE // PARTS, PARTS), encoding)[1])
    return size


def _pack(plane: Plane | Sparse, encoding: int, *, dense: bool = False) -> tuple[int, Buffer]:
    """Return the shortest form of a plane, and its stored bytes; the bytes of a `dense` plane are expected not to repeat."""
    if isinstance(plane, Sparse):
        return ZEROS, _gaps(plane) if len(plane.places) else b""
    raw = plane.data
    if len(raw) <= 2 * PROBE:
        dense = False
    else:
        sample = planes.sampled(plane, PROBE // PARTS, PARTS).data
        probe = zstd.compress_plane(sample)
        if not pays(len(probe), PROBE):
            return RAW, raw
        dense = dense and len(zstd.compress_dense(sample)) <= len(probe)
    zeros = planes.zeros(plane)
    if zeros == len(raw):
        return ZEROS, b""
    sparse = planes.sparse(plane) if zeros > _SPARSE * len(raw) and encoding in GAPPED else None
    if sparse is not None:
        gaps = _gaps(sparse)
        if pays(len(gaps), len(raw)):
            return ZEROS, gaps
    if zeros > _SPARSE * len(raw) and _is_better_in_quads(plane):
        return QUADS, _quads(plane)
    packed = zstd.compress_dense(raw) if dense else zstd.compress_plane(raw)
    return (FRAME, packed) if pays(len(packed), len(raw)) else (RAW, raw)


def _is_better_in_quads(plane: Plane) -> bool:
    part = planes.sampled(plane, PROBE // PARTS, PARTS)
    return len(_quads(part)) < len(zstd.compress_plane(part.data))


def _gaps(plane: Sparse) -> Buffer:
    return _two_frames(planes.gaps(plane.places), plane.others)


def _quads(plane: Plane) -> Buffer:
    return _two_frames(*planes.quads(plane))


def _two_frames(packed: Plane, others: Plane) -> Buffer:
    first = zstd.compress_plane(packed.data)
    return b"".join((struct.pack("<I", len(first)), first, zstd.compress_plane(others.data) if len(others) else b""))


def _plane(form: int, stored: memoryview, size: int, count: int) -> Plane | Sparse | None:
    if len(stored) != size or (form == ZEROS and size):
        raise _damaged("it ends within a plane")
    if form == ZEROS:
        return None
    if form == QUADS:
        return _from_quads(stored, count)
    if form == GAPS:
        return _from_gaps(stored, count)
    raw = zstd.decompress(stored, count) if form == FRAME else stored
    if len(raw) != count:
        raise _damaged("a plane is not as long as there are numbers")
    return planes.plane(raw)


def _frames(stored: memoryview, first: int, second: int) -> tuple[bytes, bytes]:
    """Return what two frames decompress to, at most `first` and `second` bytes."""
    if len(stored) < 4:
        raise _damaged("it ends within a plane")
    place = 4 + int.from_bytes(stored[:4], "little")
    others = zstd.decompress(stored[place:], second) if len(stored) > place else b""
    return zstd.decompress(stored[4:place], first), others


def _from_gaps(stored: memoryview, count: int) -> Sparse:
    packed, others = _frames(stored, count // 2, count // 2)
    plane = planes.from_gaps(planes.plane(packed), planes.plane(others), count)
    if plane is None:
        raise _damaged("the gaps of a plane do not fit it")
    return plane


def _from_quads(stored: memoryview, count: int) -> Plane:
    pairs, others = _frames(stored, -(-count // 4), count)
    if len(pairs) != -(-count // 4):
        raise _damaged("a plane is not as long as there are numbers")
    plane = planes.from_quads(planes.plane(pairs), planes.plane(others), count)
    if plane is None:
        raise _damaged("a plane has a wrong number of bytes of 3 and above")
    return plane


def _damaged(reason: str) -> errors.Damaged:
    return errors.Damaged(what="an encoded chunk", reason=reason)
