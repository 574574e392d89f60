"""MLflow's model registry by the calls of a tracking server, which also serves the artifacts.

registered-models/get, model-versions/search, runs/get, logged-models/ID
mlflow-artifacts/artifacts?path=…  a folder          mlflow-artifacts/artifacts/PATH  a file
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from mvc import errors
from mvc.model.paths import escape_name
from mvc.registry.hubs.hub import Access
from mvc.registry.mlflow.address import Address, quoted
from mvc.registry.mlflow.client import Client
from mvc.registry.mlflow.registry import Artifact, ModelVersion, NoArtifactsError, RegisteredModel, Run

SERVED = "api/2.0/mlflow-artifacts/artifacts"
_PAGE, _MAX_ROWS, _MAX_FILES, _MAX_DEPTH = 200, 100_000, 100_000, 32
_READY = "READY"


class Server:
    """The registry of a server."""

    def __init__(self, where: Address, access: Access) -> None:
        """Connect to nothing yet. Raises PlainHttp."""
        self.client = Client(where, access)
        self._where = where

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def find_model(self, name: str) -> RegisteredModel | None:
        """Return a registered model; None for none."""
        try:
            row = _table(self.client.get("registered-models/get", name=name), "registered_model")
        except errors.HubLacks:
            return None
        aliases = {_text(alias, "alias"): _number(alias, "version") for alias in _rows(row, "aliases")}
        return RegisteredModel(name, _text(row, "description"), aliases)

    def model(self, name: str) -> RegisteredModel:
        """Return a registered model. Raises HubLacks."""
        model = self.find_model(name)
        if model is None:
            way = "Check the name; names are case-sensitive."
            raise errors.HubLacks(hub=self._where.server, what=f"model {name!r}", way=way)
        return model

    def versions(self, name: str) -> Sequence[ModelVersion]:
        """Return the versions of a model, by number."""
        quoted_name = name.replace("'", "''")
        rows: list[dict[str, Any]] = []
        page: dict[str, str] = {}
        while True:
            answer = self.client.get("model-versions/search", filter=f"name='{quoted_name}'", max_results=_PAGE, **page)
            rows += _rows(answer, "model_versions")
            page = {"page_token": _text(answer, "next_page_token")}
            if not page["page_token"] or len(rows) > _MAX_ROWS:
                break
        versions = [_version(row) for row in rows if _text(row, "name") == name and _text(row, "status") == _READY]
        return sorted(versions, key=lambda version: version.number)

    def run(self, run_id: str) -> Run:
        """Return a run; an empty one if it is gone."""
        try:
            row = _table(self.client.get("runs/get", run_id=run_id), "run")
        except errors.HubLacks:
            return Run()
        info, data = _table(row, "info"), _table(row, "data")
        user = _text(info, "user_id")
        metrics = {_text(metric, "key"): metric.get("value") for metric in _rows(data, "metrics")}
        return Run(
            _text(info, "run_name"),
            user if user != "unknown" else "",
            _pairs(data, "params"),
            {key: _float(value) for key, value in metrics.items()},
            _pairs(data, "tags"),
        )

    def artifacts(self, version: ModelVersion) -> Iterator[Artifact]:
        """Yield the files of a version. Raises NoArtifactsError."""
        top = self.served_path(self._location(version))
        waiting, count = [(top, 0)], 0
        while waiting:
            folder, depth = waiting.pop()
            for row in self._listed(folder):
                name, is_folder = _text(row, "path").rpartition("/")[2], row.get("is_dir") is True
                path = f"{folder}/{name}"
                count += 1
                if count > _MAX_FILES or depth > _MAX_DEPTH:
                    raise NoArtifactsError(f"more than {_MAX_FILES} files, or folders too deep")
                if is_folder and name:
                    waiting.append((path, depth + 1))
                elif name:
                    size = _number(row, "file_size") if "file_size" in row else None
                    content = partial(self.client.download, f"{SERVED}/{quoted(path)}", size)
                    yield Artifact(path.removeprefix(f"{top}/"), size, content)

    def served_path(self, uri: str) -> str:
        """Return the path by which the server serves artifacts at `uri`. Raises NoArtifactsError if it does not."""
        try:
            parts = urlsplit(uri)
        except ValueError:
            raise NoArtifactsError(f"they are at {escape_name(uri)}, which is not an address") from None
        if parts.scheme != "mlflow-artifacts":
            reason = f"they are at {escape_name(uri)}; start the server with --serve-artifacts"
            raise NoArtifactsError(reason)
        return parts.path.strip("/")

    def _location(self, version: ModelVersion) -> str:
        """Return the place of the artifacts; of a logged model, that of the model."""
        if not version.source.startswith("models:/m-"):
            return version.source
        try:
            answer = self.client.get(f"logged-models/{quoted(version.source.removeprefix('models:/'))}")
        except errors.HubLacks:
            raise NoArtifactsError(f"{escape_name(version.source)} is gone") from None
        return _text(_table(_table(answer, "model"), "info"), "artifact_uri")

    def _listed(self, folder: str) -> list[dict[str, Any]]:
        try:
            return _rows(self.client.folder(SERVED, folder), "files")
        except errors.HubLacks:
            raise NoArtifactsError(f"the server has no folder {escape_name(folder)}") from None


def _version(row: Mapping[str, Any]) -> ModelVersion:
    return ModelVersion(
        _number(row, "version"),
        _number(row, "creation_timestamp"),
        _text(row, "source"),
        _text(row, "run_id"),
        _text(row, "user_id"),
        _text(row, "description"),
        _pairs(row, "tags"),
    )


def _rows(row: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    value = row.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _table(row: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = row.get(key)
    return value if isinstance(value, dict) else {}


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""


def _number(row: Mapping[str, Any], key: str) -> int:
    """Return a whole number, which may be a text; 0 for anything else."""
    value = row.get(key)
    if isinstance(value, str) and value.isdecimal() and len(value) < 20:
        return int(value)
    return value if type(value) is int else 0


def _float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def _pairs(row: Mapping[str, Any], key: str) -> dict[str, str]:
    return {_text(pair, "key"): _text(pair, "value") for pair in _rows(row, key) if _text(pair, "key")}
