"""A version as documents describe it: what its objects record, and on request what its files say.

Without its files, nothing but the version's own objects is used: every clone gives the same documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import NamedTuple

from mvc.deferred import dataclass
from mvc.model import roles
from mvc.model.ids import SHORT, FileId, VersionId
from mvc.model.licenses.claim import Claim
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Version
from mvc.registry.files import sha256
from mvc.repository import contents
from mvc.repository.model import Model
from mvc.repository.record import license_claims
from mvc.storage.progress import Progress
from mvc.storage.records.annotations.evaluations import Evaluation, newest
from mvc.transport import promises

_VARIANTS = "89ab"
"""The digits that the variant of RFC 9562 may have."""


class Parent(NamedTuple):
    """A parent of a version; its `number` is None for the second parent of a merge, whose number is not recorded."""

    id: VersionId
    number: int | None

    @property
    def name(self) -> str:
        """The number as `v6`, else the short id."""
        return f"v{self.number}" if self.number is not None else self.id[:SHORT]


@dataclass(frozen=True, slots=True)
class DocumentedVersion:
    """A version; `sha256` has the hashes of its files, and `claims` their licenses, if the files were read.

    `evaluations` are the newest on each dataset, for a card only: they are added to a version later.
    """

    id: VersionId
    version: Version
    manifest: Manifest
    tree: Tree
    sha256: Mapping[FileId, str] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    is_read: bool = False
    evaluations: tuple[Evaluation, ...] = ()

    @property
    def name(self) -> str:
        """The number as `v7`."""
        return f"v{self.version.number}"

    @property
    def uuid(self) -> str:
        """The UUID of the version: the first digits of its id."""
        return uuid_of(self.id)

    @property
    def license(self) -> str | None:
        """The license of the model, None if it is not set."""
        return license_claims.declared(self.manifest)

    @property
    def parents(self) -> tuple[Parent, ...]:
        """The parents. The number of the first one follows from the version's own."""
        number = self.version.number - 1
        return tuple(Parent(id_, None if at else number) for at, id_ in enumerate(self.version.parents))

    def roles(self, entry: TreeEntry) -> tuple[str, ...]:
        """Return the roles of a file."""
        return roles.roles_of(self.manifest, entry)


def uuid_of(id_: VersionId) -> str:
    """Return the UUID of a version: version 8 of RFC 9562, whose other bits are the first ones of the id."""
    digits = f"{id_[:12]}8{id_[13:16]}{_VARIANTS[int(id_[16], 16) % 4]}{id_[17:32]}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def of(model: Model, id_: VersionId, *, read_data: bool = False, progress: Progress | None = None) -> DocumentedVersion:
    """Return the version `id_`; with `read_data`, its files are fetched if need be, and read.

    Raises Missing, Damaged, and as a fetch.
    """
    repository = model.repository
    version = repository.objects.version(id_)
    manifest, tree = repository.objects.manifest(version.manifest), repository.objects.tree(version.tree)
    if not read_data:
        return DocumentedVersion(id_, version, manifest, tree)
    promises.ensure_present(repository, tree.entries, progress)
    hashes = sha256.of(repository, tree.entries, progress)
    claims = tuple(license_claims.of(contents.stored(repository), tree.entries))
    return DocumentedVersion(id_, version, manifest, tree, hashes, claims, is_read=True)


def of_card(model: Model, id_: VersionId) -> DocumentedVersion:
    """Return the version `id_` with its evaluations. Raises Missing, Damaged."""
    version = of(model, id_)
    if id_ not in model.evaluated():
        return version
    entries = model.repository.evaluations.current(model.key, id_)
    by_dataset = newest(entries)
    datasets = dict.fromkeys(entry.dataset for entry in entries)
    return replace(version, evaluations=tuple(by_dataset[dataset] for dataset in datasets))
