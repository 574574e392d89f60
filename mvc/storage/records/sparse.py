"""Files of a model that were never checked out, as in a clone with `--meta` or `--only`.

    sparse/helmets  {"kind":"sparse","model":"helmets","paths":["weights/best.onnx"],"v":1,"sum":"…"}

A listed path without a file in the working tree was left out on purpose, so it is not deleted, and the next version keeps it.
A model without a record has all its files checked out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mvc import errors
from mvc.model import names
from mvc.model.paths import check_inside
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records import sealed

FOLDER = "sparse"
_FIELDS = {"kind", "v", "model", "paths"}


def path(model: str) -> str:
    """Where the record of `model` lies, below `.mvc`."""
    return f"{FOLDER}/{names.encode_component(model)}"


def paths(door: StoreDoor, model: str) -> frozenset[str]:
    """The paths of `model` that were not checked out, in its folder; raises Damaged."""
    what = f"the list of files of {model} that are not checked out"
    try:
        record = sealed.unseal(door.read(path(model)), what=what, kind="sparse")
    except FileNotFoundError:
        return frozenset()
    if set(record) != _FIELDS or record["v"] != 1 or record["model"] != model or not well_formed(record["paths"]):
        raise errors.Damaged(what=what, reason="its fields are not those of such a list")
    return frozenset(record["paths"])


def record(door: StoreDoor, model: str, left_out: Iterable[str]) -> None:
    """Replace the list of `model` durably; without any path the record goes. Under the lock."""
    listed = sorted(set(left_out))
    if listed:
        door.replace(path(model), sealed.seal({"kind": "sparse", "v": 1, "model": model, "paths": listed}))
    elif door.exists(path(model)):
        door.remove(path(model))


def well_formed(listed: Any) -> bool:
    """Whether this is a list of paths inside a folder."""
    try:
        for each in listed:
            check_inside(each)
    except (TypeError, AttributeError, errors.UnsafePath):
        return False
    return isinstance(listed, list)
