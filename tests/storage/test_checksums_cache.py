"""The cache of checksums: rows come back, and a file of other rows counts for nothing, whoever wrote it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mvc.model.ids import FileId, digest
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records.checksums import NAME, Checksums

FILE = FileId(digest(b"file"))
MD5, SHA256 = "9e" * 16, "9f" * 32


@pytest.fixture
def door(tmp_path: Path) -> StoreDoor:
    (tmp_path / "tmp").mkdir()
    return StoreDoor(tmp_path)


def _write(door: StoreDoor, content: Any) -> None:
    body = json.dumps(content).encode()
    path = door.path(NAME)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(f"1 {digest(body)}\n".encode() + body)


def test_rows_come_back(door: StoreDoor) -> None:
    checksums = Checksums(door)
    checksums.add("md5", MD5, FILE)
    checksums.add("sha256", SHA256, FILE)
    checksums.add("sha3", MD5, FILE)  # an algorithm that is not known
    checksums.save()
    again = Checksums(door)
    assert (again.file("md5", MD5), again.file("sha256", SHA256)) == (FILE, FILE)
    assert (again.digest("md5", FILE), again.digest("sha256", FILE)) == (MD5, SHA256)
    assert again.file("sha3", MD5) is None


def test_rows_of_somebody_else_are_checked(door: StoreDoor) -> None:
    _write(door, {"md5": {MD5: FILE}})
    assert Checksums(door).file("md5", MD5) == FILE


@pytest.mark.parametrize(
    "content",
    [
        {"md5": {MD5: "../../outside"}},
        {"md5": {MD5: FILE, "": FILE}},
        {"md5": {MD5: FILE, SHA256: FILE}},
        {"md5": {MD5: FILE}, "sha256": {SHA256: FILE[:-1]}},
        {"md5": {MD5: FILE}, "sha3": {}},
        {"md5": {MD5: FILE}, "sha256": [FILE]},
        {"md5": {MD5: FILE}, "sha256": None},
        [MD5],
        None,
    ],
)
def test_rows_that_are_none_count_for_nothing(door: StoreDoor, content: Any) -> None:
    _write(door, content)
    assert Checksums(door).file("md5", MD5) is None
    assert Checksums(door).digests("md5") == {}
