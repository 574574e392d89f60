"""The lineage of a version that was exported from an experiment: its base version, its run's parameters, its datasets.

    version ─► context ─┬─► experiment ─► base version: the parent
                        │       └─► name, project, page ─┐
                        └─► dataset versions ─► names ───┴─► import note

Names are edited, and may be denied to some: they are noted beside the version, and are no part of its identity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.registry.experiments.protocol import RemoteExperiment
from mvc.registry.protocol import Raw, Registry, RemoteContext, RemoteDataset, RemoteDatasetVersion, RemoteVersion


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a version: an experiment, the parameters of its run, and the dataset versions attached to it."""

    experiment: RemoteExperiment
    datasets: tuple[RemoteDataset, ...] = ()
    parameters: Raw = field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        """Return the values of `[source]` in model.toml."""
        experiment = _without_empty(
            id=self.experiment.id,
            name=self.experiment.name,
            project=self.experiment.project,
            url=self.experiment.url,
            parameters=dict(self.parameters),
        )
        rows = [_without_empty(alias=row.alias, name=row.name, version=row.version, id=row.id) for row in self.datasets]
        return {**({"experiment": experiment} if experiment else {}), **({"datasets": rows} if rows else {})}


@dataclass(frozen=True, slots=True)
class Lineage:
    """The context of a registry version, and its experiment if that can be read; `fault` is the reason if not."""

    context: RemoteContext | None = None
    experiment: RemoteExperiment | None = None
    fault: str = ""

    @property
    def base(self) -> str | None:
        """The registry version that the experiment began with; None for none."""
        return self.experiment.base if self.experiment is not None else None


@dataclass
class Reader:
    """Reads lineages; an experiment or a dataset version that several versions have is read once."""

    registry: Registry
    _experiments: dict[str, RemoteExperiment | None] = field(default_factory=dict)
    _datasets: dict[tuple[str, str], RemoteDataset] = field(default_factory=dict)

    def of(self, version: RemoteVersion) -> Lineage:
        """Return the lineage of a version. Raises as the registry does, except where access is denied."""
        # retry an answer without a context: without it, the version id would differ
        context = self.registry.context(version) or self.registry.context(version)
        if context is None or context.experiment is None:
            return Lineage(context)
        experiment = self._experiment(context.experiment)
        fault = "" if experiment is not None else f"experiment {context.experiment} cannot be read: its base is unknown"
        return Lineage(context, experiment, fault)

    def names(self, lineage: Lineage) -> dict[str, Any]:
        """Return experiment and dataset versions with their names, as `[source]` has them; empty without a context."""
        context = lineage.context
        if context is None or not (context.experiment or context.datasets):
            return {}
        experiment = lineage.experiment or RemoteExperiment(context.experiment or "")
        return Source(experiment, tuple(self._dataset(dataset) for dataset in context.datasets)).values()

    def _experiment(self, id_: str) -> RemoteExperiment | None:
        if id_ not in self._experiments:
            try:
                self._experiments[id_] = self.registry.experiment(id_) or self.registry.experiment(id_)
            except errors.RegistryDenied:
                self._experiments[id_] = None
        return self._experiments[id_]

    def _dataset(self, dataset: RemoteDataset) -> RemoteDataset:
        key = dataset.alias, dataset.id
        if key not in self._datasets:
            try:
                self._datasets[key] = self.registry.dataset(*key) or dataset
            except errors.RegistryDenied:
                self._datasets[key] = dataset
        return self._datasets[key]


def is_named(row: Mapping[str, Any]) -> bool:
    """Return whether a recorded dataset version names one: by its id, or by its name and version."""
    return bool(row.get("id") or (row.get("name") and row.get("version")))


def find_dataset(registry: Registry, row: Mapping[str, Any]) -> RemoteDatasetVersion | None:
    """Return the dataset version that a recorded one names; None if the registry does not have it."""
    if row.get("id"):
        return registry.dataset_version(row["id"])
    return registry.find_dataset_version(row["name"], row["version"])


def dataset_label(row: Mapping[str, Any]) -> str:
    """Return the name of a recorded dataset version for users: `traffic@12`, else what is recorded of it."""
    name, version = row.get("name", ""), row.get("version", "")
    return f"{name}@{version}" if name and version else name or row.get("alias") or row.get("id", "")


def with_names(source: Mapping[str, Any], names: Any) -> dict[str, Any]:
    """Return a version's `source` with noted names of the same experiment and dataset versions."""
    if not isinstance(names, dict):
        return dict(source)
    named = dict(source)
    experiment, noted = source.get("experiment"), names.get("experiment")
    if isinstance(experiment, dict) and isinstance(noted, dict) and experiment.get("id") == noted.get("id"):
        named["experiment"] = {**noted, **experiment}
    rows = names.get("datasets") if isinstance(names.get("datasets"), list) else []
    by_id = {(row.get("alias"), row.get("id")): row for row in rows or [] if isinstance(row, dict)}
    if "datasets" in source:
        named["datasets"] = _named(source["datasets"], by_id)
    return named


def _named(rows: Sequence[Mapping[str, Any]], by_id: Mapping[tuple[Any, Any], Mapping[str, Any]]) -> list[Any]:
    return [{**by_id.get((row.get("alias"), row.get("id")), {}), **row} for row in rows]


def _without_empty(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}
