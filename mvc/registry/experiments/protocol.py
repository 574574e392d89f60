"""The interface of a registry's projects and experiments (a typing protocol): find, create and launch them.

    RemoteProject ─► RemoteExperiment ─► RemoteLog        parameters, labelmap, metrics

Artifacts, dataset versions and exports are methods of the registry itself. Nothing is changed or deleted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from mvc.deferred import dataclass


@dataclass(frozen=True, slots=True)
class RemoteProject:
    """A project, which groups experiments; `name` is unique in its organization."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class RemoteExperiment:
    """An experiment: its id, and its name, page, project, base version (an id) and status if they were asked for."""

    id: str
    name: str | None = None
    url: str | None = None
    project: str | None = None
    base: str | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteLog:
    """Something that an experiment has logged; `type` is `VALUE`, `TABLE`, `LINE` and the like."""

    name: str
    type: str
    data: Any


@dataclass(frozen=True, slots=True)
class RemoteJob:
    """A training job on the platform's machines."""

    id: str
    status: str


class Experiments(Protocol):
    """The experiments of one organization. Methods raise as those of the registry do."""

    def projects(self) -> Sequence[RemoteProject]:
        """Return every project, sorted by name."""

    def find_project(self, name: str) -> RemoteProject | None:
        """Return the project of that name; None for none."""

    def in_project(self, project: RemoteProject) -> Sequence[RemoteExperiment]:
        """Return every experiment of a project, sorted by name."""

    def find(self, project: RemoteProject, name: str) -> RemoteExperiment | None:
        """Return the experiment of that name in a project; None for none."""

    def create(
        self, project: RemoteProject, name: str, base: str, parameters: Mapping[str, Any]
    ) -> tuple[RemoteExperiment, bool]:
        """Create an experiment that begins with the registry version `base`, once.

        Return it, and False if it is one that somebody else created meanwhile under that name.
        """

    def datasets(self) -> Mapping[str, str]:
        """Return the ids of the datasets by their names."""

    def attach(self, experiment_id: str, alias: str, dataset_version_id: str) -> None:
        """Attach a dataset version under an alias, once. Raises RegistryConflict if the alias has another one."""

    def logs(self, experiment_id: str) -> Sequence[RemoteLog]:
        """Return everything that an experiment has logged."""

    def gpu_types(self) -> Sequence[str]:
        """Return the kinds of GPU that a job may ask for."""

    def launch(self, experiment_id: str, gpus: int, gpu_type: str | None) -> RemoteJob:
        """Start a training job; a second call starts another one. Raises RegistryUncertain if there is no answer."""
