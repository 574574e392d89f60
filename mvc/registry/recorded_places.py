"""Places of versions on a registry, as recorded here, and the models there, which may have been renamed.

name ─► a model of that name? ─ no ─► a recorded place under that name ─► the model of its id, whatever its name is now
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mvc import errors
from mvc.model.ids import VersionId
from mvc.registry.protocol import Registry, RemoteModel, RemoteVersion
from mvc.repository import places
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage.records.reflog import Place


def place_of(registry: Registry, version: RemoteVersion) -> Place:
    """Return the place of a registry version."""
    model = version.model
    return Place(registry.host, registry.organization, model.name, model.id, version.number, version.name, version.id)


def is_on(place: Place, registry: Registry) -> bool:
    """Return whether a place is on this registry."""
    return (place.host, place.organization) == (registry.host, registry.organization)


def models(model: Model, registry: Registry) -> list[RemoteModel]:
    """Return the registry models that have a recorded version of `model` and were not deleted."""
    ids = dict.fromkeys(place.model_id for place in _on(model, registry))
    return [known for known in (registry.model(id_) for id_ in ids) if known is not None]


def version_at(registry: Registry, place: Place) -> RemoteVersion:
    """Return the registry version at a place. Raises RegistryLacks."""
    version = registry.version(place.id)
    if version is None:
        raise errors.RegistryLacks(registry=registry.organization, reason=f"no version {place.name} of {place.model}")
    return version


def on_registry(model: Model, registry: Registry) -> list[tuple[VersionId, Place]]:
    """Return the versions of a model that have a recorded place on a registry, with each of these places."""
    return [(id_, place) for id_, place in places.every(model) if is_on(place, registry)]


def ids_by_version(recorded: Iterable[tuple[VersionId, Place]]) -> dict[str, list[VersionId]]:
    """Return the versions that are recorded at each registry version, by its id."""
    ids: dict[str, list[VersionId]] = {}
    for id_, place in recorded:
        ids.setdefault(place.id, []).append(id_)
    return ids


def find_model(repository: Repository, registry: Registry, name: str) -> RemoteModel | None:
    """Return the model of that name, or the one that had it when a version was last recorded there; None for none."""
    model = registry.find_model(name)
    if model is not None:
        return model
    recorded = [place for key in repository.refs.models() for place in _on(Model(repository, key), registry)]
    return _by_ids(registry, [place.model_id for place in recorded if place.model == name])


def default_model(model: Model, registry: Registry) -> tuple[str, RemoteModel | None]:
    """Return the registry model of the last recorded version, and its name when that was recorded.

    Without a record, the name is the model's own; the model is None if the registry does not have it.
    """
    recorded = list(_on(model, registry))
    if not recorded:
        return model.key, registry.find_model(model.key)
    last = recorded[-1]
    return last.model, registry.model(last.model_id) or registry.find_model(last.model)


def _on(model: Model, registry: Registry) -> Iterator[Place]:
    """Yield the recorded places of a model's versions on a registry."""
    return (place for _, place in on_registry(model, registry))


def _by_ids(registry: Registry, ids: Sequence[str]) -> RemoteModel | None:
    """Return the model of the last id that the registry still has."""
    known = (registry.model(id_) for id_ in dict.fromkeys(reversed(ids)))
    return next((model for model in known if model is not None), None)
