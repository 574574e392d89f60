"""What a remote has, by its listing of this moment and nothing else.

    list meta/ packs/ ─► metadata packs that are not here yet: fetched, checked, kept in .mvc/meta
                      └► objects, recipes         in a metadata pack that is listed
                         chunks                   named by the index, in such a pack, of a pack that is listed in its full size,
                                                  with all that they rest on

Metadata packs never change, so one that was fetched once is known for good; whether it counts is for the listing to say.
One that is not what its name says counts for nothing, and what it had is missing. One under meta/merged/ holds all that others hold, and names each by its index: those need not be fetched.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import NamedTuple

from mvc import errors
from mvc.model.ids import Buffer, Hasher, PackId, is_id
from mvc.remotes import hints
from mvc.remotes.backends.backend import Backend, Listed
from mvc.remotes.store import Store
from mvc.storage.disk.door import TEMPORARY, Temporary
from mvc.storage.disk.workers import Workers
from mvc.storage.packs import metapacks, packformat
from mvc.storage.packs.packfile import PackFile
from mvc.storage.packs.packformat import Entry

MAX_METAPACK = 4 * packformat.MAX_METADATA
"""Bytes of a metadata pack that is fetched, at most; writers end one once it has 64 MiB."""
MERGED = f"{metapacks.FOLDER}/merged/"
"""Where those lie that take the place of others, whose indexes they have."""
SMALL = 8 * 1024 * 1024
"""Bytes of a metadata pack that is merged with others, at most."""
AHEAD = 16
"""Metadata packs that are on their way at once, at most."""


class RemotePlace(NamedTuple):
    """An entry of a chunk, and the pack on the remote that has it."""

    pack: PackId
    entry: Entry


Places = dict[str, list[RemotePlace]]
"""For each chunk, where a remote has it, the entry of least depth first."""


class Inventory:
    """What is on one remote, as listed when it was made; `packs` is each pack of chunks with its size in bytes.

    `sizes` are those of the metadata packs; `damaged` are those that cannot be read, and why. `hinted` are the packs that hints name. `suspects` are
    packs of chunks that are damaged or said to be: a chunk is taken from another pack where there is one.
    """

    def __init__(self, store: Store, backend: Backend, jobs: int, *, reread: bool = False) -> None:
        """List the remote, and fetch what metadata packs are not here, `jobs` at a time.

        With `reread`, those that are here already are read from the remote, too. Raises RemoteUnreachable, RemoteDenied, DiskFailed.
        """
        self.where = backend.where
        self._store = store
        self._backend = backend
        self._reread = reread
        self.received = 0
        self.damaged: dict[PackId, errors.Damaged] = {}
        # In this order: a pack is there before the metadata pack that names it.
        listed = list(backend.list(metapacks.FOLDER))
        self.packs = _ids(backend.list("packs"))
        self.hinted = hints.named(listed)
        self.suspects: set[PackId] = self.hinted & self.packs.keys()
        self.names = {PackId(_id_of(each)): each.name for each in listed}
        every = self.sizes = _ids(listed)
        gone = self._merged(every, jobs)
        self.replaced = {id_: size for id_, size in every.items() if id_ in gone}
        self.metapacks = self._bring({id_: size for id_, size in every.items() if id_ not in self.replaced}, jobs)

    @cached_property
    def objects(self) -> set[str]:
        """The ids of the objects there."""
        return {entry.id for _, entry in self._entries(packformat.OBJECT)}

    @cached_property
    def recipes(self) -> set[str]:
        """The ids of the recipes there."""
        return {entry.id for _, entry in self._entries(packformat.RECIPE)}

    def is_needed(self, metapack: PackId, live: Container[str]) -> bool:
        """Whether a metadata pack has one of the `live` objects or recipes, or the index of a live pack."""
        entries = self._store.metapacks.entries(metapack)
        return any(entry.id in live for entry in entries if entry.kind != packformat.REF_ENTRY)

    def find(self, chunks: Iterable[str], failed: AbstractSet[RemotePlace] = frozenset()) -> Places:
        """The places of those of `chunks` that are there with all their delta bases, and of these bases; raises Damaged.

        Places that need no suspect pack come first. Places that `failed` are left out.
        """
        wanted = {bytes.fromhex(chunk) for chunk in chunks}
        found: Places = {}
        while wanted:
            fresh = self._look(wanted)
            found.update(fresh)
            bases = {there.entry.base for places in fresh.values() for there in places if there.entry.base}
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
        """Those of `places`, as found, that need no suspect pack, neither for the chunk nor for its bases."""
        if not self.suspects:
            return places
        kept = {chunk: [each for each in found if each.pack not in self.suspects] for chunk, found in places.items()}
        return _complete(kept)

    def is_spoiled(self, pack: PackId, size: int) -> bool:
        """Whether the name of a pack of `size` bytes is taken by something else, or by a suspect."""
        return pack in self.suspects or self.packs.get(pack, size) != size

    @property
    def unnamed(self) -> set[PackId]:
        """The packs of chunks that do not count: of another size than their index says, or without one."""
        return self.packs.keys() - self._indexes.keys()

    @property
    def spoiled(self) -> set[PackId]:
        """The packs, of chunks and of metadata, that hold something else than their names say, or are said to."""
        return {*self.suspects, *self.damaged, *self._misfits}

    def _look(self, wanted: set[bytes]) -> Places:
        found: Places = {}
        for pack, index in self._indexes.items():
            for offset, header in packformat.INDEXED.iter_unpack(index):
                if header[:32] in wanted:
                    entry = Entry.parse(header, offset)
                    found.setdefault(entry.id, []).append(RemotePlace(pack, entry))
        return found

    @property
    def named(self) -> AbstractSet[PackId]:
        """The packs that count: of full size, and named by a metadata pack."""
        return self._indexes.keys()

    @property
    def _misfits(self) -> set[PackId]:
        """The packs that have an index, and another size than it says."""
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

    # --- fetching metadata packs

    def _merged(self, every: Mapping[PackId, int], jobs: int) -> set[str]:
        """Fetch those that took the place of others, and tell of which.

        Long ones are at their end; of the small ones, the longest may well hold all others, which then are not fetched.
        """
        merged = {id_: size for id_, size in every.items() if self.names[id_].startswith(MERGED)}
        gone = self._replaced_by(self._bring({id_: size for id_, size in merged.items() if size > SMALL}, jobs))
        for id_ in sorted(merged, key=lambda each: merged[each], reverse=True):
            if merged[id_] <= SMALL and id_ not in gone:
                gone |= self._replaced_by(self._bring({id_: merged[id_]}, jobs))
        return gone

    def _replaced_by(self, merged: Iterable[PackId]) -> set[str]:
        return {entry.id for id_ in merged for entry in self._of(id_, packformat.PACK_INDEX)}

    def _bring(self, wanted: Mapping[PackId, int], jobs: int) -> dict[PackId, int]:
        """Fetch what of `wanted`, with its sizes, is not here; what of it is whole there. The others are noted as damaged."""
        door = self._store.door
        here = {pack: self._size_here(pack) for pack in wanted}
        for pack, size in here.items():
            if size not in (None, wanted[pack]):
                self._blame(pack, f"it has {wanted[pack]} bytes, and not {size}")
        missing = [pack for pack, size in here.items() if size is None and pack not in self.damaged]
        if self._reread:
            self._read_again([pack for pack in here if pack not in self.damaged and pack not in missing], wanted, jobs)
        with Workers(jobs) as workers:
            pairs = ((pack, wanted[pack], door.temporary()) for pack in missing)
            for pack, came in workers.ahead(self._receive, pairs, AHEAD):
                checked = came if isinstance(came, errors.Damaged) else self._checked(pack, came)
                if isinstance(checked, errors.Damaged):
                    self.damaged[pack] = checked
                else:
                    door.seal(checked, metapacks.path(pack))
                    self.received += wanted[pack]
        door.barrier()
        self._store.metapacks.refresh()
        return {pack: size for pack, size in wanted.items() if pack not in self.damaged}

    def _read_again(self, known: list[PackId], sizes: Mapping[PackId, int], jobs: int) -> None:
        """Read metadata packs that are here from the remote, and note those that are damaged there."""

        def read(pack: PackId) -> tuple[PackId, str | None]:
            return pack, fault(self._backend, self.names[pack], pack, sizes[pack])

        with Workers(jobs) as workers:
            for pack, reason in workers.ahead(read, known, AHEAD):
                if reason is not None:
                    self._blame(pack, reason)

    def _size_here(self, pack: PackId) -> int | None:
        try:
            return self._store.door.stat(metapacks.path(pack)).size
        except FileNotFoundError:
            return None

    def _blame(self, pack: PackId, reason: str) -> None:
        self.damaged[pack] = errors.DamagedThere(what=f"{self.names[pack]} on {self.where}", reason=reason)

    def _receive(self, wanted: tuple[PackId, int, Temporary]) -> tuple[PackId, Temporary | errors.Damaged]:
        """Fetch one under a temporary name, and check that its bytes are what it is called; in a thread."""
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

    def _checked(self, pack: PackId, temporary: Temporary) -> Temporary | errors.Damaged:
        """A metadata pack that came, or what in it is not what it is called: what is kept here, every command reads.

        Not in a thread: its many small entries are Python's work, and several at that wait for each other most of the time.
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
    """Have `temporary` hold the file `name`, whose bytes have the id `id_`; raises Damaged, MissingThere."""
    hasher = Hasher()

    def sink(block: Buffer) -> None:
        hasher.update(block)
        temporary.write(block)

    try:
        backend.get(name, sink, size)
    except FileNotFoundError:
        raise errors.MissingThere(remote=backend.where, what="the pack", id=name) from None
    if hasher.digest() != id_:
        raise errors.DamagedThere(what=f"{name} on {backend.where}", reason="its bytes are not those it names")


def fault(backend: Backend, name: str, pack: PackId, size: int) -> str | None:
    """Read all bytes of a pack on a remote; what is wrong with it, None when nothing is."""
    hasher = Hasher()
    try:
        backend.get(name, hasher.update, size)
    except FileNotFoundError:
        return "it is gone"
    except errors.Damaged as error:
        return str(error.fields.get("reason", error.message))
    return None if hasher.digest() == pack else "its bytes are not those it names"


def _id_of(listed: Listed) -> str:
    return listed.name.rpartition("/")[2].removesuffix(".pack")


def _ids(listed: Iterable[Listed]) -> dict[PackId, int]:
    """The packs among what is listed, in an order that does not change, each with its size."""
    found = {_id_of(each): each.size for each in listed if each.name.endswith(".pack")}
    return {PackId(id_): found[id_] for id_ in sorted(found) if is_id(id_)}


def _size_of_pack(index: bytes, metapack: PackId) -> int:
    """The size of the pack whose index this is, by what the index says."""
    if len(index) % packformat.INDEXED.size or not index:
        raise errors.Damaged(what=metapacks.path(metapack), reason="it has an index that is none")
    offset, header = packformat.INDEXED.unpack(index[-packformat.INDEXED.size :])
    return Entry.parse(header, offset).end + len(index) + packformat.TRAILER.size


def _complete(found: Mapping[str, list[RemotePlace]]) -> Places:
    """Those places that have all they rest on, of less depth; shallow ones first, so that one pass tells."""
    least: dict[str, int] = {}
    whole: Places = {}
    every = sorted((there for places in found.values() for there in places), key=lambda each: each.entry.depth)
    for there in every:
        base = there.entry.base
        if base is None or least.get(base, there.entry.depth) < there.entry.depth:
            least.setdefault(there.entry.id, there.entry.depth)
            whole.setdefault(there.entry.id, []).append(there)
    return whole
