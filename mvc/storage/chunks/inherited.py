"""Inherited cuts: a file of unknown format is cut where a stored file was cut, and each piece has the chunk there as base.

    stored   [  4e…  ][   09…   ][    c1…    ][  77…  ]
    new      [ on 4e ][ on 09 ]… new bytes …[ on 77 ]        the rest is cut by content

A chunk is not found again by content if all of its bytes changed a little, as those of a fine-tune did. So samples decide:
where deltas at the same places pay, the file is cut as the stored one; where content-defined chunks are stored already,
as those of text and of tensors that only moved, it is cut by content.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.ids import Buffer, ChunkId, digest
from mvc.storage.chunks import chunking, encodings
from mvc.storage.chunks.alignment import Aligner, Alignment, ReadAt, StoredFile
from mvc.storage.chunks.bases import Found
from mvc.storage.chunks.guess import Guess
from mvc.storage.chunks.layout import SMALL, Piece
from mvc.storage.chunks.recipes import Recipe

SEGMENTER = {**chunking.SEGMENTER, "name": "bytes"}
"""The name and parameters of this chunking, as a recipe records them."""
LARGEST = 4 * 1024 * 1024
"""The largest piece that is inherited, in bytes: a block holds at least two."""
_WORTH = 0.97
"""The largest ratio of deltas to content-defined chunks at which cuts are inherited."""
_NOTHING = 0.03
"""The share of a file that deltas may take for content-defined chunks not to be asked about."""
_LEAST = 32 * 1024
"""The average size of a piece below which the file is cut by content: inherited cuts only get more."""
_WINDOW = 3 * 1024 * 1024
_WINDOWS = 4
"""Size and number of the parts of a file that are cut by content, to see how many chunks are stored."""
_UNSURE = 2
"""Chunks at the start of such a part whose cuts may depend on where it begins."""
_EQUAL = 3
"""Pieces that are hashed, to see whether a file of the same size is the same."""

Known = Callable[[Sequence[ChunkId]], set[ChunkId]]


class NewFile(NamedTuple):
    """A file that is about to be stored: `read_at(offset, size)` returns its bytes, fewer if it became shorter."""

    read_at: ReadAt
    size: int


@dataclass(frozen=True, slots=True)
class Inherited:
    """The cuts of a file of `size` bytes: `pieces` on `chunks`, in the order of the file; the rest is cut by content."""

    size: int
    pieces: tuple[Piece, ...]
    chunks: tuple[ChunkId, ...]
    guess: Guess

    def bases(self) -> dict[int, Found]:
        """Return the delta base of each piece, by its offset."""
        return {
            piece.offset: Found(chunk, encodings.DIFFERENCE)
            for piece, chunk in zip(self.pieces, self.chunks, strict=True)
        }


def same(new: NewFile, recipes: Iterable[Recipe]) -> Inherited | None:
    """Return the cuts of the first recipe that, by a few pieces, is one of the new file; None if none is."""
    for recipe in recipes:
        if recipe.size == new.size and recipe.chunks and not recipe.segments and _is_same(new, recipe):
            return _inherited(new.size, [(0, new.size, 0)], recipe, Guess())
    return None


def inherit(new: NewFile, recipe: Recipe, read: Callable[[ChunkId], Buffer], known: Known) -> Inherited | None:
    """Return the cuts of `recipe` for a new file, None if it is better cut by content.

    `read` returns the bytes of a chunk, and may raise Damaged and Missing; `known` returns those of some chunks that are stored.
    """
    if not recipe.chunks or max(size for _, size in recipe.chunks) > LARGEST:
        return None
    aligner = Aligner(StoredFile(recipe, lambda number: read(recipe.chunks[number][0])), *new)
    try:
        found = aligner.align()
    except (errors.Damaged, errors.Missing):
        return None
    if found is None:
        return None
    cuts = _inherited(new.size, found.matches, recipe, aligner.guess)
    return cuts if cuts is not None and _pays(new, cuts, found, known) else None


def placed(recipe: Recipe, parent: Recipe) -> dict[int, Found]:
    """Return the delta bases of the pieces of a stored file by their offsets: the chunks at the same places of `parent`.

    Bytes are not read: a piece that moved is recognized by its size.
    """
    starts, sizes = dict[int, ChunkId](), dict[int, list[int]]()
    offset = 0
    for chunk, size in parent.chunks:
        starts[offset] = chunk
        sizes.setdefault(size, []).append(offset)
        offset += size
    bases, offset, shift, after = {}, 0, 0, 0
    for _, size in recipe.chunks:
        place = offset - shift
        if place not in starts:
            alike = sizes.get(size, [])
            following = bisect.bisect_left(alike, after)
            place = alike[following] if following < len(alike) else place
        if place in starts:
            bases[offset] = Found(starts[place], encodings.DIFFERENCE)
            shift, after = offset - place, place + 1
        offset += size
    return bases


def _inherited(size: int, matches: Iterable[tuple[int, int, int]], recipe: Recipe, guess: Guess) -> Inherited | None:
    pieces: list[Piece] = []
    chunks: list[ChunkId] = []
    for piece, chunk in _matched(size, matches, recipe):
        _absorb(pieces, piece.offset)
        pieces.append(piece)
        chunks.append(chunk)
    _absorb(pieces, size)
    if not pieces or size < _LEAST * (len(pieces) - 1):
        return None
    return Inherited(size, tuple(pieces), tuple(chunks), guess)


def _matched(size: int, matches: Iterable[tuple[int, int, int]], recipe: Recipe) -> Iterator[tuple[Piece, ChunkId]]:
    """Yield the pieces of a new file at the chunks of `recipe` that begin in a match, up to its end, and their chunks."""
    after, offset, chunks = 0, 0, iter(recipe.chunks)
    chunk, length = next(chunks)
    for start, end, shift in matches:
        while True:
            stop = min(offset + length, end, size - shift)
            whole = stop == offset + length
            if start <= offset and offset + shift >= after and (whole or stop - offset >= SMALL):
                yield Piece(offset + shift, stop - offset, 0, 0), chunk
                after = stop + shift
            if offset + length > end:
                break
            offset += length
            following = next(chunks, None)
            if following is None:
                return
            chunk, length = following


def _absorb(pieces: list[Piece], offset: int) -> None:
    """Extend the last piece to `offset` if few bytes lie between: a chunk of its own would cost more than they are."""
    if pieces and 0 < offset - pieces[-1].end < SMALL and offset - pieces[-1].offset <= chunking.MAX:
        pieces[-1] = pieces[-1]._replace(size=offset - pieces[-1].offset)


def _pays(new: NewFile, cuts: Inherited, found: Alignment, known: Known) -> bool:
    covered = sum(piece.size for piece in cuts.pieces) / new.size
    share = covered * found.delta + (1 - covered) * found.alone
    if share > _WORTH * found.alone:
        return False
    if found.whole or share <= _NOTHING:
        return True
    return share <= _WORTH * found.alone * (1 - _known(new, known))


def _known(new: NewFile, known: Known) -> float:
    """Return the share of a file's content-defined chunks that are stored, by parts of it."""
    chunks: dict[ChunkId, int] = {}
    for start, end in _windows(new.size):
        cut = [(ChunkId(digest(chunk)), len(chunk)) for chunk in chunking.cut(new.read_at(start, end - start))]
        chunks.update(cut[_UNSURE if start else 0 : None if end == new.size else -1])
    stored = known(list(chunks))
    return sum(chunks[chunk] for chunk in stored) / max(1, sum(chunks.values()))


def _windows(size: int) -> list[tuple[int, int]]:
    if size <= _WINDOW * _WINDOWS:
        return [(0, size)]
    starts = [place * (size - _WINDOW) // (_WINDOWS - 1) for place in range(_WINDOWS)]
    return [(start, start + _WINDOW) for start in starts]


def _is_same(new: NewFile, recipe: Recipe) -> bool:
    offset, last = 0, len(recipe.chunks) - 1
    places = {last * place // (_EQUAL - 1) for place in range(_EQUAL)}
    for number, (chunk, size) in enumerate(recipe.chunks):
        if number in places and digest(new.read_at(offset, size)) != chunk:
            return False
        offset += size
    return True
