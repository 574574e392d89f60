"""The packs of an upload: unchanged local packs, and new ones of other entries, spooled in `tmp/`.

Every byte is verified before the upload. Entries in an encoding that the remote does not support are encoded again. Equal
plans give equal packs with equal names, so a push finds the uploads of an interrupted one. Nothing is overwritten: chunks of
a pack whose name is taken by damaged bytes go into another pack, which a `salt`, a chunk of no file, gives another name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mvc.deferred import dataclass
from mvc.model.ids import ChunkId, PackId, digest
from mvc.remotes.inventory import Inventory
from mvc.remotes.store import Store
from mvc.remotes.upload_plan import UploadPlan
from mvc.storage.chunks import encodings
from mvc.storage.chunks.encoder import Encoded
from mvc.storage.disk.temporary import Temporary
from mvc.storage.disk.workers import Workers
from mvc.storage.packs import packformat, transcode
from mvc.storage.packs.index import Location
from mvc.storage.packs.packfile import PackFile, PackFiles
from mvc.storage.packs.packformat import Entry
from mvc.storage.packs.packwriter import CUT, PackBuilder
from mvc.storage.packs.reader import Place

_AHEAD = 32
"""Entries that are read and verified ahead."""


@dataclass(frozen=True, slots=True)
class UploadPack:
    """A pack to upload: its id, its path, its size, the bytes of its chunks as the plan counts them, and its index.

    `spooled` is deleted after the upload.
    """

    id: PackId
    path: Path
    size: int
    chunks: int
    index: bytes
    spooled: Temporary | None = None

    def discard(self) -> None:
        """Delete the spooled file."""
        if self.spooled is not None:
            self.spooled.discard()


def packs(store: Store, plan: UploadPlan, inventory: Inventory, salt: bytes = b"") -> Iterator[UploadPack]:
    """Yield the packs of a plan. Raises Damaged for local damage, DiskFailed."""
    spoiled: list[Location] = []
    for name in plan.whole:
        pack = PackFile(store.door, name)
        entries = packformat.verify(pack)
        if inventory.is_spoiled(pack.id, pack.size):
            spoiled += [Location(name, entry) for entry in entries]
        else:
            yield UploadPack(
                pack.id, store.door.path(name), pack.size, _chunks(entries), packformat.index_bytes(entries)
            )
    yield from _gathered(store, [*spoiled, *plan.entries], plan.features, salt)


def _gathered(store: Store, entries: Sequence[Location], features: frozenset[str], salt: bytes) -> Iterator[UploadPack]:
    builder = _begun(store, salt) if salt else None
    planned = 0
    workers = Workers()
    try:
        read = _Checked(store, features).read
        for location, (entry, payload) in workers.ahead(read, _with_places(store, entries), _AHEAD):
            builder = builder or _begun(store, salt)
            builder.add(entry, *payload)
            planned += location.entry.stored
            if builder.size >= CUT:
                full, builder = builder, None
                yield _finished(full, planned)
                planned = 0
        if builder is not None:
            full, builder = builder, None
            yield _finished(full, planned)
    finally:
        workers.close()
        if builder is not None:
            builder.discard()


def _begun(store: Store, salt: bytes) -> PackBuilder:
    builder = PackBuilder(store.door)
    if salt:
        builder.add(Entry(digest(salt), packformat.CHUNK, encodings.RAW, len(salt), len(salt)), salt)
    return builder


def _with_places(store: Store, entries: Sequence[Location]) -> Iterator[tuple[Location, tuple[Place, ...]]]:
    for each in entries:
        base = each.entry.base
        yield each, store.reader.locate(ChunkId(base), below=each.entry.depth) if base else ()


class _Checked:
    """A reader of stored entries that checks their chunks, and encodes those again that need other than `features`."""

    def __init__(self, store: Store, features: frozenset[str]) -> None:
        self._store = store
        self._features = features
        self._files = PackFiles(store.door)

    def read(self, pair: tuple[Location, tuple[Place, ...]]) -> tuple[Location, Encoded]:
        """Return the place of an entry, and the entry to send with its bytes; runs in a thread. Raises Damaged."""
        location, bases = pair
        entry = location.entry
        raw = self._store.reader.read(ChunkId(entry.id), (Place(location, bases),))
        if transcode.is_supported(entry, self._features):
            return location, (entry, (packformat.read_entry(self._files.get(location.pack), entry),))
        base = self._store.reader.read(ChunkId(entry.base), bases) if entry.base else None
        return location, transcode.transcode(entry, raw, base, self._features)


def _finished(builder: PackBuilder, planned: int) -> UploadPack:
    id_, temporary = builder.finish()
    index = packformat.index_bytes(builder.entries)
    return UploadPack(id_, temporary.path, builder.size, planned, index, temporary)


def _chunks(entries: Iterable[Entry]) -> int:
    return sum(entry.stored for entry in entries)
