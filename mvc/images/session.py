"""Requests to one repository of an OCI registry: authorized, repeated after a lost connection, a 429 or a 5xx.

request ─► 401? ─► authorized ─► sent again        429, 5xx, no answer ─► delay ─► sent again
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

from mvc import errors
from mvc.backoff import Backoff, Sleep
from mvc.deferred import dataclass
from mvc.images.authorize import PULL, PUSH, Authorizer, denied, scope, unreachable, untrusted
from mvc.images.credentials import Credentials
from mvc.images.transport import Request, Response, Transport, origin
from mvc.model.hosts import Approvals
from mvc.model.image import Image

T = TypeVar("T")

RETRIES = Backoff(attempts=5, first=0.5, longest=20.0, total=120.0)
"""How a request, an upload or a download is repeated."""
_CODE = re.compile(r"[A-Z][A-Z_]{0,39}\Z")


@dataclass
class Session:
    """Requests to the repository of `image`; `writes` asks for the right to push, `plain` is without TLS.

    `sleep` waits between attempts. Methods raise ImageDenied, ImageUnreachable, UntrustedImage, BadDockerConfig,
    RealmNotTrusted.
    """

    image: Image
    credentials: Credentials
    transport: Transport
    approvals: Approvals
    writes: bool = False
    plain: bool = False
    sleep: Sleep = time.sleep
    _authorization: str | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        """Request nothing yet."""
        scheme = "http" if self.plain else "https"
        self.base = f"{scheme}://{self.image.host}/v2/{self.image.repository}"
        self._authorizer = Authorizer(self.transport, self.credentials, self.image, self.approvals)
        self._scopes: tuple[str, ...] = (scope(self.image.repository, PUSH if self.writes else PULL),)

    def add_source(self, repository: str) -> None:
        """Ask for the right to pull from another repository too."""
        source = scope(repository, PULL)
        if source not in self._scopes:
            self._scopes, self._authorization = (*self._scopes, source), None

    def drop_sources(self) -> None:
        """Ask for rights in this repository only."""
        self._scopes, self._authorization = self._scopes[:1], None

    def retried(self, call: Callable[[], T]) -> T:
        """Return what `call` returns; repeat it while the registry cannot be reached."""

        def asked(error: Exception) -> float | None:
            return (error.after or 0.0) if isinstance(error, errors.ImageUnreachable) else None

        return RETRIES.run(call, asked, self.sleep)

    def send(self, request: Request) -> Response:
        """Send a request, authorized as a 401 demands; raise for a refusal, and for an answer that asks to wait."""
        response = self._authorized(request)
        if response.status == 429 or response.status >= 500:
            error = unreachable(self.image, f"it answers {response.status}{_reason(response)}")
            error.after = _retry_after(response.headers)
            raise error
        if response.status in {401, 403}:
            raise denied(self.image, f"it answers {response.status}{_reason(response)}")
        return response

    def _authorized(self, request: Request) -> Response:
        """Send a request; after a 401 once more, since a token may have expired. The login goes to the registry only."""
        if not self._is_own(request.url):
            return self.transport.send(request)
        response = self.transport.send(replace(request, authorization=self._authorization))
        if response.status != 401 or not self._is_own(response.url):
            return response
        self._authorization = self._authorizer.header(response, self._scopes)
        if request.body is not None and not isinstance(request.body, bytes):
            raise unreachable(self.image, "its token expired during an upload")  # which is repeated from its start
        return self.transport.send(replace(request, authorization=self._authorization))

    def _is_own(self, url: str) -> bool:
        try:
            return origin(urlsplit(url)) == origin(urlsplit(self.base))
        except ValueError:  # an invalid address, which the transport refuses
            return False

    def joined(self, url: str, location: str) -> str:
        """Return the URL of a `location`, which may be relative to that of the response."""
        try:
            return urljoin(url, location)
        except ValueError:
            raise untrusted(self.image, "it names an invalid address") from None

    def expect(self, response: Response, *statuses: int) -> None:
        """Raise UntrustedImage for any other status."""
        if response.status not in statuses:
            raise untrusted(self.image, f"it answers {response.status}{_reason(response)}")


def _reason(response: Response) -> str:
    """Return the code in the body of an error, in parentheses; nothing else of it is shown."""
    try:
        code = json.loads(response.body)["errors"][0]["code"]
    except (ValueError, RecursionError, LookupError, TypeError):
        return ""
    return f" ({code})" if isinstance(code, str) and _CODE.match(code) else ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a Retry-After header; None for a date, which depends on two clocks."""
    text = headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 5 else None
