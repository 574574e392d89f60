"""A registry on 127.0.0.1 that keeps manifests and forgets blobs, however large they are."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_BLOCK = 1 << 20
_TYPE = "application/vnd.oci.image.manifest.v1+json"


@contextlib.contextmanager
def forgetful() -> Iterator[str]:
    """Listen until the block ends; its host."""
    manifests: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(404)

        def do_GET(self) -> None:
            body = manifests.get(self.path)
            self._answer(404 if body is None else 200, body or b"")

        def do_POST(self) -> None:
            self._answer(202)

        do_PATCH = do_POST  # noqa: N815 - as the base class looks for it

        def do_PUT(self) -> None:
            if "/manifests/" in self.path:
                manifests[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
                self.headers.replace_header("Content-Length", "0")
            self._answer(201)

        def _answer(self, status: int, body: bytes = b"") -> None:
            left = int(self.headers.get("Content-Length") or 0)
            while left:
                left -= len(self.rfile.read(min(left, _BLOCK)))
            self.send_response_only(status)
            self.send_header("Location", "/v2/uploads/1")
            self.send_header("Content-Type", _TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
