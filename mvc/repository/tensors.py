"""The tensors of files, stored or in the working tree, and their changes.

stored       the segments of the recipe; for a file inside its recipe, its header
in the tree  the header, and digests from reading the tensors

Weights of stored files are read only for their drift (compare/tensor_drift).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.formats.known import describing
from mvc.formats.sniff import read_header
from mvc.formats.source import HeaderError, Source
from mvc.model.compare.files import FileChange
from mvc.model.compare.tensors import TensorDiff, compare
from mvc.model.document import Document, keys
from mvc.model.ids import digest
from mvc.model.segment import Segment, digest_of, listed
from mvc.model.tree import TreeEntry
from mvc.repository import disk_usage
from mvc.repository.worktree.scan import WorkFile
from mvc.storage.chunks import headers
from mvc.storage.disk import hashing

if TYPE_CHECKING:
    from mvc.repository.repository import Repository

if TYPE_CHECKING:
    from mvc.repository.compare import tensor_drift
else:
    tensor_drift = lazy.Module("mvc.repository.compare.tensor_drift")

ReadAt = Callable[[int, int], bytes]
"""A function that returns bytes, given an offset and a size."""
Segments = tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class FileTensors(Document):
    """The change of the tensors of a file; `difference` is None when those of one side are unknown."""

    KEYS = keys("path=file.entry.path role=file.entry.role difference")

    file: FileChange
    difference: TensorDiff | None


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: a file with tensors, which `opened` opens."""

    segments: Segments
    opened: Callable[[], ReadAt]


def stored(repository: Repository, entry: TreeEntry) -> Segments:
    """Return the tensors of a stored file from its recipe, none if they are unknown. Raises Damaged."""
    recipe = disk_usage.recipe_of(repository, entry.file)
    if recipe is None:
        return ()
    if recipe.inline is None:
        return listed(recipe.segments)
    data = recipe.inline
    return _from_header(lambda offset, size: data[offset : offset + size], len(data), entry.path)


def differences(
    repository: Repository, changes: Iterable[FileChange], files: Iterable[WorkFile] = (), *, deep: bool = False
) -> tuple[FileTensors, ...]:
    """Return the tensor changes of each modified file; with `deep`, also their weight drift.

    A new file that is not stored is one of `files`, and is read. Raises Damaged, Missing, FileChanged, OSError.
    """
    by_path = {file.path: file for file in files}
    found = []
    for change in changes:
        if change.old is not None and change.new is not None and change.bytes_changed:
            old, new = _stored(repository, change.old), _stored(repository, change.new)
            if old and not new and change.new.path in by_path:
                new = _tracked(repository, change.new.path, by_path)
            found.append(FileTensors(change, difference(old, new, deep=deep)))
    return tuple(found)


def difference(old: Side | None, new: Side | None, *, deep: bool) -> TensorDiff | None:
    """Compare the tensors of two files, with `deep` also their weights; None if those of one side are unknown."""
    if old is None or new is None:
        return None
    found = compare(old.segments, new.segments)
    return tensor_drift.measured(found, old.opened(), new.opened()) if deep else found


def side_of(lists: headers.Headers, source: Source, read_at: ReadAt) -> Side | None:
    """Return the tensors of a file by one of `lists`, with the digests of their bytes; None if they are unknown."""
    header = lists.header(source)
    segments = _with_digests(header.segments, read_at) if header is not None else ()
    return Side(segments, lambda: read_at) if segments else None


def _stored(repository: Repository, entry: TreeEntry) -> Side | None:
    segments = stored(repository, entry) if entry.file else ()
    return Side(segments, lambda: repository.extract.ranges(entry.file)) if segments else None


def _tracked(repository: Repository, path: str, files: Mapping[str, WorkFile]) -> Side | None:
    file = files[path]

    def read_at(offset: int, size: int) -> bytes:
        fd = repository.tree.open(file.root_path)
        try:
            data = os.pread(fd, size, offset)
        finally:
            os.close(fd)
        if len(data) != size:
            raise errors.FileChanged(path=file.path)
        if hashing.on_read is not None:
            hashing.on_read(size)
        return data

    return side_of(_lists(repository, path, files), Source(read_at, file.stat.size, path), read_at)


def _lists(repository: Repository, path: str, files: Mapping[str, WorkFile]) -> headers.Headers:
    """Return the headers of those of `files` that may list the tensors of the file at `path`."""
    found = headers.Headers()
    for other in describing(files, [path]) - {path}:
        with contextlib.suppress(errors.MvcError, OSError):
            fd = repository.tree.open(files[other].root_path)
            try:
                found.expect(Source.of(fd, other))
            finally:
                os.close(fd)
    return found


def _from_header(read_at: ReadAt, size: int, path: str) -> Segments:
    """Return the segments in a file's header, with their digests; none for an invalid header."""
    try:
        header = read_header(Source(read_at, size, path))
    except HeaderError:
        return ()
    return _with_digests(header.segments, read_at) if header is not None else ()


def _with_digests(segments: Segments, read_at: ReadAt) -> Segments:
    return listed(segment._replace(digest=_digest(segment, read_at)) for segment in segments)


def _digest(segment: Segment, read_at: ReadAt) -> str:
    starts = range(segment.offset, segment.end, segment.step)
    return digest_of([digest(read_at(start, min(segment.step, segment.end - start))) for start in starts])
