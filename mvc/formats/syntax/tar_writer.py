"""Tar archives as a stream of bytes that depends on their members only, so that equal members give an equal archive.

    each member, by name: header │ its bytes │ zeros up to 512 │ … │ zeros up to 10,240

The owner is root, the permissions are fixed, and one time serves all members. A long name or size has a pax header, as in
POSIX.1-2001.
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator

from mvc.formats.syntax.zip_writer import Buffer, Member

Read = Callable[[Member], Iterable[Buffer]]
"""Returns the bytes of a member, piece by piece."""
_GZIP = 31
"""The `wbits` of zlib for a gzip header, which then has no time and no name."""
_LEVEL = 1
"""Weights hardly compress, so a higher level costs time for nothing."""


def stream(members: Iterable[Member], read: Read, time: int) -> Iterator[Buffer]:
    """Yield the bytes of the archive; `time` is in seconds since 1970."""
    offset = 0
    for member in sorted(members, key=lambda entry: entry.name.encode()):
        info = tarfile.TarInfo(member.name)
        info.size, info.mtime, info.mode = member.size, time, 0o755 if member.executable else 0o644
        info.uname = info.gname = "root"
        header = info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")
        yield header
        yield from read(member)
        yield bytes(-member.size % tarfile.BLOCKSIZE)
        offset += len(header) + member.size + -member.size % tarfile.BLOCKSIZE
    end = offset + 2 * tarfile.BLOCKSIZE
    yield bytes(end - offset + -end % tarfile.RECORDSIZE)


def gzipped(pieces: Iterable[Buffer]) -> Iterator[bytes]:
    """Yield `pieces` compressed by gzip."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()
