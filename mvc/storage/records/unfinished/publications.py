"""Publications in progress: the files that a registry already has, so that an interrupted `publish` resumes.

    publishing/9f86….0a1b2c3d4e5f6071  {"files":{"model-latest":"0197…"},"kind":"publishing","model_version":"0197…",…,"sum":"…"}

There is one record per version and destination. With it, uploaded files need not be read back from the registry.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Self

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import canonical
from mvc.model.ids import VersionId, digest
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records.record import OMITTED, Record

FOLDER = "publishing"
_DIGITS = 16
_NAME = re.compile(rf"[0-9a-f]{{64}}\.[0-9a-f]{{{_DIGITS}}}\Z")


@dataclass(frozen=True, slots=True)
class Publishing(Record):
    """A publication in progress: the created registry version, and its uploaded files by role.

    `exported_after` is the model's highest version number before the version's experiment is exported, None without an
    export.
    """

    KIND = "publishing"
    NOUN = "publication in progress"

    version: VersionId
    host: str
    organization: str
    model: str
    model_version: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    exported_after: int | None = field(default=None, metadata=OMITTED)

    def made(self, model_version: str) -> Self:
        """Return the record with its registry version; drop the files of another one."""
        if model_version == self.model_version:
            return self
        return replace(self, model_version=model_version, files={})

    def sent(self, role: str, file: str) -> Self:
        """Return the record with one more uploaded file."""
        return replace(self, files={**self.files, role: file})

    @property
    def path(self) -> str:
        """Return the name of its record, below `.mvc`."""
        place = digest(canonical.encode([self.host, self.organization, self.model]))
        return f"{FOLDER}/{self.version}.{place[:_DIGITS]}"


def resumed(door: StoreDoor, publishing: Publishing) -> Publishing:
    """Return the stored record of this publication; the argument if it is absent or damaged."""
    try:
        return Publishing.decode(door.read(publishing.path), what=publishing.path)
    except (FileNotFoundError, errors.Damaged):
        return publishing


def record(door: StoreDoor, publishing: Publishing) -> None:
    """Write the record durably. The caller holds the lock."""
    door.replace(publishing.path, publishing.encode())


def end(door: StoreDoor, publishing: Publishing) -> None:
    """Remove the record. The caller holds the lock."""
    door.remove(publishing.path)


def check(door: StoreDoor, name: str) -> None:
    """Raise Damaged unless the file `name` of the folder is a valid record."""
    path = f"{FOLDER}/{name}"
    if not _NAME.match(name) or Publishing.decode(door.read(path), what=path).path != path:
        raise errors.Damaged(what=path, reason="its name does not match its record")
