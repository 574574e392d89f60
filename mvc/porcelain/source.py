"""`mvc source`: the experiment and the dataset versions that a version was trained with.

training run ─► its experiment: name, page, parameters, dataset versions ─► [source] of model.toml ─► the next version
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.model.ids import VersionId
from mvc.model.toml import render, schema, secrets
from mvc.model.toml.rules import WARNING, Problem
from mvc.porcelain import edit
from mvc.porcelain.edit import Edited
from mvc.registry import connection, container, contents, fields, lineage, values
from mvc.registry.experiments.protocol import RemoteExperiment
from mvc.registry.fields import FieldChange
from mvc.registry.lineage import Source
from mvc.registry.protocol import Registry
from mvc.repository import places
from mvc.repository.model import Model
from mvc.repository.repository import Repository, writes
from mvc.storage.records import import_notes

if TYPE_CHECKING:
    from mvc.model.toml import edit as toml_edit
else:
    toml_edit = lazy.Module("mvc.model.toml.edit")

_MANY = 8
"""Parameters that are reported one by one, at most."""
_EXPERIMENT, _DATASETS = ("source", "experiment"), ("source", "datasets")


def read_experiment(registry: Registry, experiment: str) -> Source:
    """Return an experiment of a registry, its run's parameters and its dataset versions. Raises NotOnRegistry, and as the registry does."""
    known = registry.experiment(experiment)
    if known is None:
        name = f"experiment {experiment!r}"
        raise errors.NotOnRegistry(registry=registry.organization or registry.host, what=name, known="others")
    datasets = sorted(registry.datasets(experiment), key=lambda dataset: (dataset.alias, dataset.id))
    return Source(known, tuple(datasets), values.parameters(registry.run_parameters(experiment)).value)


def unread_experiment(experiment: str) -> Source:
    """Return a source that has only the id of an experiment."""
    return Source(RemoteExperiment(experiment))


@dataclass(frozen=True, slots=True)
class CurrentRun:
    """The training run of this process, as far as it could be read: `fault` is the error that left only its id.

    `left_out` are parameters that a version must not or cannot have, each with the reason.
    """

    source: Source
    fault: errors.MvcError | None = None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A training run that model.toml names; `changed` is False if it did before.

    `differing` are the keys of `[parameters]` whose values are not those of the run; it changes none of them.
    """

    run: CurrentRun
    changed: bool
    differing: tuple[FieldChange, ...] = ()

    @property
    def experiment(self) -> str:
        """The id of its experiment."""
        return self.run.source.experiment.id

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The differing parameters, one by one, or in one warning if they are many."""
        if len(self.differing) <= _MANY:
            return tuple(map(_warning, self.differing))
        names = ", ".join(each.key.partition(".")[2] for each in self.differing)
        return (Problem(WARNING, "parameters", f"{len(self.differing)} keys differ from the run: {names}"),)


@writes
def record_run(model: Model, variables: Mapping[str, str]) -> RecordedRun | None:
    """Record in model.toml the training run that the environment's `variables` describe; return None if they describe none."""
    run = current_run(model.repository, variables)
    if run is None:
        return None
    own, theirs = edit.get(model, None).get("parameters", {}), run.source.parameters
    differing = fields.changes({"parameters": own}, {"parameters": theirs}) if theirs else ()
    return RecordedRun(run, bool(record(model, run.source)), differing)


def current_run(repository: Repository, variables: Mapping[str, str]) -> CurrentRun | None:
    """Return the training run that `variables` describe; None for none."""
    inside = container.from_environment(variables)
    if inside is None or inside.experiment is None:
        return None
    try:
        with connection.of_container(repository, inside) as registry:
            return _without_unfit(read_experiment(registry, inside.experiment))
    except errors.MvcError as error:
        return CurrentRun(unread_experiment(inside.experiment), error)


def _warning(change: FieldChange) -> Problem:
    """Return the warning about a parameter whose value is not that of the run, with the command that takes the run's."""
    mine, theirs = ("unset" if value is None else render.value(value) for value in (change.recorded, change.live))
    command = ["set", f"{change.key}={theirs}"]
    if change.live is None:
        command = ["unset", change.key]
    elif isinstance(change.live, str):
        command = ["set", "--type", "str", f"{change.key}={change.live}"]
    return Problem(WARNING, change.key, f"{mine}, but {theirs} in the run", f"`{shlex.join(['mvc', *command])}`")


def _without_unfit(source: Source) -> CurrentRun:
    """Return a run without parameters that look like secrets, which a version keeps for ever, or that TOML cannot hold."""
    reasons = {key: unfit(key, value) for key, value in source.parameters.items()}
    kept = {key: value for key, value in source.parameters.items() if not reasons[key]}
    left_out = tuple(f"{key} ({reason})" for key, reason in reasons.items() if reason)
    return CurrentRun(replace(source, parameters=kept), left_out=left_out)


def unfit(key: str, value: Any) -> str:
    """Return why a version cannot have a parameter of a run; empty if it can."""
    path = (*_EXPERIMENT, "parameters", key)
    if secrets.in_value(value, path):
        return "it looks like a secret"
    try:
        schema.check(value, schema.ANY, path)
        f"{key}{render.value(value)}".encode()
    except (errors.MvcError, UnicodeError):
        return "model.toml cannot hold it"
    return ""


@writes
def record(model: Model, source: Source) -> list[Edited]:
    """Set `[source]` of model.toml, and return what changed. Raises as editing does.

    A source with only an id leaves what is recorded of that experiment.
    """
    known = edit.get(model, None).get("source", {})
    found = source.values()
    if found == {"experiment": {"id": source.experiment.id}} and _id(known) == source.experiment.id:
        return []
    if known.get("experiment") == found["experiment"] and known.get("datasets") == found.get("datasets"):
        return []

    def change(text: str) -> str:
        for key in (_EXPERIMENT, _DATASETS):
            if key[1] in known:
                text = toml_edit.unset_key(text, key)
            if key[1] in found:
                text = toml_edit.set_key(text, key, found[key[1]])
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
