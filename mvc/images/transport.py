"""HTTP transport to an image registry: bounded in time and size; a login is sent only to its own host.

Redirects are followed here, not by the library: never from https to http, and with a login to no other host. Where a
registry keeps its blobs elsewhere, the login stays behind. The library's own source of logins, ~/.netrc, is turned off.
Errors name the kind of failure only, since the library's texts may quote headers.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Protocol
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from mvc import errors, network
from mvc.backoff import Backoff
from mvc.deferred import dataclass
from mvc.model import hosts
from mvc.model.image import Image, is_loopback

CONNECT, READ, WHOLE = 10.0, 30.0, 60.0
"""Timeouts in seconds: to connect, between two reads, and for a whole response."""
HOPS = 5
"""Redirects of one request, at most."""
RECONNECT = Backoff(attempts=2, first=0.0, longest=0.0)
_SUCCESSES = {200, 206}
_REDIRECTS = {301, 302, 303, 307, 308}
_BLOCK = 1 << 16
_PORTS = {"http": 80, "https": 443}


class Stream(Protocol):
    """A body that is read as it is sent. The library needs its length beforehand, or it would send it in chunks."""

    def __len__(self) -> int:
        """Return the number of bytes, of the whole body."""
        ...

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, none at the end."""
        ...


class Receiver(Protocol):
    """A consumer of the body of a successful response, block by block."""

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Begin a response of that status."""
        ...

    def write(self, block: bytes) -> None:
        """Take the next block."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """A request: `authorization` is the header's value, `form` the body of a POST, `limit` the response's in bytes.

    `body` is sent instead of a form. The body of a successful response goes to `receiver`. With `moves`, the
    response may come from another host, which does not get the login.
    """

    method: str
    url: str
    limit: int
    accept: str = "application/json"
    authorization: str | None = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    body: bytes | Stream | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    receiver: Receiver | None = None
    moves: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """The response after redirects, and its URL; names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


class _Session(requests.Session):
    """A session that sees no redirect: the library would read its body to build a request that may not be sent."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None."""
        del resp


class Transport:
    """Sends requests to the registry of one image and to its token server."""

    def __init__(self, image: Image, *, allow_plain: bool = False) -> None:
        """Allow plain http only if the registry itself runs on this machine, and only to this machine.

        With `allow_plain`, also to the registry's own host, whose owner approved it.
        """
        self._image = image
        self._plain_host = _hostname(image.host) if allow_plain else None
        self._session = _Session()
        self._session.auth = lambda request: request  # with any `auth`, the library ignores ~/.netrc

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def send(self, request: Request) -> Response:
        """Send a request and follow redirects; raise ImageUnreachable, UntrustedImage."""
        url = request.url
        self._check(self._split(url), "it names")
        for _ in range(HOPS + 1):
            response = self._once(request, url)
            if response.status not in _REDIRECTS:
                return response
            url = self._redirect(request, response)
            if request.moves and origin(self._split(url)) != origin(self._split(response.url)):
                request = replace(request, authorization=None)
        raise self._untrusted(f"it redirects more than {HOPS} times")

    def _redirect(self, request: Request, response: Response) -> str:
        """Return the URL of a redirect; raise UntrustedImage if it may not be followed."""
        try:
            url = urljoin(response.url, response.headers.get("location", ""))
        except ValueError:
            raise self._untrusted("it redirects to an invalid address") from None
        target, source = self._split(url), self._split(response.url)
        self._check(target, "it redirects to")
        if (source.scheme, target.scheme) == ("https", "http"):
            raise self._untrusted(f"it redirects from https to http, at {target.hostname}")
        if origin(target) != origin(source) and (request.authorization or request.form) and not request.moves:
            raise self._untrusted(f"it redirects to {target.hostname}, which would receive the login")
        return url

    def _split(self, url: str) -> SplitResult:
        try:
            parts = urlsplit(url)
            if parts.port == 0:  # reading it raises ValueError if it is not a number
                raise ValueError
        except ValueError:
            raise self._untrusted("it names an invalid address") from None
        return parts

    def _check(self, parts: SplitResult, verb: str) -> None:
        """Raise UntrustedImage for an address that no request may go to."""
        is_local = self._image.is_local and is_loopback(parts.hostname or "")
        allow_http = is_local or (self._plain_host is not None and parts.hostname == self._plain_host)
        try:
            hosts.canonical(parts.hostname or "")
        except ValueError:
            raise self._untrusted(f"{verb} an invalid address") from None
        if not parts.hostname or parts.username is not None or parts.password is not None:
            raise self._untrusted(f"{verb} an invalid address")
        if parts.scheme != "https" and not (parts.scheme == "http" and allow_http):
            raise self._untrusted(f"{verb} {parts.hostname} without https")

    def _once(self, request: Request, url: str) -> Response:
        """Send a request without redirects; a second time if the connection broke, as an idle one may."""

        def delay(error: Exception) -> float | None:
            is_read = request.form is None and request.body is None and request.receiver is None
            return 0.0 if is_read and type(error) is requests.exceptions.ConnectionError else None

        try:
            return RECONNECT.run(lambda: self._attempt(request, url), delay)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise self._failed(error) from None

    def _attempt(self, request: Request, url: str) -> Response:
        headers = {"Accept": request.accept, "Accept-Encoding": "identity", "User-Agent": "mvc", **request.headers}
        if request.authorization:
            headers["Authorization"] = request.authorization
        self._session.trust_env = not is_loopback(urlsplit(url).hostname or "")  # no proxy to this machine
        deadline = time.monotonic() + WHOLE
        with contextlib.closing(
            self._session.request(
                request.method, url, headers=headers, data=request.form or request.body, stream=True,
                allow_redirects=False, timeout=(CONNECT, READ),
            )
        ) as response:  # fmt: skip
            names = {name.lower(): value for name, value in response.headers.items()}
            has_body = response.status_code not in _REDIRECTS and request.method != "HEAD"
            if has_body and request.receiver is not None and response.status_code in _SUCCESSES:
                request.receiver.begin(response.status_code, names)
                self._drain(response, request.limit, request.receiver)
                return Response(response.status_code, names, b"", url)
            body = self._body(response, request.limit, deadline) if has_body else b""
            return Response(response.status_code, names, body, url)

    def _body(self, response: requests.Response, limit: int, deadline: float) -> bytes:
        """Read the body, not decoded."""
        body = bytearray()
        while block := response.raw.read1(_BLOCK, decode_content=False):
            body += block
            if len(body) > limit:
                raise self._untrusted(f"its response is larger than {limit >> 20} MiB")
            if time.monotonic() > deadline:
                raise errors.ImageUnreachable(
                    registry=self._image.registry, reason=f"its response took longer than {WHOLE:.0f} s"
                )
        return bytes(body)

    def _drain(self, response: requests.Response, limit: int, receiver: Receiver) -> None:
        """Pass the body on, not decoded; of unlimited duration, since a file may have any size."""
        size = 0
        while block := response.raw.read1(_BLOCK, decode_content=False):
            size += len(block)
            if size > limit:
                raise self._untrusted(f"its response has more than {limit} bytes")
            receiver.write(block)

    def _failed(self, error: Exception) -> errors.MvcError:
        """Return the error for a failed request, without the library's text."""
        fault = network.fault(error, self._image.registry, self._image.registry)
        if isinstance(error, requests.exceptions.SSLError):
            reason = (
                "this machine does not trust its certificate, or it does not support TLS; REQUESTS_CA_BUNDLE may "
                "name a file of other certificates"
            )
        elif isinstance(error, requests.exceptions.ProxyError):
            reason = "the proxy refused the connection"
        elif isinstance(fault, errors.HostNotFound):
            reason = "no address was found for that host"
        elif isinstance(fault, errors.ConnectionRefused):
            reason = "it refused the connection"
        elif isinstance(error, requests.exceptions.Timeout):
            reason = "the request timed out"
        elif isinstance(error, (requests.exceptions.InvalidHeader, ValueError)) and not isinstance(error, OSError):
            return self._untrusted("it requires a header that cannot be sent")
        else:
            reason = "the connection failed"
        return errors.ImageUnreachable(registry=self._image.registry, reason=reason)

    def _untrusted(self, reason: str) -> errors.UntrustedImage:
        return errors.UntrustedImage(registry=self._image.registry, image=self._image, reason=reason)


def _hostname(authority: str) -> str:
    return urlsplit(f"//{authority}").hostname or ""


def origin(parts: SplitResult) -> tuple[str, str, int]:
    """Return scheme, host and port, for which a login is valid."""
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
