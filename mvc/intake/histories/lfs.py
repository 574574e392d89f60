"""Git LFS: the pointers that Git has instead of contents, and the objects that they name on this machine.

    version https://git-lfs.github.com/spec/v1
    ext-0-crypt sha256:3f…                     the content before an extension changed it: only its program can tell
    oid sha256:9c…                             ─► .git/lfs/objects/9c/xx/9cxx…
    size 5431213

What is a pointer is decided as git-lfs decides it when it checks out a file; git-lfs is not needed.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from mvc.deferred import dataclass
from mvc.repository.git.repository import GitRepository

MAX_POINTER = 1024
"""Bytes of a content that are looked at: a pointer that is longer is not read in full, and so is none."""
_VERSIONS = (
    "http://git-media.io/v/2",
    "https://hawser.github.com/spec/v1",
    "https://git-lfs.github.com/spec/v1",
)
"""Of the alpha, of the time before the first release, and since then."""
_MARK = re.compile(rb"git-media|hawser|git-lfs")
_KEYS = ("version", "oid", "size")
_EXTENSION = re.compile(r"ext-[0-9]-[0-9A-Za-z_]")
_OID = re.compile(r"sha256:([0-9a-f]{64})\Z")
_SIZE = re.compile(r"[+-]?[0-9]{1,19}\Z")
_MAX_SIZE = (1 << 63) - 1
_SPACES = b" \t\n\v\f\r"


@dataclass(frozen=True, slots=True)
class Pointer:
    """A pointer: the SHA-256 and the size of the stored object, and that of the content, if `extension` changed it."""

    oid: str
    size: int
    original: str = ""
    extension: str = ""

    @property
    def is_changed(self) -> bool:
        """True if the stored object is not the content."""
        return bool(self.original) and self.original != self.oid


def parse(data: bytes) -> Pointer | None:
    """Return the pointer that a content is; None for any other content."""
    text = data[:MAX_POINTER].strip(_SPACES)
    if not _MARK.search(text):
        return None
    values: dict[str, str] = {}
    extensions: dict[str, str] = {}
    for line in text.decode("utf-8", "replace").split("\n"):
        line = line.removesuffix("\r")
        key, space, value = line.partition(" ")
        if not line:
            continue
        if not space or len(values) == len(_KEYS):
            return None
        if key == _KEYS[len(values)]:
            values[key] = value
        elif _EXTENSION.match(key):
            extensions[key] = value
        else:
            return None
    return _pointer(values, extensions)


def _pointer(values: Mapping[str, str], extensions: Mapping[str, str]) -> Pointer | None:
    oid, size = _OID.match(values.get("oid", "")), values.get("size", "")
    if values.get("version") not in _VERSIONS or oid is None or not _SIZE.match(size):
        return None
    if not 0 <= int(size) <= _MAX_SIZE:
        return None
    originals = [match[1] for _, value in sorted(extensions.items()) if (match := _OID.match(value)) is not None]
    priorities = {key.split("-")[1] for key in extensions}
    if len(originals) < len(extensions) or len(priorities) < len(extensions):
        return None
    name = min(extensions, default="").partition("-")[2].partition("-")[2]
    return Pointer(oid[1], int(size), originals[0] if originals else "", name)


class LfsStore:
    """The folders of LFS objects that a Git repository uses: its own, and those of repositories that it borrows from."""

    def __init__(self, git: GitRepository) -> None:
        """Find the folders."""
        place = git.setting("lfs.storage") or "lfs"
        self.folders = [Path(os.path.normpath(git.common / place / "objects"))]
        self.folders += [Path(other).parent / "lfs" / "objects" for other in _alternates(git.common)]

    def find(self, pointer: Pointer) -> Path | None:
        """Return the file of an object with the size of its pointer; None if there is none."""
        for folder in self.folders:
            path = folder / pointer.oid[:2] / pointer.oid[2:4] / pointer.oid
            try:
                status = path.lstat()
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode) and status.st_size == pointer.size:
                return path
        return None


def _alternates(common: Path) -> Iterator[str]:
    """Yield the folders of objects of other repositories that this one uses."""
    try:
        lines = (common / "objects" / "info" / "alternates").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
        if line and not line.startswith("#"):
            yield os.path.normpath(common / "objects" / line)
