"""Upload to a remote: packs first, several at a time, then the metadata pack with their indexes; refs move later.

A pack that is listed with its full size was uploaded by an interrupted push. The metadata pack is uploaded once every pack
in it is listed with its full size; a ref moves once the metadata pack is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from mvc import errors
from mvc.model.ids import PackId, digest
from mvc.remotes import upload_packs
from mvc.remotes.backends.backend import Backend
from mvc.remotes.inventory import Inventory
from mvc.remotes.store import Store
from mvc.remotes.upload_packs import UploadPack
from mvc.remotes.upload_plan import UploadPlan
from mvc.storage.disk.workers import Workers
from mvc.storage.packs import metapacks, packformat
from mvc.storage.packs.metapacks import MetaWriter
from mvc.storage.records.reflog import RefEntry

Progress = Callable[[int], None]


class _Sent(NamedTuple):
    """A pack on the remote: its bytes, its index, and the bytes that were uploaded now."""

    id: PackId
    whole: int
    entries: bytes
    size: int


def salt_of(spoiled: AbstractSet[str]) -> bytes:
    """Return a salt derived from the spoiled names, so that a repeated push finds its earlier uploads."""
    return bytes.fromhex(digest("\n".join(sorted(spoiled)).encode())) if spoiled else b""


class Uploader:
    """An upload to one remote, `jobs` packs at a time."""

    def __init__(self, store: Store, backend: Backend, jobs: int, progress: Progress | None = None) -> None:
        """Report the bytes sent to `progress`."""
        self._store = store
        self._backend = backend
        self._jobs = jobs
        self._progress = progress or (lambda _: None)
        self._put: set[PackId] = set()

    def send(self, plan: UploadPlan, inventory: Inventory, seen: Iterable[RefEntry], salt: bytes = b"") -> int:
        """Upload a plan, with the ref entries that were `seen` on the remote; return the number of bytes sent.

        With a `salt`, new packs get other names than without it. Raises RemoteUnreachable, RemoteDenied, Damaged,
        PackNameTaken, DiskFailed; the next push finds the completed uploads.
        """
        if plan.is_empty:
            return 0
        try:
            sent = self._packs(plan, inventory, salt or salt_of(inventory.spoiled))
        except errors.PackNameTaken:  # left incomplete by an interrupted push, on a store that shows unfinished files
            sent = self._packs(plan, inventory, salt_of({*inventory.spoiled, *inventory.unnamed}))
        self._check("packs", {packformat.path(each.id): each.whole for each in sent})
        return sum(each.size for each in sent) + self._metadata(plan, sent, seen)

    def _packs(self, plan: UploadPlan, inventory: Inventory, salt: bytes) -> list[_Sent]:
        def put(pack: UploadPack) -> _Sent:
            try:
                if inventory.is_spoiled(pack.id, pack.size):
                    raise errors.PackNameTaken(name=packformat.path(pack.id), remote=self._backend.where)
                new = 0 if inventory.packs.get(pack.id) == pack.size or pack.id in self._put else pack.size
                if new:
                    self._backend.put(packformat.path(pack.id), pack.path)
                    self._put.add(pack.id)
                self._progress(pack.chunks)
            finally:
                pack.discard()
            return _Sent(pack.id, pack.size, pack.index, new)

        with Workers(self._jobs) as workers:
            return list(workers.ahead(put, upload_packs.packs(self._store, plan, inventory, salt), self._jobs + 1))

    def _check(self, folder: str, sizes: Mapping[str, int]) -> None:
        """Raise RemoteUnreachable unless the remote lists every file with its full size."""
        listed = {each.name: each.size for each in self._backend.list(folder)} if sizes else {}
        for name, size in sizes.items():
            if listed.get(name) != size:
                reason = f"{name} was uploaded, but the listing does not show it with its {size} bytes"
                raise errors.RemoteUnreachable(remote=self._backend.where, reason=reason)

    def _metadata(self, plan: UploadPlan, sent: list[_Sent], seen: Iterable[RefEntry]) -> int:
        writer = MetaWriter(self._store.door)
        for id_ in plan.objects:
            writer.add(packformat.OBJECT, self._store.objects.read(id_))
        for recipe in plan.recipes:
            writer.add(packformat.RECIPE, recipe.encode(), file=recipe.file)
        for each in sent:
            writer.add(packformat.PACK_INDEX, each.entries, id_=each.id)
        for entry in seen:
            writer.add(packformat.REF_ENTRY, entry.encode())
        names = [metapacks.path(pack) for pack in writer.finish()]
        self._store.door.barrier()
        self._store.metapacks.refresh()
        for name in names:
            self._backend.put(name, self._store.door.path(name))
        sizes = {name: self._store.door.stat(name).size for name in names}
        self._check(metapacks.FOLDER, sizes)
        return sum(sizes.values())
