"""The values of a training run: what its experiment has logged, as values of model.toml.

log parameters (TABLE)   ─► [parameters]       null is left out, as for imported versions
log labelmap             ─► [labelmap]
logs of type VALUE       ─► [metrics]          single numbers; lines, tables and images are no metrics
experiment, datasets     ─► [source]
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import labelmap
from mvc.model.toml import schema
from mvc.registry import values as decoding
from mvc.registry.experiments.protocol import RemoteExperiment, RemoteLog
from mvc.registry.lineage import Source
from mvc.registry.protocol import Registry, RemoteDataset

VALUE = "VALUE"
"""The type of a log that holds one value."""
PARAMETERS, LABELMAP = "parameters", "labelmap"
"""The names of the logs that Picsellia itself fills from the base version."""


@dataclass(frozen=True, slots=True)
class Run:
    """The values that an experiment has logged; None for a section that it did not log."""

    source: Source
    parameters: dict[str, Any] | None = None
    labels: dict[str, str] | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def changes(self) -> Iterator[tuple[schema.Path, Any]]:
        """Yield keys of model.toml with their values."""
        yield from ((("parameters", key), value) for key, value in (self.parameters or {}).items())
        yield from ((("labelmap", number), name) for number, name in (self.labels or {}).items())
        yield from ((("metrics", key), value) for key, value in self.metrics.items())
        yield from ((("source", key), value) for key, value in self.source.values().items())
        if labelmap.gaps(tuple((int(number), name) for number, name in (self.labels or {}).items())):
            yield ("model", "labelmap_sparse"), True

    def replaced(self) -> set[str]:
        """Return the sections that it has whole."""
        logged = {"parameters": self.parameters, "labelmap": self.labels}
        return {section for section, values in logged.items() if values is not None}


def read(registry: Registry, experiment: RemoteExperiment) -> Run:
    """Read the logs and the dataset versions of an experiment. Raises as the registry does."""
    return decoded(experiment, attached(registry, experiment), registry.experiments.logs(experiment.id))


def attached(registry: Registry, experiment: RemoteExperiment) -> tuple[RemoteDataset, ...]:
    """Return the dataset versions of an experiment, sorted by alias."""
    return tuple(sorted(registry.datasets(experiment.id), key=lambda dataset: (dataset.alias, dataset.id)))


def decoded(experiment: RemoteExperiment, datasets: tuple[RemoteDataset, ...], logs: Sequence[RemoteLog]) -> Run:
    """Return the values in `logs`."""
    by_name = {log.name: log for log in logs}
    warnings: list[str] = []
    parameters, labels = None, None
    if PARAMETERS in by_name:
        result = decoding.parameters(by_name[PARAMETERS].data)
        parameters, warnings = dict(result.value or {}), [result.warning]
    if LABELMAP in by_name:
        labels, warning = _labels(by_name[LABELMAP].data)
        warnings.append(warning)
    metrics: dict[str, float] = {}
    for log in logs:
        if log.type.upper() == VALUE and log.name not in (PARAMETERS, LABELMAP):
            number = _number(log.data)
            if number is None:
                warnings.append(f"metric {log.name}: not a number; left out")
            else:
                metrics[log.name] = number
    return Run(
        Source(experiment, datasets, parameters or {}), parameters, labels, metrics, tuple(filter(None, warnings))
    )


def _labels(data: Any) -> tuple[dict[str, str] | None, str]:
    """Return the classes of a log, or a warning; no classes for an empty log."""
    try:
        result = decoding.labels(data)
    except errors.MvcError as error:
        return None, f"labelmap: {error.message.rstrip('.')}; the base version's is kept"
    if result.value:
        return dict(result.value), ""
    return None, "labelmap: not names by class number; the base version's is kept" if result.rest else ""


def _number(data: Any) -> float | None:
    """Return a single number, which may be a list's only item; None for anything else."""
    value = data[0] if isinstance(data, list) and len(data) == 1 else data
    if type(value) is int and abs(value) < 1 << 63:
        return value
    return value if type(value) is float and math.isfinite(value) else None
