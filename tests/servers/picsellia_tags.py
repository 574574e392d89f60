"""Tags of the stand-in platform: objects of the organization, each for one kind of target; here for model versions only.

The paths, bodies and fields are those of the SDK's source. What the platform itself does is not known:

    assumed   the name of a tag is unique among those of its target (409)
    assumed   a tag that is attached twice, or detached where it is not, is no error; ids of other objects are ignored
              (the SDK says of a wrong target that nothing happens)
    assumed   the answer about one version has its tags (`get_tags` reads them there); a listing may have them
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
TARGET = "MODEL_VERSION"


def add_tag(platform: Platform, name: str, *versions: Row, target: str = TARGET) -> Row:
    """Make a tag, or take the one of that name, and attach it to versions, as a person does on the web."""
    rows = [row for row in platform.tags.values() if (row["name"], row["target_type"]) == (name, target)]
    row = rows[0] if rows else {"id": str(uuid.uuid4()), "name": name, "target_type": target}
    platform.tags[row["id"]] = row
    for version in versions:
        _attach_to(row, version)
    return row


def tags_of(version: Row) -> list[str]:
    return sorted(tag["name"] for tag in version["tags"])


def remove_tag(version: Row, name: str) -> None:
    """Detach a tag, as a person does on the web."""
    version["tags"] = [tag for tag in version["tags"] if tag["name"] != name]


def _attach_to(tag: Row, version: Row) -> bool:
    if any(own["id"] == tag["id"] for own in version["tags"]):
        return False
    version["tags"] = [*version["tags"], tag]
    return True


def _one(platform: Platform, id_: str) -> Row:
    if id_ not in platform.tags:
        raise Refusal(404, "No tag with this id")
    return platform.tags[id_]


@route("POST", "/api/organization/{org}/tags")
def _create(platform: Platform, call: Call, org: str) -> Answer:
    body = call.json()
    taken = any(
        (row["name"], row["target_type"]) == (body["name"], body["target_type"]) for row in platform.tags.values()
    )
    if platform.rules.unique and taken:
        raise Refusal(409, "A tag of this name exists already")
    row = {"id": str(uuid.uuid4()), "name": body["name"], "target_type": body["target_type"]}
    platform.tags[row["id"]] = row
    return Answer(201, row)


@route("GET", "/api/organization/{org}/tags")
def _list(platform: Platform, call: Call, org: str) -> Answer:
    rows = [row for row in platform.tags.values() if call.asks_for(row, "target_type")]
    return Answer(200, {"items": rows, "count": len(rows)})


@route("GET", "/api/organization/{org}/tags/find")
def _find(platform: Platform, call: Call, org: str) -> Answer:
    for row in platform.tags.values():
        if call.asks_for(row, "target_type") and call.asks_for(row, "name"):
            return Answer(200, row)
    raise Refusal(404, "No tag matches")


@route("GET", "/api/tag/{tag}")
def _get(platform: Platform, call: Call, tag: str) -> Answer:
    return Answer(200, _one(platform, tag))


@route("PATCH", "/api/tag/{tag}")
def _update(platform: Platform, call: Call, tag: str) -> Answer:
    row = _one(platform, tag)
    row["name"] = call.json()["name"]
    return Answer(200, row)


@route("DELETE", "/api/tag/{tag}")
def _delete(platform: Platform, call: Call, tag: str) -> Answer:
    row = platform.tags.pop(_one(platform, tag)["id"])
    for version in platform.versions.values():
        version["tags"] = [own for own in version["tags"] if own["id"] != row["id"]]
    return Answer(204, None)


@route("POST", "/api/tag/{tag}/attach")
def _attach(platform: Platform, call: Call, tag: str) -> Answer:
    row = _one(platform, tag)
    count = sum(_attach_to(row, version) for version in _targets(platform, row, call))
    return Answer(200, {"tag": row, "count": count})


@route("POST", "/api/tag/{tag}/detach")
def _detach(platform: Platform, call: Call, tag: str) -> Answer:
    row = _one(platform, tag)
    versions = [version for version in _targets(platform, row, call) if row["name"] in tags_of(version)]
    for version in versions:
        remove_tag(version, row["name"])
    return Answer(200, {"tag": row, "count": len(versions)})


def _targets(platform: Platform, tag: Row, call: Call) -> list[Row]:
    ids = call.json() if tag["target_type"] == TARGET else []
    return [platform.versions[id_] for id_ in ids if id_ in platform.versions]
