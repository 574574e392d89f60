"""Addresses in a registry: an organization, and optionally a model in it and a version.

    picsellia://acme                        an organization, for `mvc remote add`
    picsellia://acme/helmet-detector@3      a version by its number there, or by its name

An @ in a name is written `%40`, a slash `%2F`. The platform's own address is an option, and never contains a secret.
"""

from __future__ import annotations

import re
from typing import NoReturn
from urllib.parse import quote, unquote, urlsplit

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import hosts, remote_kinds

SCHEME = remote_kinds.PICSELLIA.scheme
PREFIX = f"{SCHEME}://"
HOST = f"https://{remote_kinds.PICSELLIA.provider}"
"""The address of the platform, unless the setting `host` names another."""
TOKEN = "PICSELLIA_TOKEN"  # noqa: S105 - the name of a variable
"""The environment variable with the token, unless the user's settings name another."""
_PORTS = {"http": 80, "https": 443}
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class RegistryAddress:
    """An organization, with the name of a model in it and of a version; None for none."""

    organization: str
    model: str | None = None
    version: str | None = None

    @property
    def text(self) -> str:
        """The URL."""
        text = f"{PREFIX}{quote(self.organization, safe=' ')}"
        if self.model is not None:
            text += f"/{quote(self.model, safe=' /')}"
        return f"{text}@{quote(self.version, safe=' /')}" if self.version is not None else text


def is_registry(text: str) -> bool:
    """Return whether `text` begins like the address of a registry."""
    return text.lower().startswith(PREFIX)


def parse(text: str) -> RegistryAddress:
    """Parse the address of a registry. Raises BadRegistryUrl."""
    if not text.isprintable() or not is_registry(text):
        _refuse(text, "it does not begin with picsellia://, or has unprintable characters")
    rest = text[len(PREFIX) :]
    organization, slash, below = rest.partition("/")
    if any(letter in rest for letter in "?#"):
        _refuse(text, "it has a query or a fragment; set options with -o KEY=VALUE instead")
    if "@" in organization or ":" in organization:
        _refuse(text, "it must not have a user or a port; the token is read from the environment")
    if not organization.strip():
        _refuse(text, "the URL names no organization")
    model, at, version = below.rpartition("@") if "@" in below else (below, "", "")
    model = model.rstrip("/")
    if (at and not (model and version)) or (slash and below and not model):
        _refuse(text, "the URL names no model, or no version after the @")
    return RegistryAddress(unquote(organization), unquote(model) or None, unquote(version) or None)


def check_host(host: str) -> str:
    """Normalise `host` to scheme, server and port. Raises BadSetting."""
    try:
        parts = urlsplit(host)
        name, port = hosts.canonical(parts.hostname or ""), parts.port
        if not re.match(r"https?://", host) or "@" in parts.netloc or parts.query or parts.fragment or port == 0:
            raise ValueError
    except ValueError:
        reason = f"write only an address, such as {HOST}"
        raise errors.BadSetting(key="host", value="...", reason=reason) from None
    if parts.path.strip("/"):
        raise errors.BadSetting(key="host", value=host, reason="it must not have a path")
    server = f"[{name}]" if ":" in name else name
    return f"{parts.scheme}://{server}" + (f":{port}" if port not in (None, _PORTS[parts.scheme]) else "")


def _refuse(text: str, reason: str) -> NoReturn:
    """Raise BadRegistryUrl without the part that may be a password."""
    shown = re.sub(r"//[^/]*@", "//", text.partition("?")[0].partition("#")[0])
    raise errors.BadRegistryUrl(url=shown[:_SHOWN], reason=reason)
