"""`mvc gc --remote`: delete from a remote what its refs do not reach, nor reached recently.

refs: tips, and log entries of 90 days ─► versions ─► objects, recipes, chunks ─► packs and metadata packs to keep
unreachable packs: marked; deleted by a later collection if still unreachable and past the grace period
packs with a damage hint: read; marked if damaged and all their reachable chunks were read elsewhere
incomplete uploads: deleted after the grace period
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import ChunkId, FileId, PackId, VersionId
from mvc.model.version import Timestamp, Version
from mvc.porcelain.init import make_repository
from mvc.remotes import expiries, hints
from mvc.remotes.gc_session import Ages, GcSession
from mvc.remotes.inventory import Inventory, Places, RemotePlace, fault
from mvc.remotes.remote import Remote
from mvc.repository import history
from mvc.repository.repository import Actor, Repository
from mvc.storage.chunks.recipes import Recipe
from mvc.storage.disk.outside import discard_folder
from mvc.storage.packs import metapacks, packformat
from mvc.storage.records.promised import Dropped
from mvc.storage.records.reflog import RefEntry, RefName
from mvc.transport import presence, promisor, tracking

REMOTE_GRACE = 7 * 86_400.0
"""Grace period of unreachable objects on a remote in seconds, by default."""
CYCLE = 7
"""Divisor of the grace period: a pack is deleted at least this share of it after it was first found unreachable (by default a day)."""
ENTRIES = 100
"""Log entries that keep their versions at any age, for each log."""
DAYS = 90
"""Days for which any number of log entries keep their versions."""


@dataclass(frozen=True, slots=True)
class CollectedThere(Document):
    """The objects deleted (or to be deleted, unless `done`), those still waiting, and the versions kept.

    `unfinished` are those left by interrupted pushes and probes; a dry run does not look for them. `condemned` counts the
    packs marked for a later collection, `waiting` their bytes; from `due` on, one with the same grace period deletes them.
    """

    KEYS = keys("remote removed bytes_freed=freed condemned bytes_condemned=waiting due versions done unfinished")

    remote: str
    removed: tuple[str, ...]
    freed: int
    condemned: int
    versions: int
    done: bool
    unfinished: tuple[str, ...] = ()
    waiting: int = 0
    due: Timestamp | None = None


def gc_remote(
    repository: Repository,
    remote: Remote,
    actor: Actor,
    *,
    grace: float = REMOTE_GRACE,
    abandoned: float | None = None,
    dry_run: bool = False,
) -> CollectedThere:
    """Collect garbage on `remote`; whatever is younger than `grace` seconds stays. Requires a key that may delete.

    Intents and flags older than `abandoned` seconds count as left by interrupted commands. Raises SomebodySends,
    RemoteBusy, RemoteDenied, RemoteUnreachable; MissingThere, or RemoteRewritten if a ref seen before is lost: then
    nothing is deleted, since what the ref reached may still be needed.
    """
    presence.check(repository, remote)
    ages = Ages(grace, grace / CYCLE, abandoned)
    if dry_run:
        marked = _mark(repository, remote, actor)
        dead = marked.dead
        return CollectedThere(remote.name, tuple(sorted(dead)), sum(dead.values()), 0, marked.versions, done=False)
    with GcSession(remote.backend, actor.move("gc"), ages) as collection:
        marked = _mark(repository, remote, actor)
        dead, unmoved = marked.dead, _unmoved(remote, marked.numbers)
        earlier = collection.marked()
        found = [each for folder in (metapacks.FOLDER, "packs") for each in remote.backend.list(folder)]
        unreachable = [each for each in found if each.name in dead]
        going = {each.name: each.size for each in unreachable if each.name in earlier and collection.is_old(each)}
        gone = collection.remove(list(going), unmoved)
        unfinished = collection.unfinished()
        tidied = collection.remove([*unfinished, *collection.ended_intents(), *marked.hints], unmoved)
        waiting = dead.keys() - set(gone)
        collection.mark(waiting)
        due = collection.due(each for each in unreachable if each.name in waiting)
    left = tuple(name for name in tidied if name in unfinished)
    freed = sum(going[name] for name in gone) + sum(unfinished[name] for name in left)
    return CollectedThere(
        remote.name,
        tuple(gone),
        freed,
        len(waiting),
        marked.versions,
        done=True,
        unfinished=left,
        waiting=sum(dead[name] for name in waiting),
        due=Timestamp(math.ceil(due), actor.at.offset) if waiting else None,
    )


def _unmoved(remote: Remote, before: dict[RefName, int]) -> Callable[[], bool]:
    return lambda: remote.refs.numbers() == before


class _Marked(NamedTuple):
    """The newest entry numbers of refs, unreachable packs with their sizes, and hints that are wrong or obsolete."""

    numbers: dict[RefName, int]
    dead: dict[str, int]
    hints: list[str]
    versions: int


def _mark(repository: Repository, remote: Remote, actor: Actor) -> _Marked:
    last = dict(tracking.all_refs(repository, remote.name))
    numbers = remote.refs.numbers()
    since = actor.at.seconds - DAYS * 86_400
    tips = [remote.refs.at(ref, newest, last.get(ref)) for ref, newest in numbers.items()]
    tips += [tip for ref in last.keys() - numbers.keys() if (tip := remote.refs.tip(ref, last[ref]))]
    recent = [entry for ref, newest in numbers.items() for entry in _recent(remote, ref, newest, since)]
    # All metadata is read from the remote: the content of a damaged merged pack must stay.
    there = Inventory(repository, remote.backend, remote.jobs, reread=True)
    live = _Live(repository, there, Dropped(expiries.read(remote.backend)))
    live.reach([tip.new for tip in tips], strict=True)
    live.reach([id_ for entry in recent for id_ in (entry.new, entry.old)], strict=False)
    places = live.places()
    damaged = _damaged(remote, there)
    places = _without_dropped(remote, live, places, damaged)
    replaced = {pack for pack in damaged if _is_replaced(remote, live, places, (pack, damaged))}
    keep = {place.pack for found in places.values() for place in found} - replaced
    dead = {packformat.path(pack): size for pack, size in there.packs.items() if pack not in keep}
    needed = {*live.objects, *live.recipes, *keep}
    for metapack, size in there.metapacks.items():
        if not there.is_needed(metapack, needed):
            dead[there.names[metapack]] = size
    dead |= {there.names[metapack]: size for metapack, size in there.replaced.items()}
    dead |= {there.names[pack]: there.sizes[pack] for pack in there.damaged if pack in there.hinted}
    useless = there.hinted - damaged - there.damaged.keys()
    return _Marked(numbers, dead, sorted(hints.path(pack) for pack in useless), live.versions)


def _without_dropped(remote: Remote, live: _Live, places: Places, damaged: set[PackId]) -> Places:
    """Return `places` without those in packs that have chunks of dropped files, where others were read and hashed."""
    dropped = live.inventory.find(live.dropped_chunks - live.chunks)
    packs = {place.pack for chunk in live.dropped_chunks - live.chunks for place in dropped.get(chunk, ())}
    failed = {place for found in places.values() for place in found if place.pack in packs | damaged}
    others = live.inventory.find(live.chunks, failed) if packs else places
    moved = [ChunkId(chunk) for chunk in sorted(live.chunks & others.keys()) if len(others[chunk]) < len(places[chunk])]
    if not packs or not _are_read(remote, live, moved, failed):
        return places
    left = {chunk: others.get(chunk) or places[chunk] for chunk in live.chunks & places.keys()}
    waiting = [place for found in left.values() for place in found]
    while waiting:
        base = waiting.pop().entry.base
        if base is not None and base not in left:
            left[base] = others.get(base) or places[base]
            waiting += left[base]
    return left


def _damaged(remote: Remote, there: Inventory) -> set[PackId]:
    """Return the damaged packs among those with a hint; each is read in full."""
    named = there.suspects & there.named
    return {pack for pack in named if fault(remote.backend, packformat.path(pack), pack, there.packs[pack]) is not None}


def _is_replaced(remote: Remote, live: _Live, places: Places, damaged: tuple[PackId, set[PackId]]) -> bool:
    """Return whether every reachable chunk of a damaged pack was read and hashed from packs that are not damaged."""
    pack, others = damaged
    chunks = [
        ChunkId(each) for each in sorted(live.chunks) if any(place.pack == pack for place in places.get(each, ()))
    ]
    failed = {place for found in places.values() for place in found if place.pack in others}
    return _are_read(remote, live, chunks, failed)


def _are_read(remote: Remote, live: _Live, chunks: Sequence[ChunkId], failed: AbstractSet[RemotePlace]) -> bool:
    """Return whether all `chunks` were read and hashed from other places than those in `failed`."""
    folder = Path(tempfile.mkdtemp(prefix="mvc-"))
    try:
        make_repository(folder)
        promisor.download_chunks(Repository(folder), remote, chunks, live.inventory, lambda _: None, failed=failed)
    except errors.Damaged:
        return False
    finally:
        discard_folder(folder)
    return True


def _recent(remote: Remote, ref: RefName, newest: int, since: int) -> list[RefEntry]:
    """Return the newest ENTRIES entries of a log, and all made after `since`, in seconds since 1970."""
    found: list[RefEntry] = []
    for seq in range(newest, 0, -1):
        entry = remote.refs.at(ref, seq)
        if len(found) >= ENTRIES and entry.move.at.seconds < since:
            break
        found.append(entry)
    return found


class _Live:
    """The objects on a remote that versions need."""

    def __init__(self, repository: Repository, there: Inventory, recorded: Dropped) -> None:
        self._repository = repository
        self.inventory = there
        self._recorded = recorded
        self._files: dict[FileId, bool] = {}
        self._dropped: set[FileId] = set()
        self.dropped_chunks: set[str] = set()
        self.objects: set[str] = set()
        self.recipes: set[str] = set()
        self.chunks: set[str] = set()
        self.versions = 0

    def reach(self, roots: list[VersionId | None], *, strict: bool) -> None:
        """Mark everything reachable from `roots`; missing objects raise MissingThere if `strict`, else are left out."""

        def read(id_: VersionId) -> Version | None:
            if id_ in self.objects or not self._is_there(id_, "version", strict=strict):
                return None
            return self._repository.objects.version(id_)

        for id_, version in history.reachable([id_ for id_ in roots if id_ is not None], read).items():
            self.objects.add(id_)
            self.versions += 1
            self.objects |= {
                other for other in (version.manifest, version.tree) if self._is_there(other, "object", strict=strict)
            }
            self._files[version.model_toml] = strict or self._files.get(version.model_toml, False)
            if version.tree in self.objects:
                for entry in self._repository.objects.tree(version.tree).entries:
                    if self._recorded.record(id_, entry.file):
                        self._dropped.add(entry.file)
                    else:
                        self._files[entry.file] = strict or self._files.get(entry.file, False)

    def places(self) -> Places:
        """Return the places of the files' chunks and their delta bases; mark these and the recipes.

        Of dropped files, only the recipes are needed.
        """
        recipes = {file: self._recipes(file) for file in self._files}
        for each in (each for file in self._dropped - self._files.keys() for each in self._recipes(file)):
            self.recipes.add(each.id())
            self.dropped_chunks.update(chunk for chunk, _ in each.chunks)
        self.chunks = {chunk for found in recipes.values() for each in found for chunk, _ in each.chunks}
        places = self.inventory.find(self.chunks)
        for file, found in recipes.items():
            self.recipes.update(each.id() for each in found)
            whole = any(all(chunk in places for chunk, _ in each.chunks) for each in found)
            if self._files[file] and not whole:
                raise errors.MissingThere(remote=self.inventory.where, what="a recipe or a chunk of file", id=file)
        return places

    def _recipes(self, file: FileId) -> list[Recipe]:
        return [each for each in self._repository.recipes.for_file(file) if each.id() in self.inventory.recipes]

    def _is_there(self, id_: str, what: str, *, strict: bool) -> bool:
        if id_ in self.inventory.objects:
            return True
        if strict:
            raise errors.MissingThere(remote=self.inventory.where, what=f"the {what}", id=id_)
        return False
