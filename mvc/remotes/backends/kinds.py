"""The kinds of remotes, one entry each: all that differs between them but the code that talks to them.

A new kind is a module with a function `connect(address, options) -> Backend`, and an entry here. Its extra goes into
`pyproject.toml`, its page into `docs/reference/remotes/`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Shape(Enum):
    """The thing that a URL names after its scheme."""

    FOLDER = "a path on this machine"
    BUCKET = "a bucket, and a prefix in it"
    SERVER = "a server, with user and port, and a path on it"
    REGISTRY = "an organization; no store, so no backend"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of remote.

    `scheme` is its name in settings and approvals; `aliases` are other schemes of URLs for it. `module` has its
    `connect`, and `extra` installs what that imports, empty for nothing. `options` are its settings, `example` is a
    URL.

    Credentials go to `provider` unless a setting says otherwise; to `ACCOUNT.accounts`, by https only, where hosts are
    named for accounts; else to a host that the settings or the URL name.
    """

    scheme: str
    shape: Shape
    module: str
    example: str
    extra: str = ""
    options: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    provider: str | None = None
    accounts: str | None = None


FILE = Kind("file", Shape.FOLDER, "mvc.remotes.backends.local", "file:///mnt/models")
S3 = Kind(
    "s3",
    Shape.BUCKET,
    "mvc.remotes.backends.s3",
    "s3://team-models/vision",
    "s3",
    options=("endpoint", "profile", "region", "storage-class", "server-side-encryption", "anonymous"),
    provider="s3.amazonaws.com",
)
GS = Kind(
    "gs",
    Shape.BUCKET,
    "mvc.remotes.backends.gcs",
    "gs://team-models/vision",
    "gcs",
    options=("endpoint", "project", "key-file", "anonymous"),
    aliases=("gcs",),
    provider="storage.googleapis.com",
)
AZ = Kind(
    "az",
    Shape.BUCKET,
    "mvc.remotes.backends.azure",
    "az://models/vision",
    "azure",
    options=("account", "endpoint", "anonymous"),
    aliases=("abfs", "abfss"),
    accounts="blob.core.windows.net",
)
SFTP = Kind(
    "sftp",
    Shape.SERVER,
    "mvc.remotes.backends.sftp",
    "sftp://ana@models.example.org:2222/srv/models",
    "sftp",
    options=("key-file", "known-hosts", "port", "user"),
    aliases=("ssh",),
)
PICSELLIA = Kind(
    "picsellia",
    Shape.REGISTRY,
    "mvc.registry.picsellia.adapter",
    "picsellia://acme",
    "picsellia",
    options=("host",),
    provider="app.picsellia.com",
)
KINDS = {kind.scheme: kind for kind in (FILE, S3, GS, AZ, SFTP, PICSELLIA)}
"""Every kind by its scheme."""
_SPELLED = {scheme: kind for kind in KINDS.values() for scheme in (kind.scheme, *kind.aliases)}


def spelled(scheme: str) -> Kind | None:
    """Return the kind that URLs with `scheme` name, in small letters; None for none."""
    return _SPELLED.get(scheme)


def spellings() -> Iterator[str]:
    """Yield the beginning of each URL that names a remote: `file://`, `s3://`, ..."""
    return (f"{scheme}://" for scheme in _SPELLED)
