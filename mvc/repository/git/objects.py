"""The objects of a Git repository, read as Git stores them: no filter, hook or fetch runs.

    id ─► git cat-file ─► type, size ─► bytes, block by block ─► their hash must be the id

`git cat-file` runs until the objects are closed.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import stat
from pathlib import Path
from typing import Any, NamedTuple

from mvc import errors
from mvc.model.paths import escape_name
from mvc.repository.git import command
from mvc.repository.git.commit import OID
from mvc.repository.imports.source import Sink

_MAX_OBJECT = 64 << 20
"""Bytes of a commit, a tag or a folder, at most."""
_BLOCK = 1 << 20
_SHA1_DIGITS = 40
_MODE = re.compile(rb"[0-7]{1,6}")


class Entry(NamedTuple):
    """An entry of a folder: its mode, its name, the id of its object."""

    mode: int
    name: str
    oid: str

    @property
    def is_folder(self) -> bool:
        """True for a folder."""
        return self.mode == stat.S_IFDIR

    @property
    def is_file(self) -> bool:
        """True for a file, which is neither a link nor another repository."""
        return stat.S_ISREG(self.mode)


class GitObjects:
    """The objects of the Git repository at `folder`."""

    def __init__(self, folder: Path) -> None:
        """Start nothing yet."""
        self._folder = folder
        self._processes: dict[str, Any] = {}

    def close(self) -> None:
        """End the programs that read the objects."""
        for mode in list(self._processes):
            self._end(mode)

    def entries(self, tree: str) -> list[Entry]:
        """Return the entries of a folder; raise BadGitObject."""
        data, entries, at, raw = self.whole(tree, "tree"), list[Entry](), 0, len(tree) // 2
        while at < len(data):
            space, end = data.find(b" ", at), data.find(b"\0", at)
            if not at < space < end or end + raw >= len(data) or not _MODE.fullmatch(data[at:space]):
                raise errors.BadGitObject(oid=tree, reason="it is not a folder")
            name = data[space + 1 : end].decode("utf-8", "surrogateescape")
            entries.append(Entry(int(data[at:space], 8), name, data[end + 1 : end + 1 + raw].hex()))
            at = end + 1 + raw
        return entries

    def info(self, oid: str) -> tuple[str, int]:
        """Return the type and the size of an object; raise BadGitObject if it is absent."""
        return self._header("--batch-check", oid)

    def read(self, oid: str, limit: int) -> bytes:
        """Return the first `limit` bytes of a content, all of them if it is shorter; raise BadGitObject."""
        if self.info(oid)[1] <= limit:
            return self.whole(oid, "blob")
        blocks: list[bytes] = []
        with contextlib.suppress(_Enough):
            self.write(oid, _Limited(blocks, limit))
        return b"".join(blocks)[:limit]

    def write(self, oid: str, sink: Sink) -> None:
        """Write a content into `sink`, block by block; raise BadGitObject if its hash is not its id, or it is absent."""
        kind, size = self._header("--batch", oid)
        try:
            hasher = hashlib.new(
                "sha1" if len(oid) == _SHA1_DIGITS else "sha256",
                b"%s %d\0" % (kind.encode(), size),
                usedforsecurity=False,
            )
            output, left = self._processes["--batch"].stdout, size
            while left:
                block = output.read(min(_BLOCK, left))
                if not block:
                    raise errors.BadGitObject(oid=oid, reason="it cannot be read in full")
                hasher.update(block)
                left -= len(block)
                sink(block)
            output.read(1)
        except BaseException:
            self._end("--batch")  # the rest of its output belongs to this content
            raise
        if hasher.hexdigest() != oid:
            raise errors.BadGitObject(oid=oid, reason="its checksum differs")

    def whole(self, oid: str, kind: str) -> bytes:
        """Return the bytes of an object of a type; raise BadGitObject."""
        found, size = self.info(oid)
        if found != kind or size > _MAX_OBJECT:
            reason = f"it is a {found}, not a {kind}" if found != kind else f"it is larger than {_MAX_OBJECT >> 20} MiB"
            raise errors.BadGitObject(oid=oid, reason=reason)
        blocks: list[bytes] = []
        self.write(oid, blocks.append)
        return b"".join(blocks)

    def _header(self, mode: str, oid: str) -> tuple[str, int]:
        """Ask for an object, and return its type and size."""
        if not OID.match(oid):
            raise errors.BadGitObject(oid=escape_name(oid[:64]), reason="it is not the id of an object")
        if mode not in self._processes:
            self._processes[mode] = command.start(self._folder, "cat-file", mode)
        process = self._processes[mode]
        try:
            process.stdin.write(f"{oid}\n".encode())
            process.stdin.flush()
            answer = process.stdout.readline().split()
        except OSError:
            answer = []
        if len(answer) != 3 or not answer[2].isdigit():
            if not answer:
                self._end(mode)
            is_absent = answer[1:] == [b"missing"]
            raise errors.BadGitObject(oid=oid, reason="it is missing" if is_absent else "Git cannot read it")
        return answer[1].decode(), int(answer[2])

    def _end(self, mode: str) -> None:
        process = self._processes.pop(mode).proc
        for pipe in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(OSError):
                pipe.close()
        process.kill()
        process.wait()


class _Enough(Exception):  # noqa: N818 - not an error
    """The bytes that were asked for are read."""


class _Limited:
    """A sink that ends the reading once it has `limit` bytes."""

    def __init__(self, blocks: list[bytes], limit: int) -> None:
        self._blocks, self._left = blocks, limit

    def __call__(self, block: bytes) -> None:
        self._blocks.append(block)
        self._left -= len(block)
        if self._left <= 0:
            raise _Enough
