"""What rules look at: a manifest, a tree, and what files hold where their bytes are here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from mvc.model.manifest import Manifest
from mvc.model.tree import Tree, TreeEntry


class Contents(Protocol):
    """Looks into files without running anything in them."""

    def members(self, entry: TreeEntry) -> Collection[str] | None:
        """The names in a zip archive, none when the file is no whole one; None when its bytes are not here."""

    def format(self, entry: TreeEntry) -> str | None:
        """The format its header tells, `""` when it is of none that is known; None when its bytes are not here."""

    def fault(self, entry: TreeEntry) -> str | None:
        """What is wrong with a weight file, `""` when nothing is found; None when its bytes are not here."""


class Unseen:
    """Looks into nothing, as if no bytes were here."""

    def members(self, entry: TreeEntry) -> None:
        """Nobody knows."""

    def format(self, entry: TreeEntry) -> None:
        """Nobody knows."""

    def fault(self, entry: TreeEntry) -> None:
        """Nobody knows."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A version, or the working tree as it stands."""

    manifest: Manifest
    tree: Tree
    contents: Contents

    def file(self, role: str) -> TreeEntry | None:
        """The file of exactly this role, which is the name that a published file has."""
        return self.tree.by_role.get(role)

    def files(self, role: str) -> list[TreeEntry]:
        """The files of a role, of one that a pattern fills all of them."""
        return [entry for entry in self.tree.entries if entry.role == role or entry.role.startswith(f"{role}/")]
