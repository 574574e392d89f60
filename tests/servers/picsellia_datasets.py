"""Datasets of the stand-in platform: their versions and the labels of these.

The paths, queries and required fields are those of the SDK's source. What the platform itself does is not known:

    assumed   versions are listed in the order of their creation
    assumed   an answer may have `created_at`; the SDK reads none, and without it, the order is that of the ids
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.servers.picsellia_wire import Answer, Call, Refusal, Router

if TYPE_CHECKING:
    from tests.servers.picsellia import Platform

Row = dict[str, Any]
ROUTER: Router[Platform] = Router()
route = ROUTER.route


def _version(platform: Platform, id_: str) -> Row:
    if id_ not in platform.dataset_versions:
        raise Refusal(404, "No dataset version with this id")
    return platform.dataset_versions[id_]


def _versions(platform: Platform, dataset: str) -> list[Row]:
    rows = [row for row in platform.dataset_versions.values() if row["origin_id"] == dataset]
    if not rows:
        raise Refusal(404, "No dataset with this id")
    return rows


def _page(platform: Platform, call: Call, rows: list[Row]) -> Answer:
    offset = int(call.query.get("offset", 0))
    limit = min(int(call.query.get("limit", platform.rules.page)), platform.rules.page)
    return Answer(200, {"items": rows[offset : offset + limit], "count": len(rows)})


@route("GET", "/api/organization/{org}/datasets")
def _list_datasets(platform: Platform, call: Call, org: str) -> Answer:
    datasets = {row["origin_id"]: row["origin_name"] for row in platform.dataset_versions.values()}
    return _page(platform, call, [{"id": id_, "name": name} for id_, name in datasets.items()])


@route("GET", "/api/organization/{org}/datasets/find")
def _find_dataset(platform: Platform, call: Call, org: str) -> Answer:
    for row in platform.dataset_versions.values():
        dataset = {"id": row["origin_id"], "name": row["origin_name"]}
        if call.asks_for(dataset, "id", "name"):
            return Answer(200, dataset)
    raise Refusal(404, "No dataset matches")


@route("GET", "/api/dataset/{dataset}/versions")
def _list_versions(platform: Platform, call: Call, dataset: str) -> Answer:
    return _page(platform, call, _versions(platform, dataset))


@route("GET", "/api/dataset/{dataset}/versions/find")
def _find_version(platform: Platform, call: Call, dataset: str) -> Answer:
    for row in _versions(platform, dataset):
        if call.asks_for(row, "id", "version"):
            return Answer(200, row)
    raise Refusal(404, "No dataset version matches")


@route("GET", "/api/dataset/version/{version}")
def _sync(platform: Platform, call: Call, version: str) -> Answer:
    return Answer(200, _version(platform, version))


@route("GET", "/api/organization/{org}/datasetversions/find")
def _find_by_id(platform: Platform, call: Call, org: str) -> Answer:
    return Answer(200, _version(platform, call.query.get("id", "")))


@route("GET", "/api/dataset/version/{version}/labels")
def _labels(platform: Platform, call: Call, version: str) -> Answer:
    return _page(platform, call, platform.labels[_version(platform, version)["id"]])
