"""The page of a repository as it is now, file by file: what the server answers.

index.html ─► has the store changed? ─ yes ─► new contents; those of before stay, for pages that are open
data/…     ─► the newest contents that have it
"""

from __future__ import annotations

import functools
import posixpath
from collections import deque
from collections.abc import Callable

from mvc.model.ids import FileId
from mvc.site.contents import Contents
from mvc.site.export import INDEX, Files, listing_name
from mvc.storage import usage
from mvc.storage.disk.door import StoreDoor

KEPT = 4
"""The contents that are kept: a page that is open finds its files until the repository has changed as often."""
_SCRIPT = ".js"


class Live:
    """The page of a repository. It belongs to the thread that makes it."""

    def __init__(self, door: StoreDoor, make: Callable[[], Contents]) -> None:
        """Read the repository that `make` opens again each time. Raises as `Contents`."""
        self._door, self._make = door, make
        self._stamp = usage.stamp(door)  # before the contents: a change while they are made is seen next time
        self._pages = deque([_Page(make())], KEPT)

    def file(self, name: str) -> bytes | None:
        """Return a file of the page by its path, as an export has it; None for no such file. Raises Missing, Damaged."""
        if name in ("", INDEX):
            return self._index()
        return next((data for page in reversed(self._pages) if (data := page.file(name)) is not None), None)

    def size(self, file: str, name: str) -> int | None:
        """Return the size of a file of a version by its id and its name without folders; None for no such file."""
        size, names = self._pages[-1].stored.get(FileId(file), (None, set[str]()))
        return size if name in names else None

    def _index(self) -> bytes:
        stamp = usage.stamp(self._door)
        if stamp != self._stamp:
            self._pages.append(_Page(self._make()))
            self._stamp = stamp
        return self._pages[-1].index()


class _Page:
    """The files of one state of the repository."""

    def __init__(self, contents: Contents) -> None:
        self._contents, self._files = contents, Files(contents)
        self._named = dict(self._files.front_end())
        self.index()

    def index(self) -> bytes:
        """Return index.html, and know the files that it names; those it named before found damage stay, too."""
        index, listing = self._files.index(), self._files.listing()
        current = {f"{name}{_SCRIPT}": data for name, data in self._contents.current.items()}
        self._named |= {listing_name(listing): listing, **current}
        return index

    def file(self, name: str) -> bytes | None:
        """Return any other file; None for no such file."""
        if name in self._named or not name.endswith(_SCRIPT):
            return self._named.get(name)
        document = name.removesuffix(_SCRIPT)
        if document in self._contents.fixed:
            return self._contents.fixed_script(document)
        return self._contents.pair_script(document)

    @functools.cached_property
    def stored(self) -> dict[FileId, tuple[int, set[str]]]:
        """The files of all versions: the size, and the names that versions give it."""
        found: dict[FileId, tuple[int, set[str]]] = {}
        for tree in self._contents.trees():
            for entry in tree.entries:
                found.setdefault(entry.file, (entry.size, set()))[1].add(posixpath.basename(entry.path))
        return found
