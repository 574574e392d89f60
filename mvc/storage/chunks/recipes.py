"""Recipes: lists of the chunks that a file is rebuilt from, or its bytes inline.

    {"chunks":[["4e…",262144],["09…",77110]],"file":"9f…","kind":"recipe","segmenter":{"name":"fastcdc",…},"size":339254}

A file's id does not depend on its recipe, so a file may have several recipes, and chunking may improve. `segments` are the
tensors in the file; they are unverified, and readers of bytes do not need them.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import functools
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Self

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import canonical
from mvc.model.ids import ChunkId, FileId, PackId, RecipeId, are_ids, digest, is_id
from mvc.model.segment import Segment, TensorView
from mvc.storage.disk.door import StoreDoor
from mvc.storage.packs import packformat
from mvc.storage.packs.index import ChunkIndex
from mvc.storage.packs.metapacks import MetaPacks

FOLDER = "recipes"
MAX_INLINE = 16 * 1024
"""Size of the largest file that is stored inside its recipe, in bytes."""
INLINE: dict[str, int | str] = {"name": "inline", "version": 1}
MAX_SEGMENTS = 1_000_000
_DECODED = 8
"""Decoded recipes that are cached: a verb uses the same few repeatedly, and decoding one of 1 GB takes 20 ms."""
_FIRST = re.compile(rb'\{"chunks":\[\["([0-9a-f]{64})",')
"""The beginning of a recipe with chunks, up to the id of the first."""
_SMALL = re.compile(
    rb'\{"file":"([0-9a-f]{64})","inline":"([0-9A-Za-z+/]*={0,2})","kind":"recipe",'
    rb'"segmenter":\{"name":"inline","version":1\},"size":(0|[1-9][0-9]{0,4})\}'
)
"""The whole recipe of a small file, in its canonical form: there may be hundreds of thousands."""
_PLACE = {"offset", "size"}
_TEXTS = ("name", "dtype", "digest")
_OF_SEGMENT = {*_PLACE, *_TEXTS, "shape"}
_NO_SHAPE: list[int] = []
_REQUIRED = {"kind", "file", "size", "segmenter"}
_OPTIONAL = {"inline", "chunks", "segments"}

Chunks = tuple[tuple[ChunkId, int], ...]
"""Ids and sizes in bytes, in the order of the file."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe of `file`, of `size` bytes: `inline` is its content, or `chunks` are, concatenated."""

    file: FileId
    size: int
    segmenter: Mapping[str, Any]
    inline: bytes | None = None
    chunks: Chunks = ()
    segments: tuple[Segment, ...] = ()

    @property
    def path(self) -> str:
        """The name of a loose recipe, below `.mvc`."""
        return f"{self.folder}/{self.id()}"

    @property
    def folder(self) -> str:
        """The folder of the loose recipes of its file, below `.mvc`."""
        return _folder(self.file)

    def id(self) -> RecipeId:
        """Return the id of the recipe's bytes."""
        return RecipeId(digest(self.encode()))

    def preference(self) -> bool:
        """Return the sort key by which readers choose: recipes with segments come first."""
        return not self.segments

    def encode(self) -> bytes:
        """Return the recipe's canonical bytes."""
        record: dict[str, Any] = {
            "kind": "recipe",
            "file": self.file,
            "size": self.size,
            "segmenter": dict(self.segmenter),
        }
        if self.inline is not None:
            record["inline"] = base64.b64encode(self.inline).decode()
        else:
            record["chunks"] = [[chunk, size] for chunk, size in self.chunks]
        if self.segments:
            record["segments"] = [segment.to_json() for segment in self.segments]
        return canonical.encode(record)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the recipe in `data`; raise NotCanonical."""
        return cls._decode_small(data) or cls._decode(data)

    @classmethod
    def _decode_small(cls, data: bytes) -> Self | None:
        """Return the recipe of a small file as mvc writes it, which has one form; None for anything else."""
        match = _SMALL.fullmatch(data)
        if match is None:
            return None
        file, text, size = match[1].decode(), match[2].decode(), int(match[3])
        inline = _inline(text)
        if len(inline) != size or digest(inline) != file:
            return None
        return cls(FileId(file), size, dict(INLINE), inline)

    @classmethod
    def _decode(cls, data: bytes) -> Self:
        record = canonical.decode(data)
        _check(record)
        inline = _inline(record["inline"]) if "inline" in record else None
        chunks: Chunks = tuple([(id_, size) for id_, size in record.get("chunks", ())])
        segments = _viewed(
            [_segment(each) for each in record.get("segments", ())], record["segmenter"].get("views", [])
        )
        recipe = cls(FileId(record["file"]), record["size"], record["segmenter"], inline, chunks, segments)
        held = len(inline) if inline is not None else sum(size for _, size in chunks)
        _check_segments(segments, recipe.size)
        if held != recipe.size or (inline is not None and digest(inline) != recipe.file):
            raise errors.NotCanonical(reason="the inline content is not the file of the recipe")
        return recipe


class Recipes:
    """The recipes of a repository, loose or in metadata packs."""

    def __init__(self, door: StoreDoor, metapacks: MetaPacks, chunks: ChunkIndex) -> None:
        """Read below `door` and in `metapacks`; `chunks` knows the stored chunks."""
        self._door = door
        self._metapacks = metapacks
        self._chunks = chunks
        self._lies: set[RecipeId] = set()
        self._remembered: Callable[[FileId], list[Recipe]] | None = None

    def remember(self, count: int) -> None:
        """Keep the recipes of the last `count` files, for a reader that asks for these again and again.

        Recipes that are added to them, or removed, are not seen while they are kept.
        """
        self._remembered = functools.lru_cache(count)(self._by_preference)

    def put(self, recipe: Recipe) -> None:
        """Stage a recipe for the next barrier."""
        self._door.stage(recipe.path, recipe.encode())

    def expect(self, packs: Iterable[PackId]) -> None:
        """Search these metadata packs too, which get their names at the next barrier."""
        self._metapacks.expect(packs)

    def for_file(self, file: FileId) -> list[Recipe]:
        """Return all intact recipes of a file; raise Damaged if it has recipes but none is intact."""
        return [recipe for recipe, _ in self._intact(file)]

    def for_files(self, files: Iterable[FileId]) -> Iterator[tuple[FileId, list[Recipe]]]:
        """Yield each file with its recipes, as `for_file`; the loose ones are listed once, for tens of thousands of files."""
        loose = {file for fan in self._door.names(FOLDER) for file in self._door.names(f"{FOLDER}/{fan}")}
        for file in files:
            yield file, [recipe for recipe, _ in self._intact(file, may_be_loose=file in loose)]

    def any_for(self, file: FileId) -> bool:
        """Return whether there is a recipe of a file, intact or not."""
        return any(True for _ in itertools.chain(self._metapacks.recipes(file), self._loose(file)))

    def has_inline(self, file: FileId, size: int) -> bool:
        """Return whether a file of `size` bytes is in its recipe, where every mvc stores small files; reads nothing."""
        return size <= MAX_INLINE and self.any_for(file)

    def is_absent(self, file: FileId) -> bool:
        """Return whether the first chunk of a file is not stored; False if that needs its decoded recipe.

        So files that were never fetched are known without decoding thousands of chunks for each.
        """
        found = [_FIRST.match(data) for data in self._undecoded(file)]
        first = [ChunkId(match[1].decode()) for match in found if match is not None]
        return 0 < len(first) == len(found) and not any(self._chunks.has_all([chunk], sure=True) for chunk in first)

    def may_have_tensors(self, file: FileId) -> bool:
        """Return whether a recipe of a file may list tensors, is damaged, or has the file inside it; decodes nothing.

        A quotation mark in a text is escaped, so these keys are in no text.
        """
        found = self._undecoded(file)
        return any(not data or b'"segments":' in data or b'"inline":' in data for data in found)

    def best(self, file: FileId) -> Recipe | None:
        """Return a recipe whose chunks are all stored, preferably a trusted one or one with segments; None for none.

        Raises Damaged as `for_file`.
        """
        return self._first_stored((self._remembered or self._by_preference)(file))

    def best_known(self, file: FileId) -> Recipe | None:
        """Return a recipe, if there are several the one that `best` returns; None for none. Raises Damaged.

        Chunks of it may be absent. If `best` returns none, a recipe that a remote has comes first: its chunks can be fetched.
        """
        recipes = (self._remembered or self._by_preference)(file)
        if len(recipes) < 2:
            return next(iter(recipes), None)
        fetched = {name for name, _ in self._metapacks.recipes(file)}
        return self._first_stored(recipes) or next((each for each in recipes if each.id() in fetched), recipes[0])

    def is_own(self, recipe: Recipe) -> bool:
        """Return whether a recipe is trusted: made from the file's bytes by this repository, or with the bytes inline."""
        return recipe.inline is not None or self._door.exists(recipe.path)

    def distrust(self, recipe: Recipe) -> None:
        """Ignore a recipe from now on: it rebuilt another file."""
        self._lies.add(recipe.id())
        self._remembered = None

    def _undecoded(self, file: FileId) -> list[bytes]:
        """Return the bytes of the recipes of a file, b"" for one that is damaged, which nothing can be said about."""
        found: dict[str, bytes] = {}
        for name, read in itertools.chain(self._loose(file), self._metapacks.recipes(file)):
            if not found.get(name):
                found[name] = b""
                with contextlib.suppress(errors.Damaged):
                    data = read()
                    found[name] = data if digest(data) == name else b""
        return list(found.values())

    def _first_stored(self, recipes: Sequence[Recipe]) -> Recipe | None:
        """Return the first recipe whose chunks are all stored."""
        for sure in (False, True):
            for recipe in recipes:
                if self._is_stored(recipe, sure=sure):
                    return recipe
        return None

    def _is_stored(self, recipe: Recipe, *, sure: bool) -> bool:
        """Return whether all chunks are stored; of a file that is absent, the first one nearly always is absent."""
        chunks = [chunk for chunk, _ in recipe.chunks]
        return self._chunks.has_all(chunks[:1], sure=sure) and self._chunks.has_all(chunks[1:], sure=sure)

    def _by_preference(self, file: FileId) -> list[Recipe]:
        """Return the intact recipes of a file, trusted ones first, then those with segments. Raises Damaged."""
        found = self._intact(file)
        found.sort(key=lambda each: (not (each.is_loose or each.recipe.inline is not None), each.recipe.preference()))
        return [recipe for recipe, _ in found]

    def _intact(self, file: FileId, *, may_be_loose: bool = True) -> list[_Intact]:
        """Return each intact recipe of a file once: one that is loose and in metadata packs too is read where it is loose.

        Raises Damaged if there are recipes but none is intact.
        """
        found: dict[str, _Intact] = {}
        damage: errors.Damaged | None = None
        copies = itertools.chain(
            ((name, read, True) for name, read in (self._loose(file) if may_be_loose else ())),
            ((name, read, False) for name, read in self._metapacks.recipes(file)),
        )
        for name, read, is_loose in copies:
            if name not in found:
                try:
                    found[name] = _Intact(_verified(read(), file, name), is_loose)
                except errors.Damaged as error:
                    damage = error
        intact = [each for name, each in found.items() if name not in self._lies]
        if damage is not None and not intact:
            raise damage
        return intact

    def _loose(self, file: FileId) -> Iterator[tuple[str, Callable[[], bytes]]]:
        folder = _folder(file)
        for name in self._door.names(folder):
            yield name, partial(self._read, f"{folder}/{name}")

    def _read(self, path: str) -> bytes:
        try:
            if self._door.stat(path).size > packformat.MAX_METADATA:
                raise errors.Damaged(what=path, reason="it is longer than a recipe may be")
            return self._door.read(path)
        except OSError as error:
            raise errors.Damaged(what=path, reason=error.strerror or str(error)) from error


class _Intact(NamedTuple):
    """An intact recipe, and whether it is loose."""

    recipe: Recipe
    is_loose: bool


def _folder(file: FileId) -> str:
    return f"{FOLDER}/{file[:2]}/{file}"


@functools.lru_cache(maxsize=_DECODED)
def _verified(data: bytes, file: FileId, name: str) -> Recipe:
    if digest(data) != name:
        raise errors.Damaged(what=f"the recipe {name}", reason="checksum mismatch")
    recipe = Recipe.decode(data)
    if recipe.file != file:
        raise errors.Damaged(what=f"the recipe {name}", reason="it is in the folder of another file")
    return recipe


def _check(record: Any) -> None:
    """Raise NotCanonical unless `record` has the shape of a recipe."""
    if not isinstance(record, dict) or record.get("kind") != "recipe":
        raise errors.NotCanonical(reason="it is not a recipe")
    if not _REQUIRED <= set(record) <= _REQUIRED | _OPTIONAL or ("inline" in record) == ("chunks" in record):
        raise errors.NotCanonical(reason="its fields are not those of a recipe")
    if not is_id(record["file"]) or type(record["size"]) is not int or record["size"] < 0:
        raise errors.NotCanonical(reason="file is an id, and size a number of bytes")
    if not isinstance(record["segmenter"], dict) or not isinstance(record["segmenter"].get("name"), str):
        raise errors.NotCanonical(reason="segmenter has a name")
    if not _are_chunks(record.get("chunks", [])):
        raise errors.NotCanonical(
            reason=f"chunks are pairs of an id and a size of at most {packformat.MAX_CHUNK} bytes"
        )
    segments = record.get("segments", [{}])
    if not isinstance(segments, list) or not 0 < len(segments) <= MAX_SEGMENTS:
        raise errors.NotCanonical(reason="segments are a list of maps, or absent")


def _segment(record: Any) -> Segment:
    if not isinstance(record, dict) or not _PLACE <= record.keys() <= _OF_SEGMENT:
        raise errors.NotCanonical(reason="the fields of a segment are wrong")
    name, dtype, digest_ = texts = [record.get(key, "") for key in _TEXTS]
    shape = record.get("shape", _NO_SHAPE)
    if set(map(type, texts)) != {str} or type(shape) is not list:
        raise errors.NotCanonical(reason="name, dtype and digest of a segment are texts, and its shape a list")
    if len(record) != len(_PLACE) + sum(map(bool, texts)) + ("shape" in record):
        raise errors.NotCanonical(reason="an unknown field of a segment must be left out")
    numbers = [record["offset"], record["size"], *shape]
    if set(map(type, numbers)) != {int} or min(numbers) < 0:
        raise errors.NotCanonical(reason="offset, size and shape of a segment are numbers, 0 or above")
    if digest_ and not is_id(digest_):
        raise errors.NotCanonical(reason="the digest of a segment is an id")
    return Segment(record["offset"], record["size"], name, dtype, tuple(shape) if "shape" in record else None, digest_)


def _viewed(segments: list[Segment], records: Any) -> tuple[Segment, ...]:
    """Return segments with the further tensors that a segmenter lists."""
    if not isinstance(records, list) or not all(map(_is_view, records)):
        raise errors.NotCanonical(reason="views are lists of a segment, a name, a shape, strides, a start and a size")
    views: dict[int, list[TensorView]] = {}
    for index, name, shape, strides, start, size in records:
        view = TensorView(name, tuple(shape), tuple(strides) or None, start, size)
        if index >= len(segments) or not view.fits(segments[index]):
            raise errors.NotCanonical(reason="views are within their segments, and as large as their shapes")
        views.setdefault(index, []).append(view)
    for index, further in views.items():
        segments[index] = segments[index]._replace(views=tuple(further))
    return tuple(segments)


def _is_view(record: Any) -> bool:
    match record:
        case [index, str(), list(shape), list(strides), start, size]:
            counts = (index, start, size, *shape, *strides)
            return len(strides) in (0, len(shape)) and all(type(count) is int and count >= 0 for count in counts)
    return False


def _check_segments(segments: tuple[Segment, ...], size: int) -> None:
    end = 0
    for segment in segments:
        if segment.offset < end or segment.end > size:
            raise errors.NotCanonical(reason="segments are in the order of the file, and within it")
        end = segment.end


def _are_chunks(pairs: Any) -> bool:
    """Return whether `pairs` is a list of pairs of an id and a size; a file may have 100,000 of them."""
    if not isinstance(pairs, list) or not {*map(type, pairs)} <= {list} or not {*map(len, pairs)} <= {2}:
        return False
    ids, sizes = [id_ for id_, _ in pairs], [size for _, size in pairs]
    return (
        {*map(type, ids)} <= {str}
        and are_ids(ids)
        and {*map(type, sizes)} <= {int}
        and min(sizes, default=1) > 0
        and max(sizes, default=1) <= packformat.MAX_CHUNK
    )


def _inline(text: Any) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise errors.NotCanonical(reason="inline is base64") from error
    if len(data) > MAX_INLINE or base64.b64encode(data).decode() != text:
        raise errors.NotCanonical(reason=f"inline is base64 of at most {MAX_INLINE} bytes")
    return data
