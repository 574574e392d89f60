"""`mvc log`: the versions of a model, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mvc.model.diff import VersionDiff, compare
from mvc.model.ids import VersionId
from mvc.model.version import Timestamp, Version
from mvc.porcelain import naming
from mvc.repository import history, revisions, stored
from mvc.repository.repository import Repository


@dataclass(frozen=True)
class Entry:
    """One version of the log: its names, and what it changed where that was asked for."""

    id: VersionId
    version: Version
    names: tuple[tuple[str, str], ...] = ()
    difference: VersionDiff | None = None

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        version = self.version
        record: dict[str, Any] = {
            "id": self.id,
            "number": version.number,
            "parents": list(version.parents),
            "author": {"name": version.author.name, "email": version.author.email},
            "time": version.time.utc(),
            "message": version.message,
            "names": [{"kind": kind, "name": name} for kind, name in self.names],
            "code": version.code.to_json() if version.code else None,
        }
        return record | ({"changes": self.difference.to_json()} if self.difference is not None else {})


@dataclass(frozen=True, slots=True)
class Query:
    """Which versions: those that `revisions` reach (`A..B` too; none is HEAD), of all names with `every`; then filters."""

    revisions: Sequence[str] = ()
    every: bool = False
    first_parent: bool = False
    author: str | None = None
    grep: str | None = None
    since: Timestamp | None = None
    until: Timestamp | None = None
    limit: int | None = None
    stat: bool = False

    def accepts(self, version: Version) -> bool:
        """Whether a version passes the filters; texts are compared without regard to case."""
        person = str(version.author).casefold()
        return (
            (self.author is None or self.author.casefold() in person)
            and (self.grep is None or self.grep.casefold() in version.message.casefold())
            and (self.since is None or version.time.seconds >= self.since.seconds)
            and (self.until is None or version.time.seconds <= self.until.seconds)
        )


def log(repository: Repository, model: str, query: Query) -> Iterator[Entry]:
    """The versions asked for, newest first, read as they are taken. Raises UnknownRevision and the like, Damaged."""
    names = naming.decorations(repository, model)
    count = 0
    for id_, version in _walk(repository, model, query):
        if query.limit is not None and count >= query.limit:
            return
        if query.accepts(version):
            count += 1
            yield Entry(id_, version, tuple(names.get(id_, ())), _difference(repository, id_, version, query))


def _walk(repository: Repository, model: str, query: Query) -> Iterator[history.Entry]:
    tips: list[VersionId] = history.tips(repository, model) if query.every else []
    exclude: list[VersionId] = []
    for text in query.revisions or (() if query.every else ("HEAD",)):
        found = revisions.resolve_range(repository, model, text)
        tips += found.tips
        exclude += found.exclude
    return history.walk(repository.objects, tips, exclude=exclude, first_parent=query.first_parent)


def _difference(repository: Repository, id_: VersionId, version: Version, query: Query) -> VersionDiff | None:
    if not query.stat:
        return None
    new = stored.snapshot_of(repository, id_)
    assert new is not None  # noqa: S101 - of a version there always is one
    return compare(stored.snapshot_of(repository, version.parents[0]) if version.parents else None, new)
