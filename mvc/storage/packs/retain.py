"""Which entries of packs must stay: those that the chunks of the kept recipes need, and all that these rest on.

    recipe ─► chunk ─► the entry of least depth that has its base here ─► the entry of the base ─► … ─► depth 0

Of several copies of a chunk one stays, so that one is decoded first: the last whole copy must not be the one that goes.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from mvc import errors
from mvc.model.ids import ChunkId, FileId, Hasher
from mvc.storage.chunks.recipes import Recipe
from mvc.storage.packs.reader import ChunkReader, Place


class Retained:
    """The entries that stay. What it holds grows with the number of different chunks, not with that of recipes."""

    def __init__(self, reader: ChunkReader) -> None:
        """Nothing stays yet."""
        self._reader = reader
        self._offsets: dict[str, set[int]] = {}
        self._seen: set[bytes] = set()

    def of(self, pack: str) -> AbstractSet[int]:
        """Where the entries begin that stay of a pack."""
        return self._offsets.get(pack, frozenset())

    def keep(self, recipe: Recipe) -> bool:
        """Have all that a recipe needs stay; False, and nothing noted, when not all of it is here."""
        found: dict[bytes, Place] = {}
        for chunk, _ in recipe.chunks:
            raw = bytes.fromhex(chunk)
            if raw not in self._seen and raw not in found:
                place = self._sound(chunk, self._reader.locate(chunk))
                if place is None:
                    return False
                found[raw] = place
        self._seen.update(found)
        self._note(found.values())
        return True

    def keep_what_is_here(self, recipe: Recipe) -> None:
        """Have whatever is here of what a recipe needs stay, every copy of it: the rest may come back."""
        if not self.keep(recipe):
            for chunk, _ in recipe.chunks:
                self._note(self._reader.locate(chunk))

    def rebuilds(self, recipe: Recipe) -> bool:
        """Whether the bytes that a recipe gives are those of its file; all of them are read."""
        if recipe.inline is not None:
            return True
        hasher = Hasher()
        try:
            for chunk, _ in recipe.chunks:
                hasher.update(self._reader.read(chunk, self._reader.locate(chunk)))
        except errors.Damaged:
            return False
        return FileId(hasher.digest()) == recipe.file

    def _note(self, places: Iterable[Place]) -> None:
        for place in places:
            self._offsets.setdefault(place.location.pack, set()).add(place.location.entry.offset)
            self._note(place.bases)

    def _sound(self, chunk: str, places: tuple[Place, ...]) -> Place | None:
        """The place of least depth that has all it rests on here, with nothing but that; None where none has."""
        for place in places:
            only = self._alone(place)
            if only is not None and (len(places) == 1 or self._decodes(ChunkId(chunk), only)):
                return only
        return None

    def _alone(self, place: Place) -> Place | None:
        """A place with one way to its base; None when there is none."""
        base = place.location.entry.base
        if base is None:
            return place
        under = self._sound(base, place.bases)
        return None if under is None else Place(place.location, (under,))

    def _decodes(self, chunk: ChunkId, place: Place) -> bool:
        try:
            self._reader.read(chunk, (place,))
        except errors.Damaged:
            return False
        return True
