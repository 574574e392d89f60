"""What remotes need of a store here; a repository has it all."""

from __future__ import annotations

from typing import Protocol

from mvc.storage.chunks.recipes import Recipes
from mvc.storage.disk.door import StoreDoor
from mvc.storage.objects import Objects
from mvc.storage.packs.index import ChunkIndex
from mvc.storage.packs.metapacks import MetaPacks
from mvc.storage.packs.reader import ChunkReader


class Store(Protocol):
    """The parts of one store."""

    door: StoreDoor

    @property
    def objects(self) -> Objects:
        """Versions, manifests, trees."""

    @property
    def recipes(self) -> Recipes:
        """How each file is rebuilt."""

    @property
    def metapacks(self) -> MetaPacks:
        """Metadata that came from elsewhere."""

    @property
    def chunks(self) -> ChunkIndex:
        """Where each chunk lies."""

    @property
    def reader(self) -> ChunkReader:
        """The chunks themselves."""
