"""MLflow's model registry in a sqlite file, read-only; artifacts are files on this machine.

    registered_models, registered_model_aliases, model_versions, model_version_tags
    runs, params, latest_metrics, tags, logged_models

Artifacts must be below the folder of the database, or below the folder that `-o artifacts=DIR` names: a database made by
somebody else may name any file of this machine.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from mvc import errors
from mvc.model.paths import escape_name
from mvc.registry.mlflow.registry import Artifact, ModelVersion, NoArtifactsError, RegisteredModel, Run

_MAX_FILES, _MAX_ROWS = 100_000, 100_000
_READY = "READY"
_TIMEOUT = 5.0
"""Seconds to wait for a server that writes."""


class Database:
    """The registry in the file `path`; artifacts below its folder, or below `artifacts`, may be read."""

    def __init__(self, path: Path, artifacts: str | None = None) -> None:
        """Open the file. Raises NoSuchFile, RegistryFault."""
        self._path = path
        self._tops = [Path(os.path.realpath(path.parent)), *([Path(os.path.realpath(artifacts))] if artifacts else [])]
        if not path.is_file():
            raise errors.NoSuchFile(path=escape_name(os.fspath(path)))
        with self._translated():
            self._rows = sqlite3.connect(f"file:{quote(os.fspath(path))}?mode=ro", uri=True, timeout=_TIMEOUT)
            self._rows.row_factory = sqlite3.Row
            self._rows.execute("PRAGMA trusted_schema = OFF")

    def close(self) -> None:
        """Close the file."""
        self._rows.close()

    def model(self, name: str) -> RegisteredModel:
        """Return a registered model. Raises HubLacks."""
        rows = self._all("SELECT description FROM registered_models WHERE name = ?", name)
        if not rows:
            known = ", ".join(str(row[0]) for row in self._all("SELECT name FROM registered_models ORDER BY name"))
            raise errors.HubLacks(
                hub=escape_name(os.fspath(self._path)), what=f"model {name!r}", way=f"Models there: {known or 'none'}."
            )
        aliases = self._all("SELECT alias, version FROM registered_model_aliases WHERE name = ?", name)
        with self._translated():
            return RegisteredModel(name, str(rows[0][0] or ""), {str(row[0]): int(row[1]) for row in aliases})

    def versions(self, name: str) -> Sequence[ModelVersion]:
        """Return the versions of a model, by number."""
        rows = self._all(
            "SELECT version, creation_time, user_id, description, source, run_id, storage_location FROM model_versions"
            " WHERE name = ? AND status = ? AND current_stage <> 'Deleted_Internal' ORDER BY version",
            name,
            _READY,
        )
        with self._translated():
            return [
                ModelVersion(
                    int(row["version"]),
                    int(row["creation_time"] or 0),
                    str(row["storage_location"] or row["source"] or ""),
                    str(row["run_id"] or ""),
                    str(row["user_id"] or ""),
                    str(row["description"] or ""),
                    self._pairs(
                        "SELECT key, value FROM model_version_tags WHERE name = ? AND version = ?", name, row["version"]
                    ),
                )
                for row in rows
            ]

    def run(self, run_id: str) -> Run:
        """Return a run; an empty one if it is gone."""
        rows = self._all("SELECT name, user_id FROM runs WHERE run_uuid = ?", run_id)
        if not rows:
            return Run()
        user = str(rows[0]["user_id"] or "")
        metrics = self._all("SELECT key, value, is_nan FROM latest_metrics WHERE run_uuid = ?", run_id)
        with self._translated():
            return Run(
                str(rows[0]["name"] or ""),
                user if user != "unknown" else "",
                self._pairs("SELECT key, value FROM params WHERE run_uuid = ?", run_id),
                {str(row["key"]): float("nan") if row["is_nan"] else float(row["value"]) for row in metrics},
                self._pairs("SELECT key, value FROM tags WHERE run_uuid = ?", run_id),
            )

    def artifacts(self, version: ModelVersion) -> Iterator[Artifact]:
        """Yield the files of a version. Raises NoArtifactsError."""
        folder = self._folder(version.source)
        count = 0
        for top, folders, names in os.walk(folder):
            folders.sort()
            for name in sorted(names):
                place = Path(top) / name
                count += 1
                if count > _MAX_FILES:
                    raise NoArtifactsError(f"more than {_MAX_FILES} files")
                yield Artifact(place.relative_to(folder).as_posix(), place.lstat().st_size, place)

    def _folder(self, source: str) -> Path:
        """Return the folder of artifacts on this machine. Raises NoArtifactsError."""
        if source.startswith("models:/m-"):
            rows = self._all(
                "SELECT artifact_location FROM logged_models WHERE model_id = ?", source.removeprefix("models:/")
            )
            source = str(rows[0][0]) if rows else source
        try:
            parts = urlsplit(source)
        except ValueError:
            raise NoArtifactsError(f"they are at {escape_name(source)}, which is not an address") from None
        if parts.scheme not in {"", "file"} or parts.netloc not in {"", "localhost"}:
            raise NoArtifactsError(f"they are at {escape_name(source)}; import from the server")
        path = unquote(parts.path) if parts.scheme else source
        if "\0" in path:
            raise NoArtifactsError(f"they are at {escape_name(path)}, which is not a path")
        folder = Path(os.path.realpath(path))
        if not any(folder.is_relative_to(top) for top in self._tops):
            raise NoArtifactsError(f"they are at {escape_name(source)}; allow that with `-o artifacts=DIR`")
        if not folder.is_dir():
            raise NoArtifactsError(f"{escape_name(source)} does not exist")
        return folder

    def _pairs(self, query: str, *values: Any) -> Mapping[str, str]:
        return {str(key): str(value) for key, value in self._all(query, *values)}

    def _all(self, query: str, *values: Any) -> list[sqlite3.Row]:
        with self._translated():
            return self._rows.execute(query, values).fetchmany(_MAX_ROWS)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise RegistryFault for a file that is not MLflow's database, or for a value of another type."""
        try:
            yield
        except (sqlite3.Error, ValueError, TypeError, OverflowError) as error:
            reason = "it is busy" if "locked" in str(error) else "it is not a database of MLflow, or of another version"
            raise errors.RegistryFault(registry=escape_name(os.fspath(self._path)), reason=reason) from None
