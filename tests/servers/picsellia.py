"""A stand-in for the Picsellia platform: an HTTP server on 127.0.0.1 that speaks what the official SDK speaks.

    platform = Platform();  with serve(platform) as host: Client(token, organization_name="acme", host=host)

It keeps all in memory. Where the platform itself is not known (are names unique? are numbers reused? how long is a page?)
it takes a choice, which `Rules` holds, so that tests try two. `Platform.faults` decides of each call whether it goes wrong.

    python -m tests.servers.picsellia PORT      a server of its own, for the demo
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from tests.servers import picsellia_datasets, picsellia_experiments, picsellia_tags
from tests.servers import picsellia_storage as storage
from tests.servers.picsellia_rules import Rules
from tests.servers.picsellia_storage import Objects
from tests.servers.picsellia_wire import Answer, Call, Refusal, Router

TOKEN = "canary-token-0123456789abcdef"
"""The token that is let in."""
ORGANIZATION = "acme"
_SDK_VERSION = "6.37.0"
_LINGER = struct.pack("ii", 1, 0)

Row = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """What goes wrong with a call: before it is processed, or `after`. `status` 0 closes the connection.

    With `cut`, the answer ends after so many bytes of its body; with `flip`, one of its bytes is another.
    """

    status: int = 0
    after: bool = False
    garbage: bool = False
    flip: bool = False
    cut: int = 0
    stall: float = 0.0
    message: str = "this was asked for by a test"


Faults = Callable[[Call], Fault | None]


@dataclass
class Platform:
    """All that the platform knows. Its rows are the answers; a test may change them as a person would on the web."""

    rules: Rules = field(default_factory=Rules)
    token: str = TOKEN
    faults: Faults = lambda _: None
    host: str = ""
    models: dict[str, Row] = field(default_factory=dict)
    versions: dict[str, Row] = field(default_factory=dict)
    files: dict[str, Row] = field(default_factory=dict)
    contexts: dict[str, Row] = field(default_factory=dict)
    experiments: dict[str, Row] = field(default_factory=dict)
    projects: dict[str, Row] = field(default_factory=dict)
    artifacts: dict[str, Row] = field(default_factory=dict)
    logs: dict[str, dict[str, Row]] = field(default_factory=dict)
    dataset_versions: dict[str, Row] = field(default_factory=dict)
    labels: dict[str, list[Row]] = field(default_factory=dict)
    attached: dict[str, list[Row]] = field(default_factory=dict)
    tags: dict[str, Row] = field(default_factory=dict)
    jobs: list[Row] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    objects: Objects = field(default_factory=Objects)
    organization: Row = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        connector = new_id() if self.rules.connector else None
        self.organization = {"id": new_id(), "name": ORGANIZATION, "default_connector_id": connector}

    # --- what people do on the web, or did before

    def add_model(self, name: str, description: str = "") -> Row:
        row: Row = {"id": new_id(), "name": name, "private": True, "description": description, "tags": []}
        return self.models.setdefault(row["id"], row)

    def add_version(self, model: Row, **fields: Any) -> Row:
        """A version with any fields in the words of answers; one made by hand has an empty context."""
        number = fields.pop("version", None)
        if number is None:
            number = self._next_number(model)
        self.numbers[model["id"]] = max(number, self.numbers.get(model["id"], number))
        row = {
            "id": new_id(),
            "origin": {key: model[key] for key in ("id", "name", "private")},
            "version": number,
            "name": self.rules.unnamed.format(number=number),
            "type": "NOT_CONFIGURED",
            "framework": "NOT_CONFIGURED",
            "tags": [],
            **(dict.fromkeys(self._unset) if self.rules.nulls else {}),
            **({"created_at": f"2026-02-03T09:00:{len(self.versions) % 60:02}Z"} if self.rules.dates else {}),
            **fields,
        }
        if not self.rules.keeps_order and isinstance(row.get("labels"), dict):
            row["labels"] = dict(sorted(row["labels"].items(), reverse=True))
        if self.rules.empty_context:
            self.contexts[row["id"]] = {"id": new_id(), "experiment_id": None, "datas": [], "parameters": {}}
        return self.versions.setdefault(row["id"], row)

    def _next_number(self, model: Row) -> int:
        """One more than the highest number that there is, or was."""
        last = self.rules.first_number - 1
        if not self.rules.reuses_numbers:
            return self.numbers.get(model["id"], last) + 1
        numbers = [int(row["version"]) for row in self.versions.values() if row["origin"]["id"] == model["id"]]
        return max([last, *numbers]) + 1

    @property
    def _unset(self) -> tuple[str, ...]:
        """The fields of a version that may have no value, in the words of answers."""
        return (
            "labels", "description", "notebook_link", "thumbnail_object_name", "docker_tag", "docker_flags",
            "docker_env_variables", self.rules.parameters_key, self.rules.docker_key,
        )  # fmt: skip

    def add_file(self, version: Row, name: str, data: bytes, filename: str | None = None, **fields: Any) -> Row:
        object_name = f"{version['id']}/{uuid.uuid4().hex}/{filename or name}"
        self.objects.data[object_name] = data
        row = {
            "id": new_id(),
            "name": name,
            "filename": filename if filename is not None else name,
            "object_name": object_name,
            "large": len(data) > storage.LARGE,
            "version": version["id"],
            **fields,
        }
        return self.files.setdefault(row["id"], row)

    def add_dataset_version(self, name: str, version: str, *labels: str, **fields: Any) -> Row:
        """A version of the dataset of that name, which is added with its first one."""
        datasets = {row["origin_name"]: row["origin_id"] for row in self.dataset_versions.values()}
        row = {
            "id": new_id(),
            "origin_id": datasets.get(name) or new_id(),
            "origin_name": name,
            "version": version,
            "type": "OBJECT_DETECTION",
            **fields,
        }
        self.labels[row["id"]] = [{"id": new_id(), "name": label} for label in labels]
        return self.dataset_versions.setdefault(row["id"], row)

    def add_project(self, name: str) -> Row:
        row: Row = {"id": new_id(), "name": name}
        return self.projects.setdefault(row["id"], row)

    def add_experiment(self, name: str, project: str | None = None, **datasets: Row) -> Row:
        row: Row = {"id": new_id(), "name": name, "project_id": project or new_id(), "status": "RUNNING",
               "base_model_version_id": None, "base_experiment_id": None}  # fmt: skip
        self.attached[row["id"]] = [{"name": alias, "dataset_version": each} for alias, each in datasets.items()]
        return self.experiments.setdefault(row["id"], row)

    def trained_by(self, version: Row, experiment: Row, parameters: Row | None = None) -> None:
        """Have a version's context say that it comes from an experiment."""
        datas = [
            {"id": new_id(), "name": each["name"], "version_id": each["dataset_version"]["id"], "repartition": {}}
            for each in self.attached[experiment["id"]]
        ]
        self.contexts[version["id"]] = {
            "id": new_id(), "experiment_id": experiment["id"], "datas": datas, "parameters": parameters or {},
        }  # fmt: skip

    def versions_of(self, name: str) -> list[Row]:
        """The versions of the models of that name, by number."""
        rows = [row for row in self.versions.values() if row["origin"]["name"] == name]
        return sorted(rows, key=lambda row: row["version"])

    def files_of(self, version: Row) -> list[Row]:
        return [row for row in self.files.values() if row["version"] == version["id"]]

    def bytes_of(self, file: Row) -> bytes:
        return self.objects.data[file["object_name"]]

    # --- what the SDK asks

    def answer(self, call: Call) -> Answer:
        """Process a call."""
        with self.lock:
            if call.path.startswith(storage.TOP):
                if call.headers.get("authorization"):
                    return Answer(400, {"message": "a token was sent to the storage"})
                return self.objects.answer(call)
            if call.headers.get("authorization") != f"Bearer {self.token}":
                return Answer(401, {"message": "Invalid token"})
            try:
                return ROUTER.answer(self, call)
            except Refusal as refusal:
                return Answer(refusal.status, {"message": refusal.message})

    def url(self, path: str) -> str:
        """An address of the storage that gives access."""
        return f"{self.host}{self.objects.signed(path)}"


ROUTER: Router[Platform] = Router()
ROUTER.include(picsellia_experiments.ROUTER)
ROUTER.include(picsellia_datasets.ROUTER)
ROUTER.include(picsellia_tags.ROUTER)
route = ROUTER.route


def new_id() -> str:
    return str(uuid.uuid4())


def _one(rows: dict[str, Row], id_: str, what: str) -> Row:
    try:
        return rows[id_]
    except KeyError:
        raise Refusal(404, f"No {what} with this id") from None


def _first(rows: list[Row], what: str) -> Answer:
    if not rows:
        raise Refusal(404, f"No {what} matches")
    return Answer(200, rows[0])


def _page(platform: Platform, call: Call, rows: list[Row], *, heed: bool = True) -> Answer:
    offset = int(call.query.get("offset", 0)) if heed else 0
    limit = min(int(call.query.get("limit", platform.rules.page)), platform.rules.page)
    chosen = rows[offset : offset + limit] if heed else rows
    return Answer(200, {"items": chosen, **({"count": len(rows)} if platform.rules.counts else {})})


def _mine(platform: Platform, organization: str) -> None:
    if organization != platform.organization["id"]:
        raise Refusal(403, "You are not a member of this organization")


@route("GET", "/api/home/ping")
def _ping(platform: Platform, call: Call) -> Answer:
    return Answer(200, {"sdk_version": _SDK_VERSION, "username": "ana", "default_organization": None})


@route("GET", "/api/organizations/find")
def _find_organization(platform: Platform, call: Call) -> Answer:
    return _first([row for row in [platform.organization] if row["name"] == call.query.get("name")], "organization")


@route("GET", "/api/organization/{org}")
def _organization(platform: Platform, call: Call, org: str) -> Answer:
    _mine(platform, org)
    return Answer(200, platform.organization)


# --- models


@route("POST", "/api/organization/{org}/models")
def _create_model(platform: Platform, call: Call, org: str) -> Answer:
    _mine(platform, org)
    body = call.json()
    if platform.rules.unique and any(row["name"] == body["name"] for row in platform.models.values()):
        raise Refusal(409, "A model of this name exists already")
    return Answer(201, platform.add_model(body["name"], body.get("description", "")))


@route("GET", "/api/organization/{org}/models")
def _list_models(platform: Platform, call: Call, org: str) -> Answer:
    _mine(platform, org)
    return _page(platform, call, list(platform.models.values()))


@route("GET", "/api/organization/{org}/models/find")
def _find_model(platform: Platform, call: Call, org: str) -> Answer:
    _mine(platform, org)
    return _first([row for row in platform.models.values() if call.asks_for(row, "id", "name")], "model")


@route("GET", "/api/model/{model}")
def _model(platform: Platform, call: Call, model: str) -> Answer:
    return Answer(200, _one(platform.models, model, "model"))


@route("PATCH", "/api/model/{model}")
def _update_model(platform: Platform, call: Call, model: str) -> Answer:
    row = _one(platform.models, model, "model")
    row.update(call.json())
    return Answer(200, row)


@route("DELETE", "/api/model/{model}")
def _delete_model(platform: Platform, call: Call, model: str) -> Answer:
    _one(platform.models, model, "model")
    for version in [row for row in platform.versions.values() if row["origin"]["id"] == model]:
        _forget(platform, version)
    del platform.models[model]
    return Answer(204, None)


# --- versions

_REQUEST_KEYS = {"parameters": lambda rules: rules.parameters_key, "docker_image": lambda rules: rules.docker_key}


def _fields(platform: Platform, body: Row) -> Row:
    """The fields of a request in the words of answers."""
    return {_REQUEST_KEYS[key](platform.rules) if key in _REQUEST_KEYS else key: value for key, value in body.items()}


@route("POST", "/api/model/{model}/versions")
def _create_version(platform: Platform, call: Call, model: str) -> Answer:
    row, body = _one(platform.models, model, "model"), call.json()
    names = {each["name"] for each in platform.versions.values() if each["origin"]["id"] == model}
    if platform.rules.unique and body.get("name") in names:
        raise Refusal(409, "A version of this name exists already in this model")
    return Answer(201, platform.add_version(row, **_fields(platform, body)))


def _of_model(platform: Platform, model: str) -> list[Row]:
    _one(platform.models, model, "model")
    rows = [row for row in platform.versions.values() if row["origin"]["id"] == model]
    return sorted(rows, key=lambda row: row["version"], reverse=platform.rules.newest_first)


_REQUIRED = ("id", "origin", "name", "version", "labels", "type", "framework")
"""The fields of the SDK's `ModelVersionSchema`."""


@route("GET", "/api/model/{model}/versions")
def _list_versions(platform: Platform, call: Call, model: str) -> Answer:
    rows = _of_model(platform, model)
    if not platform.rules.lists_fields:
        rows = [{key: row[key] for key in _REQUIRED if key in row} for row in rows]
    return _page(platform, call, rows)


@route("GET", "/api/model/{model}/versions/find")
def _find_version(platform: Platform, call: Call, model: str) -> Answer:
    return _first([row for row in _of_model(platform, model) if call.asks_for(row, "version", "name")], "version")


@route("GET", "/api/organization/{org}/modelversions/find")
def _find_version_by_id(platform: Platform, call: Call, org: str) -> Answer:
    _mine(platform, org)
    return Answer(200, _one(platform.versions, call.query.get("id", ""), "version"))


@route("GET", "/api/model/version/{version}")
def _version(platform: Platform, call: Call, version: str) -> Answer:
    return Answer(200, _one(platform.versions, version, "version"))


@route("PATCH", "/api/model/version/{version}")
def _update_version(platform: Platform, call: Call, version: str) -> Answer:
    row, body = _one(platform.versions, version, "version"), call.json()
    others = [each for each in _of_model(platform, row["origin"]["id"]) if each["id"] != version]
    if platform.rules.unique and any(each["name"] == body.get("name") for each in others):
        raise Refusal(409, "A version of this name exists already in this model")
    row.update(_fields(platform, body))
    return Answer(200, row)


@route("DELETE", "/api/model/version/{version}")
def _delete_version(platform: Platform, call: Call, version: str) -> Answer:
    _forget(platform, _one(platform.versions, version, "version"))
    return Answer(204, None)


def _forget(platform: Platform, version: Row) -> None:
    for file in platform.files_of(version):
        del platform.files[file["id"]]
    platform.versions.pop(version["id"])
    platform.contexts.pop(version["id"], None)


@route("GET", "/api/model/version/{version}/context")
def _context(platform: Platform, call: Call, version: str) -> Answer:
    _one(platform.versions, version, "version")
    return Answer(200, _one(platform.contexts, version, "context"))


# --- files


@route("GET", "/api/model/version/{version}/modelfiles")
def _list_files(platform: Platform, call: Call, version: str) -> Answer:
    row = _one(platform.versions, version, "version")
    rows = [_with_url(platform, file) for file in platform.files_of(row)]
    return _page(platform, call, rows, heed=platform.rules.pages_files)


@route("GET", "/api/model/version/{version}/modelfiles/find")
def _find_file(platform: Platform, call: Call, version: str) -> Answer:
    rows = platform.files_of(_one(platform.versions, version, "version"))
    return _first([_with_url(platform, row) for row in rows if call.asks_for(row, "name")], "file")


@route("POST", "/api/model/version/{version}/modelfiles")
def _create_file(platform: Platform, call: Call, version: str) -> Answer:
    row, body = _one(platform.versions, version, "version"), call.json()
    if not platform.rules.accepts(body["name"]):
        raise Refusal(400, "A name consists of letters, digits, - and _")
    if platform.rules.unique and any(file["name"] == body["name"] for file in platform.files_of(row)):
        raise Refusal(409, "A file of this name exists already in this version")
    if body["object_name"] not in platform.objects.data:
        raise Refusal(400, "There is no such object")
    file = {key: body[key] for key in ("name", "filename", "object_name", "large")}
    file |= {"id": new_id(), "version": version}
    platform.files[file["id"]] = file
    return Answer(201, _with_url(platform, file))


@route("GET", "/api/model/file/{file}")
def _file(platform: Platform, call: Call, file: str) -> Answer:
    return Answer(200, _with_url(platform, _one(platform.files, file, "file")))


@route("DELETE", "/api/model/file/{file}")
def _delete_file(platform: Platform, call: Call, file: str) -> Answer:
    _one(platform.files, file, "file")
    del platform.files[file]
    return Answer(204, None)


def _with_url(platform: Platform, file: Row) -> Row:
    return {**file, "presigned_url": platform.url(storage.read_path(file["object_name"]))}


# --- the storage, as far as the platform answers for it


@route("POST", "/api/organization/{org}/connector/{connector}/generate_object_name")
def _object_name(platform: Platform, call: Call, org: str, connector: str) -> Answer:
    body = call.json()
    context = body.get("context", {})
    folder = context.get("model_version_id") or context.get("experiment_id", "")
    return Answer(200, {"object_name": f"{folder}/{body['type']}/{uuid.uuid4().hex}/{body['filename']}"})


@route("POST", "/api/object-storage/{connector}/generate_presigned_url")
def _presign(platform: Platform, call: Call, connector: str) -> Answer:
    name, kind = call.json()["object_name"], platform.rules.client_type
    if kind == "azure":
        data = {"url": platform.url(storage.blob_path(name)), "fields": {"x-ms-meta-by": "stand-in"}}
    else:
        path = platform.objects.signed(storage.form_path(name))
        data = {"url": f"{platform.host}{storage.FORM}", "fields": {"key": name, "policy": path}}
    return Answer(200, {"client_type": kind, "presigned_url_data": data})


@route("POST", "/api/object-storage/{connector}/init_multipart_upload")
def _begin_parts(platform: Platform, call: Call, connector: str) -> Answer:
    name, kind = call.json()["object_name"], platform.rules.client_type
    if kind == "google":
        return Answer(200, {"client_type": kind, "url": platform.url(platform.objects.begin_chunks(name))})
    if kind == "azure":
        return Answer(200, {"client_type": kind})
    return Answer(200, {"client_type": kind, "upload_id": platform.objects.begin_parts(name)})


@route("POST", "/api/object-storage/{connector}/generate_part_presigned_url")
def _presign_part(platform: Platform, call: Call, connector: str) -> Answer:
    body = call.json()
    return Answer(200, {"url": platform.url(platform.objects.part_path(body["upload_id"], body["part_no"]))})


@route("POST", "/api/object-storage/{connector}/complete_part_upload")
def _complete(platform: Platform, call: Call, connector: str) -> Answer:
    body = call.json()
    platform.objects.complete(body["object_name"], body["upload_id"], body["parts"])
    return Answer(200, {})


@route("POST", "/api/object-storage/{connector}/retrieve_presigned_url")
def _presign_read(platform: Platform, call: Call, connector: str) -> Answer:
    return Answer(200, {"presigned_url": platform.url(storage.read_path(call.json()["object_name"]))})


# --- experiments


@route("GET", "/api/experiment/{experiment}")
def _experiment(platform: Platform, call: Call, experiment: str) -> Answer:
    return Answer(200, _one(platform.experiments, experiment, "experiment"))


@route("GET", "/api/organization/{org}/experiments/find")
def _find_experiment(platform: Platform, call: Call, org: str) -> Answer:
    return Answer(200, _one(platform.experiments, call.query.get("id", ""), "experiment"))


@route("GET", "/api/experiment/{experiment}/datasets")
def _attached(platform: Platform, call: Call, experiment: str) -> Answer:
    _one(platform.experiments, experiment, "experiment")
    return _page(platform, call, platform.attached.get(experiment, []))


# --- the server


class Served(Protocol):
    """A stand-in that answers calls: `host` is set to its address, `calls` are those that came."""

    host: str
    calls: list[Call]

    @property
    def faults(self) -> Faults:
        """What goes wrong with a call."""

    def answer(self, call: Call) -> Answer:
        """The answer to a call."""


class _Handler(BaseHTTPRequestHandler):
    """One connection; its class has the platform it belongs to."""

    protocol_version = "HTTP/1.1"
    platform: Served
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.connection.settimeout(30)

    def _process(self) -> None:
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query, keep_blank_values=True).items()}
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {key.lower(): value for key, value in self.headers.items()}
        call = Call(self.command, unquote(url.path), query, headers, body)
        self.platform.calls.append(call)
        fault = self.platform.faults(call)
        if fault is None:
            self._send(self.platform.answer(call))
            return
        if fault.after:
            self.platform.answer(call)
        self._fail(fault, call)

    def _fail(self, fault: Fault, call: Call) -> None:
        if fault.stall:
            threading.Event().wait(fault.stall)
        if fault.cut:
            self._send(self.platform.answer(call), fault.cut)
            self.close_connection = True
        elif fault.flip:
            answer = self.platform.answer(call)
            body = bytearray(answer.body() or b"?")
            body[len(body) // 2] ^= 1
            self._send(Answer(answer.status, headers=answer.headers, raw=bytes(body)))
        elif fault.garbage:
            self._send(Answer(200, raw=b'{"id": "'))
        elif fault.status:
            self._send(Answer(fault.status, {"message": fault.message}))
        else:
            with contextlib.suppress(OSError):  # a reset, not an end
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
            self.close_connection = True
            self.connection.close()

    def _send(self, answer: Answer, cut: int | None = None) -> None:
        body = b"" if answer.status == 204 else answer.body()
        self.send_response_only(answer.status)
        for key, value in answer.headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:cut])

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _process  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away, or was sent away, is no error here."""
        if not isinstance(sys.exception(), OSError | ValueError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextlib.contextmanager
def serve(platform: Served, port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve `platform`, with `tls` by HTTPS, until the block ends; its address."""
    handler = type("Handler", (_Handler,), {"platform": platform})
    server = _Server(("127.0.0.1", port), handler)
    platform.host = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    if tls is not None:  # the handshake is the thread's that answers
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield platform.host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main() -> None:
    """Serve an empty platform until the process is ended."""
    with serve(Platform(), int(sys.argv[1])) as host:
        sys.stdout.write(json.dumps({"host": host, "organization": ORGANIZATION, "token": TOKEN}) + "\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
