"""What is on a registry of a version: under its name, how far each of those is, and which one counts.

named v7-3f9c2ab1d0f4 ─► its marker ─┬─ none: begun, and to be gone on with
                                     ├─ valid, for it and for this version, and all files listed: complete
                                     └─ anything else: not what was published
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from mvc import errors
from mvc.model.ids import FileId, Hasher, VersionId
from mvc.model.tree import Tree
from mvc.registry import marker
from mvc.registry.marker import Marker
from mvc.registry.protocol import Registry, RemoteFile, RemoteModel, RemoteVersion

ID_DIGITS = 12
"""Digits of a version's id in its name on a registry."""
_NAME = re.compile(rf"v[1-9][0-9]*-[0-9a-f]{{{ID_DIGITS}}}\Z")


class State(Enum):
    """How far a version on a registry is."""

    BEGUN = "begun"
    COMPLETE = "complete"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version on a registry that has the name of one here; of a changed one, the reason."""

    there: RemoteVersion
    files: tuple[RemoteFile, ...]
    state: State
    reason: str = ""


def version_name(number: int, id_: VersionId) -> str:
    """Return the name of a version on a registry: `v7-3f9c2ab1d0f4`."""
    return f"v{number}-{id_[:ID_DIGITS]}"


def is_version_name(text: str) -> bool:
    """Return whether `text` has the form of such a name."""
    return _NAME.match(text) is not None


def candidates(registry: Registry, model: RemoteModel, name: str, version: VersionId) -> list[Candidate]:
    """Those of that name, by number."""
    if registry.find_version(model, name) is None:
        return []
    named = [there for there in registry.versions(model) if there.name == name]
    return [look(registry, there, version) for there in named]


def chosen(found: Sequence[Candidate]) -> Candidate | None:
    """The one that counts: the first complete one, else the first that was begun, else the first."""
    order = (State.COMPLETE, State.BEGUN, State.CHANGED)
    return min(found, key=lambda each: (order.index(each.state), each.there.number), default=None)


def look(registry: Registry, there: RemoteVersion, version: VersionId) -> Candidate:
    """How far `there` is, if it is to be `version`."""
    files = tuple(registry.files(there))
    markers = [file for file in files if file.name == marker.NAME]
    if not markers:
        return Candidate(there, files, State.BEGUN)
    reason = ""
    for each in markers:
        found, reason = read_marker(registry, each)
        if found is not None:
            reason = _disagreement(found, there, files, version)
            if not reason:
                return Candidate(there, files, State.COMPLETE)
    return Candidate(there, files, State.CHANGED, reason)


def read_marker(registry: Registry, file: RemoteFile) -> tuple[Marker | None, str]:
    """The marker that a file is; None, and why, where it is none."""
    pieces: list[bytes] = []
    try:
        registry.download(file, pieces.append, limit=marker.MAX_BYTES)
        return Marker.decode(b"".join(pieces)), ""
    except errors.NotCanonical as error:
        return None, f"its {marker.NAME} is none ({error.fields['reason']})"
    except errors.RegistryFault as error:
        return None, f"its {marker.NAME} cannot be read ({error.fields['reason']})"


def file_of(registry: Registry, file: RemoteFile, size: int) -> FileId | None:
    """The id of a file there, read whole; None when it is longer than `size` bytes."""
    hasher = Hasher()
    try:
        registry.download(file, hasher.update, limit=size)
    except errors.RegistryFault:
        return None
    return FileId(hasher.digest())


def listed(tree: Tree, files: Sequence[RemoteFile]) -> str:
    """Why these are not the files of a tree, by their roles; empty when they are."""
    counted = Counter(file.name for file in files if file.name != marker.NAME)
    twice = sorted(role for role, count in counted.items() if count > 1)
    missing, more = sorted(set(tree.by_role) - set(counted)), sorted(set(counted) - set(tree.by_role))
    parts = [("it lacks", missing), ("it has besides", more), ("it has several times", twice)]
    return "; ".join(f"{what} {', '.join(roles)}" for what, roles in parts if roles)


def _disagreement(found: Marker, there: RemoteVersion, files: Sequence[RemoteFile], version: VersionId) -> str:
    if found.model_version != there.id:
        return f"its {marker.NAME} is that of another one"
    if found.id != version:
        return f"its {marker.NAME} is that of {found.id[:10]}"
    return listed(found.tree, files)
