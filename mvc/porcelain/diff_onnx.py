"""`mvc diff --onnx`: the changes of the graphs of modified ONNX files. Only the nodes are read, and fetched if needed."""

from __future__ import annotations

import contextlib
import os
import posixpath
from collections.abc import Iterable, Iterator

from mvc import errors
from mvc.deferred import dataclass
from mvc.formats.metadata import onnx_operators
from mvc.formats.source import HeaderError, Source
from mvc.model.compare.diff import Change
from mvc.model.compare.files import FileChange
from mvc.model.compare.onnx import OnnxGraph, compare
from mvc.model.document import Document, keys
from mvc.model.tree import TreeEntry
from mvc.repository.repository import Repository
from mvc.transport.file_reader import FileReader

SUFFIX = ".onnx"


@dataclass(frozen=True, slots=True)
class FileGraphs(Document):
    """The graphs of both sides of a modified file, and their changes by key; None for one that cannot be read, with the reason."""

    KEYS = keys("path=file.entry.path role=file.entry.role old new changes reason")

    file: FileChange
    old: OnnxGraph | None
    new: OnnxGraph | None
    changes: tuple[Change, ...] = ()
    reason: str | None = None


def differences(
    repository: Repository, changes: Iterable[FileChange], folder: str | None = None
) -> tuple[FileGraphs, ...]:
    """Return the graphs of each modified ONNX file; the new side is in the `folder` of the working tree if that is given.

    Raises Missing, Damaged, and the errors of a fetch.
    """
    return tuple(
        _compared(repository, change, change.old, change.new, folder)
        for change in changes
        if change.old and change.new and change.bytes_changed and is_onnx(change.old) and is_onnx(change.new)
    )


def is_onnx(entry: TreeEntry) -> bool:
    """Return whether a file is an ONNX model by its name."""
    return posixpath.splitext(entry.path)[1].lower() == SUFFIX


@contextlib.contextmanager
def stored(repository: Repository, entry: TreeEntry) -> Iterator[Source]:
    """Open a stored file, whose ranges are fetched if needed."""
    with FileReader(repository, entry.file) as reader:
        yield Source(reader.read_range, entry.size, entry.path)


def _compared(
    repository: Repository, change: FileChange, old: TreeEntry, new: TreeEntry, folder: str | None
) -> FileGraphs:
    graphs: list[OnnxGraph | None] = []
    reason = None
    for opened in (
        stored(repository, old),
        stored(repository, new) if folder is None else _working(repository, folder, new),
    ):
        try:
            with opened as source:
                graphs.append(onnx_operators.read(source))
        except HeaderError as error:
            graphs.append(None)
            reason = reason or str(error)
    before, after = graphs
    changes = compare(before, after) if before is not None and after is not None else ()
    return FileGraphs(change, before, after, changes, reason)


@contextlib.contextmanager
def _working(repository: Repository, folder: str, entry: TreeEntry) -> Iterator[Source]:
    try:
        fd = repository.tree.open(f"{folder}/{entry.path}" if folder else entry.path)
    except FileNotFoundError as error:
        raise errors.FileChanged(path=entry.path) from error
    try:
        yield Source.of(fd, entry.path)
    finally:
        os.close(fd)
