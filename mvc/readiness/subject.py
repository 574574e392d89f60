"""Subjects of rules: a manifest, a tree, and access to the content of files that are in this repository."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Protocol

from mvc.deferred import dataclass
from mvc.model.licenses.claim import Claim
from mvc.model.manifest import Manifest
from mvc.model.metadata import Metadata
from mvc.model.roles import expanded
from mvc.model.tree import Tree, TreeEntry
from mvc.readiness import saved_model
from mvc.readiness.outside import Outside


class Contents(Protocol):
    """Reads file headers; never runs anything in a file."""

    def members(self, entry: TreeEntry) -> Collection[str] | None:
        """Return the names in a zip archive, none if it is not a valid one; None if its content is not local."""

    def format(self, entry: TreeEntry) -> str | None:
        """Return the format by the header, `""` if it is not a known one; None if the content is not local."""

    def metadata(self, entry: TreeEntry) -> Metadata | None:
        """Return what the header of a weight file records, only an empty format if it is invalid; None if not local."""

    def fault(self, entry: TreeEntry) -> str | None:
        """Return why a weight file is invalid, `""` if no fault is known; None if the content is not local."""

    def licenses(self, entry: TreeEntry) -> tuple[Claim, ...] | None:
        """Return what a file says about its license; None if the content is not local."""


class NoContents:
    """Contents of which none is local."""

    def members(self, entry: TreeEntry) -> None:
        """Return None."""

    def format(self, entry: TreeEntry) -> None:
        """Return None."""

    def metadata(self, entry: TreeEntry) -> None:
        """Return None."""

    def fault(self, entry: TreeEntry) -> None:
        """Return None."""

    def licenses(self, entry: TreeEntry) -> None:
        """Return None."""


@dataclass(frozen=True)
class Subject:
    """A version or the working tree.

    `candidates` are the files of the working tree that a command may name: the tracked ones, and untracked weights.
    `outside` is None if nothing outside of this repository may be asked for.
    """

    manifest: Manifest
    tree: Tree
    contents: Contents
    candidates: tuple[str, ...] = ()
    outside: Outside | None = None

    @property
    def archived(self) -> Collection[str]:
        """The roles of folders that are published as one archive."""
        return saved_model.folders(self.manifest, self.tree)

    def file(self, role: str) -> TreeEntry | None:
        """Return the file of exactly this role, as a registry names it."""
        return self._by_role.get(role)

    def files(self, role: str) -> list[TreeEntry]:
        """Return the files of a role: one, or all files of a pattern."""
        return [entry for name, entry in self._by_role.items() if name == role or name.startswith(f"{role}/")]

    @cached_property
    def _by_role(self) -> dict[str, TreeEntry]:
        return expanded(self.manifest, self.tree).by_role
