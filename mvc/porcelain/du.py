"""`mvc du`: what versions take, what each alone takes, and what it would all take without sharing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mvc.model.ids import ChunkId, FileId, VersionId
from mvc.model.version import Version
from mvc.repository import disk_usage, history
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage import usage
from mvc.storage.chunks import encodings

_Parts = dict[str, disk_usage.Kept]
_SAVING = {
    encodings.ZSTD: "zstd",
    encodings.PLANES: "planes",
    encodings.DELTA: "delta",
    encodings.BFLOAT: "delta",
    encodings.HALF: "delta",
}
"""What each encoding is called here."""


@dataclass(frozen=True, slots=True)
class Usage:
    """One version, in bytes: `total` of its files as they are checked out, `unique` and `shared` in the store.

    No other version needs what is unique. `absent` counts the files whose bytes are not all here.
    """

    id: VersionId
    version: Version
    total: int
    unique: int
    shared: int
    absent: int

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "id": self.id,
            "number": self.version.number,
            "total": self.total,
            "unique": self.unique,
            "shared": self.shared,
            "absent": self.absent,
        }


@dataclass(frozen=True, slots=True)
class Usages:
    """The versions asked for, and the whole repository.

    `store` is what that takes on disk, in bytes, caches left out; `count` its versions, of all models; `checked_out`
    the bytes of all their files. `saved` says what spared how many bytes of these: `sharing`, and the encodings by name.
    """

    model: str
    versions: tuple[Usage, ...]
    store: int
    count: int
    checked_out: int
    saved: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "model": self.model,
            "versions": [version.to_json() for version in self.versions],
            "store": self.store,
            "all_versions": {"count": self.count, "total": self.checked_out, "saved": dict(self.saved)},
        }


def du(repository: Repository, model: str, ids: Sequence[VersionId] = ()) -> Usages:
    """What `ids` take, or all versions that names of `model` lead to. Raises Missing, Damaged."""
    tips = {name: history.tips(Model(repository, name)) for name in repository.heads.models()}
    every = dict(history.walk(repository.objects, dict.fromkeys(tip for each in tips.values() for tip in each)))
    asked = ids or [id_ for id_, _ in history.walk(repository.objects, tips[model])]
    count = _Count(repository)
    for id_ in dict.fromkeys([*every, *asked]):
        count.add(id_, repository.objects.version(id_))
    return Usages(
        model,
        tuple(count.usage(id_) for id_ in asked),
        usage.on_disk(repository.door),
        len(every),
        sum(count.total(id_) for id_ in every),
        count.saved(every),
    )


class _Count:
    """The parts that each version needs, and how often each part is needed."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._versions: dict[VersionId, Version] = {}
        self._files: dict[VersionId, dict[FileId, int]] = {}
        self._totals: dict[VersionId, int] = {}
        self._parts: dict[FileId, _Parts | None] = {}
        self._needed: dict[str, int] = {}

    def add(self, id_: VersionId, version: Version) -> None:
        """Take a version into account."""
        entries = self._repository.objects.tree(version.tree).entries
        self._versions[id_] = version
        self._files[id_] = {entry.file: entry.size for entry in entries}
        self._totals[id_] = sum(entry.size for entry in entries)
        for part in self._with_bases(self._of(self._files[id_])):
            self._needed[part] = self._needed.get(part, 0) + 1

    def total(self, id_: VersionId) -> int:
        """The bytes of a version's files."""
        return self._totals[id_]

    def usage(self, id_: VersionId) -> Usage:
        """What a version takes, seen beside all that were added."""
        parts = self._with_bases(self._of(self._files[id_]))
        unique = sum(kept.stored for part, kept in parts.items() if self._needed[part] == 1)
        absent = sum(self._stored(file) is None for file in self._files[id_])
        shared = sum(kept.stored for kept in parts.values()) - unique
        return Usage(id_, self._versions[id_], self.total(id_), unique, shared, absent)

    def saved(self, ids: Iterable[VersionId]) -> dict[str, int]:
        """What spared how many bytes of the files of some versions, of those files that are all here."""
        here = [
            (file, size) for id_ in ids for file, size in self._files[id_].items() if self._stored(file) is not None
        ]
        kept = list(self._of(dict(here)).values())
        found = {"sharing": sum(size for _, size in here) - sum(part.raw for part in kept)}
        for encoding, name in _SAVING.items():
            spared = sum(part.raw - part.stored for part in kept if part.encoding == encoding)
            found[name] = found.get(name, 0) + spared
        return found

    def _of(self, files: Iterable[FileId]) -> _Parts:
        """The parts of several files, each once."""
        return {part: kept for file in files for part, kept in (self._stored(file) or {}).items()}

    def _with_bases(self, parts: _Parts) -> _Parts:
        """The parts, and those that they rest on."""
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
