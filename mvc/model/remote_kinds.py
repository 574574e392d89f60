"""The kinds of remotes, one entry each: all that differs between them but the code that talks to them.

A new kind is a module with a function `connect(address, options) -> Backend`, and an entry here, from which addresses,
settings, approvals of hosts and the reference pages follow. Its extra goes into `pyproject.toml`, its page into
`docs/reference/remotes/`.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from mvc.deferred import dataclass


class Shape(Enum):
    """The thing that a URL names after its scheme."""

    FOLDER = "a path on this machine"
    BUCKET = "a bucket, and a prefix in it"
    SERVER = "a server, with user and port, and a path on it"
    REGISTRY = "an organization; no store, so no backend"


class Option(NamedTuple):
    """A setting of a remote, and what it means; never a secret."""

    name: str
    meaning: str


ENDPOINT = Option("endpoint", "the server's address, where it is not the provider's own")
ANONYMOUS = Option("anonymous", "true: without credentials, for what everyone may read")
KEY_FILE = Option("key-file", "the file with the key to log in with")


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
    options: tuple[Option, ...] = ()
    aliases: tuple[str, ...] = ()
    provider: str | None = None
    accounts: str | None = None

    @property
    def option_names(self) -> tuple[str, ...]:
        """The names of its settings, in the order of the reference."""
        return tuple(option.name for option in self.options)


FILE = Kind("file", Shape.FOLDER, "mvc.remotes.backends.local", "file:///mnt/models")
S3 = Kind(
    "s3",
    Shape.BUCKET,
    "mvc.remotes.backends.s3",
    "s3://team-models/vision",
    "s3",
    options=(
        ENDPOINT,
        Option("profile", "the profile of the provider's settings whose credentials are used"),
        Option("region", "the bucket's region"),
        Option("storage-class", "the storage class of packs"),
        Option("server-side-encryption", "AES256, aws:kms, or aws:kms:KEY"),
        ANONYMOUS,
    ),
    provider="s3.amazonaws.com",
)
GS = Kind(
    "gs",
    Shape.BUCKET,
    "mvc.remotes.backends.gcs",
    "gs://team-models/vision",
    "gcs",
    options=(ENDPOINT, Option("project", "the project that the bucket belongs to"), KEY_FILE, ANONYMOUS),
    aliases=("gcs",),
    provider="storage.googleapis.com",
)
AZ = Kind(
    "az",
    Shape.BUCKET,
    "mvc.remotes.backends.azure",
    "az://models/vision",
    "azure",
    options=(Option("account", "the storage account"), ENDPOINT, ANONYMOUS),
    aliases=("abfs", "abfss"),
    accounts="blob.core.windows.net",
)
SFTP = Kind(
    "sftp",
    Shape.SERVER,
    "mvc.remotes.backends.sftp",
    "sftp://ana@models.example.org:2222/srv/models",
    "sftp",
    options=(
        KEY_FILE,
        Option("known-hosts", "the file of host keys, instead of ~/.ssh/known_hosts"),
        Option("port", "the server's port"),
        Option("user", "the user to log in as"),
    ),
    aliases=("ssh",),
)
PICSELLIA = Kind(
    "picsellia",
    Shape.REGISTRY,
    "mvc.registry.picsellia.adapter",
    "picsellia://acme",
    "picsellia",
    options=(
        Option("host", "the platform's address, where a registry is not at https://app.picsellia.com"),
        Option("ca", "the file with the certificates of a private authority (PEM), trusted besides the public ones"),
    ),
    provider="app.picsellia.com",
)
KINDS = {kind.scheme: kind for kind in (FILE, S3, GS, AZ, SFTP, PICSELLIA)}
"""Every kind by its scheme."""
DOCKER = "docker"
"""The kind of registries of images, which are no remotes, and of their token servers."""
HUGGING_FACE, MLFLOW = "hf", "mlflow"
"""The kinds of hubs, which are no remotes, whose tokens go to a host that the user's environment or a URL names."""
CREDENTIALS = (
    *(kind.scheme for kind in KINDS.values() if kind.shape is not Shape.FOLDER),
    DOCKER,
    HUGGING_FACE,
    MLFLOW,
)
"""The kinds whose credentials go to a host that somebody must approve."""
OPTIONS = {option.name: option.meaning for kind in KINDS.values() for option in kind.options}
"""Every setting that some kind has, and what it means."""
_SPELLED = {scheme: kind for kind in KINDS.values() for scheme in (kind.scheme, *kind.aliases)}


def spelled(scheme: str) -> Kind | None:
    """Return the kind that URLs with `scheme` name, in small letters; None for none."""
    return _SPELLED.get(scheme)


def spellings() -> Iterator[str]:
    """Yield the beginning of each URL that names a remote: `file://`, `s3://`, ..."""
    return (f"{scheme}://" for scheme in _SPELLED)
