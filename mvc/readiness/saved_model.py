"""Folders of a version that programs of the platform expect as one archive: a TensorFlow SavedModel as `model-latest`.

    [files]                            a registry has
    model-latest = "exported/**"   →   model-latest: a zip with saved_model.pb, variables/… at its top

A registry has files only, each with a name of its own; so its programs cannot take a folder apart from an archive.
Source: the rule `saved-model` of the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mvc.model.manifest import Manifest
from mvc.model.roles import is_glob
from mvc.model.tree import Tree, TreeEntry

ROLES = ("model-latest",)
"""Roles for which a program expects an archive."""
MAIN_FILES = frozenset({"saved_model.pb", "saved_model.pbtxt"})
"""Files that make a folder a SavedModel (TensorFlow guide "Using the SavedModel format")."""


class Folder(NamedTuple):
    """A tracked folder with one role: its path, and its files by their path below it."""

    role: str
    path: str
    files: Mapping[str, TreeEntry]


def folders(manifest: Manifest, tree: Tree) -> dict[str, Folder]:
    """Return the folders of a version that a program expects as one archive, by role."""
    made = (folder(manifest, tree, role) for role in ROLES)
    return {one.role: one for one in made if one is not None and MAIN_FILES.intersection(one.files)}


def folder(manifest: Manifest, tree: Tree, role: str) -> Folder | None:
    """Return the folder that has a role by a pattern; None if there is none, or if it is the model's own folder."""
    if not is_glob(manifest.files.get(role, "")):
        return None
    below = {_start(entry, role) for entry in tree.entries if entry.role.startswith(f"{role}/")}
    start = below.pop() if len(below) == 1 else None
    if not start:
        return None
    inside = {entry.path.removeprefix(start): entry for entry in tree.entries if entry.path.startswith(start)}
    return Folder(role, start.removesuffix("/"), inside)


def _start(entry: TreeEntry, role: str) -> str:
    """Return the folder in which the pattern of a role begins, with a slash at its end; empty for none."""
    below = entry.role.removeprefix(f"{role}/")
    return entry.path.removesuffix(below) if entry.path.endswith(f"/{below}") else ""
