"""A repository in a folder that Git knows too: Git leaves the store alone, and linked worktrees are told where it is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.shell import Shell, begin


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Ana", "-c", "user.email=ana@example.org"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    folder = tmp_path / "r"
    folder.mkdir()
    return begin(folder, monkeypatch)


def test_git_never_takes_the_store_whichever_came_first(shell: Shell) -> None:
    git(shell.folder, "init", "-q")
    shell.write("w.bin", b"weights")
    shell.ok("add", "w.bin")
    shell.commit("one")
    git(shell.folder, "add", "-A")
    assert git(shell.folder, "diff", "--cached", "--name-only").split() == ["model.toml", "w.bin"]
    git(shell.folder, "clean", "-fdq")
    assert shell.ok("fsck").code == 0
    assert "stray" not in shell.ok("fsck", "--json").out


def test_a_linked_worktree_is_told_where_the_repository_is(shell: Shell) -> None:
    git(shell.folder, "init", "-q")
    (shell.folder / "sub").mkdir()
    shell.write("sub/train.py", b"print()")
    git(shell.folder, "add", "sub")
    git(shell.folder, "commit", "-q", "-m", "code")
    git(shell.folder, "worktree", "add", "-q", "../linked")
    linked = shell.folder.parent / "linked"
    said = shell("-C", f"{linked}/sub", "status")
    assert said.code == 10
    assert f"the main worktree has one in {shell.folder}/.mvc" in said.err
    assert f"`mvc -C {shell.folder}/sub COMMAND`" in said.err
    assert shell.ok("-C", f"{shell.folder}/sub", "status").code == 0


@pytest.mark.parametrize(
    "content", [b"", b"gitdir: \xff\xfe", b"gitdir: /nowhere/.git/worktrees/x", b"gitdir: x" * 9999]
)
def test_a_git_file_that_leads_nowhere_is_none(shell: Shell, content: bytes) -> None:
    other = shell.folder.parent / "other"
    other.mkdir()
    (other / ".git").write_bytes(content)
    said = shell("-C", f"{other}", "status")
    assert said.code == 10
    assert "worktree" not in said.err
