"""Delta bases of new chunks: the same pieces of the same tensors in versions that are already stored.

    new     encoder.layer.5.weight  F32  384 x 384   piece 0   ─►  DIFFERENCE  ─►  chunk 4e… of the parent's file
    new     encoder.layer.5.weight  BF16 384 x 384   piece 0   ─►  BFLOAT      ─►  the same chunk
    later   encoder.layer.5.weight  F32  384 x 384   piece 0   ─►  DIFFERENCE  ─►  the delta base of the bf16 chunk

Tensors are matched by name, dtype and shape; then by name without the prefix that only one of the formats has
(`model.encoder.layer.5.weight`, and `ema.encoder.layer.5.weight` beside it); then by name and dtype; in the file of the same role also by their order among the tensors
of one dtype and shape. Files of the same role are tried before others, and nearer versions before older ones.

A half-precision tensor is first compared with the fp32 tensor of the same name in a file of its own version, which it may
be a copy of; files of the same version are the last ones to be tried for other tensors.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from mvc.model.ids import ChunkId, FileId
from mvc.model.segment import WIDTHS, Segment
from mvc.storage.chunks import encodings
from mvc.storage.chunks.layout import Piece
from mvc.storage.chunks.recipes import Recipe

_Kind = tuple[str, tuple[int, ...] | None]
_LARGE = 256 * 1024
"""Bytes from which files of unknown format are bases of other roles."""
_RELATIVES = 3
"""Files of other roles that a file of unknown format is compared with, at most."""
_ROUNDED = {"BF16": encodings.BFLOAT, "F16": encodings.HALF}
_ALIKE = 3
"""Tensors of one file whose names end alike and that are tried for one of a shorter name, at most."""
_SIBLINGS = 8
"""Files of the new version itself whose tensors are searched, at most: the first ones, which are the largest."""


class Candidate(NamedTuple):
    """A stored file, of `size` bytes if known, whose chunks may be delta bases of new ones."""

    role: str
    file: FileId
    size: int = 0


class Found(NamedTuple):
    """A delta base, and the encoding of the delta.

    With `beneath`, the base is not the chunk itself but the chunk's own delta base: the fp32 chunk that it was rounded from.
    `other` is another base, which may be nearer: samples of the bytes decide.
    """

    chunk: ChunkId
    encoding: int
    beneath: bool = False
    other: Found | None = None


class _Match(NamedTuple):
    """A tensor that serves as base: its offset in its file, and the encoding of the delta."""

    tensors: _Tensors
    offset: int
    encoding: int
    dtype: str


class Bases:
    """The tensors of stored files, each file's looked up on first use."""

    def __init__(self, candidates: Iterable[Candidate], recipe: Callable[[FileId], Recipe | None]) -> None:
        """Search `candidates`, the best first; `recipe` returns the recipe of a file, None if it cannot be rebuilt.

        Both are asked once a new chunk needs a base.
        """
        self._given = candidates
        self._recipe = recipe
        self._known: dict[FileId, _Tensors] = {}
        self._siblings: list[Recipe] = []
        self._unknown: list[Recipe] = []

    def add(self, recipe: Recipe) -> None:
        """Search this file too, which belongs to the new version and is stored already."""
        siblings = self._siblings if recipe.segments else self._unknown
        if (recipe.segments or recipe.size >= _LARGE) and len(siblings) < _SIBLINGS:
            siblings.append(recipe)

    def siblings(self) -> Iterator[_Tensors]:
        """Yield the tensors of the files of the new version that are stored already."""
        for recipe in self._siblings:
            if recipe.file not in self._known:
                self._known[recipe.file] = _Tensors(recipe)
            yield self._known[recipe.file]

    def of(self, role: str, segments: Sequence[Segment]) -> FileBases:
        """Return the delta bases of a new file of `role` with these segments."""
        return FileBases(self, role, segments)

    def alike(self, role: str, size: int) -> Iterator[Recipe]:
        """Yield the recipes of the files that a new file of unknown format, of `size` bytes, may be another version of.

        That is the first file of its role. If there is none, it is up to `_RELATIVES` files of unknown format of about its size,
        largest first, those of its own version before others of the same size.
        """
        if role in self._by_role:
            recipe = self._recipe(self._by_role[role])
            if recipe is not None:
                yield recipe
        elif size >= _LARGE:
            yield from self._near(size)

    def of_size(self, size: int) -> Iterator[Recipe]:
        """Yield the recipes of the files of unknown format of `size` bytes, those of its own version first."""
        yield from (recipe for recipe in self._unknown if recipe.size == size)
        for file in self._by_size.get(size, ()):
            recipe = self._recipe(file)
            if recipe is not None and not recipe.segments:
                yield recipe

    def _near(self, size: int) -> Iterator[Recipe]:
        sizes = {recipe.size for recipe in self._unknown} | self._by_size.keys()
        near = sorted((each for each in sizes if size <= 2 * each <= 4 * size), reverse=True)
        yield from itertools.islice(itertools.chain.from_iterable(map(self.of_size, near)), _RELATIVES)

    @cached_property
    def _candidates(self) -> list[Candidate]:
        return list(dict.fromkeys(self._given))

    @cached_property
    def _by_role(self) -> dict[str, FileId]:
        """The first file of each role."""
        return {candidate.role: candidate.file for candidate in reversed(self._candidates)}

    @cached_property
    def _by_size(self) -> dict[int, list[FileId]]:
        """The files of each size of at least `_LARGE` bytes."""
        sizes: dict[int, list[FileId]] = {}
        for candidate in self._candidates:
            if candidate.size >= _LARGE:
                sizes.setdefault(candidate.size, []).append(candidate.file)
        return sizes

    def tensors(self, role: str) -> Iterator[tuple[bool, _Tensors]]:
        """Yield the tensors of each file, and True if the file has that role; these files come first."""
        for candidate in sorted(self._candidates, key=lambda each: each.role != role):
            if candidate.file not in self._known:
                self._known[candidate.file] = _Tensors(self._recipe(candidate.file))
            yield candidate.role == role, self._known[candidate.file]


class FileBases:
    """The delta bases of the pieces of one new file."""

    def __init__(self, bases: Bases, role: str, segments: Sequence[Segment]) -> None:
        """Search `bases` on demand."""
        self._bases = bases
        self._role = role
        self._segments = segments
        self._orders = _orders(segments)
        self._found: dict[int, tuple[_Match, ...]] = {}

    def find(self, piece: Piece) -> Found | None:
        """Return the delta base of a piece of the new file, None if there is none."""
        if not (piece.width or piece.mixed) or piece.first == piece.last:
            return None
        if piece.first not in self._found:
            self._found[piece.first] = self._match(piece.first)
        found: Found | None = None
        for match in reversed(self._found[piece.first]):
            found = self._chunk(piece, match, found) or found
        return found

    def _chunk(self, piece: Piece, match: _Match, other: Found | None) -> Found | None:
        segment = self._segments[piece.first]
        if piece.mixed:
            same = match.encoding == encodings.DIFFERENCE and match.dtype == segment.dtype
            chunk = match.tensors.chunk_at(match.offset + piece.offset - segment.offset) if same else None
            return Found(chunk, match.encoding) if chunk else None
        elements = (piece.offset - segment.offset) // segment.width
        chunk = match.tensors.chunk_at(match.offset + elements * WIDTHS.get(match.dtype, 1))
        beneath = segment.dtype == "F32" and match.dtype != "F32"
        return Found(chunk, match.encoding, beneath, other) if chunk else None

    def _match(self, index: int) -> tuple[_Match, ...]:
        """Return the tensors that may be the base of one, the best first: a rounded one of its own version, and another."""
        segment = self._segments[index]
        rounded = self._sibling(segment, "F32", _ROUNDED[segment.dtype]) if segment.dtype in _ROUNDED else []
        others = self._parent(index) or self._sibling(segment, segment.dtype, encodings.DIFFERENCE)
        return (*rounded, *others)

    def _sibling(self, segment: Segment, dtype: str, encoding: int) -> list[_Match]:
        for tensors in self._bases.siblings():
            if offsets := tensors.find(segment._replace(dtype=dtype), None):
                return [_Match(tensors, offset, encoding, dtype) for offset in offsets]
        return []

    def _parent(self, index: int) -> list[_Match]:
        segment = self._segments[index]
        for same_role, tensors in self._bases.tensors(self._role):
            for dtype, encoding in _dtypes(segment.dtype):
                order = self._orders[index] if same_role and dtype == segment.dtype else None
                if offsets := tensors.find(segment._replace(dtype=dtype), order):
                    return [_Match(tensors, offset, encoding, dtype) for offset in offsets]
        return []


def _dtypes(dtype: str) -> Iterator[tuple[str, int]]:
    """Yield the dtypes of tensors that can be the base of one of `dtype`, and the encoding of the delta."""
    yield dtype, encodings.DIFFERENCE
    if dtype in _ROUNDED:
        yield "F32", _ROUNDED[dtype]
    if dtype == "F32":
        yield from ((each, encodings.DIFFERENCE) for each in _ROUNDED)


class _Tensors:
    """The tensors of one stored file by each of their search keys, and its chunks by offset."""

    def __init__(self, recipe: Recipe | None) -> None:
        self._exact: dict[tuple[str, _Kind], int] = {}
        self._ends: dict[tuple[str, _Kind], list[int]] = {}
        self._named: dict[tuple[str, str], int] = {}
        self._ordered: dict[_Kind, list[int]] = {}
        self._chunks: dict[int, ChunkId] = {}
        if recipe is None or not recipe.segments:
            return
        offset = 0
        for chunk, size in recipe.chunks:
            self._chunks[offset] = chunk
            offset += size
        for segment in recipe.segments:
            kind = (segment.dtype, segment.shape)
            if segment.name:
                self._exact.setdefault((segment.name, kind), segment.offset)
                self._named.setdefault((segment.name, segment.dtype), segment.offset)
            for view in segment.views:
                if not view.start:
                    self._exact.setdefault((view.name, (segment.dtype, view.shape)), segment.offset)
            for end in _ends(segment.name):
                alike = self._ends.setdefault((end, kind), [])
                if len(alike) < _ALIKE:
                    alike.append(segment.offset)
            self._ordered.setdefault(kind, []).append(segment.offset)

    def find(self, segment: Segment, order: int | None) -> list[int]:
        """Return the offset of the tensor that matches `segment`, or of several that may; an empty list if none does.

        `order` is its position among tensors of its kind, if used.
        """
        kind = (segment.dtype, segment.shape)
        if (segment.name, kind) in self._exact:
            return [self._exact[segment.name, kind]]
        if alike := self._ends.get((segment.name, kind)):
            return alike
        for end in _ends(segment.name):
            if (end, kind) in self._exact:
                return [self._exact[end, kind]]
        if (segment.name, segment.dtype) in self._named:
            return [self._named[segment.name, segment.dtype]]
        ordered = self._ordered.get(kind, [])
        return ordered[order : order + 1] if order is not None else []

    def chunk_at(self, offset: int) -> ChunkId | None:
        """Return the chunk that begins at `offset`."""
        return self._chunks.get(offset)


def _ends(name: str) -> list[str]:
    """Return a name without its first part, and without its first two, if at least two parts remain."""
    parts = name.split(".")
    return [".".join(parts[first:]) for first in (1, 2) if len(parts) - first > 1]


def _orders(segments: Sequence[Segment]) -> list[int]:
    """Return for each segment the number of segments before it with its dtype and shape."""
    seen: dict[_Kind, int] = {}
    orders = []
    for segment in segments:
        kind = (segment.dtype, segment.shape)
        orders.append(seen.get(kind, 0))
        seen[kind] = orders[-1] + 1
    return orders
