"""The data path of a store in a folder of its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from mvc.model.ids import FileId
from mvc.storage.absence import Absences
from mvc.storage.chunkindex import ChunkIndex
from mvc.storage.chunkreader import ChunkReader
from mvc.storage.door import StoreDoor
from mvc.storage.extract import Extract
from mvc.storage.ingest import Ingest, Stored
from mvc.storage.metapacks import MetaPacks
from mvc.storage.recipes import Recipes


class Parts:
    """Everything between a file and its packs, opened anew."""

    def __init__(self, root: Path) -> None:
        self.door = StoreDoor(root)
        self.metapacks = MetaPacks(self.door)
        self.chunks = ChunkIndex(self.door)
        self.recipes = Recipes(self.door, self.metapacks, self.chunks)
        self.reader = ChunkReader(self.door, self.chunks)
        self.extract = Extract(self.recipes, self.reader)
        self.absences = Absences(self.door, self.recipes)

    def store(self, *files: bytes, progress: Callable[[int], None] | None = None) -> list[Stored]:
        """Store files, durably."""
        ingest = Ingest(self.door, self.recipes, self.reader, progress)
        done = []
        for data in files:
            with tempfile.TemporaryFile() as file:
                file.write(data)
                file.flush()
                done.append(ingest.add(file.fileno()))
        ingest.close()
        self.door.barrier()
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

    def packs(self) -> list[Path]:
        """Where the packs lie."""
        return sorted(self.door.root.glob("packs/*/*.pack"))


def mixed(seed_bytes: Callable[[int], bytes] = os.urandom) -> bytes:
    """Three kinds of content: random, zero, and text; over 5 MiB, so of several chunks and blocks."""
    return seed_bytes(3 << 20) + bytes(4 << 20) + b"night images, " * 200_000
