"""What is damaged here comes back from a remote that has it."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shell import Shell
from tests.remotes.clones import WEIGHTS, ana, clone


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: Any, rng: random.Random) -> Shell:
    """A clone with all files of two versions here, and an own version that the remote has not."""
    first, _ = ana(tmp_path, monkeypatch, rng)
    first.ok("push")
    shell = clone(tmp_path, monkeypatch, "ben")
    shell.ok("switch", "--detach", "v1")
    shell.ok("switch", "main")
    return shell


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)


def _cut(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-200])


def _remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("harm", [_flip, _cut, _remove])
@pytest.mark.parametrize("where", ["packs", "meta"])
def test_what_came_from_a_remote_comes_again(shell: Shell, where: str, harm: Callable[[Path], None]) -> None:
    before = {revision: shell.raw("cat", f"{revision}:weights")[1] for revision in ("v1", "v2")}
    for path in (shell.folder / ".mvc" / where).rglob("*.pack"):
        harm(path)
    said = shell.ok("fsck", "--repair", "--from", "origin")
    assert "No problems found" in said.out
    assert shell("fsck", "--read-data").code == 0
    assert {revision: shell.raw("cat", f"{revision}:weights")[1] for revision in before} == before


@pytest.mark.parametrize("where", ["objects", "recipes"])
def test_what_was_made_here_and_pushed_comes_back(
    tmp_path: Path, monkeypatch: Any, rng: random.Random, where: str
) -> None:
    shell, _ = ana(tmp_path, monkeypatch, rng)
    shell.ok("push")
    for path in [path for path in (shell.folder / ".mvc" / where).rglob("*") if path.is_file()]:
        _flip(path)
    assert shell("fsck").code == 14
    shell.ok("fsck", "--repair", "--from", "origin")
    assert shell("fsck", "--read-data").code == 0
    assert shell.raw("cat", "HEAD:weights")[1] == (shell.folder / WEIGHTS).read_bytes()


def test_what_the_remote_has_not_is_said_and_what_is_whole_stays(shell: Shell, rng: random.Random) -> None:
    shell.write("own.bin", rng.randbytes(200_000))
    shell.ok("add", "own.bin", "--as", "own")
    old = set((shell.folder / ".mvc" / "packs").rglob("*.pack"))
    shell.commit("own")
    new = set((shell.folder / ".mvc" / "packs").rglob("*.pack")) - old
    for path in new:
        _flip(path)
    said = shell("fsck", "--repair", "--from", "origin")
    assert said.code == 14
    assert "own.bin" in said.out
    assert shell.raw("cat", "v2:weights")[1] == (shell.folder / WEIGHTS).read_bytes()


def test_nothing_to_repair_changes_nothing(shell: Shell) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in (shell.folder / ".mvc" / "packs").rglob("*"))
    assert "No problems found" in shell.ok("fsck", "--repair", "--from", "origin").out
    assert sorted((path, path.stat().st_mtime_ns) for path in (shell.folder / ".mvc" / "packs").rglob("*")) == before


def test_from_and_repair_go_together(shell: Shell) -> None:
    assert shell("fsck", "--repair").code == 2
    assert shell("fsck", "--from", "origin").code == 2
