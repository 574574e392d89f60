"""`mvc ls --no-index`: the files at some paths and their tensors, without a repository."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mvc.deferred import dataclass
from mvc.intake.plain import files as plain_files
from mvc.intake.plain.contents import Contents
from mvc.intake.plain.files import LeftOut
from mvc.model.document import Document, keys
from mvc.model.ids import FileId
from mvc.model.licenses.claim import Claim
from mvc.model.segment import Segment


@dataclass(frozen=True, slots=True)
class PlainListed(Document):
    """A plain file; id, tensors and the licenses that it names where they are asked for; `exec`: an executable file."""

    KEYS = keys("path size file exec tensors licenses")
    OPTIONAL = ("file", "tensors", "licenses")

    path: str
    size: int
    file: FileId | None
    exec: bool
    tensors: tuple[Segment, ...] | None
    licenses: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class FilesListed(Document):
    """The plain files at some paths. `left_out` are paths that were not read, `notes` files whose tensors cannot be."""

    KEYS = keys("files left_out notes")

    files: tuple[PlainListed, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[LeftOut, ...]


def ls_files(
    places: Sequence[Path],
    *,
    shown: Sequence[str] = (),
    ids: bool = False,
    tensors: bool = False,
    licenses: bool = False,
) -> FilesListed:
    """Return the files at `places`, which messages call `shown`, those of folders by their paths; nothing is written.

    With `ids` and `tensors`, read them whole; with `licenses`, their headers. Raises NoSuchFile, NotComparable, UnreadablePath, FileChanged, TooBig.
    """
    found: list[PlainListed] = []
    left_out: list[LeftOut] = []
    notes: list[LeftOut] = []
    for place, name in zip(places, shown or map(os.fspath, places), strict=True):
        plain = plain_files.at(place, name)
        contents = Contents(plain)
        if tensors:
            contents.expect(plain.files.values())
        above = "" if plain.folder is None or name in (".", "./") else f"{plain.shown.rstrip('/')}/"
        for file in plain.files.values():
            side = contents.tensors(file) if tensors else None
            id_ = contents.file_id(file) if ids else None
            segments = side.segments if side is not None else None
            claims = contents.licenses(file) if licenses else ()
            listed = PlainListed(above + file.path, file.stat.size, id_, file.stat.executable, segments, claims)
            found.append(listed)
        left_out += [each._replace(path=above + each.path) for each in plain.left_out]
        notes += contents.notes
    return FilesListed(tuple(found), tuple(left_out), tuple(notes))
