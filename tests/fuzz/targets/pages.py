"""Requests to the server of the page: method, path, headers; and the header Range by itself."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import MutableMapping
from typing import Any

from mvc.repository.model import Model
from mvc.site import download, export
from mvc.site.contents import Contents
from mvc.site.documents.options import Options
from mvc.site.live import Live
from mvc.site.serve import Server
from mvc.transport.file_reader import FileReader
from tests.fuzz.target import SLOW, Target
from tests.fuzz.targets.remotes import repository

_TOKEN, _HOST = b"TOKEN", b"HOST"
"""What stands in an input for the token of the server and its own host."""


@functools.cache
def _server(process: int) -> Server:
    """Return the server of a process: its threads are not those of a child."""
    del process
    found = repository()
    models = [Model(found, key) for key in found.heads.models()]
    return Server(
        lambda: Live(found.door, lambda: Contents(found, models, Options())),
        reader=lambda file: FileReader(found, file),
    )


def _request(data: bytes) -> None:
    """Send a request: the first line is the method and the path, the others are headers."""
    server = _server(os.getpid())
    first, *lines = data.split(b"\n")
    method, _, path = first.partition(b" ")
    token = server.url.rstrip("/").rpartition("/")[2].encode()
    headers = [line.partition(b":")[::2] for line in lines if b":" in line]
    host = f"127.0.0.1:{server.port}".encode()
    scope = {
        "type": "http", "http_version": "1.1", "method": method.decode("latin-1"), "scheme": "http", "query_string": b"",
        "path": "/", "raw_path": path.replace(_TOKEN, token), "server": ("127.0.0.1", server.port),
        "headers": [(name.strip().lower(), value.strip().replace(_HOST, host)) for name, value in headers],
    }  # fmt: skip
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        await asyncio.sleep(3600)  # the client says nothing more
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    asyncio.run(server(scope, receive, send))
    status = sent[0]["status"]
    assert status in (200, 206, 303, 403, 404, 405, 416), status
    length = dict(sent[0]["headers"]).get(b"content-length")
    body = sum(len(message.get("body", b"")) for message in sent[1:])
    assert length is None or method == b"HEAD" or int(length) == body


def _range(data: bytes) -> None:
    """Read the header Range of a request, and the name of a file in its address."""
    text = data.decode("latin-1")
    for size in (0, 1, 10, 1 << 40):
        found = download._bounds(text, size)
        assert found is None or 0 <= found[0] <= found[1] <= size
    download.Download.name(text)
    export._is_listing(text)


TARGETS = (
    Target("page-request", _request, cost=SLOW),
    Target("page-range", _range),
)
