"""What stands between a client and a real server, and lets one request go wrong: by HTTP, or by bytes for anything else."""

from __future__ import annotations

import contextlib
import enum
import http.client
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_PASSED_ON_BY_HAND = {"connection", "transfer-encoding", "content-length"}


class Fault(enum.Enum):
    """What happens to one request."""

    UNHEARD = "the connection ends before the server hears of it"
    UNANSWERED = "the server does it, and the connection ends"
    CUT = "the connection ends in the middle of the answer"
    LATE = "the server does it, and the answer never comes"
    FLIPPED = "a bit of the answer's body is another"
    TOO_MANY = "429, and when to come again"
    BROKEN = "500"
    AWAY = "503"


class RegistryFault(enum.Enum):
    """What happens to one request to a registry, besides."""

    UNSUPPORTED = "405"
    EXPIRED = "401"
    GARBLED = "a bit of the request's body arrives as another"


AnyFault = Fault | RegistryFault
STATUS: dict[AnyFault | None, int] = {
    Fault.TOO_MANY: 429,
    Fault.BROKEN: 500,
    Fault.AWAY: 503,
    RegistryFault.UNSUPPORTED: 405,
    RegistryFault.EXPIRED: 401,
}
"""The faults that are the server's answer."""
AFTER = 7
"""Seconds that a 429 asks for."""
_NEVER = 2.0
"""Seconds after which no client waits any more."""


@dataclass(frozen=True)
class Request:
    """What was asked."""

    method: str
    path: str
    conditional: bool


@dataclass
class HttpProxy:
    """Passes HTTP on to a server at `port`; `url` is where it listens.

    `fault` is asked what happens to each request; `refuses` whether a policy says no to it. `asked` is every request that
    came, `heard` those that the server got, `stored` the paths of PUTs that it has answered with success. `tunnels` are the hosts
    and ports that a client asked it to connect to: it connects to the server, whatever their names.
    """

    port: int
    url: str = ""
    fault: Callable[[Request], AnyFault | None] = lambda _: None
    refuses: Callable[[Request], bool] = lambda _: False
    asked: list[Request] = field(default_factory=list)
    heard: list[Request] = field(default_factory=list)
    tunnels: list[str] = field(default_factory=list)
    stored: set[str] = field(default_factory=set)
    closing: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def at(self, number: int, fault: AnyFault) -> None:
        """Have request `number` from now, counted from 1, go wrong, and no other; begin to count anew."""
        self.asked, self.heard = [], []
        self.fault = lambda _: fault if len(self.asked) == number else None

    def well(self) -> None:
        """Have nothing go wrong any more; begin to count anew."""
        self.asked, self.heard = [], []
        self.fault = lambda _: None

    def judge(self, request: Request) -> tuple[AnyFault | None, bool]:
        """What happens to a request that came, and whether it is refused."""
        with self.lock:
            self.asked.append(request)
            fault = self.fault(request)
            if fault in STATUS or fault is Fault.UNHEARD:
                return fault, False
            refused = self.refuses(request)
            if not refused:
                self.heard.append(request)
            return fault, refused


@contextlib.contextmanager
def http_proxy(port: int) -> Iterator[HttpProxy]:
    """A proxy in front of the HTTP server at `port` of 127.0.0.1, in threads of this process."""
    proxy = HttpProxy(port)
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.closing.set()
        server.shutdown()
        server.socket.close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    proxy: HttpProxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _pass(self) -> None:
        body = self._body()
        request = Request(self.command, self.path, "if-none-match" in self.headers)
        fault, refused = self.proxy.judge(request)
        if refused:
            self._answer(403, {}, b"<Error><Code>AccessDenied</Code></Error>")
        elif fault in STATUS:
            self._answer(STATUS[fault], {"Retry-After": str(AFTER)} if fault is Fault.TOO_MANY else {}, b"")
        elif fault is Fault.UNHEARD:
            self._cut()
        else:
            if fault is RegistryFault.GARBLED and body:
                body = bytes([body[0] ^ 1]) + body[1:]
            status, headers, answer = self._ask(body)
            if request.method == "PUT" and status == HTTPStatus.OK:
                self.proxy.stored.add(request.path.partition("?")[0])
            self._spoil(fault, status, headers, answer)

    do_GET = do_PUT = do_POST = do_PATCH = do_HEAD = do_DELETE = _pass  # noqa: N815 - names that http.server calls

    def do_CONNECT(self) -> None:
        """Carry bytes between the client and the server, as a forward proxy does for TLS."""
        self.proxy.tunnels.append(self.path)
        self.close_connection = True
        with socket.create_connection(("127.0.0.1", self.proxy.port)) as server:
            self.send_response_only(200)
            self.end_headers()
            back = threading.Thread(target=_carry, args=(server, self.connection), daemon=True)
            back.start()
            _carry(self.connection, server)
            back.join()

    def _spoil(self, fault: AnyFault | None, status: int, headers: dict[str, str], answer: bytes) -> None:
        if fault is Fault.LATE:
            self.proxy.closing.wait(_NEVER)
        if fault in (Fault.UNANSWERED, Fault.LATE):
            self._cut()
        elif fault is Fault.CUT:
            self._answer(status, headers, answer, sent=len(answer) // 2)
            self._cut()
        elif fault is Fault.FLIPPED and answer:
            middle = len(answer) // 2
            self._answer(status, headers, answer[:middle] + bytes([answer[middle] ^ 1]) + answer[middle + 1 :])
        else:
            self._answer(status, headers, answer)

    def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """The server's answer: its status, headers, and body."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=60)) as upstream:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for key, value in self.headers.items():
                if key.lower() not in _PASSED_ON_BY_HAND | {"expect"}:
                    upstream.putheader(key, value)
            upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body)
            response = upstream.getresponse()
            answer = response.read()
            headers = {key: value for key, value in response.getheaders() if key.lower() not in _PASSED_ON_BY_HAND}
            length = response.getheader("Content-Length")
            if self.command == "HEAD" and length is not None:
                headers["Content-Length"] = length
            return response.status, headers, answer

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, status: int, headers: dict[str, str], body: bytes, sent: int | None = None) -> None:
        self.send_response_only(status)
        for key, value in headers.items():
            self.send_header(key, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:sent])

    def _cut(self) -> None:
        """End the connection without a word, as a router does that forgot it."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _carry(source: socket.socket, target: socket.socket) -> None:
    """Pass bytes on until there are no more."""
    with contextlib.suppress(OSError):
        while block := source.recv(65_536):
            target.sendall(block)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class WireFault(enum.Enum):
    """What happens to one block of bytes on a wire."""

    CUT = "the connection ends in the middle of it"
    FLIPPED = "a bit of it is another"
    SILENT = "it does not come, nor does anything after it, and the connection stays"


class Wire:
    """Passes TCP on to a server at `port`, and lets one block go wrong, of those that are carried in either direction."""

    def __init__(self, port: int) -> None:
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._at: int | None = None
        self._fault = WireFault.CUT
        self.blocks = 0
        """Those carried since the last `at`."""
        threading.Thread(target=self._accept, daemon=True).start()

    def at(self, number: int | None, fault: WireFault) -> None:
        """Have block `number` from now, counted from 1, go wrong, and no other; None for none; begin to count anew."""
        with self._lock:
            self._at, self._fault, self.blocks = number, fault, 0

    def close(self) -> None:
        """Listen no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server))
                for end in (client, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                silent = threading.Event()
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._carry, args=(*pair, silent), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, silent: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(16_384):
                fault = self._judge()
                if fault is WireFault.SILENT:
                    silent.set()
                if silent.is_set():
                    continue
                middle = len(block) // 2
                if fault is WireFault.CUT:
                    target.sendall(block[:middle])
                    break
                flip = fault is WireFault.FLIPPED
                target.sendall(block[:middle] + bytes([block[middle] ^ flip]) + block[middle + 1 :])
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _judge(self) -> WireFault | None:
        """What happens to the next block."""
        with self._lock:
            self.blocks += 1
            return self._fault if self.blocks == self._at else None


@contextlib.contextmanager
def wire(port: int) -> Iterator[Wire]:
    """A wire to the server at `port` of 127.0.0.1."""
    made = Wire(port)
    try:
        yield made
    finally:
        made.close()
