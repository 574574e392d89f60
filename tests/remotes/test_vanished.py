"""A remote that was seen before and is empty now, as an unmounted folder is: nothing is made there, and nothing is taken from it."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shell import MODEL, Shell, begin
from tests.remotes.clones import clone

VERBS = (
    ("push",),
    ("push", "--all"),
    ("push", "-n"),
    ("push", "--rebase"),
    ("push", "--repair"),
    ("push", "origin", "main:new"),
    ("fetch",),
    ("pull",),
    ("fsck", "--remote", "origin"),
    ("fsck", "--remote", "origin", "--repair"),
    ("gc", "--remote", "origin"),
    ("gc", "--remote", "origin", "-n"),
    ("remote", "check", "origin"),
    ("remote", "check", "origin", "--full"),
    ("remote", "upgrade", "origin"),
)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: Any) -> Shell:
    """A repository with one version, which the folder origin has."""
    (tmp_path / "ana").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.write("w.bin", bytes(range(256)) * 400)
    shell.ok("add", "w.bin", "--as", "weights")
    shell.commit("begin")
    shell.repository.config.set_remote("origin", {"url": str(tmp_path / "origin")})
    shell.ok("push")
    return shell


def _unmount(folder: Path, *, absent: bool) -> None:
    shutil.rmtree(folder)
    if not absent:
        folder.mkdir()


@pytest.mark.parametrize("absent", [True, False])
def test_every_verb_refuses_and_makes_nothing(shell: Shell, tmp_path: Path, *, absent: bool) -> None:
    _unmount(tmp_path / "origin", absent=absent)
    shell.set(parameters__lr=1)
    shell.commit("more")
    for verb in VERBS:
        said = shell(*verb)
        assert said.code == 15, (verb, said)
        assert "that it is mounted" in said.err, (verb, said)
        assert "remote rm origin" in said.err, (verb, said)
        assert (tmp_path / "origin").exists() is not absent, verb
        assert absent or not list((tmp_path / "origin").iterdir()), verb


def test_one_that_was_only_fetched_from_is_known_too(shell: Shell, tmp_path: Path, monkeypatch: Any) -> None:
    ben = clone(tmp_path, monkeypatch, "ben", "--meta")
    shutil.rmtree(ben.folder / ".mvc" / "cache")
    _unmount(tmp_path / "origin", absent=False)
    for verb in (("push",), ("pull",), ("cat", "HEAD:w.bin")):
        said = ben(*verb)
        assert said.code == 15, (verb, said)
        assert "that it is mounted" in said.err, (verb, said)


def test_one_that_was_begun_and_never_pushed_to_is_known_too(shell: Shell, tmp_path: Path) -> None:
    """The push was killed before it moved a ref."""
    shell.ok("remote", "rm", "origin")
    shutil.rmtree(tmp_path / "origin")
    shell.ok("remote", "add", "origin", str(tmp_path / "origin"))
    shell.ok("push")
    shutil.rmtree(shell.folder / ".mvc" / "refs" / "helmets" / "remotes")
    _unmount(tmp_path / "origin", absent=False)
    assert shell("push").code == 15


def test_the_way_out_begins_anew(shell: Shell, tmp_path: Path) -> None:
    _unmount(tmp_path / "origin", absent=False)
    shell.ok("remote", "rm", "origin")
    shell.ok("remote", "add", "origin", str(tmp_path / "origin"))
    shell.ok("push")
    shell.ok("fsck", "--remote", "origin", "--read-data")


def test_one_that_comes_back_goes_on(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "origin").rename(tmp_path / "elsewhere")
    assert shell("push").code == 15
    (tmp_path / "elsewhere").rename(tmp_path / "origin")
    shell.set(parameters__lr=1)
    shell.commit("more")
    shell.ok("push")


def test_a_folder_that_nobody_has_seen_is_new(tmp_path: Path, monkeypatch: Any, shell: Shell) -> None:
    (tmp_path / "empty").mkdir()
    said = Shell(tmp_path, monkeypatch)("clone", "empty", "carl")
    assert said.code == 2
    assert "has no versions yet" in said.err
    shell.ok("remote", "add", "other", str(tmp_path / "empty"))
    shell.ok("push", "other")


def test_a_model_that_was_renamed_is_a_new_one_for_its_remotes(shell: Shell, tmp_path: Path, monkeypatch: Any) -> None:
    shell.ok("models", "rename", MODEL, "Caps")
    for verb in (("fetch",), ("push",), ("pull",), ("fsck", "--remote", "origin"), ("fsck",)):
        shell.ok(*verb)
    assert (clone(tmp_path, monkeypatch, "copy", "--model", "Caps").folder / "w.bin").exists()
    assert (clone(tmp_path, monkeypatch, "old", "--model", MODEL).folder / "w.bin").exists()
    shell.ok("models", "rename", "Caps", MODEL)
    for command in ("fetch", "pull", "push"):
        shell.ok(command)


def test_no_ref_is_created_at_a_version_whose_content_was_never_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random
) -> None:
    """The metadata of a branch that was deleted on the remote is fetched, as it shares a file with others."""
    (tmp_path / "ana").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.write("a.bin", rng.randbytes(40_000))
    shell.ok("add", "a.bin")
    shell.commit("one")
    shell.ok("remote", "add", "origin", "../origin")
    shell.ok("push", "origin", "main")
    shell.ok("switch", "-c", "side")
    shell.write("a.bin", rng.randbytes(40_000))
    shell.commit("two")
    gone = shell.ok("--json", "log", "-1").json["versions"][0]["id"]
    shell.ok("push", "origin", "side")
    shell.ok("push", "--delete", "origin", "side")
    Shell(tmp_path, monkeypatch).ok("clone", "origin", "ben")
    other = Shell(tmp_path / "ben", monkeypatch)
    for command in (("tag", "t", gone), ("branch", "y", gone), ("alias", "set", "--force", "p", gone), ("reset", gone)):
        said = other("--json", *command)
        assert (said.code, json.loads(said.err)["kind"]) == (14, "not-fetched"), command
        other.ok("fsck")
    other.ok("gc", "--grace", "0")
