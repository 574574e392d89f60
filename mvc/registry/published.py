"""The state of a version on a registry: none, begun, complete or changed.

named v7-3f9c2ab1d0f4 ─► its marker ─┬─ none: begun, to be resumed
                                     ├─ valid, of this version, and all files listed: complete
                                     └─ anything else: changed
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.tree import Tree
from mvc.registry import marker
from mvc.registry.marker import Marker
from mvc.registry.protocol import Registry, RemoteFile, RemoteModel, RemoteVersion

ID_DIGITS = 12
"""Digits of a version's id in its name on a registry."""
_NAME = re.compile(rf"v[1-9][0-9]*-[0-9a-f]{{{ID_DIGITS}}}\Z")


class State(Enum):
    """The state of a registry version: begun (no marker), complete, or changed (not as it was published)."""

    BEGUN = "begun"
    COMPLETE = "complete"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A registry version with the name of a version of this repository; if it was changed, the reason."""

    version: RemoteVersion
    files: tuple[RemoteFile, ...]
    state: State
    reason: str = ""


def version_name(number: int, id_: VersionId) -> str:
    """Return the name of a version on a registry: `v7-3f9c2ab1d0f4`."""
    return f"v{number}-{id_[:ID_DIGITS]}"


def is_version_name(text: str) -> bool:
    """Return True if `text` has the form of such a name."""
    return _NAME.match(text) is not None


def candidates(registry: Registry, model: RemoteModel, name: str, id_: VersionId) -> list[Candidate]:
    """Return the registry versions of that name, by number."""
    if registry.find_version(model, name) is None:
        return []
    namesakes = [version for version in registry.versions(model) if version.name == name]
    return [inspect(registry, version, id_) for version in namesakes]


def best(namesakes: Sequence[Candidate]) -> Candidate | None:
    """Return the candidate to use: the first complete one, else the first begun, else the first."""
    order = (State.COMPLETE, State.BEGUN, State.CHANGED)
    return min(namesakes, key=lambda one: (order.index(one.state), one.version.number), default=None)


def inspect(registry: Registry, version: RemoteVersion, id_: VersionId) -> Candidate:
    """Return a registry version as a candidate for the publication of the version `id_`."""
    files = tuple(registry.files(version))
    marker_files = [file for file in files if file.name == marker.NAME]
    if not marker_files:
        return Candidate(version, files, State.BEGUN)
    reason = ""
    for file in marker_files:
        decoded, reason = read_marker(registry, file)
        if decoded is not None:
            reason = _mismatch(decoded, version, files, id_)
            if not reason:
                return Candidate(version, files, State.COMPLETE)
    return Candidate(version, files, State.CHANGED, reason)


def read_marker(registry: Registry, file: RemoteFile) -> tuple[Marker | None, str]:
    """Return the marker in a file; None and the reason if there is none."""
    blocks: list[bytes] = []
    try:
        registry.download(file, blocks.append, limit=marker.MAX_BYTES)
        return Marker.decode(b"".join(blocks)), ""
    except errors.NotCanonical as error:
        return None, f"{marker.NAME} is not a valid marker ({error.fields['reason']})"
    except errors.RegistryFault as error:
        return None, f"{marker.NAME} cannot be read ({error.fields['reason']})"


def file_mismatch(tree: Tree, files: Sequence[RemoteFile]) -> str:
    """Describe how the roles of files differ from those of a tree; empty if they are equal."""
    counts = Counter(file.name for file in files if file.name != marker.NAME)
    repeated = sorted(role for role, count in counts.items() if count > 1)
    missing, added = sorted(set(tree.by_role) - set(counts)), sorted(set(counts) - set(tree.by_role))
    parts = [("missing files", missing), ("unknown files", added), ("repeated files", repeated)]
    return "; ".join(f"{noun}: {', '.join(roles)}" for noun, roles in parts if roles)


def _mismatch(decoded: Marker, version: RemoteVersion, files: Sequence[RemoteFile], id_: VersionId) -> str:
    if decoded.model_version != version.id:
        return f"{marker.NAME} belongs to another registry version"
    if decoded.id != id_:
        return f"{marker.NAME} belongs to version {decoded.id[:10]}"
    return file_mismatch(decoded.served, files)
