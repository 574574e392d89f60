"""`mvc ui --export`: the page as a folder, or as one file.

contents ─► files that the folder lacks ─► index.html ─► files that the new one does not name are removed
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import DIGITS, digest
from mvc.site import assets
from mvc.site.contents import Contents
from mvc.site.documents.script import HASH
from mvc.storage.disk import exportdoor
from mvc.storage.disk.exportdoor import ExportDoor, outside_store
from mvc.storage.disk.outside import UpdatedFolder

INDEX = "index.html"
_HEAD = 4096
"""Bytes of index.html in which it names its listing."""
_LISTING = re.compile(rf"files-[0-9a-f]{{{HASH}}}\.txt")
_OURS = re.compile(rf'<meta name="mvc-files" content="({_LISTING.pattern})">')
_TITLE = re.compile(r"<title>([^<]*)</title>")
_VERSION = re.compile(rf"data/versions-[0-9a-f]{{{HASH}}}/([0-9a-f]{{{DIGITS}}})\.js")
_MODEL = re.compile(rf"data/models/(.+)-[0-9a-f]{{{HASH}}}\.js")
_NAMED = 5
"""Models that a message names, at most."""
_NAME = re.compile(
    rf"(?:(?:app|style|files)-[0-9a-f]{{{HASH}}}\.(?:js|css|txt)|data/(?:[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*\.js)\Z"
)
"""Names that an export gives to its files: only such are removed."""


@dataclass(frozen=True, slots=True)
class ExportedPage(Document):
    """An exported page: its path, the number of models and versions, and of the files and their bytes that were written.

    `damaged` are the versions that could not be read.
    """

    KEYS = keys("path models versions files bytes_written=size damaged")

    path: Path
    models: int
    versions: int
    files: int
    size: int
    damaged: tuple[str, ...]


def folder(contents: Contents, target: Path, *, force: bool = False) -> ExportedPage:
    """Write the page to a folder that is absent, empty or an earlier export, with `force` also of another repository.

    Raises NotAnExport, OtherExport, NotWritable, Damaged.
    """
    files, real = Files(contents), outside_store(target)
    if not real.exists() or (real.is_dir() and not any(real.iterdir())):
        with ExportDoor(target) as door:
            for name, data in files.all():
                with door.file(name, executable=False) as file:
                    file.write(data)
            door.finish()
    else:
        _update(files, UpdatedFolder(real), force=force)
    return files.report(target)


def single(contents: Contents, target: Path) -> ExportedPage:
    """Write the page with all its documents to one file. Raises InsideStore, NotWritable, Damaged."""
    files = Files(contents)
    scripts = [data for name, data in files.documents(lambda _: False)]
    page = files.front.inline(contents.title, scripts)
    with exportdoor.output(target) as write:
        write(page)
    files.count, files.size = 1, len(page)
    return files.report(target)


def _update(files: Files, door: UpdatedFolder, *, force: bool) -> None:
    with door.held():
        names = door.names()
        before = door.read(INDEX) if INDEX in names else None
        ours = _OURS.search((before or b"")[:_HEAD].decode("utf-8", "replace"))
        if ours is None or ours[1] not in names:
            raise errors.NotAnExport(path=door.root)
        if not force:
            _check_same(files.contents, door, before or b"", door.read(ours[1]) or b"")
        old = _listed(door)
        for name, data in files.missing(door.has):
            door.add(name, data)
        listing, index = files.listing(), files.index()
        name = listing_name(listing)
        removed = sorted(old - {name, *listing.decode().split("\n")}, key=lambda each: (_is_listing(each), each))
        if index != before or files.count or removed:
            # What an interruption leaves is named by a listing, which is the first file written and the last removed.
            door.finish(files.counted(name, listing), files.counted(INDEX, index), removed)


def _check_same(contents: Contents, door: UpdatedFolder, index: bytes, listing: bytes) -> None:
    """Raise OtherExport for a page that shows versions, none of which `contents` has: of another repository or model."""
    names = listing.decode("utf-8", "replace").split("\n")
    shown = {match[1] for match in map(_VERSION.fullmatch, names) if match}
    if not shown or any(not shown.isdisjoint(each.entries) for each in contents.indexes):
        return
    title = _TITLE.search(index.decode("utf-8", "replace"))
    models = [match[1] for match in map(_MODEL.fullmatch, names) if match]
    more = ["…"] * (len(models) > _NAMED)
    raise errors.OtherExport(
        path=door.root,
        models=", ".join([*models[:_NAMED], *more]),
        repository=html.unescape(title[1]) if title else "an unnamed repository",
    )


def _listed(door: UpdatedFolder) -> set[str]:
    """Return the files that exports into the folder named, their listings included; also one that was killed."""
    found: set[str] = set()
    for name in filter(_is_listing, door.names()):
        data = door.read(name) or b""
        if name == listing_name(data):
            found |= {name, *filter(_NAME.match, data.decode("utf-8", "replace").split("\n"))}
    return found


def _is_listing(name: str) -> bool:
    return _LISTING.fullmatch(name) is not None


def listing_name(data: bytes) -> str:
    """Return the name of the file that has the listing `data`."""
    return f"files-{digest(data)[:HASH]}.txt"


class Files:
    """The files of a page, made one by one; it counts those that are missing from the folder."""

    def __init__(self, contents: Contents) -> None:
        self.contents, self.front = contents, assets.load()
        self.count = self.size = 0

    def all(self) -> Iterator[tuple[str, bytes]]:
        """Yield every file, index.html last."""
        yield from self.missing(lambda _: False)
        listing = self.listing()
        yield self.counted(listing_name(listing), listing)
        yield self.counted(INDEX, self.index())

    def missing(self, has: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
        """Yield the files that the folder lacks, but for the listing and index.html."""
        for name, data in self.front_end():
            if not has(name):
                yield self.counted(name, data)
        yield from self.documents(has)

    def listing(self) -> bytes:
        """Return the names of all files, but for itself and index.html; complete once `missing` has ended."""
        documents = (f"{name}.js" for name in (*self.contents.fixed, *self.contents.current))
        return "\n".join(sorted([*documents, *(name for name, _ in self.front_end())])).encode()

    def index(self) -> bytes:
        """Return index.html."""
        *_, overview = self.contents.current
        return self.front.linked(self.contents.title, listing_name(self.listing()), [f"{overview}.js"])

    def front_end(self) -> list[tuple[str, bytes]]:
        """Return the files of the front-end."""
        return [(self.front.app_name, self.front.app), (self.front.style_name, self.front.style)]

    def documents(self, has: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
        """Yield the scripts that the folder lacks; one that is damaged is left out."""
        for name in list(self.contents.fixed):
            if not has(f"{name}.js"):
                data = self.contents.fixed_script(name)
                if data is not None:
                    yield self.counted(f"{name}.js", data)
        for name, data in self.contents.current.items():
            if not has(f"{name}.js"):
                yield self.counted(f"{name}.js", data)

    def report(self, target: Path) -> ExportedPage:
        """Return what was written to `target`."""
        indexes = self.contents.indexes
        versions = sum(len(index.entries) for index in indexes)
        return ExportedPage(target, len(indexes), versions, self.count, self.size, tuple(self.contents.damaged))

    def counted(self, name: str, data: bytes) -> tuple[str, bytes]:
        """Count a file that is written."""
        self.count += 1
        self.size += len(data)
        return name, data
