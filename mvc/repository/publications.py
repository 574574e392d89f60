"""Where versions are on a registry: what `published` logs tell, which lead to no version and keep none.

refs/<model>/published/picsellia/<version id>/0000000001   place: #3 "v7-3f9c2ab1d0f4" of model helmets of acme
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mvc.model.ids import VersionId
from mvc.storage.reflog import PUBLISHED, Move, Place, RefEntry, RefName

if TYPE_CHECKING:
    from mvc.repository.repository import Repository

PICSELLIA = "picsellia"
"""The one kind of registry there is."""
KIND = f"{PUBLISHED}/{PICSELLIA}"


def ref_of(model: str, version: VersionId) -> RefName:
    """The log that tells where a version is."""
    return RefName(model, KIND, version)


def places(repository: Repository, model: str, version: VersionId) -> list[Place]:
    """Where a version is, each place once, as it was told last; oldest first."""
    found: dict[tuple[str, str], Place] = {}
    for entry in repository.refs.entries(ref_of(model, version)):
        if entry.place is not None:
            found[entry.place.host, entry.place.id] = entry.place
    return list(found.values())


def every(repository: Repository, model: str) -> Iterator[tuple[VersionId, Place]]:
    """Every version of `model` that is on a registry, with each of its places."""
    for ref in repository.refs.all(model, KIND):
        id_ = VersionId(ref.name)
        yield from ((id_, place) for place in places(repository, model, id_))


def tell(repository: Repository, model: str, version: VersionId, place: Place, move: Move) -> bool:
    """Under the lock: have it told that `version` is at `place`; False when that is known. Raises RefMoved."""
    if place in places(repository, model, version):
        return False
    ref = ref_of(model, version)
    repository.refs.create(ref, RefEntry.telling(ref, repository.refs.tip(ref), place, move))
    return True
