"""A collection that was killed, or is so slow that others take it for that: pushes go on, and nothing that is needed is lost."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.porcelain import gc_remote as verb
from mvc.porcelain.fsck_remote import survey
from mvc.remotes import upload
from mvc.remotes.backends.local import LocalBackend
from mvc.remotes.gc_session import TAKEN, Ages, GcSession
from mvc.remotes.push_session import ACTIVE, LEASE, PushSession, read_flag
from mvc.remotes.remote import Remote
from tests.cli.shell import Shell, begin
from tests.remotes.clones import WEIGHTS, folder, push_and_delete, push_main, remote_on
from tests.remotes.strict import PutOnly


@pytest.fixture(autouse=True)
def _logs_keep_nothing(monkeypatch: Any) -> None:
    monkeypatch.setattr(verb, "ENTRIES", 0)
    monkeypatch.setattr(verb, "DAYS", -1)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: Any) -> Shell:
    """A repository with one version that the folder origin has, and one that it has not."""
    (tmp_path / "ana").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.write("w.bin", b"begin")
    shell.ok("add", "w.bin", "--as", "weights")
    shell.commit("begin")
    shell.repository.config.set_remote("origin", {"url": str(tmp_path / "origin")})
    shell.ok("push")
    shell.set(parameters__lr=1)
    shell.commit("more")
    return shell


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    return folder(tmp_path / "origin")


def _begun(shell: Shell, remote: Remote) -> GcSession:
    """A collection that is in progress, and that nobody ends."""
    begun = GcSession(remote.backend, shell.actor.move("gc"), Ages(0, 0))
    begun.__enter__()
    return begun


def _age(tmp_path: Path, seconds: float, name: str = ACTIVE) -> None:
    """Have a file on the remote be that much older."""
    path = tmp_path / "origin" / name
    os.utime(path, (time.time() - seconds, time.time() - seconds))


def test_a_push_waits_for_a_young_collection_and_says_how_to_end_it(shell: Shell, remote: Remote) -> None:
    _begun(shell, remote)
    said = shell("push")
    assert said.code == 15, said
    assert "gc --remote NAME --drop-intents-older-than" in said.err


def test_a_push_passes_over_one_that_was_killed_and_deletes_nothing(
    shell: Shell, remote: Remote, tmp_path: Path
) -> None:
    _begun(shell, remote)
    _age(tmp_path, LEASE + 60)
    push_main(shell, remote_on(PutOnly(remote.backend)))
    assert read_flag(remote.backend) is not None
    assert survey(shell.repository, remote, read_data=True).counts["versions"] == 2


@pytest.mark.parametrize("body", [b"rubbish", b"{}"])
def test_a_flag_of_rubbish_ages_like_any_other(shell: Shell, remote: Remote, tmp_path: Path, body: bytes) -> None:
    remote.backend.create(ACTIVE, body)
    with pytest.raises(errors.RemoteBusy):
        push_main(shell, remote)
    with pytest.raises(errors.RemoteBusy):
        verb.gc_remote(shell.repository, remote, shell.actor)
    _age(tmp_path, LEASE + 60)
    push_main(shell, remote)
    verb.gc_remote(shell.repository, remote, shell.actor)
    assert read_flag(remote.backend) is None


def test_a_collection_takes_over_from_one_that_was_killed(shell: Shell, remote: Remote, tmp_path: Path) -> None:
    _begun(shell, remote)
    with pytest.raises(errors.RemoteBusy):
        verb.gc_remote(shell.repository, remote, shell.actor)
    _age(tmp_path, LEASE + 60)
    verb.gc_remote(shell.repository, remote, shell.actor)
    assert read_flag(remote.backend) is None
    assert not list(remote.backend.list(TAKEN))


def test_one_that_was_killed_while_it_took_a_flag_down_holds_nobody_up_for_ever(
    shell: Shell, remote: Remote, tmp_path: Path
) -> None:
    _begun(shell, remote)
    flag = read_flag(remote.backend)
    assert flag is not None
    claim = f"{TAKEN}/{flag.id}"
    remote.backend.create(claim, b"somebody's")
    _age(tmp_path, LEASE + 60)
    with pytest.raises(errors.RemoteBusy):
        verb.gc_remote(shell.repository, remote, shell.actor)
    _age(tmp_path, LEASE + 60, claim)
    verb.gc_remote(shell.repository, remote, shell.actor)
    assert read_flag(remote.backend) is None


def test_of_two_who_take_the_same_flag_down_one_does(
    shell: Shell, remote: Remote, tmp_path: Path, monkeypatch: Any
) -> None:
    """The second has seen the old flag, too, and finds the first's in its place."""
    _begun(shell, remote)
    _age(tmp_path, LEASE + 60)
    real, first = read_flag, list[GcSession]()

    def late(backend: Any) -> Any:
        seen = real(backend)
        if not first:
            first.append(GcSession(remote.backend, shell.actor.move("gc"), Ages(0, 0)))
            first[0].__enter__()
        return seen

    monkeypatch.setattr("mvc.remotes.gc_session.read_flag", late)
    with pytest.raises(errors.RemoteBusy):
        verb.gc_remote(shell.repository, remote, shell.actor)
    assert first[0].remove(["format"], lambda: True) == ["format"], "the first still holds its flag"


def test_a_slow_one_deletes_nothing_and_keeps_the_flag_of_its_successor(
    shell: Shell, remote: Remote, tmp_path: Path
) -> None:
    slow = _begun(shell, remote)
    _age(tmp_path, LEASE + 60)
    with GcSession(remote.backend, shell.actor.move("gc"), Ages(0, 0)):
        assert slow.remove(["format"], lambda: True) == []
        slow.__exit__(None, None, None)
        assert read_flag(remote.backend) is not None
    assert read_flag(remote.backend) is None


def test_in_the_second_half_of_its_lease_one_deletes_nothing(shell: Shell, remote: Remote) -> None:
    with GcSession(remote.backend, shell.actor.move("gc"), Ages(0, 0)) as slow:
        slow.now -= LEASE / 2 + 1
        assert slow.remove(["format"], lambda: True) == []
    assert (remote.backend.read("format", 1000)) != b""


@pytest.mark.parametrize("looks_again", [True, False])
def test_what_a_collection_removed_that_was_passed_over_is_sent_again(
    shell: Shell, remote: Remote, tmp_path: Path, monkeypatch: Any, rng: random.Random, *, looks_again: bool
) -> None:
    """It was stopped in the middle of a removal, for more than a day. Without the second look, something is lost."""
    dead = _dead_weights(shell, remote, rng)
    _begun(shell, remote)
    _age(tmp_path, LEASE + 60)
    _when_about_to_send(monkeypatch, lambda: remote.backend.delete(dead))
    if not looks_again:
        monkeypatch.setattr(PushSession, "resend", lambda *_: None)
    push_main(shell, remote)
    assert bool(survey(shell.repository, remote, read_data=True).findings) is not looks_again


def _dead_weights(shell: Shell, remote: Remote, rng: random.Random) -> list[str]:
    """Leave packs on the remote that nothing needs, with weights that are about to be pushed; return these packs."""
    before = _packs(remote)
    push_and_delete(shell, rng)
    shell.ok("switch", "main")
    shell.ok("restore", "--source", "night", WEIGHTS)
    shell.ok("add", WEIGHTS, "--as", "more")
    shell.commit("the same weights again")
    return sorted(_packs(remote) - before)


def _packs(remote: Remote) -> set[str]:
    return {each.name for each in remote.backend.list("packs")}


def _when_about_to_send(monkeypatch: Any, act: Callable[[], object]) -> None:
    """Act once, when a push has looked at what is there, and has not sent anything yet."""
    send, left = upload.Uploader.send, [act]

    def acting(self: upload.Uploader, *arguments: Any) -> int:
        if left:
            left.pop()()
        return send(self, *arguments)

    monkeypatch.setattr(upload.Uploader, "send", acting)


def test_the_backend_here_tells_when_files_were_written(tmp_path: Path) -> None:
    """What the tests above rest on: the age of a file is that of its last change."""
    backend = LocalBackend(tmp_path / "origin")
    backend.create(ACTIVE, b"x")
    _age(tmp_path, LEASE)
    flag = read_flag(backend)
    assert flag is not None
    assert flag.age(time.time()) >= LEASE - 1
