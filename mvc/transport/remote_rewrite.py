"""Upload kept chunks of a remote again, without the dropped ones that they are stored with or based on.

pack P   dropped A, kept K        ─►   pack R   K, C whole
pack Q   C as a delta of A             P, Q are no longer needed: a collection deletes them
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mvc import errors
from mvc.model.ids import ChunkId, FileId, VersionId
from mvc.model.version import Version
from mvc.remotes import upload_plan
from mvc.remotes.inventory import Inventory, Places
from mvc.remotes.push_session import PushSession
from mvc.remotes.remote import Remote
from mvc.remotes.upload import Uploader
from mvc.remotes.upload_plan import UploadPlan
from mvc.repository.repository import Actor, Repository
from mvc.repository.retention import dropped
from mvc.storage.chunks.recipes import Recipe
from mvc.storage.packs import packformat, reencode
from mvc.storage.packs.index import Location
from mvc.storage.packs.packfile import PackFile, PackFiles
from mvc.storage.packs.packwriter import PackWriter
from mvc.storage.packs.reader import Place
from mvc.storage.packs.reencode import Change
from mvc.storage.records.promised import Dropped
from mvc.transport import promisor


def rewrite(
    repository: Repository,
    remote: Remote,
    versions: Mapping[VersionId, Version],
    recorded: Dropped,
    actor: Actor,
    scratch: Repository,
) -> int:
    """Upload what `versions` keep and dropped chunks hold back; return the bytes sent. `scratch` is an empty repository.

    Raises RemoteBusy, and as downloads and uploads do.
    """
    gone = dropped.files(repository, versions, recorded)
    if not gone:
        return 0
    with PushSession(repository, remote.backend, actor.move("prune"), remote.pause, remote.jobs):
        there = Inventory(repository, remote.backend, remote.jobs)
        plan = _Plan(repository, there, dropped.groups(repository, versions, gone), gone)
        if not plan.chunks:
            return 0
        promisor.download_chunks(scratch, remote, sorted(plan.chunks), there, lambda _: None)
        written = plan.write(scratch)
        scratch.chunks.refresh()
        whole, entries = upload_plan.split(scratch, written, there.features)
        todo = UploadPlan((), (), whole, entries, 0, 0, there.features)
        return Uploader(scratch, remote.backend, remote.jobs).send(todo, there, [])


class _Plan:
    """The chunks to encode again, and those to copy out of packs with dropped chunks."""

    def __init__(
        self, repository: Repository, there: Inventory, groups: Sequence[reencode.Group], gone: frozenset[FileId]
    ) -> None:
        self._repository = repository
        self._there = there
        files = {file for group in groups for _, file, _ in group.files}
        kept = {chunk for file in files if (recipe := self._recipe(file)) for chunk, _ in recipe.chunks}
        lost = {chunk for file in gone for recipe in repository.recipes.for_file(file) for chunk, _ in recipe.chunks}
        self._places: Places = there.find(kept | lost)
        self._spoilt = {place.pack for chunk in lost - kept for place in self._places.get(chunk, ())}
        self._changes = reencode.plan(self._recipe, self._place, groups)
        changed = {change.chunk for change in self._changes}
        self._moves = [chunk for chunk in sorted(kept - changed) if self._is_held(chunk)]
        bases = {change.base.chunk for change in self._changes if change.base is not None}
        self.chunks: set[ChunkId] = {*changed, *bases, *self._moves}

    def write(self, scratch: Repository) -> list[Location]:
        """Write the new packs; return their entries. Raises Damaged, DiskFailed."""
        scratch.chunks.refresh()
        files, writer = PackFiles(scratch.door), PackWriter(scratch.door)
        for chunk in self._moves:
            location = scratch.chunks.find(chunk)[0]
            writer.add(location.entry, packformat.read_entry(files.get(location.pack), location.entry))
        reencode.write(scratch.reader, files, [_local(scratch, change) for change in self._changes], writer.add)
        packs = map(packformat.path, writer.finish())
        scratch.door.barrier()
        return [
            Location(name, entry) for name in packs for entry in packformat.read_index(PackFile(scratch.door, name))
        ]

    def _recipe(self, file: FileId) -> Recipe | None:
        """Return the remote's recipe of a file: this repository may have cut it in another way."""
        try:
            recipes = sorted(self._repository.recipes.for_file(file), key=Recipe.preference)
        except errors.Damaged:
            return None
        return next((each for each in recipes if each.id() in self._there.recipes), None)

    def _is_held(self, chunk: ChunkId) -> bool:
        """Return whether every place of a kept chunk is in a pack with dropped chunks."""
        places = self._places.get(chunk, [])
        return bool(places) and all(place.pack in self._spoilt for place in places)

    def _place(self, chunk: str, below: int = packformat.MAX_DEPTH + 1) -> Place | None:
        """Return the place of a chunk on the remote, of those outside of packs with dropped chunks first."""
        places = [place for place in self._places.get(chunk, ()) if place.entry.depth < below]
        for place in sorted(places, key=lambda place: place.pack in self._spoilt):
            location = Location(packformat.path(place.pack), place.entry)
            if place.entry.base is None:
                return Place(location)
            under = self._place(place.entry.base, place.entry.depth)
            if under is not None:
                return Place(location, (under,))
        return None


def _local(scratch: Repository, change: Change) -> Change:
    """Return a change with the place of its chunk in `scratch`."""
    entry = change.place.location.entry
    places = scratch.reader.locate(change.chunk)
    same = [place for place in places if place.location.entry.at(0) == entry.at(0)]
    return change._replace(place=(same or places)[0])
