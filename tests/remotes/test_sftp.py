"""Servers whose host key is not the known one, and what is no regular file on them."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest

from mvc import errors
from mvc.remotes.backends import address, connect, sftp_session
from mvc.remotes.backends.backend import Backend
from mvc.remotes.backends.retry import RetryingBackend
from tests.servers.proxy import Wire, WireFault, wire
from tests.servers.sshd import Sshd


def _open(sshd: Sshd, folder: Path, **options: str) -> Backend:
    given = sshd.options | {name.replace("_", "-"): value for name, value in options.items()}
    return connect.connect(address.parse(sshd.url(folder / "place"), folder), given)


def test_an_unknown_host_is_refused_and_nothing_is_sent(sshd: Sshd, tmp_path: Path) -> None:
    with pytest.raises(errors.UnknownHostKey):
        _open(sshd, tmp_path, known_hosts=str(tmp_path / "none")).create("x", b"x")
    assert not (tmp_path / "place").exists()
    assert not (tmp_path / "none").exists()


def test_a_changed_host_key_is_refused_and_nothing_is_sent(sshd: Sshd, tmp_path: Path) -> None:
    other = tmp_path / "known_hosts"
    other.write_text(f"{sshd.host} {(sshd.folder / 'user.pub').read_text()}")
    with pytest.raises(errors.ChangedHostKey):
        _open(sshd, tmp_path, known_hosts=str(other)).create("x", b"x")
    assert not (tmp_path / "place").exists()


def test_a_link_is_not_followed(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "place" / "link").symlink_to(tmp_path / "secret")
    backend = _open(sshd, tmp_path)
    with pytest.raises(errors.Damaged):
        backend.read("link", 10)
    assert list(backend.list("")) == []
    backend.close()


def test_an_option_that_is_not_there_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    with pytest.raises(errors.BadSetting):
        _open(sshd, tmp_path, password="secret")


@pytest.fixture
def between(sshd: Sshd) -> Iterator[Wire]:
    """A wire to the server."""
    with wire(sshd.port) as made:
        yield made


def _through(between: Wire, sshd: Sshd, tmp_path: Path) -> Backend:
    """The server, through a wire."""
    through = replace(sshd, port=between.port)
    known = tmp_path / "known"
    known.write_text(f"{through.host} {(sshd.folder / 'host.pub').read_text()}")
    return _open(through, tmp_path, known_hosts=str(known))


@pytest.mark.parametrize("fault", [WireFault.CUT, WireFault.SILENT], ids=lambda fault: fault.name)
def test_a_server_that_does_not_say_whether_it_lets_one_in_is_out_of_reach_and_does_not_refuse(
    between: Wire, sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: WireFault
) -> None:
    monkeypatch.setattr(sftp_session, "_SECONDS", 1.0)
    for at in (8, 10):  # of the blocks of a connection, those that name a user and show a key
        between.at(at, fault)
        with pytest.raises(errors.RemoteUnreachable):
            _through(between, sshd, tmp_path).read("x", 10)


def test_a_connection_that_is_silent_at_any_time_is_given_up_for_another(
    between: Wire, sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random, *, deep: bool
) -> None:
    between.at(None, WireFault.SILENT)
    backend = _through(between, sshd, tmp_path)
    backend.create("x", b"x")
    backend.close()
    monkeypatch.setattr(sftp_session, "_SECONDS", 1.0)
    blocks = range(1, between.blocks + 1)
    for at in blocks if deep else (12, *rng.sample(blocks, 3)):  # 12: it let us in, and does not open the channel
        between.at(at, WireFault.SILENT)
        backend = RetryingBackend(_through(between, sshd, tmp_path), lambda _: None)
        backend.create(f"y-{at}", b"y")
        assert backend.read(f"y-{at}", 10) == b"y"
        backend.close()


@pytest.mark.parametrize(("answer", "fails"), [("Operation unsupported", False), ("Failure", True)])
def test_only_a_server_that_cannot_sync_need_not(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, fails: bool
) -> None:
    request = paramiko.SFTPClient._request

    def answered(client: paramiko.SFTPClient, kind: int, *arguments: object) -> object:
        if "fsync@openssh.com" in arguments:
            raise OSError(answer)
        return request(client, kind, *arguments)

    monkeypatch.setattr(paramiko.SFTPClient, "_request", answered)
    backend = _open(sshd, tmp_path)
    with pytest.raises(errors.RemoteUnreachable) if fails else contextlib.nullcontext():
        backend.create("x", b"x")
    assert (tmp_path / "place" / "x").exists() != fails
    backend.close()
