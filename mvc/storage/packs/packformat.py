r"""Packs: many encoded entries in one immutable file that is named by its BLAKE3, with its index at the end.

    mvcpack\x01 │ header payload │ header payload │ … │ index: offset header, offset header, … │ trailer
          8         76             76                       84             84                       56

The index repeats the headers, so it can be rebuilt from the entries, and each verifies the other. Packs of chunks
(`packs/77/<id>.pack`) hold only chunks; metadata packs (`meta/<id>.pack`) hold everything else.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterable, Iterator
from typing import Self

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.ids import Hasher, PackId, digest
from mvc.storage.chunks import encodings, zstd
from mvc.storage.packs.packfile import PackFile

MAGIC = b"mvcpack\x01"
INDEX_MAGIC = b"mvcindex"

CHUNK = 0
OBJECT = 1
RECIPE = 2
PACK_INDEX = 3
REF_ENTRY = 4

MAX_CHUNK = 16 * 1024 * 1024
MAX_METADATA = 64 * 1024 * 1024
MAX_DEPTH = 64

HEADER = struct.Struct("<32sBBBBII32s")
INDEXED = struct.Struct("<Q76s")
_EXTENT = struct.Struct("<Q40xI32x")
"""The offset of an entry in an index, and the size of its stored bytes."""
_PLAIN = struct.Struct("<32sBBHII32s")
"""A header whose depth and width are one number."""
TRAILER = struct.Struct("<QQ32s8s")
_NO_BASE = bytes(32)
_READ = 8 * 1024 * 1024


def path(pack: PackId) -> str:
    """Return the name of a pack of chunks, below `.mvc`."""
    return f"packs/{pack[:2]}/{pack}.pack"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a pack: its kind and id, its encoding, its sizes in bytes, and the offset of its header.

    `base` is the delta base of a chunk, or the file of a recipe. `width` is the width byte of encodings of numbers, which
    `encodings.shape` parses.
    """

    id: str
    kind: int
    encoding: int
    raw: int
    stored: int
    depth: int = 0
    width: int = 0
    base: str | None = None
    offset: int = 0

    @property
    def end(self) -> int:
        """The offset of the next entry."""
        return self.offset + HEADER.size + self.stored

    def at(self, offset: int) -> Self:
        """Return the entry with its header at `offset`."""
        own = (self.id, self.kind, self.encoding, self.raw, self.stored, self.depth, self.width, self.base)
        return type(self)(*own, offset)  # a fifth of the time of dataclasses.replace, for thousands of chunks

    def header(self) -> bytes:
        """Return the 76 bytes of the header."""
        base = bytes.fromhex(self.base) if self.base else _NO_BASE
        id_ = bytes.fromhex(self.id)
        return HEADER.pack(id_, self.kind, self.encoding, self.depth, self.width, self.raw, self.stored, base)

    @classmethod
    def parse(cls, header: bytes, offset: int) -> Self:
        """Parse a header; raise Damaged if it is invalid."""
        id_, kind, encoding, depth, width, raw, stored, base = HEADER.unpack(header)
        based = base.hex() if base != _NO_BASE else None
        entry = cls(id_.hex(), kind, encoding, raw, stored, depth, width, based, offset)
        if not entry.well_formed:
            raise errors.Damaged(what=f"the entry at {offset}", reason="its header is invalid")
        return entry

    @property
    def well_formed(self) -> bool:
        """Return whether the entry's fields are valid together."""
        return (
            self.raw <= (MAX_CHUNK if self.kind == CHUNK else MAX_METADATA)
            and (self.stored == self.raw if self.encoding == encodings.RAW else self.stored <= self.raw)
            and _fit(self.kind, self.encoding, self.depth, self.width, has_base=self.base is not None)
        )


@functools.lru_cache(maxsize=1024)
def _fit(kind: int, encoding: int, depth: int, width: int, *, has_base: bool) -> bool:
    """Return whether these fields are valid together; of 100,000 entries, few differ in them."""
    return (
        kind <= REF_ENTRY
        and encoding in encodings.NAMES
        and depth <= MAX_DEPTH
        and (depth > 0) == (encoding in encodings.BASED)
        and has_base == (depth > 0 or kind == RECIPE)
        and (width == 0) == (encoding not in encodings.FEATURES)
        and (width == 0 or encodings.shape(encoding, width) is not None)
    )


def read_index(pack: PackFile) -> list[Entry]:
    """Return the entries of a pack, in order, from its index; raise Damaged, which names the pack, if the index is corrupt."""
    index = read_index_bytes(pack)
    return parse_index(pack, index, pack.size - TRAILER.size - len(index))


def read_index_bytes(pack: PackFile) -> bytes:
    """Return the index of a pack, whose checksum is verified, and its entries are not; raise Damaged."""
    if pack.size < len(MAGIC) + TRAILER.size:
        raise _damaged(pack, "it is too short")
    start, count, checksum, magic = TRAILER.unpack(pack.read(pack.size - TRAILER.size, TRAILER.size))
    if magic != INDEX_MAGIC or start + count * INDEXED.size + TRAILER.size != pack.size:
        raise _damaged(pack, "it has no valid trailer")
    index = pack.read(start, count * INDEXED.size)
    if digest(index) != checksum.hex():
        raise _damaged(pack, "its index does not match its checksum")
    return index


def parse_index(pack: PackFile, index: bytes, end: int) -> list[Entry]:
    """Parse the index at offset `end`; raise Damaged unless its entries fill the pack without gaps."""
    if pack.read(0, len(MAGIC)) != MAGIC:
        raise _damaged(pack, "it does not begin like a pack")
    entries = unpack_index(pack, index)
    if (entries[-1].end if entries else len(MAGIC)) != end:
        raise _damaged(pack, "its index does not cover the whole pack")
    return entries


def check_index(pack: PackFile, index: bytes) -> None:
    """Raise Damaged unless the entries of an index fill the pack without gaps; their other fields are not checked."""
    expected = len(MAGIC)
    for offset, stored in _EXTENT.iter_unpack(index):
        if offset != expected:
            raise _damaged(pack, f"its index has a gap at {expected}")
        expected += HEADER.size + stored
    if expected + len(index) + TRAILER.size != pack.size:
        raise _damaged(pack, "its index does not cover the whole pack")


def unpack_index(pack: PackFile, index: bytes) -> list[Entry]:
    """Parse the entries of an index of `pack`; raise Damaged if there are gaps between them."""
    return list(iterate_index(pack, index))


def iterate_index(pack: PackFile, index: bytes) -> Iterator[Entry]:
    """Yield the entries one by one: an index of 64 MiB has 800,000, and may be a few MB compressed."""
    if len(index) % INDEXED.size:
        raise _damaged(pack, "an index in it ends within an entry")
    expected = len(MAGIC)
    for offset, header in INDEXED.iter_unpack(index):
        entry = Entry.parse(header, offset)
        if entry.offset != expected:
            raise _damaged(pack, f"its index has a gap at {expected}")
        expected = entry.end
        yield entry


def scan(pack: PackFile) -> list[Entry]:
    """Rebuild the index of a pack from the headers of its entries, up to the first truncated or invalid one."""
    entries = []
    offset = len(MAGIC)
    while offset + HEADER.size <= pack.size:
        try:
            entry = Entry.parse(pack.read(offset, HEADER.size), offset)
        except errors.Damaged:
            break
        if entry.end > pack.size or not entry.stored:  # a hole in a file reads as zeros
            break
        entries.append(entry)
        offset = entry.end
    return entries


def read_entry(pack: PackFile, entry: Entry, header: bytes = b"") -> memoryview:
    """Return the stored bytes of an entry; raise Damaged if the pack has another entry at its offset.

    `header` are the bytes of its header, if they are known.
    """
    data = memoryview(pack.read(entry.offset, HEADER.size + entry.stored))
    if data[: HEADER.size] != (header or entry.header()):
        raise _damaged(pack, f"checksum mismatch in the entry at byte {entry.offset}")
    return data[HEADER.size :]


def read_plain(pack: PackFile, offset: int, header: bytes) -> bytes:
    """Return the verified bytes of an entry of metadata, by its header in the index; raise Damaged for what is not plain.

    A plain one is intact, and neither an index nor of an encoding for numbers.
    """
    id_, kind, encoding, shape, raw, stored, base = _PLAIN.unpack(header)
    is_plain = kind in (OBJECT, RECIPE) and encoding in (encodings.RAW, encodings.ZSTD) and not shape
    if not is_plain or (base == _NO_BASE) == (kind == RECIPE) or not stored <= raw <= MAX_METADATA:
        raise _damaged(pack, f"the entry at byte {offset} is not plain")
    found = pack.read(offset, HEADER.size + stored)
    if not found.startswith(header):
        raise _damaged(pack, f"checksum mismatch in the entry at byte {offset}")
    data = found[HEADER.size :]
    if encoding == encodings.ZSTD:
        data = zstd.decompress(data, raw)
    if len(data) != raw or digest(data) != id_.hex():
        raise _damaged(pack, f"checksum mismatch in the entry {id_.hex()[:10]}")
    return data


def verify(pack: PackFile) -> list[Entry]:
    """Verify the checksum of a whole pack, and return its entries. Raises Damaged.

    The index is read first: a file without a valid trailer is rejected without reading all of it.
    """
    entries = read_index(pack)
    hasher = Hasher()
    for offset in range(0, pack.size, _READ):
        hasher.update(pack.read(offset, min(_READ, pack.size - offset)))
    if hasher.digest() != pack.id:
        raise _damaged(pack, "checksum mismatch")
    return entries


def index_bytes(entries: Iterable[Entry]) -> bytes:
    """Return the index of entries at their offsets."""
    return b"".join(INDEXED.pack(entry.offset, entry.header()) for entry in entries)


def _damaged(pack: PackFile, reason: str) -> errors.Damaged:
    return errors.Damaged(what=pack.name, reason=reason)
