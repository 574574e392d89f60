"""`mvc source`: the experiment and dataset versions of a version's training run.

a training run's experiment ─► its name, page and dataset versions ─► [source] of model.toml ─► the next version
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mvc import errors, lazy
from mvc.model.ids import VersionId
from mvc.porcelain import edit
from mvc.porcelain.edit import Edited
from mvc.registry import connection, training_run
from mvc.registry.protocol import Registry, RemoteExperiment
from mvc.registry.training_run import Source
from mvc.remotes.backends.registry_address import HOST
from mvc.repository.repository import Repository, writes

if TYPE_CHECKING:
    from mvc.model.toml import edit as toml_edit
else:
    toml_edit = lazy.Module("mvc.model.toml.edit")

_EXPERIMENT, _DATASETS = ("source", "experiment"), ("source", "datasets")


def ask(registry: Registry, experiment: str) -> Source:
    """Return a registry's record of an experiment; raise NotOnRegistry, and as the registry does."""
    found = registry.experiment(experiment)
    if found is None:
        what = f"experiment {experiment!r}"
        raise errors.NotOnRegistry(registry=registry.organization or registry.host, what=what, known="others")
    return Source(found, tuple(sorted(registry.datasets(experiment), key=lambda each: (each.alias, each.id))))


def of_id(experiment: str) -> Source:
    """Return a source with only the id of an experiment."""
    return Source(RemoteExperiment(experiment))


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """The training run recorded in model.toml; `changed` is false if it was recorded before.

    `fault` says why the registry could not be asked, so that only the id is recorded.
    """

    experiment: str
    changed: bool
    fault: errors.MvcError | None = None


@writes
def record_run(repository: Repository, model: str, variables: Mapping[str, str]) -> RecordedRun | None:
    """Record the training run of the environment's `variables` in model.toml; return None if they describe none."""
    found, fault = of_run(variables, offline=repository.offline)
    if found is None:
        return None
    return RecordedRun(found.experiment.id, bool(record(repository, model, found)), fault)


def of_run(variables: Mapping[str, str], *, offline: bool) -> tuple[Source | None, errors.MvcError | None]:
    """Return the source of the training run, and why only its id is known; None outside a run."""
    run = training_run.of(variables)
    if run is None:
        return None, None
    try:
        if offline:
            raise errors.Offline(what=f"experiment {run.experiment}")
        with connection.registry_at(run.organization, run.host or HOST, run.token) as registry:
            return ask(registry, run.experiment), None
    except errors.MvcError as error:
        return of_id(run.experiment), error


@writes
def record(repository: Repository, model: str, source: Source) -> list[Edited]:
    """Write the source of the next version into `[source]` of model.toml; return the changes.

    A source that is only an id keeps the other values of that experiment. Raises as editing does.
    """
    known = edit.get(repository, model, None).get("source", {})
    values = source.values()
    if values == {"experiment": {"id": source.experiment.id}} and _id(known) == source.experiment.id:
        return []
    if known.get("experiment") == values["experiment"] and known.get("datasets") == values.get("datasets"):
        return []

    def change(text: str) -> str:
        for key in (_EXPERIMENT, _DATASETS):
            if key[1] in known:
                text = toml_edit.unset_key(text, key)
            if key[1] in values:
                text = toml_edit.set_key(text, key, values[key[1]])
        return text

    return edit.rewrite(repository, model, change, (_EXPERIMENT, _DATASETS))


def show(repository: Repository, model: str, version: VersionId | None = None) -> dict[str, Any]:
    """Return the source of a version, or of the present model.toml, empty if unknown; raise Missing, Damaged."""
    if version is None:
        return dict(edit.get(repository, model, None).get("source", {}))
    return dict(repository.objects.manifest(repository.objects.version(version).manifest).source)


def _id(known: Any) -> str | None:
    experiment = known.get("experiment", {})
    return experiment.get("id") if isinstance(experiment, dict) else None
