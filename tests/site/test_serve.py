"""`mvc ui`: what the server answers, and to whom."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shell import Shell
from tests.site.conftest import weights
from tests.site.documents import documents, files, of_schema, read
from tests.site.server import Answer, Served, parsed, serving

EXAMPLE = Path(__file__).resolve().parents[2] / ".mvc-example" / "store"
_NOBODY = 65534
_ASK = 'exec 3<>"/dev/tcp/127.0.0.1/$1"; cat >&3; cat <&3'


@pytest.fixture(scope="module")
def served(made: Path) -> Iterator[Served]:
    """A server of the repository `made`, with files; at the end, it stops at Ctrl-C without a word more."""
    with serving(made, "--files") as found:
        yield found
        assert found.stop() == (130, "mvc: stopping\n")


@pytest.fixture(scope="module")
def exported(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("export") / "out"
    subprocess.run([sys.executable, "-m", "mvc", "ui", "-q", "--export", str(target)], cwd=made, check=True)
    return target


def _same(served: Served, exported: Path) -> None:
    """The export has the files of the server, byte for byte, and the server those of the export."""
    found = files(exported)
    assert {name: served.get(name).body for name in found} == found
    [listing] = [name for name in found if name.startswith("files-")]
    assert {listing, "index.html", *served.get(listing).body.decode().split("\n")} == found.keys()
    assert served.get("").body == found["index.html"]


def test_the_server_and_an_export_have_the_same_files(served: Served, exported: Path) -> None:
    _same(served, exported)


def test_the_page_of_the_example_is_that_of_its_export(example: Shell) -> None:
    example.ok("ui", "--export", "../out")
    with serving(example.folder) as served:
        _same(served, example.folder.parent / "out")
        assert served.get("").headers["server-timing"] == "mvc"
        assert served.stop(signal.SIGTERM) == (143, "mvc: stopping\n")


def test_headers_keep_the_page_to_itself(served: Served, exported: Path) -> None:
    index = served.get("")
    policy = index.body.decode().partition('Content-Security-Policy" content="')[2].partition('"')[0]
    assert index.headers["content-security-policy"] == policy
    assert index.headers["content-type"] == "text/html; charset=utf-8"
    for name in ("", "nothing", *files(exported)):
        answer = served.get(name)
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        is_hashed = name.startswith(
            ("app-", "style-", "files-", "data/site", "data/mod", "data/state/", "data/storage")
        )
        assert ("immutable" if is_hashed else "no-store") in answer.headers["cache-control"], name
    assert (served.get("", "HEAD").status, served.get("", "HEAD").body) == (200, b"")


def _refused(served: Served) -> Iterator[tuple[str, bytes]]:
    """Requests that must not be answered, each with what is wrong."""
    token, port = served.token, served.port
    good = f"127.0.0.1:{port}"
    hosts = ("evil.example", f"evil.example:{port}", "127.0.0.1", "localhost", f"127.0.0.1:{port + 1}", "", "127.0.0.1:",
             f"127.0.0.1.evil.example:{port}", f"0.0.0.0:{port}", f"2130706433:{port}", f"127.1:{port}", f"{good}.",
             f"user@{good}", f"{good}, evil.example", f"[::ffff:127.0.0.1]:{port}", f"evil.example#{good}")  # fmt: skip
    methods = ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "BREW", "LOCK")
    tokens = ("", "x", token[:-1], f"{token}x", token[::-1], token.swapcase(), "A" * 32, "%00", f"%20{token}", f"{token}%20",
              "".join(f"%{ord(each):02x}" for each in token), f"{token};", "..", "favicon.ico", "index.html", "null")  # fmt: skip
    names = ("index.html", "data/site.js", "files/x/y", "model.toml", ".mvc/config.toml", "")
    climbs = ("..", "%2e%2e", "%2E%2e", ".%2e", "..%2f..", "..%5c..", "..\\..", "%252e%252e", "..;", "....//", "%c0%ae%c0%ae",
              "\\", "%00", "/", "//", "%2f", "./", "%2e/", "data/..", "data//", "files/..", "files/%2e%2e", "files//")  # fmt: skip
    targets = ("index.html", "model.toml", ".mvc/config.toml", "etc/passwd", "data/site.js", "best.safetensors")
    for host, name in itertools.product(hosts, ("", "index.html", "nothing")):
        yield f"host {host!r}", f"GET /{token}/{name} HTTP/1.1\r\nHost: {host}\r\n".encode()
    for method, name in itertools.product(methods, ("", "index.html", "files/x/y")):
        yield f"method {method}", f"{method} /{token}/{name} HTTP/1.1\r\nHost: {good}\r\n".encode()
    for wrong, name in itertools.product(tokens, names):
        yield f"token {wrong!r}", f"GET /{wrong}/{name} HTTP/1.1\r\nHost: {good}\r\n".encode()
    for climb, target in itertools.product(climbs, targets):
        yield f"path {climb!r}", f"GET /{token}/{climb}/{target} HTTP/1.1\r\nHost: {good}\r\n".encode()
        yield f"path {climb!r}, no token", f"GET /{climb}/{target} HTTP/1.1\r\nHost: {good}\r\n".encode()
    for path in ("", "/", f"/{token}", f"//{token}/", f"{token}/", f"http://{good}/{token}/", f"http://evil/{token}/", "*",
                 f"/{token}/index.html%00", f"/{token}/index.html/", f"/{token}/INDEX.HTML", f"/{token}/index.htm",
                 f"/{token}/{'a' * 60_000}", f"/{token}/{'../' * 9_000}", f"/{'a' * 100_000}", f"/{token}/\xe9"):  # fmt: skip
        yield f"path {path[:40]!r}", f"GET {path} HTTP/1.1\r\nHost: {good}\r\n".encode("latin-1")
    yield "two hosts", f"GET /{token}/ HTTP/1.1\r\nHost: {good}\r\nHost: {good}\r\n".encode()
    yield "no host", f"GET /{token}/ HTTP/1.1\r\n".encode()
    yield "no host, HTTP/1.0", f"GET /{token}/ HTTP/1.0\r\n".encode()
    yield "forwarded host", f"GET /{token}/ HTTP/1.1\r\nHost: evil\r\nX-Forwarded-Host: {good}\r\n".encode()
    yield "not HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    yield "a NUL in a header", f"GET /{token}/ HTTP/1.1\r\nHost: {good}\r\nX: a\0b\r\n".encode()


def test_bad_requests_are_refused_without_a_hint(served: Served, exported: Path) -> None:
    secret = served.token.encode()
    requests = list(_refused(served))
    assert len(requests) >= 400
    for what, request in requests:
        answer = served.raw(request + b"Connection: close\r\n\r\n")
        assert 400 <= answer.status < 500, (what, answer)
        assert answer.body in (b"", b"Invalid HTTP request received."), (what, answer)
        assert secret not in repr(answer).encode(), what
    _same(served, exported)


def test_each_name_of_this_machine_is_a_host(served: Served) -> None:
    for host in ("127.0.0.1", "localhost", "LocalHost", "[::1]"):
        request = f"GET /{served.token}/ HTTP/1.1\r\nHost: {host}:{served.port}\r\nConnection: close\r\n\r\n"
        assert served.raw(request.encode()).status == 200


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_another_user_without_the_token_is_refused(served: Served, made: Path) -> None:
    def ask(path: str) -> Answer:
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nConnection: close\r\n\r\n".encode()
        command = ["bash", "-c", _ASK, "-", str(served.port)]
        asked = subprocess.run(
            command, input=request, capture_output=True, check=True, cwd="/", user=_NOBODY, group=_NOBODY
        )
        return parsed(asked.stdout)

    assert [(ask(path).status, ask(path).body) for path in ("/", "/index.html", "/x/index.html")] == [(404, b"")] * 3
    place = Path(f"/proc/{served.process.pid}")
    if place.exists():
        assert served.token.encode() not in (place / "cmdline").read_bytes() + (place / "environ").read_bytes()


def test_the_token_is_on_no_disk(served: Served, made: Path) -> None:
    served.get("")
    assert not [path for path, data in files(made).items() if served.token.encode() in data]


def _weights(exported: Path) -> str:
    """The path of the newest weights after the token."""
    [overview] = of_schema(read(exported), "site")
    newest = read(exported)[overview["models"][0]["file"]]["versions"]["id"][0]
    [file] = read(exported)[f"{overview['folders']['versions']}/{newest}"]["files"]
    return f"files/{file['file']}/best.safetensors"


def test_a_file_is_downloaded_whole_or_in_part(served: Served, exported: Path) -> None:
    path, data = _weights(exported), weights(2)
    whole = served.get(path)
    assert (whole.status, whole.body) == (200, data)
    assert whole.headers["content-type"] == "application/octet-stream"
    assert whole.headers["content-disposition"] == "attachment; filename*=utf-8''best.safetensors"
    assert served.get(path, "HEAD").headers["content-length"] == str(len(data))
    size = len(data)
    for asked, first, end in (
        ("0-0", 0, 1),
        ("5-9", 5, 10),
        ("5-", 5, size),
        ("-4", size - 4, size),
        (f"0-{size}9", 0, size),
    ):
        part = served.get(path, Range=f"bytes={asked}")
        assert part.body == data[first:end], asked
        assert part.headers.get("content-range") in (
            f"bytes {first}-{end - 1}/{size}",
            None if end - first == size else "",
        )
    for asked in (f"{size}-", "-0", f"{size}-{size + 1}"):
        assert (served.get(path, Range=f"bytes={asked}").status, served.get(path, Range=f"bytes={asked}").body) == (
            416,
            b"",
        )
    for asked in ("bytes=9-5", "bytes=0-1,3-4", "bytes=-", "lines=1-2", "bytes=a-b", f"bytes={'9' * 30}-"):
        assert served.get(path, Range=asked).body == data, asked
    assert served.get(path, Range="bytes=0-0", If_Range='"other"').body == data
    assert served.get(path, Range="bytes=0-0", If_Range=f'"{path.split("/")[1]}"').body == data[:1]


def test_a_file_has_the_names_of_versions_only(served: Served, exported: Path) -> None:
    path = _weights(exported)
    for wrong in (path.replace("best", "worst"), path + "/", path[:-1], path.replace("files/", "files/0"), "files/", "files/x",
                  path.replace("best.safetensors", "%2e%2e"), path.replace("best", "%ff"), path.replace("/best", "%2fbest")):  # fmt: skip
        assert (served.get(wrong).status, served.get(wrong).body) == (404, b""), wrong


def test_the_page_is_current_and_open_pages_find_their_files(shell: Shell, exported: Path) -> None:
    with serving(shell.folder, "--model", "helmets") as served:
        before = served.get("").body
        assert served.get(_weights(exported)).status == 404, "--files is not given"
        old = before.decode().partition('src="data/')[2].partition('"')[0]
        assert served.get("").body == before
        shell.set(metrics__mAP50=0.7)
        shell.commit("More images")
        after = served.get("").body
        new = after.decode().partition('src="data/')[2].partition('"')[0]
        assert new != old
        assert (served.get(f"data/{old}").status, served.get(f"data/{new}").status) == (200, 200)
        shell.ok("ui", "--export", "../out")
        _same(served, shell.folder.parent / "out")


def test_tensors_of_any_pair_are_compared_on_demand(served: Served, shell: Shell) -> None:
    ids = [shell.ok("rev-parse", name).out.strip() for name in ("side", "v2")]
    shell.ok("ui", "--export", "../out", "--compare", "side...v2")
    found = files(shell.folder.parent / "out")
    [name] = [name for name in found if name.endswith(f"{ids[0]}-{ids[1]}.js")]
    assert served.get(name).body == found[name]
    [document] = documents(found[name].decode()).values()
    assert document["a"] == ids[0]
    folder = name.rpartition("/")[0]
    for wrong in (
        f"{ids[0]}",
        f"{ids[0]}-{ids[1]}-{ids[0]}",
        f"{ids[0]}-{'0' * 64}",
        "-",
        f"{ids[0][:10]}-{ids[1]}",
    ):
        assert served.get(f"{folder}/{wrong}.js").status == 404


def test_damage_is_named_as_in_an_export_once_it_is_met_and_a_lost_repository_is_an_error(shell: Shell) -> None:
    with serving(shell.folder) as served:
        name = re.search(r"files-\w+\.txt", served.get("").body.decode())
        assert name is not None
        listed = served.get(name[0]).body.decode().split("\n")
        for path in (shell.folder / ".mvc" / "recipes").glob("*/*/*"):
            path.chmod(0o644)
            path.write_bytes(b"damaged")
        served.get("")
        assert {served.get(each).status for each in listed} == {200, 404}
        said = shell.ok("ui", "--export", "../out")
        assert "damaged" in said.err
        served.get("")
        _same(served, shell.folder.parent / "out")
        shutil.rmtree(shell.folder / ".mvc")
        answer = served.get("")
        assert (answer.status, b"Traceback" in answer.body) == (500, False)
        assert served.stop() == (130, "mvc: stopping\n")


def test_a_port_in_use_is_named(shell: Shell) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = shell("ui", "--port", str(port))
    assert (said.code, said.out) == (2, "")
    assert f"port {port}" in said.err


def test_options_of_the_server_and_the_export_exclude_each_other(shell: Shell) -> None:
    for option in (["--port", "8080"], ["--open"], ["--files"]):
        assert shell("ui", "--export", "../out", *option).code == 2
    assert shell("ui", "--port", "0").code == 2
    assert not (shell.folder.parent / "out").exists()


def test_a_browser_gets_an_address_that_works_once(shell: Shell) -> None:
    note = shell.folder.parent / "argv"
    browser = shell.folder.parent / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {note}.new\nmv {note}.new {note}\n')
    browser.chmod(0o755)
    with serving(shell.folder, "--open", environ=os.environ | {"BROWSER": f"{browser} %s"}) as served:
        while not note.exists():
            assert served.process.poll() is None
            time.sleep(0.01)
        path = Path(note.read_text().removeprefix("file://"))
        page = path.read_text()
        assert served.token not in page + note.read_text()
        assert path.parent.stat().st_mode & 0o077 == 0
        ticket = page.partition("url=http://")[2].partition('"')[0].partition("/")[2]
        request = f"GET /{ticket} HTTP/1.1\r\nHost: localhost:{served.port}\r\nConnection: close\r\n\r\n".encode()
        first = served.raw(request)
        assert (first.status, first.headers["location"]) == (303, f"/{served.token}/".lower())
        assert served.raw(request).status == 404
        assert served.stop()[0] == 130
        assert not path.parent.exists()
