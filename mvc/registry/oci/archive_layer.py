"""Layers that are archives: tar, also with gzip or zstd, of which only regular files are taken.

    blob ─► tmp/, checked by its digest ─► decompressed, within a limit ─► headers ─► files, each read at its place

Nothing is extracted by the archive's own paths: files go through the checks of every import. Links and devices are left out.
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from mvc import errors
from mvc.deferred import dataclass
from mvc.registry.oci.manifest import BadManifestError
from mvc.storage.chunks import zstd
from mvc.storage.disk.temporary import Temporary

MAX_FILES = 20_000
"""Files of an archive, at most."""
RATIO, FLOOR = 200, 64 << 20
"""An archive may expand to so many times its size, and to so many bytes in any case."""
_MAX_HEADER = 1 << 20
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive, and where its bytes are in the plain tar."""

    path: str
    size: int
    offset: int
    executable: bool


@dataclass(frozen=True)
class Archive:
    """A plain tar in a temporary file, its files, and the paths of what is none."""

    temporary: Temporary
    members: tuple[Member, ...]
    others: tuple[str, ...]

    def reader(self, member: Member) -> Callable[[Callable[[bytes], object]], None]:
        """Return a function that writes the bytes of a file into a sink."""

        def read(sink: Callable[[bytes], object]) -> None:
            with open(self.temporary.path, "rb") as file:
                file.seek(member.offset)
                left = member.size
                while left and (block := file.read(min(left, _BLOCK))):
                    left -= len(block)
                    sink(block)

        return read


def expand(layer: Path, compression: str, target: Temporary) -> None:
    """Decompress a layer into `target`. Raises BadManifestError if it is damaged, or expands too much."""
    left = max(FLOOR, layer.stat().st_size * RATIO)
    try:
        with open(layer, "rb") as file:
            for block in _gzip(file) if compression == "gzip" else zstd.blocks(file, _BLOCK):
                left -= len(block)
                if left < 0:
                    raise BadManifestError(f"an archive expands to more than {RATIO} times its size")
                target.write(block)
    except (errors.Damaged, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadManifestError(f"an archive is not valid {compression}: {error}") from None


def _gzip(file: BinaryIO) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=file) as stream:
        while block := stream.read(_BLOCK):
            yield block


def opened(temporary: Temporary) -> Archive:
    """Return the archive in a temporary file. Raises BadManifestError."""
    members, others = list[Member](), list[str]()
    try:
        with _Headers(temporary.path) as file, tarfile.open(fileobj=file, mode="r:") as archive:
            for count, info in enumerate(archive):
                if count >= MAX_FILES:
                    raise BadManifestError(f"an archive has more than {MAX_FILES} files")
                if info.isreg() and not info.issparse():
                    members.append(Member(info.name, info.size, info.offset_data, bool(info.mode & 0o111)))
                elif not info.isdir():
                    others.append(info.name)
    except (tarfile.TarError, OSError, ValueError, OverflowError) as error:
        raise (
            error if isinstance(error, BadManifestError) else BadManifestError(f"an archive is damaged: {error}")
        ) from None
    size = os.stat(temporary.path).st_size
    if any(member.offset + member.size > size for member in members):
        raise BadManifestError("an archive is truncated")
    return Archive(temporary, tuple(members), tuple(others))


class _Headers(io.FileIO):
    """A file of which only small pieces are read: a hostile header claims to be large."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes. Raises BadManifestError for more than a header may have."""
        if size is None or not 0 <= size <= _MAX_HEADER:
            raise BadManifestError(f"a header of an archive is larger than {_MAX_HEADER >> 20} MiB")
        return super().read(size) or b""
