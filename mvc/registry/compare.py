"""Drift of a registry version: fields and files that differ from a version of this repository.

manifest, tree ─► fields, roles, contents ─┐
the registry's answer ─────────────────────┴─► changed fields; files that are missing, added or replaced
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import FileId
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree, TreeEntry
from mvc.registry import fields, handmade, marker
from mvc.registry.fields import FieldChange
from mvc.registry.files import flat_files, role_names
from mvc.registry.files.flat_files import RegistryFile
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

    def __str__(self) -> str:
        """Return `model-latest (replaced)`."""
        return f"{self.role} ({self.change})"


@dataclass(frozen=True, slots=True)
class Differences:
    """The fields and files of a registry version that differ from a version of this repository.

    Added files leave a published version as it is; one made `by_hand` is another version with them.
    """

    fields: tuple[FieldChange, ...] = ()
    files: tuple[FileDrift, ...] = ()
    by_hand: bool = False

    @property
    def added(self) -> tuple[FileDrift, ...]:
        """The files that were added."""
        return tuple(file for file in self.files if file.change == ADDED)

    @property
    def changed_files(self) -> tuple[FileDrift, ...]:
        """The files that are missing or were replaced."""
        return tuple(file for file in self.files if file.change != ADDED)

    @property
    def is_changed(self) -> bool:
        """True if the registry version is not the version any more."""
        return bool(self.fields or self.changed_files or (self.by_hand and self.added))

    def __str__(self) -> str:
        """Return `labels.0, model-latest (replaced)`."""
        return ", ".join([*(field.key for field in self.fields), *map(str, self.files)])


def changed_fields(manifest: Manifest, version: RemoteVersion, *, by_hand: bool) -> tuple[FieldChange, ...]:
    """Compare the fields of a registry version with a manifest; one made by hand is decoded as an import would now."""
    if not by_hand:
        return fields.changes(fields.request(manifest), version.raw)
    old, new = _values(manifest), _values(handmade.read(version, None, {}).manifest)
    keys = dict.fromkeys([*old, *new])
    return tuple(
        FieldChange(key, old.get(key), new.get(key)) for key in keys if not _are_equal(old.get(key), new.get(key))
    )


def changed_files(
    tree: Tree,
    files: Sequence[RemoteFile],
    content: Content,
    *,
    by_hand: bool,
    names: Mapping[str, str] = MappingProxyType({}),
) -> tuple[FileDrift, ...]:
    """Compare the files of a registry version with a tree, by role and by content; `names` are as a marker has them.

    Files of a version made by hand have the roles that an import would give them now.
    """
    own = marker.without(files)
    named = role_names.named(tree, names)
    roles: list[str | None] = [named.get(file.name) for file in own]
    if by_hand:
        roles = [*_placed_roles(own, content, names)]
    by_role = list(zip(roles, own, strict=True))
    changes = _role_changes(tree, by_role)
    changed = {change.role for change in changes if change.change != ADDED}
    for role, file in by_role:
        entry = tree.by_role.get(role) if role is not None and role not in changed else None
        if entry is not None and content(file, entry) != entry.file:
            changes.append(FileDrift(entry.role, REPLACED, file.filename))
    return tuple(sorted(set(changes)))


def changed_roles(tree: Tree, files: Sequence[RemoteFile], names: Mapping[str, str]) -> tuple[FileDrift, ...]:
    """Compare the roles of published files with those of a tree; the contents are not compared."""
    named = role_names.named(tree, names)
    return tuple(sorted(set(_role_changes(tree, [(named.get(file.name), file) for file in marker.without(files)]))))


def added_files(tree: Tree, files: Sequence[RemoteFile], names: Mapping[str, str]) -> list[RemoteFile]:
    """Return the files of a published version that a tree does not have."""
    named = role_names.named(tree, names)
    return [file for file in marker.without(files) if file.name not in named]


def registry_files(
    files: Sequence[RemoteFile], contents: Sequence[FileId], names: Mapping[str, str]
) -> list[RegistryFile]:
    """Return files as an import places them; one that a marker names has the role that it had."""
    roles = {name: role for role, name in names.items()}
    listed = zip(files, contents, strict=True)
    return [RegistryFile(roles.get(file.name, file.name), file.filename, content) for file, content in listed]


def _placed_roles(files: Sequence[RemoteFile], content: Content, names: Mapping[str, str]) -> list[str]:
    """Return the roles that an import gives the files."""
    listed = registry_files(files, [content(file, None) for file in files], names)
    return [file.role for file in flat_files.place(listed)]


def _role_changes(tree: Tree, files: Sequence[tuple[str | None, RemoteFile]]) -> list[FileDrift]:
    """Compare roles; a file without one, or with one that the tree lacks, was added."""
    counts, expected = Counter(role for role, _ in files), tree.by_role
    changes = [FileDrift(role, MISSING) for role in expected if role not in counts]
    for role, file in files:
        if role is None or role not in expected:
            changes.append(FileDrift(file.name if role is None else role, ADDED, file.filename))
        elif counts[role] > 1:
            changes.append(FileDrift(role, REPLACED, file.filename))
    return changes


def _values(manifest: Manifest) -> dict[str, Any]:
    """Return the values of a manifest that an import reads from fields, by key."""
    return {**fields.by_key(manifest), "labels": manifest.ext.get(handmade.EXT)}


def _are_equal(one: Any, two: Any) -> bool:
    return bool(one == two) and isinstance(one, bool) == isinstance(two, bool)
