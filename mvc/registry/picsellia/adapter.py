"""One organization on Picsellia, as verbs see it.

read      GET, raw: a version of a kind that this SDK does not know must not hide all others
create    by the SDK's own calls, each looked up when its answer is lost
upload    the name of an object ─► its bytes, by the SDK ─► the record of it, which the object's name tells from others
download  a fresh address ─► the bytes, to whoever checks them; the SDK's own download trusts what is there and what it gets
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import requests

from mvc import errors
from mvc.registry.fields import FIELDS
from mvc.registry.picsellia import decode, sdk
from mvc.registry.picsellia.client import BACKOFF, Asking
from mvc.registry.picsellia.translate import told
from mvc.registry.protocol import (
    RemoteContext,
    RemoteDataset,
    RemoteExperiment,
    RemoteFile,
    RemoteModel,
    RemoteVersion,
    Sink,
)
from mvc.remotes.backends.registry_address import HOST
from mvc.storage.records.reflog import page

MEMORY = 256 * 1024 * 1024
"""The largest file, in bytes, that is sent from memory whole."""
_IN_PARTS = ("aws", "minio", "google")
"""The kinds of storage that the SDK sends big files to in parts."""
_ARGUMENTS = {row.name: row.sdk for row in FIELDS if row.sdk is not None}
"""Fields of a version that have another name in the SDK."""
_BLOCK = 1024 * 1024


class PicselliaRegistry:
    """An organization on Picsellia, which keeps to `mvc.registry.protocol.Registry`."""

    def __init__(self, asking: Asking) -> None:
        """Talk to it through `asking`."""
        self.host = asking.host
        self._asking = asking

    def token_from(self, variable: str) -> None:
        """Take note which environment variable the token came from: errors name it."""
        self._asking.session.variable = variable

    def __repr__(self) -> str:
        """Without the token."""
        return f"{type(self).__name__}({self._asking.organization!r}, host={self.host!r})"

    @property
    def organization(self) -> str:
        """As Registry: its name there, however it was asked for, since versions are signed with it."""
        with told(self._asking.session):
            return str(self._asking.client.name)

    def page(self, version_id: str) -> str:
        """As Registry."""
        return page(self.host, version_id)

    def close(self) -> None:
        """As Registry."""
        self._asking.session.close()

    # --- reading

    def models(self) -> Sequence[RemoteModel]:
        """As Registry."""
        rows = self._asking.all(f"/api/organization/{self._asking.id}/models")
        return sorted((self._read(decode.model, row) for row in rows), key=lambda model: (model.name, model.id))

    def find_model(self, name: str) -> RemoteModel | None:
        """As Registry."""
        row = self._asking.find(f"/api/organization/{self._asking.id}/models/find", {"name": name})
        return self._read(decode.model, row) if row is not None else None

    def versions(self, model: RemoteModel) -> Sequence[RemoteVersion]:
        """As Registry."""
        rows = self._asking.all(f"/api/model/{model.id}/versions")
        return sorted((self._read(decode.version, row) for row in rows), key=lambda each: (each.number, each.id))

    def find_version(self, model: RemoteModel, name: str) -> RemoteVersion | None:
        """As Registry."""
        if self._asking.find(f"/api/model/{model.id}/versions/find", {"name": name}) is None:
            return None
        return next((version for version in self.versions(model) if version.name == name), None)

    def version(self, version_id: str) -> RemoteVersion | None:
        """As Registry."""
        row = self._asking.find(f"/api/model/version/{decode.path_part(version_id)}")
        return self._read(decode.version, row) if row is not None else None

    def files(self, version: RemoteVersion) -> Sequence[RemoteFile]:
        """As Registry."""
        rows = self._asking.all(f"/api/model/version/{version.id}/modelfiles")
        return [self._read(decode.file, row) for row in rows]

    def context(self, version: RemoteVersion) -> RemoteContext | None:
        """As Registry."""
        path = f"/api/model/version/{version.id}"
        try:
            row = self._asking.find(f"{path}/context")
        except errors.RegistryDenied:  # a version of another organization
            row = self._asking.find(f"{path}/public/context")
        return self._read(decode.context, row) if row is not None else None

    def experiment(self, experiment_id: str) -> RemoteExperiment | None:
        """As Registry."""
        row = self._asking.find(f"/api/experiment/{decode.path_part(experiment_id)}")
        return self._read(lambda found: decode.experiment(found, self.host), row) if row is not None else None

    def datasets(self, experiment_id: str) -> Sequence[RemoteDataset]:
        """As Registry."""
        rows = self._asking.all(f"/api/experiment/{decode.path_part(experiment_id)}/datasets")
        return [self._read(decode.attached, row) for row in rows]

    def dataset(self, alias: str, dataset_version_id: str) -> RemoteDataset | None:
        """As Registry."""
        row = self._asking.find(f"/api/dataset/version/{decode.path_part(dataset_version_id)}")
        return self._read(decode.attached, {"name": alias, "dataset_version": row}) if row is not None else None

    def download(self, file: RemoteFile, sink: Sink, *, limit: int | None = None) -> int:
        """As Registry."""
        asking, done = self._asking, 0
        with told(asking.session), self._opened(file) as answer:
            size = decode.length(answer.headers)
            if size is None or (limit is not None and size > limit):
                raise asking.fault(f"the file {file.name!r} has {size} bytes, and at most {limit} were expected")
            for block in answer.iter_content(_BLOCK):
                done += len(block)
                if done > size:
                    break
                sink(block)
            if done != size:
                raise asking.session.unreachable(f"the file {file.name!r} ended after {done} of {size} bytes")
        return done

    def size(self, file: RemoteFile) -> int | None:
        """As Registry."""
        with told(self._asking.session), self._opened(file) as answer:
            return decode.length(answer.headers)

    # --- creating

    def create_model(self, name: str, description: str) -> RemoteModel:
        """As Registry."""

        def make() -> RemoteModel:
            with told(self._asking.session):
                made = self._asking.client.create_model(name, description)
                return RemoteModel(str(made.id), str(made.name), {"description": description})

        return self._asking.surely(make, lambda: self.find_model(name))

    def create_version(self, model: RemoteModel, fields: Mapping[str, Any]) -> RemoteVersion:
        """As Registry."""
        arguments = {_ARGUMENTS.get(key, key): value for key, value in fields.items()}

        def make() -> RemoteVersion:
            with told(self._asking.session):
                row = {
                    **model.raw,
                    "id": model.id,
                    "name": model.name,
                    "private": model.raw.get("private") is not False,
                }
                made = sdk.load().Model(self._asking.connection, row).create_version(**arguments)
                return RemoteVersion(str(made.id), model, int(made.version), str(made.name))

        return self._asking.surely(make, lambda: self.find_version(model, str(fields["name"])))

    def upload(
        self, version: RemoteVersion, name: str, filename: str, path: Path, *, allow_memory: bool = False
    ) -> RemoteFile:
        """As Registry."""
        big = path.stat().st_size > MEMORY and not allow_memory
        object_name, large = self._asking.patiently(lambda: self._send(version, "MODEL_FILE", filename, path, big=big))
        record = {"name": name, "filename": filename, "object_name": object_name, "large": large}

        def make() -> RemoteFile:
            return decode.file(self._post(f"/api/model/version/{version.id}/modelfiles", record))

        def look() -> RemoteFile | None:
            return next((file for file in self.files(version) if file.object_name == object_name), None)

        return self._asking.surely(make, look)

    def upload_thumbnail(self, version: RemoteVersion, filename: str, path: Path) -> None:
        """As Registry."""

        def send() -> None:
            object_name, _ = self._send(version, "MODEL_THUMB", filename, path, big=False)
            with told(self._asking.session):
                body = json.dumps({"thumbnail_object_name": object_name}).encode()
                self._asking.connection.patch(f"/api/model/version/{version.id}", data=body)

        self._asking.patiently(send)

    # --- inside

    def _send(self, version: RemoteVersion, kind: str, filename: str, path: Path, *, big: bool) -> tuple[str, bool]:
        """The bytes of a file; the name of the object they are now, and whether it counts as large."""
        with told(self._asking.session):
            connection = self._asking.connection
            type_ = sdk.load("picsellia.types.enums").ObjectDataType(kind)
            object_name = connection.generate_model_version_object_name(filename, type_, UUID(version.id))
            if big:
                self._check_parts(object_name, filename, path.stat().st_size)
            _, large, _ = connection.upload_file(object_name, str(path))
            return str(object_name), bool(large)

    def _check_parts(self, object_name: str, filename: str, size: int) -> None:
        """Raise NeedsMemory where the storage takes no parts: the SDK would read all of the file at once."""
        where = f"/api/object-storage/{self._asking.connection.connector_id}/generate_presigned_url"
        answer = self._post(where, {"object_name": object_name, "content_type": "application/octet-stream"})
        if str(answer.get("client_type")).lower() not in _IN_PARTS:
            raise errors.NeedsMemory(path=filename, size=size, registry=self._asking.session.where)

    def _post(self, path: str, record: Mapping[str, Any]) -> dict[str, Any]:
        with told(self._asking.session):
            answer: dict[str, Any] = self._asking.connection.post(path, data=json.dumps(record).encode()).json()
            return answer

    def _opened(self, file: RemoteFile) -> requests.Response:
        """The answer to reading a file, from an address that is asked for anew when it is refused."""
        status = 0
        for attempt in range(BACKOFF.attempts):
            address = self._asking.patiently(lambda: self._asking.connection.init_download(file.object_name))
            answer = self._asking.session.get(address, stream=True)
            if answer.ok:
                return answer
            answer.close()
            status = answer.status_code
            if attempt:
                self._asking.pause(attempt)
        raise self._asking.session.unreachable(f"its storage answers {status} for the file {file.name!r}")

    def _read(self, reading: Callable[[dict[str, Any]], Any], row: dict[str, Any]) -> Any:
        with told(self._asking.session):
            return reading(row)


def connect(
    organization: str,
    token: str,
    *,
    host: str = HOST,
    sleep: Callable[[float], None] = time.sleep,
    timeouts: tuple[float, float] | None = None,
) -> PicselliaRegistry:
    """The registry of an organization; raises ImportError where the SDK is not installed."""
    sdk.load()
    return PicselliaRegistry(Asking(organization, token, host=host, sleep=sleep, timeouts=timeouts))
