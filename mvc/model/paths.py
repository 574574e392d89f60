r"""Paths of files in a version: relative, portable, and never into mvc's or Git's own folders.

    weights/best.onnx   yes
    ../x  /x  C:x  a\b  a//b  .git/config  .GIT /x  GIT~1/x  nul.txt  e\u0301.onnx (not composed)   no

A version made on one system must unfold on every other, so what Windows and macOS cannot hold is refused everywhere.
The characters that HFS+ leaves out of comparisons, and the short names of NTFS, are those that Git checks since
CVE-2014-9390.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from mvc import errors
from mvc.model.names import is_device

MAX_PATH = 4_096
"""Bytes of a path."""
MAX_PART = 255
"""Bytes of one part of a path."""
MAX_DEPTH = 64
"""Parts of a path."""
RESERVED = frozenset({".mvc", ".git", ".hg", ".jj", ".svn"})
"""Folders that belong to version control; never written into."""

_PLAIN = re.compile(
    r"(?:(?![ACLNPaclnp](?i:on|rn|ux|ul|om[0-9]|pt[0-9])(?:[./]|\Z))[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}(?<!\.)(?:/(?!\Z)|\Z)){1,16}\Z",
    re.ASCII,
)
"""Paths that need no closer look, as nearly all are: a scan checks thousands.

Names like those of devices (`con`, and `pon` too) get that look. Only their ends ignore letter case, which takes time.
"""
_SHORT_NAME = re.compile(r"(?:mvc|git|hg|jj|svn)~[0-9]+\Z")
_UNPORTABLE = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"|?*\\\ud800-\udfff]')
_HFS_IGNORES = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")


def check_path(path: str) -> None:
    """Raise UnsafePath, or UnportablePath, unless `path` may be the path of a file in a version."""
    if _PLAIN.match(path):
        return
    parts = path.split("/")
    _check_inside(path, parts)
    reason = _fault(path, parts)
    if reason:
        raise errors.UnportablePath(path=escape_name(path), reason=reason)


def check_inside(path: str) -> None:
    """Raise UnsafePath unless `path` stays in its folder and out of those of version control; it need not be portable."""
    if _PLAIN.match(path):
        return
    parts = path.split("/")
    _check_inside(path, parts)
    if "" in parts or "\0" in path:
        raise errors.UnsafePath(path=escape_name(path), reason="it has an empty part or a zero byte")


def _check_inside(path: str, parts: list[str]) -> None:
    if any(map(is_reserved, parts)):
        raise errors.UnsafePath(path=escape_name(path), reason="it lies in a folder of mvc, Git or the like")
    if not path or path[0] == "/" or ".." in parts or "." in parts:
        raise errors.UnsafePath(path=escape_name(path), reason="it is not a path inside the model's folder")


def is_reserved(part: str) -> bool:
    """Whether some filesystem takes one part of a path for a folder of version control."""
    if "." not in part and "~" not in part:
        return False
    folded = fold(part).rstrip(". ").partition(":")[0].rstrip(". ")
    return folded in RESERVED or _SHORT_NAME.match(folded) is not None


def fold(path: str) -> str:
    """What `path` becomes on a system that tells neither letter case nor Unicode forms apart."""
    if path.isascii():
        return path.lower()
    bare = unicodedata.normalize("NFD", _HFS_IGNORES.sub("", path))
    return unicodedata.normalize("NFC", bare.casefold())


def collisions(paths: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of paths that cannot both lie in one folder on every system.

    They are equal but for case or Unicode form, as a whole or in a folder of theirs, or one is a folder of the other.
    """
    paths = list(paths)
    if _plainly_apart(paths):
        return []
    found = []
    files: dict[str, str] = {}
    folders: dict[str, tuple[str, str]] = {}
    unclashed: set[str] = set()
    for path in sorted(paths):
        found += _clash_above(path, files, folders, unclashed)
        folded = fold(path)
        if folded in files:
            found.append((files[folded], path))
        elif folded in folders:
            found.append((folders[folded][1], path))
        files.setdefault(folded, path)
    return found


def _plainly_apart(paths: list[str]) -> bool:
    """Whether ASCII paths are apart at the first look: in lower case as many, in as many folders, none of them a file."""
    joined = "\n".join(paths)
    if not joined.isascii():
        return False
    lower = set(joined.lower().split("\n"))
    folders = {path[: path.rfind("/") + 1] for path in paths}
    above = {folder[: at + 1] for folder in folders for at, letter in enumerate(folder) if letter == "/"}
    plain = {folder.lower() for folder in above}
    return len(lower) == len(paths) and len(plain) == len(above) and not any(each[:-1] in lower for each in plain)


def escape_name(name: str | bytes) -> str:
    r"""`name` as it can be shown: bytes that are not UTF-8 as `\xff`, characters that do not print as `\u202e`."""
    text = name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _escape(letter) for letter in text)


def _clash_above(
    path: str, files: dict[str, str], folders: dict[str, tuple[str, str]], unclashed: set[str]
) -> list[tuple[str, str]]:
    """Clashes of the folders of `path`, which are noted in `folders`: folded to (as written, a path in it).

    A folder of `unclashed`, as written, was looked at before.
    """
    if path.rpartition("/")[0] in unclashed:
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
    unclashed.add(path.rpartition("/")[0])
    return []


def _fault(path: str, parts: list[str]) -> str | None:
    bad = _UNPORTABLE.search(path)
    if bad:
        return f"{_named(bad[0])} cannot be in a file's name on every system"
    if not path.isascii() and unicodedata.normalize("NFC", path) != path:
        return "its name is not in Unicode's composed form (NFC), so it would have another name elsewhere"
    if len(path.encode()) > MAX_PATH or len(parts) > MAX_DEPTH:
        return f"it is longer than {MAX_PATH} bytes or {MAX_DEPTH} parts"
    for part in parts:
        if not part:
            return "it has an empty part"
        if part[-1] in ". ":
            return "a part of it ends with a dot or a space, which Windows drops"
        if is_device(part):
            return f"{part} is a device on Windows"
        if len(part.encode()) > MAX_PART:
            return f"a part of it is longer than {MAX_PART} bytes"
    return None


def _named(letter: str) -> str:
    if "\udc80" <= letter <= "\udcff":
        return f"the byte {_escape(letter)}, which is not UTF-8,"
    return f"the character {letter if letter.isprintable() else _escape(letter)}"


def _escape(letter: str) -> str:
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8, as os.fsdecode keeps it
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
