"""Record requests: what is written is read back, and a file that somebody else wrote is checked before it is used."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.model.ids import FileId, VersionId, digest
from mvc.model.version import Code, Person, Timestamp
from mvc.repository.record import request
from mvc.repository.record.options import Changes, Options
from mvc.repository.record.request import RecordRequest, RequestedFile


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "best of all.pt"
    path.write_bytes(b"weights")
    return path


def _request(weights: Path) -> RecordRequest:
    return RecordRequest(
        model="helmets",
        files={"model-latest": RequestedFile.of(weights), "log": RequestedFile.of(weights.parent / "absent.csv")},
        message="Third run\n\nof many",
        author=Person("Ana", "ana@example.org"),
        time=Timestamp(1_770_112_800, 60),
        changes=Changes(
            [
                (("metrics", "metrics/mAP50(B)"), 0.71),
                (("parameters", "augment"), {"flip": 0.5, "scales": [1, 2.0]}),
                (("labelmap", "0"), "helmet é"),
                (("parameters", ""), "an empty key"),
            ],
            [("metrics", "loss")],
            ("labelmap",),
        ),
        options=Options(
            "run/3", VersionId("ab" * 32), ("2026.1",), ("prod",), allow_secret=True, names={"log": "runs/3/log.csv"}
        ),
        code=Code("c" * 40, "main", None, dirty=True),
        reason='No space left on "device".',
    )


def test_a_request_is_read_as_it_was_written(weights: Path) -> None:
    asked = _request(weights)
    path = weights.parent / "mvc-failed.json"
    command = request.resume_command(path, Path("/home/a b/helmets"))
    path.write_bytes(asked.encode(command))
    assert shlex.split(command) == ["mvc", "--repo", "/home/a b/helmets", "record", "--resume", str(path)]
    assert json.loads(path.read_bytes())["command"] == command
    read = RecordRequest.read(path)
    assert dict(read.files) == dict(asked.files)
    assert sorted(read.changes.assignments, key=str) == sorted(asked.changes.assignments, key=str)
    assert (read.changes.removed, read.changes.replaced) == ([("metrics", "loss")], ("labelmap",))
    assert read.options == asked.options
    assert (read.message, read.author, read.time, read.code) == (asked.message, asked.author, asked.time, asked.code)
    assert read.reason == asked.reason
    assert read.encode(command) == path.read_bytes()


def test_the_bytes_that_are_meant_are_named(weights: Path) -> None:
    asked = _request(weights)
    assert asked.files["model-latest"] == RequestedFile(weights, 7, FileId(digest(b"weights")))
    assert (asked.files["log"].size, asked.files["log"].id) == (None, None)
    os.mkfifo(weights.parent / "pipe")
    assert RequestedFile.of(weights.parent / "pipe").id is None


def test_a_name_that_is_not_unicode_is_kept(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"best\xff.pt")
    path.write_bytes(b"x")
    asked = RecordRequest("m", {"a": RequestedFile.of(path)}, "One", Person("A", "a@b"), Timestamp(0))
    (tmp_path / "r.json").write_bytes(asked.encode())
    assert RecordRequest.read(tmp_path / "r.json").files["a"].path == path


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another kind": ({"kind": "mvc-lock"}, "not a record request"),
    "newer": ({"v": 2}, "newer mvc"),
    "unknown key": ({"run": "rm -rf /"}, "its keys are not"),
    "model": ({"model": "../x"}, "Invalid model name"),
    "model that is no text": ({"model": 3}, "model is not a text"),
    "message": ({"message": "  "}, "message is empty"),
    "author": ({"author": {"name": "A\u202e", "email": "a@b"}}, "author"),
    "author without e-mail": ({"author": {"name": "A"}}, "author"),
    "time": ({"time": {"seconds": 1e9, "offset": 0}}, "time"),
    "files": ({"files": []}, "files is not a map"),
    "role": ({"files": {"../x": {"path": "/x", "size": None, "id": None}}}, "Invalid role"),
    "relative path": ({"files": {"x": {"path": "x", "size": None, "id": None}}}, "not absolute"),
    "zero byte": ({"files": {"x": {"path": "/x\0", "size": None, "id": None}}}, "not absolute"),
    "size": ({"files": {"x": {"path": "/x", "size": -1, "id": None}}}, "size"),
    "id": ({"files": {"x": {"path": "/x", "size": 1, "id": "ab"}}}, "id"),
    "stamp": (
        {"files": {"x": {"path": "/x", "size": 1, "id": None, "inode": 1, "mtime_ns": "now"}}},
        "inode and mtime_ns are numbers",
    ),
    "half a stamp": ({"files": {"x": {"path": "/x", "size": 1, "id": None, "inode": 1}}}, "path, size and id"),
    "fields of a file": ({"files": {"x": {"path": "/x"}}}, "path, size and id"),
    "section": ({"values": {"x": {"a": 1}}}, "Unknown key"),
    "type": ({"values": {"metrics": {"a": "high"}}}, "metrics.a"),
    "values": ({"values": {"metrics": 3}}, "are not a map"),
    "removed": ({"removed": {"metrics": "a"}}, "removed is not a list"),
    "replaced": ({"replaced": ["x"]}, "Unknown key"),
    "branch": ({"branch": 3}, "branch"),
    "parent": ({"parent": "v1"}, "parent"),
    "tags": ({"tags": "a"}, "tags is not a list"),
    "force": ({"force": 1}, "force"),
    "names": ({"names": []}, "names is not a map"),
    "name that is no text": ({"names": {"log": 3}}, "names is not a list"),
    "name elsewhere": ({"names": {"log": "../log.csv"}}, "log.csv"),
    "code": ({"code": {"commit": 3}}, "code"),
}


@pytest.mark.parametrize(("changed", "reason"), WRONG.values(), ids=WRONG)
def test_an_invalid_request_is_refused_with_a_reason(weights: Path, changed: dict[str, Any], reason: str) -> None:
    path = weights.parent / "r.json"
    path.write_text(json.dumps(json.loads(_request(weights).encode()) | changed), encoding="utf-8")
    with pytest.raises(errors.BadRecordRequest, match=reason):
        RecordRequest.read(path)


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"[]", b"null", b"[" * 100_000, b'{"kind": NaN}', b"," * 3_000_000, b" " * (17 << 20)]
)
def test_what_is_no_request_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "r.json").write_bytes(data)
    with pytest.raises(errors.BadRecordRequest):
        RecordRequest.read(tmp_path / "r.json")


def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(errors.BadRecordRequest, match="not a regular file"):
        RecordRequest.read(tmp_path / "pipe")
    with pytest.raises(errors.NoSuchFile):
        RecordRequest.read(tmp_path / "absent")
