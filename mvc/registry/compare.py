"""Whether a version on a registry still is what it was when it was published, or imported: field by field, file by file.

what was recorded here ─► fields, roles ─┐
what the registry answers now ───────────┴─► changed fields, and files that are gone, new, or other ones

Files are told apart by what is listed: role, name, and the record that holds them, which is another one when a file was
replaced. Their bytes are read only where that is asked for.
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
from mvc.registry.protocol import RemoteFile, RemoteVersion

MISSING, ADDED, REPLACED = "missing", "added", "replaced"
"""What became of a file."""


@dataclass(frozen=True, slots=True, order=True)
class FileDrift:
    """A file that a registry has otherwise than it was recorded."""

    role: str
    what: str
    detail: str = ""

    def to_json(self) -> dict[str, str]:
        """For machines."""
        return {"role": self.role, "what": self.what, "detail": self.detail}


def changed_fields(manifest: Manifest, version: RemoteVersion, *, by_hand: bool) -> tuple[FieldChange, ...]:
    """Compare the fields of a registry version with a manifest; of one made by hand, as they would be imported now."""
    if not by_hand:
        return fields.changes(fields.request(manifest), version.raw)
    old, new = _values(manifest), _values(handmade.read(version, None, {}).manifest)
    keys = dict.fromkeys([*old, *new])
    return tuple(
        FieldChange(key, old.get(key), new.get(key)) for key in keys if not _is_same(old.get(key), new.get(key))
    )


def changed_files(
    tree: Tree, listed: Sequence[RemoteFile], known: Mapping[str, Any], *, by_hand: bool
) -> tuple[FileDrift, ...]:
    """Where the files listed there differ from those of a tree; `known` are the records' ids by role, as far as noted."""
    there = [file for file in listed if file.name != marker.NAME]
    roles = _roles(there) if by_hand else [file.name for file in there]
    here = set(tree.by_role)
    found = [FileDrift(role, MISSING) for role in sorted(here - set(roles))]
    twice = {role for role, count in Counter(roles).items() if count > 1}
    for role, file in zip(roles, there, strict=True):
        if role not in here:
            found.append(FileDrift(role, ADDED, file.filename))
        elif role in twice or known.get(role, file.id) != file.id:
            found.append(FileDrift(role, REPLACED, file.filename))
    return tuple(sorted(set(found)))


def noted(version: RemoteVersion, listed: Sequence[RemoteFile], roles: Mapping[str, str]) -> dict[str, Any]:
    """What is kept of an answer: all of it, without addresses, and which record holds the file of each role."""
    return {
        "version": dict(version.raw),
        "files": [{"id": file.id, "name": file.name, "filename": file.filename} for file in listed],
        "records": dict(roles),
    }


def records(note: Any) -> dict[str, Any]:
    """The records' ids by role that a note tells; none of one that tells nothing."""
    found = note.get("records") if isinstance(note, dict) else None
    return found if isinstance(found, dict) else {}


def _roles(there: Sequence[RemoteFile]) -> list[str]:
    """The roles that the files would have here; of two of one name, which is which is not known without their bytes."""
    return [placed.role for placed in flat_files.place([flat_files.Listed(f.name, f.filename, f.id) for f in there])]


def _values(manifest: Manifest) -> dict[str, Any]:
    """Return what of a manifest was read from the fields of a version, by key."""
    return {**fields.by_key(manifest), "labels": manifest.ext.get(handmade.EXT)}


def _is_same(one: Any, two: Any) -> bool:
    return bool(one == two) and isinstance(one, bool) == isinstance(two, bool)
