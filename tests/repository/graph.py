"""Histories drawn in tests: versions that name each other, held in memory, with the reads counted."""

from __future__ import annotations

from typing import Any

from mvc import errors
from mvc.model.ids import FileId, ManifestId, TreeId, VersionId, digest
from mvc.model.version import Code, Person, Timestamp, Version

ANA = Person("Ana", "ana@example.org")


class Graph:
    """Versions by their messages; stands for Objects where only versions are read."""

    def __init__(self) -> None:
        self.ids: dict[str, VersionId] = {}
        self.versions: dict[VersionId, Version] = {}
        self.reads: list[VersionId] = []

    def add(
        self, name: str, *parents: str, time: int | None = None, number: int | None = None, code: str | None = None
    ) -> VersionId:
        """Make the version `name`; its number follows from its first parent unless given."""
        above = tuple(self.ids[parent] for parent in parents)
        version = Version(
            parents=above,
            number=number or (self.versions[above[0]].number + 1 if above else 1),
            author=ANA,
            time=Timestamp(len(self.ids) if time is None else time),
            message=name,
            manifest=ManifestId(digest(b"manifest")),
            tree=TreeId(digest(b"tree")),
            model_toml=FileId(digest(b"toml")),
            code=Code(code, None, None, False) if code else None,
        )
        id_ = self.ids[name] = version.id()
        self.versions[id_] = version
        return id_

    def chain(self, text: str) -> None:
        """`a b c`: each made from the one before; the first must not exist, or is where the line goes on."""
        names = text.split()
        for parent, name in zip([None, *names], names, strict=False):
            if name not in self.ids:
                self.add(name, *([parent] if parent else []))

    def version(self, id_: VersionId) -> Version:
        """As Objects does."""
        self.reads.append(id_)
        if id_ not in self.versions:
            raise errors.Missing(what="version", id=id_)
        return self.versions[id_]

    def parents(self, version: Version) -> tuple[VersionId, ...]:
        """As Objects does, where none is on record as absent."""
        return version.parents

    def with_prefix(self, prefix: str) -> list[str]:
        """As Objects does."""
        return sorted(id_ for id_ in self.versions if id_.startswith(prefix))

    def read(self, id_: str, what: str = "object") -> bytes:
        """As Objects does."""
        return self.versions[VersionId(id_)].encode()

    @property
    def objects(self) -> Any:
        """Itself, where Objects is asked for."""
        return self

    def names(self, ids: Any) -> str:
        """The messages of versions, in order."""
        return " ".join(self.versions[id_].message for id_ in ids)
