"""Servers whose host key is not the known one, and what is no regular file on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mvc import errors
from mvc.remotes import address, connect
from mvc.remotes.backend import Backend
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
