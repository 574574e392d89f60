"""From the name of a remote to a connection: settings, address, backend, patience; from that of a registry likewise."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator, Mapping

from mvc import errors, lazy
from mvc.model.registry import Registry
from mvc.remotes import address, connect, options
from mvc.remotes.backend import Backend
from mvc.remotes.paced import PacedBackend
from mvc.remotes.picsellia.address import HOST, TOKEN, check_host
from mvc.remotes.remote import JOBS, Remote
from mvc.remotes.retry import RetryingBackend
from mvc.repository.repository import Repository
from mvc.repository.upstream import ORIGIN, followed

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0


@contextlib.contextmanager
def reach(repository: Repository, name: str, *, jobs: int = JOBS, limit: float | None = None) -> Iterator[Remote]:
    """The remote `name`, its connections let go afterwards; `limit` is in bytes a second.

    Raises NoSuchRemote, BadRemoteUrl, IsRegistry, MissingExtra, BadSetting, Offline.
    """
    settings = dict(url_of(repository, name))
    where = address.parse(settings.pop("url"), repository.root)
    if where.scheme == address.REGISTRY:
        raise errors.IsRegistry(name=name, url=where.text)
    if repository.offline and where.scheme != address.FILE:
        raise errors.Offline(what=f"{name}, at {where.text},")
    backend: Backend = RetryingBackend(connect.connect(where, settings))
    if limit is not None:
        backend = PacedBackend(backend, limit)
    try:
        yield Remote(name, backend, _pause, jobs, limit)
    finally:
        backend.close()


@contextlib.contextmanager
def registry(repository: Repository, name: str, token: str | None) -> Iterator[Registry]:
    """The registry that is the remote `name`, its connections let go afterwards; `token` lets in.

    Raises NoSuchRemote, BadRemoteUrl, NotARegistry, NoToken, MissingExtra, BadSetting, Offline.
    """
    settings = dict(url_of(repository, name))
    where = address.parse(settings.pop("url"), repository.root)
    if where.scheme != address.REGISTRY:
        raise errors.NotARegistry(name=name, url=where.text)
    if repository.offline:
        raise errors.Offline(what=f"{name}, at {where.text},")
    options.check(where.scheme, settings)
    with registry_at(where.host, settings.get("host", HOST), token) as found:
        yield found


@contextlib.contextmanager
def registry_at(organization: str, host: str, token: str | None) -> Iterator[Registry]:
    """The registry of an organization on the platform at `host`; raises NoToken, MissingExtra."""
    if not token:
        raise errors.NoToken(registry=f"{address.REGISTRY}://{organization}", variable=TOKEN)
    host = check_host(host)  # in one form: what is told of versions there names it
    try:
        found: Registry = lazy.load("mvc.remotes.picsellia.registry").connect(organization, token, host=host)
    except ImportError as error:
        extra = address.REGISTRY
        raise errors.MissingExtra(scheme=extra, extra=extra, reason=error.name or str(error)) from error
    try:
        yield found
    finally:
        found.close()


def default_registry(repository: Repository) -> str:
    """The one remote that is a registry; raises NoRegistry where there is none, or several."""
    known = [name for name, settings in repository.config.remotes().items() if is_registry(settings)]
    if len(known) != 1:
        raise errors.NoRegistry(known=", ".join(sorted(known)) or "none")
    return known[0]


def host_of(repository: Repository, organization: str, settings: Mapping[str, str]) -> str:
    """Where the platform of an organization is: as `settings` say, or those of a remote that is that organization.

    Raises BadSetting.
    """
    options.check(address.REGISTRY, settings)
    if "host" in settings:
        return settings["host"]
    for known in repository.config.remotes().values():
        if is_registry(known) and address.parse(known["url"], repository.root).host == organization:
            return known.get("host", HOST)
    return HOST


def is_registry(settings: Mapping[str, str]) -> bool:
    """Whether these are the settings of a registry."""
    return settings.get("url", "").startswith(f"{address.REGISTRY}://")


def url_of(repository: Repository, name: str) -> dict[str, str]:
    """The settings of a remote, its `url` among them."""
    known = repository.config.remotes()
    if "url" not in known.get(name, {}):
        raise errors.NoSuchRemote(name=name, known=", ".join(sorted(known)) or "none")
    return known[name]


def default(repository: Repository, model: str | None = None) -> str:
    """The remote that the current branch of `model` follows, else origin, or the only one. Raises NoSuchRemote."""
    head = repository.heads.get(model) if model is not None else None
    branch = head.branch if head is not None and head.branch is not None else ""
    found = followed(repository, model or "", branch)
    if found is None:
        url_of(repository, ORIGIN)  # which says that there is none
    return found[0] if found is not None else ORIGIN


def _pause(attempt: int) -> None:
    """Wait before try number `attempt`, at random up to a limit that doubles: those who were beaten must not meet again."""
    time.sleep(random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)))  # noqa: S311 - no secret
