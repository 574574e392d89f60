"""The data path of a store in a folder of its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from mvc.model.ids import FileId
from mvc.storage.chunks.bases import Bases
from mvc.storage.chunks.chunking import Buffers
from mvc.storage.chunks.extract import Extract
from mvc.storage.chunks.headers import Note
from mvc.storage.chunks.ingest import Ingest, Stored
from mvc.storage.chunks.recipes import Recipes
from mvc.storage.disk.door import StoreDoor
from mvc.storage.packs.index import ChunkIndex
from mvc.storage.packs.metapacks import MetaPacks
from mvc.storage.packs.packfile import PackFile
from mvc.storage.packs.packformat import Entry, read_index
from mvc.storage.packs.reader import ChunkReader
from mvc.storage.records.promised import Promised


class Parts:
    """Everything between a file and its packs, opened anew."""

    def __init__(self, root: Path) -> None:
        self.door = StoreDoor(root)
        self.metapacks = MetaPacks(self.door)
        self.chunks = ChunkIndex(self.door)
        self.recipes = Recipes(self.door, self.metapacks, self.chunks)
        self.reader = ChunkReader(self.door, self.chunks)
        self.extract = Extract(self.recipes, self.reader)
        self.notes: list[Note] = []
        self.promised = Promised(self.door, self.recipes)

    def store(
        self,
        *files: bytes,
        progress: Callable[[int], None] | None = None,
        bases: Bases | None = None,
        cut_to: int | None = None,
    ) -> list[Stored]:
        """Store files of role `w`, durably; with `cut_to` they lose their ends once their headers have been read."""
        ingest = Ingest(self.door, self.recipes, self.reader, progress, bases)
        done = []
        for data in files:
            with tempfile.TemporaryFile() as file:
                file.write(data)
                file.flush()
                if cut_to is not None:
                    ingest.buffers = _Cutting(file.fileno(), cut_to)
                done.append(ingest.add(file.fileno(), role="w"))
        ingest.close()
        self.door.barrier()
        self.notes = ingest.headers.notes
        return done

    def load(self, file: FileId) -> bytes:
        """A file's bytes by way of a temporary file, as a checkout takes it."""
        temporary = self.door.temporary()
        try:
            self.extract.to_temporary(file, temporary)
            temporary.close()
            return temporary.path.read_bytes()
        finally:
            temporary.discard()

    def entries(self, path: Path) -> list[Entry]:
        """The entries of a pack."""
        return read_index(PackFile(self.door, self.name(path)))

    def name(self, path: Path) -> str:
        """Where it lies, below the store."""
        return path.relative_to(self.door.root).as_posix()

    def packs(self) -> list[Path]:
        """Where the packs lie."""
        return sorted(self.door.root.glob("packs/*/*.pack"))


class _Cutting(Buffers):
    """Cuts a file short when the first of its bytes are about to be read."""

    def __init__(self, fd: int, left: int) -> None:
        super().__init__()
        self._cut = fd, left

    def take(self) -> bytearray:
        os.truncate(*self._cut)
        return super().take()


def mixed(seed_bytes: Callable[[int], bytes] = os.urandom) -> bytes:
    """Three kinds of content: random, zero, and text; over 5 MiB, so of several chunks and blocks."""
    return seed_bytes(3 << 20) + bytes(4 << 20) + b"night images, " * 200_000
