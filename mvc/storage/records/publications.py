"""Publications in progress: what of a version a registry has so far, so that an interrupted `publish` resumes there.

    publishing/9f86….0a1b2c3d4e5f6071  {"files":{"model-latest":"0197…"},"kind":"publishing","model_version":"0197…",…,"sum":"…"}

There is one record for a version and its destination. It spares reading back what was uploaded; without it, the registry is
asked for everything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from mvc import errors
from mvc.model import canonical
from mvc.model.ids import VersionId, digest
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records.record import Record

FOLDER = "publishing"
_DIGITS = 16
_NAME = re.compile(rf"[0-9a-f]{{64}}\.[0-9a-f]{{{_DIGITS}}}\Z")


@dataclass(frozen=True, slots=True)
class Publishing(Record):
    """A version on its way to a model on a registry: the registry version created for it, and its uploaded files by role."""

    KIND = "publishing"
    NOUN = "publication in progress"

    version: VersionId
    host: str
    organization: str
    model: str
    model_version: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)

    def made(self, model_version: str) -> Self:
        """Return the same with the registry version being filled; files of another one do not count."""
        if model_version == self.model_version:
            return self
        return replace(self, model_version=model_version, files={})

    def sent(self, role: str, file: str) -> Self:
        """Return the same with one more uploaded file."""
        return replace(self, files={**self.files, role: file})

    @property
    def path(self) -> str:
        """Return the name of its record, below `.mvc`."""
        place = digest(canonical.encode([self.host, self.organization, self.model]))
        return f"{FOLDER}/{self.version}.{place[:_DIGITS]}"


def resumed(door: StoreDoor, publishing: Publishing) -> Publishing:
    """Return the record of this publication; the argument itself if there is none that can be read."""
    try:
        return Publishing.decode(door.read(publishing.path), what=publishing.path)
    except (FileNotFoundError, errors.Damaged):
        return publishing


def record(door: StoreDoor, publishing: Publishing) -> None:
    """Record the progress, durably. Under the lock."""
    door.replace(publishing.path, publishing.encode())


def end(door: StoreDoor, publishing: Publishing) -> None:
    """Remove the record. Under the lock."""
    door.remove(publishing.path)


def check(door: StoreDoor, name: str) -> None:
    """Raise Damaged unless the file `name` of the folder is a whole record."""
    path = f"{FOLDER}/{name}"
    if not _NAME.match(name) or Publishing.decode(door.read(path), what=path).path != path:
        raise errors.Damaged(what=path, reason="it is not the name of its record")
