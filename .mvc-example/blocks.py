"""The part of the reader for quantised blocks: their numbers from planes, and from those of their delta base.

The table is that of docs/reference/format.md, section 5.1.
"""

import struct
from typing import Any

import numpy as np
from planes import numbers, plane, unfold

SCALE, SCALES = "0:1+1:1", "0:1+1:1 2:1+3:1"
LAYOUTS = {
    2: (18, f"{SCALE} 2:16/4"), 3: (20, f"{SCALES} 4:16/4"), 6: (22, f"{SCALE} 6:16/4+2:1x4/1"),
    7: (24, f"{SCALES} 8:16/4+4:1x4/1"), 8: (34, f"{SCALE} 2:32"), 10: (84, "0:16/4 16:32x2/2 80:1+81:1 82:1+83:1"),
    11: (110, "32:32x2/2+0:32/1 96:8/4+104:4/2 108:1+109:1"), 12: (144, f"{SCALES} 4:8/6@0 12:4/4+4:8/2@6 16:32x4/4"),
    13: (176, f"{SCALES} 4:8/6@0 12:4/4+4:8/2@6 48:32x4/4+16:32/1"), 14: (210, "0:64x2/4+128:32x2/2 192:16 208:1+209:1"),
    15: (292, "0:1+1:1+2:1+3:1 4:288"), 20: (18, f"{SCALE} 2:16/4"), 23: (136, f"{SCALE} 4:1x4/4+2:1x2/2 8:32x4/4"),
    35: (66, "0:32x2/2 64:1+65:1"), 39: (17, "0:1 1:16/4"), 40: (36, "0:4 4:8x4/4"),
}  # fmt: skip
"""Bytes of a block, and its fields, by the width byte."""


def decoded(stored: bytes, encoding: int, width: int, size: int, base: bytes) -> bytes:
    """The raw bytes of an entry."""
    if encoding == 1:
        return unfold(stored)
    if encoding != 8:
        return numbers(stored, encoding, width, size, base)
    phase, (bytes_, fields) = int.from_bytes(stored[:2], "little"), LAYOUTS[width]
    first, stored, count = stored[2 : 2 + phase], stored[2 + phase :], (size - phase) // bytes_
    base = base[phase : phase + (len(base) - phase) // bytes_ * bytes_] + bytes(count * bytes_)
    old = np.frombuffer(base, np.uint8)[: count * bytes_].reshape(count, bytes_)
    new, end = np.zeros(old.shape, np.uint8), 4 * sum(-(-bits(field) // 8) for field in fields.split())
    heads = iter(struct.unpack_from(f"<{end // 4}I", stored))
    for field in fields.split():
        values = unpacked(old, field)
        apart = np.zeros(values.size, np.int64)
        for byte in range(-(-bits(field) // 8)):
            head = next(heads)
            length = head & 0x3FFFFFFF
            part = plane(head >> 30, stored[end : end + length], values.size)
            apart, end = apart | np.frombuffer(part, np.uint8).astype(np.int64) << 8 * byte, end + length
        signed = (apart >> 1) ^ -(apart & 1)
        pack(new, field, values + signed.reshape(values.shape) & (1 << bits(field)) - 1)
    return bytes(first + new.tobytes() + stored[end:])


def parts(field: str) -> Any:
    """Start, bytes of a run, runs, bits and shifts of each part of a field."""
    for part in field.split("+"):
        at, _, shift = part.partition("@")
        at, _, width = at.partition("/")
        start, run, runs = (int(number) for number in f"{at}x1".replace("x", ":").split(":")[:3])
        yield start, run, runs, int(width or 8), [int(shift)] if shift else list(range(0, 8, int(width or 8)))


def bits(field: str) -> int:
    """The bits of one number of a field."""
    return sum(width for _, _, _, width, _ in parts(field))


def unpacked(blocks: Any, field: str) -> Any:
    """The numbers of a field of each block."""
    values, place = 0, 0
    for start, run, runs, width, shifts in parts(field):
        own = blocks[:, start : start + run * runs].astype(np.int64).reshape(len(blocks), runs, 1, run)
        own = (own >> np.array(shifts)[:, None] & (1 << width) - 1).reshape(len(blocks), -1)
        values, place = values | own << place, place + width
    return values


def pack(blocks: Any, field: str, values: Any) -> None:
    """Set the bits of a field in blocks of zeros."""
    place = 0
    for start, run, runs, width, shifts in parts(field):
        own = (values >> place & (1 << width) - 1).reshape(len(blocks), runs, len(shifts), run)
        own = (own << np.array(shifts)[:, None]).sum(2).astype(np.uint8)
        blocks[:, start : start + run * runs] |= own.reshape(len(blocks), -1)
        place += width
