"""Connections to a model registry, by the name of a remote or by organization and host."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from mvc import errors, lazy
from mvc.model.hosts import Approvals
from mvc.model.remote_kinds import PICSELLIA
from mvc.registry.protocol import Registry
from mvc.remotes.backends import address, destination, options
from mvc.remotes.backends.registry_address import HOST, TOKEN, check_host
from mvc.repository.repository import Repository
from mvc.transport import connection, trust


@contextlib.contextmanager
def registry(repository: Repository, name: str, token: str | Mapping[str, str] | None) -> Iterator[Registry]:
    """Yield the registry of the remote `name`, and close its connections afterwards.

    `token` is the token or an environment. The user's settings name its variable for the remote or its host; the default is
    PICSELLIA_TOKEN.

    Raises NoSuchRemote, BadRemoteUrl, NotARegistry, NoToken, MissingExtra, BadSetting, Offline, HostNotTrusted, PlainHttp.
    """
    settings = dict(connection.settings_of(repository, name))
    where = address.parse(settings.pop("url"), repository.root)
    if not where.is_registry:
        raise errors.NotARegistry(name=name, url=where.text)
    if repository.offline:
        raise errors.Offline(what=f"{name}, at {where.text},")
    host = options.check(where.kind, settings).get("host", HOST)
    trust.check(repository, name, where, settings)
    variable = TOKEN
    if isinstance(token, Mapping):
        variable = trust.variable(repository, name, destination.of_registry(host))
        token = token.get(variable)
    with registry_at(where.host, host, token, variable=variable, approvals=repository.approvals) as opened:
        yield opened


@contextlib.contextmanager
def typed_registry(
    organization: str, host: str, environ: Mapping[str, str], approvals: Approvals
) -> Iterator[Registry]:
    """Yield the registry of an organization at a `host` that the user typed; its token is in `environ`.

    Raises as `registry_at`.
    """
    variable = approvals.token_env(destination.of_registry(host)) or TOKEN
    with registry_at(organization, host, environ.get(variable), variable=variable, approvals=approvals) as opened:
        yield opened


def of_organization(
    repository: Repository, organization: str, settings: Mapping[str, str], environ: Mapping[str, str]
) -> contextlib.AbstractContextManager[Registry]:
    """Connect to an organization: at the host in `settings`, else as a configured remote, else on the default platform.

    Raises as `registry` and `registry_at`.
    """
    name = registry_of(repository, organization) if "host" not in settings else None
    if name is not None:
        return registry(repository, name, environ)
    return typed_registry(organization, settings.get("host", HOST), environ, repository.approvals)


@contextlib.contextmanager
def registry_at(
    organization: str,
    host: str,
    token: str | None,
    *,
    variable: str = TOKEN,
    approvals: Approvals | None = None,
) -> Iterator[Registry]:
    """Yield the registry of an organization on the platform at `host`; the caller has approved the host for this token.

    Raises NoToken, MissingExtra, PlainHttp unless `approvals` accept plain http there.
    """
    where = f"{PICSELLIA.scheme}://{organization}"
    trust.check_plain(approvals, destination.of_registry(host), where)
    if not token:
        raise errors.NoToken(registry=where, variable=variable)
    host = check_host(host)  # normalised: the record of published versions holds it
    try:
        connected = lazy.load(PICSELLIA.module).connect(organization, token, host=host)
    except ImportError as error:
        scheme, extra = PICSELLIA.scheme, PICSELLIA.extra
        raise errors.MissingExtra(scheme=scheme, extra=extra, reason=error.name or str(error)) from error
    connected.token_from(variable)
    opened: Registry = connected
    try:
        yield opened
    finally:
        opened.close()


def default_registry(repository: Repository) -> str:
    """Return the only remote that is a registry. Raises NoRegistry if there is none, or several."""
    registries = [name for name, settings in repository.config.remotes().items() if connection.is_registry(settings)]
    if len(registries) != 1:
        raise errors.NoRegistry(known=", ".join(sorted(registries)) or "none")
    return registries[0]


def registry_of(repository: Repository, organization: str) -> str | None:
    """Return the first remote whose registry is an organization's; None for none."""
    for name, settings in repository.config.remotes().items():
        if connection.is_registry(settings) and address.parse(settings["url"], repository.root).host == organization:
            return name
    return None
