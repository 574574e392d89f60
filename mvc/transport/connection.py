"""The connection to a remote: its settings, its address, its backend, with retries and a rate limit."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping

from mvc import errors, lazy
from mvc.backoff import Backoff
from mvc.remotes import refs
from mvc.remotes.backends import address, connect, registry_address
from mvc.remotes.backends.backend import Backend
from mvc.remotes.backends.retry import RetryingBackend
from mvc.remotes.backends.throttle import ThrottledBackend
from mvc.remotes.remote import JOBS, Remote
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.repository.upstream import ORIGIN, followed
from mvc.transport import trust

RACE = Backoff(attempts=refs.TRIES, first=0.2, longest=5.0)
"""The back-off between attempts to move a contended ref. Jitter keeps clients from retrying in step."""


@contextlib.contextmanager
def open_remote(repository: Repository, name: str, *, jobs: int = JOBS, limit: float | None = None) -> Iterator[Remote]:
    """Yield the remote `name`, and close its connections afterwards; `limit` is in bytes per second.

    Raises NoSuchRemote, BadRemoteUrl, IsRegistry, MissingExtra, BadSetting, Offline, HostNotTrusted, SettingNotTrusted,
    PlainHttp.
    """
    settings = dict(settings_of(repository, name))
    where = address.parse(settings.pop("url"), repository.root)
    if where.is_registry:
        raise errors.IsRegistry(name=name, url=where.text)
    if repository.offline and not where.is_local:
        raise errors.Offline(what=f"{name}, at {where.text},")
    trust.check(repository, name, where, settings)
    backend: Backend = RetryingBackend(connect.connect(where, settings))
    if limit is not None:
        backend = ThrottledBackend(backend, limit)
    try:
        yield Remote(name, backend, _pause, jobs, limit)
    finally:
        backend.close()


def is_registry(settings: Mapping[str, str]) -> bool:
    """Return whether these are the settings of a registry."""
    return registry_address.is_registry(settings.get("url", ""))


def settings_of(repository: Repository, name: str) -> dict[str, str]:
    """Return the settings of a remote, its `url` among them. Raises NoSuchRemote."""
    known = repository.config.remotes()
    if "url" not in known.get(name, {}):
        near: list[str] = lazy.load("difflib").get_close_matches(name, sorted(known), 1)
        suggestion = f"Did you mean {near[0]}? " if near else ""
        raise errors.NoSuchRemote(name=name, known=", ".join(sorted(known)) or "none", suggestion=suggestion)
    return known[name]


def default_remote(repository: Repository, model: str | None = None) -> str:
    """Return the upstream remote of the current branch of `model`, else origin, or the only remote.

    Raises NoSuchRemote.
    """
    head = repository.heads.get(model) if model is not None else None
    branch = head.branch if head is not None and head.branch is not None else ""
    found = followed(Model(repository, model or ""), branch)
    if found is None:
        settings_of(repository, ORIGIN)  # raises NoSuchRemote
    return found[0] if found is not None else ORIGIN


def _pause(attempt: int) -> None:
    """Wait after `attempt` failed attempts to move a ref."""
    time.sleep(RACE.delay(attempt))
