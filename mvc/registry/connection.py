"""Connections to a model registry: by the name of a remote, by organization and host, or that of the container.

settings name a variable, and it is set? ─ yes ─► its token ─► is the host approved? ─ no ─► refused (12)
                  └─ no ─► is it the container's platform? ─ yes ─► the container's token
                                        └─ no ─► PICSELLIA_TOKEN ─► is the host approved? …
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import field
from types import MappingProxyType

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.model.hosts import Approvals
from mvc.model.remote_kinds import PICSELLIA
from mvc.registry import container
from mvc.registry.container import Container
from mvc.registry.protocol import Registry
from mvc.remotes.backends import address, destination, options
from mvc.remotes.backends.registry_address import HOST, TOKEN, check_host
from mvc.repository.repository import Repository
from mvc.transport import connection, trust

NOTHING: Mapping[str, str] = MappingProxyType({})
"""No settings."""


@dataclass(frozen=True, slots=True)
class _Credential:
    """A token, if there is one, and the environment variable that has it; `is_containers` if the container gave it."""

    token: str | None = field(repr=False)
    variable: str = TOKEN
    is_containers: bool = False


@contextlib.contextmanager
def registry(
    repository: Repository, name: str, token: str | Mapping[str, str] | None, *, typed: Mapping[str, str] = NOTHING
) -> Iterator[Registry]:
    """Yield the registry of the remote `name`, and close its connections afterwards.

    `token` is the token or an environment: its variable is the one that the user's settings name for the remote or its host,
    else that of the container whose platform it is, else PICSELLIA_TOKEN. `name` may be the container's own address. A `ca`
    that was `typed` replaces the remote's own, and needs no approval.

    Raises NoSuchRemote, BadRemoteUrl, NotARegistry, NoToken, MissingExtra, BadSetting, Offline, HostNotTrusted,
    SettingNotTrusted, PlainHttp, BadCertificates.
    """
    inside = container.from_environment(token) if isinstance(token, Mapping) else None
    if inside is not None and name == inside.url:
        with of_container(repository, inside) as opened:
            yield opened
        return
    settings = dict(connection.settings_of(repository, name))
    if "ca" in typed:
        settings.pop("ca", None)
    where = address.parse(settings.pop("url"), repository.root)
    if not where.is_registry:
        raise errors.NotARegistry(name=name, url=where.text)
    if repository.offline:
        raise errors.Offline(what=f"{name}, at {where.text},")
    checked = options.check(where.kind, settings)
    host = checked.get("host", HOST)
    ca = options.check(where.kind, typed).get("ca", checked.get("ca"))
    credential = (
        _Credential(token) if token is None or isinstance(token, str) else _of_remote(repository, name, host, token)
    )
    if not credential.is_containers or "ca" in settings:  # the container approves its platform, for its own token only
        trust.check(repository, name, where, settings)
    with _opened(where.host, host, credential, repository.approvals, ca) as opened:
        yield opened


@contextlib.contextmanager
def typed_registry(
    organization: str, settings: Mapping[str, str], environ: Mapping[str, str], approvals: Approvals
) -> Iterator[Registry]:
    """Yield the registry of an organization with `settings` that the user typed; its token is in `environ`.

    Without a host: on the container's platform, else on the default one. Raises BadSetting, and as `registry_at`.
    """
    inside = container.from_environment(environ)
    checked = options.check(PICSELLIA, settings)
    host = checked.get("host") or (inside.host if inside is not None else HOST)
    credential = _credential(approvals.token_env(destination.of_registry(host)), host, environ)
    with _opened(organization, host, credential, approvals, checked.get("ca")) as opened:
        yield opened


def of_organization(
    repository: Repository, organization: str, settings: Mapping[str, str], environ: Mapping[str, str]
) -> contextlib.AbstractContextManager[Registry]:
    """Connect to an organization: at the host in `settings`, else as a configured remote, else as `typed_registry` does.

    Raises as `registry` and `registry_at`.
    """
    name = registry_of(repository, organization) if "host" not in settings else None
    if name is not None:
        return registry(repository, name, environ, typed=settings)
    return typed_registry(organization, settings, environ, repository.approvals)


@contextlib.contextmanager
def of_container(repository: Repository, inside: Container) -> Iterator[Registry]:
    """Yield the container's organization on its platform. Raises Offline, BadSetting, MissingExtra, PlainHttp."""
    if repository.offline:
        raise errors.Offline(what=inside.url)
    credential = _Credential(inside.token, container.TOKEN, is_containers=True)
    with _opened(inside.organization, inside.host, credential, repository.approvals) as opened:
        yield opened


def _of_remote(repository: Repository, name: str, host: str, environ: Mapping[str, str]) -> _Credential:
    configured = trust.configured_variable(repository, name, destination.of_registry(host))
    return _credential(configured, host, environ)


def _credential(configured: str | None, host: str, environ: Mapping[str, str]) -> _Credential:
    """Return the token for the platform at `host`: of a `configured` variable, of the container, or of PICSELLIA_TOKEN."""
    inside = container.from_environment(environ)
    if inside is not None and inside.is_at(host) and not (configured and environ.get(configured)):
        return _Credential(inside.token, container.TOKEN, is_containers=True)
    variable = configured or TOKEN
    return _Credential(environ.get(variable), variable)


def _opened(
    organization: str, host: str, credential: _Credential, approvals: Approvals, ca: str | None = None
) -> contextlib.AbstractContextManager[Registry]:
    return registry_at(organization, host, credential.token, variable=credential.variable, approvals=approvals, ca=ca)


@contextlib.contextmanager
def registry_at(
    organization: str,
    host: str,
    token: str | None,
    *,
    variable: str = TOKEN,
    approvals: Approvals | None = None,
    ca: str | None = None,
) -> Iterator[Registry]:
    """Yield the registry of an organization on the platform at `host`; the caller has approved the host for this token.

    The authorities in the file `ca` are trusted too. Raises NoToken, MissingExtra, BadCertificates, PlainHttp unless
    `approvals` accept plain http there.
    """
    where = f"{PICSELLIA.scheme}://{organization}"
    trust.check_plain(approvals, destination.of_registry(host), where)
    if not token:
        raise errors.NoToken(registry=where, variable=variable)
    host = check_host(host)  # normalised: the record of published versions holds it
    try:
        connected = lazy.load(PICSELLIA.module).connect(organization, token, host=host, ca=ca)
    except ImportError as error:
        scheme, extra = PICSELLIA.scheme, PICSELLIA.extra
        raise errors.MissingExtra(scheme=scheme, extra=extra, reason=error.name or str(error)) from error
    connected.token_from(variable)
    opened: Registry = connected
    try:
        yield opened
    finally:
        opened.close()


def default_registry(repository: Repository, environ: Mapping[str, str]) -> str:
    """Return the registry to use if the user names none: the only remote that is one, or the platform of the container.

    Among several remotes, it is the only one on the container's platform. Raises NoRegistry.
    """
    inside = container.from_environment(environ)
    registries = {name: row for name, row in repository.config.remotes().items() if connection.is_registry(row)}
    if inside is not None and not registries:
        return inside.url
    if inside is not None and len(registries) > 1:
        registries = {
            name: row for name, row in registries.items() if inside.is_at(row.get("host", HOST))
        } or registries
    if len(registries) != 1:
        raise errors.NoRegistry(known=", ".join(sorted(registries)) or "none")
    return next(iter(registries))


def registry_of(repository: Repository, organization: str) -> str | None:
    """Return the first remote whose registry is an organization's; None for none."""
    for name, settings in repository.config.remotes().items():
        if connection.is_registry(settings) and address.parse(settings["url"], repository.root).host == organization:
            return name
    return None
