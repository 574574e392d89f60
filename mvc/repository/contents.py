"""What files hold, told from their headers: of a version where its bytes are here, of the working tree where they lie.

a file ─► is it here? ─ no ─► None: nobody can tell          yes ─► its first bytes, or the directory at its end
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from mvc import errors
from mvc.formats import zip_directory
from mvc.formats.fault import fault
from mvc.formats.sniff import read_header
from mvc.formats.source import HeaderError, Source
from mvc.model.compare.files import FileChange
from mvc.model.tree import TreeEntry
from mvc.storage.chunks.headers import Note
from mvc.storage.records.promised import State

if TYPE_CHECKING:
    from mvc.repository.repository import Repository

Open = Callable[[TreeEntry], contextlib.AbstractContextManager[Source | None]]
"""Gives a file for as long as it is looked into; None where it is not here."""


class Contents:
    """Looks into files, and runs nothing in them."""

    def __init__(self, open_: Open) -> None:
        """Look into what `open_` gives."""
        self._open = open_

    def members(self, entry: TreeEntry) -> Collection[str] | None:
        """The names in a zip archive, none when the file is no whole one; None when its bytes are not here."""
        with self._open(entry) as source:
            if source is None:
                return None
            try:
                return zip_directory.members(source)
            except HeaderError:
                return ()

    def format(self, entry: TreeEntry) -> str | None:
        """The format its header tells, `""` when it is of none that is known; None when its bytes are not here."""
        with self._open(entry) as source:
            if source is None:
                return None
            try:
                header = read_header(source)
            except HeaderError:
                return ""
            return header.format if header is not None else ""

    def fault(self, entry: TreeEntry) -> str | None:
        """What is wrong with a weight file, `""` when nothing is found; None when its bytes are not here."""
        with self._open(entry) as source:
            return None if source is None else fault(source)


def stored(repository: Repository) -> Contents:
    """Of files of versions. Nothing is fetched: what a remote has promised is not here.

    Looking raises Missing, Damaged where the store does not give what it should.
    """

    @contextlib.contextmanager
    def opened(entry: TreeEntry) -> Iterator[Source | None]:
        if repository.promised.state(entry.file) in (State.PROMISED, State.EXPIRED):
            yield None
        else:
            yield Source(repository.extract.ranges(entry.file), entry.size, entry.path)

    return Contents(opened)


def working(repository: Repository, folder: str) -> Contents:
    """Of files of the model in `folder`, as they lie there."""

    @contextlib.contextmanager
    def opened(entry: TreeEntry) -> Iterator[Source | None]:
        try:
            fd = repository.tree.open(f"{folder}/{entry.path}" if folder else entry.path)
        except (errors.MvcError, OSError):  # whoever would commit it says what is wrong with it
            yield None
            return
        try:
            yield Source.of(fd, entry.path)
        finally:
            os.close(fd)

    return Contents(opened)


def faults(repository: Repository, folder: str, changes: Iterable[FileChange]) -> tuple[Note, ...]:
    """What is wrong with the weight files of the working tree, in the model's `folder`, that `changes` brought."""
    look = working(repository, folder)
    entries = [change.new for change in changes if change.new is not None and change.bytes_changed]
    return tuple(Note(entry.path, reason) for entry in entries if (reason := look.fault(entry)))
