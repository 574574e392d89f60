"""Drift of a registry version: fields and files that differ from a version of this repository.

    manifest, tree ─► fields, roles ─┐
    the registry's answer ───────────┴─► changed fields; files that are missing, added or replaced

Files are compared by role, name and record id; a replaced file has another record. Their bytes are not read here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mvc.model.manifest import Manifest
from mvc.model.tree import Tree
from mvc.registry import fields, flat_files, handmade, marker
from mvc.registry.fields import FieldChange
from mvc.registry.flat_files import RegistryFile
from mvc.registry.protocol import RemoteFile, RemoteVersion

MISSING, ADDED, REPLACED = "missing", "added", "replaced"
"""Changes of a file."""


@dataclass(frozen=True, slots=True, order=True)
class FileDrift:
    """A file of a registry version that differs, by role; `change` is one of the three above."""

    role: str
    change: str
    detail: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the file's drift as a JSON value."""
        return {"role": self.role, "what": self.change, "detail": self.detail}


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
    tree: Tree, files: Sequence[RemoteFile], recorded_ids: Mapping[str, Any], *, by_hand: bool
) -> tuple[FileDrift, ...]:
    """Compare the files of a registry version with a tree; `recorded_ids` are the ids of the files' records by role."""
    own = [file for file in files if file.name != marker.NAME]
    roles = _roles(own) if by_hand else [file.name for file in own]
    expected = set(tree.by_role)
    changes = [FileDrift(role, MISSING) for role in sorted(expected - set(roles))]
    repeated = {role for role, count in Counter(roles).items() if count > 1}
    for role, file in zip(roles, own, strict=True):
        if role not in expected:
            changes.append(FileDrift(role, ADDED, file.filename))
        elif role in repeated or recorded_ids.get(role, file.id) != file.id:
            changes.append(FileDrift(role, REPLACED, file.filename))
    return tuple(sorted(set(changes)))


def note(version: RemoteVersion, files: Sequence[RemoteFile], ids: Mapping[str, str]) -> dict[str, Any]:
    """Return what an import note keeps of a registry version: no addresses, and the record ids of files by role."""
    return {
        "version": dict(version.raw),
        "files": [{"id": file.id, "name": file.name, "filename": file.filename} for file in files],
        "records": dict(ids),
    }


def recorded_ids(answer: Any) -> dict[str, Any]:
    """Return the record ids of files by role from the value of `note`; empty if it has none."""
    ids = answer.get("records") if isinstance(answer, dict) else None
    return ids if isinstance(ids, dict) else {}


def _roles(files: Sequence[RemoteFile]) -> list[str]:
    """Return the roles that an import gives the files; files of equal names are not distinguished without their bytes."""
    placed = flat_files.place([RegistryFile(file.name, file.filename, file.id) for file in files])
    return [file.role for file in placed]


def _values(manifest: Manifest) -> dict[str, Any]:
    """Return the values of a manifest that an import reads from fields, by key."""
    return {**fields.by_key(manifest), "labels": manifest.ext.get(handmade.EXT)}


def _are_equal(one: Any, two: Any) -> bool:
    return bool(one == two) and isinstance(one, bool) == isinstance(two, bool)
