"""A stand-in for a tracking server of MLflow: the calls of its model registry, runs and artifacts, as 3.17 answers them.

tracking = Tracking();  with picsellia.serve(tracking) as server: …/api/2.0/mlflow/registered-models/get?name=helmet
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.servers.picsellia import Faults
from tests.servers.picsellia_wire import Answer, Call, Refusal

API = "/api/2.0/mlflow/"
SERVED = "/api/2.0/mlflow-artifacts/artifacts"
START = 1_770_109_200_000
_PAGE = 2

Row = dict[str, Any]


class _Coded(Refusal):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(status, code)
        self.code = code


@dataclass
class Tracking:
    """All that the server knows; `files` are the artifacts by path. With `authorization`, calls must have it."""

    authorization: str | None = None
    artifact_root: str = "mlflow-artifacts:/"
    models: dict[str, Row] = field(default_factory=dict)
    versions: list[Row] = field(default_factory=list)
    runs: dict[str, Row] = field(default_factory=dict)
    experiments: dict[str, str] = field(default_factory=dict)
    logged: dict[str, str] = field(default_factory=dict)
    """The place of each logged model."""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: Faults = lambda _: None
    host: str = ""
    calls: list[Call] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def answer(self, call: Call) -> Answer:
        with self.lock:
            try:
                if self.authorization is not None and call.headers.get("authorization") != self.authorization:
                    raise _Coded(401, "UNAUTHENTICATED")
                if call.path.startswith(SERVED):
                    return self._served(call)
                function = _CALLS.get(f"{call.method} {call.path.removeprefix(API)}")
                if function is None and call.path.startswith(f"{API}logged-models/"):
                    function = _logged
                if function is None:
                    raise _Coded(404, "ENDPOINT_NOT_FOUND")
                return Answer(200, function(self, {**call.query, **(call.json() if call.body else {})}, call))
            except _Coded as refusal:
                return Answer(refusal.status, {"error_code": refusal.code, "message": ""})

    def add_version(self, model: str, files: dict[str, bytes], **more: Any) -> Row:
        """A version that people made, with a run; `more` are fields of the version, and `params`, `metrics` of the run."""
        self.models.setdefault(model, {"name": model, "description": "Finds helmets"})
        run = self.create_run("0", f"run{len(self.runs)}", more.pop("run_tags", {}))
        run["data"] |= {key: more.pop(key) for key in ("params", "metrics") if key in more}
        top = f"0/{run['info']['run_id']}/artifacts/model"
        self.files |= {f"{top}/{path}": data for path, data in files.items()}
        row = {"source": f"mlflow-artifacts:/{top}", "run_id": run["info"]["run_id"], **more}
        return self.create_version(model, row)

    def create_version(self, model: str, row: Row) -> Row:
        number = 1 + sum(version["name"] == model for version in self.versions)
        made = {"name": model, "version": str(number), "status": "READY", "creation_timestamp": START + number * 1000}
        self.versions.append({**made, **row})
        return self.versions[-1]

    def create_run(self, experiment: str, name: str, tags: dict[str, str]) -> Row:
        id_ = f"{len(self.runs):032x}"
        info = {"run_id": id_, "run_name": name, "user_id": "unknown", "status": "RUNNING"}
        info["artifact_uri"] = f"{self.artifact_root}{experiment}/{id_}/artifacts"
        rows = [{"key": key, "value": value} for key, value in tags.items()]
        self.runs[id_] = {"info": info, "data": {"params": [], "metrics": [], "tags": rows}, "experiment": experiment}
        return self.runs[id_]

    def _served(self, call: Call) -> Answer:
        path = call.path.removeprefix(SERVED).lstrip("/")
        if call.method == "PUT":
            self.files[path] = call.body
            return Answer(200, {})
        if path:
            if path not in self.files:
                raise _Coded(404, "NOT_FOUND")
            return Answer(200, raw=self.files[path])
        top = f"{call.query['path'].strip('/')}/"
        inside = {name.removeprefix(top): data for name, data in self.files.items() if name.startswith(top)}
        folders = {name.partition("/")[0] for name in inside if "/" in name}
        rows = [{"path": name, "is_dir": True} for name in sorted(folders)]
        for name, data in inside.items():
            if "/" not in name:  # a size of 0 is left out, as MLflow does
                rows.append({"path": name, "is_dir": False, **({"file_size": len(data)} if data else {})})
        return Answer(200, {"files": rows})


Function = Callable[[Tracking, Row, Call], Row]
_CALLS: dict[str, Function] = {}


def _call(name: str) -> Callable[[Function], Function]:
    def register(function: Function) -> Function:
        _CALLS[name] = function
        return function

    return register


@_call("GET registered-models/get")
def _model(tracking: Tracking, asked: Row, call: Call) -> Row:
    if asked["name"] not in tracking.models:
        raise _Coded(404, "RESOURCE_DOES_NOT_EXIST")
    return {"registered_model": tracking.models[asked["name"]]}


@_call("POST registered-models/create")
def _create_model(tracking: Tracking, asked: Row, call: Call) -> Row:
    if asked["name"] in tracking.models:
        raise _Coded(400, "RESOURCE_ALREADY_EXISTS")
    tracking.models[asked["name"]] = dict(asked)
    return {"registered_model": tracking.models[asked["name"]]}


@_call("POST registered-models/alias")
def _alias(tracking: Tracking, asked: Row, call: Call) -> Row:
    row = tracking.models[asked["name"]]
    others = [alias for alias in row.get("aliases", []) if alias["alias"] != asked["alias"]]
    row["aliases"] = [*others, {"alias": asked["alias"], "version": asked["version"]}]
    return {}


@_call("GET model-versions/search")
def _search(tracking: Tracking, asked: Row, call: Call) -> Row:
    name = re.fullmatch(r"name='(.*)'", asked["filter"])
    assert name is not None
    rows = [row for row in tracking.versions if row["name"] == name[1].replace("''", "'")][::-1]
    start = int(asked.get("page_token") or 0)
    more = {"next_page_token": str(start + _PAGE)} if start + _PAGE < len(rows) else {}
    return {"model_versions": rows[start : start + _PAGE], **more}


@_call("POST model-versions/create")
def _create_version(tracking: Tracking, asked: Row, call: Call) -> Row:
    return {"model_version": tracking.create_version(asked["name"], {k: v for k, v in asked.items() if k != "name"})}


@_call("GET runs/get")
def _run(tracking: Tracking, asked: Row, call: Call) -> Row:
    if asked["run_id"] not in tracking.runs:
        raise _Coded(404, "RESOURCE_DOES_NOT_EXIST")
    return {"run": tracking.runs[asked["run_id"]]}


@_call("POST runs/search")
def _search_runs(tracking: Tracking, asked: Row, call: Call) -> Row:
    wanted = re.fullmatch(r"tags\.`(.+)` = '(.+)'", asked["filter"])
    assert wanted is not None
    tag = {"key": wanted[1], "value": wanted[2]}
    rows = [run for run in tracking.runs.values() if tag in run["data"]["tags"]]
    return {"runs": [run for run in rows if run["experiment"] in asked["experiment_ids"]]}


@_call("POST runs/create")
def _create_run(tracking: Tracking, asked: Row, call: Call) -> Row:
    tags = {tag["key"]: tag["value"] for tag in asked["tags"]}
    return {"run": tracking.create_run(asked["experiment_id"], asked["run_name"], tags)}


@_call("POST runs/update")
def _update_run(tracking: Tracking, asked: Row, call: Call) -> Row:
    tracking.runs[asked["run_id"]]["info"]["status"] = asked["status"]
    return {}


@_call("POST runs/log-batch")
def _log(tracking: Tracking, asked: Row, call: Call) -> Row:
    data = tracking.runs[asked["run_id"]]["data"]
    for kind in ("params", "metrics"):
        known = {row["key"] for row in data[kind]}
        data[kind] += [row for row in asked[kind] if row["key"] not in known]
    return {}


@_call("GET experiments/get-by-name")
def _experiment(tracking: Tracking, asked: Row, call: Call) -> Row:
    if asked["experiment_name"] not in tracking.experiments:
        raise _Coded(404, "RESOURCE_DOES_NOT_EXIST")
    return {"experiment": {"experiment_id": tracking.experiments[asked["experiment_name"]]}}


@_call("POST experiments/create")
def _create_experiment(tracking: Tracking, asked: Row, call: Call) -> Row:
    if asked["name"] in tracking.experiments:
        raise _Coded(400, "RESOURCE_ALREADY_EXISTS")
    tracking.experiments[asked["name"]] = str(len(tracking.experiments) + 1)
    return {"experiment_id": tracking.experiments[asked["name"]]}


def _logged(tracking: Tracking, asked: Row, call: Call) -> Row:
    id_ = call.path.rpartition("/")[2]
    if id_ not in tracking.logged:
        raise _Coded(404, "RESOURCE_DOES_NOT_EXIST")
    return {"model": {"info": {"model_id": id_, "artifact_uri": tracking.logged[id_]}}}
