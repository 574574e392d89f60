r"""The checksums cache: those by which other systems name contents, so that no file is read for them twice.

    cache/checksums   1 <BLAKE3 of the rest>\n{"sha256":{"9f86…":"60ab…"},"md5":{…}}     checksum: file id

A row is written only for bytes whose two checksums were computed in one read. The cache may be deleted or corrupt at any
time.
"""

from __future__ import annotations

import json
import re
from typing import Any

from mvc import errors
from mvc.model.ids import DIGITS, FileId, are_ids, digest
from mvc.storage.disk.door import StoreDoor

NAME = "cache/checksums"
MAX_BYTES = 64 << 20
"""The largest cache, in bytes: about 400,000 files."""
_FORMAT = b"1 "
_HEX = {
    "sha256": re.compile(r"[0-9a-f]{64}\Z"),
    "md5": re.compile(r"[0-9a-f]{32}\Z"),
    "git-sha1": re.compile(r"[0-9a-f]{40}\Z"),
    "git-sha256": re.compile(r"[0-9a-f]{64}\Z"),
}
"""The form of a digest of each algorithm; one that several contents may have, as `md5-dos2unix`, is none."""


class Checksums:
    """The ids of files by checksum, and the reverse."""

    def __init__(self, door: StoreDoor) -> None:
        """Read the cache on first use."""
        self._door = door
        self._rows: dict[str, dict[str, FileId]] | None = None
        self._changed = False

    def file(self, algorithm: str, digest: str) -> FileId | None:
        """Return the id of the file with this checksum; None if it is not known."""
        return self._load().get(algorithm, {}).get(digest)

    def digest(self, algorithm: str, file: FileId) -> str | None:
        """Return the checksum of a file; None if it is not known."""
        return next((known for known, id_ in self._load().get(algorithm, {}).items() if id_ == file), None)

    def digests(self, algorithm: str) -> dict[FileId, str]:
        """Return every known checksum of an algorithm, by file."""
        return {id_: digest for digest, id_ in self._load().get(algorithm, {}).items()}

    def add(self, algorithm: str, digest: str, file: FileId) -> None:
        """Add the checksum of a file, of a known algorithm; both were computed from the same bytes."""
        if algorithm not in _HEX:
            return
        rows = self._load().setdefault(algorithm, {})
        if rows.get(digest) != file:
            rows[digest] = file
            self._changed = True

    def save(self) -> None:
        """Write the cache if it changed; ignore a read-only store."""
        if self._changed:
            body = json.dumps(self._load(), separators=(",", ":")).encode()
            if len(body) < MAX_BYTES:
                self._door.cache(NAME, _FORMAT + _digest(body) + b"\n" + body)
            self._changed = False

    def _load(self) -> dict[str, dict[str, FileId]]:
        if self._rows is None:
            self._rows = self._read()
        return self._rows

    def _read(self) -> dict[str, dict[str, FileId]]:
        try:
            data = self._door.read(NAME, MAX_BYTES)
        except (OSError, errors.MvcError):
            return {}
        head = len(_FORMAT) + DIGITS
        body = data[head + 1 :]
        return _rows(body) if data[:head] == _FORMAT + _digest(body) else {}


def _digest(body: bytes) -> bytes:
    return digest(body).encode()


def _rows(body: bytes) -> dict[str, dict[str, FileId]]:
    """Decode the rows; return none if one is invalid, since a cache may come from anybody."""
    try:
        content: Any = json.loads(body)
        for algorithm, rows in content.items():
            if not (are_ids(list(rows.values())) and all(map(_HEX[algorithm].match, rows))):
                return {}
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return {}
    return dict(content)
