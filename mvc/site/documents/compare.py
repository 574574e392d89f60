"""The document of two versions: the tensors of the files that differ, in the order of the file.

{"schema":"mvc.site.compare/1","a":"60ab…","b":"9f86…","files":[{"role":"model-latest","path":"best.onnx","tensors":[
 {"name":"conv1.weight","dtype":"F32","shape":[64,3,7,7],"bytes":37632,"change":"changed","drift":null}]}]}
"""

from __future__ import annotations

from typing import Any

from mvc.model.compare.diff import compare
from mvc.model.compare.files import FileChange
from mvc.model.compare.tensors import UNCHANGED, TensorChange
from mvc.model.ids import VersionId
from mvc.repository import history, tensors
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage.records.promised import State

SCHEMA = "mvc.site.compare/1"
SAME = "same"


def document(model: Model, old: VersionId, new: VersionId, *, deep: bool = False) -> dict[str, Any]:
    """Return the document; without files if no file with tensors differs. Raises Missing, Damaged.

    With `deep`, also the drift of tensors of which both sides are here.
    """
    repository = model.repository
    difference = compare(history.snapshot(repository, old), history.snapshot(repository, new))
    files = [
        {
            "role": each.file.entry.role,
            "path": each.file.entry.path,
            "tensors": [_tensor(change) for change in each.difference.tensors],
        }
        for change in difference.files
        for each in tensors.differences(repository, [change], deep=deep and _is_here(repository, change))
        if each.difference is not None
    ]
    return {"schema": SCHEMA, "a": old, "b": new, "files": files}


def _is_here(repository: Repository, change: FileChange) -> bool:
    """Return whether the bytes of both sides are here: nothing is fetched."""
    sides = [side for side in (change.old, change.new) if side is not None]
    return all(repository.promised.state(side.file) is State.COMPLETE for side in sides)


def _tensor(change: TensorChange) -> dict[str, Any]:
    segment = change.segment
    return {
        "name": segment.name or f"#/{change.index}",
        "dtype": segment.dtype or None,
        "shape": segment.shape,
        "bytes": segment.size,
        "change": SAME if change.kind == UNCHANGED else change.kind,
        "drift": change.drift.relative if change.drift is not None else None,
    }
