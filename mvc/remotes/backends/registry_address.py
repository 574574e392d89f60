"""Addresses in a registry: an organization, a model in it, a version of that.

    picsellia://acme                        what `mvc remote add` takes
    picsellia://acme/helmet-detector@3      a version by its number there, or by its name

`%40` stands for an @ in a name, `%2F` for a slash. The platform's own address is an option, and never holds a secret.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import quote, unquote, urlsplit

from mvc import errors
from mvc.model import hosts, remote_kinds

SCHEME = remote_kinds.PICSELLIA.scheme
PREFIX = f"{SCHEME}://"
HOST = f"https://{remote_kinds.PICSELLIA.provider}"
"""The address of the platform, unless the setting `host` names another."""
TOKEN = "PICSELLIA_TOKEN"  # noqa: S105 - the name of a variable
"""The environment variable with the token, where a person's settings name no other."""
_PORTS = {"http": 80, "https": 443}
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class RegistryAddress:
    """An organization, with the names that a model in it and a version of that have there; None for none."""

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
    """Return whether `text` begins as the address of a registry does."""
    return text.lower().startswith(PREFIX)


def parse(text: str) -> RegistryAddress:
    """Return the address that `text` is. Raises BadRegistryUrl."""
    if not text.isprintable() or not is_registry(text):
        _refuse(text, "it does not begin with picsellia://, or has characters that cannot be printed")
    rest = text[len(PREFIX) :]
    organization, slash, below = rest.partition("/")
    if any(letter in rest for letter in "?#"):
        _refuse(text, "it has a query or a fragment; settings go into the remote's options")
    if "@" in organization or ":" in organization:
        _refuse(text, "an organization has no user and no port; the token comes from the environment")
    if not organization.strip():
        _refuse(text, "it names no organization")
    model, at, version = below.rpartition("@") if "@" in below else (below, "", "")
    model = model.rstrip("/")
    if (at and not (model and version)) or (slash and below and not model):
        _refuse(text, "it names no model, or no version after the @")
    return RegistryAddress(unquote(organization), unquote(model) or None, unquote(version) or None)


def check_host(host: str) -> str:
    """Return `host` in its one spelling: scheme, server and port, nothing else. Raises BadSetting."""
    try:
        parts = urlsplit(host)
        name, port = hosts.canonical(parts.hostname or ""), parts.port
        if not re.match(r"https?://", host) or "@" in parts.netloc or parts.query or parts.fragment or port == 0:
            raise ValueError
    except ValueError:
        reason = f"it is an address such as {HOST}, and no more"
        raise errors.BadSetting(key="host", value="...", reason=reason) from None
    if parts.path.strip("/"):
        raise errors.BadSetting(key="host", value=host, reason="a path in it would be dropped")
    server = f"[{name}]" if ":" in name else name
    return f"{parts.scheme}://{server}" + (f":{port}" if port not in (None, _PORTS[parts.scheme]) else "")


def _refuse(text: str, reason: str) -> NoReturn:
    """Raise BadRegistryUrl without what may be a password."""
    shown = re.sub(r"//[^/]*@", "//", text.partition("?")[0].partition("#")[0])
    raise errors.BadRegistryUrl(url=shown[:_SHOWN], reason=reason)
