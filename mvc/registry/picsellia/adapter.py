"""The adapter of an organization on Picsellia to the protocol of a registry.

read      GET, raw: the SDK's own listings fail as a whole if one version is of a type unknown to it
create    by the SDK's calls; one whose answer is lost is looked up before it is retried
upload    object name ─► bytes, by the SDK ─► file record, identified by its object name
download  new signed address ─► bytes, checked by the caller; the SDK's own download keeps an existing file unchecked
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import requests

from mvc import errors
from mvc.registry import protocol
from mvc.registry.experiments.protocol import RemoteExperiment
from mvc.registry.fields import FIELDS
from mvc.registry.picsellia import datasets, decode, sdk
from mvc.registry.picsellia.client import BACKOFF, Client
from mvc.registry.picsellia.experiments import PicselliaExperiments
from mvc.registry.picsellia.session import ANSWER, CONNECT
from mvc.registry.picsellia.tags import PicselliaTags
from mvc.registry.picsellia.translate import translated_errors
from mvc.registry.protocol import (
    RemoteContext,
    RemoteDataset,
    RemoteDatasetVersion,
    RemoteFile,
    RemoteModel,
    RemoteVersion,
    Sink,
)
from mvc.registry.published import is_version_name
from mvc.remotes.backends.registry_address import HOST
from mvc.storage.records.reflog import page

MEMORY = 256 * 1024 * 1024
"""The largest file, in bytes, that may be uploaded from memory."""
_MULTIPART = ("aws", "minio", "google")
"""The kinds of storage to which the SDK uploads large files in parts."""
_ARGUMENTS = {row.name: row.sdk for row in FIELDS if row.sdk is not None}
"""Fields of a version that have another name in the SDK."""
_BLOCK = 1024 * 1024


class PicselliaRegistry:
    """An organization on Picsellia; implements `mvc.registry.protocol.Registry`."""

    def __init__(self, client: Client) -> None:
        """Use the connection of `client`."""
        self.host = client.host
        self.experiments = PicselliaExperiments(client)
        self.tags = PicselliaTags(client)
        self._client = client

    def token_from(self, variable: str) -> None:
        """Set the environment variable that the token came from: errors name it."""
        self._client.session.variable = variable

    def __repr__(self) -> str:
        """Return the organization and host, without the token."""
        return f"{type(self).__name__}({self._client.organization!r}, host={self.host!r})"

    @property
    def organization(self) -> str:
        """As Registry: always the name, even if the remote's URL has the id, because imported versions are signed with it."""
        with translated_errors(self._client.session):
            return str(self._client.sdk_client.name)

    def page(self, version_id: str) -> str:
        """As Registry."""
        return page(self.host, version_id)

    def close(self) -> None:
        """As Registry."""
        self._client.session.close()

    def check_storage(self) -> None:
        """As Registry; no request is needed, as connecting has read the organization."""
        with translated_errors(self._client.session):
            _ = self._client.connection.connector_id

    # --- reading

    def models(self) -> Sequence[RemoteModel]:
        """As Registry."""
        rows = self._client.all(f"/api/organization/{self._client.id}/models")
        return sorted(
            (self._client.decoded(decode.model, row) for row in rows), key=lambda model: (model.name, model.id)
        )

    def model(self, model_id: str) -> RemoteModel | None:
        """Find the model with this id."""
        row = self._client.find(f"/api/organization/{self._client.id}/models/find", {"id": model_id})
        return self._client.decoded(decode.model, row) if row is not None else None

    def find_model(self, name: str) -> RemoteModel | None:
        """As Registry."""
        row = self._client.find(f"/api/organization/{self._client.id}/models/find", {"name": name})
        return self._client.decoded(decode.model, row) if row is not None else None

    def versions(self, model: RemoteModel) -> Sequence[RemoteVersion]:
        """As Registry."""
        rows = self._client.all(f"/api/model/{model.id}/versions")
        return sorted(
            (self._client.decoded(decode.version, row) for row in rows),
            key=lambda version: (version.number, version.id),
        )

    def find_version(self, model: RemoteModel, name: str) -> RemoteVersion | None:
        """As Registry."""
        if self._client.find(f"/api/model/{model.id}/versions/find", {"name": name}) is None:
            return None
        return next((version for version in self.versions(model) if version.name == name), None)

    def version(self, version_id: str) -> RemoteVersion | None:
        """As Registry."""
        row = self._client.find(f"/api/model/version/{decode.path_part(version_id)}")
        return self._client.decoded(decode.version, row) if row is not None else None

    def files(self, version: RemoteVersion) -> Sequence[RemoteFile]:
        """As Registry."""
        rows = self._client.all(f"/api/model/version/{version.id}/modelfiles")
        return [self._client.decoded(decode.file, row) for row in rows]

    def context(self, version: RemoteVersion) -> RemoteContext | None:
        """As Registry."""
        path = f"/api/model/version/{version.id}"
        try:
            row = self._client.find(f"{path}/context")
        except errors.RegistryDenied:  # a version of another organization
            row = self._client.find(f"{path}/public/context")
        return self._client.decoded(decode.context, row) if row is not None else None

    def experiment(self, experiment_id: str) -> RemoteExperiment | None:
        """As Registry."""
        row = self._client.find(f"/api/experiment/{decode.path_part(experiment_id)}")
        if row is None:
            return None
        project = self._project(row.get("project_id"))
        experiment: RemoteExperiment = self._client.decoded(lambda raw: decode.experiment(raw, self.host, project), row)
        return experiment

    def datasets(self, experiment_id: str) -> Sequence[RemoteDataset]:
        """As Registry."""
        rows = self._client.all(f"/api/experiment/{decode.path_part(experiment_id)}/datasets")
        return [self._client.decoded(decode.attached, row) for row in rows]

    def dataset(self, alias: str, dataset_version_id: str) -> RemoteDataset | None:
        """As Registry."""
        row = self._client.find(f"/api/dataset/version/{decode.path_part(dataset_version_id)}")
        return (
            self._client.decoded(decode.attached, {"name": alias, "dataset_version": row}) if row is not None else None
        )

    def dataset_version(self, dataset_version_id: str) -> RemoteDatasetVersion | None:
        """As Registry."""
        return datasets.by_id(self._client, dataset_version_id)

    def find_dataset_version(self, name: str, version: str) -> RemoteDatasetVersion | None:
        """As Registry."""
        return datasets.by_name(self._client, name, version)

    def dataset_versions(self, dataset_id: str) -> Sequence[RemoteDatasetVersion]:
        """As Registry."""
        return datasets.versions(self._client, dataset_id)

    def dataset_labels(self, dataset_version_id: str) -> Sequence[str]:
        """As Registry."""
        return datasets.labels(self._client, dataset_version_id)

    def download(self, file: RemoteFile, sink: Sink, *, limit: int | None = None) -> int:
        """As Registry."""
        client, received = self._client, 0
        with translated_errors(client.session), self._opened(file) as answer:
            size = decode.length(answer.headers)
            if size is None or (limit is not None and size > limit):
                raise client.fault(f"the file {file.name!r} has {size} bytes; at most {limit} were expected")
            for block in answer.iter_content(_BLOCK):
                received += len(block)
                if received > size:
                    break
                sink(block)
            if received != size:
                raise client.session.unreachable(
                    f"the file {file.name!r} was truncated after {received} of {size} bytes"
                )
        return received

    # --- creating

    def create_model(self, name: str, description: str) -> RemoteModel:
        """As Registry."""

        def create() -> RemoteModel:
            with translated_errors(self._client.session):
                model = self._client.sdk_client.create_model(name, description)
                return RemoteModel(str(model.id), str(model.name), {"description": description})

        return self._client.create_once(create, lambda: self.find_model(name))

    def create_version(self, model: RemoteModel, fields: Mapping[str, Any]) -> RemoteVersion:
        """As Registry."""
        arguments = {_ARGUMENTS.get(key, key): value for key, value in fields.items()}

        def create() -> RemoteVersion:
            with translated_errors(self._client.session):
                row = {
                    **model.raw,
                    "id": model.id,
                    "name": model.name,
                    "private": model.raw.get("private") is not False,
                }
                version = sdk.load().Model(self._client.connection, row).create_version(**arguments)
                return RemoteVersion(str(version.id), model, int(version.version), str(version.name))

        return self._client.create_once(create, lambda: self.find_version(model, str(fields["name"])))

    def upload(
        self, version: RemoteVersion, name: str, filename: str, path: Path, *, allow_memory: bool = False
    ) -> RemoteFile:
        """As Registry."""
        multipart_only = path.stat().st_size > MEMORY and not allow_memory
        object_name, large = self._client.with_retries(
            lambda: self._upload_object(version, "MODEL_FILE", filename, path, multipart_only=multipart_only)
        )
        record = {"name": name, "filename": filename, "object_name": object_name, "large": large}

        def create() -> RemoteFile:
            return decode.file(self._client.post(f"/api/model/version/{version.id}/modelfiles", record))

        def find() -> RemoteFile | None:
            return next((file for file in self.files(version) if file.object_name == object_name), None)

        return self._client.create_once(create, find)

    def upload_thumbnail(self, version: RemoteVersion, filename: str, path: Path) -> None:
        """As Registry."""

        def upload() -> None:
            object_name, _ = self._upload_object(version, "MODEL_THUMB", filename, path, multipart_only=False)
            with translated_errors(self._client.session):
                body = json.dumps({"thumbnail_object_name": object_name}).encode()
                self._client.connection.patch(f"/api/model/version/{version.id}", data=body)

        self._client.with_retries(upload)

    # --- experiments

    def artifacts(self, experiment_id: str) -> Sequence[RemoteFile]:
        """List the artifacts of an experiment, page by page."""
        rows = self._client.all(f"/api/experiment/{decode.path_part(experiment_id)}/artifacts")
        return [self._client.decoded(decode.file, row) for row in rows]

    def run_parameters(self, experiment_id: str) -> Mapping[str, Any] | None:
        """Find the log that `experiment.log_parameters` writes."""
        path = f"/api/experiment/{decode.path_part(experiment_id)}/logs/find"
        row = self._client.find(path, {"name": "parameters"})
        data = row.get("data") if row is not None else None
        return data if isinstance(data, dict) else None

    def export(self, experiment_id: str, model: RemoteModel, after: int) -> RemoteVersion:
        """Export an experiment as `experiment.export_in_existing_model` does, once."""

        def find() -> RemoteVersion | None:
            newer = [version for version in self.versions(model) if version.number > after]
            return next((version for version in newer if self._is_export(version, experiment_id)), None)

        def create() -> RemoteVersion:
            path = f"/api/experiment/{decode.path_part(experiment_id)}/publish/version"
            version: RemoteVersion = self._client.decoded(
                decode.version, self._client.post(path, {"model_id": model.id})
            )
            return version

        return find() or self._client.create_once(create, find)

    def _is_export(self, version: RemoteVersion, experiment_id: str) -> bool:
        """Return whether a version is an export of an experiment that nobody has published since."""
        context = None if is_version_name(version.name) else self.context(version)
        return context is not None and context.experiment == experiment_id

    def update_version(self, version: RemoteVersion, fields: Mapping[str, Any]) -> RemoteVersion:
        """Send the keys of `version.update`; a repeated request changes nothing more."""
        path = f"/api/model/version/{version.id}"

        def update() -> RemoteVersion:
            with translated_errors(self._client.session):
                self._client.connection.patch(path, data=json.dumps(dict(fields)).encode())
            updated = self.version(version.id)
            if updated is None:
                raise self._client.fault(f"the version {version.name!r} was deleted meanwhile")
            return updated

        return self._client.with_retries(update)

    def delete_file(self, file: RemoteFile) -> None:
        """Delete a file as `file.delete` does."""

        def delete() -> None:
            with contextlib.suppress(errors.RegistryLacks), translated_errors(self._client.session):
                self._client.connection.delete(f"/api/model/file/{file.id}")

        self._client.with_retries(delete)

    # --- inside

    def _project(self, project_id: Any) -> str | None:
        """Return the name of a project; None if it cannot be read."""
        try:
            row = self._client.find(f"/api/organization/{self._client.id}/projects/find", {"id": str(project_id)})
        except errors.RegistryDenied:
            return None
        return protocol.text(row, "name") if row is not None else None

    def _upload_object(
        self, version: RemoteVersion, kind: str, filename: str, path: Path, *, multipart_only: bool
    ) -> tuple[str, bool]:
        """Upload a file's bytes; return their object's name, and True if the platform counts the file as large."""
        with translated_errors(self._client.session):
            connection = self._client.connection
            type_ = sdk.load("picsellia.types.enums").ObjectDataType(kind)
            object_name = connection.generate_model_version_object_name(filename, type_, UUID(version.id))
            if multipart_only:
                self._check_multipart(object_name, filename, path.stat().st_size)
            _, large, _ = connection.upload_file(object_name, str(path))
            return str(object_name), bool(large)

    def _check_multipart(self, object_name: str, filename: str, size: int) -> None:
        """Raise NeedsMemory if the storage accepts no parts: the SDK would read the whole file into memory."""
        path = f"/api/object-storage/{self._client.connection.connector_id}/generate_presigned_url"
        answer = self._client.post(path, {"object_name": object_name, "content_type": "application/octet-stream"})
        if str(answer.get("client_type")).lower() not in _MULTIPART:
            raise errors.NeedsMemory(path=filename, size=size, registry=self._client.session.where)

    def _opened(self, file: RemoteFile) -> requests.Response:
        """Open the download of a file; if its signed address is refused, request a new one and retry."""
        status = 0
        for attempt in range(BACKOFF.attempts):
            address = self._client.with_retries(lambda: self._client.connection.init_download(file.object_name))
            answer = self._client.session.get(address, stream=True)
            if answer.ok:
                return answer
            answer.close()
            status = answer.status_code
            if attempt:
                self._client.pause(attempt)
        raise self._client.session.unreachable(f"its storage answered {status} for the file {file.name!r}")


def connect(
    organization: str,
    token: str,
    *,
    host: str = HOST,
    sleep: Callable[[float], None] = time.sleep,
    timeouts: tuple[float, float] = (CONNECT, ANSWER),
    ca: str | None = None,
) -> PicselliaRegistry:
    """Return the registry of an organization; the authorities in the file `ca` are trusted too.

    Raises ImportError if the SDK is not installed; BadCertificates.
    """
    sdk.load()
    return PicselliaRegistry(Client(organization, token, host=host, sleep=sleep, timeouts=timeouts, ca=ca))
