"""A file from another file system is copied next to its target first; an interrupted copy leaves nothing."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from mvc.storage.disk import primitives
from mvc.storage.disk.door import StoreDoor
from mvc.storage.disk.treedoor import TreeDoor


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TreeDoor:
    """A working tree on another file system than its store."""
    (tmp_path / ".mvc" / "tmp").mkdir(parents=True)
    rename = os.rename

    def renamed(source: Any, target: Any, **folders: Any) -> None:
        if "src_dir_fd" not in folders:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename(source, target, **folders)

    monkeypatch.setattr(os, "rename", renamed)
    return TreeDoor(tmp_path, StoreDoor(tmp_path / ".mvc"))


@pytest.fixture
def staged(tmp_path: Path) -> Path:
    path = tmp_path / ".mvc" / "tmp" / "staged"
    path.write_bytes(b"new")
    path.chmod(0o755)
    return path


def test_a_file_comes_from_another_file_system(tree: TreeDoor, staged: Path, tmp_path: Path) -> None:
    tree.place(staged, "folder/a.bin")
    assert (tmp_path / "folder" / "a.bin").read_bytes() == b"new"
    assert os.listdir(tmp_path / "folder") == ["a.bin"]
    assert not staged.exists()


def test_an_interrupted_copy_leaves_nothing(
    tree: TreeDoor, staged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.bin").write_bytes(b"old")

    def stop(name: str, _: str) -> None:
        if name == "rename":
            raise KeyboardInterrupt

    monkeypatch.setattr(primitives, "on_step", stop)
    with pytest.raises(KeyboardInterrupt):
        tree.place(staged, "a.bin")
    assert sorted(os.listdir(tmp_path)) == [".mvc", "a.bin"]
    assert ((tmp_path / "a.bin").read_bytes(), staged.read_bytes()) == (b"old", b"new")
