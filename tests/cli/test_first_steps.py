"""The first steps with a repository, and what goes wrong with them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import mvc
from mvc import errors
from tests.cli.shell import MODEL, Shell


@pytest.mark.usefixtures("history")
def test_init_completes_a_repository_without_settings(shell: Shell) -> None:
    shell.ok("remote", "add", "origin", "../origin")
    before = shell.ok("log", "-q").out
    (shell.folder / ".mvc" / "config.toml").unlink()
    said = shell("status")
    assert (said.code, "`mvc init`" in said.err) == (10, True)
    assert shell.ok("--json", "init").json["created"] == ["settings"]
    assert shell.ok("log", "-q").out == before
    shell.ok("fsck")
    assert not shell.ok("remote").out
    shell.ok("set", "metrics.mAP50=0.9")
    shell.commit("after it")


@pytest.mark.usefixtures("history")
def test_init_says_that_settings_must_be_set_again(shell: Shell) -> None:
    (shell.folder / ".mvc" / "config.toml").unlink()
    assert "its settings are new" in shell.ok("init").out


def test_init_leaves_a_folder_of_another_program_alone(tmp_path: Path, shell: Shell) -> None:
    other = tmp_path / "other" / ".mvc"
    other.mkdir(parents=True)
    (other / "pom.xml").write_bytes(b"<project/>")
    said = shell("-C", str(other.parent), "init", "--model", "m")
    assert said.code == 16, said
    assert [path.name for path in other.iterdir()] == ["pom.xml"]


def test_a_version_without_files_beside_weights_is_a_warning(empty: Shell) -> None:
    for name in ("a.pt", "b.onnx", "c.pt", "d.pt"):
        empty.write(name, b"weights")
    for more in (("--dry-run",), ()):
        said = empty.ok("commit", "-m", "first", *more)
        assert "warning: the version has no files; untracked: a.pt, b.onnx, c.pt, … " in said.err
        assert "`mvc add a.pt --as model-latest`" in said.err
    empty.ok("add", "a.pt", "--as", "weights")
    assert not empty.ok("commit", "-m", "second").err


def test_a_file_that_is_not_in_its_format_is_a_warning_of_status_and_commit(empty: Shell) -> None:
    empty.write("w.safetensors", b"{")
    empty.ok("add", "w.safetensors", "--as", "weights")
    for words in (("status",), ("commit", "-m", "one")):
        said = empty.ok(*words)
        assert "w.safetensors: it is truncated or not in safetensors format" in said.out + said.err


def test_a_version_without_files_where_there_are_none_is_no_warning(empty: Shell) -> None:
    said = empty.ok("--json", "commit", "-m", "only parameters")
    assert (said.err, said.json["untracked"]) == ("", [])


def test_a_clone_of_a_missing_folder_says_so(shell: Shell) -> None:
    said = shell("clone", "nowhere/at/all", "copy")
    assert (said.code, f"There is no folder {shell.folder}/nowhere/at/all" in said.err) == (2, True)
    assert not (shell.folder / "copy").exists()
    with pytest.raises(errors.NoRemoteFolder):
        mvc.clone(str(shell.folder / "nowhere"), shell.folder / "copy")


@pytest.mark.usefixtures("history")
def test_a_clone_of_a_repository_says_how_to_share_it(shell: Shell, tmp_path: Path) -> None:
    said = shell("clone", str(tmp_path), "copy")
    assert (said.code, "is a repository with a working tree, not a remote" in said.err) == (17, True)
    assert "`mvc remote add origin FOLDER`" in said.err
    with pytest.raises(errors.IsRepository):
        mvc.clone(str(tmp_path), shell.folder / "copy")


@pytest.mark.usefixtures("history")
def test_a_fetch_from_a_missing_folder_says_so_and_a_push_creates_it(shell: Shell) -> None:
    shell.ok("remote", "add", "origin", "../first-steps/helmets")
    shutil.rmtree(shell.folder.parent / "first-steps", ignore_errors=True)
    said = shell("fetch")
    assert (said.code, "There is no folder" in said.err) == (2, True)
    shell.ok("push")
    shell.ok("clone", "../first-steps/helmets", "copy")
    assert (shell.folder / "copy" / ".mvc" / "heads" / MODEL).is_file()
