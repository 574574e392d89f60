"""Asking the platform through the SDK: once connected, with patience, page by page; and making something once.

patiently   it answers that it is busy (429, 500, 503 …): wait, as long as it asks for, and ask again
surely      create ─ no answer? ─► look ─ none? ─► create again ─ …
                                    └─ there: that is it
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from mvc import errors
from mvc.backoff import Backoff
from mvc.registry.picsellia import decode, sdk
from mvc.registry.picsellia.session import Session
from mvc.registry.picsellia.translate import told
from mvc.remotes.backends.registry_address import PREFIX

T = TypeVar("T")

BACKOFF = Backoff(attempts=4, first=0.5, longest=60.0, jitter=False)
PAGE = 100
"""Rows asked for at once."""
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)


class Asking:
    """An organization on a platform. It connects when it is first asked something; `sleep` waits so many seconds."""

    def __init__(
        self,
        organization: str,
        token: str,
        *,
        host: str,
        sleep: Callable[[float], None] = time.sleep,
        timeouts: tuple[float, float] | None = None,
    ) -> None:
        """`token` is sent to `host` and to nowhere else."""
        where = f"{PREFIX}{organization}"
        self.session = Session(where, token, timeouts) if timeouts is not None else Session(where, token)
        self.organization = organization
        self.host = host
        self._token = token
        self._sleep = sleep
        self._client: Any = None

    @property
    def client(self) -> Any:
        """The SDK's client: connecting is what tells whether the token is good. Raises RegistryLacks, RegistryDenied.

        It is kept by hand: until Python 3.12 a cached property lets one object at a time have its value made.
        """
        if self._client is None:
            self._client = self._connected()
        return self._client

    def _connected(self) -> Any:
        try:
            return self.patiently(self._connect)
        except errors.RegistryLacks as error:
            reason = (
                f"there is no organization {self.organization} at {self.host}, or the token's owner does not see it"
            )
            raise errors.RegistryLacks(registry=self.session.where, reason=reason) from error

    @property
    def connection(self) -> Any:
        """The SDK's connection."""
        return self.client.connection

    @property
    def id(self) -> str:
        """The organization's id."""
        return str(self.client.id)

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer to a question."""

        def ask() -> dict[str, Any]:
            with told(self.session):
                row: dict[str, Any] = self.connection.get(path, params=dict(params or {})).json()
                return row

        return self.patiently(ask)

    def find(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """The answer to a question, None where there is no such thing; an organization that is not there is an error."""
        _ = self.client
        try:
            return self.get(path, params)
        except errors.RegistryLacks:
            return None

    def all(self, path: str) -> list[dict[str, Any]]:
        """Every row of a listing, page by page, until all that were counted are here, or a page brings nothing new.

        A short page is no end: the platform may give less at once than it is asked for.
        """
        found: dict[str, dict[str, Any]] = {}
        while True:
            answer = self.get(path, {"limit": PAGE, "offset": len(found)})
            rows, count = answer.get("items"), answer.get("count")
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise self.fault("a listing without items")
            fresh = {decode.key(row): row for row in rows if decode.key(row) not in found}
            found |= fresh
            if not fresh or (type(count) is int and len(found) >= count):
                return list(found.values())

    def surely(self, make: Callable[[], T], look: Callable[[], T | None]) -> T:
        """Make something once: after a try whose fate is open, or that others were before, what is there is looked at."""
        attempt = 0
        while True:
            try:
                return make()
            except (errors.RegistryUncertain, errors.RegistryConflict) as error:
                found = look()
                if found is not None:
                    return found
                attempt += 1
                if attempt == BACKOFF.attempts or isinstance(error, errors.RegistryConflict):
                    raise
                self.pause(attempt, error.after)

    def patiently(self, call: Callable[[], T]) -> T:
        """Return what `call` returns, and retry it while the platform answers that it is busy."""
        return BACKOFF.run(call, _asked, self._sleep)

    def pause(self, attempt: int, asked: float | None = None) -> None:
        """Wait after `attempt` failed attempts; at least the seconds that the platform asked for, within a bound."""
        self._sleep(BACKOFF.delay(attempt, min(asked or 0.0, BACKOFF.longest)))

    def fault(self, reason: str) -> errors.RegistryFault:
        """The error for an answer to which there is nothing more to ask."""
        return errors.RegistryFault(registry=self.session.where, reason=reason)

    def _connect(self) -> Any:
        with told(self.session):
            client = sdk.load().Client
            return client(self._token, host=self.host, session=self.session, **self._named())

    def _named(self) -> dict[str, str]:
        """The organization as the SDK is told of it: by its id or its name; where none is named, the token's owner's own."""
        if not self.organization:
            return {}
        key = "organization_id" if _ID.match(self.organization) else "organization_name"
        return {key: self.organization}


def _asked(error: Exception) -> float | None:
    """Return the seconds that the platform asks to wait, within a bound; None for an error that is not retried."""
    if not isinstance(error, errors.RegistryUnreachable) or isinstance(error, errors.RegistryUncertain):
        return None
    return min(error.after, BACKOFF.longest) if error.after is not None else None
