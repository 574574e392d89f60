"""From the name of a remote to a connection: settings, address, backend, patience; from that of a registry likewise."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator, Mapping

from mvc import errors, lazy
from mvc.model.hosts import Approvals
from mvc.registry.protocol import Registry
from mvc.remotes.backends import address, connect, destination, options
from mvc.remotes.backends.backend import Backend
from mvc.remotes.backends.registry_address import HOST, TOKEN, check_host
from mvc.remotes.backends.retry import RetryingBackend
from mvc.remotes.backends.throttle import PacedBackend
from mvc.remotes.remote import JOBS, Remote
from mvc.repository.repository import Repository
from mvc.repository.upstream import ORIGIN, followed
from mvc.transport import trust

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0


@contextlib.contextmanager
def reach(repository: Repository, name: str, *, jobs: int = JOBS, limit: float | None = None) -> Iterator[Remote]:
    """The remote `name`, its connections let go afterwards; `limit` is in bytes a second.

    Raises NoSuchRemote, BadRemoteUrl, IsRegistry, MissingExtra, BadSetting, Offline, HostNotTrusted, SettingNotTrusted,
    PlainHttp.
    """
    settings = dict(url_of(repository, name))
    where = address.parse(settings.pop("url"), repository.root)
    if where.scheme == address.REGISTRY:
        raise errors.IsRegistry(name=name, url=where.text)
    if repository.offline and where.scheme != address.FILE:
        raise errors.Offline(what=f"{name}, at {where.text},")
    trust.check(repository, name, where, settings)
    backend: Backend = RetryingBackend(connect.connect(where, settings))
    if limit is not None:
        backend = PacedBackend(backend, limit)
    try:
        yield Remote(name, backend, _pause, jobs, limit)
    finally:
        backend.close()


@contextlib.contextmanager
def registry(repository: Repository, name: str, token: str | Mapping[str, str] | None) -> Iterator[Registry]:
    """Yield the registry that is the remote `name`, and close its connections afterwards.

    `token` is the token, or the environment that has it: under the name that the person's settings give for the remote or
    its host, else as PICSELLIA_TOKEN.

    Raises NoSuchRemote, BadRemoteUrl, NotARegistry, NoToken, MissingExtra, BadSetting, Offline, HostNotTrusted, PlainHttp.
    """
    settings = dict(url_of(repository, name))
    where = address.parse(settings.pop("url"), repository.root)
    if where.scheme != address.REGISTRY:
        raise errors.NotARegistry(name=name, url=where.text)
    if repository.offline:
        raise errors.Offline(what=f"{name}, at {where.text},")
    host = options.check(where.scheme, settings).get("host", HOST)
    trust.check(repository, name, where, settings)
    variable = TOKEN
    if isinstance(token, Mapping):
        variable = trust.variable(repository, name, destination.of_registry(host))
        token = token.get(variable)
    with registry_at(where.host, host, token, variable=variable, approvals=repository.approvals) as found:
        yield found


@contextlib.contextmanager
def typed_registry(
    organization: str, host: str, environ: Mapping[str, str], approvals: Approvals
) -> Iterator[Registry]:
    """Yield the registry of an organization at a `host` that the person typed; its token is in `environ`.

    Raises as `registry_at`.
    """
    variable = approvals.token_env(destination.of_registry(host)) or TOKEN
    with registry_at(organization, host, environ.get(variable), variable=variable, approvals=approvals) as found:
        yield found


@contextlib.contextmanager
def registry_at(
    organization: str,
    host: str,
    token: str | None,
    *,
    variable: str = TOKEN,
    approvals: Approvals | None = None,
) -> Iterator[Registry]:
    """Yield the registry of an organization on the platform at `host`, which the caller knows is meant for this token.

    Raises NoToken, MissingExtra, PlainHttp unless `approvals` accept plain http there.
    """
    where = f"{address.REGISTRY}://{organization}"
    trust.check_plain(approvals, destination.of_registry(host), where)
    if not token:
        raise errors.NoToken(registry=where, variable=variable)
    host = check_host(host)  # in one form: what is told of versions there names it
    try:
        made = lazy.load("mvc.registry.picsellia.adapter").connect(organization, token, host=host)
    except ImportError as error:
        extra = address.REGISTRY
        raise errors.MissingExtra(scheme=extra, extra=extra, reason=error.name or str(error)) from error
    made.token_from(variable)
    found: Registry = made
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


def registry_of(repository: Repository, organization: str) -> str | None:
    """Return the first remote that is the registry of an organization, None for none."""
    for name, known in repository.config.remotes().items():
        if is_registry(known) and address.parse(known["url"], repository.root).host == organization:
            return name
    return None


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
