"""Differences of quantised blocks: of each field, as unsigned numbers of its bits, modulo 2^bits.

    base   Q8_0   scale 241b   quants  -3  17   0  52 …
    new    Q8_0   scale 241d   quants  -3  16   0  52 …
    difference           +2             0  -1   0   0 …     zigzag, planes: nearly only zeros

All functions release the GIL except for a few microseconds a field.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mvc.model.ids import Buffer
from mvc.storage.chunks import planes
from mvc.storage.chunks.block_layouts import BlockLayout, Field, Part
from mvc.storage.chunks.planes import Numbers, Plane, Sparse

Blocks = NDArray[np.uint8]
"""Blocks of one layout; shape (n, size)."""
_HOLDERS = (np.uint8, np.uint16, np.uint32, np.uint32)
"""Dtypes for numbers of up to 8, 16, 24 and 32 bits."""


def whole(raw: Buffer, layout: BlockLayout, lead: int) -> Blocks:
    """Return a view of the whole blocks of `raw` after its first `lead` bytes."""
    count = max(0, len(raw) - lead) // layout.size
    return np.frombuffer(raw, np.uint8)[lead : lead + count * layout.size].reshape(count, layout.size)


def resized(blocks: Blocks, count: int) -> Blocks:
    """Return the first `count` of `blocks`, padded with blocks of zeros."""
    flat = planes.resized(blocks.reshape(-1), count * blocks.shape[1])
    return flat.reshape(count, blocks.shape[1])


def sampled(blocks: Blocks, length: int, parts: int) -> Blocks:
    """Return `parts` ranges of at least `length` bytes, evenly spread; all blocks if they are not longer."""
    run = -(-length // blocks.shape[1])
    if len(blocks) <= run * parts:
        return blocks
    starts = [place * (len(blocks) - run) // (parts - 1) for place in range(parts)]
    return np.concatenate([blocks[start : start + run] for start in starts])


def lengths(layout: BlockLayout, count: int) -> list[int]:
    """Return the length of each plane of the difference of `count` blocks."""
    return [count * field.length for field in layout.fields for _ in range(field.planes)]


def difference(new: Blocks, old: Blocks, layout: BlockLayout) -> list[Plane]:
    """Return the planes of the zigzag difference of `new` from `old`, field by field, from the lowest byte up.

    Both have the same shape. Differences are small where a quant moved by a step or two.
    """
    found: list[Plane] = []
    for field in layout.fields:
        found += planes.split(_apart(numbers_of(new, field), numbers_of(old, field), field.bits))[: field.planes]
    return found


def restore(apart: Sequence[Plane | Sparse | None], old: Blocks, layout: BlockLayout) -> Blocks:
    """Return the `new` blocks from the planes of their `difference` from `old`; a plane of None is all zeros."""
    new = np.zeros(old.shape, np.uint8)
    left = list(apart)
    for field in layout.fields:
        own, left = left[: field.planes], left[field.planes :]
        values = numbers_of(old, field)
        if any(plane is not None for plane in own):
            own += [None] * (values.itemsize - field.planes)
            values += _signed(planes.join(own, len(values)))
        _put(new, field, values)
    return new


def numbers_of(blocks: Blocks, field: Field) -> Numbers:
    """Return the numbers of a field, block by block; shape (n * count,)."""
    first, *others = field.parts
    values: Numbers = _bits(blocks, first).astype(_HOLDERS[field.planes - 1], copy=False)
    place = first.bits
    for part in others:
        higher: Numbers = _bits(blocks, part).astype(values.dtype, copy=False)
        higher *= values.dtype.type(1 << place)  # a shift of bytes to the left takes ten times as long
        np.bitwise_or(values, higher, out=values)
        place += part.bits
    return values


def _bits(blocks: Blocks, part: Part) -> Plane:
    """Return the bits of a part, block by block, in bytes of their own."""
    run = blocks[:, part.start : part.end].copy()
    if part.bits == 8:
        return run.reshape(-1)
    run = run.reshape(len(blocks), part.groups, part.run)
    found = np.empty((len(blocks), part.groups, len(part.shifts), part.run), np.uint8)
    for index, shift in enumerate(part.shifts):
        np.bitwise_and(run >> np.uint8(shift), np.uint8((1 << part.bits) - 1), out=found[:, :, index])
    return found.reshape(-1)


def _put(blocks: Blocks, field: Field, values: Numbers) -> None:
    """Set the bits of a field, which are zeros, to the lowest bits of `values`."""
    place = 0
    for part in field.parts:
        parts = (values >> values.dtype.type(place)).astype(np.uint8).reshape(len(blocks), part.groups, -1, part.run)
        parts &= np.uint8((1 << part.bits) - 1)
        run = parts[:, :, 0] * np.uint8(1 << part.shifts[0])
        for index, shift in enumerate(part.shifts[1:], 1):
            run |= parts[:, :, index] * np.uint8(1 << shift)
        blocks[:, part.start : part.end] |= run.reshape(len(blocks), -1)
        place += part.bits


def _apart(new: Numbers, old: Numbers, bits: int) -> Numbers:
    """Return the zigzag difference modulo 2^bits, in place of `new`."""
    number = new.dtype.type
    above = 8 * new.itemsize - bits
    new -= old
    new *= number(1 << above)  # the sign of the difference is the sign of the number
    sign = new > number((1 << 8 * new.itemsize - 1) - 1)
    new += new
    new ^= np.negative(sign.astype(new.dtype))
    new >>= number(above)
    return new


def _signed(apart: Numbers) -> Numbers:
    """Return differences from their zigzag."""
    one = apart.dtype.type(1)
    signed: Numbers = np.negative(apart & one)
    signed ^= apart >> one
    return signed
