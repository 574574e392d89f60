"""Blobs of an OCI registry on their way: a download that continues where it stopped, and an upload.

    up to PIECE   POST ─► PUT with all bytes
    above         POST ─► PATCH, PATCH, … each a piece ─► PUT        lost: GET says how much arrived ─► PATCH from there
                          └─ not supported ─► POST ─► PUT with all bytes

A registry that forgets an upload gets it from the start again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Any

from mvc.deferred import dataclass
from mvc.images.authorize import unreachable, untrusted
from mvc.images.lookup import MAX_MANIFEST
from mvc.images.session import Session
from mvc.images.transport import Request, Response

PIECE = 64 << 20
"""Bytes of a piece; a smaller blob is sent in one request, which every registry supports."""
Sink = Callable[[bytes], object]
"""A consumer of a blob's bytes, block by block."""
_ARRIVED = re.compile(r"(?:bytes=)?0-([0-9]{1,18})\Z")
_CONTINUES = re.compile(r"bytes ([0-9]{1,18})-")


@dataclass(frozen=True, slots=True)
class Blob:
    """A content to send: its digest and size, and a function that reads it from an offset."""

    digest: str
    size: int
    read: Callable[[int], Iterator[Any]]


class Reader:
    """Receives a blob of `size` bytes in one response or several, and hashes it."""

    def __init__(self, size: int, sink: Sink) -> None:
        """Receive nothing yet."""
        self._size = size
        self._sink = sink
        self._sha256 = hashlib.sha256()
        self._known = 0
        self.received = 0

    @property
    def digest(self) -> str:
        """The digest of the received bytes."""
        return f"sha256:{self._sha256.hexdigest()}"

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Begin a response, which is the blob, or, with status 206, the part of it that was asked for."""
        start = _CONTINUES.match(headers.get("content-range", "")) if status == 206 else None
        offset = int(start[1]) if start else 0
        self._known = max(0, self.received - offset)

    def write(self, block: bytes) -> None:
        """Take a block, without the bytes that were received before."""
        new = block[self._known :]
        self._known -= len(block) - len(new)
        self._sha256.update(new)
        self.received += len(new)
        if new:
            self._sink(new)


class Part:
    """The next `size` bytes of a content, as a body of a request: read as it is sent, never held whole."""

    def __init__(self, blocks: Iterator[Any], size: int) -> None:
        """Read nothing yet."""
        self._blocks = blocks
        self._size = self._left = size
        self._block: memoryview = memoryview(b"")

    def __len__(self) -> int:
        return self._size

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, none at the end."""
        if not self._block:
            self._block = memoryview(next(self._blocks, b"")).cast("B")
        count = min(len(self._block), self._left, size if size >= 0 else self._left)
        taken, self._block = self._block[:count], self._block[count:]
        self._left -= count
        return bytes(taken)

    def rest(self) -> Iterator[Any]:
        """Yield what follows this part."""
        yield self._block
        yield from self._blocks


@dataclass
class Upload:
    """An upload of a blob; `attempt` is called again after ImageUnreachable, and continues what can be continued.

    `begun` is the response that began it, None if nothing did.
    """

    session: Session
    blob: Blob
    begun: Response | None = None
    _location: str = field(default="", init=False)
    _arrived: int = field(default=0, init=False)
    _in_pieces: bool = field(default=True, init=False)

    def attempt(self) -> None:
        """Send the blob, or what is missing of it; raise ImageUnreachable, UntrustedImage, ImageDenied."""
        self._in_pieces = self._in_pieces and self.blob.size > PIECE
        if not (self._in_pieces and self._location and self._has_resumed()):
            self._begin()
        if self._in_pieces and self._send_pieces():
            self._finish(b"")
        else:
            self._finish(Part(self.blob.read(0), self.blob.size))

    def _begin(self) -> None:
        response, self.begun = self.begun, None
        if response is None:
            response = self._send("POST", f"{self.session.base}/blobs/uploads/")
            self.session.expect(response, 202)
        self._arrived = 0
        self._follow(response)

    def _has_resumed(self) -> bool:
        """Ask how much arrived; return False if the registry does not know the upload any more."""
        response = self._send("GET", self._location)
        if response.status not in {200, 204}:
            return False
        arrived = _ARRIVED.match(response.headers.get("range", ""))
        self._arrived = int(arrived[1]) + 1 if arrived else 0
        self._follow(response)
        return 0 < self._arrived <= self.blob.size

    def _send_pieces(self) -> bool:
        """Send the missing pieces; return False if the registry takes none, and a new upload has begun."""
        blocks = self.blob.read(self._arrived)
        while self._arrived < self.blob.size:
            size = min(PIECE, self.blob.size - self._arrived)
            part = Part(blocks, size)
            end = self._arrived + size
            headers = {"Content-Range": f"{self._arrived}-{end - 1}", "Content-Type": "application/octet-stream"}
            response = self._send("PATCH", self._location, part, headers)
            if response.status not in {202, 204}:
                return self._refused(response)
            self._arrived, blocks = end, part.rest()
            self._follow(response)
            if response.headers.get("range", f"0-{end - 1}").removeprefix("bytes=") != f"0-{end - 1}":
                raise unreachable(self.session.image, "a piece of a blob arrived in part")
        return True

    def _refused(self, response: Response) -> bool:
        if self._arrived:
            self._location = ""  # it forgot the upload, or counts otherwise
            raise unreachable(self.session.image, f"it answers {response.status} to a piece of a blob")
        self._in_pieces = False
        self._begin()
        return False

    def _finish(self, body: bytes | Part) -> None:
        joint = "&" if "?" in self._location else "?"
        headers = {"Content-Type": "application/octet-stream"}
        url = f"{self._location}{joint}digest={self.blob.digest}"
        response = self._send("PUT", url, body, headers)
        if response.status in {400, 404, 416}:  # other bytes arrived, or the upload is forgotten
            self._location = ""
            raise unreachable(self.session.image, f"it answers {response.status} to an upload")
        self.session.expect(response, 201)

    def _follow(self, response: Response) -> None:
        location = response.headers.get("location", "")
        if not location:
            raise untrusted(self.session.image, "it names no location for an upload")
        self._location = self.session.joined(response.url, location)

    def _send(
        self, method: str, url: str, body: bytes | Part | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        return self.session.send(Request(method, url, MAX_MANIFEST, body=body, headers=headers or {}))
