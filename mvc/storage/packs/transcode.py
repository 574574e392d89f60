"""Encoding of entries again, for a remote that an older mvc made and that does not support their encodings.

    DIFFERENCE on B, phase 0   ─►  DELTA on B, of the same depth
    DIFFERENCE on B, phase 1   ─►  PLANES, or DELTA on B of single bytes
    PHASED                     ─►  PLANES: a phase only turns the order of the planes round
    BLOCKS on B                ─►  DELTA on B of single bytes
    others                     ─►  RAW or ZSTD

No entry becomes deeper, and equal entries give equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from mvc.model.ids import Buffer, ChunkId
from mvc.storage.chunks import encoder, encodings
from mvc.storage.chunks.encoder import Encoded, Under
from mvc.storage.chunks.encodings import BLOCKS, DELTA, DIFFERENCE, PHASED, Shape
from mvc.storage.packs.packformat import Entry


def is_supported(entry: Entry, features: AbstractSet[str]) -> bool:
    """Return whether readers with `features` can decode an entry."""
    return encodings.features(entry.encoding) <= features


def transcode(entry: Entry, raw: Buffer, base: Buffer | None, features: AbstractSet[str]) -> Encoded:
    """Return the shortest entry for `raw`, the bytes of `entry`, that needs only `features`, and its stored bytes.

    `base` is the raw bytes of its delta base.
    """
    chunk, view = ChunkId(entry.id), memoryview(raw)
    made = [encoder.encode(chunk, view, *each) for each in _attempts(entry, base)]
    supported = [each for each in made if is_supported(each[0], features)]
    return min(supported or [encoder.encode(chunk, view, None, None)], key=lambda each: each[0].stored)


def _attempts(entry: Entry, base: Buffer | None) -> Iterator[tuple[Shape, Under | None]]:
    """Yield the shapes and delta bases with which numbers are encoded again; nothing for what is encoded as bytes."""
    shape = encodings.shape(entry.encoding, entry.width)
    if shape is None or entry.encoding not in (BLOCKS, DIFFERENCE, PHASED):
        return
    under = None
    if entry.base is not None and base is not None:
        under = Under(ChunkId(entry.base), entry.depth - 1, (DELTA, base))
    if not shape.phase:
        yield Shape(shape.width), under
        return
    yield Shape(shape.width), None
    if under is not None:
        yield Shape(1), under
