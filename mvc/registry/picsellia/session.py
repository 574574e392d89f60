"""The connection that every request of the SDK goes through: ours, so that nothing waits for ever or is done twice.

- Each request has a time-out; the SDK gives some none.
- `.netrc` is not read: an entry for the platform would take the place of the token. Proxies of the environment are used.
- An answer that is no success, or no JSON, becomes an error of mvc here, with its status; the SDK's exceptions have none.
- A request that creates something is never sent twice by the SDK: when no answer comes it ends with RegistryUncertain, and
  whoever asked looks what is there. All others may be repeated, which the SDK does when a connection fails.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
import requests.utils

from mvc import errors
from mvc.remotes.backends.registry_address import TOKEN

CONNECT, ANSWER = 10.0, 60.0
"""Seconds until a connection stands, and between two pieces of an answer."""
MAX_ANSWER = 16 << 20
"""Bytes of an answer, unfolded: a page of 100 rows has a few MB at most."""
MAX_MARKS = 1_500_000
"""Brackets and commas of an answer: each may stand for a value, which takes tens of bytes."""
_BLOCK = 64 * 1024
_CREATES = re.compile(r"/api/(?:organization/[^/]+/models|model/[^/]+/versions|model/version/[^/]+/modelfiles)\Z")
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_DENIED = (401, 402, 403)
_ABSENT = 404
_TAKEN = 409
_OBJECT_TAKEN = 208
_LONGEST = 300
_QUERY = re.compile(r"(https?://[^\s?#\"'<>]*)[?#][^\s\"'<>]*")


class Session(requests.Session):
    """requests' session, as told above; `token` is what must never be shown, `variable` where it comes from."""

    def __init__(self, where: str, token: str, timeouts: tuple[float, float] = (CONNECT, ANSWER)) -> None:
        """`where` is what the registry is called in errors."""
        super().__init__()
        self.trust_env = False
        self.where = where
        self.variable = TOKEN
        self._token = token
        self._timeouts = timeouts
        self._known_proxies: dict[str, dict[str, str]] = {}

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
        """As requests; raises RegistryUnreachable, RegistryUncertain, RegistryDenied, RegistryConflict, RegistryFault."""
        path = urlsplit(url).path
        making = _CREATES.match(path) is not None and method.upper() == "POST"
        options |= {"timeout": self._timeouts}
        options.setdefault("proxies", self._proxies_for(url))
        asks = path.startswith("/api/")
        if asks:  # a file is read by whoever asked for it, and as long as it was said to be
            options |= {"stream": True, "headers": {**(options.get("headers") or {}), "Accept-Encoding": "identity"}}
        try:
            answer = super().request(method, url, **options)
            if asks:
                self._receive(answer, path, making=making)
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            if making:
                raise self._uncertain(path, self.plain(error)) from None
            raise
        if asks:
            self._check(answer, path, making=making)
        return answer

    def _receive(self, answer: requests.Response, path: str, *, making: bool) -> None:
        """Read the body of an answer, within its limits, which a compressed one of a few KB may exceed."""
        blocks, size, marks = [], 0, 0
        for block in answer.iter_content(_BLOCK):
            blocks.append(block)
            size += len(block)
            marks += sum(map(block.count, (b"[", b"{", b",")))
            if size > MAX_ANSWER or marks > MAX_MARKS:
                answer.close()
                reason = f"an answer of more than {MAX_ANSWER >> 20} MiB or {MAX_MARKS} values"
                raise (
                    self._uncertain(path, reason)
                    if making
                    else errors.RegistryFault(registry=self.where, reason=reason)
                )
        answer._content = b"".join(blocks)  # noqa: SLF001 - where requests itself keeps what it has read

    def _proxies_for(self, url: str) -> dict[str, str]:
        """The proxies that the environment names for a server, looked up once."""
        server = urlsplit(url)._replace(path="", query="", fragment="").geturl()
        if server not in self._known_proxies:
            self._known_proxies[server] = dict(requests.utils.get_environ_proxies(server))
        return self._known_proxies[server]

    def plain(self, error: object) -> str:
        """What went wrong, in a line that shows no secret: no token, no signed address."""
        if isinstance(error, requests.Timeout):
            return "no answer in time"
        if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
            refused = "Connection refused" in str(error)
            return "the connection was refused" if refused else "the connection failed or was lost"
        return self.clean(str(error)) or type(error).__name__

    def clean(self, text: str) -> str:
        """A text from elsewhere as it may be shown: one line, not too long, without the token or a signed address."""
        text = _QUERY.sub(r"\1", text.replace(self._token, "***") if self._token else text)
        line = "".join(letter if letter.isprintable() else " " for letter in text)
        return " ".join(line.split())[:_LONGEST].rstrip(".")

    def _check(self, answer: requests.Response, path: str, *, making: bool) -> None:
        if not answer.ok or answer.status_code == _OBJECT_TAKEN:
            raise self._failed(answer, path, making=making)
        if answer.request.method == "DELETE" or not isinstance(_json(answer), dict):
            if answer.request.method == "DELETE":
                return
            reason = "an answer that is no JSON object; is this the address of a Picsellia platform?"
            raise self._uncertain(path, reason) if making else errors.RegistryFault(registry=self.where, reason=reason)

    def _failed(self, answer: requests.Response, path: str, *, making: bool) -> errors.MvcError:
        """The error for a status that is no success."""
        status = answer.status_code
        said = self._said(answer)
        reason = f"it answers {status}" + (f" ({said})" if said else "")
        if status in _DENIED:
            return errors.RegistryDenied(registry=self.where, reason=reason, variable=self.variable)
        if status == _ABSENT:
            return errors.RegistryLacks(registry=self.where, reason=said or path)
        if status in (_TAKEN, _OBJECT_TAKEN):
            return errors.RegistryConflict(registry=self.where, what=said or "something of that name")
        if status in _BUSY:
            error = self._uncertain(path, reason) if making else self.unreachable(reason)
            error.after = _seconds(answer.headers)  # not None: it is there, and may be asked again
            return error
        return errors.RegistryFault(registry=self.where, reason=reason)

    def unreachable(self, reason: str) -> errors.RegistryUnreachable:
        """The error for no answer to what may be asked again."""
        return errors.RegistryUnreachable(registry=self.where, reason=reason)

    def _uncertain(self, path: str, reason: str) -> errors.RegistryUncertain:
        kind = path.rpartition("/")[2]
        what = {"models": "a model", "versions": "a version"}.get(kind, "a file")
        return errors.RegistryUncertain(registry=self.where, what=what, reason=reason)

    def _said(self, answer: requests.Response) -> str:
        """The platform's own words."""
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
    """How long the server asks to be left alone."""
    text = headers.get("Retry-After", "")
    return float(text) if text.isdigit() else 0.0
