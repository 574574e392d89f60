"""One model of a repository: its refs, its HEAD and its folder."""

from __future__ import annotations

from contextlib import AbstractContextManager

from mvc.deferred import dataclass
from mvc.model.ids import VersionId
from mvc.repository.repository import Actor, Repository, RolledForward
from mvc.storage.records.heads import Head
from mvc.storage.records.reflog import ATTESTATIONS, EVALUATIONS, REMARKS, SIGNATURES, RefName


@dataclass(frozen=True, slots=True)
class Model:
    """A model by its key, the name of the folder of its refs."""

    repository: Repository
    key: str

    def roll_forward(self) -> RolledForward | None:
        """Roll an interrupted change of its repository forward, as `Repository.roll_forward`."""
        return self.repository.roll_forward()

    def operation(self, verb: str, actor: Actor | None = None) -> AbstractContextManager[None]:
        """Record what `verb` changes, as `Repository.operation`."""
        return self.repository.operation(verb, actor)

    def check(self) -> None:
        """Raise NoModel unless it exists."""
        self.repository.head(self.key)

    @property
    def head(self) -> Head:
        """The model's HEAD: the branch or version that is checked out, and the folder. Raises NoModel."""
        return self.repository.head(self.key)

    @property
    def current(self) -> VersionId | None:
        """The version that is checked out; None before the first commit. Raises NoModel."""
        return self.repository.current(self.key)

    @property
    def folder(self) -> str:
        """The folder of its files, from the repository's root; "" is the root. Raises NoModel."""
        return self.head.folder

    def ref(self, kind: str, name: str) -> RefName:
        """Return the full name of a ref of the model, which need not exist."""
        return RefName(self.key, kind, name)

    def names(self, kind: str) -> list[str]:
        """Return the names of its refs of one kind that exist."""
        return self.repository.refs.names(self.key, kind)

    def target(self, kind: str, name: str) -> VersionId | None:
        """Return the version of a ref; None if it does not exist."""
        return self.repository.refs.target(self.ref(kind, name))

    def targets(self, *kinds: str) -> dict[RefName, VersionId | None]:
        """Return the versions of its refs of some kinds (default: all), None for deleted ones."""
        refs = self.repository.refs
        return {
            ref: target
            for kind in kinds or refs.kinds(self.key)
            for ref, target in refs.targets(self.key, kind).items()
        }

    def noted(self) -> frozenset[VersionId]:
        """Return the versions that have notes, or had some."""
        return self.annotated(REMARKS)

    def evaluated(self) -> frozenset[VersionId]:
        """Return the versions that have evaluations, or had some."""
        return self.annotated(EVALUATIONS)

    def signed(self) -> frozenset[VersionId]:
        """Return the versions that have signatures, or had some."""
        return self.annotated(SIGNATURES)

    def attested(self) -> frozenset[VersionId]:
        """Return the versions that have attestations, or had some."""
        return self.annotated(ATTESTATIONS)

    def annotated(self, kind: str) -> frozenset[VersionId]:
        """Return the versions that have annotations of a kind, or had some."""
        if not self.repository.door.exists(kind):  # most repositories have none, and need not load the module
            return frozenset()
        return frozenset(self.repository.annotations[kind].versions(self.key))
