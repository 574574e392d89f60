"""Formats, zip members and faults of weight files, read from their headers, in a version or the working tree.

a file ─► is it here? ─ no ─► None: unknown          yes ─► its first bytes, or the directory at its end
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mvc import errors, lazy
from mvc.formats.fault import examine
from mvc.formats.header import Header
from mvc.formats.known import FORMATS, ZIP
from mvc.formats.sniff import read_header
from mvc.formats.source import HeaderError, Source
from mvc.formats.syntax import zip_directory
from mvc.model.compare.files import FileChange
from mvc.model.ids import FileId
from mvc.model.metadata import Metadata
from mvc.model.tree import TreeEntry
from mvc.storage.chunks.headers import Note
from mvc.storage.records.promised import State

if TYPE_CHECKING:
    from mvc.formats import compressed as compressions
    from mvc.formats import weight_format as weight_formats
    from mvc.formats.compressed import Compression
    from mvc.formats.metadata import licenses, reader
    from mvc.formats.weight_format import WeightFormat
    from mvc.model.licenses.claim import Claim
    from mvc.repository.record.scan_command import ScanCommand
    from mvc.repository.repository import Repository
    from mvc.scan import scan as scans
    from mvc.scan.scan import Beside
    from mvc.scan.verdict import Finding, Report
    from mvc.storage.caches.scans import ScanCache
else:
    weight_formats = lazy.Module("mvc.formats.weight_format")
    compressions = lazy.Module("mvc.formats.compressed")
    licenses = lazy.Module("mvc.formats.metadata.licenses")
    reader = lazy.Module("mvc.formats.metadata.reader")
    scans = lazy.Module("mvc.scan.scan")

Open = Callable[[TreeEntry], contextlib.AbstractContextManager[Source | None]]
"""A function that opens a file for reading; None if it is absent."""
_Key = tuple[str, FileId]
"""The path of a file, by whose suffix some formats are recognized, and its content."""


class Contents:
    """A reader of headers, each read once, which executes nothing in a file."""

    def __init__(
        self,
        open_: Open,
        place: Callable[[TreeEntry], Path | None] = lambda _: None,
        scans: Callable[[], ScanCache] | None = None,
    ) -> None:
        """Read the files that `open_` opens; `place` returns where one is on disk under its own name.

        `scans` has reports on stored files.
        """
        self._open = open_
        self._scans = scans
        self._place = place
        self._faults: dict[_Key, str | None] = {}
        self._metadata: dict[_Key, Metadata | None] = {}
        self._members: dict[_Key, Collection[str] | None] = {}
        self._formats: dict[_Key, str | None] = {}
        self._last: tuple[_Key | None, Header | None] = (None, None)

    def opened(self, entry: TreeEntry) -> contextlib.AbstractContextManager[Source | None]:
        """Open a file for reading; None if its bytes are absent."""
        return self._open(entry)

    def members(self, entry: TreeEntry) -> Collection[str] | None:
        """Return the names in a zip archive, none if it is truncated; None if its bytes are absent."""
        if _key(entry) not in self._members:
            header = self._header(entry)
            with self._open(entry) as source:
                self._members[_key(entry)] = None if source is None else _members(source, header)
        return self._members[_key(entry)]

    def format(self, entry: TreeEntry) -> str | None:
        """Return the format by its header, `""` for an unknown one; None if its bytes are absent."""
        if _key(entry) not in self._formats:
            with self._open(entry) as source:
                header = (self._header(entry) or _header(source)) if source is not None else None
                self._formats[_key(entry)] = None if source is None else header.format if header is not None else ""
        return self._formats[_key(entry)]

    def weight_format(self, entry: TreeEntry) -> WeightFormat | None:
        """Return the format of a weight file by its content, an empty one for any other file; None if its bytes are absent."""
        with self._open(entry) as source:
            return None if source is None else weight_formats.weight_format(source)

    def metadata(self, entry: TreeEntry) -> Metadata | None:
        """Return the metadata of its header, with the format `""` when it is invalid; None when it is not here."""
        if _key(entry) not in self._metadata:
            header = self._header(entry)
            with self._open(entry) as source:
                self._metadata[_key(entry)] = None if source is None else _metadata(source, header)
        return self._metadata[_key(entry)]

    def licenses(self, entry: TreeEntry) -> tuple[Claim, ...] | None:
        """Return what a file says about its license, nothing for a file of another kind; None when it is not here."""
        if not licenses.is_possible(entry.path):
            return ()
        with self._open(entry) as source:
            return None if source is None else licenses.read(source)

    def scan(self, entry: TreeEntry, beside: Beside | None = None) -> Report | None:
        """Return what a loader of a file would run; None when its bytes are not here. Raises Missing, Damaged."""
        cache = self._scans() if self._scans is not None else None
        key = cache.key(entry) if cache is not None else None
        known = cache.get(key) if cache is not None and key is not None else None
        if known is not None:
            return known
        with self._open(entry) as source:
            report = None if source is None else scans.scan_file(source, beside=beside)
        if cache is not None and key is not None and report is not None and cache.key(entry) == key:
            cache.add(key, report)
        return report

    def second_opinion(self, entry: TreeEntry, command: ScanCommand) -> Finding | None:
        """Return what a program says about a file, None for nothing, or if its bytes are not here. Raises Missing, Damaged."""
        with self._open(entry) as source:
            return None if source is None else command.finding(source, self._place(entry))

    def fault(self, entry: TreeEntry) -> str | None:
        """Return the fault of a weight file, `""` when none is found; None when its bytes are not here."""
        if _key(entry) not in self._faults:
            with self._open(entry) as source:
                reason, header = (None, None) if source is None else examine(source)
            self._faults[_key(entry)], self._last = reason, (_key(entry), header)
        return self._faults[_key(entry)]

    def _header(self, entry: TreeEntry) -> Header | None:
        """Return the header that the last file was found to have; of others, and without one, None."""
        self.fault(entry)
        key, header = self._last
        return header if key == _key(entry) else None

    def examined(self, entry: TreeEntry) -> tuple[str, Compression | None]:
        """Return the fault of a file, `""` when none is found, and how it is compressed; nothing when it is not here."""
        with self._open(entry) as source:
            if source is None:
                return "", None
            reason, header = examine(source)
            return reason, None if reason else compressions.compression(source, header)

    def may_be_compressed(self, entry: TreeEntry) -> bool:
        """Return whether a file is compressed; True where its bytes are not here, or are damaged."""
        try:
            with self._open(entry) as source:
                return source is None or compressions.compression(source, _header(source)) is not None
        except (errors.Missing, errors.Damaged):
            return True


def _key(entry: TreeEntry) -> _Key:
    return entry.path, entry.file


def _members(source: Source, header: Header | None) -> Collection[str]:
    if header is not None and header.format in FORMATS and FORMATS[header.format].magic != ZIP:
        return ()
    try:
        return zip_directory.members(source)
    except HeaderError:
        return ()


def _header(source: Source) -> Header | None:
    try:
        return read_header(source)
    except HeaderError:
        return None


def _metadata(source: Source, header: Header | None) -> Metadata:
    try:
        return reader.read(source, header) or Metadata("")
    except HeaderError:
        return Metadata("")


def stored(repository: Repository) -> Contents:
    """Return the contents of stored files. Nothing is fetched: promised files count as absent.

    Reading raises Missing, Damaged.
    """
    last: dict[FileId, Callable[[int, int], bytes] | None] = {}

    @contextlib.contextmanager
    def opened(entry: TreeEntry) -> Iterator[Source | None]:
        if entry.file not in last:
            promised = repository.promised
            is_presumed = promised.is_presumed(entry.file, entry.size)
            absent = not is_presumed and promised.state(entry.file) in (State.PROMISED, State.EXPIRED)
            read = None if absent else repository.extract.ranges(entry.file)
            last.clear()  # its chunks stay decoded for the next question about the same file
            last[entry.file] = read
        read = last[entry.file]
        yield None if read is None else Source(read, entry.size, entry.path)

    return Contents(opened, scans=lambda: repository.scans)


def working(repository: Repository, folder: str) -> Contents:
    """Return the contents of files in the working tree, of the model in `folder`."""

    @contextlib.contextmanager
    def opened(entry: TreeEntry) -> Iterator[Source | None]:
        try:
            fd = repository.tree.open(f"{folder}/{entry.path}" if folder else entry.path)
        except (errors.MvcError, OSError):  # `commit` raises the error
            yield None
            return
        try:
            yield Source.of(fd, entry.path)
        finally:
            os.close(fd)

    return Contents(opened, lambda entry: repository.root / folder / entry.path)


class Findings(NamedTuple):
    """Notes on changed files: their `faults`, and those that are `compressed`."""

    faults: tuple[Note, ...] = ()
    compressed: tuple[Note, ...] = ()


def examined(repository: Repository, folder: str, changes: Iterable[FileChange]) -> Findings:
    """Return the faults of the weight files in `changes`, of the model in `folder` of the working tree.

    A compressed file is reported when its role is new, or was not compressed before: once, not at each version.
    """
    look, before = working(repository, folder), stored(repository)
    faults, compressed = [], []
    for change in changes:
        if change.new is None or not change.bytes_changed:
            continue
        reason, compression = look.examined(change.new)
        if reason:
            faults.append(Note(change.new.path, reason))
        if compression is not None and not (change.old is not None and before.may_be_compressed(change.old)):
            compressed.append(Note(change.new.path, compression.reason))
    return Findings(tuple(faults), tuple(compressed))
