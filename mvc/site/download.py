"""A file of a version as a download: whole or a range, piece by piece, in a thread of its own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, unquote_to_bytes

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mvc.model.ids import FileId
from mvc.transport.file_reader import FileReader

_PIECE = 1 << 20
_RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z", re.ASCII)
_MOST_DIGITS = 20


class Download(Response):
    """The bytes of a file. A browser keeps them as a file, and never shows or runs them."""

    AT_ONCE = 4
    """Downloads at once; others wait, so that memory is bounded."""
    media_type = "application/octet-stream"

    def __init__(
        self,
        request: Request,
        turn: asyncio.Semaphore,
        reader: Callable[[FileId], FileReader],
        file: FileId,
        name: str,
        size: int,
    ) -> None:
        """Answer a request for `file`; `reader` opens it in the download's own thread, once it is its `turn`."""
        tag = f'"{file}"'
        asked = request.headers.get("range") if request.headers.get("if-range", tag) == tag else None
        bounds = _bounds(asked, size)
        super().__init__(None, 200 if asked is None or bounds == (0, size) else 206)
        self._request, self._turn, self._open, self._file = request, turn, reader, file
        self._at, self._end = bounds or (0, 0)
        self._thread: ThreadPoolExecutor | None = None
        self._reader: FileReader | None = None
        self._piece = b""
        self.headers["accept-ranges"] = "bytes"
        self.headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
        self.headers["content-length"] = str(self._end - self._at)
        self.headers["etag"] = tag
        if bounds is None:
            self.status_code = 416
            self.headers["content-range"] = f"bytes */{size}"
        elif self.status_code == 206:
            self.headers["content-range"] = f"bytes {self._at}-{self._end - 1}/{size}"

    @staticmethod
    def name(text: str) -> str | None:
        """Return the name of a file that an address has percent-encoded; None if it is not UTF-8."""
        try:
            return unquote_to_bytes(text).decode()
        except UnicodeDecodeError:
            return None

    async def open(self) -> None:
        """Wait for the turn and read the first piece. Raises Missing, Damaged, and the errors of a fetch."""
        if self._request.method == "HEAD" or self._at == self._end:
            return
        await self._turn.acquire()
        self._thread = ThreadPoolExecutor(1)
        try:
            self._piece = await self._in_thread(self._first)
        except BaseException:
            self._close()
            raise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as every ASGI application
        """Send the bytes. What cannot be read breaks the connection off: the length was promised."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            while self._piece and not await self._request.is_disconnected():
                await send({"type": "http.response.body", "body": self._piece, "more_body": True})
                self._piece = await self._in_thread(self._next)
        finally:
            self._close()
        await send({"type": "http.response.body"})

    async def _in_thread(self, work: Callable[[], bytes]) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _first(self) -> bytes:
        self._reader = self._open(self._file)
        return self._next()

    def _next(self) -> bytes:
        """Return the next piece, empty at the end."""
        if self._reader is None or self._at == self._end:
            return b""
        piece = self._reader.read_range(self._at, min(_PIECE, self._end - self._at))
        self._at += len(piece)
        return piece

    def _close(self) -> None:
        if self._thread is None:
            return
        if self._reader is not None:
            self._thread.submit(self._reader.close)
        self._thread.shutdown(wait=False)
        self._thread = None
        self._turn.release()


def _bounds(asked: str | None, size: int) -> tuple[int, int] | None:
    """Return the first byte and the end of a request's range, the whole file for none or several; None if it has no byte."""
    match = _RANGE.match(asked.strip()) if asked is not None else None
    if match is None or not any(match.groups()) or max(map(len, match.groups())) > _MOST_DIGITS:
        return 0, size
    first, last = match.groups()
    if not first:
        return (max(0, size - int(last)), size) if int(last) and size else None
    end = min(size, int(last) + 1) if last else size
    if last and int(last) < int(first):
        return 0, size
    return (int(first), end) if int(first) < size else None
