"""`mvc source`: the experiment and the dataset versions that a version was trained with.

training run ─► its experiment: name, page, dataset versions ─► [source] of model.toml ─► the next version
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mvc import errors, lazy
from mvc.model.ids import VersionId
from mvc.porcelain import edit
from mvc.porcelain.edit import Edited
from mvc.registry import connection, contents, lineage, training_run
from mvc.registry.protocol import Registry, RemoteExperiment
from mvc.registry.training_run import Source
from mvc.remotes.backends.registry_address import HOST
from mvc.repository import places
from mvc.repository.model import Model
from mvc.repository.repository import writes
from mvc.storage.records import import_notes

if TYPE_CHECKING:
    from mvc.model.toml import edit as toml_edit
else:
    toml_edit = lazy.Module("mvc.model.toml.edit")

_EXPERIMENT, _DATASETS = ("source", "experiment"), ("source", "datasets")


def read_experiment(registry: Registry, experiment: str) -> Source:
    """Return an experiment of a registry and its dataset versions. Raises NotOnRegistry, and as the registry does."""
    known = registry.experiment(experiment)
    if known is None:
        name = f"experiment {experiment!r}"
        raise errors.NotOnRegistry(registry=registry.organization or registry.host, what=name, known="others")
    return Source(known, tuple(sorted(registry.datasets(experiment), key=lambda dataset: (dataset.alias, dataset.id))))


def unread_experiment(experiment: str) -> Source:
    """Return a source that has only the id of an experiment."""
    return Source(RemoteExperiment(experiment))


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A training run that model.toml names; `changed` is False if it did before.

    `fault` is the error that kept the experiment from being read, so that only its id is recorded.
    """

    experiment: str
    changed: bool
    fault: errors.MvcError | None = None


@writes
def record_run(model: Model, variables: Mapping[str, str]) -> RecordedRun | None:
    """Record in model.toml the training run that the environment's `variables` describe; return None if they describe none."""
    source, fault = of_run(variables, offline=model.repository.offline)
    if source is None:
        return None
    return RecordedRun(source.experiment.id, bool(record(model, source)), fault)


def of_run(variables: Mapping[str, str], *, offline: bool) -> tuple[Source | None, errors.MvcError | None]:
    """Return the source that `variables` describe, and the error that kept its experiment from being read; None for none."""
    run = training_run.from_environment(variables)
    if run is None:
        return None, None
    try:
        if offline:
            raise errors.Offline(what=f"experiment {run.experiment}")
        with connection.registry_at(run.organization, run.host or HOST, run.token) as registry:
            return read_experiment(registry, run.experiment), None
    except errors.MvcError as error:
        return unread_experiment(run.experiment), error


@writes
def record(model: Model, source: Source) -> list[Edited]:
    """Set `[source]` of model.toml, and return what changed. Raises as editing does.

    A source with only an id leaves what is recorded of that experiment.
    """
    known = edit.get(model, None).get("source", {})
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

    return edit.rewrite(model, change, (_EXPERIMENT, _DATASETS))


def show(model: Model, version: VersionId | None = None) -> dict[str, Any]:
    """Return the source of a version, or of model.toml; empty for none. Raises Missing, Damaged.

    An imported version has the names that were noted when it was imported here.
    """
    if version is None:
        return dict(edit.get(model, None).get("source", {}))
    objects, door = model.repository.objects, model.repository.door
    source = dict(objects.manifest(objects.version(version).manifest).source)
    for place in places.places(model, version) if source else ():
        source = lineage.with_names(source, contents.noted_names(import_notes.read(door, places.PICSELLIA, place.id)))
    return source


def _id(known: Any) -> str | None:
    experiment = known.get("experiment", {})
    return experiment.get("id") if isinstance(experiment, dict) else None
