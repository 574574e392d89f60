"""`mvc ls`: the files of a version."""

from __future__ import annotations

from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.manifest import Manifest
from mvc.model.roles import roles_of
from mvc.model.segment import Segment
from mvc.model.tree import TreeEntry
from mvc.repository.model import Model
from mvc.repository.tensors import stored
from mvc.storage.records.promised import State


@dataclass(frozen=True, slots=True)
class ListedFile(Document):
    """A file, with its state and its tensors where they are asked for."""

    KEYS = keys("*entry roles state tensors")
    OPTIONAL = ("state", "tensors")

    entry: TreeEntry
    roles: tuple[str, ...]
    state: State | None
    tensors: tuple[Segment, ...] | None


@dataclass(frozen=True, slots=True)
class Listed(Document):
    """The files of a version; by path, `states` says where each file's content is, and `tensors` lists its tensors.

    Both are empty unless requested; `tensors` has only files whose tensors are known.
    """

    KEYS = keys("model id number files")

    model: str
    id: VersionId
    number: int
    entries: tuple[TreeEntry, ...]
    manifest: Manifest
    states: dict[str, State]
    tensors: dict[str, tuple[Segment, ...]]

    @property
    def files(self) -> tuple[ListedFile, ...]:
        """The files, with the state and the tensors of each where they are asked for."""
        return tuple(
            ListedFile(entry, self.roles(entry), self.states.get(entry.path), self.tensors.get(entry.path))
            for entry in self.entries
        )

    def roles(self, entry: TreeEntry) -> tuple[str, ...]:
        """Return the roles of a file."""
        return roles_of(self.manifest, entry)


def ls(model: Model, id_: VersionId, *, states: bool = False, tensors: bool = False) -> Listed:
    """Return the files of version `id_`; with `states` and `tensors`, also where their content is and their tensors.

    Raises Missing, Damaged.
    """
    repository = model.repository
    version = repository.objects.version(id_)
    entries = repository.objects.tree(version.tree).entries
    found = {entry.path: repository.promised.state(entry.file) for entry in entries} if states else {}
    held = {entry.path: stored(repository, entry) for entry in entries} if tensors else {}
    known = {path: segments for path, segments in held.items() if segments}
    manifest = repository.objects.manifest(version.manifest)
    return Listed(model.key, id_, version.number, entries, manifest, found, known)
