"""A training job as it runs in a container: the plain SDK, without mvc."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mvc.registry.picsellia import sdk
from tests.servers.picsellia import ORGANIZATION, TOKEN, Platform, Row

METRICS = {"val/mAP50": 0.71, "epochs_done": 3}


def client(platform: Platform) -> Any:
    """The SDK's client."""
    return sdk.load().Client(TOKEN, organization_name=ORGANIZATION, host=platform.host)


def train(platform: Platform, experiment: str, folder: Path, files: Mapping[str, bytes]) -> None:
    """Train from the experiment's parameters and artifacts, store `files` by role, and log what a trainer logs."""
    job = client(platform).get_experiment_by_id(experiment)
    parameters = job.get_log("parameters").data
    job.log_parameters({**parameters, "seed": 7})
    for epoch in range(2):
        job.log("train/loss", [1.0 / (epoch + 1)], "LINE")
    for name, value in METRICS.items():
        job.log(name, value, "VALUE")
    for role, data in files.items():
        path = folder / f"{role}.onnx"
        path.write_bytes(data)
        job.store(role, path)


def context(platform: Platform, row: Row) -> Any:
    """The context of a version, as the SDK reads it."""
    return client(platform).get_model_version_by_id(row["id"]).get_context()
