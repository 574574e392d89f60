r"""Notes of the tags that a registry version had when it was last read, and of those that mvc set there.

notes/picsellia-tags/0197…   {"set":["prod"],"tags":["prod","validated"]}

They are kept in this repository alone, as all import notes. Without them, nothing is reported as changed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.repository import places
from mvc.repository.repository import Repository
from mvc.storage.records import import_notes
from mvc.storage.records.reflog import Place

FOLDER = f"{places.PICSELLIA}-tags"


@dataclass(frozen=True, slots=True)
class TagNote:
    """The tags of a registry version as last read, and those of them that mvc has set."""

    tags: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()


def read(repository: Repository, version: str) -> TagNote:
    """Return the note about a registry version; an empty one if there is none."""
    answer = import_notes.read(repository.door, FOLDER, version)
    record = answer if isinstance(answer, dict) else {}
    return TagNote(_texts(record.get("tags")), _texts(record.get("set")))


def write(repository: Repository, version: str, note: TagNote) -> None:
    """Write the note about a registry version, if it is another one."""
    if note != read(repository, version):
        answer = {"tags": sorted(note.tags), "set": sorted(note.own)}
        with repository.locked():
            import_notes.write(repository.door, FOLDER, version, answer)


def write_seen(repository: Repository, version: str, tags: Iterable[str]) -> None:
    """Note the tags that were read; a repository that cannot be written keeps the old note."""
    with contextlib.suppress(errors.ReadOnlyStore, errors.NotWritable, errors.DiskFailed):
        write(repository, version, TagNote(frozenset(tags), read(repository, version).own))


def of_places(repository: Repository, known: Iterable[Place]) -> tuple[str, ...]:
    """Return the noted tags of registry versions, by name."""
    return tuple(sorted({tag for place in known for tag in read(repository, place.id).tags}))


def _texts(value: Any) -> frozenset[str]:
    return frozenset(text for text in value if isinstance(text, str)) if isinstance(value, list) else frozenset()
