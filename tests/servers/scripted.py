"""An HTTP server on 127.0.0.1 that answers what a test tells it to, and keeps what it was asked."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """A request, the names of its headers in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What is answered; status 0 ends the connection without a word. `cut` ends the connection after so many bytes of the body; `stall` keeps it open, and silent."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: int | None = None
    stall: bool = False


@dataclass
class Scripted:
    """Answers `reply(asked)`; `asked` is all that came."""

    host: str = ""
    reply: Callable[[Asked], Reply] = lambda _: Reply(404)
    asked: list[Asked] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://{self.host}"


@contextlib.contextmanager
def scripted(address: str = "127.0.0.1") -> Iterator[Scripted]:
    """Listen at `address` until the block ends."""
    script = Scripted()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            script.asked.append(asked)
            reply = script.reply(asked)
            self.close_connection = True
            if not reply.status:
                return
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                with contextlib.suppress(OSError):
                    self.wfile.write(reply.body[: reply.cut])
            if reply.stall and self.command != "HEAD":
                script.over.wait()

        do_GET = do_HEAD = do_POST = _answer  # noqa: N815 - as the base class looks for them

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as its base class has it
            """Keep quiet."""

    server = ThreadingHTTPServer((address, 0), Handler)
    server.daemon_threads = True
    script.host = f"{address}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield script
    finally:
        script.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
