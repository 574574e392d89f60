"""The destination of credentials: the host that the address and the settings of a remote name.

    s3://bucket/x                                     s3.amazonaws.com, the provider's own
    s3://bucket/x   endpoint=https://minio.lan:9000   minio.lan:9000
    az://models/x   account=teamvision                teamvision.blob.core.windows.net
    sftp://ana@models.example.org:2222/srv            models.example.org:2222
    picsellia://acme                                  app.picsellia.com, the platform's own
    /srv/models     az://models/x                     none: a folder; the user's environment names the account

Requests are built from the checked parts, so no library can parse an address differently.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import hosts
from mvc.model.hosts import Destination
from mvc.model.remote_kinds import PICSELLIA, Kind, Shape
from mvc.remotes.backends.address import Address
from mvc.remotes.backends.registry_address import HOST, check_host

CHOICES = {"profile": False, "key-file": True, "known-hosts": True, "ca": True}
"""Settings that select among the user's credentials, or that prove a server's identity; true for the path of a file."""
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}\Z")
_REGION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,40}[A-Za-z0-9])?\Z")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*\Z")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The server of an `endpoint`; `path` is empty or begins with a slash."""

    scheme: str
    name: str
    port: int
    path: str = ""

    @property
    def authority(self) -> str:
        """The host, with the port unless it is the scheme's default."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port == _PORTS[self.scheme] else f"{name}:{self.port}"

    @property
    def url(self) -> str:
        """The URL, built from its parts."""
        return f"{self.scheme}://{self.authority}{self.path}"


def of(where: Address, options: Mapping[str, str]) -> Destination | None:
    """Return the destination of a remote's credentials, None if its settings name none.

    Raises BadSetting, BadRemoteUrl.
    """
    chosen = choices(options)
    kind = where.kind
    if kind.shape is Shape.FOLDER:
        return None
    if kind.shape is Shape.SERVER:
        return Destination(kind.scheme, where.host, where.port or port(options), choices=chosen)
    if kind.shape is Shape.REGISTRY:
        return of_registry(options.get("host", HOST), chosen)
    found = _endpoint_of(kind, options)
    if found is None:
        provider = kind.provider
        return None if provider is None else Destination(kind.scheme, provider, 443, is_default=True, choices=chosen)
    return Destination(kind.scheme, found.name, found.port, found.scheme == "http", choices=chosen)


def server(where: Address, options: Mapping[str, str]) -> str:
    """Return the host of a remote for messages."""
    found = of(where, options)
    return found.host if found is not None else "the server"


def of_registry(host: str, choices: frozenset[str] = frozenset()) -> Destination:
    """Return the destination of the token for a platform at `host`. Raises BadSetting."""
    found = endpoint("host", check_host(host))
    kept = found.url == HOST
    plain = found.scheme == "http"
    return Destination(PICSELLIA.scheme, found.name, found.port, plain, is_default=kept, choices=choices)


def endpoint(key: str, text: str, *, default: str | None = None) -> Endpoint:
    """Return the server that a setting names; `default` is the default scheme. Raises BadSetting."""
    if default is not None and "://" not in text:
        text = f"{default}://{text}"
    try:
        parts = urlsplit(text)
        if parts.scheme not in _PORTS or "@" in parts.netloc or parts.query or parts.fragment or not text.isascii():
            raise ValueError("write https://HOST[:PORT]")
        if not re.fullmatch(r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:\\]+)(?::[0-9]+)?", parts.netloc) or parts.port == 0:
            raise ValueError("write https://HOST[:PORT]")
        path = parts.path.rstrip("/")
        if not _PATH.match(path) or {".", ".."}.intersection(path.split("/")):
            raise ValueError("its path has special characters")
        return Endpoint(parts.scheme, hosts.canonical(parts.hostname or ""), parts.port or _PORTS[parts.scheme], path)
    except ValueError as error:
        reason = str(error) or "write https://HOST[:PORT]"
        raise errors.BadSetting(key=key, value="...", reason=reason) from None


def check(options: Mapping[str, str]) -> None:
    """Raise BadSetting for a setting that would change the host after the check."""
    port(options)
    for key, pattern in (("region", _REGION), ("account", _ACCOUNT)):
        if key in options and not pattern.match(options[key]):
            raise errors.BadSetting(key=key, value=options[key], reason=f"it is not the name of {_A[key]}")


_A = {"region": "a region", "account": "an account"}


def checked(kind: Kind, options: Mapping[str, str]) -> dict[str, str]:
    """Return the settings with `endpoint` and files as they were checked. Raises BadSetting."""
    check(options)
    found = dict(options)
    if "host" in options:
        found["host"] = check_host(options["host"])
    if "endpoint" in options:
        server = _endpoint_of(kind, options)
        assert server is not None  # noqa: S101 - an endpoint always has one
        found["endpoint"] = f"{server.authority}{server.path}" if kind.accounts else server.url
    for key, is_file in CHOICES.items():
        if is_file and key in found:
            found[key] = _absolute(found[key])
    return found


def _endpoint_of(kind: Kind, options: Mapping[str, str]) -> Endpoint | None:
    """Return the server that the settings of a bucket name; None if they name none."""
    check(options)
    if "endpoint" not in options:
        account = options.get("account")
        return Endpoint("https", f"{account}.{kind.accounts}", 443) if kind.accounts and account else None
    found = endpoint("endpoint", options["endpoint"], default="https" if kind.accounts else None)
    if kind.accounts and found.scheme == "http":
        raise errors.BadSetting(key="endpoint", value="...", reason="Azure requires https")
    return found


def choices(options: Mapping[str, str]) -> frozenset[str]:
    """Return the settings that select among the user's credentials, files by their absolute path."""
    given = {
        key: _absolute(options[key]) if is_file else options[key] for key, is_file in CHOICES.items() if key in options
    }
    return frozenset(f"{key}={value}" for key, value in given.items())


def _absolute(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))


def port(options: Mapping[str, str]) -> int:
    """Return the port that the settings of a server name. Raises BadSetting."""
    text = options.get("port", "22")
    if not text.isascii() or not text.isdigit() or len(text) > 5 or not 0 < int(text) < 65_536:
        raise errors.BadSetting(key="port", value=text, reason="it is not a number from 1 to 65535")
    return int(text)
