"""The SHA-256 hashes of a version's files: computed once, and remembered beside the store."""

from __future__ import annotations

from collections.abc import Mapping

from mvc.model.ids import FileId
from mvc.registry.files import sha256
from mvc.registry.hubs.hub_version import HubVersion
from mvc.storage.progress import Progress


class Hashes:
    """The hashes of one version's files; `of` has those that are known."""

    def __init__(self, version: HubVersion) -> None:
        """Look up what is known; read no file yet."""
        self._version = version
        self.of: dict[FileId, str] = sha256.known(version.model.repository, version.tree.entries)

    def all(self, progress: Progress | None) -> Mapping[FileId, str]:
        """Return the hashes of all files; read those whose hash is not known."""
        self.of = sha256.of(self._version.model.repository, self._version.tree.entries, progress)
        return self.of
