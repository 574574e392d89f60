"""Remotes whose server is out of reach: each cause has its own error."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mvc import errors
from mvc.remotes.backends import address, connect
from tests.servers.certificates import DAY, Authority
from tests.servers.picsellia import Platform, serve


def _closed() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


@contextlib.contextmanager
def _server(kind: str, folder: Path) -> Iterator[str]:
    if kind in ("refused", "no name"):
        yield _closed() if kind == "refused" else "no-such-host.invalid"
        return
    valid = -DAY if kind == "expired" else DAY
    with serve(Platform(), tls=Authority(folder).server("127.0.0.1", valid=valid)) as host:
        yield host.removeprefix("https://")


CAUSES = {
    "refused": (errors.ConnectionRefused, 15),
    "no name": (errors.HostNotFound, 15),
    "unknown authority": (errors.CertificateRefused, 12),
}


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("kind", ["s3", "sftp"])
def test_each_cause_has_its_error(kind: str, cause: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error, code = CAUSES[cause]
    if (kind, error) == ("sftp", errors.CertificateRefused):
        return  # its host keys have errors of their own
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    with _server(cause, tmp_path) as host:
        if kind == "s3":
            url, options = "s3://bucket/x", {"endpoint": f"https://{host}", "region": "eu-west-1"}
        else:
            (tmp_path / "known_hosts").write_text("")
            url, options = f"sftp://ana@{host}/srv/x", {"known-hosts": str(tmp_path / "known_hosts")}
        backend = connect.connect(address.parse(url, tmp_path), options)
        with pytest.raises(errors.MvcError) as caught:
            backend.read("format", 100)
        backend.close()
    assert type(caught.value) is error, caught.value.message
    assert caught.value.exit_code == code
    assert host in caught.value.message
    assert url in caught.value.message
