"""Chunks of dropped files that are still in a pack: the proof that a prune removed all bytes.

pack older than `pruned`, of records up to its number    a finding
pack of a later record                                   an interrupted prune, which the next collection ends
younger pack                                             an interrupted commit of the same bytes
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mvc import errors
from mvc.model.ids import ChunkId, FileId, VersionId
from mvc.model.version import Version
from mvc.plural import count
from mvc.repository import reachable
from mvc.repository.retention import dropped
from mvc.storage.fsck import Finding, Sound
from mvc.storage.records import expired, promised

if TYPE_CHECKING:
    from mvc.repository.repository import Repository


class Leftovers:
    """The chunks in packs that only dropped files use. `unfinished` is the number of those of an interrupted prune."""

    def __init__(self, repository: Repository, sound: Sound) -> None:
        """Look for chunks in `sound` that no version here keeps, reachable or not."""
        self._repository = repository
        self._sound = sound
        self._packs: Counter[str] = Counter()
        self.unfinished = 0
        try:
            self._look()
        except errors.Damaged:  # the log is reported already
            return

    def findings(self) -> Iterator[Finding]:
        """Yield a finding for each pack."""
        for pack, number in sorted(self._packs.items()):
            chunks = count(number, "chunk")
            yield Finding("expired", pack, f"it has {chunks} that only dropped files use; `mvc gc` removes them")

    def _look(self) -> None:
        repository, recipes = self._repository, self._sound.recipes
        recorded = promised.dropped(repository.door)
        if not recorded.files:
            return
        ids = [*repository.objects.loose(), *repository.metapacks.object_ids()]
        versions = {id_: version for id_ in map(VersionId, ids) if (version := self._version(id_)) is not None}
        gone = dropped.files(repository, versions, recorded) - reachable.held(repository)
        needed = {chunk for file in recipes.keys() - gone for recipe in recipes[file] for chunk, _ in recipe.chunks}
        ended = expired.pruned(repository.door)
        left = {chunk: file for file in gone for chunk in self._chunks(file) if chunk not in needed}
        for chunk, file in left.items():
            self._count(chunk, ended=max(recorded.files[file]) <= ended)

    def _chunks(self, file: FileId) -> list[ChunkId]:
        return [chunk for recipe in self._sound.recipes.get(file, ()) for chunk, _ in recipe.chunks]

    def _count(self, chunk: ChunkId, *, ended: bool) -> None:
        door = self._repository.door
        for place in self._repository.chunks.find(chunk):
            if not ended:
                self.unfinished += 1
            elif door.stat(place.pack).mtime_ns < door.stat(expired.PRUNED).mtime_ns:
                self._packs[place.pack] += 1

    def _version(self, id_: VersionId) -> Version | None:
        try:
            return self._repository.objects.version(id_)
        except errors.MvcError:
            return None
