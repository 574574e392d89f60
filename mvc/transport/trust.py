"""Trust in hosts: credentials are sent only to hosts that the user approved, not to any host in a repository's settings.

typed in clone, remote add, remote set-url ─┐
`mvc remote trust NAME`                    ─┼─► [host] of the user's settings ─► check ─► connection
MVC_TRUSTED_HOSTS                          ─┘

An approval is for a host and a kind of credentials, never for a remote's name, so a later edit of the remote's settings is
not approved. The providers' own hosts need no approval.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import hosts
from mvc.model.document import Document, keys
from mvc.model.hosts import Approvals, Destination
from mvc.model.remote_kinds import Shape
from mvc.remotes.backends import address, destination
from mvc.remotes.backends.address import Address
from mvc.repository.repository import Repository
from mvc.storage.records import config
from mvc.storage.records.config import TRUSTED_HOSTS


@dataclass(frozen=True, slots=True)
class Standing(Document):
    """The approvals of a remote's destination; `where` is None if its settings name no host."""

    KEYS = keys("host default_host approved=approved_in_full encrypted usable")

    where: Destination | None
    approved: bool
    plain: bool
    lacking: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """True if the remote can be used."""
        return self.approved_in_full and self.plain

    @property
    def host(self) -> str | None:
        """The host; None if the settings name none."""
        return self.where.host if self.where is not None else None

    @property
    def default_host(self) -> bool:
        """True if the host is the default one of its kind, or there is none."""
        return self.where is None or self.where.is_default

    @property
    def approved_in_full(self) -> bool:
        """True if the host is approved, and so is every setting of the remote."""
        return self.approved and not self.lacking

    @property
    def encrypted(self) -> bool:
        """True unless the host is reached by plain HTTP."""
        return self.where is None or not self.where.plain


def standing(repository: Repository, name: str, where: Address, options: Mapping[str, str]) -> Standing:
    """Return the approvals of the remote `name`. Raises BadSetting."""
    found = destination.of(where, options)
    if found is None:
        return Standing(None, approved=True, plain=True)
    own = repository.config.own_remote(name)
    approvals = repository.approvals
    approved = approvals.has_host(found) or _is_own(repository, own, where, found)
    lacking = approvals.lacking(found).difference(destination.choices(own))
    return Standing(found, approved, approvals.has_plain(found), tuple(sorted(lacking)))


def _is_own(repository: Repository, own: Mapping[str, str], where: Address, found: Destination) -> bool:
    """Return whether the user's own settings of a remote name the same host, which then needs no approval."""
    if "url" in own:
        where = address.parse(own["url"], repository.root)
    elif where.kind.shape is Shape.SERVER:
        return False
    mine = destination.of(where, own)
    return mine is not None and (mine.kind, mine.host) == (found.kind, found.host)


def check(repository: Repository, name: str, where: Address, options: Mapping[str, str]) -> None:
    """Raise HostNotTrusted, PlainHttp or SettingNotTrusted unless a remote may receive the user's credentials."""
    found = standing(repository, name, where, options)
    host = found.where.host if found.where is not None else ""
    command = f"mvc remote trust {shlex.quote(name)}"  # the name may be hostile
    way = f"If you trust that host, approve it with `{command}`, or in scripts with {TRUSTED_HOSTS}={host}."
    if not found.approved:
        raise errors.HostNotTrusted(remote=name, host=host, way=way)
    if not found.plain:
        _refuse_plain(
            name,
            host,
            f"in a trusted network, accept it with `{command} --insecure`, or {TRUSTED_HOSTS}=http://{host}.",
        )
    if found.lacking:
        way = f"If that is intended, approve it with `{command}`."
        raise errors.SettingNotTrusted(remote=name, settings=" and ".join(found.lacking), host=host, way=way)


def check_plain(approvals: Approvals | None, where: Destination, what: str) -> None:
    """Raise PlainHttp for an unencrypted typed destination, unless the user accepted it."""
    accepted = approvals is not None and approvals.has_plain(where)
    if where.plain and not where.is_loopback and not accepted:
        way = f"in a trusted network, accept it with {TRUSTED_HOSTS}=http://{where.host}."
        _refuse_plain(what, where.host, way)


def _refuse_plain(what: str, host: str, way: str) -> None:
    raise errors.PlainHttp(remote=what, host=host, way=f"Use an https URL, or {way}")


def approve_typed(repository: Repository, where: Address, options: Mapping[str, str], *, keep: bool = True) -> None:
    """Approve a typed destination, in the user's settings or, without `keep`, for this run. Raises BadSetting."""
    found = destination.of(where, options)
    if found is None or (repository.approvals.has_host(found) and not repository.approvals.lacking(found)):
        return
    if keep and repository.config.keeps_own:
        _keep(repository, found)
    repository.approvals.grant(found)


def approve(repository: Repository, where: Address, options: Mapping[str, str], *, insecure: bool) -> None:
    """Approve the destination of a remote. Raises BadSetting."""
    found = destination.of(where, options)
    if found is not None and (not found.is_default or found.choices):
        _keep(repository, found, insecure=insecure)


def withdraw(repository: Repository, where: Address, options: Mapping[str, str]) -> None:
    """Withdraw the approval of a remote's destination, for its kind of credentials. Raises BadSetting."""
    found = destination.of(where, options)
    host = _key(repository, found) if found is not None else ""
    known = dict(repository.config.hosts().get(host, {}))
    if found is not None and known:
        kinds = [kind for kind in _texts(known.get("trust")) if kind != found.kind]
        rest = {key: value for key, value in known.items() if key == config.TOKEN_ENV or (kinds and key != "trust")}
        _write(repository, host, {**rest, **({"trust": kinds} if kinds else {})})


def configured_variable(repository: Repository, name: str, where: Destination) -> str | None:
    """Return the environment variable that the user's settings name for a registry's token; None for none.

    That of its remote takes precedence over that of its host. If the user's settings of the remote `name` have a host, its
    variable is used for that host only.
    """
    own = repository.config.own_remote(name)
    named = own.get(config.TOKEN_ENV)
    if named and ("host" not in own or destination.of_registry(own["host"]) == where):
        return named
    return repository.approvals.token_env(where)


def _keep(repository: Repository, where: Destination, *, insecure: bool = False) -> None:
    """Add a destination to the user's settings."""
    host = _key(repository, where)
    known = dict(repository.config.hosts().get(host, {}))
    known["trust"] = sorted({*_texts(known.get("trust")), where.kind})
    choices = sorted({*_texts(known.get("allow")), *where.choices})
    known |= ({"allow": choices} if choices else {}) | ({"insecure": True} if insecure else {})
    _write(repository, host, known)


def _write(repository: Repository, host: str, settings: Mapping[str, Any]) -> None:
    repository.config.set_host(host, settings or None)
    repository.approvals.change(host, hosts.of_settings(host, settings) if settings else None)


def _key(repository: Repository, where: Destination) -> str:
    """Return the key of a destination's host in the user's settings, in the spelling used there."""
    for host in repository.config.hosts():
        if hosts.of_settings(host, {}).covers(where) and "*" not in host:
            return host
    return where.host


def _texts(value: Any) -> list[str]:
    return value.replace(",", " ").split() if isinstance(value, str) else list(value or ())
