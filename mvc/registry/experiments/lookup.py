"""Lookup of projects, experiments and dataset versions by the names that a user types, with the known names in errors.

exp-88                     the experiment of that name, in one project or in any
0197a2c4-…                 the experiment of that id
train=traffic@12           version 12 of the dataset traffic, as `train`
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from mvc import errors
from mvc.plural import count
from mvc.registry.experiments.protocol import RemoteExperiment, RemoteProject
from mvc.registry.protocol import Registry, RemoteDataset

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
_SHOWN = 10
_LIST = ("see `mvc experiment list --project PROJECT`",)


def project(registry: Registry, name: str) -> RemoteProject:
    """Return the project of that name. Raises NotOnRegistry."""
    known = registry.experiments.find_project(name)
    if known is None:
        names = [project.name for project in registry.experiments.projects()]
        raise _absent(registry, f"project {name!r}", names)
    return known


def experiment(registry: Registry, name: str, project_name: str | None = None) -> RemoteExperiment:
    """Return the experiment of an id, or of a name in a project, or in any. Raises NotOnRegistry, AmbiguousExperiment."""
    if _ID.match(name):
        known = registry.experiment(name)
        if known is not None:
            return known
        raise _absent(registry, f"experiment {name}", _LIST)
    projects = [project(registry, project_name)] if project_name is not None else registry.experiments.projects()
    namesakes = [known for one in projects if (known := registry.experiments.find(one, name)) is not None]
    if not namesakes:
        if len(projects) != 1:
            raise _absent(registry, f"experiment {name!r} in {count(len(projects), 'project')}", _LIST)
        names = (one.name or one.id for one in registry.experiments.in_project(projects[0]))
        raise _absent(registry, f"experiment {name!r} in project {projects[0].name}", names)
    if len(namesakes) > 1:
        listed = ", ".join(f"{one.id} in {one.project}" for one in namesakes)
        raise errors.AmbiguousExperiment(count=len(namesakes), name=name, candidates=listed)
    return namesakes[0]


def parse_datasets(texts: Iterable[str]) -> dict[str, str]:
    """Return `DATASET@VERSION` by alias of texts such as `train=traffic@12`. Raises BadDataset."""
    datasets: dict[str, str] = {}
    for text in texts:
        alias, equals, dataset = text.partition("=")
        if not alias or not equals:
            raise errors.BadDataset(text=text, reason="it has no alias")
        if alias in datasets:
            raise errors.BadDataset(text=text, reason=f"the alias {alias} is used twice")
        datasets[alias] = dataset
    return datasets


def datasets(registry: Registry, requested: Mapping[str, str]) -> tuple[RemoteDataset, ...]:
    """Return the dataset versions of `DATASET@VERSION` by alias. Raises BadDataset, NotOnRegistry."""
    return tuple(_datasets(registry, requested))


def _datasets(registry: Registry, requested: Mapping[str, str]) -> Iterator[RemoteDataset]:
    for alias, text in requested.items():
        name, _, number = text.rpartition("@")
        if not alias or not name or not number:
            raise errors.BadDataset(text=f"{alias}={text}", reason="it has no alias, dataset or version")
        version = registry.find_dataset_version(name, number)
        if version is None:
            raise no_dataset(registry, name, number)
        yield RemoteDataset(version.id, alias, name, number)


def no_dataset(registry: Registry, name: str, number: str) -> errors.NotOnRegistry:
    """Return the error about a dataset version that the registry does not have, with those that it has."""
    known = registry.experiments.datasets()
    if name not in known:
        return _absent(registry, f"dataset {name!r}", sorted(known))
    versions = (version.version for version in registry.dataset_versions(known[name]))
    return _absent(registry, f"version {number!r} of dataset {name!r}", versions)


def _absent(registry: Registry, thing: str, known: Iterable[str]) -> errors.NotOnRegistry:
    listed = list(known)
    more = ", …" if len(listed) > _SHOWN else ""
    return errors.NotOnRegistry(
        registry=registry.organization, what=thing, known=", ".join(listed[:_SHOWN]) + more or "none"
    )
