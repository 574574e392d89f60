"""`mvc ls`: the files of a version."""

from __future__ import annotations

from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.licenses.claim import Claim, contradictions
from mvc.model.manifest import Manifest
from mvc.model.roles import roles_of
from mvc.model.segment import Segment
from mvc.model.tree import TreeEntry
from mvc.repository import contents
from mvc.repository.model import Model
from mvc.repository.record import license_claims
from mvc.repository.tensors import stored
from mvc.storage.records.promised import State


@dataclass(frozen=True, slots=True)
class ListedFile(Document):
    """A file, with its state, its tensors and what it says about its license where they are asked for.

    `licenses` is None if the file is not here.
    """

    KEYS = keys("*entry roles state tensors licenses")
    OPTIONAL = ("state", "tensors", "licenses")

    entry: TreeEntry
    roles: tuple[str, ...]
    state: State | None
    tensors: tuple[Segment, ...] | None
    licenses: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed(Document):
    """The files of a version; by path, `states` says where each file's content is, and `tensors` lists its tensors.

    Both are empty unless requested; `tensors` has only files whose tensors are known. `licenses` are the licenses that files
    name, by path, of those that are here; None unless requested. `contradicting` are those that `license`, the model's, does
    not name.
    """

    KEYS = keys("model id number license contradicting files")
    OPTIONAL = ("license", "contradicting")

    model: str
    id: VersionId
    number: int
    entries: tuple[TreeEntry, ...]
    manifest: Manifest
    states: dict[str, State]
    tensors: dict[str, tuple[Segment, ...]]
    licenses: dict[str, tuple[Claim, ...] | None] | None = None

    @property
    def license(self) -> str | None:
        """The license of the model, if licenses are requested."""
        return license_claims.declared(self.manifest) if self.licenses is not None else None

    @property
    def contradicting(self) -> tuple[Claim, ...]:
        """The licenses in files that contradict the model's."""
        claims = (claim for each in (self.licenses or {}).values() for claim in each or ())
        return contradictions(self.license, claims)

    @property
    def files(self) -> tuple[ListedFile, ...]:
        """The files, with the state and the tensors of each where they are asked for."""
        return tuple(
            ListedFile(
                entry,
                self.roles(entry),
                self.states.get(entry.path),
                self.tensors.get(entry.path),
                (self.licenses or {}).get(entry.path) or (),
            )
            for entry in self.entries
        )

    def roles(self, entry: TreeEntry) -> tuple[str, ...]:
        """Return the roles of a file."""
        return roles_of(self.manifest, entry)


def ls(model: Model, id_: VersionId, *, states: bool = False, tensors: bool = False, licenses: bool = False) -> Listed:
    """Return the files of version `id_`; on request also where their content is, their tensors, and their licenses.

    Licenses are those that files name themselves, of files that are here: nothing is fetched. Raises Missing, Damaged.
    """
    repository = model.repository
    version = repository.objects.version(id_)
    entries = repository.objects.tree(version.tree).entries
    found = {entry.path: repository.promised.state(entry.file) for entry in entries} if states else {}
    held = {entry.path: stored(repository, entry) for entry in entries} if tensors else {}
    known = {path: segments for path, segments in held.items() if segments}
    manifest = repository.objects.manifest(version.manifest)
    look = contents.stored(repository)
    claims = {entry.path: look.licenses(entry) for entry in entries} if licenses else None
    return Listed(model.key, id_, version.number, entries, manifest, found, known, claims)
