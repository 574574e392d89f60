"""Projects and experiments of an organization on Picsellia: the requests of the SDK's Project, Experiment and Dataset.

create    POST /api/project/{id}/experiments      as project.create_experiment
attach    POST /api/experiment/{id}/datasets      as experiment.attach_dataset
launch    POST /api/experiment/{id}/launch        as experiment.launch, and never repeated
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mvc import errors
from mvc.registry.experiments.protocol import RemoteExperiment, RemoteJob, RemoteLog, RemoteProject
from mvc.registry.picsellia import decode, sdk
from mvc.registry.picsellia.client import Client

_BASE = "base_model_version_id"


class PicselliaExperiments:
    """The experiments of an organization; implements `mvc.registry.experiments.protocol.Experiments`."""

    def __init__(self, client: Client) -> None:
        """Use the connection of `client`."""
        self._client = client

    def projects(self) -> Sequence[RemoteProject]:
        """List the projects, page by page."""
        rows = self._client.all(f"/api/organization/{self._client.id}/projects")
        projects = (self._client.decoded(decode.project, row) for row in rows)
        return sorted(projects, key=lambda project: (project.name, project.id))

    def find_project(self, name: str) -> RemoteProject | None:
        """Find a project as `client.get_project` does."""
        row = self._client.find(f"/api/organization/{self._client.id}/projects/find", {"name": name})
        return self._client.decoded(decode.project, row) if row is not None else None

    def in_project(self, project: RemoteProject) -> Sequence[RemoteExperiment]:
        """List the experiments of a project, page by page."""
        rows = self._client.all(f"/api/project/{decode.path_part(project.id)}/experiments")
        experiments = (self._experiment(row, project) for row in rows)
        return sorted(experiments, key=lambda experiment: (experiment.name or "", experiment.id))

    def find(self, project: RemoteProject, name: str) -> RemoteExperiment | None:
        """Find an experiment as `project.get_experiment` does."""
        row = self._client.find(f"/api/project/{decode.path_part(project.id)}/experiments/find", {"name": name})
        return self._experiment(row, project) if row is not None else None

    def create(
        self, project: RemoteProject, name: str, base: str, parameters: Mapping[str, Any]
    ) -> tuple[RemoteExperiment, bool]:
        """Create an experiment with a base version, and with its parameters, which the platform only might copy."""
        record: dict[str, Any] = {"name": name, "description": "", _BASE: base}
        record |= {"parameters": dict(parameters)} if parameters else {}
        is_own = True

        def create() -> RemoteExperiment:
            nonlocal is_own
            path = f"/api/project/{decode.path_part(project.id)}/experiments"
            try:
                return self._experiment(self._client.post(path, record), project)
            except errors.RegistryConflict:  # the result of a lost answer is found before
                is_own = False
                raise

        return self._client.create_once(create, lambda: self.find(project, name)), is_own

    def datasets(self) -> Mapping[str, str]:
        """List the datasets, page by page."""
        rows = self._client.all(f"/api/organization/{self._client.id}/datasets")
        return dict(self._client.decoded(lambda row: (str(row["name"]), str(row["id"])), row) for row in rows)

    def attach(self, experiment_id: str, alias: str, dataset_version_id: str) -> None:
        """Attach a dataset version; one that is attached under the alias is not attached again."""
        path = f"/api/experiment/{decode.path_part(experiment_id)}/datasets"

        def attach() -> bool:
            self._client.post(path, {"name": alias, "dataset_version_id": dataset_version_id})
            return True

        def find() -> bool | None:
            attached = [self._client.decoded(decode.attached, row) for row in self._client.all(path)]
            return any((row.alias, row.id) == (alias, dataset_version_id) for row in attached) or None

        self._client.create_once(attach, find)

    def logs(self, experiment_id: str) -> Sequence[RemoteLog]:
        """List what was logged, as `experiment.list_logs` does."""
        rows = self._client.all(f"/api/experiment/{decode.path_part(experiment_id)}/logs/extended")
        return [self._client.decoded(decode.log, row) for row in rows]

    def gpu_types(self) -> Sequence[str]:
        """Return the kinds of GPU that this SDK knows."""
        return [kind.value for kind in sdk.load("picsellia.types.enums").GCPSupportedGPU]

    def launch(self, experiment_id: str, gpus: int, gpu_type: str | None) -> RemoteJob:
        """Send the request of `experiment.launch`, for the organization's default compute connector."""
        path = f"/api/experiment/{decode.path_part(experiment_id)}/launch"
        record = {"gpus": gpus, "gpu_type": gpu_type, "compute_connector_id": None}
        job: RemoteJob = self._client.decoded(decode.job, self._client.post(path, record))
        return job

    def _experiment(self, row: dict[str, Any], project: RemoteProject) -> RemoteExperiment:
        """Decode an experiment; a row that does not have the base version is read in full."""
        if _BASE not in row and isinstance(row.get("id"), str):
            row = self._client.find(f"/api/experiment/{decode.path_part(row['id'])}") or row
        host = self._client.host
        experiment: RemoteExperiment = self._client.decoded(lambda raw: decode.experiment(raw, host, project.name), row)
        return experiment
