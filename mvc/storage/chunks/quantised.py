"""Encoding of quantised blocks as the planes of their difference from a delta base.

u16            size of what comes before the first whole block
…              these bytes: a piece need not begin with a block
u32 a plane    form and stored size of each plane, as in `numbers`
…              the planes of each field of the layout, from the lowest byte of a number to its highest
…              the bytes after the last whole block
"""

from __future__ import annotations

import struct

from mvc import errors
from mvc.model.ids import Buffer
from mvc.storage.chunks import blocks, encodings, numbers, zstd
from mvc.storage.chunks.block_layouts import LAYOUTS, BlockLayout
from mvc.storage.chunks.encodings import BLOCKS, PARTS, PROBE, Shape

_LEAD = struct.Struct("<H")


def encode(raw: Buffer, shape: Shape, base: Buffer) -> tuple[Buffer, ...] | None:
    """Return the stored bytes of quantised blocks: their difference from `base`, whose blocks have the same phase.

    Returns None if it is not clearly shorter than the blocks themselves, judged by samples.
    """
    layout, lead = LAYOUTS[shape.blocks], shape.phase
    new = blocks.whole(raw, layout, lead)
    old = blocks.resized(blocks.whole(base, layout, lead), len(new))
    if not len(new) or not _is_shorter(new, old, layout):
        return None
    packed = numbers.pack(blocks.difference(new, old, layout), BLOCKS)
    view = memoryview(raw)
    return (_LEAD.pack(lead), view[:lead], *packed, view[lead + new.size :])


def decode(stored: memoryview, size: int, number: int, base: Buffer | None) -> Buffer:
    """Decode `stored`, the result of `encode` with the layout `number`, to about `size` bytes. Raises Damaged."""
    layout = LAYOUTS.get(number)
    if layout is None or base is None or len(stored) < _LEAD.size:
        raise _damaged("its block layout or delta base does not fit its encoding")
    (lead,) = _LEAD.unpack_from(stored)
    if lead >= layout.size or lead > size:
        raise _damaged("its first block begins outside of it")
    count = (size - lead) // layout.size
    start, body = stored[_LEAD.size : _LEAD.size + lead], stored[_LEAD.size + lead :]
    apart, rest = numbers.unpack(body, blocks.lengths(layout, count), BLOCKS)
    old = blocks.resized(blocks.whole(base, layout, lead), count)
    return b"".join((start, blocks.restore(apart, old, layout).data, rest))


def _is_shorter(new: blocks.Blocks, old: blocks.Blocks, layout: BlockLayout) -> bool:
    new, old = (blocks.sampled(each, PROBE // PARTS, PARTS) for each in (new, old))
    delta = sum(map(len, numbers.pack(blocks.difference(new, old, layout), BLOCKS)))
    return delta <= encodings.WORTH_A_BASE * len(zstd.compress_plane(new.data))


def _damaged(reason: str) -> errors.Damaged:
    return errors.Damaged(what="an encoded chunk", reason=reason)
