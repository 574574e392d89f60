"""The experiments of a model on a registry: created with a version as their base, and imported as the next version."""

from __future__ import annotations

from collections.abc import Mapping

from mvc.api.session import Revision, Session, Who
from mvc.porcelain import experiment as porcelain
from mvc.porcelain.experiment import CreatedExperiment, Experiment, Job, ShownExperiment
from mvc.porcelain.import_experiment import ImportedExperiment, import_experiment
from mvc.storage.progress import Progress


class Experiments:
    """The experiments of a model on its registry, by default the only one; the token is read from the environment.

    Every method raises NoRegistry, NoToken, NotOnRegistry, and errors of the registry.
    """

    def __init__(self, session: Session, model: str) -> None:
        """Hold the experiments of `model`."""
        self._session = session
        self._model = model

    def all(self, *, project: str | None = None, registry: str | None = None) -> tuple[Experiment, ...]:
        """Return the experiments of `project`, else those of any project that belong to versions of the model."""
        with self._session.registry(registry) as connected:
            return porcelain.experiments(self._session.of(self._model), connected, project)

    def show(self, experiment: str, *, project: str | None = None, registry: str | None = None) -> ShownExperiment:
        """Return an experiment, by its id or name, with its datasets, parameters, metrics and artifacts.

        Raises AmbiguousExperiment if several projects have one of that name.
        """
        with self._session.registry(registry) as connected:
            return porcelain.show(self._session.of(self._model), connected, experiment, project)

    def create(
        self,
        revision: Revision = "HEAD",
        *,
        project: str,
        name: str | None = None,
        datasets: Mapping[str, str] | None = None,
        launch: bool = False,
        gpus: int = 1,
        gpu_type: str | None = None,
        registry: str | None = None,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> CreatedExperiment:
        """Create an experiment that begins with `revision`, which is published first; an existing one is completed.

        `datasets` are versions by alias: `{"train": "traffic@12"}`. `launch` starts the job, once, on `gpus` of
        `gpu_type`. Raises BadDataset, ExperimentDiffers, LaunchUncertain, LaunchElsewhere, and as `publish`.
        """
        who, version = self._session.actor(actor), self._session.resolve(self._model, revision)
        with self._session.registry(registry) as connected:
            return porcelain.create(
                self._session.of(self._model),
                connected,
                version,
                who,
                project=project,
                name=name,
                datasets=datasets,
                job=Job(gpus, gpu_type) if launch else None,
                progress=progress,
            )

    def import_result(
        self,
        experiment: str,
        *,
        project: str | None = None,
        branch: str | None = None,
        message: str | None = None,
        registry: str | None = None,
        allow_unsafe: bool = False,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> ImportedExperiment:
        """Record the result of an experiment, exported or not, as the next version of `branch` (default: the current one).

        Raises AmbiguousExperiment, BaseNotHere, BaseOfOtherModel, BaseNotAtTip, NoResult, and as `Model.record`.
        """
        who = self._session.actor(actor)
        with self._session.registry(registry) as connected:
            return import_experiment(
                self._session.of(self._model),
                connected,
                experiment,
                who,
                project=project,
                branch=branch,
                message=message,
                allow_unsafe=allow_unsafe,
                progress=progress,
            )

    def __repr__(self) -> str:
        return f"<Experiments of {self._model}>"
