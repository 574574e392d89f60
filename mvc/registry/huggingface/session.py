"""The HTTP session and the token for the Hub: bounded in time and size, and the token only where its owner wants it.

    HF_ENDPOINT unset ─► https://huggingface.co                 the token
    set, approved     ─► that host                              the token
    set, not approved ─► that host, as a mirror                 no token; nothing is published there

Importing this module imports the library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field

import httpx2
from huggingface_hub import constants, get_token, set_client_factory
from huggingface_hub.utils import disable_progress_bars
from huggingface_hub.utils import logging as library_logging

from mvc.deferred import dataclass
from mvc.model.hosts import Destination
from mvc.model.remote_kinds import HUGGING_FACE
from mvc.registry.hubs.hub import Access
from mvc.remotes.backends import destination
from mvc.transport import trust

DEFAULT = "https://huggingface.co"
ENDPOINT, TOKEN = "HF_ENDPOINT", "HF_TOKEN"
"""The library's own environment variables."""
MAX_ANSWERS = 512 << 20
"""Bytes of the answers of a run, at most, without files."""
_TIMEOUT = httpx2.Timeout(60.0, connect=10.0)
_HOPS = 5
FILE = "mvc.file"
"""The extension of a request whose answer is a file: its reader limits the size."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The server of the Hub; `token` is None for a request that anybody may make."""

    url: str
    where: Destination
    token: str | None = field(repr=False)
    approved: bool = True


def endpoint(access: Access) -> Endpoint:
    """Return the server that the environment names, and the token for it. Raises BadSetting, PlainHttp."""
    text = access.environ.get(ENDPOINT) or DEFAULT
    server = destination.endpoint(ENDPOINT, text)
    is_default = server.url == DEFAULT
    where = Destination(HUGGING_FACE, server.name, server.port, server.scheme == "http", is_default=is_default)
    approved = access.approvals.has_host(where)
    token = (access.environ.get(TOKEN) or get_token()) if approved else None
    if token:
        trust.check_plain(access.approvals, where, ENDPOINT)
    return Endpoint(server.url, where, token, approved)


class TooLargeError(httpx2.TransportError):  # type: ignore[misc]  # the library is not read
    """The answers are larger than any valid ones."""


class _Counted(httpx2.SyncByteStream):  # type: ignore[misc]  # the library is not read
    """The bytes of an answer, counted."""

    def __init__(self, stream: Iterable[bytes], close: Callable[[], None], count: Callable[[int], None]) -> None:
        self._stream = stream
        self._close = close
        self._count = count

    def __iter__(self) -> Iterator[bytes]:
        for block in self._stream:
            self._count(len(block))
            yield block

    def close(self) -> None:
        self._close()


class Traffic:
    """The requests of a session: each read has a timeout, which the library would leave out; the answers have a total size.

    `sent` is the size of the requests in bytes.
    """

    def __init__(self) -> None:
        """Begin without requests."""
        self.sent = 0
        self._received = 0

    def client(self) -> httpx2.Client:
        """Return a client with these bounds."""
        hooks = {"request": [self._of_request], "response": [self._of_response]}
        return httpx2.Client(follow_redirects=True, max_redirects=_HOPS, event_hooks=hooks)

    def _of_request(self, request: httpx2.Request) -> None:
        request.extensions = {**request.extensions, "timeout": _TIMEOUT.as_dict()}
        self.sent += int(request.headers.get("Content-Length", 0))

    def _of_response(self, response: httpx2.Response) -> None:
        stream = response.stream
        if not response.request.extensions.get(FILE) and isinstance(stream, httpx2.SyncByteStream):
            response.stream = _Counted(stream, stream.close, self._count)

    def _count(self, size: int) -> None:
        self._received += size
        if self._received > MAX_ANSWERS:
            raise TooLargeError(f"its answers are larger than {MAX_ANSWERS >> 20} MiB")


def start() -> Traffic:
    """Make the library silent and its requests bounded, for the whole process, as the library has its one session."""
    disable_progress_bars()
    constants.HF_HUB_DISABLE_TELEMETRY = True  # it would ask the Hub for a list of programs, and cache that
    library_logging.set_verbosity(library_logging.CRITICAL)
    traffic = Traffic()
    set_client_factory(traffic.client)
    return traffic
