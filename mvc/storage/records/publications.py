"""Publications under way: what of a version was made on a registry so far, so that one that was stopped goes on from there.

    publishing/9f86….0a1b2c3d4e5f6071  {"files":{"model-latest":"0197…"},"kind":"publishing","model_version":"0197…",…,"sum":"…"}

One record for a version and the place it goes to. It spares reading back what was sent; without it, all is looked at there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from mvc import errors
from mvc.model import canonical
from mvc.model.ids import VersionId, digest, is_id
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records import sealed

FOLDER = "publishing"
_DIGITS = 16
_NAME = re.compile(rf"[0-9a-f]{{64}}\.[0-9a-f]{{{_DIGITS}}}\Z")
_FIELDS = {"kind", "v", "version", "host", "organization", "model", "model_version", "files"}


@dataclass(frozen=True, slots=True)
class Publishing:
    """A version on its way to a model on a registry: the version made of it there, and its files there by role."""

    version: VersionId
    host: str
    organization: str
    model: str
    model_version: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)

    def made(self, model_version: str) -> Self:
        """With the version that is being filled there; nothing is known of the files of another one."""
        if model_version == self.model_version:
            return self
        return replace(self, model_version=model_version, files={})

    def sent(self, role: str, file: str) -> Self:
        """With one more file."""
        return replace(self, files={**self.files, role: file})

    @property
    def path(self) -> str:
        """Where its record lies, below `.mvc`."""
        place = digest(canonical.encode([self.host, self.organization, self.model]))
        return f"{FOLDER}/{self.version}.{place[:_DIGITS]}"

    def encode(self) -> bytes:
        """The exact bytes of its record."""
        return sealed.seal(
            {
                "kind": "publishing",
                "v": 1,
                "version": self.version,
                "host": self.host,
                "organization": self.organization,
                "model": self.model,
                "model_version": self.model_version,
                "files": dict(self.files),
            }
        )

    @classmethod
    def decode(cls, data: bytes, *, what: str) -> Self:
        """From the bytes of a record; raises Damaged."""
        record = sealed.unseal(data, what=what, kind="publishing")
        if set(record) != _FIELDS or record["v"] != 1 or not _well_formed(record):
            raise errors.Damaged(what=what, reason="its fields are not those of a publication under way")
        del record["kind"], record["v"]
        return cls(**record)


def resumed(door: StoreDoor, publishing: Publishing) -> Publishing:
    """What is on record of this publication; itself where nothing is, or nothing that can be read."""
    try:
        return Publishing.decode(door.read(publishing.path), what=publishing.path)
    except (FileNotFoundError, errors.Damaged):
        return publishing


def record(door: StoreDoor, publishing: Publishing) -> None:
    """Under the lock: keep how far it is, durably."""
    door.replace(publishing.path, publishing.encode())


def end(door: StoreDoor, publishing: Publishing) -> None:
    """Under the lock: it is under way no more."""
    door.remove(publishing.path)


def check(door: StoreDoor, name: str) -> None:
    """Raise Damaged unless the file `name` of the folder is a whole record."""
    path = f"{FOLDER}/{name}"
    if not _NAME.match(name) or Publishing.decode(door.read(path), what=path).path != path:
        raise errors.Damaged(what=path, reason="it is not the name of its record")


def _well_formed(record: Mapping[str, Any]) -> bool:
    files, made = record["files"], record["model_version"]
    return (
        is_id(record["version"])
        and all(isinstance(record[key], str) for key in ("host", "organization", "model"))
        and (made is None or isinstance(made, str))
        and isinstance(files, dict)
        and all(isinstance(each, str) for each in files.values())
    )
