"""The part of the reader that computes: numbers from byte planes, and from the base that they rest on."""

import struct
import sys
from typing import Any

import numpy as np

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def unfold(frame: bytes) -> bytes:
    """What a zstd frame holds."""
    return zstd.decompress(frame)


def plane(form: int, stored: bytes, count: int) -> bytes:
    """One byte of each number."""
    if form < 2 or not stored:
        return unfold(stored) if form == 1 else stored or bytes(count)
    end = 4 + int.from_bytes(stored[:4], "little")
    if form == 3:
        gaps, whole = np.frombuffer(unfold(stored[4:end]), np.uint8), np.zeros(count, np.uint8)
        places = np.cumsum(gaps, dtype=np.int64)[gaps < 255]
        whole[places + np.arange(len(places))] = np.frombuffer(unfold(stored[end:]), np.uint8)
        return bytes(whole.tobytes())
    found = (np.frombuffer(unfold(stored[4:end]), np.uint8)[:, None] >> (0, 2, 4, 6) & 3).astype(np.uint8).reshape(-1)
    if stored[end:]:
        found[found == 3] = np.frombuffer(unfold(stored[end:]), np.uint8)
    return bytes(found[:count].tobytes())


def numbers(stored: bytes, encoding: int, width: int, size: int, base: bytes) -> bytes:
    """Numbers from their byte planes, and from their delta base."""
    phase, width = (width >> 4, width & 15) if encoding > 5 else (0, width)
    first, stored, base = stored[:phase], stored[phase:], base[phase:]
    count, at, planes, kind = (size - phase) // width, 4 * width, b"", np.dtype(f"<u{width}").type
    for head in struct.unpack_from(f"<{width}I", stored):
        length = head & 0x3FFFFFFF
        planes, at = planes + plane(head >> 30, stored[at : at + length], count), at + length
    values = np.frombuffer(planes, np.uint8).reshape(width, count).T.copy().view(kind).reshape(count)
    plain = np.dtype(np.uint32 if encoding in {4, 5} else kind)
    base = base[: len(base) // plain.itemsize * plain.itemsize] + bytes(8 * count)
    old = predicted(encoding, np.frombuffer(base, plain, count))
    if encoding == 6:
        values = old + ((values >> kind(1)) ^ (kind(0) - (values & kind(1))))
    elif encoding in {3, 4, 5}:
        sign = kind(1 << 8 * width - 1)
        order = np.where(old & sign, ~old, old | sign) + ((values >> kind(1)) ^ (kind(0) - (values & kind(1))))
        values = np.where(order & sign, order ^ sign, ~order)
    return bytes(first + values.tobytes() + stored[at:])


def predicted(encoding: int, base: Any) -> Any:
    """Return the numbers that a base predicts: itself, or fp32 rounded to bf16 or fp16, ties to even."""
    if encoding not in {4, 5}:
        return base
    nan, upper = (base & 0x7FFFFFFF) > 0x7F800000, base >> 16
    if encoding == 4:
        return np.where(nan, upper | 0x40, (base + 0x7FFF + (upper & 1)) >> 16).astype(np.uint16)
    with np.errstate(over="ignore", invalid="ignore"):
        half = base.view(np.float32).astype(np.float16).view(np.uint16)
    return np.where(nan, upper & 0x8000 | 0x7E00, half).astype(np.uint16)
