"""The scan of imported files before they are stored, as a commit scans new ones.

files of a step ─ scanned ─┬─ at the level of the scan ─► ImportUnsafe: the step is not stored, and no ref moves
                           └─ else ─► notes on those that need code, or are damaged
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping

from mvc import errors
from mvc.formats.source import Source
from mvc.model.ids import FileId
from mvc.model.paths import escape_name
from mvc.model.tree import TreeEntry
from mvc.repository import contents as file_contents
from mvc.repository.contents import Contents
from mvc.repository.record import scanned
from mvc.repository.repository import Repository

Opened = Callable[[], int]
"""A function that opens a file on disk."""


class ImportScan:
    """The scan of one import, of each content under each path once."""

    def __init__(self, repository: Repository, *, allow_unsafe: bool, dry_run: bool = False) -> None:
        """Scan nothing yet; with `allow_unsafe`, nothing is refused."""
        self._repository = repository
        self._allow_unsafe = allow_unsafe
        self._error = errors.ImportWouldBeUnsafe if dry_run else errors.ImportUnsafe
        self._seen: set[tuple[str, FileId]] = set()

    def has_seen(self, entry: TreeEntry) -> bool:
        """Return whether the content was scanned under this path."""
        return (entry.path, entry.file) in self._seen

    def check(self, step: str, files: Mapping[TreeEntry, Opened | None]) -> tuple[str, ...]:
        """Return notes on the files of a step, each with what opens it on disk, None if it is stored. Raises ImportUnsafe."""
        new = {entry: open_ for entry, open_ in files.items() if not self.has_seen(entry)}
        self._seen.update((entry.path, entry.file) for entry in new)
        try:
            problems = scanned.check(
                self._repository,
                _contents(self._repository, new),
                new,
                allow_unsafe=self._allow_unsafe,
                has_faults=True,
            )
        except errors.ScanRefused as error:
            raise self._error(step=escape_name(step), listed=error.fields["listed"]) from None
        return tuple(problem.message for problem in problems)


def _contents(repository: Repository, files: Mapping[TreeEntry, Opened | None]) -> Contents:
    stored = file_contents.stored(repository)

    @contextlib.contextmanager
    def opened(entry: TreeEntry) -> Iterator[Source | None]:
        open_ = files[entry]
        if open_ is None:
            with stored.opened(entry) as source:
                yield source
            return
        fd = open_()
        try:
            yield Source.of(fd, entry.path)
        finally:
            os.close(fd)

    return Contents(opened)
