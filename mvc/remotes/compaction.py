"""Compaction: copy many small metadata packs into one, so that a clone reads few files after many pushes.

    meta/4e… meta/09… meta/77… … (64 of them)  ─►  meta/merged/d2…: their entries, and the index of each

On the remote, no file is replaced or deleted: readers fetch the compacted pack first, and skip the packs whose index it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet

from mvc.model.ids import FileId, PackId
from mvc.remotes.backends.backend import Backend
from mvc.remotes.inventory import COMPACTED, SMALL, Inventory
from mvc.remotes.store import Store
from mvc.storage.packs import metapacks, packformat
from mvc.storage.packs.metapacks import MetaWriter
from mvc.storage.packs.packformat import Entry

MANY = 64
"""The number of small metadata packs from which they are compacted."""
_TOGETHER = 48 * 1024 * 1024
"""The most bytes of one compacted pack."""


def compact(store: Store, backend: Backend, inventory: Inventory) -> int:
    """Compact the small metadata packs of a remote if there are many; return the bytes uploaded.

    The local copies of compacted packs are removed, also those that a killed push left.
    """
    small = list(_small(inventory))
    written = _compacted(store, small) if len(small) >= MANY else []
    for pack in written:
        backend.put(f"{COMPACTED}{pack}.pack", store.door.path(metapacks.path(pack)))
    size = sum(store.door.stat(metapacks.path(pack)).size for pack in written)
    _drop(store, {*inventory.replaced, *(small if written else ())}, [*inventory.metapacks, *written])
    return size


def _compacted(store: Store, small: Iterable[PackId]) -> list[PackId]:
    """Write the packs that have the entries of `small`; none if one of these was removed meanwhile, by another push."""
    writer = MetaWriter(store.door)
    done: set[tuple[int, str]] = set()
    for pack in small:
        entries = store.metapacks.entries(pack)
        if not entries:
            writer.discard()
            return []
        for entry in entries:
            if (entry.kind, entry.id) not in done:
                done.add((entry.kind, entry.id))
                _copy(store, writer, pack, entry)
        writer.add(packformat.PACK_INDEX, packformat.index_bytes(entries), id_=pack)
    written = writer.finish()
    store.door.barrier()
    store.metapacks.refresh()
    return written


def _drop(store: Store, replaced: AbstractSet[str], packs: Iterable[PackId]) -> None:
    """Remove the local copies of the packs `replaced` that one of `packs`, which is intact, has every entry of.

    Each verb would read the index of each copy: 1,000 pushes leave 1,000. A command that is reading one reads the other instead.
    """
    door = store.door
    local = {pack for pack in replaced if door.exists(metapacks.path(PackId(pack)))}
    for pack in packs if local else ():
        if pack not in local:
            contents = metapacks.replaces(store.metapacks, pack, local)
            door.remove_all([metapacks.path(PackId(each)) for each in sorted(contents)])
            local -= contents
    store.metapacks.refresh()


def _small(inventory: Inventory) -> Iterator[PackId]:
    """Yield the smallest metadata packs, as many as fit into one pack.

    They come in the order of their ids, so that the same packs compact to the same one.
    """
    held, found = 0, []
    for pack, size in sorted(inventory.metapacks.items(), key=lambda each: each[1]):
        held += size
        if size > SMALL or held > _TOGETHER:
            break
        found.append(pack)
    yield from sorted(found)


def _copy(store: Store, writer: MetaWriter, pack: PackId, entry: Entry) -> None:
    data = store.metapacks.read(pack, entry)
    id_ = entry.id if entry.kind == packformat.PACK_INDEX else None
    writer.add(entry.kind, data, id_=id_, file=FileId(entry.base) if entry.base else None)
