"""An interrupted change is finished forward, and what its owner edited meanwhile is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from mvc import errors
from mvc.repository.repository import Repository
from mvc.storage.records import journal
from tests.crash.harness import KILLED, KillBefore, command, finish, mvc
from tests.crash.scenarios import WEIGHTS, two_versions


def _interrupted(root: Path) -> None:
    """Stop `switch v1` right after its journal was written, before any file was touched."""
    two_versions(root)
    for number in range(1, 100):
        outcome = command(root, ("switch", "v1"), KillBefore(number))
        assert outcome.code == KILLED
        if journal.pending(Repository(root).door) is not None:
            return
    pytest.fail("no journal was written")


def test_the_next_writing_command_finishes_it(tmp_path: Path) -> None:
    _interrupted(tmp_path)
    assert "interrupted" in mvc(tmp_path, "status")
    finish(tmp_path)
    assert (tmp_path / "weights" / "best.onnx").read_bytes() == WEIGHTS
    assert "Nothing to commit" in mvc(tmp_path, "status")


def test_a_file_that_was_edited_since_is_left_alone(tmp_path: Path) -> None:
    _interrupted(tmp_path)
    (tmp_path / "weights" / "best.onnx").write_bytes(b"edited after the crash")
    finish(tmp_path)
    assert (tmp_path / "weights" / "best.onnx").read_bytes() == b"edited after the crash"
    assert (tmp_path / "notes.txt").read_bytes() == b"small"


def test_staged_files_that_were_swept_are_rebuilt_from_the_store(tmp_path: Path) -> None:
    _interrupted(tmp_path)
    for path in (tmp_path / ".mvc" / "tmp").iterdir():
        path.unlink()
    finish(tmp_path)
    assert (tmp_path / "weights" / "best.onnx").read_bytes() == WEIGHTS


def test_a_link_in_the_way_is_never_followed(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    two_versions(root)
    outside = tmp_path / "outside"
    (root / "weights").rename(outside)
    (root / "weights").symlink_to(outside)
    before = (outside / "best.onnx").read_bytes()
    outcome = command(root, ("switch", "--force", "v1"))
    assert outcome.code == errors.UnsafePath.exit_code, outcome
    assert (outside / "best.onnx").read_bytes() == before


def test_a_link_put_in_the_way_by_hand_is_not_entered_by_the_door(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    two_versions(root)
    (root / "link").symlink_to(tmp_path)
    tree = Repository(root).tree
    for act in (lambda: tree.write("link/x", b"x"), lambda: tree.open("link/x"), lambda: tree.delete("link/x")):
        with pytest.raises(errors.UnsafePath, match="symbolic link"):
            act()
    with pytest.raises(errors.UnsafePath, match="folder reserved for mvc or version control"):
        tree.write(".mvc/x", b"x")
    assert not (tmp_path / "x").exists()
