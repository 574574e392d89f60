r"""Paths of files in a version: relative, portable, and outside the folders of version control.

    weights/best.onnx   yes
    ../x  /x  C:x  a\b  a//b  .git/config  .GIT /x  GIT~1/x  nul.txt  e\u0301.onnx (not composed)   no

A version made on one system must check out on every other, so names that Windows or macOS cannot store are refused
everywhere. The characters that HFS+ ignores, and the short names of NTFS, are those that Git checks since
CVE-2014-9390.
"""

from __future__ import annotations

import itertools
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator

from mvc import errors
from mvc.deferred import regex
from mvc.model.names import is_device

MAX_PATH = 4_096
"""Bytes of a path, at most."""
MAX_PART = 255
"""Bytes of one part of a path, at most."""
MAX_DEPTH = 64
"""Parts of a path, at most."""
RESERVED = frozenset({".mvc", ".git", ".hg", ".jj", ".svn"})
"""Folders of version control, which are never written into."""

_PLAIN = regex(
    r"(?:(?![ACLNPaclnp](?i:on|rn|ux|ul|om[0-9]|pt[0-9])(?:[./]|\Z))[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}(?<!\.)(?:/(?!\Z)|\Z)){1,16}\Z",
    re.ASCII,
)
"""Paths that need no further checks, as nearly all: a scan checks thousands.

Names close to devices (`con`, and also `pon`) are checked in full: only their ends ignore letter case, since that is
slow.
"""
_SHORT_NAME = regex(r"(?:mvc|git|hg|jj|svn)~[0-9]+\Z")
_UNPORTABLE = regex(r'[\x00-\x1f\x7f-\x9f<>:"|?*\\\ud800-\udfff]')
_NUMBERS = regex(r"([0-9]{1,18})")
_HFS_IGNORED = regex("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")

NaturalOrder = tuple[tuple[str, int], ...]


def natural_order(path: str) -> NaturalOrder:
    """Return the key of the order in which exp2 comes before exp10, and best.pt before best2.pt."""
    return (*_numbered(os.path.splitext(path)[0]), (path, 0))


def _numbered(text: str) -> Iterator[tuple[str, int]]:
    """Yield each text with the number that follows it."""
    parts = _NUMBERS.split(text)
    for before, number in itertools.zip_longest(parts[::2], map(int, parts[1::2]), fillvalue=0):
        yield str(before).casefold(), int(number)


def check_path(path: str) -> None:
    """Raise UnsafePath or UnportablePath unless `path` is valid for a file in a version."""
    if _PLAIN.match(path):
        return
    parts = path.split("/")
    _check_inside(path, parts)
    reason = _fault(path, parts)
    if reason:
        raise errors.UnportablePath(path=escape_name(path), reason=reason)


def check_inside(path: str) -> None:
    """Raise UnsafePath if `path` leaves its folder or enters one of version control; it need not be portable."""
    if _PLAIN.match(path):
        return
    parts = path.split("/")
    _check_inside(path, parts)
    if "" in parts or "\0" in path:
        raise errors.UnsafePath(path=escape_name(path), reason="it has an empty part or a zero byte")


def _check_inside(path: str, parts: list[str]) -> None:
    if any(map(is_reserved, parts)):
        raise errors.UnsafePath(
            path=escape_name(path), reason="it is in a folder reserved for mvc or version control (such as .git)"
        )
    if not path or path[0] == "/" or ".." in parts or "." in parts:
        raise errors.UnsafePath(path=escape_name(path) or "''", reason="it is not a path inside the model's folder")


def is_reserved(part: str) -> bool:
    """Return whether some file system takes this part of a path for a folder of version control."""
    if "." not in part and "~" not in part:
        return False
    folded = fold(part).rstrip(". ").partition(":")[0].rstrip(". ")
    return folded in RESERVED or _SHORT_NAME.match(folded) is not None


def fold(path: str) -> str:
    """Fold `path` as a file system that ignores letter case and Unicode form."""
    if path.isascii():
        return path.lower()
    bare = unicodedata.normalize("NFD", _HFS_IGNORED.sub("", path))
    return unicodedata.normalize("NFC", bare.casefold())


def collisions(paths: Iterable[str]) -> list[tuple[str, str]]:
    """Return pairs of paths that cannot exist in one folder on every system.

    They differ, in full or up to a folder, only in case or Unicode form, or one is a folder of the other.
    """
    paths = list(paths)
    if _have_no_collisions(paths):
        return []
    pairs = []
    files: dict[str, str] = {}
    folders: dict[str, tuple[str, str]] = {}
    checked: set[str] = set()
    for path in sorted(paths):
        pairs += _folder_collisions(path, files, folders, checked)
        folded = fold(path)
        if folded in files:
            pairs.append((files[folded], path))
        elif folded in folders:
            pairs.append((folders[folded][1], path))
        files.setdefault(folded, path)
    return pairs


def _have_no_collisions(paths: list[str]) -> bool:
    """Return whether ASCII paths are as many in lower case, in as many folders, and no folder is a file."""
    joined = "\n".join(paths)
    if not joined.isascii():
        return False
    lower = set(joined.lower().split("\n"))
    folders = {path[: path.rfind("/") + 1] for path in paths}
    parents = {folder[: end + 1] for folder in folders for end, char in enumerate(folder) if char == "/"}
    folded = {folder.lower() for folder in parents}
    return len(lower) == len(paths) and len(folded) == len(parents) and not any(name[:-1] in lower for name in folded)


def escape_name(name: str | bytes) -> str:
    r"""Escape `name` for display: bytes that are not UTF-8 as `\xff`, unprintable characters as `\u202e`."""
    text = name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _folder_collisions(
    path: str, files: dict[str, str], folders: dict[str, tuple[str, str]], checked: set[str]
) -> list[tuple[str, str]]:
    """Return collisions of the folders of `path`, and add these to `folders`: folded to (as written, a path in it).

    Folders in `checked`, as written, have no collision.
    """
    if path.rpartition("/")[0] in checked:
        return []
    end = path.find("/")
    while end >= 0:
        folder = path[:end]
        folded = fold(folder)
        if folded in files:
            return [(files[folded], path)]
        written, inside = folders.setdefault(folded, (folder, path))
        if written != folder:
            return [(inside, path)]
        end = path.find("/", end + 1)
    checked.add(path.rpartition("/")[0])
    return []


def _fault(path: str, parts: list[str]) -> str | None:
    unportable = _UNPORTABLE.search(path)
    if unportable:
        return f"{_described(unportable[0])} is not allowed in file names on every system"
    if not path.isascii() and unicodedata.normalize("NFC", path) != path:
        return "it is not in Unicode's composed form (NFC), so other systems would rename it"
    if len(path.encode()) > MAX_PATH or len(parts) > MAX_DEPTH:
        return f"it is longer than {MAX_PATH} bytes or {MAX_DEPTH} parts"
    for part in parts:
        if not part:
            return "it has an empty part"
        if part[-1] in ". ":
            return "a part of it ends with a dot or a space, which Windows removes"
        if is_device(part):
            return f"{part} is a device name on Windows"
        if len(part.encode()) > MAX_PART:
            return f"a part of it is longer than {MAX_PART} bytes"
    return None


def _described(char: str) -> str:
    if "\udc80" <= char <= "\udcff":
        return f"the byte {_escape(char)}, which is not UTF-8,"
    return f"the character {char if char.isprintable() else _escape(char)}"


def _escape(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as os.fsdecode represents it
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
