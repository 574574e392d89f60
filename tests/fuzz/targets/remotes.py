"""What others wrote to a remote: its record, flags, lists and entries, and the metadata packs that a reader fetches."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mvc import errors
from mvc.model.ids import PackId, VersionId, digest
from mvc.model.version import Timestamp
from mvc.remotes import expiries, remote
from mvc.remotes import inventory as inventories
from mvc.remotes.backends.local import LocalBackend
from mvc.remotes.gc_session import MARKED, Ages, GcSession
from mvc.remotes.inventory import Inventory
from mvc.remotes.push_session import ACTIVE, INTENTS, read_flag
from mvc.remotes.refs import RemoteRefs
from mvc.remotes.remote import Remote
from mvc.repository.repository import Repository
from mvc.storage.packs import metapacks, packformat
from mvc.storage.packs.metapacks import MetaPacks
from mvc.storage.records.reflog import HEADS, Move, RefName
from mvc.transport import expiry_sync
from mvc.transport.synced_logs import SyncedLogs
from tests.fuzz import store
from tests.fuzz.target import SLOW, Target
from tests.fuzz.targets.objects import sealed_again
from tests.fuzz.targets.packs import with_index

_REF = RefName("helmet", HEADS, "main")
_PACK = PackId("ab" * 32)
_MOVE = Move("Ana", Timestamp(0), "", "0" * 32)
EXAMPLE = Path(__file__).parents[2] / "stores" / "example"


@functools.cache
def repository() -> Repository:
    """Return the repository of the example store, which is copied the first time that it is asked for."""
    folder = store.folder() / "repository"
    shutil.copytree(EXAMPLE, folder / ".mvc")
    return Repository(folder)


def _backend(files: dict[str, bytes]) -> LocalBackend:
    """Return a folder remote with exactly these files."""
    top = store.folder() / "remote"
    shutil.rmtree(top, ignore_errors=True)
    for name, data in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(data)
    return LocalBackend(top)


def _records(data: bytes) -> None:
    """Read the same record in the place of each kind."""
    data = sealed_again(data)
    names = (remote.NAME, ACTIVE, f"{MARKED}/x", f"{INTENTS}/x", "expired/0000000001", _REF.path(1))
    backend = _backend(dict.fromkeys(names, data))
    session = GcSession(backend, _MOVE, Ages(0, 0))
    questions: tuple[Callable[[], Any], ...] = (
        lambda: remote.features(backend),
        lambda: read_flag(backend),
        lambda: session._sender(f"{INTENTS}/x"),
        session._is_ours,
        session.marked,
        lambda: expiries.read(backend),
        lambda: RemoteRefs(backend, lambda _: None).entry(_REF, 1),
        lambda: RemoteRefs(backend, lambda _: None).everything(),
    )
    for question in questions:
        try:
            question()
        except errors.MvcError:
            continue


def _inventory(data: bytes) -> None:
    """List a remote with a metadata pack, which is fetched and verified, and with the packs whose indexes it has."""
    pack = with_index(data)
    record = (EXAMPLE.with_name("example-remote") / remote.NAME).read_bytes()
    backend = _backend({remote.NAME: record, f"meta/{digest(pack)}.pack": pack})
    for id_, size in _packs(pack).items():
        path = store.folder() / "remote" / "packs" / f"{id_}.pack"
        path.parent.mkdir(exist_ok=True)
        path.touch()
        os.truncate(path, size)
    inventory = Inventory(repository(), backend, 1)
    inventory.find([digest(b""), "00" * 32])
    for part in ("objects", "recipes", "files", "unnamed", "spoiled", "features"):
        getattr(inventory, part)


def _packs(pack: bytes) -> dict[str, int]:
    """Return the sizes of the packs whose indexes are in a metadata pack, those that a disk can hold."""
    store.put(metapacks.path(_PACK), pack)
    packs, found = MetaPacks(store.door()), {}
    for entry in packs.entries(_PACK):
        with contextlib.suppress(errors.Damaged):
            if entry.kind == packformat.PACK_INDEX:
                found[entry.id] = inventories._size_of_pack(packs.read(_PACK, entry), _PACK)
    return {id_: size for id_, size in found.items() if size < 1 << 40}


def _synced(data: bytes) -> None:
    """Read the caches of what a remote had: equal logs, and records of dropped files."""
    door = repository().door
    backend = _backend({})
    logs = door.root / "cache" / "logs" / digest(backend.where.encode())
    for path in (logs, door.root / expiry_sync._copy("s3://models")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    found = SyncedLogs(door, "logs", Remote("origin", backend, lambda _: None), lambda _: 3)
    found.has(_REF, 3)
    found.is_sent(_REF)
    found.known(_REF)
    expiry_sync.last_read(repository(), "s3://models").record(VersionId("ab" * 32), None)  # type: ignore[arg-type]


TARGETS = (
    Target("remote-records", _records, cost=SLOW),
    Target("remote-inventory", _inventory, (errors.MvcError,), cost=SLOW),
    Target("remote-caches", _synced, cost=SLOW),
)
