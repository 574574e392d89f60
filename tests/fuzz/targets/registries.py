"""Registries of models: markers, answers of Picsellia, artifacts of OCI, answers of MLflow's server, addresses."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import requests
from requests.adapters import BaseAdapter

from mvc import errors
from mvc.model.hosts import Approvals
from mvc.registry import handmade
from mvc.registry.hubs import version_objects
from mvc.registry.hubs.hub import Access
from mvc.registry.huggingface import address as hub_address
from mvc.registry.marker import Marker
from mvc.registry.mlflow import address as mlflow_address
from mvc.registry.mlflow import history as mlflow_history
from mvc.registry.mlflow.registry import NoArtifactsError
from mvc.registry.mlflow.server import Server
from mvc.registry.oci import address as oci_address
from mvc.registry.oci import archive_layer, foreign, pushed
from mvc.registry.oci.artifacts import Artifact, InLayout
from mvc.registry.oci.manifest import BadManifestError, Descriptor, ModelManifest
from mvc.registry.picsellia import datasets, decode
from mvc.storage.disk.temporary import Temporary
from tests.fuzz import store
from tests.fuzz.target import Target

Sink = Callable[[bytes], object]


def _marker(data: bytes) -> None:
    assert Marker.decode(data).encode() == data


def _objects(data: bytes) -> None:
    assert version_objects.encode(version_objects.decode(data)) == data


# --- Picsellia

_DECODERS: tuple[Callable[[Any], Any], ...] = (
    decode.model, decode.version, decode.file, decode.context, decode.project, decode.log, decode.job, decode.attached,
    decode.tag, decode.tags, decode.key, datasets._version, datasets._id, datasets._name,
    lambda row: decode.experiment(row, "https://app"),
)  # fmt: skip


def _row(data: bytes) -> Any:
    """Return the JSON of an input as an answer has it."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _answer(data: bytes) -> None:
    decode.length({"Content-Length": data[:20].decode("latin-1")})
    row = _row(data)
    if not isinstance(row, dict):
        return
    for decoder in _DECODERS:
        try:
            decoder(row)
        except (KeyError, TypeError, ValueError):
            continue
    try:
        version = decode.version(row)
    except (KeyError, TypeError, ValueError):
        return
    handmade.made_at(version)
    handmade.message(version)
    handmade.read(version, decode.context(row) if row.get("datas") is None else None, {"model-latest": "best.onnx"})


# --- OCI


class _Blobs:
    """The artifacts of a registry, whose blobs all have the same bytes."""

    origin, name = "oci://localhost/helmet", "helmet"

    def __init__(self, body: bytes, blob: bytes) -> None:
        self._body, self._blob = body, blob

    def all(self) -> list[Artifact]:
        return [Artifact("sha256:" + "ab" * 32, self._body)]

    def content(self, layer: Descriptor) -> Path | None:
        del layer
        return None

    def read(self, layer: Descriptor, sink: Sink) -> None:
        del layer
        sink(self._blob)


def _artifact(data: bytes) -> None:
    """Read the artifact of another tool: a manifest, and behind a zero byte the content of each of its blobs."""
    body, _, blob = data.partition(b"\0")
    manifest = ModelManifest.decode(body)
    assert ModelManifest.decode(manifest.encode()).layers == manifest.layers
    made: list[Temporary] = []

    def temporary() -> Temporary:
        made.append(store.door().temporary())
        return made[-1]

    blobs = _Blobs(body, blob)
    try:
        foreign.Reader(blobs, temporary).step(blobs.all()[0], manifest)
    finally:
        for each in made:
            each.close()
            each.discard()


def _layer(data: bytes) -> None:
    """Expand an archive layer in both compressions, and list the files of the archive."""
    packed = store.put("layer", data)
    for compression in ("gzip", "zstd"):
        plain = store.door().temporary()
        try:
            archive_layer.expand(packed, compression, plain)
            plain.close()
            _list(archive_layer.opened(plain))
        except BadManifestError:
            pass
        finally:
            plain.close()
            plain.discard()


def _tar(data: bytes) -> None:
    plain = store.door().temporary()
    try:
        plain.write(data)
        plain.close()
        _list(archive_layer.opened(plain))
    finally:
        plain.close()
        plain.discard()


def _list(archive: archive_layer.Archive) -> None:
    for member in archive.members:
        archive.reader(member)(lambda _: None)


def _layout(data: bytes) -> None:
    store.put("layout/oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    store.put("layout/index.json", data)
    InLayout(store.door().root / "layout").all()


def _pushed(data: bytes) -> None:
    store.sealed_cache(pushed.NAME, pushed._FORMAT, data)
    pushed.repositories(store.door(), "localhost:5000")


# --- MLflow's server


class _Adapter(BaseAdapter):
    """Answers requests with the parts of an input, one after the other; the first byte of each is the status."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._parts = data.split(b"\0")[:8]
        self._next = 0

    def send(self, request: requests.PreparedRequest, *_: object, **__: object) -> requests.Response:
        part = self._parts[self._next % len(self._parts)]
        self._next += 1
        answer = requests.Response()
        answer.status_code = {b"4": 404, b"5": 418, b"6": 401, b"7": 302}.get(part[:1], 200)
        answer.url, answer.request = request.url or "", request
        answer.raw = io.BytesIO(part[1:] if answer.status_code != 200 else part)
        return answer

    def close(self) -> None:
        """Do nothing."""


def _server(data: bytes) -> None:
    where = mlflow_address.parse("mlflow://localhost:1/helmet")
    server = Server(where, Access({}, Approvals({})))
    server.client._session.mount("http://", _Adapter(data))
    server.client._session.mount("https://", _Adapter(data))
    try:
        mlflow_history.read(where, server, "main")
    finally:
        server.close()


def _addresses(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    for parse in (hub_address.parse, oci_address.parse, mlflow_address.parse):
        for form in (text, f"hf://{text}", f"oci://{text}", f"mlflow://{text}", f"mlflow+sqlite:///{text}"):
            try:
                parse(form)
            except errors.BadHubUrl:
                continue


_ANSWERS: Mapping[str, tuple[type[Exception], ...]] = {
    "mlflow": (errors.RegistryFault, errors.HubLacks, errors.HubDenied, errors.RegistryUnreachable, NoArtifactsError),
}
TARGETS = (
    Target("marker", _marker, (errors.NotCanonical,)),
    Target("version-objects", _objects, (errors.NotCanonical,)),
    Target("picsellia-answer", _answer, (errors.Unimportable,)),
    Target("oci-artifact", _artifact, (BadManifestError,)),
    Target("oci-layer", _layer),
    Target("oci-archive", _tar, (BadManifestError,)),
    Target("oci-layout", _layout, (errors.BadLayout,)),
    Target("oci-pushed", _pushed),
    Target("mlflow-answers", _server, _ANSWERS["mlflow"]),
    Target("hub-addresses", _addresses),
)
