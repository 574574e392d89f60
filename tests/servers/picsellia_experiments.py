"""Projects and experiments of the stand-in platform: their logs, artifacts and dataset versions, and their export.

The paths, bodies and required fields are those of the SDK's source. What the platform itself does is not known:

    assumed   a new experiment with a base version copies its files as artifacts, its parameters as the log `parameters`
              (the SDK says so of `set_base_model_version`), and its labels as the log `labelmap`
    assumed   an export copies artifacts as files with records of their own, the logs `parameters` and `labelmap`, and the
              type, framework and image of the base version; it names the version `v<number>`
    assumed   an export into a model twice makes two versions
    assumed   the names of experiments are unique in a project, as far as `Rules.unique`; an alias has one dataset version
    assumed   a launch starts a job each time

`Rules.copies_base` turns the copies of files and fields off.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from tests.servers.picsellia_wire import Answer, Call, Refusal, Router

if TYPE_CHECKING:
    from tests.servers.picsellia import Platform

Row = dict[str, Any]
ROUTER: Router[Platform] = Router()
route = ROUTER.route
_OF_BASE = ("type", "framework", "labels", "docker_image", "docker_image_name", "docker_tag", "docker_flags",
            "docker_env_variables")  # fmt: skip


def _new_id() -> str:
    return str(uuid.uuid4())


def _experiment(platform: Platform, id_: str) -> Row:
    if id_ not in platform.experiments:
        raise Refusal(404, "No experiment with this id")
    return platform.experiments[id_]


def _listed(platform: Platform, call: Call, rows: list[Row]) -> Answer:
    offset = int(call.query.get("offset", 0))
    limit = min(int(call.query.get("limit", platform.rules.page)), platform.rules.page)
    return Answer(200, {"items": rows[offset : offset + limit], "count": len(rows)})


# --- projects


@route("POST", "/api/organization/{org}/projects")
def _create_project(platform: Platform, call: Call, org: str) -> Answer:
    return Answer(201, platform.add_project(call.json()["name"]))


@route("GET", "/api/organization/{org}/projects")
def _list_projects(platform: Platform, call: Call, org: str) -> Answer:
    return _listed(platform, call, list(platform.projects.values()))


@route("GET", "/api/organization/{org}/projects/find")
def _find_project(platform: Platform, call: Call, org: str) -> Answer:
    for row in platform.projects.values():
        if call.asks_for(row, "id", "name"):
            return Answer(200, row)
    raise Refusal(404, "No project matches")


# --- experiments


@route("POST", "/api/project/{project}/experiments")
def _create_experiment(platform: Platform, call: Call, project: str) -> Answer:
    body = call.json()
    taken = {row["name"] for row in _of_project(platform, project)}
    if platform.rules.unique and body["name"] in taken:
        raise Refusal(409, "An experiment of this name exists already in this project")
    if body.get("base_model_version_id") not in (None, *platform.versions):
        raise Refusal(404, "No version with this id")
    row = platform.add_experiment(body["name"], project=project)
    row["base_experiment_id"] = body.get("base_experiment_id")
    if "parameters" in body:
        set_log(platform, row, "parameters", body["parameters"])
    if body.get("base_model_version_id"):
        base_on(platform, row, platform.versions[body["base_model_version_id"]])
    return Answer(201, row)


@route("GET", "/api/project/{project}/experiments")
def _list_experiments(platform: Platform, call: Call, project: str) -> Answer:
    return _listed(platform, call, _of_project(platform, project))


@route("GET", "/api/project/{project}/experiments/find")
def _find_experiment(platform: Platform, call: Call, project: str) -> Answer:
    for row in _of_project(platform, project):
        if call.asks_for(row, "id", "name"):
            return Answer(200, row)
    raise Refusal(404, "No experiment matches")


def _of_project(platform: Platform, project: str) -> list[Row]:
    if project not in platform.projects:
        raise Refusal(404, "No project with this id")
    return [row for row in platform.experiments.values() if row["project_id"] == project]


@route("POST", "/api/experiment/{experiment}/model")
def _set_base(platform: Platform, call: Call, experiment: str) -> Answer:
    body = call.json()
    base_on(platform, _experiment(platform, experiment), platform.versions[body["model_version_id"]])
    return Answer(200, {})


@route("POST", "/api/experiment/{experiment}/datasets")
def _attach(platform: Platform, call: Call, experiment: str) -> Answer:
    body = call.json()
    attached = platform.attached[_experiment(platform, experiment)["id"]]
    if any(row["name"] == body["name"] for row in attached):
        raise Refusal(409, "A dataset version is attached under this name already")
    attached.append({"name": body["name"], "dataset_version": platform.dataset_versions[body["dataset_version_id"]]})
    return Answer(201, {})


@route("GET", "/api/experiment/{experiment}/datasets/find")
def _find_attached(platform: Platform, call: Call, experiment: str) -> Answer:
    for row in platform.attached[_experiment(platform, experiment)["id"]]:
        if call.asks_for(row, "name"):
            return Answer(200, row)
    raise Refusal(404, "No dataset version is attached under this name")


@route("POST", "/api/experiment/{experiment}/launch")
def _launch(platform: Platform, call: Call, experiment: str) -> Answer:
    job = {"id": _new_id(), "status": "PENDING", "experiment": _experiment(platform, experiment)["id"], **call.json()}
    platform.jobs.append(job)
    return Answer(201, job)


def base_on(platform: Platform, experiment: Row, version: Row) -> None:
    """Make a version the base of an experiment: its files become artifacts unless there are some (assumed)."""
    experiment["base_model_version_id"] = version["id"]
    parameters = version.get("parameters") or version.get("base_parameters")
    if parameters and "parameters" not in platform.logs.get(experiment["id"], {}):
        set_log(platform, experiment, "parameters", parameters)
    if (
        platform.rules.copies_base
        and version.get("labels")
        and "labelmap" not in platform.logs.get(experiment["id"], {})
    ):
        set_log(platform, experiment, "labelmap", version["labels"], "LABELMAP")
    if platform.rules.copies_base and not artifacts_of(platform, experiment):
        for file in platform.files_of(version):
            add_artifact(platform, experiment, {key: file[key] for key in ("name", "filename", "object_name", "large")})


# --- logs


def set_log(platform: Platform, experiment: Row, name: str, data: Any, type_: str = "TABLE") -> Row:
    """Set the log of that name, as `experiment.log` does by default; append to a line."""
    logs = platform.logs.setdefault(experiment["id"], {})
    if type_ == "LINE" and name in logs:
        data = [*logs[name]["data"], *(data if isinstance(data, list) else [data])]
    logs[name] = {"id": _new_id(), **logs.get(name, {}), "name": name, "type": type_, "data": data}
    return logs[name]


@route("POST", "/api/experiment/{experiment}/logs")
def _log(platform: Platform, call: Call, experiment: str) -> Answer:
    body = call.json()
    row = _experiment(platform, experiment)
    if call.query.get("raise_on_conflict") == "True" and body["name"] in platform.logs.get(experiment, {}):
        raise Refusal(409, "A log of this name exists already")
    return Answer(201, set_log(platform, row, body["name"], body["data"], body["type"]))


@route("GET", "/api/experiment/{experiment}/logs/extended")
def _list_logs(platform: Platform, call: Call, experiment: str) -> Answer:
    _experiment(platform, experiment)
    return _listed(platform, call, list(platform.logs.get(experiment, {}).values()))


@route("GET", "/api/experiment/{experiment}/logs/find")
def _find_log(platform: Platform, call: Call, experiment: str) -> Answer:
    _experiment(platform, experiment)
    row = platform.logs.get(experiment, {}).get(call.query.get("name", ""))
    if row is None:
        raise Refusal(404, "No log matches")
    return Answer(200, row)


# --- artifacts


def artifacts_of(platform: Platform, experiment: Row) -> list[Row]:
    return [row for row in platform.artifacts.values() if row["experiment"] == experiment["id"]]


def add_artifact(platform: Platform, experiment: Row, fields: Row) -> Row:
    row = {"id": _new_id(), "experiment": experiment["id"], **fields}
    return platform.artifacts.setdefault(row["id"], row)


@route("GET", "/api/experiment/{experiment}/artifacts")
def _list_artifacts(platform: Platform, call: Call, experiment: str) -> Answer:
    return _listed(platform, call, artifacts_of(platform, _experiment(platform, experiment)))


@route("GET", "/api/experiment/{experiment}/artifacts/find")
def _find_artifact(platform: Platform, call: Call, experiment: str) -> Answer:
    for row in artifacts_of(platform, _experiment(platform, experiment)):
        if call.asks_for(row, "name"):
            return Answer(200, row)
    raise Refusal(404, "No artifact matches")


@route("POST", "/api/experiment/{experiment}/artifacts")
def _create_artifact(platform: Platform, call: Call, experiment: str) -> Answer:
    body = call.json()
    if not platform.rules.accepts(body["name"]):
        raise Refusal(400, "A name consists of letters, digits, - and _")
    fields = {key: body[key] for key in ("name", "filename", "object_name", "large")}
    return Answer(201, add_artifact(platform, _experiment(platform, experiment), fields))


@route("PATCH", "/api/artifact/{artifact}")
def _update_artifact(platform: Platform, call: Call, artifact: str) -> Answer:
    if artifact not in platform.artifacts:
        raise Refusal(404, "No artifact with this id")
    platform.artifacts[artifact].update(call.json())
    return Answer(200, platform.artifacts[artifact])


# --- export


@route("POST", "/api/experiment/{experiment}/publish")
def _export(platform: Platform, call: Call, experiment: str) -> Answer:
    row = _experiment(platform, experiment)
    return Answer(201, export(platform, row, platform.add_model(call.json()["name"])))


@route("POST", "/api/experiment/{experiment}/publish/version")
def _export_version(platform: Platform, call: Call, experiment: str) -> Answer:
    model = platform.models.get(call.json()["model_id"])
    if model is None:
        raise Refusal(404, "No model with this id")
    return Answer(201, export(platform, _experiment(platform, experiment), model))


def export(platform: Platform, experiment: Row, model: Row) -> Row:
    """Make a version of an experiment, with a context (what is copied is assumed)."""
    base = platform.versions.get(experiment["base_model_version_id"] or "", {})
    fields = {key: base[key] for key in _OF_BASE if key in base and platform.rules.copies_base}
    logs = platform.logs.get(experiment["id"], {})
    parameters = logs.get("parameters", {}).get("data", {})
    fields |= {"labels": logs["labelmap"]["data"]} if "labelmap" in logs else {}
    version = platform.add_version(model, **fields, **{platform.rules.parameters_key: dict(parameters)})
    for artifact in artifacts_of(platform, experiment):
        row = {key: artifact[key] for key in ("name", "filename", "object_name", "large")}
        row |= {"id": _new_id(), "version": version["id"]}
        platform.files[row["id"]] = row
    platform.trained_by(version, experiment, dict(parameters))
    return version
