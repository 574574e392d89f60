"""Packs, their indexes, and encoded chunks. Checksums are made right, so that what they cover is reached."""

from __future__ import annotations

import struct

from mvc import errors
from mvc.model.ids import PackId, digest
from mvc.storage.chunks import codec, encodings
from mvc.storage.packs import metapacks, packformat
from mvc.storage.packs.index import ChunkIndex
from mvc.storage.packs.metapacks import MetaPacks
from mvc.storage.packs.packfile import PackFile
from mvc.storage.packs.packformat import CHUNK, HEADER, INDEXED, MAGIC, TRAILER, Entry
from tests.fuzz import store
from tests.fuzz.target import SLOW, Target

_NAME = PackId("ab" * 32)
_CHUNK = struct.Struct("<BBHH")
_DAMAGE = (errors.Damaged,)


def repaired(data: bytes) -> bytes:
    """Return a pack whose trailer has the right checksum of the index, and the right place of it."""
    body = data[: -TRAILER.size]
    if len(data) < len(MAGIC) + TRAILER.size:
        return data
    count = TRAILER.unpack(data[-TRAILER.size :])[1] % 64
    start = len(body) - count * INDEXED.size
    if start < 0:
        return data
    return body + TRAILER.pack(start, count, bytes.fromhex(digest(body[start:])), packformat.INDEX_MAGIC)


def with_index(data: bytes) -> bytes:
    """Return the pack of entries, those that can be read: what a writer would make of them."""
    offset, entries = len(MAGIC), []
    while offset + HEADER.size <= len(data):
        try:
            entry = Entry.parse(data[offset : offset + HEADER.size], offset)
        except errors.Damaged:
            break
        if entry.end > len(data):
            break
        entries.append(entry)
        offset = entry.end
    index = packformat.index_bytes(entries)
    trailer = TRAILER.pack(offset, len(entries), bytes.fromhex(digest(index)), packformat.INDEX_MAGIC)
    return MAGIC + data[len(MAGIC) : offset] + index + trailer


def _pack(data: bytes) -> None:
    for form in (repaired(data), with_index(data)):
        store.put(packformat.path(_NAME), form)
        pack = PackFile(store.door(), packformat.path(_NAME))
        for entry in packformat.scan(pack):
            assert entry.header() == form[entry.offset : entry.offset + HEADER.size]
        try:
            entries = packformat.read_index(pack)
        except errors.Damaged:
            continue
        for entry in entries:
            _entry(pack, entry)


def _entry(pack: PackFile, entry: Entry) -> None:
    try:
        stored = packformat.read_entry(pack, entry)
        if entry.base is None or entry.kind != CHUNK:
            assert len(codec.decode(entry.encoding, stored, entry.raw, width=entry.width)) == entry.raw
    except (errors.Damaged, errors.UnknownFeature):
        return


def _index(data: bytes) -> None:
    store.put(packformat.path(_NAME), repaired(data))
    index = ChunkIndex(store.door())
    chunk = data[len(MAGIC) :][:32].ljust(32, b"\0").hex()
    index.find_all([chunk], sure=True)  # type: ignore[list-item]
    index.totals()


def _metapack(data: bytes) -> None:
    for form in (repaired(data), with_index(data)):
        store.put(metapacks.path(_NAME), form)
        packs = MetaPacks(store.door())
        packs.object_ids()
        packs.entries(_NAME)
        for _ in packs.keys(_NAME):
            pass
        for question in (
            lambda: list(packs.others(packformat.PACK_INDEX)),  # noqa: B023 - asked in this round
            lambda: packs.named(metapacks.path(_NAME)),  # noqa: B023
            lambda: packs.verify(_NAME),  # noqa: B023
            lambda: packs.object(form[len(MAGIC) :][:32].ljust(32, b"\0").hex()),  # noqa: B023
        ):
            try:
                question()
            except errors.Damaged:
                continue


def _chunk(data: bytes) -> None:
    """Decode a chunk: its encoding, the byte of its width, its size, and the size of its base come first."""
    if len(data) < _CHUNK.size:
        return
    encoding, width, size, base_size = _CHUNK.unpack_from(data)
    rest = data[_CHUNK.size :]
    base, stored = rest[:base_size], rest[base_size:]
    is_based = encoding in encodings.BASED
    entry = Entry("00" * 32, CHUNK, encoding, size, len(stored), int(is_based), width, "11" * 32 if is_based else None)
    if entry.well_formed:
        if encoding == encodings.BLOCKS:
            codec.phase_of_blocks(stored)
        found = codec.decode(encoding, stored, size, width=width, base=base if is_based else None)
        assert len(found) == size


TARGETS = (
    Target("pack", _pack, _DAMAGE),
    Target("chunk-index", _index, _DAMAGE, cost=SLOW),
    Target("metadata-pack", _metapack, _DAMAGE),
    Target("encoded-chunk", _chunk, (errors.Damaged, errors.UnknownFeature)),
)
