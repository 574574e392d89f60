from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mvc import errors
from mvc.model.ids import FileId, digest
from mvc.model.tree import Tree, TreeEntry
from mvc.repository.worktree import snapshot
from mvc.repository.worktree.scan import WorkFile
from mvc.repository.worktree.snapshot import UNREAD, Found
from mvc.storage.disk import hashing, timestamps
from mvc.storage.disk.door import StoreDoor
from mvc.storage.disk.file_stat import Stat
from mvc.storage.disk.treedoor import TreeDoor
from mvc.storage.records.statcache import StatCache
from tests import effort

HOUR = 3_600 * 10**9


class Parts:
    """The parts of a repository that a snapshot needs, and the bytes that were read."""

    def __init__(self, root: Path) -> None:
        (root / ".mvc" / "cache").mkdir(parents=True)
        self.root = root
        self.reads = 0
        self.reopen()

    def reopen(self) -> None:
        """As another process sees it."""
        store = StoreDoor(self.root / ".mvc")
        tree = TreeDoor(self.root, store)
        self.repository: Any = SimpleNamespace(root=self.root, door=store, tree=tree, stats=StatCache(store, tree))

    def write(self, name: str, data: bytes | str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        old = time.time_ns() - HOUR
        os.utime(path, ns=(old, old))
        return path

    def take(self, base: Tree | None = None, *, folder: str = "", tolerant: bool = False) -> Found:
        identify = snapshot.by_need(self.repository, base) if base else snapshot.by_reading(self.repository)
        return snapshot.take(self.repository, "m", folder, None, identify=identify, tolerant=tolerant)


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parts:
    made = Parts(tmp_path)

    def count(size: int) -> None:
        made.reads += size

    monkeypatch.setattr(hashing, "on_read", count)
    return made


def settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files be recorded in the stat cache as soon as they are written."""
    monkeypatch.setattr(timestamps, "SETTLED_NS", 0)
    monkeypatch.setattr(timestamps, "COARSE_NS", 0)


def entry(path: str, data: bytes) -> TreeEntry:
    return TreeEntry(path, path, len(data), FileId(digest(data)))


def test_a_snapshot_is_what_a_version_would_hold(parts: Parts) -> None:
    parts.write(
        "det/model.toml", '[model]\nname = "m"\n[files]\na = "a.pt"\nall = "w/*"\n[labelmap]\npath = "l.json"\n'
    )
    parts.write("det/a.pt", b"alpha")
    parts.write("det/w/x", b"")
    parts.write("det/l.json", b'["helmet"]').chmod(0o755)
    found = parts.take(folder="det")
    assert found.snapshot.tree == Tree(
        (
            TreeEntry("a.pt", "a", 5, FileId(digest(b"alpha"))),
            TreeEntry("l.json", "labelmap", 10, FileId(digest(b'["helmet"]')), True),
            TreeEntry("w/x", "all/x", 0, FileId(digest(b""))),
        )
    )
    assert found.snapshot.manifest.labelmap == ((0, "helmet"),)
    assert [file.root_path for file in found.files] == ["det/a.pt", "det/l.json", "det/w/x"]
    assert found.model_toml.startswith(b"[model]")


def test_no_byte_of_an_untouched_file_is_read(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    parts.write("model.toml", '[model]\nname = "m"\n[files]\nw = "w/*"\n')
    for number in range(20):
        parts.write(f"w/{number}", bytes([number]) * 100)
    settle(monkeypatch)
    first = parts.take()
    assert parts.reads == 2_000
    parts.repository.stats.save()
    parts.reopen()
    again = parts.take(first.snapshot.tree)
    assert again.snapshot.tree == first.snapshot.tree
    assert parts.reads == 2_000
    parts.write("w/3", b"x" * 100)
    assert [
        a.path for a, b in zip(parts.take().snapshot.tree.entries, first.snapshot.tree.entries, strict=True) if a != b
    ] == ["w/3"]
    assert parts.reads == 2_100


def test_status_reads_only_what_could_be_the_same(parts: Parts) -> None:
    parts.write("model.toml", '[model]\nname = "m"\n[files]\nw = "*.pt"\n')
    base = Tree((entry("gone.pt", b"moved!!"), entry("same.pt", b"same"), entry("size.pt", b"old size")))
    parts.write("same.pt", b"same")
    parts.write("size.pt", b"other size")
    parts.write("new.pt", b"never seen before")
    parts.write("came.pt", b"moved!!")
    found = parts.take(base).snapshot.tree.by_path
    assert parts.reads == len(b"same") + len(b"moved!!")
    assert found["same.pt"].file == digest(b"same")
    assert found["came.pt"].file == digest(b"moved!!")
    assert found["size.pt"].file == found["new.pt"].file == UNREAD


def test_a_file_that_changes_while_it_is_read_is_read_again(parts: Parts) -> None:
    path = parts.write("a.pt", b"a" * 10)
    file = WorkFile("a.pt", "a", Stat.of(path.stat()), "a.pt")
    reads = 0

    def touch_once(fd: int) -> FileId:
        nonlocal reads
        reads += 1
        if reads == 1:
            parts.write("a.pt", b"b" * 10)
        return hashing.file_id(fd)

    assert snapshot.read_steadily(parts.repository, file, touch_once) == digest(b"b" * 10)
    assert reads == 2


def test_a_file_that_keeps_changing_is_named(parts: Parts) -> None:
    path = parts.write("a.pt", b"a")
    file = WorkFile("a.pt", "a", Stat.of(path.stat()), "a.pt")

    def grow(fd: int) -> FileId:
        with path.open("ab") as out:
            out.write(b"more")
        return hashing.file_id(fd)

    with pytest.raises(errors.FileChanged, match=r"a\.pt"):
        snapshot.read_steadily(parts.repository, file, grow)


def test_what_is_wrong_with_files_is_raised_or_told(parts: Parts) -> None:
    parts.write("model.toml", '[model]\nname = "m"\n[files]\na = "a.pt"\nb = "b.pt"\n[labelmap]\npath = "l.json"\n')
    parts.write("a.pt", b"a")
    with pytest.raises(errors.MissingFile, match=r"l\.json"):
        parts.take()
    found = parts.take(tolerant=True)
    assert [type(problem) for problem in found.problems] == [errors.MissingFile, errors.MissingFile]
    assert [entry.path for entry in found.snapshot.tree.entries] == ["a.pt"]
    parts.write("l.json", b"{}")
    with pytest.raises(errors.MissingFile, match=r"b\.pt \(b\) is tracked but missing"):
        parts.take()


def test_a_file_that_cannot_be_read_is_told_and_stays_tracked(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    parts.write("model.toml", '[model]\nname = "m"\n[files]\na = "a.pt"\n')
    parts.write("a.pt", b"a")

    def refuse(path: str) -> int:
        raise PermissionError(13, "Permission denied", path)

    keep = parts.repository.tree.open
    monkeypatch.setattr(
        parts.repository.tree, "open", lambda path: keep(path) if path == "model.toml" else refuse(path)
    )
    with pytest.raises(errors.UnreadableFile, match=r"Cannot read a\.pt: Permission denied"):
        parts.take()
    found = parts.take(tolerant=True)
    assert [entry.file for entry in found.snapshot.tree.entries] == [UNREAD]
    assert isinstance(found.problems[0], errors.UnreadableFile)


def test_the_labels_are_not_read_through_a_link_or_outside(parts: Parts) -> None:
    parts.write("secret.json", b'["x"]')
    parts.write("det/model.toml", '[model]\nname = "m"\n[labelmap]\npath = "../secret.json"\n')
    with pytest.raises(errors.UnsafePath):
        parts.take(folder="det")
    parts.write("det/model.toml", '[model]\nname = "m"\n[labelmap]\npath = "l.json"\n')
    (parts.root / "det/l.json").symlink_to("../secret.json")
    with pytest.raises(errors.NotRegularFile):
        parts.take(folder="det")
    assert not parts.take(folder="det", tolerant=True).snapshot.manifest.labelmap


def test_a_huge_labels_file_is_refused_without_reading_it_all(parts: Parts) -> None:
    parts.write("model.toml", '[model]\nname = "m"\n[labelmap]\npath = "l.json"\n')
    with (parts.root / "l.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(errors.BadLabels, match="larger"):
        parts.take()


def test_a_model_toml_that_is_missing_or_of_another_model(parts: Parts) -> None:
    with pytest.raises(errors.NoModelToml, match=r"model\.toml, which describes model m, is missing"):
        parts.take()
    parts.write("model.toml", '[model]\nname = "other"\n')
    with pytest.raises(errors.OtherName, match=r"called other in .*, and m in this repository"):
        parts.take()


def test_a_whole_status_of_ten_thousand_files_needs_no_read(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    parts.write("model.toml", '[model]\nname = "m"\n[files]\nw = "w/*"\n')
    (parts.root / "w").mkdir()
    for number in range(10_000):
        (parts.root / "w" / str(number)).write_bytes(b"x")
    settle(monkeypatch)
    base = parts.take().snapshot.tree
    parts.repository.stats.save()
    parts.reopen()
    parts.reads = 0
    assert effort.calls(lambda: parts.take(base)) < 10_000 * 40
    assert parts.take(base).snapshot.tree == base
    assert parts.reads == 0
