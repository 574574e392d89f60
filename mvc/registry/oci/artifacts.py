"""Artifacts to import: the manifests of a repository on a registry, or of a layout folder, and the blobs that they name.

oci://host/team/helmet ─ tags ─► manifests ─┐
layout/index.json ─ entries ─► manifests ───┴─► Artifact, once for each digest, with all of its tags
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mvc import errors
from mvc.deferred import dataclass
from mvc.images.digests import digest_of
from mvc.model.image import Image
from mvc.registry import published
from mvc.registry.hubs.hub import HUBS, module_of
from mvc.registry.oci import media_types
from mvc.registry.oci.address import SCHEME, OciAddress
from mvc.registry.oci.layout import INDEX, MARK, REF
from mvc.registry.oci.manifest import MAX_BYTES, BadManifestError, Descriptor, decode
from mvc.repository.imports.request import Request
from mvc.repository.imports.source import Sink
from mvc.storage.disk import confined

if TYPE_CHECKING:
    from mvc.images.distribution import Repository

MAX_ENTRIES = 50_000


@dataclass(slots=True)
class Artifact:
    """A manifest by its digest, and the tags that name it."""

    digest: str
    body: bytes
    tags: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """A name for messages: a tag, else the beginning of the digest."""
        return min(self.tags, key=lambda tag: (not published.is_version_name(tag), tag), default=self.digest[:19])


class Artifacts(Protocol):
    """The artifacts of one source; `origin` names it in messages, `name` is the model's name there."""

    @property
    def origin(self) -> str:
        """The URL or the path."""

    @property
    def name(self) -> str:
        """The last part of it."""

    def all(self) -> list[Artifact]:
        """Return the artifacts, each once. Raises HubLacks, and errors of the source."""

    def content(self, layer: Descriptor) -> Path | None:
        """Return the file that has a blob; None if it must be downloaded."""

    def read(self, layer: Descriptor, sink: Sink) -> None:
        """Write a blob to `sink`. Raises errors of the source, also for another content."""


class OnRegistry:
    """The artifacts of a repository, or the one with the tag or digest of its URL."""

    def __init__(self, where: OciAddress, repository: Repository) -> None:
        """Request nothing yet."""
        self._where = where
        self._repository = repository
        self.origin = where.text
        self.name = where.image.repository.rpartition("/")[2]

    def all(self) -> list[Artifact]:
        """Return the artifacts. Raises HubLacks, ImageUnreachable and the like."""
        reference = self._where.reference
        tags = [reference] if reference is not None else self._repository.tags()
        artifacts: dict[str, Artifact] = {}
        for tag in tags:
            received = self._repository.manifest(tag, media_types.ACCEPT)
            if received is not None:
                artifact = artifacts.setdefault(received.digest, Artifact(received.digest, received.body))
                artifact.tags += [tag] if tag != received.digest else []
        if not artifacts:
            raise errors.HubLacks(hub=self._where.image.registry, what=self._missing, way=_WAY)
        return list(artifacts.values())

    @property
    def _missing(self) -> str:
        image, reference = self._where.image, self._where.reference
        return f"{reference} of {image.repository}" if reference is not None else f"tags of {image.repository}"

    def content(self, layer: Descriptor) -> None:
        """Return None: every blob must be downloaded."""

    def read(self, layer: Descriptor, sink: Sink) -> None:
        """Download a blob; resumed after a lost connection."""
        self._repository.download(layer.digest, layer.size, sink)


class InLayout:
    """The artifacts of a layout folder."""

    def __init__(self, folder: Path) -> None:
        """Read nothing yet."""
        self._folder = folder
        self.origin = str(folder)
        self.name = folder.name

    def all(self) -> list[Artifact]:
        """Return the artifacts. Raises BadLayout, NoSuchFile."""
        try:
            decode(self._small(MARK))
            entries = decode(self._small(INDEX)).get("manifests")
            if not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
                raise BadManifestError(f"its manifests are not a list of at most {MAX_ENTRIES}")
            artifacts: dict[str, Artifact] = {}
            for entry in map(Descriptor.from_json, entries):
                if entry.digest not in artifacts:
                    artifacts[entry.digest] = Artifact(entry.digest, self._manifest(entry))
                tag = entry.annotations.get(REF, "").rpartition(":")[2]
                artifacts[entry.digest].tags += [tag] if tag else []
        except BadManifestError as error:
            raise errors.BadLayout(path=self._folder, reason=f"{INDEX}: {error}") from None
        return list(artifacts.values())

    def content(self, layer: Descriptor) -> Path:
        """Return the file of a blob."""
        return self._folder / "blobs" / layer.digest.replace(":", "/")

    def read(self, layer: Descriptor, sink: Sink) -> None:
        """Read a blob. Raises BadLayout for another content."""
        hashed = hashlib.sha256()
        for block in self._blocks(layer):
            hashed.update(block)
            sink(block)
        if hashed.hexdigest() != layer.sha256:
            raise errors.BadLayout(path=self._folder, reason=f"blob {layer.digest} has another content")

    def _blocks(self, layer: Descriptor) -> Iterator[bytes]:
        try:
            fd = confined.open_regular(self.content(layer))
        except OSError as error:
            raise errors.BadLayout(path=self._folder, reason=f"blob {layer.digest}: {error.strerror}") from None
        with open(fd, "rb") as file:
            left = layer.size + 1
            while left and (block := file.read(min(left, 1 << 20))):
                left -= len(block)
                yield block

    def _manifest(self, entry: Descriptor) -> bytes:
        body = self._small(str(self.content(entry).relative_to(self._folder)))
        if digest_of(body) != entry.digest:
            raise errors.BadLayout(path=self._folder, reason=f"blob {entry.digest} has another content")
        return body

    def _small(self, name: str) -> bytes:
        try:
            return confined.read_regular(self._folder / name, MAX_BYTES)
        except OSError as error:
            raise errors.BadLayout(path=self._folder, reason=f"{name}: {error.strerror}") from None


_WAY = "Check the address; if the repository is private, run `docker login` for that registry."


@contextlib.contextmanager
def connected(where: OciAddress, request: Request) -> Iterator[Artifacts]:
    """Yield the artifacts of a repository; close the connections afterwards. Raises Offline, MissingHubExtra."""
    if request.repository.offline:
        raise errors.Offline(what=where.text)
    distribution: Any = module_of(HUBS[SCHEME], "mvc.images.distribution")
    image = Image(where.image.registry, where.image.repository, where.image.tag)
    with distribution.connected(image, request.environ, request.repository.approvals) as repository:
        yield OnRegistry(where, repository)
