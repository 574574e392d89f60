"""The record of published versions is synchronised by push, fetch and clone, and loses no place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mvc.model.ids import VersionId
from mvc.remotes.backends.backend import Listed
from mvc.remotes.backends.local import LocalBackend
from mvc.repository import places
from mvc.repository.model import Model
from mvc.storage.records.reflog import Place, RefEntry
from tests.cli.shell import MODEL, Shell, begin

PLACE = Place("https://app.example.org", "acme", "helmets", "m-1", 3, "v1-aaaaaaaaaaaa", "v-1")


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    (tmp_path / "ana").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.set(parameters__lr=1)
    shell.commit("one")
    shell.ok("remote", "add", "origin", str(tmp_path / "shared"))
    return shell


@pytest.fixture
def ben(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A colleague's clone."""
    shell.ok("push")
    return _clone(tmp_path, monkeypatch, "ben")


def _clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> Shell:
    Shell(tmp_path, monkeypatch).ok("clone", "-q", str(tmp_path / "shared"), name)
    return Shell(tmp_path / name, monkeypatch)


def _head(shell: Shell) -> VersionId:
    found = shell.repository.current(MODEL)
    assert found is not None
    return found


def _publish(shell: Shell, place: Place) -> None:
    with shell.repository.locked():
        places.record(Model(shell.repository, MODEL), _head(shell), place, shell.actor.move("publish"))


def _places(shell: Shell) -> set[Place]:
    return set(places.places(Model(shell.repository, MODEL), _head(shell)))


def test_clone_and_fetch_copy_the_record(
    shell: Shell, ben: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _publish(shell, PLACE)
    assert "up to date" in shell.ok("push").out
    assert _places(ben) == set()
    ben.ok("fetch")
    assert _places(ben) == {PLACE}
    assert _places(_clone(tmp_path, monkeypatch, "eve")) == {PLACE}
    for each in (shell, ben):
        each.ok("fsck")
    shell.ok("fsck", "--remote", "origin")
    shell.ok("gc", "--remote", "origin", "-n")


def test_concurrent_publishers_lose_nothing(shell: Shell, ben: Shell) -> None:
    other = replace(PLACE, organization="beta", id="v-2")
    _publish(shell, PLACE)
    _publish(ben, other)
    shell.ok("push")
    ben.ok("push")
    shell.ok("fetch")
    ben.ok("fetch")
    assert _places(shell) == _places(ben) == {PLACE, other}


def test_an_entry_appended_by_somebody_else_costs_a_retry(
    shell: Shell, ben: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    _publish(shell, PLACE)
    other = replace(PLACE, id="v-2", number=4)
    real = LocalBackend.create
    done: list[str] = []

    def create(self: LocalBackend, name: str, body: bytes) -> object:
        if "/published/" in name and not done:
            done.append(name)
            ref = places.ref_of(MODEL, _head(shell))
            real(self, name, RefEntry.for_place(ref, None, other, ben.actor.move("push")).encode())
        return real(self, name, body)

    monkeypatch.setattr(LocalBackend, "create", create)
    shell.ok("push")
    assert done
    ben.ok("fetch")
    assert _places(ben) == {PLACE, other}


def test_equal_logs_are_read_once(shell: Shell, ben: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    _publish(shell, PLACE)
    shell.ok("push")
    ben.ok("fetch")
    read: list[str] = []
    real = LocalBackend.read

    def counted(self: LocalBackend, name: str, limit: int) -> bytes:
        read.append(name)
        return real(self, name, limit)

    monkeypatch.setattr(LocalBackend, "read", counted)
    for each in (shell, ben):
        each.ok("push")
        each.ok("fetch")
    assert [name for name in read if "/published/" in name] == []


def test_without_publications_no_logs_are_read(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.ok("push")
    listed: list[str] = []
    real = LocalBackend.list

    def noted(self: LocalBackend, folder: str) -> Iterator[Listed]:
        listed.append(folder)
        return real(self, folder)

    monkeypatch.setattr(LocalBackend, "list", noted)
    shell.ok("push")
    assert [name for name in listed if "published" in name] == []


def test_a_corrupt_remote_log_is_refused(shell: Shell, ben: Shell, tmp_path: Path) -> None:
    _publish(shell, PLACE)
    shell.ok("push")
    path = tmp_path / "shared" / places.ref_of(MODEL, _head(shell)).path(1)
    path.chmod(0o644)
    path.write_bytes(b"{}")
    result = ben("fetch")
    assert result.code == 14
    assert _places(ben) == set()
