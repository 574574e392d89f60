"""Tar archives: each member by its content, and entries that are no files: links, devices, sparse files."""

from __future__ import annotations

import posixpath

from mvc.formats.source import Source, TooLongError
from mvc.formats.syntax import tar_directory
from mvc.formats.syntax.tar_directory import MAX_MEMBERS, Entry
from mvc.scan.archive import Archive
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

PATH = Rule(
    "tar-path", Verdict.HOSTILE, "A member has a path outside of its folder, where a loader would write it: {}."
)
LINK = Rule(
    "tar-link", Verdict.HOSTILE, "A member is a link out of its folder, through which a loader would write: {}."
)
DEVICE = Rule("tar-device", Verdict.HOSTILE, "A member is a device or a pipe: {}.")
SPARSE = Rule("tar-sparse", Verdict.UNREADABLE, "A member is a sparse file, whose content the scan does not read: {}.")
GLOBAL = Rule(
    "tar-global", Verdict.UNREADABLE, "A header changes the names or sizes of all members, and loaders differ."
)
HEADER = Rule(
    "tar-header",
    Verdict.UNREADABLE,
    "A header has a size that loaders read differently, so they find other members: {}.",
)
RULES = (PATH, LINK, DEVICE, SPARSE, GLOBAL, HEADER)

_SYMBOLIC = b"2"
_LINKS, _DEVICES, _GLOBAL = (b"1", _SYMBOLIC), (b"3", b"4", b"6"), b"g"


def matches(start: bytes, source: Source) -> bool:  # noqa: ARG001 - the first bytes suffice
    """Return whether content begins with the header of a member."""
    return tar_directory.begins(start)


def scan(source: Source, scan: Scan) -> None:
    """Report on the entries of an archive, then scan its members. Raises HeaderError if it is malformed."""
    files: dict[str, Entry] = {}
    count = 0
    try:
        for entry in tar_directory.entries(source):
            count += 1
            _check(entry, scan)
            if entry.is_file and entry.name in files:  # tar keeps the later one, others the first one
                scan.nested(_open(source, files[entry.name]), entry.name)
            if entry.is_file:
                files[entry.name] = entry
    finally:  # a loader reads the members before a fault
        sizes = {name: entry.size for name, entry in files.items()}
        scan.archive(Archive("tar", sizes, lambda name: _open(source, files[name]), source.name))
    if count >= MAX_MEMBERS:
        raise TooLongError(f"it has more than {MAX_MEMBERS} members")


def _check(entry: Entry, scan: Scan) -> None:
    if entry.kind == _GLOBAL and any(key in ("path", "size") or key.startswith("GNU.") for key in entry.records):
        scan.report(GLOBAL)
    if entry.is_odd:
        scan.report(HEADER, detail=entry.name)
    if entry.is_sparse:
        scan.report(SPARSE, detail=entry.name)
    if entry.kind in _DEVICES:
        scan.report(DEVICE, detail=entry.name)
    if _is_outside(entry.name):
        scan.report(PATH, detail=entry.name)
    if entry.kind in _LINKS and _is_outside(_target(entry)):
        scan.report(LINK, detail=f"{entry.name} -> {entry.link}")


def _target(entry: Entry) -> str:
    """Return the path that a link names: from its own folder, or from the archive's if it is a hard link."""
    if entry.link.startswith(("/", "\\")):
        return entry.link
    folder = posixpath.dirname(entry.name) if entry.kind == _SYMBOLIC else ""
    return posixpath.normpath(posixpath.join(folder, entry.link.replace("\\", "/")))


def _is_outside(path: str) -> bool:
    return path.startswith(("/", "\\")) or ".." in path.replace("\\", "/").split("/")


def _open(source: Source, entry: Entry) -> Source:
    return source.part(entry.offset, entry.size, entry.name)
