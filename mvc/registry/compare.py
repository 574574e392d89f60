"""Drift of a registry version: fields and files that differ from a version of this repository.

manifest, tree ─► fields, roles, contents ─┐
the registry's answer ─────────────────────┴─► changed fields; files that are missing, added or replaced
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mvc.model.document import Document, keys
from mvc.model.ids import FileId
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree, TreeEntry
from mvc.registry import fields, flat_files, handmade, marker
from mvc.registry.fields import FieldChange
from mvc.registry.flat_files import RegistryFile
from mvc.registry.protocol import RemoteFile, RemoteVersion

MISSING, ADDED, REPLACED = "missing", "added", "replaced"
"""Changes of a file."""
Content = Callable[[RemoteFile, TreeEntry | None], FileId]
"""Returns the content of a file, which may be of the entry; its reading may stop where it is longer."""


@dataclass(frozen=True, slots=True, order=True)
class FileDrift(Document):
    """A file of a registry version that differs, by role; `change` is one of the three above."""

    KEYS = keys("role what=change detail")

    role: str
    change: str
    detail: str = ""


def changed_fields(manifest: Manifest, version: RemoteVersion, *, by_hand: bool) -> tuple[FieldChange, ...]:
    """Compare the fields of a registry version with a manifest; one made by hand is decoded as an import would now."""
    if not by_hand:
        return fields.changes(fields.request(manifest), version.raw)
    old, new = _values(manifest), _values(handmade.read(version, None, {}).manifest)
    keys = dict.fromkeys([*old, *new])
    return tuple(
        FieldChange(key, old.get(key), new.get(key)) for key in keys if not _are_equal(old.get(key), new.get(key))
    )


def changed_files(tree: Tree, files: Sequence[RemoteFile], content: Content, *, by_hand: bool) -> tuple[FileDrift, ...]:
    """Compare the files of a registry version with a tree, by role and by content.

    Files of a version made by hand have the roles that an import would give them now.
    """
    own = [file for file in files if file.name != marker.NAME]
    roles = _roles(own, content) if by_hand else [file.name for file in own]
    by_role = list(zip(roles, own, strict=True))
    changes = _role_changes(tree, by_role)
    changed = {change.role for change in changes}
    for role, file in by_role:
        if role not in changed and content(file, tree.by_role[role]) != tree.by_role[role].file:
            changes.append(FileDrift(role, REPLACED, file.filename))
    return tuple(sorted(set(changes)))


def changed_roles(tree: Tree, files: Sequence[RemoteFile]) -> tuple[FileDrift, ...]:
    """Compare the roles of published files with those of a tree; the contents are not compared."""
    own = [file for file in files if file.name != marker.NAME]
    return tuple(sorted(set(_role_changes(tree, [(file.name, file) for file in own]))))


def _role_changes(tree: Tree, files: Sequence[tuple[str, RemoteFile]]) -> list[FileDrift]:
    counts, expected = Counter(role for role, _ in files), set(tree.by_role)
    changes = [FileDrift(role, MISSING) for role in expected - set(counts)]
    changes += [FileDrift(role, ADDED, file.filename) for role, file in files if role not in expected]
    changes += [
        FileDrift(role, REPLACED, file.filename) for role, file in files if role in expected and counts[role] > 1
    ]
    return changes


def _roles(files: Sequence[RemoteFile], content: Content) -> list[str]:
    """Return the roles that an import gives the files."""
    placed = flat_files.place([RegistryFile(file.name, file.filename, content(file, None)) for file in files])
    return [file.role for file in placed]


def _values(manifest: Manifest) -> dict[str, Any]:
    """Return the values of a manifest that an import reads from fields, by key."""
    return {**fields.by_key(manifest), "labels": manifest.ext.get(handmade.EXT)}


def _are_equal(one: Any, two: Any) -> bool:
    return bool(one == two) and isinstance(one, bool) == isinstance(two, bool)
