"""`mvc gc --remote`: remove from a remote what none of its names leads to, or led to not long ago.

names: tips, and entries of 90 days ─► versions ─► objects, recipes, chunks ─► packs and metadata packs that stay
the others: condemned now; removed by a later collection, if they still are then, and old enough
files that were never finished: removed once they are old
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mvc import errors
from mvc.model.ids import FileId, PackId, VersionId
from mvc.remotes import remote as remotes
from mvc.remotes.collection import Ages, Collection
from mvc.remotes.inventory import Inventory
from mvc.remotes.remote import Remote
from mvc.repository.repository import Actor, Repository
from mvc.storage import metapacks, packs
from mvc.storage.reflog import RefEntry, RefName

FLOOR = 7 * 86_400.0
"""Seconds for which what nothing needs is kept on a remote, if nothing else is said."""
CYCLE = 7
"""What is removed was condemned at least the floor divided by this before: a day, where nothing else is said."""
ENTRIES = 100
"""Entries of each log that keep their versions, however old they are."""
DAYS = 90
"""Days for which entries of logs keep their versions, however many they are."""


@dataclass(frozen=True, slots=True)
class CollectedThere:
    """What was removed (or would be, when not `done`), what waits for a later collection, and how many versions stay.

    `unfinished` are the files among it that pushes and probes left when they were killed; a dry run does not look for them.
    """

    remote: str
    removed: tuple[str, ...]
    freed: int
    condemned: int
    versions: int
    done: bool
    unfinished: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "remote": self.remote,
            "removed": list(self.removed),
            "bytes": self.freed,
            "condemned": self.condemned,
            "versions": self.versions,
            "done": self.done,
            "unfinished": list(self.unfinished),
        }


def gc_remote(
    repository: Repository,
    remote: Remote,
    actor: Actor,
    *,
    floor: float = FLOOR,
    abandoned: float | None = None,
    dry_run: bool = False,
) -> CollectedThere:
    """Collect `remote`: what is younger than `floor` seconds stays. Needs a key that may delete.

    Intents and flags that are older than `abandoned` seconds are taken for those of commands that are gone. Raises SomebodySends,
    RemoteBusy, MissingThere (nothing is removed then), RemoteDenied, RemoteUnreachable.
    """
    remotes.check(remote.backend)
    ages = Ages(floor, floor / CYCLE, abandoned)
    if dry_run:
        _, dead, versions = _mark(repository, remote, actor)
        return CollectedThere(remote.name, tuple(sorted(dead)), sum(dead.values()), 0, versions, done=False)
    with Collection(remote.backend, actor.move("gc"), ages) as collection:
        before, dead, versions = _mark(repository, remote, actor)
        condemned = collection.condemned()
        old = [
            each
            for folder in (metapacks.FOLDER, "packs")
            for each in remote.backend.list(folder)
            if collection.is_old(each)
        ]
        going = {each.name: each.size for each in old if each.name in dead and each.name in condemned}
        gone = collection.remove(list(going), _unmoved(remote, before))
        unfinished = collection.unfinished()
        tidied = collection.remove([*unfinished, *collection.ended_intents()], _unmoved(remote, before))
        collection.condemn(dead.keys() - set(gone))
    left = tuple(name for name in tidied if name in unfinished)
    freed = sum(going[name] for name in gone) + sum(unfinished[name] for name in left)
    return CollectedThere(remote.name, tuple(gone), freed, len(dead) - len(gone), versions, done=True, unfinished=left)


def _unmoved(remote: Remote, before: dict[RefName, int]) -> Callable[[], bool]:
    return lambda: remote.refs.numbers() == before


def _mark(repository: Repository, remote: Remote, actor: Actor) -> tuple[dict[RefName, int], dict[str, int], int]:
    """The names' newest numbers; the packs that nothing leads to, with their sizes; how many versions stay."""
    numbers = remote.refs.numbers()
    since = actor.at.seconds - DAYS * 86_400
    tips = [remote.refs.at(ref, newest) for ref, newest in numbers.items()]
    recent = [entry for ref, newest in numbers.items() for entry in _recent(remote, ref, newest, since)]
    there = Inventory(repository, remote.backend, remote.jobs)
    live = _Live(repository, there)
    live.reach([tip.new for tip in tips], strict=True)
    live.reach([id_ for entry in recent for id_ in (entry.new, entry.old)], strict=False)
    keep = live.packs()
    dead = {packs.path(pack): size for pack, size in there.packs.items() if pack not in keep}
    needed = {*live.objects, *live.recipes, *keep}
    for metapack, size in there.metapacks.items():
        if not there.is_needed(metapack, needed):
            dead[there.names[metapack]] = size
    dead |= {there.names[metapack]: size for metapack, size in there.replaced.items()}
    return numbers, dead, live.versions


def _recent(remote: Remote, ref: RefName, newest: int, since: int) -> list[RefEntry]:
    """The newest entries of a log: ENTRIES of them, and all that were made after `since`, in seconds since 1970."""
    found: list[RefEntry] = []
    for seq in range(newest, 0, -1):
        entry = remote.refs.at(ref, seq)
        if len(found) >= ENTRIES and entry.move.at.seconds < since:
            break
        found.append(entry)
    return found


class _Live:
    """What versions on a remote need of it."""

    def __init__(self, repository: Repository, there: Inventory) -> None:
        self._repository = repository
        self._there = there
        self._files: dict[FileId, bool] = {}
        self.objects: set[str] = set()
        self.recipes: set[str] = set()
        self.versions = 0

    def reach(self, roots: list[VersionId | None], *, strict: bool) -> None:
        """Have all stay that `roots` lead to; what is missing raises MissingThere, if `strict`, and is left out if not."""
        waiting = [id_ for id_ in roots if id_ is not None]
        while waiting:
            id_ = waiting.pop()
            if id_ in self.objects or not self._is_there(id_, "version", strict=strict):
                continue
            version = self._repository.objects.version(id_)
            self.objects.add(id_)
            self.versions += 1
            self.objects |= {
                other for other in (version.manifest, version.tree) if self._is_there(other, "object", strict=strict)
            }
            self._files[version.model_toml] = strict or self._files.get(version.model_toml, False)
            if version.tree in self.objects:
                for entry in self._repository.objects.tree(version.tree).entries:
                    self._files[entry.file] = strict or self._files.get(entry.file, False)
            waiting += version.parents

    def packs(self) -> set[PackId]:
        """The packs that the files need; their recipes are noted."""
        recipes = {
            file: [each for each in self._repository.recipes.for_file(file) if each.id() in self._there.recipes]
            for file in self._files
        }
        places = self._there.find({chunk for found in recipes.values() for each in found for chunk, _ in each.chunks})
        for file, found in recipes.items():
            self.recipes.update(each.id() for each in found)
            whole = any(all(chunk in places for chunk, _ in each.chunks) for each in found)
            if self._files[file] and not whole:
                raise errors.MissingThere(remote=self._there.where, what="a recipe or a chunk of file", id=file)
        return {place.pack for found in places.values() for place in found}

    def _is_there(self, id_: str, what: str, *, strict: bool) -> bool:
        if id_ in self._there.objects:
            return True
        if strict:
            raise errors.MissingThere(remote=self._there.where, what=f"the {what}", id=id_)
        return False
