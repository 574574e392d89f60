"""Which host a remote's credentials go to: one spelling for each, and nothing that reads in two ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.model import hosts, remote_kinds
from mvc.model.hosts import Approvals, Destination
from mvc.remotes.backends import address, connect, destination
from mvc.remotes.backends.options import check

ROOT = Path("/srv")


def host(url: str, **options: str) -> str | None:
    """The host as it is shown, marked where it needs no approval."""
    found = destination.of(address.parse(url, ROOT), {key.replace("_", "-"): value for key, value in options.items()})
    return None if found is None else f"{found.host}{' (default)' if found.is_default else ''}"


@pytest.mark.parametrize(
    ("url", "options", "expected"),
    [
        ("s3://bucket/x", {}, "s3.amazonaws.com (default)"),
        ("s3://bucket/x", {"region": "eu-west-1"}, "s3.amazonaws.com (default)"),
        ("s3://bucket/x", {"endpoint": "https://MinIO.Lan.:443"}, "minio.lan"),
        ("s3://bucket/x", {"endpoint": "http://minio.lan"}, "minio.lan:80"),
        ("s3://bucket/x", {"endpoint": "https://minio.lan:9000/store/"}, "minio.lan:9000"),
        ("s3://bucket/x", {"endpoint": "https://[0:0:0:0:0:0:0:1]:9000"}, "[::1]:9000"),
        ("s3://bucket/x", {"endpoint": "https://xn--mgbh0fb.example"}, "xn--mgbh0fb.example"),
        ("gs://bucket/x", {}, "storage.googleapis.com (default)"),
        ("gs://bucket/x", {"endpoint": "https://gcs.example"}, "gcs.example"),
        ("az://models/x", {}, None),
        ("az://models/x", {"account": "teamvision"}, "teamvision.blob.core.windows.net"),
        ("az://models/x", {"account": "teamvision", "endpoint": "blobs.example:8443/hers"}, "blobs.example:8443"),
        ("sftp://ana@Models.Example.org./srv", {}, "models.example.org"),
        ("sftp://ana@models.example.org:2222/srv", {}, "models.example.org:2222"),
        ("sftp://models.example.org/srv", {"port": "2222"}, "models.example.org:2222"),
        ("ssh://[0:0:0:0:0:0:0:1]/srv", {}, "[::1]"),
        ("picsellia://acme", {}, "app.picsellia.com (default)"),
        ("picsellia://acme", {"host": "https://APP.picsellia.com.:443/"}, "app.picsellia.com (default)"),
        ("picsellia://acme", {"host": "http://app.picsellia.com"}, "app.picsellia.com:80"),
        ("picsellia://acme", {"host": "https://app.picsellia.com:8443"}, "app.picsellia.com:8443"),
        ("/srv/models", {}, None),
    ],
)
def test_a_remote_leads_to_a_host(url: str, options: dict[str, str], expected: str | None) -> None:
    assert host(url, **options) == expected


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("s3://bucket/x", {"region": "x.evil.example/"}),
        ("s3://bucket/x", {"region": "eu-west-1.evil.example"}),
        ("s3://bucket/x", {"region": "eu-west-1#"}),
        ("az://models/x", {"account": "evil.example/x?"}),
        ("az://models/x", {"account": "evil.example#"}),
        ("az://models/x", {"endpoint": "http://blobs.example"}),
        ("sftp://host/srv", {"port": "22@evil.example"}),
        *(
            ("s3://bucket/x", {"endpoint": text})
            for text in (
                "https://minio.lan@evil.example", "https://@evil.example", "https://minio.lan:443@evil.example",
                "https://evil.example\\@minio.lan", "https://minio.lan\\.evil.example", "https://evil.example?.minio.lan",
                "https://evil.example#.minio.lan", "https://evil.example/../x", "https://evil.example/x?y",
                "https://", "https:///x", "evil.example", "file:///etc/passwd", "ftp://evil.example", "https://a b",
                "https://minio。lan", "https://m\u0131nio.lan", "https://[::1", "https://[::1%25eth0]", "https://x:99999",
                "https://x:0", "https://x:1x", "https://.", "https://-x.example", "https://" + "a." * 200 + "b",
                "https://evil.example%2f.minio.lan", "https://evil.example%00.minio.lan",
            )
        ),
        *(
            ("picsellia://acme", {"host": text})
            for text in (
                "https://app.picsellia.com@evil.example", "https://@evil.example", "https://app.picsellia.com\\.evil.example",
                "https://evil.example\\@app.picsellia.com", "https://app.picsell\u0131a.com", "https://[::1", "https://x:0",
                "https://app.picsellia.com%2eevil.example", "HTTPS:app.picsellia.com", "https://app.picsellia.com?x",
            )
        ),
    ],
)  # fmt: skip
def test_what_could_be_read_in_two_ways_is_refused(url: str, options: dict[str, str]) -> None:
    where = address.parse(url, ROOT)
    with pytest.raises(errors.BadSetting):
        check(where.kind, options)


@pytest.mark.parametrize(
    "url",
    ["s3://evil.example%2fx", "s3://bucket\\x/y", "s3://bücket/x", "sftp://evil.example\\x/srv", "sftp://mödels/srv",
     "sftp://host:0/srv", "sftp://[::1/srv", "sftp://a%2fb/srv", "s3://[x/y"],
)  # fmt: skip
def test_an_address_whose_host_is_none_is_refused(url: str) -> None:
    with pytest.raises(errors.BadRemoteUrl):
        address.parse(url, ROOT)


def test_what_is_connected_to_is_built_from_what_was_checked() -> None:
    given = {"endpoint": "HTTPS://MinIO.Lan.:443/Store/", "region": "eu-west-1"}
    assert check(remote_kinds.S3, given) == {"endpoint": "https://minio.lan/Store", "region": "eu-west-1"}
    assert check(remote_kinds.AZ, {"endpoint": "Blobs.Example:8443/hers"})["endpoint"] == "blobs.example:8443/hers"
    assert check(remote_kinds.PICSELLIA, {"host": "https://APP.picsellia.com./"})["host"] == "https://app.picsellia.com"
    assert check(remote_kinds.SFTP, {"key-file": "/a/../k"})["key-file"] == "/k"


@pytest.mark.parametrize(
    ("name", "loopback"),
    [("localhost", True), ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("0.0.0.0", False),
     ("127.1", False), ("2130706433", False), ("0x7f.0.0.1", False), ("::ffff:127.0.0.1", False), ("localhost.evil.example", False),
     ("127.0.0.1.evil.example", False), ("10.0.0.1", False)],
)  # fmt: skip
def test_this_machine_is_known_by_its_own_names_alone(name: str, loopback: bool) -> None:
    assert hosts.is_loopback(hosts.canonical(name)) is loopback


@pytest.mark.parametrize(
    ("trusted", "kind", "name", "port", "expected"),
    [
        ("minio.lan:9000", "s3", "minio.lan", 9000, True),
        ("MINIO.lan.:9000", "s3", "minio.lan", 9000, True),
        ("minio.lan:9000", "s3", "minio.lan", 9001, False),
        ("minio.lan", "s3", "minio.lan", 9000, False),
        ("minio.lan", "s3", "minio.lan", 443, True),
        ("minio.lan", "sftp", "minio.lan", 22, True),
        ("minio.lan:*", "s3", "minio.lan", 9000, True),
        ("a.lan, minio.lan:9000\nb.lan", "s3", "minio.lan", 9000, True),
        ("https://minio.lan/", "s3", "minio.lan", 443, True),
        ("minio.lan", "s3", "evil.minio.lan", 443, False),
        ("minio.lan", "s3", "minio.lan.evil.example", 443, False),
        ("[::1]:9000", "s3", "::1", 9000, True),
        ("", "s3", "minio.lan", 443, False),
    ],
)
def test_trusted_hosts_are_compared_by_name_and_port(
    trusted: str, kind: str, name: str, port: int, expected: bool
) -> None:
    approvals = Approvals({}, hosts.of_text(trusted))
    assert approvals.has_host(Destination(kind, name, port)) is expected
    assert not approvals.has_plain(Destination(kind, name, port, plain=True)) or name == "::1"


def test_an_approval_is_for_one_kind_of_credentials_and_for_encryption() -> None:
    approvals = Approvals({"minio.lan:9000": hosts.of_settings("minio.lan:9000", {"trust": ["s3"]})})
    assert approvals.has_host(Destination("s3", "minio.lan", 9000))
    assert not approvals.has_host(Destination("picsellia", "minio.lan", 9000))
    assert not approvals.has_plain(Destination("s3", "minio.lan", 9000, plain=True))
    approvals = Approvals({}, hosts.of_text("http://minio.lan:9000"))
    assert approvals.has_plain(Destination("s3", "minio.lan", 9000, plain=True))


@pytest.mark.parametrize("text", ["a/b", "x://h", "h:99999", "h:x", "ana@h", "http://", "*", "*.lan", "h:", "h ü"])
def test_a_list_of_trusted_hosts_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        hosts.of_text(text)


def test_a_library_gets_the_address_that_was_checked() -> None:
    backend: Any = connect.connect(address.parse("s3://bucket/x", ROOT), {"endpoint": "https://MinIO.Lan.:443/"})
    assert backend._filesystem.endpoint_url == "https://minio.lan"
    backend = connect.connect(address.parse("sftp://ana@Models.Example./x", ROOT), {"key-file": "/k/../id"})
    assert (backend._login.host, backend._login.key) == ("models.example", "/id")
