"""Published versions: the record of their places on a registry, in ref logs that keep no version reachable.

refs/<model>/published/picsellia/<version id>/0000000001   place: #3 "v7-3f9c2ab1d0f4" of model helmets of acme
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.version import Version
from mvc.repository.model import Model
from mvc.storage.records.reflog import PUBLISHED, Move, Place, RefEntry, RefName

if TYPE_CHECKING:
    from mvc.repository.repository import Repository

PICSELLIA = "picsellia"
"""The only kind of registry so far."""
KIND = f"{PUBLISHED}/{PICSELLIA}"
PREFIX = f"{PICSELLIA}:"
"""Prefix of a revision that names a version on a registry."""
_SHOWN = 10


def ref_of(model: str, version: VersionId) -> RefName:
    """Return the log of the places of a version."""
    return RefName(model, KIND, version)


def places(model: Model, version: VersionId) -> list[Place]:
    """Return the places of a version, each once and as recorded last; oldest first."""
    found: dict[tuple[str, str], Place] = {}
    for entry in model.repository.refs.entries(ref_of(model.key, version)):
        if entry.place is not None:
            found[entry.place.host, entry.place.id] = entry.place
    return list(found.values())


def has_any(model: Model) -> bool:
    """Return whether any version of `model` has a recorded place."""
    return bool(model.repository.refs.all(model.key, KIND))


def every(model: Model) -> Iterator[tuple[VersionId, Place]]:
    """Yield each published version of `model` with each of its places."""
    for ref in model.repository.refs.all(model.key, KIND):
        id_ = VersionId(ref.name)
        yield from ((id_, place) for place in places(model, id_))


def named(repository: Repository, text: str) -> tuple[str, VersionId]:
    """Return the model and the version that are `MODEL@3` on the registry: by its number there, else by its name.

    If a version was changed there and imported again, return the published one. Raises UnknownOnRegistry,
    AmbiguousRevision.
    """
    model, _, wanted = text.rpartition("@")
    recorded = [
        (key, id_, place)
        for key in repository.refs.models()
        for id_, place in every(Model(repository, key))
        if place.model == model and repository.objects.has(id_)
    ]
    found = [each for each in recorded if str(each[2].number) == wanted] or [
        each for each in recorded if each[2].name == wanted
    ]
    if not found:
        known = sorted({f"{place.model}@{place.number}" for _, _, place in recorded}, key=len)
        raise errors.UnknownOnRegistry(text=f"{PREFIX}{text}", known=", ".join(known[-_SHOWN:]) or "none of that model")
    there = {place.id: f"{place.organization} at {place.host}" for _, _, place in found}
    if len(there) > 1:
        raise errors.AmbiguousRevision(text=f"{PREFIX}{text}", candidates=", ".join(sorted(there.values())))
    key, id_, _ = max(found, key=lambda each: rank(repository, each[1]))
    return key, id_


def rank(repository: Repository, id_: VersionId) -> tuple[bool, int]:
    """Return the rank of a version among those with one place: a published one is first, then the newest."""
    version = repository.objects.version(id_)
    return not is_by_hand(version), version.number


def is_by_hand(version: Version) -> bool:
    """Return whether a version was imported from one that was made by hand on a registry."""
    return version.author.name.startswith(PREFIX) and not version.author.email


def record(model: Model, version: VersionId, place: Place, move: Move) -> bool:
    """Record the `place` of `version`; return False if it is recorded. The caller holds the lock. Raises RefMoved."""
    if place in places(model, version):
        return False
    ref = ref_of(model.key, version)
    model.repository.refs.create(ref, RefEntry.for_place(ref, model.repository.refs.tip(ref), place, move))
    return True
