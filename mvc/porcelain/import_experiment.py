"""`mvc import --experiment`: the result of a training run, exported or not, becomes the next version of a branch.

    experiment ─► base version ─► the parent, at the tip of the branch
        ├─► logs, dataset versions ─► parameters, metrics, labelmap, source ─┐
        └─► artifacts ─► tmp/ ─► files by role ──────────────────────────────┴─► record: version, branch

A result that a version of the model already has is not imported again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import roles
from mvc.model.document import Document, keys
from mvc.model.ids import SHORT, VersionId
from mvc.model.paths import escape_name
from mvc.model.toml import secrets
from mvc.porcelain import source
from mvc.registry import experiment_export
from mvc.registry.experiments import artifacts as downloads
from mvc.registry.experiments import lookup
from mvc.registry.experiments import run as runs
from mvc.registry.experiments.artifacts import Artifacts
from mvc.registry.experiments.protocol import RemoteExperiment
from mvc.registry.experiments.run import Run
from mvc.registry.protocol import Registry
from mvc.registry.values import are_equal
from mvc.repository import history, places
from mvc.repository.model import Model
from mvc.repository.record.files import record_files
from mvc.repository.record.options import Changes, Options
from mvc.repository.record.scanned import KEY as SCAN
from mvc.repository.repository import Actor, writes
from mvc.storage.progress import Progress
from mvc.storage.records.reflog import HEADS

_FAILED = ("FAILED", "CANCELED", "TERMINATED")
"""Statuses of an experiment whose result may be incomplete."""


@dataclass(frozen=True, slots=True)
class ImportedExperiment(Document):
    """The version with the result of an experiment; `created` is False if the model had it before, on any branch.

    `branch` is the branch that moved to it, None for none. `base` is the version that the experiment began with. `notes`
    are warnings. `received` is in bytes.
    """

    KEYS = keys("experiment name model version number branch base created notes bytes_received=received")

    experiment: str
    name: str | None
    model: str
    version: VersionId
    number: int
    branch: str | None
    base: VersionId | None
    created: bool
    notes: tuple[str, ...] = ()
    received: int = 0


@writes
def import_experiment(
    model: Model,
    registry: Registry,
    name: str,
    actor: Actor,
    *,
    project: str | None = None,
    branch: str | None = None,
    message: str | None = None,
    allow_unsafe: bool = False,
    progress: Progress | None = None,
) -> ImportedExperiment:
    """Record the result of an experiment, by its id or name, on `branch` (default: the current one, a new one at the base).

    Raises NotOnRegistry, AmbiguousExperiment, BaseNotHere, BaseOfOtherModel, BaseNotAtTip, NoResult, ImportUnsafe, as
    `record_files`, and as the registry does.
    """
    experiment = lookup.experiment(registry, name, project)
    base = _base(model, registry, experiment)
    parent = _parent(model, experiment, base, branch)
    run = _fit(runs.read(registry, experiment))
    with downloads.downloaded(model.repository, registry, experiment, base, progress) as artifacts:
        _check_result(experiment, artifacts)
        known = _known(model, run, artifacts)
        if known is not None:
            number = model.repository.objects.version(known).number
            return ImportedExperiment(
                experiment.id, experiment.name, model.key, known, number, None, base, created=False,
                received=artifacts.received,
            )  # fmt: skip
        with _named_in_refusals(experiment):
            recorded = record_files(
                model,
                artifacts.files,
                message or f"Result of experiment {experiment.name or experiment.id}",
                actor,
                changes=_changes(model, run, parent),
                options=Options(branch=branch, parent=parent, allow_secret=True, allow_unsafe=allow_unsafe),
                progress=progress,
            )
    notes = (
        *(problem.message for problem in recorded.warnings if problem.key == SCAN),
        *_status(experiment),
        *_without_base(experiment, recorded.version.parents),
        *run.warnings,
        *artifacts.notes,
    )
    manifest = model.repository.objects.manifest(recorded.version.manifest)
    leaks = [
        f"{leak.key} looks like a secret: {leak.kind}" for leak in secrets.find(manifest, recorded.version.message)
    ]
    return ImportedExperiment(
        experiment.id, experiment.name, model.key, recorded.id, recorded.version.number, recorded.branch, base,
        created=True, notes=(*notes, *leaks), received=artifacts.received,
    )  # fmt: skip


@contextlib.contextmanager
def _named_in_refusals(experiment: RemoteExperiment) -> Iterator[None]:
    """Raise ImportUnsafe for ScanRefused: the files were downloaded, and there is no path of theirs to scan."""
    try:
        yield
    except errors.ScanRefused as error:
        name = escape_name(experiment.name or experiment.id)
        raise errors.ImportUnsafe(step=f"experiment {name}", listed=error.fields["listed"]) from None


# --- the parent


def _base(model: Model, registry: Registry, experiment: RemoteExperiment) -> VersionId | None:
    """Return the version that an experiment began with; None if it began with none. Raises BaseNotHere, BaseOfOtherModel."""
    if experiment.base is None:
        return None
    repository, called = model.repository, experiment.name or experiment.id
    recorded = [
        (key, id_)
        for key in repository.refs.models()
        for id_, place in places.every(Model(repository, key))
        if (place.host, place.id) == (registry.host, experiment.base) and repository.objects.has(id_)
    ]
    own = [id_ for key, id_ in recorded if key == model.key]
    if own:
        return max(own, key=lambda id_: places.rank(repository, id_))
    if recorded:
        key, id_ = recorded[0]
        label = history.label(repository, id_)
        raise errors.BaseOfOtherModel(name=called, base=label, model=key, current=model.key)
    remote = registry.version(experiment.base)
    where = f"picsellia://{registry.organization}/"
    if remote is None:
        raise errors.BaseNotHere(name=called, base=f"{experiment.base}, which was deleted", url=f"{where}MODEL")
    base = f"#{remote.number} {remote.name} of {remote.model.name}"
    raise errors.BaseNotHere(name=called, base=base, url=f"{where}{remote.model.name}@{remote.number}")


def _parent(model: Model, experiment: RemoteExperiment, base: VersionId | None, branch: str | None) -> VersionId | None:
    """Return the parent of the result: the tip if it is an earlier result of the experiment, else the base.

    Raises BaseNotAtTip if the branch has other versions since.
    """
    name = branch or model.head.branch
    tip = model.target(HEADS, name) if name is not None else None
    if tip is None or base is None or tip == base:
        return base
    objects = model.repository.objects
    if experiment_export.experiment_of(objects.manifest(objects.version(tip).manifest)) == experiment.id:
        return tip
    raise errors.BaseNotAtTip(
        branch=name, tip=tip[:SHORT], base=history.label(model.repository, base), name=experiment.name or experiment.id
    )


# --- the result


def _check_result(experiment: RemoteExperiment, artifacts: Artifacts) -> None:
    """Raise NoResult if there is nothing but copies from the base version."""
    name = experiment.name or experiment.id
    if not artifacts.files:
        raise errors.NoResult(name=name, reason="it has no artifacts")
    if artifacts.copies == artifacts.files.keys():
        raise errors.NoResult(name=name, reason="its artifacts are those of the version that it began with")


def _known(model: Model, run: Run, artifacts: Artifacts) -> VersionId | None:
    """Return a version of the model that has this result; None for none."""
    objects = model.repository.objects
    for id_, version in history.walk(objects, history.tips(model)):
        manifest = objects.manifest(version.manifest)
        if experiment_export.experiment_of(manifest) != run.source.experiment.id:
            continue
        served = roles.expanded(manifest, objects.tree(version.tree)).by_role
        same_files = {role: entry.file for role, entry in served.items()} == artifacts.contents
        # an exported version has no metrics, and what it has of names is not part of it
        metrics = {} if places.is_by_hand(version) else run.metrics
        same_values = are_equal(dict(manifest.parameters), run.parameters or dict(manifest.parameters))
        same_metrics = are_equal(dict(manifest.metrics), metrics)
        if same_files and same_values and same_metrics and _datasets(manifest.source) == _datasets(run.source.values()):
            return id_
    return None


def _datasets(recorded: Mapping[str, Any]) -> set[tuple[Any, Any]]:
    return {(row.get("alias"), row.get("id")) for row in recorded.get("datasets", ())}


def _fit(run: Run) -> Run:
    """Return a run without parameters that look like secrets, or that model.toml cannot hold."""
    reasons = {key: source.unfit(key, value) for key, value in (run.parameters or {}).items()}
    left_out = [f"parameter {key} left out: {reason}" for key, reason in reasons.items() if reason]
    if not left_out:
        return run
    kept = {key: value for key, value in (run.parameters or {}).items() if not reasons[key]}
    return replace(
        run,
        parameters=kept,
        source=replace(run.source, parameters=kept),
        warnings=(*run.warnings, *left_out),
    )


def _changes(model: Model, run: Run, parent: VersionId | None) -> Changes:
    """Return the changes of the parent's values; equal classes are left as its model.toml has them."""
    assignments, replaced = list(run.changes()), run.replaced()
    if parent is not None and run.labels is not None:
        objects = model.repository.objects
        labelmap = objects.manifest(objects.version(parent).manifest).labelmap
        if {str(number): name for number, name in labelmap} == run.labels:
            assignments = [(key, value) for key, value in assignments if key[0] != "labelmap"]
            replaced -= {"labelmap"}
    return Changes(assignments, (), replaced)


# --- notes


def _status(experiment: RemoteExperiment) -> Iterator[str]:
    if experiment.status in _FAILED:
        yield f"the status of the experiment is {experiment.status}"


def _without_base(experiment: RemoteExperiment, parents: tuple[VersionId, ...]) -> Iterator[str]:
    if experiment.base is None:
        yield f"the experiment began with no version; the parent is {parents[0][:SHORT] if parents else 'none'}"
