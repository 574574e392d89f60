"""An OCI registry as a hub: a version is an artifact with the tag of its name, which mvc never moves.

    tag v8-f17a3e4ccdd6 there? ─┬─ this version ─► known
                                ├─ another ─► refused
                                └─ none ─► SHA-256 of its files ─► blobs that the registry lacks ─► manifest ◄── commit point
    other tags ─► moved only from another version of the model, unless forced

A registry cannot create a tag only if it is absent, so the tag is read before and after.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from mvc import errors
from mvc.images import distribution
from mvc.images.blobs import Blob
from mvc.images.distribution import Repository
from mvc.model.ids import FileId
from mvc.model.toml.schema import IMAGE_TAG
from mvc.registry import published
from mvc.registry.hubs.hub import KNOWN, NEW, Access, Publication
from mvc.registry.hubs.hub_version import HubFile, HubVersion
from mvc.registry.oci import address, media_types, model_pack, pushed
from mvc.registry.oci.address import OciAddress
from mvc.registry.oci.hashes import Hashes
from mvc.registry.oci.manifest import BadManifestError, ModelManifest
from mvc.registry.oci.model_pack import ModelPack
from mvc.transport import transfers

_BLOCK = 1 << 20
_MOUNTED = 1 << 20
"""Bytes of a file from which on another repository of the registry is asked for it, which costs a request."""


class OciHub:
    """A repository of an OCI registry."""

    def __init__(self, where: OciAddress, access: Access) -> None:
        """Connect with docker's login, which is for reading and writing; nothing is requested yet."""
        self._where = where
        self._progress = access.progress
        self._reporting = threading.Lock()
        self._stack = contextlib.ExitStack()
        self._repository: Repository = self._stack.enter_context(
            distribution.connected(where.image, access.environ, access.approvals, writes=True)
        )

    @property
    def address(self) -> str:
        """The URL of the repository."""
        return self._where.text

    def close(self) -> None:
        """Close the connections."""
        self._stack.close()

    def publish(self, version: HubVersion, names: Sequence[str], *, force: bool, dry_run: bool) -> Publication:
        """Publish a version, and set the tags `names` to it; nothing is sent before all tags were read.

        Raises HubChanged, HubNameTaken, BadOciTag, ManifestTooLarge, Missing, Damaged, and errors of the registry.
        """
        tags, notes = _valid(version, names)
        known = Hashes(version)
        stored = self._stored(version, known.of)
        for tag in () if force else tags:
            self._check_tag(tag, version)
        sent, how = 0, NEW if stored is None else KNOWN
        if not dry_run:
            if stored is None:
                sent, stored = self._send(version, known)
            for tag in tags:
                self._repository.put_manifest(tag, media_types.MANIFEST, stored)
        return Publication(
            version.id, version.version.number, how, self._place(version.name), names=tags, notes=notes, sent=sent
        )

    def _report(self, count: int) -> None:
        """Count sent bytes; several threads do."""
        if self._progress is not None:
            with self._reporting:
                self._progress(count)

    def _place(self, tag: str) -> str:
        return f"{self._where.image.name}:{tag}"

    def _stored(self, version: HubVersion, known: Mapping[FileId, str]) -> bytes | None:
        """Return the manifest with the version's tag, None for none. Raises HubChanged if it is of something else."""
        received = self._repository.manifest(version.name, media_types.ACCEPT)
        if received is None:
            return None
        try:
            reason = model_pack.difference(version, known, ModelManifest.decode(received.body))
        except BadManifestError as error:
            reason = str(error)
        if reason:
            raise errors.HubChanged(name=version.name, hub=self.address, reason=reason)
        return received.body

    def _check_tag(self, tag: str, version: HubVersion) -> None:
        """Raise HubNameTaken if a tag is at something else than a version of the model that mvc published."""
        received = self._repository.manifest(tag, media_types.ACCEPT)
        if received is None:
            return
        try:
            stored = ModelManifest.decode(received.body)
        except BadManifestError:
            stored = None
        is_own = stored is not None and stored.version is not None
        model = stored.annotations.get(model_pack.NAME) if is_own and stored is not None else None
        if model != version.manifest.name:
            place = f"a version of {model}" if model is not None else f"another artifact ({received.digest[:19]})"
            raise errors.HubNameTaken(name=tag, hub=self.address, place=place, version=version.name)

    def _send(self, version: HubVersion, hashes: Hashes) -> tuple[int, bytes]:
        """Send what the registry lacks of a version, then its manifest; return the bytes sent and the manifest."""
        pack = ModelPack(version, hashes.all(self._progress))
        manifest = pack.manifest  # refused before anything is sent
        if self._progress is not None:
            self._progress.expect(version.size, "Uploading")
        door, image = version.model.repository.door, self._where.image
        others = tuple(name for name in pushed.repositories(door, image.registry) if name != image.repository)

        def begin(file: HubFile) -> Callable[[], int]:
            """Locate the file's chunks in this thread; return its upload for another one."""
            source = _Source(file, self._report)
            blob = Blob(f"sha256:{pack.sha256[file.id]}", file.size, source.read)
            return lambda: self._repository.upload(blob, others if file.size >= _MOUNTED else ())

        files = {file.id: file for file in version.files}.values()
        with contextlib.closing(transfers.results(begin, files, lambda file: file.size)) as results:
            sent = sum(size for _, size in results)
        for digest, content in pack.documents.items():
            sent += self._repository.upload(Blob(digest, len(content), _reader(content)))
        digest = self._repository.put_manifest(version.name, media_types.MANIFEST, manifest)
        received = self._repository.manifest(version.name, media_types.ACCEPT)
        if received is None:
            raise errors.HubChanged(name=version.name, hub=self.address, reason="it is not there after it was stored")
        if received.digest != digest:  # of somebody who published at the same moment: the same version, or refused
            self._stored(version, pack.sha256)
        pushed.add(door, image.registry, image.repository)
        return sent, manifest


class _Source:
    """A stored file as a registry's client reads it, in any thread; `report` is called with the size of each block."""

    def __init__(self, file: HubFile, report: Callable[[int], None]) -> None:
        self._stream = file.open()
        self._report = report

    def read(self, offset: int) -> Iterator[bytes]:
        """Yield the bytes from `offset`."""
        self._stream.seek(offset)
        while block := self._stream.read(_BLOCK):
            self._report(len(block))
            yield block


def connect(where: str, access: Access) -> OciHub:
    """Return the hub of a repository's URL. Raises BadHubUrl."""
    target = address.parse(where)
    if target.reference is not None:
        reason = "a version is published under its own name; name further tags with --tag"
        raise errors.BadHubUrl(url=where, reason=reason, example=target.text)
    return OciHub(target, access)


def _valid(version: HubVersion, names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names that can be tags there, and notes about refs that cannot. Raises BadOciTag for another name."""
    tags, notes = [], []
    for name in names:
        fault = "" if IMAGE_TAG.match(name) else "tags there have letters, digits, _ . and -"
        fault = "it has the form of a version's own name" if published.is_version_name(name) else fault
        if not fault:
            tags.append(name)
        elif name in (*version.tags, *version.aliases):
            notes.append(f"{name} was not set there: {fault}")
        else:
            raise errors.BadOciTag(tag=name, reason=fault)
    return tuple(tags), tuple(notes)


def _reader(content: bytes) -> Any:
    return lambda offset: iter((content[offset:],))
