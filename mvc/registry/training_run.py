"""The training run that a process is part of, by the variables that Picsellia sets in its training containers.

    api_token, experiment_id                                both are there: a run
    host, organization_id or organization_name              where, if not the default

They are what Picsellia's own training images read. The token is used for asking, and kept nowhere.
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
    """An experiment by its id, and how to ask for more about it; `organization` is a name, an id, or empty for one's own."""

    experiment: str
    organization: str
    host: str | None
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Source:
    """What a version comes from: an experiment, and the dataset versions that are attached to it."""

    experiment: RemoteExperiment
    datasets: tuple[RemoteDataset, ...] = ()

    def values(self) -> dict[str, Any]:
        """As `[source]` of model.toml has it."""
        experiment = _said(id=self.experiment.id, name=self.experiment.name, url=self.experiment.url)
        rows = [_said(alias=each.alias, name=each.name, version=each.version, id=each.id) for each in self.datasets]
        return {"experiment": experiment, **({"datasets": rows} if rows else {})}


def of(environ: Mapping[str, str]) -> TrainingRun | None:
    """The run that these variables tell of, None for none."""
    token, experiment = environ.get(TOKEN, "").strip(), environ.get(EXPERIMENT, "").strip()
    if not token or not experiment:
        return None
    organization = environ.get("organization_id") or environ.get("organization_name") or ""
    return TrainingRun(experiment, organization.strip(), environ.get("host") or None, token)


def _said(**values: str | None) -> dict[str, str]:
    return {key: value for key, value in values.items() if value}
