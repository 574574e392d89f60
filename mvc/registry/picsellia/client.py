"""A client of the platform on top of the SDK: one connection, retries with back-off, paged listings, idempotent creates.

with_retries   429, 500, 503 …: back off, at least as long as the platform asks for, and retry
create_once    create ─ no answer? ─► look up ─ absent? ─► create again ─ …
                                         └─ found: return it
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from mvc import errors
from mvc.backoff import Backoff
from mvc.registry.picsellia import decode, sdk
from mvc.registry.picsellia.session import ANSWER, CONNECT, Session
from mvc.registry.picsellia.translate import translated_errors
from mvc.remotes.backends.registry_address import PREFIX

T = TypeVar("T")

BACKOFF = Backoff(attempts=4, first=0.5, longest=60.0, jitter=False)
PAGE = 100
"""Rows requested per page."""
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)


class Client:
    """An organization on a platform. It connects on the first request; `sleep` waits for a number of seconds."""

    def __init__(
        self,
        organization: str,
        token: str,
        *,
        host: str,
        sleep: Callable[[float], None] = time.sleep,
        timeouts: tuple[float, float] = (CONNECT, ANSWER),
        ca: str | None = None,
    ) -> None:
        """Send `token` to `host` only."""
        self.session = Session(f"{PREFIX}{organization}", token, timeouts, ca)
        self.organization = organization
        self.host = host
        self._token = token
        self._sleep = sleep
        self._sdk_client: Any = None
        self._connecting = threading.Lock()

    @property
    def sdk_client(self) -> Any:
        """The SDK's client; connecting checks the token. Raises RegistryLacks, RegistryDenied.

        Not a `cached_property`: before Python 3.12, one lock is shared by all instances.
        """
        with self._connecting:
            if self._sdk_client is None:
                self._sdk_client = self._connected()
            return self._sdk_client

    def _connected(self) -> Any:
        try:
            return self.with_retries(self._connect)
        except errors.RegistryLacks as error:
            reason = f"no organization {self.organization} at {self.host}, or the token's owner is not a member"
            raise errors.RegistryLacks(registry=self.session.where, reason=reason) from error

    @property
    def connection(self) -> Any:
        """The SDK's connection."""
        return self.sdk_client.connection

    @property
    def id(self) -> str:
        """The organization's id."""
        return str(self.sdk_client.id)

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the answer to a GET request."""

        def request() -> dict[str, Any]:
            with translated_errors(self.session):
                row: dict[str, Any] = self.connection.get(path, params=dict(params or {})).json()
                return row

        return self.with_retries(request)

    def find(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """Return the answer to a GET request; None for 404."""
        _ = self.sdk_client  # an organization that does not exist is an error
        try:
            return self.get(path, params)
        except errors.RegistryLacks:
            return None

    def all(self, path: str) -> list[dict[str, Any]]:
        """Return every row of a listing, page by page, up to the announced count or a page without new rows.

        A short page does not end a listing: the platform may limit pages below the requested size.
        """
        by_id: dict[str, dict[str, Any]] = {}
        while True:
            answer = self.get(path, {"limit": PAGE, "offset": len(by_id)})
            rows, count = answer.get("items"), answer.get("count")
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise self.fault("a listing without items")
            new = {decode.key(row): row for row in rows if decode.key(row) not in by_id}
            by_id |= new
            if not new or (type(count) is int and len(by_id) >= count):
                return list(by_id.values())

    def post(self, path: str, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to a POST request with a JSON body; it is sent once."""
        with translated_errors(self.session):
            answer: dict[str, Any] = self.connection.post(path, data=json.dumps(record).encode()).json()
            return answer

    def decoded(self, decoder: Callable[[dict[str, Any]], Any], row: dict[str, Any]) -> Any:
        """Return a decoded row. Raises RegistryFault if it has another shape."""
        with translated_errors(self.session):
            return decoder(row)

    def create_once(self, create: Callable[[], T], find: Callable[[], T | None]) -> T:
        """Create something once: after a timeout or a conflict, look for it before the retry."""
        attempt = 0
        while True:
            try:
                return create()
            except (errors.RegistryUncertain, errors.RegistryConflict) as error:
                existing = find()
                if existing is not None:
                    return existing
                attempt += 1
                if attempt == BACKOFF.attempts or isinstance(error, errors.RegistryConflict):
                    raise
                self.pause(attempt, error.after)

    def with_retries(self, call: Callable[[], T]) -> T:
        """Return the result of `call`, retried while the platform is busy."""
        return BACKOFF.run(call, _requested_delay, self._sleep)

    def pause(self, attempt: int, asked: float | None = None) -> None:
        """Wait after `attempt` failed attempts, at least for the platform's Retry-After, within a bound."""
        self._sleep(BACKOFF.delay(attempt, min(asked or 0.0, BACKOFF.longest)))

    def fault(self, reason: str) -> errors.RegistryFault:
        """Return the error for an answer that is not retried."""
        return errors.RegistryFault(registry=self.session.where, reason=reason)

    def _connect(self) -> Any:
        with translated_errors(self.session):
            client = sdk.load().Client
            return client(self._token, host=self.host, session=self.session, **self._organization_argument())

    def _organization_argument(self) -> dict[str, str]:
        """Return the SDK's argument for the organization: its id or name; none for the token owner's default."""
        if not self.organization:
            return {}
        key = "organization_id" if _ID.match(self.organization) else "organization_name"
        return {key: self.organization}


def _requested_delay(error: Exception) -> float | None:
    """Return the platform's Retry-After in seconds, within a bound; None for an error that is not retried."""
    if not isinstance(error, errors.RegistryUnreachable) or isinstance(error, errors.RegistryUncertain):
        return None
    return min(error.after, BACKOFF.longest) if error.after is not None else None
