"""A stored file as a stream: its chunks are located when it is opened, so that any thread may read it afterwards."""

from __future__ import annotations

import bisect
import io
import itertools
from typing import Any

from mvc import errors
from mvc.model.ids import Buffer, FileId
from mvc.repository.repository import Repository

_BUFFER = 1 << 20


class StoredFile(io.RawIOBase):
    """The bytes of a file, each chunk verified when it is read. One thread may read it at a time."""

    def __init__(self, repository: Repository, file: FileId) -> None:
        """Locate the chunks of `file`. Raises Missing, Damaged."""
        super().__init__()
        recipe = repository.recipes.best(file)
        if recipe is None:
            raise errors.Missing(what="file", id=file)
        self._reader = repository.reader
        self._inline = recipe.inline
        self._chunks = [(chunk, self._reader.locate(chunk)) for chunk, _ in recipe.chunks]
        self._starts = [0, *itertools.accumulate(size for _, size in recipe.chunks)]
        self._size = recipe.size
        self._at = 0
        self._decoded: tuple[int, Buffer] = (-1, b"")

    def __len__(self) -> int:
        """Return the size in bytes."""
        return self._size

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position, and return it."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError(f"negative seek position {start + offset}")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer up to the end of a chunk; return the number of bytes, 0 at the end. Raises Missing, Damaged."""
        view = memoryview(buffer).cast("B")
        piece = self._piece()[: len(view)]
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _piece(self) -> memoryview:
        """Return the bytes of the current chunk from the position on."""
        if self._at >= self._size:
            return memoryview(b"")
        if self._inline is not None:
            return memoryview(self._inline)[self._at :]
        number = bisect.bisect_right(self._starts, self._at) - 1
        if self._decoded[0] != number:
            chunk, places = self._chunks[number]
            self._decoded = number, self._reader.read(chunk, places)
        return memoryview(self._decoded[1])[self._at - self._starts[number] :]


def opened(repository: Repository, file: FileId) -> io.BufferedReader:
    """Return a stored file as a buffered stream. Raises Missing, Damaged."""
    return io.BufferedReader(StoredFile(repository, file), _BUFFER)
