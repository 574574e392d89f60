"""The interface of a hub, and the table of hubs: each scheme with its module, which is loaded when it is named.

    mvc publish hf://acme/helmet     HUBS["hf"] ─► its module ─► connect(address, access) ─► Hub

A new hub is a row in HUBS and a module with `connect`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.hosts import Approvals
from mvc.model.ids import VersionId
from mvc.registry.hubs.hub_version import HubVersion
from mvc.storage.progress import Progress

NEW, RESUMED, KNOWN = "new", "resumed", "known"
"""The outcome for a version: published now; completed after an interruption; published before."""


@dataclass(frozen=True, slots=True)
class HubKind:
    """A kind of hub: the `module` with its `connect`, the `extra` that installs what that imports, an `example` URL."""

    scheme: str
    module: str
    extra: str
    example: str


HUBS = {
    kind.scheme: kind
    for kind in (
        HubKind("hf", "mvc.registry.huggingface.hub", "hf", "hf://acme/helmet"),
        HubKind("oci", "mvc.registry.oci.hub", "docker", "oci://registry.example.org/team/helmet"),
        HubKind("mlflow", "mvc.registry.mlflow.hub", "mlflow", "mlflow://mlflow.example.org/helmet"),
    )
}
"""Every kind of hub, by the scheme of its URLs."""


@dataclass(frozen=True, slots=True)
class Access:
    """The credentials of the person: the environment that names them, and the hosts that may receive them."""

    environ: Mapping[str, str]
    approvals: Approvals
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Publication(Document):
    """A version on a hub: its outcome, `how`, its `place` there, and its `page`; `names` are those that are set to it.

    `notes` are warnings. In a dry run, a new one has its place only as far as it is known.
    """

    KEYS = keys("id number how place page names notes bytes_sent=sent")

    id: VersionId
    number: int
    how: str
    place: str
    page: str | None = None
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sent: int = 0


class Hub(Protocol):
    """A repository or model of a hub, to which versions are published.

    A version is published completely or not at all; to publish it again adds nothing. Methods raise RegistryUnreachable,
    RegistryDenied, RegistryFault and the like.
    """

    @property
    def address(self) -> str:
        """The URL of the hub, as the user names it."""

    def publish(self, version: HubVersion, names: Sequence[str], *, force: bool, dry_run: bool) -> Publication:
        """Publish a version, and set `names` (tags or aliases there) to it; `force` moves what is elsewhere.

        A dry run only looks.
        """

    def close(self) -> None:
        """Close the connections."""


def scheme_of(text: str) -> str | None:
    """Return the scheme of the hub that `text` is the URL of; None for any other text."""
    scheme, separator, _ = text.partition("://")
    base = scheme.partition("+")[0]  # mlflow+sqlite:///...
    return base if separator and base in HUBS else None


def module_of(kind: HubKind, name: str) -> object:
    """Return the module `name` of a kind. Raises MissingHubExtra if a library is not installed."""
    try:
        return lazy.load(name)
    except ImportError as error:
        raise errors.MissingHubExtra(scheme=kind.scheme, extra=kind.extra, library=error.name or str(error)) from error


@contextlib.contextmanager
def connected(address: str, access: Access) -> Iterator[Hub]:
    """Yield the hub of a URL, and close its connections afterwards. Raises BadHubUrl, MissingHubExtra, and as the hub."""
    scheme = scheme_of(address)
    if scheme is None:
        known = ", ".join(f"{kind}://" for kind in HUBS)
        raise errors.BadHubUrl(url=address, reason=f"its scheme is none of {known}", example=HUBS["hf"].example)
    kind = HUBS[scheme]
    module = module_of(kind, kind.module)
    hub: Hub = module.connect(address, access)  # type: ignore[attr-defined]  # each module of the table has it
    try:
        yield hub
    finally:
        hub.close()
