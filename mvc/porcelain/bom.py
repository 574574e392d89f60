"""`mvc bom`: a version as a bill of materials of CycloneDX or SPDX: the same version gives the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mvc
from mvc.deferred import dataclass
from mvc.formats.values import json_text
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.registry.documents import cyclonedx, documented_version, spdx
from mvc.repository.model import Model
from mvc.storage.disk import exportdoor
from mvc.storage.progress import Progress

SPDX, CYCLONEDX = "spdx", "cyclonedx"
FORMATS = (CYCLONEDX, "cyclonedx-1.6", "cyclonedx-1.7", SPDX)
_DEFAULT = "1.6"
"""The version of CycloneDX without a number."""
_PROGRAM = "mvc"


@dataclass(frozen=True, slots=True)
class Bom(Document):
    """A bill of materials: its format, such as `cyclonedx-1.6`, and the document as JSON."""

    KEYS = keys("model id number format document")

    model: str
    id: VersionId
    number: int
    format: str
    document: dict[str, Any]

    @property
    def text(self) -> str:
        """The document as text, with sorted keys; characters that act on a terminal are escapes of JSON."""
        return json_text.dump(self.document, sort_keys=True)


def bom(
    model: Model, id_: VersionId, format_: str = CYCLONEDX, *, read_data: bool = False, progress: Progress | None = None
) -> Bom:
    """Return the bill of materials of version `id_`, in one of FORMATS.

    With `read_data`, files are fetched if need be and read, for their SHA-256 and the licenses that they name. Raises
    Missing, Damaged, and as a fetch; ValueError for another format.
    """
    if format_ not in FORMATS:
        raise ValueError(f"unknown format {format_}; known: {', '.join(FORMATS)}")
    version = documented_version.of(model, id_, read_data=read_data, progress=progress)
    program = (_PROGRAM, mvc.__version__)
    number = version.version.number
    if format_ == SPDX:
        return Bom(model.key, id_, number, "spdx-3.0.1", spdx.document(version, program))
    spec = format_.partition("-")[2] or _DEFAULT
    return Bom(model.key, id_, number, f"{CYCLONEDX}-{spec}", cyclonedx.document(version, spec, program))


def save(text: str, target: Path) -> None:
    """Write a document to `target`: a file is replaced atomically. Raises InsideStore, NotWritable, DiskFailed."""
    with exportdoor.output(target) as write:
        write(text.encode())
