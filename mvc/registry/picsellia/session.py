"""The HTTP session that the SDK uses for all requests: timeouts, size limits, and errors of mvc.

- Every request has a timeout; the SDK sets none for some.
- `.netrc` is not read: its entry for the platform would replace the token. Proxies and certificates of the environment are
  used, and those of the option `ca`.
- Threads may use it at the same time: each request is sent by an inner session that no other request uses meanwhile.
- A failed answer, or one without JSON, becomes an error of mvc with the HTTP status; the SDK's exceptions have no status.
- A request that creates something is not retried here: without an answer it raises RegistryUncertain, and the caller looks
  for the result. The SDK retries other requests if the connection fails.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
import requests.utils

from mvc import errors, network
from mvc.registry.picsellia import certificates
from mvc.remotes.backends.registry_address import TOKEN

CONNECT, ANSWER = 10.0, 60.0
"""Seconds to connect, and between two blocks of an answer."""
MAX_ANSWER = 16 << 20
"""The largest answer, in bytes after decompression: a page of 100 rows has a few MB at most."""
MAX_MARKS = 1_500_000
"""The most brackets and commas of an answer: each may be a value, which takes tens of bytes of memory."""
_BLOCK = 64 * 1024
_CREATES = re.compile(
    r"/api/(?:organization/[^/]+/(?:models|tags)|model/[^/]+/versions|model/version/[^/]+/modelfiles|project/[^/]+/experiments"
    r"|experiment/[^/]+/(?:publish/version|datasets|launch))\Z"
)
_CREATED = {
    "models": "a model",
    "versions": "a version",
    "version": "a version",
    "experiments": "an experiment",
    "datasets": "the attachment of a dataset",
    "launch": "a job",
    "tags": "a tag",
}
"""The nouns of created things, by the last part of the path."""
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_DENIED = (401, 402, 403)
_ABSENT = 404
_TAKEN = 409
_OBJECT_TAKEN = 208
_LONGEST = 300
_AUTHORITIES = "`mvc remote set-url NAME URL -o ca=FILE`, or in REQUESTS_CA_BUNDLE"
_QUERY = re.compile(r"(https?://[^\s?#\"'<>]*)[?#][^\s\"'<>]*")


class Session(requests.Session):
    """An HTTP session with the rules above; texts never show `token`, and errors name its environment `variable`."""

    def __init__(
        self,
        where: str,
        token: str,
        timeouts: tuple[float, float] = (CONNECT, ANSWER),
        ca: str | None = None,
    ) -> None:
        """Name the registry `where` in errors; trust the authorities in the file `ca` too. Raises BadCertificates."""
        super().__init__()
        self.where = where
        self.variable = TOKEN
        self._token = token
        self._timeouts = timeouts
        self._known_proxies: dict[str, dict[str, str]] = {}
        self._bundle = certificates.bundle()
        self._trusted = certificates.context(ca) if ca is not None else None
        self._idle: list[requests.Session] = []

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send a request.

        Raises RegistryUnreachable, RegistryUncertain, RegistryDenied, RegistryConflict, RegistryFault.
        """
        path = urlsplit(url).path
        creates = _CREATES.match(path) is not None and method.upper() == "POST"
        options |= {"timeout": self._timeouts}
        options.setdefault("proxies", self._proxies_for(url))
        is_api = path.startswith("/api/")
        if is_api:  # the caller of a download limits its size itself
            options |= {"stream": True, "headers": {**(options.get("headers") or {}), "Accept-Encoding": "identity"}}
        try:
            answer = self._send(method, url, options)
            if is_api:
                self._receive(answer, path, creates=creates)
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            fault = self.fault(error, url)
            if isinstance(fault, errors.CertificateRefused):  # the SDK would retry it
                raise fault from None
            if creates and not isinstance(fault, network.UNSENT):
                raise self._uncertain(path, self.plain(error)) from None
            raise
        if is_api:
            self._check(answer, path, creates=creates)
        return answer

    def close(self) -> None:
        """Close all connections."""
        while self._idle:
            self._idle.pop().close()
        super().close()

    def _send(self, method: str, url: str, options: dict[str, Any]) -> requests.Response:
        """Send a request by a session that no thread uses; its connections stay open for the next one."""
        try:
            own = self._idle.pop()
        except IndexError:
            own = self._new()
        try:
            return own.request(method, url, **options)
        finally:
            self._idle.append(own)

    def _new(self) -> requests.Session:
        own = requests.Session()
        own.trust_env = False
        own.verify = self._bundle
        if self._trusted is not None:
            own.mount("https://", certificates.Adapter(self._trusted))
        return own

    def fault(self, error: BaseException, url: str | None = None) -> errors.MvcError | None:
        """Return the error for a request that did not reach a server; None for another cause."""
        request = getattr(error, "request", None)
        parts = urlsplit(url or getattr(request, "url", None) or "")
        host = f"{parts.hostname or 'the server'}" + (f":{parts.port}" if parts.port else "")
        return network.fault(error, self.where, host, authorities=_AUTHORITIES)

    def _receive(self, answer: requests.Response, path: str, *, creates: bool) -> None:
        """Read the body of an answer within the limits."""
        blocks, size, marks = [], 0, 0
        for block in answer.iter_content(_BLOCK):
            blocks.append(block)
            size += len(block)
            marks += sum(map(block.count, (b"[", b"{", b",")))
            if size > MAX_ANSWER or marks > MAX_MARKS:
                answer.close()
                reason = f"more than {MAX_ANSWER >> 20} MiB or {MAX_MARKS} values"
                raise (
                    self._uncertain(path, reason)
                    if creates
                    else errors.RegistryFault(registry=self.where, reason=reason)
                )
        answer._content = b"".join(blocks)  # noqa: SLF001 - where requests itself keeps what it has read

    def _proxies_for(self, url: str) -> dict[str, str]:
        """Return the environment's proxies for a server, looked up once."""
        server = urlsplit(url)._replace(path="", query="", fragment="").geturl()
        if server not in self._known_proxies:
            self._known_proxies[server] = dict(requests.utils.get_environ_proxies(server))
        return self._known_proxies[server]

    def plain(self, error: object) -> str:
        """Describe an error in one line, without the token and signed addresses."""
        if isinstance(error, requests.Timeout):
            return "no answer in time"
        if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
            refused = "Connection refused" in str(error)
            return "the connection was refused" if refused else "the connection failed or was lost"
        return self.clean(str(error)) or type(error).__name__

    def clean(self, text: str) -> str:
        """Return a text of the platform as one short line, without the token and signed addresses."""
        text = _QUERY.sub(r"\1", text.replace(self._token, "***") if self._token else text)
        line = "".join(letter if letter.isprintable() else " " for letter in text)
        return " ".join(line.split())[:_LONGEST].rstrip(".")

    def _check(self, answer: requests.Response, path: str, *, creates: bool) -> None:
        if not answer.ok or answer.status_code == _OBJECT_TAKEN:
            raise self._failed(answer, path, creates=creates)
        if answer.request.method == "DELETE" or not isinstance(_json(answer), dict):
            if answer.request.method == "DELETE":
                return
            reason = "it is not a JSON object; check that the host is a Picsellia platform"
            raise self._uncertain(path, reason) if creates else errors.RegistryFault(registry=self.where, reason=reason)

    def _failed(self, answer: requests.Response, path: str, *, creates: bool) -> errors.MvcError:
        """Return the error for a failed answer."""
        status = answer.status_code
        message = self._message(answer)
        reason = f"the server answered {status}" + (f" ({message})" if message else "")
        if status in _DENIED:
            return errors.RegistryDenied(registry=self.where, reason=reason, variable=self.variable)
        if status == _ABSENT:
            return errors.RegistryLacks(registry=self.where, reason=message or path)
        if status in (_TAKEN, _OBJECT_TAKEN):
            return errors.RegistryConflict(registry=self.where, what=message or "it has the same name")
        if status in _BUSY:
            error = self._uncertain(path, reason) if creates else self.unreachable(reason)
            error.after = _seconds(answer.headers)  # not None: the platform is reachable, so it is retried
            return error
        return errors.RegistryFault(registry=self.where, reason=reason)

    def unreachable(self, reason: str) -> errors.RegistryUnreachable:
        """Return the error for a request without an answer, which may be retried."""
        return errors.RegistryUnreachable(registry=self.where, reason=reason)

    def _uncertain(self, path: str, reason: str) -> errors.RegistryUncertain:
        kind = path.rpartition("/")[2]
        return errors.RegistryUncertain(registry=self.where, what=_CREATED.get(kind, "a file"), reason=reason)

    def _message(self, answer: requests.Response) -> str:
        """Return the platform's own message; empty for none."""
        value = _json(answer)
        if not isinstance(value, dict):
            return ""
        parts = [value.get("message"), value.get("detail")]
        return self.clean(" ".join(str(part) for part in parts if part))


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except (ValueError, RecursionError):
        return None


def _seconds(headers: Mapping[str, str]) -> float:
    """Return the seconds of Retry-After; 0 for none."""
    text = headers.get("Retry-After", "")
    return float(text) if text.isdigit() else 0.0
