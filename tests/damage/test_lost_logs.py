"""Ref logs and objects that were deleted by hand: fsck says so, and no command begins anew in silence."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.shell import MODEL, Shell, begin

BRANCH = Path(".mvc", "refs", MODEL, "heads", "main")


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A model with two versions."""
    (tmp_path / "here").mkdir()
    shell = begin(tmp_path / "here", monkeypatch)
    shell.write("best.onnx", b"weights")
    shell.ok("add", "best.onnx", "--as", "weights")
    shell.commit("one")
    shell.set(metrics__mAP50=0.5)
    shell.commit("two")
    return shell


def _emptied(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


@pytest.mark.parametrize(
    ("lost", "remove"),
    [(Path(".mvc/refs"), shutil.rmtree), (Path(".mvc/refs"), _emptied), (BRANCH, shutil.rmtree)],
    ids=["refs", "all logs", "the log of the branch"],
)
def test_a_lost_log_is_found_and_no_new_history_begins(
    shell: Shell, lost: Path, remove: Callable[[Path], None]
) -> None:
    newest = shell.repository.current(MODEL)
    assert newest is not None
    remove(shell.folder / lost)
    said = shell("fsck")
    assert said.code == 14
    assert f"the store has 2 versions of it (newest: v2 {newest[:10]})" in said.out
    for refused in (("commit", "-m", "x"), ("gc",)):
        said = shell(*refused)
        assert said.code == 14, said
        assert f"`mvc reset {newest[:10]}`" in said.err
    shell.ok("reset", newest[:10])
    shell.ok("fsck")
    shell.commit("three", "--allow-empty")
    assert len(shell.ok("log", "-q").lines) == 3


def test_the_log_of_an_only_version_is_missed_with_the_folder_of_refs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = begin(tmp_path, monkeypatch)
    shell.commit("one")
    shutil.rmtree(tmp_path / ".mvc" / "refs")
    assert shell("fsck").code == 14
    assert shell("commit", "-m", "x").code == 14


def test_other_models_and_remotes_are_no_reason_to_refuse_a_first_commit(shell: Shell) -> None:
    shell.ok("remote", "add", "origin", "../origin")
    shell.ok("push")
    shell.ok("init", "other", "--model", "other")
    shell.ok("-C", "other", "commit", "-m", "first of the other")
    fresh = shell.folder.parent / "fresh"
    shell.ok("init", str(fresh), "--model", MODEL)
    for arguments in (("remote", "add", "origin", "../origin"), ("fetch",), ("commit", "-m", "own"), ("fsck",)):
        shell.ok("-C", str(fresh), *arguments)


def test_a_lost_remote_tracking_ref_of_an_upstream_is_found(shell: Shell) -> None:
    shell.ok("remote", "add", "origin", "../origin")
    shell.ok("push", "-u")
    shell.ok("fsck")
    shutil.rmtree(shell.folder / ".mvc" / "refs" / MODEL / "remotes")
    said = shell("fsck")
    assert said.code == 14
    assert "the log of origin/main, the upstream of main of helmets, is missing" in said.out
    shell.ok("fetch")
    shell.ok("fsck")


def test_a_version_that_no_collection_removed_is_missing_not_collected(shell: Shell) -> None:
    shutil.rmtree(shell.folder / ".mvc" / "objects")
    assert [move["missing"] for move in shell.ok("--json", "reflog").json["moves"]] == [True, True]
    assert "collected" not in shell.ok("reflog").out
    said = shell("fsck")
    assert said.code == 14
    assert said.out.count("is missing from the store") == 2


def test_a_former_version_is_missing_until_a_collection_lets_it_expire(shell: Shell) -> None:
    former = shell.repository.current(MODEL)
    assert former is not None
    shell.ok("reset", "--hard", "v1")
    (shell.folder / ".mvc" / "objects" / former[:2] / former).unlink()
    said = shell("fsck")
    assert (said.code, f"version {former} is missing" in said.out) == (14, True)
    shell.ok("config", "gc.reflog-expire", "0")
    shell.tick()
    shell.ok("gc")
    shell.ok("fsck")
    assert "collected" in shell.ok("reflog").out


def test_a_fetch_that_was_stopped_is_no_reason_to_refuse_a_first_commit(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It leaves versions that no ref names yet."""
    shell.ok("remote", "add", "origin", "../origin")
    shell.ok("push")
    fresh = str(shell.folder.parent / "fresh")
    shell.ok("init", fresh, "--model", MODEL)
    shell.ok("-C", fresh, "remote", "add", "origin", "../origin")
    with monkeypatch.context() as patch:
        patch.setattr("mvc.porcelain.fetch.note", _stopped)
        assert shell("-C", fresh, "fetch").code == 130
    for arguments in (("fsck",), ("commit", "-m", "own"), ("gc",)):
        shell.ok("-C", fresh, *arguments)


def _stopped(*_: object, **__: object) -> None:
    raise KeyboardInterrupt
