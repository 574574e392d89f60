"""A training job as a container on the platform runs it: with the platform's own SDK, which knows nothing of mvc.

experiment ─► base version ─► model-latest, downloaded ─► some numbers moved ─► stored as an artifact ─► exported
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mvc.registry.picsellia import sdk
from tests.servers.picsellia import ORGANIZATION, TOKEN

LATEST = "model-latest"


def connect(host: str) -> Any:
    """The SDK's client."""
    return sdk.load().Client(TOKEN, organization_name=ORGANIZATION, host=host)


def begin(client: Any, project: str, name: str, base: str, datasets: dict[str, str]) -> Any:
    """Create an experiment that begins with the version `base`, with dataset versions by alias."""
    version = client.get_model_version_by_id(base)
    experiment = client.get_project(project).create_experiment(name, base_model_version=version)
    for alias, id_ in datasets.items():
        experiment.attach_dataset(alias, client.get_dataset_version_by_id(id_))
    return experiment


def train(experiment: Any, folder: Path) -> None:
    """Move some of the base version's weights, store the result, and log a metric; this is all that the training does."""
    folder.mkdir(parents=True, exist_ok=True)
    file = experiment.get_base_model_version().get_file(LATEST)
    file.download(str(folder), force_replace=True)
    weights = folder / str(file.filename)
    data = bytearray(weights.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4096 : 4] = bytes(byte ^ 1 for byte in data[middle : middle + 4096 : 4])
    weights.write_bytes(data)
    experiment.log_parameters({**experiment.get_log("parameters").data, "epochs": 3})
    experiment.log("hmean", 0.82, "VALUE")
    experiment.store(LATEST, str(weights))


def export(client: Any, experiment: Any, model: str) -> int:
    """Export the experiment into a model, as its button on the web does; the number of the new version."""
    return int(experiment.export_in_existing_model(client.get_model(model)).version)


def context(client: Any, version: str) -> str:
    """The context of a version, in a line."""
    found = client.get_model_version_by_id(version).get_context()
    datasets = ", ".join(data.name for data in found.datasets)
    return f"experiment {found.get_experiment().name}, datasets {datasets}, {len(found.parameters)} parameters"
