"""One request to a registry and its answer: bounded in time and size, and never with a login to where none belongs.

Redirects are followed here, not by the library: from https to http never, and with a login to no other host. The
library's own way of adding logins, from ~/.netrc, is shut off. Of what goes wrong only its kind is told, since the
library's texts may quote headers.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from mvc import errors
from mvc.backoff import Backoff
from mvc.model import hosts
from mvc.model.image import Image, is_loopback

CONNECT, READ, WHOLE = 10.0, 30.0, 60.0
"""Seconds that a connection, a silence and a whole answer may take."""
HOPS = 5
"""How often one request may be redirected."""
RECONNECT = Backoff(attempts=2, first=0.0, longest=0.0)
_REDIRECTS = {301, 302, 303, 307, 308}
_BLOCK = 1 << 16
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: `authorization` is the header's value, `form` what a POST sends, `limit` the largest answer in bytes."""

    method: str
    url: str
    limit: int
    accept: str = "application/json"
    authorization: str | None = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back in the end, and from which address; the names of `headers` are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


class _Session(requests.Session):
    """Takes no redirect for one: else the library would read its body whole, to build the request that we may not send."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere."""
        del resp


class Transport:
    """Speaks to the registry of one image, and to who hands out tokens for it."""

    def __init__(self, image: Image) -> None:
        """Plain http is spoken only if the registry itself runs on this machine, and only with this machine."""
        self._image = image
        self._session = _Session()
        self._session.auth = lambda request: request  # an `auth` of any kind keeps ~/.netrc out

    def close(self) -> None:
        """Let connections go."""
        self._session.close()

    def send(self, ask: Ask) -> Answer:
        """Ask, and follow redirects. Raises ImageUnreachable, UntrustedImage."""
        url = ask.url
        self._check(self._split(url), "it names")
        for _ in range(HOPS + 1):
            answer = self._once(ask, url)
            if answer.status not in _REDIRECTS:
                return answer
            url = self._next(ask, answer)
        raise self._untrusted(f"it redirects more than {HOPS} times")

    def _next(self, ask: Ask, answer: Answer) -> str:
        """Where a redirect leads; raises UntrustedImage for where it must not."""
        try:
            url = urljoin(answer.url, answer.headers.get("location", ""))
        except ValueError:
            raise self._untrusted("it redirects to what is no address") from None
        there, here = self._split(url), self._split(answer.url)
        self._check(there, "it redirects to")
        if (here.scheme, there.scheme) == ("https", "http"):
            raise self._untrusted(f"it redirects from https to http, at {there.hostname}")
        if origin(there) != origin(here) and (ask.authorization or ask.form):
            raise self._untrusted(f"it redirects to {there.hostname}, which would be told the login")
        return url

    def _split(self, url: str) -> SplitResult:
        try:
            parts = urlsplit(url)
            if parts.port == 0:  # reading it raises for what is no number
                raise ValueError
        except ValueError:
            raise self._untrusted("it names what is no address") from None
        return parts

    def _check(self, parts: SplitResult, verb: str) -> None:
        """Refuse an address that nothing may be sent to."""
        plain = self._image.is_local and is_loopback(parts.hostname or "")
        try:
            hosts.canonical(parts.hostname or "")
        except ValueError:
            raise self._untrusted(f"{verb} what is no address of a registry") from None
        if not parts.hostname or parts.username is not None or parts.password is not None:
            raise self._untrusted(f"{verb} what is no address of a registry")
        if parts.scheme != "https" and not (parts.scheme == "http" and plain):
            raise self._untrusted(f"{verb} {parts.hostname} without https")

    def _once(self, ask: Ask, url: str) -> Answer:
        """Send one request, without redirects; a second time where the connection broke, as one that was kept open may."""

        def asked(error: Exception) -> float | None:
            return 0.0 if ask.form is None and type(error) is requests.exceptions.ConnectionError else None

        try:
            return RECONNECT.run(lambda: self._attempt(ask, url), asked)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise self._failed(error) from None

    def _attempt(self, ask: Ask, url: str) -> Answer:
        headers = {"Accept": ask.accept, "Accept-Encoding": "identity", "User-Agent": "mvc"}
        if ask.authorization:
            headers["Authorization"] = ask.authorization
        self._session.trust_env = not is_loopback(urlsplit(url).hostname or "")  # no proxy on the way to this machine
        deadline = time.monotonic() + WHOLE
        with contextlib.closing(
            self._session.request(
                ask.method, url, headers=headers, data=ask.form, stream=True, allow_redirects=False,
                timeout=(CONNECT, READ),
            )
        ) as response:  # fmt: skip
            found = {name.lower(): value for name, value in response.headers.items()}
            redirected = response.status_code in _REDIRECTS or ask.method == "HEAD"
            body = b"" if redirected else self._body(response, ask.limit, deadline)
            return Answer(response.status_code, found, body, url)

    def _body(self, response: requests.Response, limit: int, deadline: float) -> bytes:
        """The body, as it was sent."""
        body = bytearray()
        while block := response.raw.read1(_BLOCK, decode_content=False):
            body += block
            if len(body) > limit:
                raise self._untrusted(f"its answer is larger than {limit >> 20} MiB")
            if time.monotonic() > deadline:
                raise errors.ImageUnreachable(
                    registry=self._image.registry, reason=f"its answer did not end within {WHOLE:.0f} s"
                )
        return bytes(body)

    def _failed(self, error: Exception) -> errors.MvcError:
        """What went wrong on the way, in our own words."""
        if isinstance(error, requests.exceptions.SSLError):
            reason = (
                "its certificate is none that this machine trusts, or it does not speak TLS; REQUESTS_CA_BUNDLE may "
                "name a file of other certificates"
            )
        elif isinstance(error, requests.exceptions.ProxyError):
            reason = "the proxy of this machine does not lead there"
        elif isinstance(error, requests.exceptions.Timeout):
            reason = "no answer came in time"
        elif isinstance(error, (requests.exceptions.InvalidHeader, ValueError)) and not isinstance(error, OSError):
            return self._untrusted("it asks for what cannot be sent")
        else:
            reason = "there is no connection, or it broke"
        return errors.ImageUnreachable(registry=self._image.registry, reason=reason)

    def _untrusted(self, reason: str) -> errors.UntrustedImage:
        return errors.UntrustedImage(registry=self._image.registry, image=self._image, reason=reason)


def origin(parts: SplitResult) -> tuple[str, str, int]:
    """Scheme, host and port: what a login is good for."""
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
