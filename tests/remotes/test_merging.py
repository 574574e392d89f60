"""Many pushes, few files to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mvc.porcelain.gc_remote import gc_remote
from mvc.porcelain.survey import survey
from mvc.remotes import merging
from mvc.remotes.local import LocalBackend
from tests.cli.shell import Shell, begin
from tests.remotes.clones import clone, folder, push_main, remote_on
from tests.remotes.faults import Faulty


@pytest.fixture
def pushed(tmp_path: Path, monkeypatch: Any) -> Shell:
    """A repository that was pushed after each of 12 versions, with 4 small metadata packs let be."""
    monkeypatch.setattr(merging, "MANY", 4)
    (tmp_path / "ana").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    for number in range(12):
        shell.set(parameters__step=number)
        shell.commit(f"step {number}")
        push_main(shell, folder(tmp_path / "origin"))
    return shell


def test_a_clone_reads_few_files_after_many_pushes(pushed: Shell, tmp_path: Path, monkeypatch: Any) -> None:
    files = list((tmp_path / "origin" / "meta").glob("*.pack"))
    merged = list((tmp_path / "origin" / "meta" / "merged").iterdir())
    assert (len(files), len(merged)) == (12, 3)
    backend = Faulty(LocalBackend(tmp_path / "origin"))
    ben = clone(tmp_path, monkeypatch, "ben", "--meta")
    assert not survey(ben.repository, remote_on(backend)).findings
    came = {path.name for path in (ben.folder / ".mvc" / "meta").iterdir()}
    assert [path for path in merged if path.name in came] == [max(merged, key=lambda path: path.stat().st_size)]
    assert len(came) <= 1 + 4


def test_what_was_merged_may_be_collected(pushed: Shell, tmp_path: Path, monkeypatch: Any) -> None:
    remote = folder(tmp_path / "origin")
    for _ in range(2):
        gc_remote(pushed.repository, remote, pushed.actor, floor=0)
    assert len(list((tmp_path / "origin" / "meta").rglob("*.pack"))) <= 4
    ben = clone(tmp_path, monkeypatch, "ben")
    assert len(ben.ok("log", "--oneline").lines) == 12
    assert ben("fsck", "--remote", "origin", "--read-data").code == 0
