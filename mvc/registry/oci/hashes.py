"""The SHA-256 hashes of a version's files: computed once, and remembered beside the store."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from mvc.model.ids import FileId
from mvc.registry.hubs.hub_version import HubVersion
from mvc.storage.progress import Progress
from mvc.storage.records.checksums import Checksums

SHA256 = "sha256"
_BLOCK = 1 << 20


class Hashes:
    """The hashes of one version's files; `of` has those that are known."""

    def __init__(self, version: HubVersion) -> None:
        """Look up what is known; read no file yet."""
        self._version = version
        self._checksums = Checksums(version.model.repository.door)
        known = ((file.id, self._checksums.digest(SHA256, file.id)) for file in version.files)
        self.of: dict[FileId, str] = {id_: digest for id_, digest in known if digest is not None}

    def all(self, progress: Progress | None) -> Mapping[FileId, str]:
        """Return the hashes of all files; read those whose hash is not known."""
        unknown = {file.id: file for file in self._version.files if file.id not in self.of}
        if progress is not None and unknown:
            progress.expect(sum(file.size for file in unknown.values()), "Hashing")
        for id_, file in unknown.items():
            hashed = hashlib.sha256()
            with file.open() as stream:
                while block := stream.read(_BLOCK):
                    hashed.update(block)
                    if progress is not None:
                        progress(len(block))
            self.of[id_] = hashed.hexdigest()
            self._checksums.add(SHA256, self.of[id_], id_)
            self._checksums.save()
        return self.of
