"""Bytes that a remote promised, fetched when they are needed.

files wanted ─► not here, and promised ─► by which remote ─► its listing ─► chunks and their bases ─► packs here
"""

from __future__ import annotations

from collections.abc import Iterable

from mvc import errors
from mvc.model.ids import ChunkId, FileId
from mvc.porcelain import reaching
from mvc.remotes import download, incoming
from mvc.remotes.download import Downloader
from mvc.remotes.inventory import Inventory
from mvc.remotes.remote import Remote
from mvc.repository.repository import Repository
from mvc.storage import config
from mvc.storage.absence import PROMISED, State
from mvc.storage.progress import Progress
from mvc.storage.recipes import Recipe


def bring(repository: Repository, files: Iterable[FileId], progress: Progress | None = None) -> int:
    """Have the bytes of those of `files` here that remotes promise; the bytes that came. Not under the lock.

    Raises RemoteUnreachable, RemoteDenied, MissingThere, Damaged; NoSuchRemote when the remote is not known any more.
    """
    wanted: dict[str, list[ChunkId]] = {}
    for file in dict.fromkeys(files):
        if repository.absences.state(file) is State.PROMISED:
            record = repository.absences.record(PROMISED, file)
            wanted.setdefault(record.reason if record else "", []).extend(_chunks(repository, file))
    return sum(_from(repository, name, chunks, progress) for name, chunks in wanted.items())


def bring_chunks(
    repository: Repository,
    remote: Remote,
    chunks: Iterable[ChunkId],
    progress: Progress | None = None,
    there: Inventory | None = None,
) -> int:
    """Have `chunks` here, from `remote`, which is listed unless it is known what is `there`; the bytes that came."""
    if there is None:
        there = Inventory(repository, remote.backend, remote.jobs)
    batches = incoming.plan(repository, there, chunks, remote.backend.read_size)
    if not batches:
        return 0
    if progress is not None:
        progress.expect(incoming.size(batches))
    with repository.locked():
        config.require(repository.door, download.features(batches))
    return Downloader(repository, remote.backend, remote.jobs, progress).fetch(batches)


def _from(repository: Repository, name: str, chunks: list[ChunkId], progress: Progress | None) -> int:
    with reaching.reach(repository, name) as remote:
        try:
            return bring_chunks(repository, remote, chunks, progress)
        except errors.MissingThere:  # a collection may have put it elsewhere since it was listed
            return bring_chunks(repository, remote, chunks, progress)


def _chunks(repository: Repository, file: FileId) -> list[ChunkId]:
    """The chunks of the recipe of a file that readers prefer."""
    recipes = sorted(repository.recipes.for_file(file), key=Recipe.preference)
    return [chunk for chunk, _ in recipes[0].chunks] if recipes else []
