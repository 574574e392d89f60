"""Record requests: what a training was about to record, in a file from which `mvc record --resume FILE` records it later.

    {
      "author": {"email": "ana@example.org", "name": "Ana"},
      "command": "mvc --repo /home/ana/helmets record --resume /home/ana/runs/exp3/mvc-record.json",
      "files": {"model-latest": {"id": "9f…", "path": "/home/ana/runs/exp3/weights/best.pt", "size": 5400000}},
      "kind": "record-request",
      "model": "helmets",
      "reason": "No space left on device.",
      "values": {"metrics": {"mAP50": 0.71}},
      …
    }

It is written beside the training's own output, never in a store, and names files without copying them. The ids name the
bytes that are meant: a file that has changed since is refused. A training that goes on is not delayed by the reading of
its weights: until it ends, the request has their size, inode and time of modification instead. `command` and `reason` are
for people; nothing reads them.

Such a file may come from anybody: it is bounded and checked before it is used.
"""

from __future__ import annotations

import json
import os
import shlex
import stat
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Self

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import names, paths
from mvc.model.ids import FileId, VersionId, is_id
from mvc.model.toml import rules, schema
from mvc.model.version import Code, Person, Timestamp, check_message
from mvc.repository.record.options import Changes, Options
from mvc.storage.disk import hashing

KIND = "record-request"
VERSION = 1
MAX_BYTES = 16 << 20
"""Bytes of the file, at most."""
MAX_FILES = 10_000
_FILE = {"path", "size", "id"}
_STAMP = ("inode", "mtime_ns")
_MAX_MARKS = 2_000_000
"""Commas and brackets, at most: each may be a value in memory."""
_OPTIONAL: dict[str, Any] = {
    "values": {}, "removed": {}, "replaced": [], "branch": None, "parent": None, "tags": [], "aliases": [], "code": None,
    "allow_secret": False, "force": False, "names": {}, "command": "", "reason": "",
}  # fmt: skip
_REQUIRED = {"kind", "v", "model", "files", "message", "author", "time"}


class _InvalidError(Exception):
    """The file is not a record request."""


@dataclass(frozen=True, slots=True)
class RequestedFile:
    """A file to record, at an absolute path; its size and id, None if it could not be read.

    Without an id, `stamp` identifies the file: its inode and time of modification. Without both, any file at the path is meant.
    """

    path: Path
    size: int | None = None
    id: FileId | None = None
    stamp: tuple[int, int] | None = None

    @classmethod
    def of(cls, path: Path) -> Self:
        """Return the file at `path`, as it is now: its bytes are read. Raises nothing."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (OSError, ValueError):
            return cls(path)
        try:
            found = os.fstat(fd)
            return cls(path, found.st_size, hashing.file_id(fd)) if stat.S_ISREG(found.st_mode) else cls(path)
        except OSError:
            return cls(path)
        finally:
            os.close(fd)

    @classmethod
    def unread(cls, path: Path) -> Self:
        """Return the file at `path`, as it is now, with a stamp instead of an id. Raises nothing."""
        try:
            found = os.stat(path)
        except (OSError, ValueError):
            return cls(path)
        return cls(path, found.st_size, stamp=(found.st_ino, found.st_mtime_ns))

    def settled(self) -> Self:
        """Return the file with the id that it has now, unless it has one. A file that has changed has none, but its stamp."""
        if self.id is not None:
            return self
        if self.stamp is not None and self.unread(self.path) != self:
            return self
        return self.of(self.path)

    def to_json(self) -> dict[str, Any]:
        """Return the fields of the file in a request."""
        stamp = dict(zip(_STAMP, self.stamp, strict=True)) if self.stamp is not None else {}
        return {"path": os.fspath(self.path), "size": self.size, "id": self.id, **stamp}


@dataclass(frozen=True, slots=True)
class RecordRequest:
    """A version to record: `files` by role, a message, and `author` and `time` of the training.

    `changes` are those of the parent's values; their keys have two parts, `("metrics", "mAP50")`. `reason` says why it was
    not recorded at once.
    """

    model: str
    files: Mapping[str, RequestedFile]
    message: str
    author: Person
    time: Timestamp
    changes: Changes = field(default_factory=Changes)
    options: Options = field(default_factory=Options)
    code: Code | None = None
    reason: str = ""

    def encode(self, command: str = "") -> bytes:
        """Return the text of the file; `command` is what records it."""
        values: dict[str, dict[str, Any]] = {}
        for (section, key), value in self.changes.assignments:
            values.setdefault(section, {})[key] = value
        removed: dict[str, list[str]] = {}
        for section, key in sorted(self.changes.removed):
            removed.setdefault(section, []).append(key)
        record = {
            "kind": KIND,
            "v": VERSION,
            "model": self.model,
            "message": self.message,
            "author": {"name": self.author.name, "email": self.author.email},
            "time": self.time.to_json(),
            "files": {role: file.to_json() for role, file in self.files.items()},
            "values": values,
            "removed": removed,
            "replaced": sorted(self.changes.replaced),
            "branch": self.options.branch,
            "parent": self.options.parent,
            "tags": list(self.options.tags),
            "aliases": list(self.options.aliases),
            "allow_secret": self.options.allow_secret,
            "force": self.options.force,
            "names": dict(self.options.names),
            "code": self.code.to_json() if self.code is not None else None,
            "command": command,
            "reason": self.reason,
        }
        text = json.dumps(record, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False)
        return f"{text}\n".encode("utf-8", "backslashreplace")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the request in the file at `path`. Raises NoSuchFile, UnreadableFile, BadRecordRequest."""
        shown = paths.escape_name(os.fspath(path))
        try:
            return cls._of(_parsed(_bytes(path)))
        except FileNotFoundError:
            raise errors.NoSuchFile(path=shown) from None
        except OSError as error:
            raise errors.UnreadableFile(path=shown, reason=error.strerror) from error
        except _InvalidError as error:
            reason = str(error)
        except errors.MvcError as error:
            reason = error.message.rstrip(".")
        raise errors.BadRecordRequest(path=shown, reason=reason)

    @classmethod
    def _of(cls, record: dict[str, Any]) -> Self:
        message, author = record["message"], record["author"]
        names.check_model_key(record["model"])
        check_message(message)
        if not isinstance(author, dict) or set(author) != {"name", "email"}:
            raise _InvalidError("author does not have name and email")
        return cls(
            model=record["model"],
            files=_files(record["files"]),
            message=message,
            author=Person.parse(f"{author['name']} <{author['email']}>"),
            time=Timestamp.from_json(record["time"]),
            changes=_changes(record),
            options=_options(record),
            code=None if record["code"] is None else Code.from_json(record["code"]),
            reason=record["reason"],
        )


def resume_command(path: Path, repository: Path) -> str:
    """Return the command that records the request at `path`, from any folder."""
    return shlex.join(["mvc", "--repo", os.fspath(repository), "record", "--resume", os.fspath(path)])


# --- reading


def _bytes(path: Path) -> bytes:
    """Return the bytes of a regular file, at most one more than allowed. Raises OSError."""
    with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise _InvalidError("it is not a regular file")
        return file.read(MAX_BYTES + 1)


def _parsed(data: bytes) -> dict[str, Any]:
    """Return the fields of a request, those that are left out with their defaults; its texts are checked."""
    if len(data) > MAX_BYTES or sum(map(data.count, (b",", b"[", b"{"))) > _MAX_MARKS:
        raise _InvalidError("it is too long")
    try:
        record = json.loads(data.decode())
    except (ValueError, RecursionError):
        raise _InvalidError("it is not JSON") from None
    if not isinstance(record, dict) or record.get("kind") != KIND:
        raise _InvalidError("it is not a record request of mvc")
    if record.get("v") != VERSION:
        raise _InvalidError("it was written by a newer mvc")
    if not _REQUIRED <= record.keys() <= _REQUIRED | _OPTIONAL.keys():
        wrong = sorted(_REQUIRED - record.keys()) or sorted(record.keys() - _REQUIRED - _OPTIONAL.keys())
        raise _InvalidError(f"its keys are not those of a record request: {paths.escape_name(wrong[0][:40])}")
    record = {**_OPTIONAL, **record}
    for key in ("model", "message", "command", "reason"):
        if not isinstance(record[key], str):
            raise _InvalidError(f"{key} is not a text")
    return record


def _files(given: Any) -> dict[str, RequestedFile]:
    if not isinstance(given, dict) or len(given) > MAX_FILES:
        raise _InvalidError(f"files is not a map of at most {MAX_FILES:,} roles")
    found: dict[str, RequestedFile] = {}
    for role, file in given.items():
        fault = rules.role_fault(role)
        if fault:
            raise errors.BadRole(role=paths.escape_name(role), reason=fault)
        if not isinstance(file, dict) or set(file) not in (_FILE, _FILE.union(_STAMP)):
            raise _InvalidError("each of its files has path, size and id")
        path, size, id_ = file["path"], file["size"], file["id"]
        if not isinstance(path, str) or not os.path.isabs(path) or "\x00" in path:
            raise _InvalidError(f"the path of {paths.escape_name(role)} is not absolute")
        if (size is not None and (type(size) is not int or size < 0)) or not (id_ is None or is_id(id_)):
            raise _InvalidError("size is a number of bytes or null, and id an id or null")
        stamp = [file[key] for key in _STAMP if key in file]
        if not all(type(number) is int for number in stamp):
            raise _InvalidError("inode and mtime_ns are numbers")
        found[role] = RequestedFile(Path(path), size, id_, (stamp[0], stamp[1]) if stamp else None)
    return found


def _changes(record: dict[str, Any]) -> Changes:
    values, removed, replaced = record["values"], record["removed"], record["replaced"]
    if not isinstance(values, dict) or not isinstance(removed, dict):
        raise _InvalidError("values and removed are not maps by section")
    assignments: list[tuple[schema.Path, Any]] = []
    for section, keys in values.items():
        if not isinstance(keys, dict):
            raise _InvalidError(f"the values of {paths.escape_name(section[:40])} are not a map")
        for key, value in keys.items():
            schema.check(value, schema.find((section, key)), (section, key))
            assignments.append(((section, key), value))
    gone = [(section, key) for section, keys in removed.items() for key in _texts(keys, "removed")]
    for path in (*gone, *((section,) for section in _texts(replaced, "replaced"))):
        schema.find(path)
    return Changes(assignments, gone, tuple(replaced))


def _options(record: dict[str, Any]) -> Options:
    branch, parent = record["branch"], record["parent"]
    if not (branch is None or isinstance(branch, str)) or not (parent is None or is_id(parent)):
        raise _InvalidError("branch is a name or null, and parent an id or null")
    if type(record["allow_secret"]) is not bool or type(record["force"]) is not bool:
        raise _InvalidError("allow_secret and force are true or false")
    tags, aliases = (tuple(_texts(record[key], key)) for key in ("tags", "aliases"))
    return Options(
        branch,
        None if parent is None else VersionId(parent),
        tags,
        aliases,
        record["allow_secret"],
        record["force"],
        names=_names(record["names"]),
    )


def _names(given: Any) -> dict[str, str]:
    if not isinstance(given, dict):
        raise _InvalidError("names is not a map by role")
    for name in _texts([*given.values()], "names"):
        paths.check_path(name)
    return given


def _texts(given: Any, key: str) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
        raise _InvalidError(f"{key} is not a list of texts")
    return given
