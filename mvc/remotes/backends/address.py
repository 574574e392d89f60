"""Addresses of remotes: URLs of the supported kinds, parsed and checked.

    s3://team-models/vision        bucket, prefix          gs://, gcs://, az://, abfs:// likewise
    sftp://ana@host:2222/srv/mvc   user, host, port, path  ssh:// likewise
    /srv/mvc   ../share   file:///srv/mvc
    picsellia://acme               organization of a registry, which is not a store

Nothing else is accepted: chained URLs, archives and protocols of plugins run other people's code. An address never
contains a secret.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import NoReturn
from urllib.parse import SplitResult, unquote, urlsplit

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import hosts, remote_kinds
from mvc.model.remote_kinds import Kind, Shape
from mvc.remotes.backends import registry_address as registry

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_USER = re.compile(r"//[^/]*@")
_BUCKET = re.compile(r"[A-Za-z0-9$][A-Za-z0-9._-]*\Z")
_MAX_PORT = 65_535
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a remote. `text` is shown and kept; `host` is the bucket, container, server or organization.

    `path` is below the bucket without slashes at its ends, else from the root of the filesystem. `user` and `port` are
    a server's.
    """

    kind: Kind
    host: str
    path: str
    text: str
    user: str | None = None
    port: int | None = None

    @property
    def scheme(self) -> str:
        """The name of its kind."""
        return self.kind.scheme

    @property
    def is_local(self) -> bool:
        """True for a folder of this machine, which needs no network."""
        return self.kind.shape is Shape.FOLDER

    @property
    def is_registry(self) -> bool:
        """True for a model registry, which is not a store."""
        return self.kind.shape is Shape.REGISTRY


def parse(text: str, base: Path) -> Address:
    """Parse an address; a relative path is below `base`. Raises BadRemoteUrl, BadRegistryUrl."""
    if not text or not text.isprintable():
        _refuse(text, "it is empty, or has unprintable characters")
    if "::" in text:
        _refuse(text, "chained protocols (::) are not supported")
    scheme = _SCHEME.match(text)
    if scheme is None:
        return _folder(text, text, remote_kinds.FILE, base)
    return _of_url(text, scheme[1].lower(), base)


def with_model(text: str, base: Path) -> tuple[str, str | None]:
    """Return the address in `URL#MODEL`, and the model; None without one, and for a folder whose name has the #."""
    url, _, model = text.rpartition("#")
    if not url:
        return text, None
    with contextlib.suppress(errors.MvcError):
        whole = parse(text, base)
        if whole.is_local and os.path.lexists(whole.path):
            return text, None
    return url, model or None


def _of_url(text: str, scheme: str, base: Path) -> Address:
    kind = remote_kinds.spelled(scheme)
    if kind is None:
        known = ", ".join(remote_kinds.spellings())
        _refuse(text, f"{scheme}:// is not supported; use a path or {known}")
    if kind.shape is Shape.FOLDER:
        path = text.partition("://")[2]
        if not path.startswith("/"):
            _refuse(text, f"{scheme}:// needs an absolute path, such as {scheme}:///srv/models")
        return _folder(text, unquote(path), kind, base)
    if kind.shape is Shape.REGISTRY:
        return _registry(text, kind)
    try:
        parts = urlsplit(text)
    except ValueError:
        _refuse(text, "its host is not a valid host name")
    if parts.password is not None:
        _refuse(text, "it must not contain a password; use a key or the environment")
    if parts.query or parts.fragment:
        _refuse(
            text,
            "it has a query or a fragment; set options with -o KEY=VALUE instead",
        )
    return _server(text, kind, parts) if kind.shape is Shape.SERVER else _bucket(text, kind, parts)


def _bucket(text: str, kind: Kind, parts: SplitResult) -> Address:
    if "@" in parts.netloc or ":" in parts.netloc:
        _refuse(text, "it must not have a user or a port; credentials are read from the environment")
    path = _below(text, unquote(parts.path).strip("/"))
    if not parts.netloc:
        _refuse(text, "it names no bucket")
    if not _BUCKET.match(parts.netloc):
        _refuse(text, "a bucket's name may only have letters, digits, . _ and -")
    return Address(kind, parts.netloc, path, text.rstrip("/"))


def _server(text: str, kind: Kind, parts: SplitResult) -> Address:
    try:
        port = parts.port
        if port == 0:
            raise ValueError
    except ValueError:
        _refuse(text, f"its port is not a number from 1 to {_MAX_PORT}")
    host, path = parts.hostname, unquote(parts.path)
    if not host or host.startswith("-") or (parts.username or "").startswith("-"):
        _refuse(text, "it names no server")
    _below(text, path.strip("/"))
    if not path.strip("/"):
        _refuse(text, "it names no folder on the server")
    try:
        host = hosts.canonical(host)
    except ValueError as error:
        _refuse(text, str(error))
    user = unquote(parts.username) if parts.username else None
    return Address(kind, host, path.rstrip("/"), text.rstrip("/"), user, port)


def _registry(text: str, kind: Kind) -> Address:
    found = registry.parse(text)
    if found.model is not None:
        reason = "a remote is a whole organization, without a model; use `mvc import` for one model"
        raise errors.BadRegistryUrl(url=text[:_SHOWN], reason=reason)
    return Address(kind, found.organization, "", found.text)


def _folder(text: str, path: str, kind: Kind, base: Path) -> Address:
    whole = os.path.abspath(base / os.path.expanduser(path))
    if whole == os.sep:
        _refuse(text, "it is the root of the filesystem")
    return Address(kind, "", whole, whole if kind is remote_kinds.FILE else f"{kind.scheme}://{whole}")


def _below(text: str, path: str) -> str:
    if any(part in ("", ".", "..") for part in path.split("/")) and path:
        _refuse(text, "its path has an empty part, . or ..")
    return path


def _refuse(text: str, reason: str) -> NoReturn:
    """Raise BadRemoteUrl without the parts that may be a password or a signature."""
    text = _USER.sub("//", text.partition("?")[0].partition("#")[0])
    raise errors.BadRemoteUrl(url=text[:_SHOWN], reason=reason)
