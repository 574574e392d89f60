"""`sealed`, the feature that is set aside for encryption: no writer writes it, and every reader refuses it by name."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import fsspec
import pytest

import mvc
from mvc import errors
from mvc.filesystem import MvcFileSystem
from mvc.remotes import remote as remotes
from mvc.storage.records import config, sealed
from mvc.storage.records.unknown_features import SEALED
from tests.cli.shell import MODEL, Shell
from tests.remotes.clones import ana

REFUSED = 128
LOCAL = (
    ("status",), ("log",), ("show",), ("ls",), ("export", "v1", "../out"), ("fsck",), ("gc",), ("commit", "-m", "x"),
    ("tag", "t"), ("alias", "set", "prod"), ("switch", "-c", "b"), ("undo",), ("fetch",), ("push",), ("config", "--list"),
    ("init", "--model", "other"), ("ui", "--export", "../out"),
)  # fmt: skip
"""Commands in a store that requires `sealed`."""
REMOTE = (
    ("fetch",), ("pull",), ("push",), ("push", "-n"), ("push", "--repair"), ("gc", "--remote", "origin"), ("fsck", "--remote", "origin"),
    ("prune", "--remote", "origin", "--keep-last", "1"), ("remote", "check", "origin"), ("remote", "upgrade", "origin"),
    ("ui", "--remote", "origin", "--export", "../out"), ("clone", "../origin", "../copy"), ("clone", "--meta", "../origin", "../copy"),
    ("download", "../origin", "../out"), ("import", f"../origin#{MODEL}", "--model", "copy"),
    ("fetch", "origin", "main"), ("push", "origin", "--delete", "main"),
)  # fmt: skip
"""Commands that read or write a remote that requires it."""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random) -> Shell:
    shell, _ = ana(tmp_path, monkeypatch, rng, versions=1)
    shell.ok("push", "-u", "origin", "main")
    shell.commit("two", "--allow-empty")
    return shell


def _everything(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not {"cache", "tmp", "lock"}.intersection(path.relative_to(folder).parts)
    }


def _refused(shell: Shell, command: tuple[str, ...], before: dict[str, bytes]) -> None:
    said = shell(*command)
    assert said.code == REFUSED, (command, said)
    assert SEALED in said.err, (command, said)
    assert "encrypted" in said.err, (command, said)
    assert _everything(shell.folder.parent) == before, command


def test_no_reader_touches_a_store_or_remote_that_is_encrypted(shell: Shell, tmp_path: Path) -> None:
    record = tmp_path / "origin" / remotes.NAME
    known = sealed.unseal(record.read_bytes(), what="format", kind="remote")
    record.write_bytes(sealed.seal({**known, "requires": [*known["requires"], SEALED]}))
    before = _everything(tmp_path)
    for command in REMOTE:
        _refused(shell, command, before)
    for opening in (mvc.open, MvcFileSystem):
        with pytest.raises(errors.EncryptedStore, match=SEALED):
            opening(f"file://{tmp_path / 'origin'}")

    door = shell.repository.door
    config.require(door, {SEALED})
    before = _everything(tmp_path)
    for command in LOCAL:
        _refused(shell, command, before)
    with pytest.raises(errors.EncryptedStore, match=SEALED):
        fsspec.filesystem("mvc", repo=str(shell.folder), skip_instance_cache=True)


def test_it_is_named_even_beside_features_that_nobody_knows(shell: Shell, tmp_path: Path) -> None:
    config.require(shell.repository.door, {"warp", SEALED})
    said = shell("status")
    assert (said.code, SEALED in said.err, "warp" in said.err) == (REFUSED, True, False)


def test_no_writer_writes_it(shell: Shell, tmp_path: Path) -> None:
    assert SEALED not in config.KNOWN_FEATURES
    assert SEALED not in remotes.FEATURES
    written: Any = (shell.folder / ".mvc" / "config.toml").read_bytes() + (tmp_path / "origin" / "format").read_bytes()
    assert SEALED.encode() not in written
