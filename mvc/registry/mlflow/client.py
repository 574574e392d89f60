"""REST calls to a tracking server of MLflow: bounded in time and size; credentials go to the server that the user typed.

    MLFLOW_TRACKING_TOKEN                             Authorization: Bearer …
    MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD  Authorization: Basic …

Redirects are not followed. What only reads is repeated after a failed connection and answers such as 503; what writes is not.
"""

from __future__ import annotations

import base64
import contextlib
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from mvc import errors, network
from mvc.backoff import Backoff
from mvc.formats.syntax import foreign_json
from mvc.model import hosts
from mvc.registry.hubs.hub import Access
from mvc.registry.mlflow.address import Address
from mvc.transport import trust

API = "api/2.0/mlflow"
TOKEN, USER, PASSWORD = "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
MAX_ANSWER = 64 << 20
"""Bytes of an answer that is not a file, at most."""
_TIMEOUT = (10.0, 60.0)
_BLOCK = 1 << 20
_RETRY = Backoff(attempts=3, first=0.5, longest=4.0)
_TEMPORARY = {408, 429, 500, 502, 503, 504}


class Client:
    """A client of one server."""

    def __init__(self, where: Address, access: Access) -> None:
        """Connect to nothing yet. Raises PlainHttp for credentials without encryption that the user did not accept."""
        self._address = where
        self._host = where.where.host if where.where is not None else ""
        self._authorization = _authorization(access.environ)
        if self._authorization is not None and where.where is not None:
            trust.check_plain(access.approvals, where.where, where.url)
        self._session = requests.Session()
        self._session.auth = self._authorize  # with any `auth`, the library ignores ~/.netrc
        self._session.trust_env = where.where is None or not hosts.is_loopback(where.where.name)
        self.sent = 0

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def get(self, call: str, **parameters: str | int) -> dict[str, Any]:
        """Return the answer to a call that only reads. Raises HubLacks, and as `post`."""

        def ask() -> dict[str, Any]:
            with self._answer("GET", f"{API}/{call}", params=parameters) as answer:
                return self._json(answer)

        return self._repeated(ask)

    def post(self, call: str, **values: Any) -> dict[str, Any]:
        """Return the answer to a call that writes. Raises HubLacks, RegistryUnreachable, HubDenied, RegistryFault."""
        with self._answer("POST", f"{API}/{call}", json=values) as answer:
            return self._json(answer)

    def folder(self, served: str, path: str) -> dict[str, Any]:
        """Return the listing of a folder that the server serves at `served`. Raises as `get`."""

        def ask() -> dict[str, Any]:
            with self._answer("GET", served, params={"path": path}) as answer:
                return self._json(answer)

        return self._repeated(ask)

    def download(self, path: str, size: int | None, sink: Callable[[bytes], object]) -> None:
        """Write the bytes of a file into `sink`. Raises RegistryFault unless it has `size` bytes."""
        received = 0
        with self._answer("GET", path) as answer:
            for block in answer.iter_content(_BLOCK):
                received += len(block)
                if size is not None and received > size:
                    break
                sink(block)
        if size is not None and received != size:
            raise self.fault(f"{path.rpartition('/')[2]} does not have {size} bytes")

    def upload(self, path: str, stream: io.BufferedReader | io.BytesIO, size: int) -> None:
        """Upload a file."""
        body = stream if size else b""  # an empty stream would be sent in chunks
        with self._answer("PUT", path, data=body):
            self.sent += size

    def fault(self, reason: str) -> errors.RegistryFault:
        """Return the error for an answer that is not valid."""
        return errors.RegistryFault(registry=self._host, reason=reason)

    # --- inside

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._authorization is not None:
            request.headers["Authorization"] = self._authorization
        return request

    @contextlib.contextmanager
    def _answer(self, method: str, path: str, **more: Any) -> Iterator[requests.Response]:
        """Yield the answer, if it is one of success."""
        url = f"{self._address.server}/{path}"
        headers = {"Accept-Encoding": "identity", "User-Agent": "mvc"}
        try:
            with self._session.request(
                method, url, headers=headers, stream=True, allow_redirects=False, timeout=_TIMEOUT, **more
            ) as answer:
                if answer.status_code != requests.codes.ok:
                    raise self._refused(answer)
                yield answer
        except (requests.RequestException, HTTPError, OSError) as error:
            fault = network.fault(error, self._host, self._host)
            raise (fault or errors.RegistryUnreachable(registry=self._host, reason="the connection failed")) from None

    def _refused(self, answer: requests.Response) -> Exception:
        """Return the error for an answer that is not one of success."""
        status = answer.status_code
        if status in {401, 403}:
            reason = "it requires a login" if self._authorization is None else "the login does not have the right"
            way = f"Set {TOKEN}, or {USER} and {PASSWORD}."
            return errors.HubDenied(hub=self._host, reason=reason, way=way)
        if status == 404:
            way = "Check the address of the server and the name of the model; names are case-sensitive."
            return errors.HubLacks(hub=self._host, what="what mvc asked for", way=way)
        if status in _TEMPORARY:
            return errors.RegistryUnreachable(registry=self._host, reason=f"it answers {status}")
        code = self._code(answer)
        if code == "RESOURCE_ALREADY_EXISTS":
            return errors.RegistryConflict(registry=self._host, what="somebody else created the same object meanwhile")
        return self.fault(f"it answers {status}{f', {code}' if code else ''}")

    def _code(self, answer: requests.Response) -> str:
        with contextlib.suppress(errors.MvcError):
            code = self._json(answer).get("error_code")
            return code if isinstance(code, str) and code.replace("_", "").isalpha() else ""
        return ""

    def _json(self, answer: requests.Response) -> dict[str, Any]:
        body = bytearray()
        for block in answer.iter_content(_BLOCK):
            body += block
            if len(body) > MAX_ANSWER:
                raise self.fault(f"an answer is larger than {MAX_ANSWER >> 20} MiB")
        try:
            value = foreign_json.loads(bytes(body) or b"{}")
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise self.fault("an answer is not of a known form")
        return value

    def _repeated(self, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        return _RETRY.run(ask, lambda error: 0.0 if type(error) is errors.RegistryUnreachable else None)


def _authorization(environ: Mapping[str, str]) -> str | None:
    if environ.get(TOKEN):
        return f"Bearer {environ[TOKEN]}"
    if environ.get(USER) and environ.get(PASSWORD):
        pair = f"{environ[USER]}:{environ[PASSWORD]}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"
    return None
