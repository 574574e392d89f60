"""SHA-256 hashes of stored files: computed once, and remembered in the checksums cache."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from mvc.model.ids import FileId
from mvc.model.tree import TreeEntry
from mvc.repository.repository import Repository
from mvc.storage.progress import Progress
from mvc.storage.records.checksums import Checksums

NAME = "sha256"


def known(repository: Repository, entries: Iterable[TreeEntry]) -> dict[FileId, str]:
    """Return the hashes of those files whose hash is known."""
    digests = Checksums(repository.door).digests(NAME)
    return {entry.file: digests[entry.file] for entry in entries if entry.file in digests}


def of(repository: Repository, entries: Iterable[TreeEntry], progress: Progress | None = None) -> dict[FileId, str]:
    """Return the hashes of files; read those whose hash is not known. Raises Missing, Damaged."""
    checksums = Checksums(repository.door)
    files, digests = {entry.file: entry.size for entry in entries}, checksums.digests(NAME)
    hashes = {id_: digests[id_] for id_ in files if id_ in digests}
    unknown = {id_: size for id_, size in files.items() if id_ not in hashes}
    if progress is not None and unknown:
        progress.expect(sum(unknown.values()), "Hashing")
    try:
        for id_ in unknown:
            hashes[id_] = _hash(repository, id_, progress)
            checksums.add(NAME, hashes[id_], id_)
    finally:  # an interrupted run continues with the next file
        checksums.save()
    return hashes


def _hash(repository: Repository, id_: FileId, progress: Progress | None) -> str:
    hashed = hashlib.sha256()
    for block in repository.extract.stream(id_):
        hashed.update(block)
        if progress is not None:
            progress(len(block))
    return hashed.hexdigest()
