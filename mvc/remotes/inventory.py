"""The inventory of a remote: the objects, recipes and chunks that it has, by a fresh listing.

    list meta/ packs/ ─► metadata packs that are not stored: fetched, verified, stored in .mvc/meta
                      └► objects, recipes   in a metadata pack that is listed
                         chunks             in an index, in such a pack, of a pack that is listed in its full size, with all
                                            their delta bases

Metadata packs never change, so each is fetched once; it counts while it is listed. A damaged one does not count, and its
contents are missing. One under meta/merged/ is compacted: it has all entries of others, and their indexes, so those are not
fetched.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import NamedTuple

from mvc import errors
from mvc.model.ids import Buffer, FileId, Hasher, PackId, is_id
from mvc.remotes import hints
from mvc.remotes import remote as remotes
from mvc.remotes.backends.backend import Backend, Listed
from mvc.remotes.store import Store
from mvc.storage.disk.temporary import TEMPORARY, Temporary
from mvc.storage.disk.workers import Workers
from mvc.storage.packs import metapacks, packformat
from mvc.storage.packs.packfile import PackFile
from mvc.storage.packs.packformat import Entry

MAX_METAPACK = 4 * packformat.MAX_METADATA
"""The largest metadata pack that is fetched, in bytes. Writers end one at 64 MiB."""
COMPACTED = f"{metapacks.FOLDER}/merged/"
"""The folder of compacted metadata packs."""
SMALL = 8 * 1024 * 1024
"""The largest metadata pack that is compacted, in bytes."""
AHEAD = 16
"""The most metadata packs that are fetched ahead."""


class RemotePlace(NamedTuple):
    """An entry of a chunk in a pack on the remote."""

    pack: PackId
    entry: Entry


Places = dict[str, list[RemotePlace]]
"""The places of each chunk on a remote, the smallest depth first."""


class Inventory:
    """The contents of one remote, as listed when the inventory was made.

    `packs` are the packs of chunks, with their sizes in bytes, and `sizes` those of the metadata packs. `damaged` are
    the metadata packs that cannot be read, and why. `hinted` are the packs that hints name. `suspects` are the packs of
    chunks that are damaged, or hinted to be: a chunk is read from another pack where there is one.
    """

    def __init__(self, store: Store, backend: Backend, jobs: int, *, reread: bool = False) -> None:
        """List the remote, and fetch the metadata packs that are not stored, `jobs` at a time.

        With `reread`, stored ones are read from the remote, too. Raises RemoteUnreachable, RemoteDenied, DiskFailed.
        """
        self.where = backend.where
        self._store = store
        self._backend = backend
        self._reread = reread
        self.received = 0
        self.damaged: dict[PackId, errors.Damaged] = {}
        # In this order: a pack is uploaded before the metadata pack with its index.
        listed = list(backend.list(metapacks.FOLDER))
        self.packs = _ids(backend.list("packs"))
        self.hinted = hints.named(listed)
        self.suspects: set[PackId] = self.hinted & self.packs.keys()
        self.names = {PackId(_id_of(each)): each.name for each in listed}
        every = self.sizes = _ids(listed)
        gone = self._fetch_compacted(every, jobs)
        self.replaced = {id_: size for id_, size in every.items() if id_ in gone}
        self.metapacks = self._fetch({id_: size for id_, size in every.items() if id_ not in self.replaced}, jobs)

    @cached_property
    def features(self) -> frozenset[str]:
        """The features that the remote's record lists. Raises as `mvc.remotes.remote.check`."""
        return remotes.features(self._backend)

    @cached_property
    def objects(self) -> set[str]:
        """The ids of the objects on the remote."""
        return {entry.id for _, entry in self._entries(packformat.OBJECT)}

    @cached_property
    def recipes(self) -> set[str]:
        """The ids of the recipes on the remote."""
        return {entry.id for _, entry in self._entries(packformat.RECIPE)}

    @cached_property
    def files(self) -> set[FileId]:
        """The files that have a recipe on the remote."""
        return {FileId(entry.base) for _, entry in self._entries(packformat.RECIPE) if entry.base}

    def is_needed(self, metapack: PackId, live: Container[str]) -> bool:
        """Return whether a metadata pack has one of the `live` objects or recipes, or the index of a live pack."""
        entries = self._store.metapacks.entries(metapack)
        return any(entry.id in live for entry in entries if entry.kind != packformat.REF_ENTRY)

    def find(self, chunks: Iterable[str], failed: AbstractSet[RemotePlace] = frozenset()) -> Places:
        """Return the places of `chunks` and of their delta bases that have a complete chain of bases.

        Places that need no suspect pack come first, and those in `failed` are left out. Raises Damaged.
        """
        wanted = {bytes.fromhex(chunk) for chunk in chunks}
        found: Places = {}
        while wanted:
            fresh = self._search(wanted)
            found.update(fresh)
            bases = {place.entry.base for places in fresh.values() for place in places if place.entry.base}
            wanted = {bytes.fromhex(base) for base in bases if base not in found}
            found.update({base: [] for base in bases if base not in found})
        if failed:
            found = {chunk: [each for each in places if each not in failed] for chunk, places in found.items()}
        every = _complete(found)
        sound = self.sound(every)
        if sound is every:
            return every
        return {chunk: list(dict.fromkeys([*sound.get(chunk, ()), *places])) for chunk, places in every.items()}

    def sound(self, places: Places) -> Places:
        """Return those of `places` whose chunk and delta bases are not in suspect packs."""
        if not self.suspects:
            return places
        kept = {chunk: [each for each in found if each.pack not in self.suspects] for chunk, found in places.items()}
        return _complete(kept)

    def is_spoiled(self, pack: PackId, size: int) -> bool:
        """Return whether the name of a pack of `size` bytes is taken by a file of other size, or by a suspect."""
        return pack in self.suspects or self.packs.get(pack, size) != size

    @property
    def unnamed(self) -> set[PackId]:
        """The packs of chunks that do not count: without an index, or of another size than by their index."""
        return self.packs.keys() - self._indexes.keys()

    @property
    def spoiled(self) -> set[PackId]:
        """The packs, of chunks and of metadata, that are or may be damaged."""
        return {*self.suspects, *self.damaged, *self._misfits}

    def _search(self, wanted: set[bytes]) -> Places:
        found: Places = {}
        for pack, index in self._indexes.items():
            for offset, header in packformat.INDEXED.iter_unpack(index):
                if header[:32] in wanted:
                    entry = Entry.parse(header, offset)
                    found.setdefault(entry.id, []).append(RemotePlace(pack, entry))
        return found

    @property
    def named(self) -> AbstractSet[PackId]:
        """The packs that count: of full size, and with an index."""
        return self._indexes.keys()

    @property
    def _misfits(self) -> set[PackId]:
        """The packs whose size differs from their index."""
        return {PackId(entry.id) for _, entry in self._entries(packformat.PACK_INDEX)} & self.unnamed

    @cached_property
    def _indexes(self) -> dict[PackId, bytes]:
        """The index of each pack that is listed in its full size."""
        found: dict[PackId, bytes] = {}
        for metapack, entry in self._entries(packformat.PACK_INDEX):
            size = self.packs.get(PackId(entry.id))
            if size is not None and entry.raw < size and entry.id not in found:
                index = self._store.metapacks.read(metapack, entry)
                if _size_of_pack(index, metapack) == size:
                    found[PackId(entry.id)] = index
        return found

    def _entries(self, kind: int) -> Iterator[tuple[PackId, Entry]]:
        for metapack in self.metapacks:
            yield from ((metapack, entry) for entry in self._of(metapack, kind))

    def _of(self, metapack: PackId, kind: int) -> Iterator[Entry]:
        return (entry for entry in self._store.metapacks.entries(metapack) if entry.kind == kind)

    # --- download of metadata packs

    def _fetch_compacted(self, every: Mapping[PackId, int], jobs: int) -> set[str]:
        """Fetch the compacted metadata packs, and return the packs that they replace.

        Long ones are final. Of the small ones, the longest probably has all entries of the others, which then are not
        fetched.
        """
        merged = {id_: size for id_, size in every.items() if self.names[id_].startswith(COMPACTED)}
        gone = self._replaced_by(self._fetch({id_: size for id_, size in merged.items() if size > SMALL}, jobs))
        for id_ in sorted(merged, key=lambda each: merged[each], reverse=True):
            if merged[id_] <= SMALL and id_ not in gone:
                gone |= self._replaced_by(self._fetch({id_: merged[id_]}, jobs))
        return gone

    def _replaced_by(self, merged: Iterable[PackId]) -> set[str]:
        return {entry.id for id_ in merged for entry in self._of(id_, packformat.PACK_INDEX)}

    def _fetch(self, wanted: Mapping[PackId, int], jobs: int) -> dict[PackId, int]:
        """Fetch the metadata packs of `wanted` that are not stored; return the intact ones with their sizes.

        The others are recorded in `damaged`.
        """
        door = self._store.door
        here = {pack: self._size_here(pack) for pack in wanted}
        for pack, size in here.items():
            if size not in (None, wanted[pack]):
                self._mark_damaged(pack, f"it has {wanted[pack]} bytes, and not {size}")
        missing = [pack for pack, size in here.items() if size is None and pack not in self.damaged]
        if self._reread:
            self._reread_known(
                [pack for pack in here if pack not in self.damaged and pack not in missing], wanted, jobs
            )
        with Workers(jobs) as workers:
            pairs = ((pack, wanted[pack], door.temporary()) for pack in missing)
            for pack, came in workers.ahead(self._download, pairs, AHEAD):
                checked = came if isinstance(came, errors.Damaged) else self._verified(pack, came)
                if isinstance(checked, errors.Damaged):
                    self.damaged[pack] = checked
                else:
                    door.seal(checked, metapacks.path(pack))
                    self.received += wanted[pack]
        door.barrier()
        self._store.metapacks.refresh()
        return {pack: size for pack, size in wanted.items() if pack not in self.damaged}

    def _reread_known(self, known: list[PackId], sizes: Mapping[PackId, int], jobs: int) -> None:
        """Read stored metadata packs from the remote, and record those that are damaged there."""

        def read(pack: PackId) -> tuple[PackId, str | None]:
            return pack, fault(self._backend, self.names[pack], pack, sizes[pack])

        with Workers(jobs) as workers:
            for pack, reason in workers.ahead(read, known, AHEAD):
                if reason is not None:
                    self._mark_damaged(pack, reason)

    def _size_here(self, pack: PackId) -> int | None:
        try:
            return self._store.door.stat(metapacks.path(pack)).size
        except FileNotFoundError:
            return None

    def _mark_damaged(self, pack: PackId, reason: str) -> None:
        self.damaged[pack] = errors.DamagedThere(what=f"{self.names[pack]} on {self.where}", reason=reason)

    def _download(self, wanted: tuple[PackId, int, Temporary]) -> tuple[PackId, Temporary | errors.Damaged]:
        """Fetch a metadata pack under a temporary name, and verify its hash; runs in a thread."""
        pack, size, temporary = wanted
        try:
            receive(self._backend, self.names[pack], pack, min(size, MAX_METAPACK), temporary)
            temporary.close()
        except errors.Damaged as error:
            temporary.discard()
            return pack, error
        except BaseException:
            temporary.discard()
            raise
        return pack, temporary

    def _verified(self, pack: PackId, temporary: Temporary) -> Temporary | errors.Damaged:
        """Verify every entry of a fetched metadata pack, as all commands will read them.

        Not in a thread: decoding many small entries holds the GIL.
        """
        try:
            metapacks.verify(PackFile(self._store.door, f"{TEMPORARY}/{temporary.path.name}"))
        except errors.Damaged as error:
            temporary.discard()
            reason = error.fields.get("reason", error.message)
            return errors.DamagedThere(what=f"{self.names[pack]} on {self.where}", reason=reason)
        except BaseException:
            temporary.discard()
            raise
        return temporary


def receive(backend: Backend, name: str, id_: str, size: int, temporary: Temporary) -> None:
    """Download the file `name`, whose bytes have the id `id_`, to `temporary`. Raises Damaged, MissingThere."""
    hasher = Hasher()

    def sink(block: Buffer) -> None:
        hasher.update(block)
        temporary.write(block)

    try:
        backend.get(name, sink, size)
    except FileNotFoundError:
        raise errors.MissingThere(remote=backend.where, what="the pack", id=name) from None
    if hasher.digest() != id_:
        raise errors.DamagedThere(what=f"{name} on {backend.where}", reason="checksum mismatch")


def fault(backend: Backend, name: str, pack: PackId, size: int) -> str | None:
    """Read a pack on a remote completely; return its fault, None if it is intact."""
    hasher = Hasher()
    try:
        backend.get(name, hasher.update, size)
    except FileNotFoundError:
        return "it no longer exists"
    except errors.Damaged as error:
        return str(error.fields.get("reason", error.message))
    return None if hasher.digest() == pack else "checksum mismatch"


def _id_of(listed: Listed) -> str:
    return listed.name.rpartition("/")[2].removesuffix(".pack")


def _ids(listed: Iterable[Listed]) -> dict[PackId, int]:
    """Return the packs among the listed files with their sizes, in the order of their ids."""
    found = {_id_of(each): each.size for each in listed if each.name.endswith(".pack")}
    return {PackId(id_): found[id_] for id_ in sorted(found) if is_id(id_)}


def _size_of_pack(index: bytes, metapack: PackId) -> int:
    """Return the size of a pack, computed from its index. Raises Damaged."""
    if len(index) % packformat.INDEXED.size or not index:
        raise errors.Damaged(what=metapacks.path(metapack), reason="its index is corrupt")
    offset, header = packformat.INDEXED.unpack(index[-packformat.INDEXED.size :])
    return Entry.parse(header, offset).end + len(index) + packformat.TRAILER.size


def _complete(found: Mapping[str, list[RemotePlace]]) -> Places:
    """Return the places with a complete chain of delta bases. Smaller depths come first, so one pass suffices."""
    least: dict[str, int] = {}
    whole: Places = {}
    every = sorted((place for places in found.values() for place in places), key=lambda each: each.entry.depth)
    for place in every:
        base = place.entry.base
        if base is None or least.get(base, place.entry.depth) < place.entry.depth:
            least.setdefault(place.entry.id, place.entry.depth)
            whole.setdefault(place.entry.id, []).append(place)
    return whole
