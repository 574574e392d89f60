"""`mvc du`: disk usage of versions, in total and for each alone, and the savings by deduplication and compression."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import ChunkId, FileId, TreeId, VersionId
from mvc.model.tree import TreeEntry
from mvc.model.version import Version
from mvc.repository import disk_usage, history, reachable
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage import decoded, usage
from mvc.storage.chunks import encodings
from mvc.storage.packs import packformat
from mvc.storage.records import promised
from mvc.storage.records.promised import State

_Parts = dict[str, disk_usage.Kept]
SAVING = {
    encodings.ZSTD: "zstd",
    encodings.PLANES: "planes",
    encodings.PHASED: "planes",
    **dict.fromkeys(encodings.BASED, "delta"),
}
"""Names of the encodings in reports."""


@dataclass(frozen=True, slots=True)
class Usage(Document):
    """Usage of one version, in bytes: `total` of its files when checked out, `unique` and `shared` in the store.

    Unique parts are needed by no other version. `absent` is the number of files with content that is not local; of
    these, `dropped` by a prune. `freed` estimates the bytes by which the store would shrink if `mvc prune` dropped this
    version alone.
    """

    KEYS = keys(
        "id number=version.number bytes_total=total bytes_unique=unique bytes_shared=shared absent dropped bytes_freed=freed"
    )

    id: VersionId
    version: Version
    total: int
    unique: int
    shared: int
    absent: int
    freed: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Usages(Document):
    """Usage of the requested versions, and of the whole repository.

    `store` is its size on disk in bytes, without caches; `cached` the bytes of decoded files in the cache of
    `mvc export --link`; `count` the number of versions of all models; `checked_out`
    the bytes of all their files. `saved` maps `sharing` and each encoding to the bytes it saved.
    """

    KEYS = keys(
        "model versions bytes_store=store bytes_cached=cached",
        {"all_versions": keys("count bytes_total=checked_out bytes_saved=saved")},
    )

    model: str
    versions: tuple[Usage, ...]
    store: int
    count: int
    checked_out: int
    saved: Mapping[str, int]
    cached: int = 0


def du(model: Model, ids: Sequence[VersionId] = ()) -> Usages:
    """Measure the versions `ids`, by default all that refs of `model` reach; raise Missing, Damaged."""
    repository = model.repository
    tips = {name: history.tips(Model(repository, name)) for name in repository.heads.models()}
    every = dict(history.walk(repository.objects, dict.fromkeys(tip for each in tips.values() for tip in each)))
    is_only = all(name == model.key or not found for name, found in tips.items())
    asked = ids or (list(every) if is_only else [id_ for id_, _ in history.walk(repository.objects, tips[model.key])])
    count = _Count(repository)
    for id_ in dict.fromkeys([*every, *asked]):
        count.add(id_, repository.objects.version(id_))
    others = reachable.all_versions(repository, every)
    count.hold({id_: version for id_, version in others.items() if id_ not in every and id_ not in asked})
    return Usages(
        model.key,
        tuple(count.usage(id_) for id_ in asked),
        usage.on_disk(repository.door),
        len(every),
        sum(count.total(id_) for id_ in every),
        count.saved(every),
        decoded.total(repository.door),
    )


class _Count:
    """The parts that each version needs, and how many versions need each part."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._versions: dict[VersionId, Version] = {}
        self._trees: dict[TreeId, tuple[TreeEntry, ...]] = {}
        self._files: dict[VersionId, dict[FileId, int]] = {}
        self._totals: dict[VersionId, int] = {}
        self._parts: dict[FileId, _Parts | None] = {}
        self._needed: dict[str, int] = {}
        self._users: dict[str, int] = {}
        self._deltas: dict[str, disk_usage.Kept] = {}
        self._recorded = promised.dropped(repository.door)

    def add(self, id_: VersionId, version: Version) -> None:
        """Add the parts of a version."""
        if version.tree not in self._trees:  # most versions have the tree of another one
            self._trees[version.tree] = self._repository.objects.tree(version.tree).entries
        entries = self._trees[version.tree]
        self._versions[id_] = version
        self._files[id_] = {entry.file: entry.size for entry in entries}
        self._totals[id_] = sum(entry.size for entry in entries)
        own = self._of(self._files[id_])
        for part in self._with_bases(own):
            self._needed[part] = self._needed.get(part, 0) + 1
        for part, kept in self._of(self._not_dropped(id_, self._files[id_])).items():
            self._users[part] = self._users.get(part, 0) + 1
            if kept.base is not None:
                self._deltas[kept.base] = kept  # versions are added newest first, so the oldest delta is left

    def hold(self, versions: Mapping[VersionId, Version]) -> None:
        """Add the versions that no ref reaches: dropping another version does not free what they use."""
        files = reachable.held(self._repository)
        for id_, version in versions.items():
            with contextlib.suppress(errors.Damaged):  # an interrupted commit may be incomplete
                entries = self._repository.objects.tree(version.tree).entries
                files |= set(self._not_dropped(id_, [entry.file for entry in entries]))
        for part in self._of(files):
            self._users[part] = self._users.get(part, 0) + 1

    def _not_dropped(self, id_: VersionId, files: Iterable[FileId]) -> list[FileId]:
        return [file for file in files if not self._recorded.record(id_, file)]

    def total(self, id_: VersionId) -> int:
        """Return the bytes of a version's files."""
        return self._totals[id_]

    def usage(self, id_: VersionId) -> Usage:
        """Return the usage of a version among all that were added."""
        parts = self._with_bases(self._of(self._files[id_]))
        unique = sum(kept.stored for part, kept in parts.items() if self._needed[part] == 1)
        absent = [file for file in self._files[id_] if self._stored(file) is None]
        dropped = sum(self._repository.promised.recorded(file) is State.EXPIRED for file in absent)
        shared = sum(kept.stored for kept in parts.values()) - unique
        return Usage(id_, self._versions[id_], self.total(id_), unique, shared, len(absent), self._freed(id_), dropped)

    def _freed(self, id_: VersionId) -> int:
        """Return the bytes that dropping a version frees.

        A chunk that is stored whole and has deltas is replaced by the oldest of these, which is then stored whole. A file
        inside its recipe stays.
        """
        freed = 0
        for file in self._not_dropped(id_, self._files[id_]):
            recipe = self._repository.recipes.best(file)
            own = self._stored(file) or {}
            for part, kept in own.items() if recipe is not None and recipe.inline is None else ():
                if self._users[part] == 1:
                    delta = self._deltas.get(part) if kept.base is None else None
                    freed += packformat.HEADER.size + (delta or kept).stored
        return freed

    def saved(self, ids: Iterable[VersionId]) -> dict[str, int]:
        """Return the bytes saved for the files of some versions, by cause, for complete files only."""
        here = [
            (file, size) for id_ in ids for file, size in self._files[id_].items() if self._stored(file) is not None
        ]
        kept = list(self._of(dict(here)).values())
        found = {"sharing": sum(size for _, size in here) - sum(part.raw for part in kept)}
        for encoding, name in SAVING.items():
            spared = sum(part.raw - part.stored for part in kept if part.encoding == encoding)
            found[name] = found.get(name, 0) + spared
        return found

    def _of(self, files: Iterable[FileId]) -> _Parts:
        """Return the parts of several files, each once."""
        return {part: kept for file in files for part, kept in (self._stored(file) or {}).items()}

    def _with_bases(self, parts: _Parts) -> _Parts:
        """Return the parts and their delta bases."""
        found = dict(parts)
        waiting = [kept.base for kept in parts.values() if kept.base]
        while waiting:
            base = waiting.pop()
            if base not in found:
                kept = found[base] = disk_usage.kept_chunk(self._repository, ChunkId(base))
                waiting += [kept.base] if kept.base else []
        return found

    def _stored(self, file: FileId) -> _Parts | None:
        if file not in self._parts:
            self._parts[file] = disk_usage.kept_parts(self._repository, file)
        return self._parts[file]
