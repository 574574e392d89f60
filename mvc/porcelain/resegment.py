"""`mvc gc --resegment`: store anew, cut at their tensors, the files that were stored before their format was known.

versions, oldest first ─ files whose recipe has no segments ─ header known? ─ out of the store, and in again beside their bases
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

from mvc.formats.source import Source
from mvc.model.ids import FileId, VersionId
from mvc.model.tree import TreeEntry
from mvc.model.version import Version
from mvc.repository import delta_bases
from mvc.repository.repository import Repository
from mvc.storage.chunks.headers import Headers
from mvc.storage.chunks.ingest import Ingest
from mvc.storage.records import config


def resegment(
    repository: Repository, versions: Mapping[VersionId, Version], progress: Callable[[int], None] | None = None
) -> int:
    """Do so for the files of these versions, under the lock; how many files got a better recipe.

    Each has both recipes afterwards, until the old one is collected. Raises Missing, Damaged, DiskFailed, ReadOnlyStore.
    """
    done: set[FileId] = set()
    for id_ in sorted(versions, key=lambda each: (versions[each].number, each)):
        entries = [entry for entry in _unsegmented(repository, versions[id_]) if entry.file not in done]
        if entries:
            _store(repository, versions[id_], entries, progress)
            done.update(entry.file for entry in entries)
    return len(done)


def _unsegmented(repository: Repository, version: Version) -> Iterator[TreeEntry]:
    """The files that are here without segments, and whose header says where their tensors lie."""
    for entry in repository.objects.tree(version.tree).entries:
        recipe = repository.recipes.best(entry.file)
        if recipe is not None and recipe.chunks and not recipe.segments:
            source = Source(_reader(repository, entry.file), entry.size, entry.path)
            if Headers().layout(source) is not None:
                yield entry


def _reader(repository: Repository, file: FileId) -> Callable[[int, int], bytes]:
    return lambda offset, size: repository.extract.read_range(file, offset, size)


def _store(
    repository: Repository, version: Version, entries: list[TreeEntry], progress: Callable[[int], None] | None
) -> None:
    manifest = repository.objects.manifest(version.manifest)
    bases = delta_bases.bases(repository, manifest.name, manifest, version.parents)
    ingest = repository.ingest(progress, bases)
    try:
        for entry in entries:
            _again(repository, ingest, entry)
        ingest.close()
        config.require(repository.door, ingest.features)
        repository.door.barrier()
    except BaseException:
        ingest.discard()
        repository.door.give_up()
        raise
    repository.chunks.refresh()


def _again(repository: Repository, ingest: Ingest, entry: TreeEntry) -> None:
    """Store a file once more, from a copy that the store gives."""
    temporary = repository.door.temporary()
    try:
        repository.extract.to_temporary(entry.file, temporary)
        temporary.close()
        fd = os.open(temporary.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            ingest.add(fd, entry.path, entry.role)
        finally:
            os.close(fd)
    finally:
        temporary.discard()
