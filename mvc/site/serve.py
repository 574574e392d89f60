"""`mvc ui`: the page from a server on this machine, for users who have its address.

    http://127.0.0.1:40213/uW3…/data/site-3f9c….js
           │               │    └ a file of the page, byte for byte as an export has it
           │               └ the token: random, and the one thing that other users and other sites lack
           └ any other Host is refused, so that no name of another site leads here (DNS rebinding)

Answers are made in one thread, since a repository belongs to one; a download has a thread of its own.
"""

from __future__ import annotations

import asyncio
import errno
import re
import secrets
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import uvicorn
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from mvc import errors
from mvc.model.ids import FileId
from mvc.site import assets
from mvc.site.download import Download
from mvc.site.live import Live
from mvc.transport.file_reader import FileReader

T = TypeVar("T")
ADDRESS = "127.0.0.1"
FILES = "files/"
LIVE = "mvc"
"""The entry of Server-Timing by which the page knows that it is served, and whether files are."""
_NAMES = (ADDRESS, "localhost", "[::1]")
_TOKEN_BYTES = 24
_GRACE = 1
"""Seconds that answers in progress may take after a signal."""
_METHODS = ("GET", "HEAD")
_HASHED = re.compile(r"(?:-|/state/)[0-9a-f]{16}\.[a-z]+\Z")
_TYPES = {"js": "text/javascript", "css": "text/css", "txt": "text/plain"}
_HEADERS = {
    "content-security-policy": assets.POLICY,
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Server:
    """A server of the page, which listens as soon as it is made."""

    def __init__(
        self,
        make: Callable[[], Live],
        *,
        port: int = 0,
        reader: Callable[[FileId], FileReader] | None = None,
        log: Callable[[str], None] | None = None,
    ) -> None:
        """Make the page and listen; the system chooses the port 0. Without `reader`, the bytes of files are not served.

        `log` is called with a line for each answer. Raises PortInUse, and what `make` does.
        """
        self._page = ThreadPoolExecutor(1)
        self._live = self._page.submit(make).result()
        self._socket = _listening(port)
        self.port: int = self._socket.getsockname()[1]
        self._token = secrets.token_urlsafe(_TOKEN_BYTES)
        self._ticket: str | None = None
        self._hosts = {f"{name}:{self.port}" for name in _NAMES}
        self._reader, self._log = reader, log
        self._downloads = asyncio.Semaphore(Download.AT_ONCE)

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{ADDRESS}:{self.port}/{self._token}/"

    def ticket(self) -> str:
        """Return an address that redirects to the page once: everybody can read the command line of a browser."""
        self._ticket = secrets.token_urlsafe(_TOKEN_BYTES)
        return f"http://{ADDRESS}:{self.port}/{self._ticket}"

    def run(self) -> None:
        """Answer requests until a signal, which the handler of before then gets."""
        config = uvicorn.Config(
            self,
            http="h11",
            ws="none",
            loop="asyncio",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE,
        )
        try:
            uvicorn.Server(config).run([self._socket])
        finally:
            self._socket.close()
            self._page.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        answer = await self._answer(request)
        for name, value in _HEADERS.items():
            answer.headers[name] = value
        answer.headers.setdefault("cache-control", "no-store")
        if self._log is not None:
            self._log(f"{answer.status_code} {request.method} {_shown(scope['raw_path'], self._token)}")
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        hosts = request.headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return _refusal(403)
        if request.method not in _METHODS:
            return Response(status_code=405, headers={"allow": ", ".join(_METHODS)})
        before, _, path = request.scope["raw_path"].partition(b"/")
        token, slash, name = path.partition(b"/")
        if before or not name.isascii():
            return _refusal(404)
        if not slash and request.method == "GET" and self._spends(token):
            return RedirectResponse(f"/{self._token}/", 303)
        if not slash or not secrets.compare_digest(token, self._token.encode()):
            return _refusal(404)
        try:
            return await self._named(request, name.decode())
        except (errors.MvcError, OSError) as error:
            text = error.message if isinstance(error, errors.MvcError) else error.strerror or "input/output error"
            return Response(text, 500, media_type="text/plain")

    async def _named(self, request: Request, name: str) -> Response:
        """Return the answer for a path after the token."""
        if name.startswith(FILES):
            return await self._download(request, *name.removeprefix(FILES).split("/"))
        data = await self._on_page(lambda: self._live.file(name))
        if data is None:
            return _refusal(404)
        answer = Response(data, media_type=_TYPES.get(name.rpartition(".")[2], "text/html"))
        if _HASHED.search(name):
            answer.headers["cache-control"] = "private, max-age=86400, immutable"
        elif answer.media_type == "text/html":
            answer.headers["server-timing"] = LIVE if self._reader is None else f"{LIVE};desc={FILES.strip('/')}"
        return answer

    async def _download(self, request: Request, *parts: str) -> Response:
        name = Download.name(parts[1]) if len(parts) == 2 else None
        if self._reader is None or name is None:
            return _refusal(404)
        size = await self._on_page(lambda: self._live.size(parts[0], name))
        if size is None:
            return _refusal(404)
        answer = Download(request, self._downloads, self._reader, FileId(parts[0]), name, size)
        await answer.open()
        return answer

    async def _on_page(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._page, work)

    def _spends(self, token: bytes) -> bool:
        """Return whether `token` is the ticket, which is then void."""
        if self._ticket is None or not secrets.compare_digest(token, self._ticket.encode()):
            return False
        self._ticket = None
        return True


def _refusal(status: int) -> Response:
    """Return an answer that is the same whatever the reason is."""
    return Response(status_code=status)


def _shown(path: bytes, token: str) -> str:
    """Return a requested path without the token."""
    return path.decode("latin-1").replace(token, "…")


def _listening(port: int) -> socket.socket:
    """Return a socket that listens on this machine only. Raises PortInUse."""
    made = socket.socket()
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((ADDRESS, port))
        made.listen(128)
    except OSError as error:
        made.close()
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise errors.PortInUse(port=port, reason=error.strerror or str(error)) from None
    return made
