"""The training run of this process, read from the variables that Picsellia sets in its training containers.

    api_token, experiment_id                                both are set: a training run
    host, organization_id or organization_name              its platform and organization, if not the default

Picsellia's own training images read the same variables. The token is stored nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mvc.registry.protocol import RemoteDataset, RemoteExperiment

TOKEN = "api_token"  # noqa: S105 - the name of a variable
EXPERIMENT = "experiment_id"


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """An experiment id and its registry; `organization` is a name, an id, or empty for the token owner's own."""

    experiment: str
    organization: str
    host: str | None
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a version: an experiment, and the dataset versions that are attached to it."""

    experiment: RemoteExperiment
    datasets: tuple[RemoteDataset, ...] = ()

    def values(self) -> dict[str, Any]:
        """Return the values of `[source]` in model.toml."""
        experiment = _without_empty(
            id=self.experiment.id,
            name=self.experiment.name,
            project=self.experiment.project,
            url=self.experiment.url,
        )
        rows = [_without_empty(alias=row.alias, name=row.name, version=row.version, id=row.id) for row in self.datasets]
        return {**({"experiment": experiment} if experiment else {}), **({"datasets": rows} if rows else {})}


def from_environment(environ: Mapping[str, str]) -> TrainingRun | None:
    """Return the training run that these variables describe; None for none."""
    token, experiment = environ.get(TOKEN, "").strip(), environ.get(EXPERIMENT, "").strip()
    if not token or not experiment:
        return None
    organization = environ.get("organization_id") or environ.get("organization_name") or ""
    return TrainingRun(experiment, organization.strip(), environ.get("host") or None, token)


def _without_empty(**values: str | None) -> dict[str, str]:
    return {key: value for key, value in values.items() if value}
