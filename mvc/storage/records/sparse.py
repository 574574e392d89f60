"""Sparse files: files of a model that were never checked out, as in a clone with `--meta` or `--only`.

    sparse/helmets  {"kind":"sparse","model":"helmets","paths":["weights/best.onnx"],"v":1,"sum":"…"}

A listed path without a file in the working tree does not count as deleted, so the next version keeps it.
A model without a record has all its files checked out.
"""

from __future__ import annotations

from collections.abc import Iterable

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import names
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records.record import InsidePath, Record

FOLDER = "sparse"


@dataclass(frozen=True, slots=True)
class Sparse(Record):
    """The paths of `model`, in its folder, that were not checked out."""

    KIND = "sparse"
    NOUN = "list of files that are not checked out"

    model: str
    paths: tuple[InsidePath, ...]


def path(model: str) -> str:
    """Return the name of the record of `model`, below `.mvc`."""
    return f"{FOLDER}/{names.encode_component(model)}"


def paths(door: StoreDoor, model: str) -> frozenset[str]:
    """Return the paths of `model` that were not checked out, in its folder; raise Damaged."""
    what = f"the list of files of {model} that are not checked out"
    try:
        found = Sparse.decode(door.read(path(model)), what=what)
    except FileNotFoundError:
        return frozenset()
    if found.model != model:
        raise errors.Damaged(what=what, reason="it belongs to another model")
    return frozenset(found.paths)


def record(door: StoreDoor, model: str, left_out: Iterable[str]) -> None:
    """Replace the list of `model` durably; remove it if it is empty. The caller holds the lock."""
    listed = tuple(sorted(set(left_out)))
    if listed:
        door.replace(path(model), Sparse(model, listed).encode())
    elif door.exists(path(model)):
        door.remove(path(model))
