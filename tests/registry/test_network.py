"""The way to a platform: a private authority, proxies, and failures that are told apart."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mvc import errors
from mvc.registry.picsellia import adapter as picsellia
from mvc.registry.picsellia.adapter import PicselliaRegistry
from mvc.registry.picsellia.certificates import VARIABLES
from tests.cli.shell import Shell
from tests.registry import histories
from tests.servers.certificates import DAY, Authority
from tests.servers.picsellia import ORGANIZATION, TOKEN, Platform, serve
from tests.servers.proxy import http_proxy

NAME = "picsellia.test"
"""A host that only a proxy can reach: no name server knows it."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, *(f"{kind}_PROXY" for kind in ("HTTP", "HTTPS", "ALL", "NO"))):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def secure(authority: Authority) -> Iterator[Platform]:
    """A platform with a certificate of the private authority, for 127.0.0.1 and for `NAME`."""
    platform = Platform()
    with serve(platform, tls=authority.server("127.0.0.1", NAME)):
        yield platform


@contextlib.contextmanager
def connected(host: str, naps: list[float], ca: Path | None = None, **options: object) -> Iterator[PicselliaRegistry]:
    arguments = {"sleep": naps.append, "timeouts": (2.0, 2.0), **options}
    registry = picsellia.connect(ORGANIZATION, TOKEN, host=host, ca=str(ca) if ca else None, **arguments)  # type: ignore[arg-type]
    try:
        yield registry
    finally:
        registry.close()


def exchange(registry: PicselliaRegistry, path: Path) -> bytes:
    """Upload a file to the storage of a new version, and download it."""
    version = registry.create_version(registry.create_model("helmets", "none"), {"name": "one"})
    got: list[bytes] = []
    registry.download(registry.upload(version, "weights", "x.bin", path), got.append)
    return b"".join(got)


# --- a private authority


@pytest.mark.parametrize("setting", [*VARIABLES, "ca"])
def test_a_private_authority_is_trusted_for_the_platform_and_its_storage(
    setting: str, secure: Platform, authority: Authority, naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    if setting != "ca":
        monkeypatch.setenv(setting, str(authority.path))
    with connected(secure.host, naps, authority.path if setting == "ca" else None) as registry:
        assert exchange(registry, authority.path) == authority.path.read_bytes()


def test_the_option_ca_adds_to_the_authorities_of_the_environment(
    secure: Platform, authority: Authority, naps: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    with connected(secure.host, naps, Authority(tmp_path, "other").path) as registry:
        assert registry.models() == []


@pytest.mark.parametrize("setting", [*VARIABLES, "the option ca"])
def test_a_file_without_certificates_is_named_with_its_setting(
    setting: str, tmp_path: Path, naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty.pem"
    for reason in ("No such file", "no certificates"):
        if setting in VARIABLES:
            monkeypatch.setenv(setting, str(empty))
        with (
            pytest.raises(errors.BadCertificates, match=reason) as caught,
            connected("https://127.0.0.1", naps, None if setting in VARIABLES else empty),
        ):
            raise AssertionError
        assert setting in caught.value.message
        assert caught.value.exit_code == 2
        empty.write_text("none\n")


def test_a_ca_of_the_repository_needs_approval_and_a_typed_one_has_it(
    secure: Platform, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = histories.small(tmp_path / "ana", monkeypatch)
    monkeypatch.setenv("PICSELLIA_TOKEN", TOKEN)
    shell.ok("remote", "add", "picsellia", "picsellia://acme", "-o", f"host={secure.host}")
    shell.ok("config", "remote.picsellia.ca", str(authority.path))
    refused = shell("remote", "check", "picsellia")
    assert (refused.code, secure.calls) == (12, [])
    assert f"ca={authority.path}" in refused.err
    with pytest.MonkeyPatch.context() as container:  # which approves its own platform
        for name, value in (
            ("api_token", TOKEN),
            ("host", secure.host),
            ("organization_name", "acme"),
            ("job_id", "1"),
        ):
            container.setenv(name, value)
        assert (shell("remote", "check", "picsellia").code, secure.calls) == (12, [])
    assert "mvc remote trust picsellia" in refused.err
    shell.ok("remote", "trust", "picsellia")
    assert "Token accepted" in shell.ok("remote", "check", "picsellia").out
    shell.ok("remote", "add", "two", "picsellia://acme", "-o", f"host={secure.host}", "-o", f"ca={authority.path}")
    shell.ok("publish", "--to", "two")
    options = ("-o", f"host={secure.host}", "-o", f"ca={authority.path}")
    shell.ok("import", "picsellia://acme/helmets", *options)
    Shell(tmp_path, monkeypatch).ok("clone", "-q", "picsellia://acme/helmets", "ben", *options)
    assert "Token accepted" in Shell(tmp_path / "ben", monkeypatch).ok("remote", "check", "picsellia").out


# --- failures


def _closed() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


@contextlib.contextmanager
def _platform(authority: Authority, kind: str) -> Iterator[str]:
    """The address of a platform that is out of reach in this way."""
    if kind in ("refused", "no name"):
        yield f"https://{_closed()}" if kind == "refused" else "https://no-such-host.invalid"
    elif kind == "silent":
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
    elif kind == "no TLS":
        with serve(Platform()) as host:
            yield host.replace("http:", "https:")
    else:
        names = ("elsewhere.test",) if kind == "another host" else ("127.0.0.1",)
        with serve(Platform(), tls=authority.server(*names, valid=-DAY if kind == "expired" else DAY)) as host:
            yield host


FAILURES: dict[str, tuple[type[errors.MvcError], int, str, str]] = {
    "unknown authority": (errors.CertificateRefused, 12, "does not trust the authority", "-o ca=FILE`, or in REQUESTS"),
    "expired": (errors.CertificateRefused, 12, "has expired", "renew the certificate"),
    "another host": (errors.CertificateRefused, 12, "issued for another host", "Check the host name"),
    "no TLS": (errors.CertificateRefused, 12, "does not speak TLS", "Check the port"),
    "no name": (errors.HostNotFound, 15, "no address was found for the host no-such-host.invalid", "host name"),
    "refused": (errors.ConnectionRefused, 15, "127.0.0.1:", "Check that the server is running at 127.0.0.1:"),
    "silent": (errors.TimedOut, 15, "did not answer in time", "firewall"),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_each_failure_has_its_message_and_next_step(kind: str, authority: Authority, naps: list[float]) -> None:
    error, code, message, hint = FAILURES[kind]
    ca = authority.path if kind in ("expired", "another host") else None
    with (
        _platform(authority, kind) as host,
        connected(host, naps, ca, timeouts=(2.0, 0.1)) as registry,
        pytest.raises(error) as caught,
    ):
        registry.models()
    assert type(caught.value) is error
    assert (caught.value.exit_code, message in caught.value.message) == (code, True), caught.value.message
    assert hint in caught.value.hint
    assert "picsellia://acme" in caught.value.message
    assert naps == [] or error in (errors.HostNotFound, errors.ConnectionRefused), "only what may pass is tried again"


def test_a_create_that_was_refused_was_not_sent(naps: list[float], platform: Platform) -> None:
    with connected(platform.host, naps) as registry:
        assert registry.models() == []
        registry._client.connection.host = f"http://{_closed()}"
        with pytest.raises(errors.ConnectionRefused):
            registry.create_model("helmets", "none")


# --- proxies


def test_proxies_of_the_environment_are_used_and_no_proxy_is_heeded(
    platform: Platform, naps: list[float], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http_proxy(_port(platform)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        with connected(platform.host, naps) as registry:
            assert exchange(registry, authority.path) == authority.path.read_bytes()
        assert len(proxy.heard) == len(platform.calls) > 5
        monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
        with connected(platform.host, naps) as registry:
            registry.models()
        assert len(proxy.heard) < len(platform.calls)


def test_tls_goes_through_a_proxy_to_a_host_that_only_it_knows(
    secure: Platform, authority: Authority, naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    port = _port(secure)
    secure.host = f"https://{NAME}:{port}"  # of the storage, too
    with http_proxy(port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with connected(secure.host, naps, authority.path) as registry:
            assert exchange(registry, authority.path) == authority.path.read_bytes()
        assert set(proxy.tunnels) == {f"{NAME}:{port}"}
        with connected(secure.host, naps) as registry, pytest.raises(errors.CertificateRefused, match=NAME):
            registry.models()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_cannot_be_reached_is_named_as_the_cause(
    scheme: str, platform: Platform, naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{scheme}_proxy", f"http://{_closed()}")
    with connected(f"{scheme}://{NAME}", naps) as registry, pytest.raises(errors.ProxyFailed) as caught:
        registry.models()
    assert caught.value.message == f"Cannot reach picsellia://acme: the proxy for {NAME} cannot be reached."
    assert "NO_PROXY" in caught.value.hint
    assert caught.value.exit_code == 15


def _port(platform: Platform) -> int:
    return int(platform.host.rpartition(":")[2])


# --- no place for files


def test_an_organization_without_a_connector_is_found_before_anything_is_created(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, naps: list[float]
) -> None:
    platform.organization["default_connector_id"] = None
    shell = histories.small(tmp_path / "ana", monkeypatch)
    histories.register(shell, platform, monkeypatch)
    for words in (("remote", "check", "picsellia"), ("publish",), ("publish", "-n")):
        refused = shell(*words)
        assert (refused.code, refused.out) == (17, ""), refused
        assert "no default connector" in refused.err
    assert (platform.models, platform.versions) == ({}, {})
