"""The state of a version on a registry: none, begun, complete or changed.

named v7-3f9c2ab1d0f4 ─► its marker ─┬─ none: begun, to be resumed
                                     ├─ valid, of this version, and all its files listed: complete,
                                     │  even if files were added
                                     └─ anything else: changed
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.ids import VersionId
from mvc.registry import compare, marker
from mvc.registry.compare import FileDrift
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
    """A registry version with the name of a version of this repository; if it was changed, the reason.

    `marker` is its valid marker, None for none, and `record` the id of the marker's record.
    """

    version: RemoteVersion
    files: tuple[RemoteFile, ...]
    state: State
    reason: str = ""
    marker: Marker | None = None
    record: str = ""


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
    marker_files = marker.among(files)
    if not marker_files:
        return Candidate(version, files, State.BEGUN)
    reason = ""
    for file in marker_files:
        decoded, reason = read_marker(registry, file)
        if decoded is not None:
            reason = _mismatch(decoded, version, id_)
            if not reason:
                reason = _changed(compare.changed_roles(decoded.served, files, decoded.names))
                state = State.CHANGED if reason else State.COMPLETE
                return Candidate(version, files, state, reason, decoded, file.id)
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


def _mismatch(decoded: Marker, version: RemoteVersion, id_: VersionId) -> str:
    """Return the reason why a marker is not that of the version `id_` in a registry version; empty if it is."""
    if decoded.model_version != version.id:
        return f"{marker.NAME} belongs to another registry version"
    return f"{marker.NAME} belongs to version {decoded.id[:10]}" if decoded.id != id_ else ""


def _changed(changes: Sequence[FileDrift]) -> str:
    """Describe files that are missing, or of which several have one role."""
    kinds = (("missing files", compare.MISSING), ("repeated files", compare.REPLACED))
    roles = {noun: sorted({file.role for file in changes if file.change == change}) for noun, change in kinds}
    return "; ".join(f"{noun}: {', '.join(listed)}" for noun, listed in roles.items() if listed)
