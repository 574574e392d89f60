"""Lock files: the exact files of one version that `mvc download --locked` fetches, in a file for version control.

    {
      "files": [
        {
          "file": "9f…",
          "path": "weights/best.onnx",
          "role": "model-latest",
          "size": 92100000
        }
      ],
      "kind": "mvc-lock",
      "model": "helmets",
      "url": "s3://team-models/vision",
      "v": 1,
      "version": "72ab…"
    }

Keys and paths are sorted, so that two locks differ only where their contents do. A lock file may come from anybody: it is
bounded and checked before it is used, and its URL is not an approval of the host.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.formats.syntax import foreign_json
from mvc.model import canonical, names, paths
from mvc.model.ids import FileId, VersionId, is_id
from mvc.model.tree import MAX_ENTRIES, MAX_ROLE, TreeEntry

MAX_BYTES = canonical.MAX_BYTES
"""The longest lock file, in bytes."""
KIND = "mvc-lock"
VERSION = 1
_REQUIRED = {"files", "kind", "model", "url", "v", "version"}
_FILE = {"file", "path", "role", "size"}
_MAX_MARKS = 8 * MAX_ENTRIES
"""Commas and brackets, including those in texts: each may be a value in memory."""


@dataclass(frozen=True, slots=True)
class Lock:
    """A version of `model` on the remote at `url`, with these `settings`, and its `files`, by path."""

    url: str
    model: str
    version: VersionId
    files: tuple[TreeEntry, ...]
    settings: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the text of the file."""
        record: dict[str, Any] = {
            "kind": KIND,
            "v": VERSION,
            "url": self.url,
            "model": self.model,
            "version": self.version,
        }
        if self.settings:
            record["settings"] = dict(self.settings)
        by_path = sorted(self.files, key=lambda entry: (entry.path.encode(), entry.role))
        record["files"] = [{key: getattr(entry, key) for key in _FILE} for entry in by_path]
        return f"{json.dumps(record, ensure_ascii=False, indent=2, sort_keys=True)}\n".encode()


def decode(data: bytes, path: object) -> Lock:
    """Return the lock in the bytes of the file at `path`; raise BadLockFile, UnsafePath, UnportablePath, CollidingPaths."""
    record = _record(data, path)
    files = record["files"]
    if not isinstance(files, list) or not files or not all(map(_is_file, files)):
        raise errors.BadLockFile(path=path, reason="each of its files has file, path, role and size")
    entries = tuple(TreeEntry(each["path"], each["role"], each["size"], FileId(each["file"])) for each in files)
    check_paths(entries)
    return Lock(record["url"], record["model"], VersionId(record["version"]), entries, record.get("settings", {}))


def check_paths(entries: Iterable[TreeEntry]) -> None:
    """Raise UnsafePath, UnportablePath or CollidingPaths unless files can be written at these paths."""
    listed = list(dict.fromkeys(entry.path for entry in entries))
    for path in listed:
        paths.check_path(path)
    for first, second in paths.collisions(listed):
        raise errors.CollidingPaths(first=first, second=second)


def _record(data: bytes, path: object) -> dict[str, Any]:
    """Return the map in a lock file; its texts are checked, its files are not."""
    if len(data) > MAX_BYTES or sum(map(data.count, (b",", b"[", b"{"))) > _MAX_MARKS:
        raise errors.BadLockFile(path=path, reason="it is too long")
    try:
        record = foreign_json.loads(data)
    except ValueError:
        raise errors.BadLockFile(path=path, reason="it is not JSON") from None
    if not isinstance(record, dict) or record.get("kind") != KIND:
        raise errors.BadLockFile(path=path, reason="it is not a lock file of mvc")
    if record.get("v") != VERSION:
        raise errors.BadLockFile(path=path, reason="it was written by a newer mvc")
    if not _REQUIRED <= record.keys() <= _REQUIRED | {"settings"}:
        raise errors.BadLockFile(path=path, reason=f"its keys are {', '.join(sorted(_REQUIRED))}, and settings")
    settings = record.get("settings", {})
    texts = [record["url"], record["model"], *(settings.values() if isinstance(settings, dict) else [None])]
    if not all(isinstance(text, str) for text in texts) or not is_id(record["version"]):
        raise errors.BadLockFile(path=path, reason="url, model and settings are texts, and version is an id")
    names.check_model_key(record["model"])
    return record


def _is_file(record: Any) -> bool:
    if not isinstance(record, dict) or record.keys() != _FILE or not is_id(record["file"]):
        return False
    is_size = type(record["size"]) is int and record["size"] >= 0
    return is_size and type(record["path"]) is str and type(record["role"]) is str and len(record["role"]) <= MAX_ROLE
