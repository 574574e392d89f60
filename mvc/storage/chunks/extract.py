"""Extraction of files: chunks are found, read and decoded ahead on all cores, joined in order, every byte checked.

recipe ─ chunk ids ─ index ─► pread, decode (threads) ─► in order ─► the whole file's hash must match
                                                         └─ or each chunk's, when bytes are handed on at once
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from mvc import errors
from mvc.model.ids import Buffer, ChunkId, FileId, Hasher, digest
from mvc.storage.chunks.recipes import Chunks, Recipe, Recipes
from mvc.storage.disk.temporary import Temporary
from mvc.storage.disk.workers import THREADS, Workers
from mvc.storage.packs.reader import ChunkReader, Place
from mvc.storage.ranges import Ranges

WINDOW = 32
"""The most chunks that are decoded ahead."""
AHEAD = 64 * 1024 * 1024
"""The most bytes that are decoded ahead: a chunk may have 16 MiB, although mvc now cuts none above 1 MiB."""
TOGETHER = 4
"""Chunks that a worker decodes per task, which amortises the cost of a task."""
TASKS = 2 * THREADS
"""The tasks to make at least: a few chunks are shared out to all threads."""

LOCATED = 256
"""Chunks that are located by one query."""
_UNHASHED = 8
"""The most chunks that are written and not hashed yet."""
_PEEK = 16
"""Bytes of a chunk that must be zero before it is compared with a chunk of zeros, whose id must be computed."""

Progress = Callable[[int], None]


class _Wanted(NamedTuple):
    """A chunk, its size in bytes, its places, and whether its own hash is checked."""

    chunk: ChunkId
    size: int
    places: tuple[Place, ...]
    check: bool


class _Failed(NamedTuple):
    """A chunk that could not be read from any place, and the error."""

    wanted: _Wanted
    error: errors.MvcError


class Extract:
    """Reader of stored files. It raises Missing or Damaged, which name the fault, and never returns wrong bytes."""

    def __init__(self, recipes: Recipes, chunks: ChunkReader) -> None:
        """Rebuild files by `recipes`, from `chunks`."""
        self._recipes = recipes
        self._chunks = chunks
        self._workers = Workers()
        self._zeros: dict[int, ChunkId] = {}

    def stream(self, file: FileId) -> Iterator[Buffer]:
        """Yield the bytes of a file chunk by chunk; verify each before it is yielded, and the whole file at the end."""
        recipe = self._recipe(file)
        if recipe.inline is not None:
            yield recipe.inline
            return
        hasher = Hasher()
        for _, raw in self._decoded(recipe.chunks, check=True):
            hasher.update(raw)
            yield raw
        if hasher.digest() != file:
            self._recipes.distrust(recipe)
            raise _lie(recipe)

    def read_range(self, file: FileId, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`, fewer at the end of the file; read only the chunks that overlap them."""
        return self.ranges(file)(offset, size)

    def ranges(self, file: FileId) -> Callable[[int, int], bytes]:
        """Return a function like `read_range` for one file, whose recipe is looked up once.

        It decodes each chunk once if the ranges are in the order of the file.
        """
        recipe = self._recipe(file)
        if recipe.inline is not None:
            return partial(_part, recipe.inline)
        return Ranges(recipe.chunks, lambda chunks: (raw for _, raw in self._decoded(chunks, check=True)))

    def small(self, file: FileId) -> bytes:
        """Return all bytes of a file that fits in memory."""
        return b"".join(self.stream(file))

    def to_temporary(self, file: FileId, temporary: Temporary, progress: Progress | None = None) -> None:
        """Write a verified file to `temporary`; chunks of zero bytes become holes.

        A recipe that rebuilds another file is not used again: its maker is not trusted.
        """
        recipe = self._recipe(file)
        try:
            self._write(recipe, temporary, progress)
        except _LieError:
            self._recipes.distrust(recipe)
            if not self._recipes.for_file(file):
                raise _lie(recipe) from None
            temporary.restart()
            self.to_temporary(file, temporary, progress)

    # --- inside

    def _write(self, recipe: Recipe, temporary: Temporary, progress: Progress | None) -> None:
        if recipe.inline is not None:
            temporary.write(recipe.inline)
            if progress is not None:
                progress(len(recipe.inline))
            return
        if len(set(recipe.chunks)) == len(
            recipe.chunks
        ):  # otherwise some may be holes, for which no space must be reserved
            temporary.reserve(recipe.size)
        hasher = Hasher()
        with Workers(1) as beside:
            decoded = self._decoded(recipe.chunks, check=False)
            for raw in beside.ahead(partial(_hashed, hasher), self._written(decoded, temporary), _UNHASHED):
                if progress is not None:
                    progress(len(raw))
        if hasher.digest() != recipe.file:
            self._name_culprit(recipe)

    def _written(self, decoded: Iterator[tuple[ChunkId, Buffer]], temporary: Temporary) -> Iterator[Buffer]:
        """Yield the bytes of each chunk, once they are written."""
        for chunk, raw in decoded:
            if not any(raw[:_PEEK]) and chunk == self._zero(len(raw)):
                temporary.skip(len(raw))
            else:
                temporary.write(raw)
            yield raw

    def _recipe(self, file: FileId) -> Recipe:
        recipe = self._recipes.best(file)
        if recipe is not None:
            return recipe
        recipes = self._recipes.for_file(file)
        if not recipes:
            raise errors.Missing(what="file", id=file)
        for name, error in self._chunks.index.unreadable.items():
            raise errors.Damaged(what=name, reason=f"{error.message} It may hold chunks of file {file[:10]}") from error
        missing = [chunk for chunk, _ in recipes[0].chunks if not self._chunks.index.has_all([chunk])]
        raise errors.Missing(what=f"a chunk of file {file[:10]}, chunk", id=missing[0])

    def _decoded(self, chunks: Chunks, *, check: bool) -> Iterator[tuple[ChunkId, Buffer]]:
        """Yield the id and the bytes of each of `chunks`."""
        wanted = self._wanted(chunks, check=check)
        window = min(WINDOW, AHEAD // max(size for _, size in chunks)) if chunks else 1
        together = max(1, min(TOGETHER, len(chunks) // TASKS))
        # A single chunk, as that of a header, is decoded at once: to wait for another thread takes as long.
        outcomes = (
            self._workers.ahead(self._try, wanted, window, together) if len(chunks) > 1 else map(self._try, wanted)
        )
        for outcome in outcomes:
            yield self._again(outcome) if isinstance(outcome, _Failed) else outcome

    def _wanted(self, chunks: Chunks, *, check: bool) -> Iterator[_Wanted]:
        for first in range(0, len(chunks), LOCATED):
            some = chunks[first : first + LOCATED]
            places = self._chunks.locate_all(chunk for chunk, _ in some)
            for chunk, size in some:
                yield _Wanted(chunk, size, places[chunk], check)

    def _try(self, wanted: _Wanted) -> tuple[ChunkId, Buffer] | _Failed:
        """Return the chunk from the first place with intact bytes; called in a thread."""
        try:
            raw = self._chunks.read(wanted.chunk, wanted.places, check=wanted.check)
        except (errors.Damaged, errors.Missing) as error:
            return _Failed(wanted, error)
        if len(raw) != wanted.size:
            what = f"chunk {wanted.chunk[:10]} in {wanted.places[0].location.pack}"
            return _Failed(wanted, errors.Damaged(what=what, reason="size mismatch"))
        return wanted.chunk, raw

    def _again(self, failed: _Failed) -> tuple[ChunkId, Buffer]:
        """Retry the places in the packs' own indexes: the cache may be wrong, or a pack was replaced."""
        wanted = failed.wanted
        places = self._chunks.locate(wanted.chunk, sure=True)
        self._chunks.forget(places)
        outcome = self._try(wanted._replace(places=places, check=True))
        if not isinstance(outcome, _Failed):
            return outcome
        raise outcome.error if places else failed.error

    def _name_culprit(self, recipe: Recipe) -> None:
        """Raise Damaged for the first chunk with a checksum mismatch; _LieError if all chunks match but the file does not."""
        for _ in self._decoded(recipe.chunks, check=True):
            pass
        raise _LieError

    def _zero(self, size: int) -> ChunkId:
        if size not in self._zeros:
            self._zeros[size] = ChunkId(digest(bytes(size)))
        return self._zeros[size]


class _LieError(Exception):
    """The chunks of a recipe are intact, but rebuild another file."""


def _part(data: bytes, offset: int, size: int) -> bytes:
    return data[offset : offset + size]


def _hashed(hasher: Hasher, raw: Buffer) -> Buffer:
    hasher.update(raw)
    return raw


def _lie(recipe: Recipe) -> errors.Damaged:
    reason = f"its chunks are intact, but belong to another file than {recipe.file[:10]}"
    return errors.Damaged(what=f"the recipe {recipe.id()}", reason=reason)
