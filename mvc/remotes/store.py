"""The interface (a typing protocol) of the local store that remotes read and write; a repository implements it."""

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
        """Recipes: the chunks of each file."""

    @property
    def metapacks(self) -> MetaPacks:
        """Metadata packs that were fetched."""

    @property
    def chunks(self) -> ChunkIndex:
        """The places of chunks in packs."""

    @property
    def reader(self) -> ChunkReader:
        """The reader of chunks."""
