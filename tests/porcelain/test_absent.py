"""A version whose parent was never published: its line begins there, and everything else works."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.version import Timestamp
from mvc.repository.repository import Repository
from mvc.storage.records import promised
from mvc.storage.records.promised import ABSENT, Cause
from tests.cli.shell import MODEL, Shell, begin

NOBODY = VersionId("c" * 64)


@pytest.fixture
def cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A line whose oldest version here, v7, was made from one that is on record as absent; v8 was made from it."""
    (tmp_path / "ana").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.set(parameters__epochs=1)
    shell.commit("draft")
    repository = Repository(shell.folder)
    version = replace(repository.objects.version(_head(shell)), parents=(NOBODY,), number=7, message="retrained")
    id_ = repository.objects.put_version(version)
    repository.door.barrier()
    promised.append(repository.door, ABSENT, [NOBODY], Cause("picsellia", "Ana <a@b>", Timestamp(0)))
    shell.ok("reset", id_)
    shell.set(parameters__epochs=7)
    shell.commit("tuned")
    return shell


def _head(shell: Shell) -> VersionId:
    return VersionId(shell.ok("log", "--format", "{id}", "-n", "1").out.strip())


def test_the_line_begins_after_it_and_nothing_is_damaged(cut: Shell) -> None:
    assert cut.ok("log", "--format", "v{number} {subject}").out.splitlines() == ["v8 tuned", "v7 retrained"]
    assert cut.ok("log", "--graph", "--oneline", "--stat").out
    assert f"parent      {NOBODY} (missing: never published)" in cut.ok("show", "v7").out
    assert "epochs" in cut.ok("diff", "v7", "v8").out
    cut.ok("fsck", "--read-data")
    cut.ok("gc")
    cut.ok("status")
    cut.ok("switch", "v7")


def test_asking_for_it_says_why_it_is_not_here(cut: Shell) -> None:
    for text in ("v7~1", "HEAD~2", "v7^"):
        failed = cut("show", text)
        assert failed.code == 2, text
        assert "the parent cccccccccc of v7 is missing" in failed.err


def test_a_history_with_a_hole_is_not_pushed(cut: Shell, tmp_path: Path) -> None:
    cut.ok("remote", "add", "origin", str(tmp_path / "shared"))
    failed = cut("push")
    assert failed.code == 13
    assert "cccccccccc, the parent of v7, is missing" in failed.err
    assert not list((tmp_path / "shared").rglob("refs/*"))


def test_without_a_record_it_is_damage(cut: Shell) -> None:
    (cut.folder / ".mvc/absent/0000000001").unlink()
    assert cut("fsck").code == 14
    objects = Repository(cut.folder).objects
    (parent,) = objects.parents(objects.version(_v7(cut)))
    with pytest.raises(errors.Missing):
        objects.version(parent)


def _v7(shell: Shell) -> VersionId:
    repository = Repository(shell.folder)
    current = repository.current(MODEL)
    assert current is not None
    return repository.objects.version(current).parents[0]
