"""Reports of damaged packs on a remote (`meta/damaged/`): readers then prefer other packs with the same chunks.

    meta/damaged/<pack id>.damaged   a sealed record; the pack is known from the name

A hint is not proof, and a wrong one costs only time: the pack is read last, and verified like any other. Only
`mvc gc --remote` deletes a pack, after reading it.
"""

from __future__ import annotations

from collections.abc import Iterable

from mvc.model.ids import PackId, is_id
from mvc.remotes.backends.backend import Backend, Listed
from mvc.storage.packs import metapacks
from mvc.storage.records import sealed
from mvc.storage.records.reflog import Move

FOLDER = f"{metapacks.FOLDER}/damaged"
"""Below `meta/`, so that hints are in the listing that every reader requests."""
_END = ".damaged"


def path(pack: PackId) -> str:
    """Return the name of the hint that `pack`, of chunks or of metadata, is damaged."""
    return f"{FOLDER}/{pack}{_END}"


def named(listed: Iterable[Listed]) -> set[PackId]:
    """Return the packs that the hints among `listed` name."""
    names = (each.name for each in listed if each.name.startswith(f"{FOLDER}/") and each.name.endswith(_END))
    ids = (name.removeprefix(f"{FOLDER}/").removesuffix(_END) for name in names)
    return {PackId(id_) for id_ in ids if is_id(id_)}


def leave(backend: Backend, pack: PackId, move: Move) -> None:
    """Create the hint that `pack` is damaged, unless it exists; `move` has its finder and time."""
    record = {"kind": "damaged", "v": 1, "pack": pack, "by": move.by, "at": move.at.to_json()}
    backend.create(path(pack), sealed.seal(record))
