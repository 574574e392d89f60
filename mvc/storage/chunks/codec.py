"""Encoding and decoding of pack entries: the shortest encoding that is worth the time to decode.

    256 KiB of text            →  (ZSTD, 60 KiB)
    1 MiB of fp32 weights      →  (PLANES, 860 KiB), or as a delta of the parent's weights (DIFFERENCE, 330 KiB)
    256 KiB of a JPEG          →  (RAW, the same bytes)

Both directions release the GIL except for a few microseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvc import errors, lazy
from mvc.model.ids import Buffer
from mvc.storage.chunks import encodings, zstd
from mvc.storage.chunks.encodings import BLOCKS, DIFFERENCE, PARTS, PROBE, RAW, ZSTD, Base, Shape, pays

if TYPE_CHECKING:
    from mvc.storage.chunks import numbers, quantised
else:
    numbers = lazy.Module("mvc.storage.chunks.numbers")
    quantised = lazy.Module("mvc.storage.chunks.quantised")

Encoded = tuple[int, Buffer]
"""An encoding, and stored bytes."""
Parts = tuple[Buffer, ...]
"""Stored bytes as consecutive buffers: joining them would copy every byte."""


def encode(raw: Buffer) -> Encoded:
    """Encode bytes of any kind: return the chosen encoding and the stored bytes, never longer than `raw`."""
    if len(raw) > 2 * PROBE and not pays(len(zstd.compress(_sample(raw))), PROBE):
        return RAW, raw
    packed = zstd.compress(raw)
    return (ZSTD, packed) if pays(len(packed), len(raw)) else (RAW, raw)


def _sample(raw: Buffer) -> bytes:
    size, whole = PROBE // PARTS, memoryview(raw)
    starts = range(0, len(whole) - size + 1, (len(whole) - size) // (PARTS - 1))
    return b"".join(whole[start : start + size] for start in starts)


def encode_numbers(raw: Buffer, width: int, base: Base | None = None, phase: int = 0) -> tuple[int, Parts]:
    """Encode numbers of `width` bytes, the first after `phase` bytes, as a delta if there is a base; return as `encode`."""
    if base is not None and base[0] == BLOCKS:
        base = DIFFERENCE, base[1]
    encoding, packed = numbers.encode(raw, Shape(width, phase), base)
    if pays(sum(map(len, packed)), len(raw)):
        return encoding, packed
    encoding, stored = encode(raw)
    return encoding, (stored,)


def distance(raw: Buffer, shape: Shape, base: Base) -> int:
    """Return the bytes of the delta of a sample of `PROBE` bytes of numbers, 0 if they are those of the base."""
    return numbers.distance(raw, shape, base)


def encode_blocks(raw: Buffer, shape: Shape, base: Base | None) -> tuple[int, Parts]:
    """Encode quantised blocks, as a delta if there is a base; return as `encode`."""
    packed = quantised.encode(raw, shape, base[1]) if base is not None else None
    if packed is not None and pays(sum(map(len, packed)), len(raw)):
        return BLOCKS, packed
    encoding, stored = encode(raw)
    return encoding, (stored,)


def phase_of_blocks(stored: Buffer) -> int:
    """Return the number of bytes before the first block of an entry of blocks."""
    return int.from_bytes(stored[:2], "little")


def decode(encoding: int, stored: Buffer, size: int, *, width: int = 0, base: Buffer | None = None) -> Buffer:
    """Decode the `size` raw bytes of an entry. Raises Damaged, and UnknownFeature for an encoding of a newer mvc.

    `width` is the width byte of the entry, and `base` the raw bytes of its delta base, for an encoding that has one. Memory
    is bounded by `size`, even if the stored bytes would decompress to more.
    """
    if encoding == RAW:
        raw: Buffer = stored
    elif encoding == ZSTD:
        raw = zstd.decompress(stored, size)
    elif encoding == BLOCKS:
        raw = quantised.decode(memoryview(stored), size, width, base)
    elif encoding in encodings.NAMES:
        raw = numbers.decode(encoding, memoryview(stored), size, width, base)
    else:
        raise errors.UnknownFeature(features=f"the encoding {encoding}")
    if len(raw) != size:
        raise errors.Damaged(what="an encoded chunk", reason=f"it does not decode to the {size} bytes of its entry")
    return raw
