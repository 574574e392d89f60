"""`mvc textconv`: the tensors and classes of a file of weights as text, for `git diff` and `git log -p`."""

from __future__ import annotations

import os
from pathlib import Path

from mvc import errors
from mvc.deferred import dataclass
from mvc.intake.histories import lfs
from mvc.intake.histories.lfs import LfsStore, Pointer
from mvc.intake.plain import files as plain_files
from mvc.intake.plain.contents import Contents
from mvc.intake.plain.files import Plain, PlainFile
from mvc.model.document import Document, keys, rows
from mvc.model.ids import FileId
from mvc.model.labelmap import Labelmap
from mvc.model.segment import Segment
from mvc.repository.git.repository import GitRepository


@dataclass(frozen=True, slots=True)
class Converted(Document):
    """A file with its tensors and the classes that its metadata names; if it has no tensors, `reason` says why.

    `pointer` is the SHA-256 in a pointer of Git LFS: the tensors are those of its object, if that is on this machine.
    """

    KEYS = keys("path size file", {"classes": rows("classes", "index=0 name=1")}, "tensors pointer reason")

    path: str
    size: int
    file: FileId
    classes: Labelmap
    tensors: tuple[Segment, ...]
    pointer: str | None
    reason: str | None


def textconv(place: Path, shown: str, folder: Path) -> Converted:
    """Return the tensors and classes of the file at `place`, which messages call `shown`; also for a damaged file.

    The object of a pointer of Git LFS is looked for in the Git repository of `folder`. Raises NoSuchFile, NotComparable,
    UnreadablePath.
    """
    plain = plain_files.at(place, shown)
    if plain.folder is not None:
        raise errors.NotComparable(path=plain.shown, kind="a folder", expected="a file")
    (file,) = plain.files.values()
    pointer = lfs.parse(Contents(plain).start(file, lfs.MAX_POINTER))
    if pointer is None:
        return _converted(plain, file, None)
    stored = _stored(pointer, shown, folder)
    if stored is not None:
        (stored_file,) = stored.files.values()
        return _converted(stored, stored_file, pointer.oid)
    reason = f"a pointer of Git LFS to {pointer.size} bytes, which are not on this machine"
    return Converted(file.path, file.stat.size, Contents(plain).file_id(file), (), (), pointer.oid, reason)


def _converted(plain: Plain, file: PlainFile, pointer: str | None) -> Converted:
    contents = Contents(plain)
    reason = "no tensors are known"
    segments: tuple[Segment, ...] = ()
    try:
        contents.expect([file])
        side = contents.tensors(file)
        segments = side.segments if side is not None else ()
    except errors.MvcError as error:
        reason = error.message
    own = (file.path, os.path.basename(file.path))
    reason = next((note.reason for note in contents.notes if note.path in own), reason)
    classes = contents.classes(file) if segments else ()
    id_ = contents.file_id(file)
    return Converted(file.path, file.stat.size, id_, classes, segments, pointer, None if segments else reason)


def _stored(pointer: Pointer, shown: str, folder: Path) -> Plain | None:
    """Return the object of a pointer, under the path of the pointer; None if it is not here, or has other bytes."""
    try:
        with GitRepository(folder) as git:
            path = None if pointer.is_changed else LfsStore(git).find(pointer)
        return plain_files.at(path, shown) if path is not None else None
    except errors.MvcError:  # no repository, or a shallow one
        return None
