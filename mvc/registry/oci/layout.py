"""OCI image layouts: folders with the blobs and manifests of artifacts, as image tools write and read them.

oci-layout                    {"imageLayoutVersion":"1.0.0"}
index.json                    the manifests, each with its tag
blobs/sha256/9f86d081…        manifests, configs and layers, each named by its SHA-256
"""

from __future__ import annotations

from mvc.images.digests import digest_of
from mvc.registry.hubs.hub_version import HubVersion
from mvc.registry.oci import media_types
from mvc.registry.oci.hashes import Hashes
from mvc.registry.oci.manifest import Descriptor, encode
from mvc.registry.oci.model_pack import ModelPack
from mvc.storage.disk.exportdoor import ExportDoor
from mvc.storage.progress import Progress

MARK, INDEX = "oci-layout", "index.json"
REF = "org.opencontainers.image.ref.name"
"""The annotation with the tag of a manifest in an index."""


def write(version: HubVersion, door: ExportDoor, progress: Progress | None = None) -> None:
    """Write a version as the only artifact of a layout. Raises Missing, Damaged, ManifestTooLarge, DiskFailed."""
    pack = ModelPack(version, Hashes(version).all(progress))
    manifest = pack.manifest
    if progress is not None:
        progress.expect(version.size, "Exporting")
    for file in {file.id: file for file in version.files}.values():
        with door.file(_blob(f"sha256:{pack.sha256[file.id]}"), executable=False) as temporary:
            version.model.repository.extract.to_temporary(file.id, temporary, progress=progress)
    stored = {f"sha256:{sha256}" for sha256 in pack.sha256.values()}
    for digest, content in {**pack.documents, digest_of(manifest): manifest}.items():
        if digest not in stored:
            _write(door, _blob(digest), content)
    entry = Descriptor(media_types.MANIFEST, digest_of(manifest), len(manifest), {REF: version.name})
    listed = {**entry.to_json(), "artifactType": media_types.ARTIFACT}
    _write(door, INDEX, encode({"schemaVersion": 2, "mediaType": media_types.INDEX, "manifests": [listed]}))
    _write(door, MARK, encode({"imageLayoutVersion": "1.0.0"}))


def _write(door: ExportDoor, path: str, content: bytes) -> None:
    with door.file(path, executable=False) as temporary:
        temporary.write(content)


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"
