"""`mvc experiment`: create an experiment with a version as its base, list experiments, show one.

    project, datasets ─► that name there? ─┬─ no ──────────────────► published? ─► create ─┐
                                           ├─ yes, the same base ──────────────────────────┴─► attach ─► launch
                                           └─ yes, another base or other datasets: refused

All names are checked before anything is created. Nothing that exists is changed, so an interrupted command is repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys, rows
from mvc.model.ids import VersionId
from mvc.porcelain import publish
from mvc.registry import experiment_export, fields, marker, published, publishing, recorded_places
from mvc.registry.experiments import launches, lookup
from mvc.registry.experiments import run as runs
from mvc.registry.experiments.launches import Launch
from mvc.registry.experiments.protocol import RemoteExperiment, RemoteProject
from mvc.registry.protocol import Registry, RemoteDataset, RemoteFile
from mvc.registry.publishing import LocalVersion
from mvc.repository import history, places
from mvc.repository.model import Model
from mvc.repository.repository import Actor, writes
from mvc.storage.progress import Progress

_INTERRUPTED = "an earlier command was interrupted while it started the job"
_MEANWHILE = "another command of this repository is starting it"


@dataclass(frozen=True, slots=True)
class Experiment(Document):
    """An experiment. `base` is the registry's id of the version that it began with, `version` that version here.

    `results` are the versions here that name the experiment as their source.
    """

    KEYS = keys("id name project status page=url base version results")

    id: str
    name: str | None
    project: str | None
    status: str | None
    url: str | None
    base: str | None
    version: VersionId | None = None
    results: tuple[VersionId, ...] = ()


@dataclass(frozen=True, slots=True)
class CreatedExperiment(Document):
    """An experiment that began with `version`; `created` is False if it existed before, with the same base.

    `job` is the id of its job, if this repository started one. `notes` are warnings of the publication of its base.
    """

    KEYS = keys("*experiment created datasets job notes")

    experiment: Experiment
    created: bool
    datasets: tuple[RemoteDataset, ...] = ()
    job: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownExperiment(Document):
    """An experiment with its dataset versions, its logged parameters and single values, and its artifacts."""

    KEYS = keys(
        "*experiment datasets parameters metrics", {"artifacts": rows("artifacts", "role=name filename")}, "notes"
    )

    experiment: Experiment
    datasets: tuple[RemoteDataset, ...]
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    artifacts: tuple[RemoteFile, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """A request to start the training job on the platform's machines."""

    gpus: int = 1
    gpu_type: str | None = None


@dataclass(frozen=True)
class Linked:
    """The versions of a model that experiments began with, by registry id, and those that name one as their source."""

    bases: Mapping[str, VersionId] = field(default_factory=dict)
    results: Mapping[str, tuple[VersionId, ...]] = field(default_factory=dict)

    def has(self, experiment: RemoteExperiment) -> bool:
        """Return whether an experiment belongs to a version of the model."""
        return experiment.base in self.bases or experiment.id in self.results

    def of(self, experiment: RemoteExperiment) -> Experiment:
        """Return an experiment with its versions here."""
        return Experiment(
            experiment.id,
            experiment.name,
            experiment.project,
            experiment.status,
            experiment.url,
            experiment.base,
            self.bases.get(experiment.base or ""),
            self.results.get(experiment.id, ()),
        )


def linked(model: Model, registry: Registry) -> Linked:
    """Return the versions of `model` that experiments of `registry` may belong to."""
    objects = model.repository.objects
    bases = {place.id: id_ for id_, place in places.every(model) if recorded_places.is_on(place, registry)}
    results: dict[str, tuple[VersionId, ...]] = {}
    for id_, version in history.walk(objects, history.tips(model)):
        experiment = experiment_export.experiment_of(objects.manifest(version.manifest))
        if experiment is not None:
            results[experiment] = (*results.get(experiment, ()), id_)
    return Linked(bases, results)


def experiments(model: Model, registry: Registry, project: str | None = None) -> tuple[Experiment, ...]:
    """Return the experiments of a project, else those of any project that belong to versions of `model`.

    Raises NotOnRegistry, and as the registry does.
    """
    api, links = registry.experiments, linked(model, registry)
    projects = [lookup.project(registry, project)] if project is not None else api.projects()
    listed = [experiment for each_project in projects for experiment in api.in_project(each_project)]
    return tuple(links.of(experiment) for experiment in listed if project is not None or links.has(experiment))


def show(model: Model, registry: Registry, name: str, project: str | None = None) -> ShownExperiment:
    """Return an experiment by its id or name. Raises NotOnRegistry, AmbiguousExperiment, and as the registry does."""
    experiment = lookup.experiment(registry, name, project)
    run = runs.read(registry, experiment)
    return ShownExperiment(
        linked(model, registry).of(experiment),
        run.source.datasets,
        run.parameters or {},
        run.metrics,
        tuple(marker.without(registry.artifacts(experiment.id))),
        run.warnings,
    )


@writes
def create(
    model: Model,
    registry: Registry,
    version: VersionId,
    actor: Actor,
    *,
    project: str,
    name: str | None = None,
    datasets: Mapping[str, str] | None = None,
    job: Job | None = None,
    progress: Progress | None = None,
) -> CreatedExperiment:
    """Create an experiment of `project` that begins with `version`, which is published first, and attach `datasets`.

    `datasets` are `DATASET@VERSION` by alias; `name` defaults to the version's name on the registry. With `job`, its
    training is started, once. Raises NotOnRegistry, BadDataset, ExperimentDiffers, LaunchUncertain, LaunchElsewhere, and as
    `publish` does.
    """
    local = publishing.local_version(model.repository, version)
    request = _Request(
        model,
        registry,
        local,
        lookup.project(registry, project),
        name or local.name,
        lookup.datasets(registry, datasets or {}),
        job,
    )
    return request.run(actor, progress)


@dataclass(frozen=True)
class _Request:
    """The experiment that `create` was asked for."""

    model: Model
    registry: Registry
    local: LocalVersion
    project: RemoteProject
    name: str
    datasets: tuple[RemoteDataset, ...]
    job: Job | None

    def run(self, actor: Actor, progress: Progress | None) -> CreatedExperiment:
        """Create what is missing."""
        existing = self.registry.experiments.find(self.project, self.name)
        launch = launches.read(self.model.repository, self.registry, self.project, self.name)
        launch = launch.of(existing.id if existing is not None else None)
        if existing is not None:
            self._check(existing)
        self._check_job(existing, launch)
        done = publish.publish(self.model, self.registry, [self.local.id], actor, progress=progress)
        (base,) = done.versions
        assert base.place is not None  # noqa: S101 - it is complete
        experiment, is_new = (existing, False) if existing is not None else self._create(base.place.id, launch)
        if existing is None and not is_new:
            launch = launch.reread().of(experiment.id)
            self._check(experiment)
            self._check_job(experiment, launch)
        attached = self._attach(experiment)
        job = self._launch(experiment, launch) if self.job is not None else launch.job
        shown = linked(self.model, self.registry).of(experiment)
        return CreatedExperiment(shown, is_new, attached, job, base.notes)

    # --- checks

    def _check(self, experiment: RemoteExperiment) -> None:
        """Raise ExperimentDiffers unless an existing experiment has the base, and no other dataset versions."""
        if not self._is_base(experiment.base):
            raise self._differs(experiment, "it began with another version")
        attached = {dataset.alias: dataset for dataset in self.registry.datasets(experiment.id)}
        for dataset in self.datasets:
            other = attached.get(dataset.alias)
            if other is not None and other.id != dataset.id:
                raise self._differs(experiment, f"{dataset.alias} is {other.name}@{other.version} in it")

    def _is_base(self, base: str | None) -> bool:
        """Return whether a registry version is one that the version was published as, by this repository or another."""
        if base is None:
            return False
        recorded = places.places(self.model, self.local.id)
        if any(place.id == base and recorded_places.is_on(place, self.registry) for place in recorded):
            return True
        remote = self.registry.version(base)
        return remote is not None and remote.name == published.version_name(self.local.version.number, self.local.id)

    def _check_job(self, existing: RemoteExperiment | None, launch: Launch) -> None:
        """Raise if a job could be a second one, or be of an unknown kind."""
        if self.job is None:
            return
        kinds = self.registry.experiments.gpu_types() if self.job.gpu_type is not None else ()
        if self.job.gpu_type is not None and self.job.gpu_type not in kinds:
            name = f"GPU type {self.job.gpu_type!r}"
            raise errors.NotOnRegistry(registry=self.registry.organization, what=name, known=", ".join(kinds))
        if existing is None:
            return
        page = existing.url or self.registry.host
        if launch.state == launches.NONE:
            raise errors.LaunchElsewhere(name=self.name, page=page)
        if launch.state == launches.LAUNCHING:
            raise errors.LaunchUncertain(name=self.name, page=page, reason=_INTERRUPTED)

    def _differs(self, experiment: RemoteExperiment, reason: str) -> errors.ExperimentDiffers:
        page = experiment.url or self.registry.host
        return errors.ExperimentDiffers(name=self.name, project=self.project.name, reason=reason, page=page)

    # --- steps

    def _create(self, base: str, launch: Launch) -> tuple[RemoteExperiment, bool]:
        """Create the experiment; return it, and False if somebody else created one with this base meanwhile."""
        parameters: Mapping[str, Any] = fields.request(self.local.manifest).get("parameters", {})
        launch.claim(launches.CREATING)
        experiment, is_new = self.registry.experiments.create(self.project, self.name, base, parameters)
        if is_new or launch.reread().experiment != experiment.id:  # else another command of this repository created it
            launch.write(launches.CREATED if is_new else launches.NONE, experiment=experiment.id)
        return experiment, is_new

    def _attach(self, experiment: RemoteExperiment) -> tuple[RemoteDataset, ...]:
        """Attach the dataset versions that are missing; return all."""
        known = {(dataset.alias, dataset.id) for dataset in self.registry.datasets(experiment.id)}
        for dataset in self.datasets:
            if (dataset.alias, dataset.id) not in known:
                self.registry.experiments.attach(experiment.id, dataset.alias, dataset.id)
        return runs.attached(self.registry, experiment)

    def _launch(self, experiment: RemoteExperiment, launch: Launch) -> str | None:
        """Start the job, unless it was started before."""
        assert self.job is not None  # noqa: S101 - called with a job
        if launch.state == launches.LAUNCHED:
            return launch.job
        page = experiment.url or self.registry.host
        if not launch.claim(launches.LAUNCHING):
            raise errors.LaunchUncertain(name=self.name, page=page, reason=_MEANWHILE)
        try:
            job = self.registry.experiments.launch(experiment.id, self.job.gpus, self.job.gpu_type)
        except errors.RegistryUncertain as error:
            raise errors.LaunchUncertain(name=self.name, page=page, reason=str(error.fields["reason"])) from error
        except errors.MvcError:  # it was refused, or never sent
            launch.write(launches.CREATED)
            raise
        launch.write(launches.LAUNCHED, job=job.id)
        return job.id
