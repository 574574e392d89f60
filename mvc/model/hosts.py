"""Hosts that receive credentials, in one spelling each, and what the user has approved for them.

    HTTPS://MinIO.Lan.:9000  →  minio.lan:9000         a destination's host, compared as text
    [host."minio.lan:9000"]                            the user's own settings
    trust = ["s3"]                                     allow credentials of remotes of this kind
    insecure = true                                    allow plain http
    allow = ["profile=team"]                           settings of a repository that may select credentials
    token-env = "ACME_TOKEN"                           the variable with the token for this host

A repository's own settings approve nothing, since somebody else may have written them.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

from mvc.deferred import dataclass
from mvc.model import remote_kinds

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")
"""The name of an environment variable."""
_PORTS = {remote_kinds.SFTP.scheme: 22}
_HTTPS, _HTTP, _MAX_PORT = 443, 80, 65_535
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\Z")
_MAX_NAME = 253
_ENTRY = re.compile(r"(?:([a-z]+)://)?(\[[^\[\]]*\]|[^\[\]:/@]*)(?::([0-9]{1,5}|\*))?/?\Z", re.IGNORECASE)
_SCHEMES = {None: None, "https": _HTTPS, "http": _HTTP, "sftp": 22, "ssh": 22}
_LOOPBACK = "localhost"


def canonical(name: str) -> str:
    """Return the one spelling of a host name: lower case, no trailing dot, IPv6 without brackets; raise ValueError.

    Names are ASCII; an international one is given in its `xn--` form.
    """
    if "%" not in name:
        try:
            return str(ipaddress.ip_address(name.removeprefix("[").removesuffix("]")))
        except ValueError:
            pass
    lower = name.lower().removesuffix(".") if name.isascii() else ""
    if len(lower) > _MAX_NAME or not _NAME.match(lower):
        raise ValueError("it is not a host name (letters, digits, - and dots; an international name as xn--...)")
    return lower


def is_loopback(name: str) -> bool:
    """Return whether a canonical host name is this machine: `localhost`, 127.0.0.0/8, `::1`."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name == _LOOPBACK
    return address.is_loopback and getattr(address, "ipv4_mapped", None) is None


@dataclass(frozen=True, slots=True)
class Destination:
    """The host that receives a remote's credentials, and the settings that select them.

    `name` is canonical. `plain`: without encryption. `is_default`: the provider's own host, which needs no approval.
    `choices` are settings such as `profile=team`, files by their absolute path.
    """

    kind: str
    name: str
    port: int
    plain: bool = False
    is_default: bool = False
    choices: frozenset[str] = frozenset()

    @property
    def host(self) -> str:
        """The host as displayed and stored, without the default port of the encrypted protocol."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port == port_of(self.kind) else f"{name}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """True if it is this machine."""
        return is_loopback(self.name)


def port_of(kind: str) -> int:
    """Return the port of a kind's encrypted protocol."""
    return _PORTS.get(kind, _HTTPS)


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval of a host: `kinds` None is every kind, `port` 0 the kind's default, None any port."""

    name: str
    port: int | None
    kinds: frozenset[str] | None
    insecure: bool = False
    choices: frozenset[str] = frozenset()
    token_env: str | None = None

    def covers(self, where: Destination) -> bool:
        """Return whether the approval applies to this host."""
        port = port_of(where.kind) if self.port == 0 else self.port
        return self.name == where.name and port in (None, where.port)

    def allows(self, where: Destination) -> bool:
        """Return whether credentials of this kind may be sent to this host."""
        return self.covers(where) and (self.kinds is None or where.kind in self.kinds)


class Approvals:
    """All approvals of the user: from settings, from the environment, and given for this run."""

    def __init__(self, settings: Mapping[str, Approval], trusted: Iterable[Approval] = ()) -> None:
        """Store the approvals of the user's settings, by host as written there, and those of this run."""
        self._settings = dict(settings)
        self._run = list(trusted)

    @property
    def _known(self) -> list[Approval]:
        return [*self._settings.values(), *self._run]

    def grant(self, where: Destination) -> None:
        """Approve a destination for the lifetime of this object; never for plain http."""
        self._run.append(Approval(where.name, where.port, frozenset({where.kind}), choices=where.choices))

    def change(self, host: str, approval: Approval | None) -> None:
        """Replace the settings of a host, or remove them (`approval` None)."""
        self._settings.pop(host, None)
        if approval is not None:
            self._settings[host] = approval

    def has_host(self, where: Destination) -> bool:
        """Return whether credentials may be sent to this host."""
        return where.is_default or any(approval.allows(where) for approval in self._known)

    def has_plain(self, where: Destination) -> bool:
        """Return whether its transport is approved: encrypted, local to this machine, or explicitly insecure."""
        insecure = any(approval.insecure and approval.allows(where) for approval in self._known)
        return not where.plain or where.is_loopback or insecure

    def lacking(self, where: Destination) -> frozenset[str]:
        """Return the choices of a destination that are not approved for its host."""
        allowed = [approval.choices for approval in self._known if approval.allows(where)]
        return where.choices.difference(*allowed)

    def token_env(self, where: Destination) -> str | None:
        """Return the variable with the token for this host, or None."""
        variables = (approval.token_env for approval in self._known if approval.covers(where))
        return next((variable for variable in variables if variable), None)


def of_settings(host: str, values: Any) -> Approval:
    """Return the approval in a table `[host.HOST]`; raise ValueError."""
    if not isinstance(values, Mapping):
        raise ValueError(f"[host.{host!r}] is a table")  # noqa: TRY004 - every fault of the table is a ValueError
    entry = _entry(host)
    insecure, token_env = values.get("insecure", False), values.get("token-env")
    if insecure not in (True, False, "true", "false"):
        raise ValueError("insecure is true or false")
    if token_env is not None and not (isinstance(token_env, str) and VARIABLE.match(token_env)):
        raise ValueError("token-env is the name of an environment variable")
    kinds, choices = _texts(values, "trust"), _texts(values, "allow")
    return Approval(entry.name, entry.port, kinds, insecure in (True, "true"), choices, token_env)


def of_text(text: str) -> Iterable[Approval]:
    """Return the approvals in MVC_TRUSTED_HOSTS: HOST, HOST:PORT, HOST:*, http://HOST:PORT; raise ValueError."""
    return [_entry(word) for word in re.split(r"[\s,]+", text) if word]


def _entry(text: str) -> Approval:
    match = _ENTRY.match(text)
    scheme = match[1].lower() if match and match[1] else None
    if match is None or scheme not in _SCHEMES:
        raise ValueError(f"{text!r} is not HOST, HOST:PORT or http://HOST:PORT")
    port = _SCHEMES[scheme] or 0 if match[3] is None else None if match[3] == "*" else int(match[3])
    if port is not None and port > _MAX_PORT:
        raise ValueError(f"{text!r} has no port from 1 to {_MAX_PORT}")
    try:
        return Approval(canonical(match[2]), port, None, insecure=scheme == "http")
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from None


def _texts(values: Mapping[str, Any], key: str) -> frozenset[str]:
    """Return the texts of a list, or the words of one text."""
    value = values.get(key, [])
    texts = re.split(r"[\s,]+", value) if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{key} is a list of texts")
    return frozenset(filter(None, texts))
