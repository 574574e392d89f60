"""Where versions are on a registry: what `published` logs tell, which lead to no version and keep none.

refs/<model>/published/picsellia/<version id>/0000000001   place: #3 "v7-3f9c2ab1d0f4" of model helmets of acme
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.version import Version
from mvc.storage.records.reflog import PUBLISHED, Move, Place, RefEntry, RefName

if TYPE_CHECKING:
    from mvc.repository.repository import Repository

PICSELLIA = "picsellia"
"""The one kind of registry there is."""
KIND = f"{PUBLISHED}/{PICSELLIA}"
PREFIX = f"{PICSELLIA}:"
"""What the names of versions on the registry begin with."""
_SHOWN = 10


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


def has_any(repository: Repository, model: str) -> bool:
    """Whether any version of `model` is told to be on a registry."""
    return bool(repository.refs.all(model, KIND))


def every(repository: Repository, model: str) -> Iterator[tuple[VersionId, Place]]:
    """Every version of `model` that is on a registry, with each of its places."""
    for ref in repository.refs.all(model, KIND):
        id_ = VersionId(ref.name)
        yield from ((id_, place) for place in places(repository, model, id_))


def named(repository: Repository, text: str) -> tuple[str, VersionId]:
    """The model here and the version that `MODEL@3` is on the registry: by its number there, else by its name.

    Of one that was changed there and imported again, the version that was published. Raises UnknownOnRegistry,
    AmbiguousRevision.
    """
    model, _, wanted = text.rpartition("@")
    told = [
        (key, id_, place)
        for key in repository.refs.models()
        for id_, place in every(repository, key)
        if place.model == model and repository.objects.has(id_)
    ]
    found = [each for each in told if str(each[2].number) == wanted] or [
        each for each in told if each[2].name == wanted
    ]
    if not found:
        known = sorted({f"{place.model}@{place.number}" for _, _, place in told}, key=len)
        raise errors.UnknownOnRegistry(text=f"{PREFIX}{text}", known=", ".join(known[-_SHOWN:]) or "none of that model")
    there = {place.id: f"{place.organization} at {place.host}" for _, _, place in found}
    if len(there) > 1:
        raise errors.AmbiguousRevision(text=f"{PREFIX}{text}", candidates=", ".join(sorted(there.values())))
    key, id_, _ = max(found, key=lambda each: rank(repository, each[1]))
    return key, id_


def rank(repository: Repository, id_: VersionId) -> tuple[bool, int]:
    """Of several versions here of one there, the one with the highest is it: what was published, or came last."""
    version = repository.objects.version(id_)
    return not is_by_hand(version), version.number


def is_by_hand(version: Version) -> bool:
    """Whether a version here was made of one that somebody made on a registry."""
    return version.author.name.startswith(PREFIX) and not version.author.email


def record(repository: Repository, model: str, version: VersionId, place: Place, move: Move) -> bool:
    """Under the lock: have it told that `version` is at `place`; False when that is known. Raises RefMoved."""
    if place in places(repository, model, version):
        return False
    ref = ref_of(model, version)
    repository.refs.create(ref, RefEntry.telling(ref, repository.refs.tip(ref), place, move))
    return True
