"""Recipes: the segments they carry come back as they were, and nothing else is taken for them."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.model import canonical
from mvc.model.ids import ChunkId, FileId, digest
from mvc.model.segment import Segment, TensorView
from mvc.storage.chunks import recipes
from mvc.storage.chunks.recipes import Recipe, Recipes
from mvc.storage.disk.door import MAX_SMALL, StoreDoor
from mvc.storage.packs import packformat
from tests.storage.parts import Parts

FILE = FileId(digest(b"file"))
CHUNK = ChunkId(digest(b"chunk"))
SEGMENTS = (
    Segment(8, 0, "empty", "F32", (0, 4)),
    Segment(8, 24, "head.weight", "F32", (2, 3), digest(b"head")),
    Segment(40, 2, "scale", "F16", ()),
    Segment(42, 10),
)


def recipe(*segments: Segment) -> Recipe:
    return Recipe(FILE, 64, {"name": "tensors", "version": 1}, chunks=((CHUNK, 64),), segments=segments)


def record(*segments: Any) -> bytes:
    value = canonical.decode(recipe().encode())
    return canonical.encode({**value, "segments": list(segments)})


def test_segments_come_back() -> None:
    assert Recipe.decode(recipe(*SEGMENTS).encode()) == recipe(*SEGMENTS)


def viewed(*views: Any) -> Recipe:
    segments = (SEGMENTS[1], Segment(40, 10))
    return replace(recipe(*segments), segmenter={"name": "tensors", "version": 1, "views": list(views)})


def test_further_tensors_over_a_segment_come_back() -> None:
    found = Recipe.decode(viewed([0, "tied", [2, 3], [], 0, 24], [0, "part", [2, 2], [1, 3], 4, 20]).encode())
    tied, part = TensorView("tied", (2, 3), None, 0, 24), TensorView("part", (2, 2), (1, 3), 4, 20)
    assert [each.views for each in found.segments] == [(tied, part), ()]
    assert Recipe.decode(found.encode()) == found


@pytest.mark.parametrize(
    "view",
    [
        [2, "a", [2, 3], [], 0, 24],
        [-1, "a", [2, 3], [], 0, 24],
        [True, "a", [2, 3], [], 0, 24],
        [0, "a", [2, 3], [], 4, 24],
        [0, "a", [2, 4], [], 0, 24],
        [0, "a", [2, 3], [1], 0, 24],
        [0, "a", [2, 3], [1, 1 << 50], 0, 24],
        [0, "a", [2, 3], [-1, 1], 0, 24],
        [0, "a", [0, 3], [], 0, 0],
        [0, "a", [1 << 40, 3], [0, 1], 0, 20],
        [0, "a", [1 << 60, 3], [0, 1], 0, 12],
        [0, "a", [1] * 65, [], 0, 4],
        [1, "a", [10], [], 0, 10],
        [0, 3, [2, 3], [], 0, 24],
        [0, "a", [2, 3], [], 0],
        {},
        "text",
    ],
    ids=str,
)
def test_what_is_no_tensor_over_a_segment_is_refused(view: Any) -> None:
    with pytest.raises(errors.NotCanonical):
        Recipe.decode(viewed(view).encode())


def test_what_is_not_known_is_left_out() -> None:
    found = canonical.decode(recipe(*SEGMENTS).encode())["segments"]
    assert found[0] == {"dtype": "F32", "name": "empty", "offset": 8, "shape": [0, 4], "size": 0}
    assert found[2]["shape"] == []
    assert found[3] == {"offset": 42, "size": 10}
    assert "segments" not in canonical.decode(recipe().encode())


@pytest.mark.parametrize(
    "segment",
    [
        {},
        {"offset": 0},
        {"offset": 0, "size": -1},
        {"offset": -1, "size": 1},
        {"offset": True, "size": 1},
        {"offset": 0, "size": 1.0},
        {"offset": 0, "size": 65},
        {"offset": 60, "size": 5},
        {"offset": 0, "size": 1, "name": ""},
        {"offset": 0, "size": 1, "dtype": ""},
        {"offset": 0, "size": 1, "digest": ""},
        {"offset": 0, "size": 1, "digest": "4e"},
        {"offset": 0, "size": 1, "name": 3},
        {"offset": 0, "size": 1, "shape": None},
        {"offset": 0, "size": 1, "shape": [-1]},
        {"offset": 0, "size": 1, "shape": [True]},
        {"offset": 0, "size": 1, "shape": 4},
        {"offset": 0, "size": 1, "stride": [1]},
        [0, 1],
        None,
    ],
    ids=str,
)
def test_what_is_no_segment_is_refused(segment: Any) -> None:
    with pytest.raises(errors.NotCanonical):
        Recipe.decode(record(segment))


@pytest.mark.parametrize("places", [[(8, 8), (0, 8)], [(0, 8), (7, 8)], [(0, 64), (64, 1)]], ids=str)
def test_segments_are_in_the_order_of_the_file_apart_and_within_it(places: list[tuple[int, int]]) -> None:
    with pytest.raises(errors.NotCanonical):
        Recipe.decode(record(*({"offset": offset, "size": size} for offset, size in places)))


def test_segments_are_some_and_not_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(errors.NotCanonical):
        Recipe.decode(record())
    monkeypatch.setattr(recipes, "MAX_SEGMENTS", 3)
    with pytest.raises(errors.NotCanonical):
        Recipe.decode(recipe(*SEGMENTS).encode())


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4096, recipes.MAX_INLINE])
def test_small_files_come_back(size: int, rng: random.Random) -> None:
    data = rng.randbytes(size)
    small = Recipe(FileId(digest(data)), size, dict(recipes.INLINE), data)
    assert Recipe.decode(small.encode()) == small


def _decoded(decode: Callable[[bytes], Recipe], data: bytes) -> Recipe | str:
    try:
        return decode(data)
    except errors.NotCanonical:
        return "refused"


def test_the_short_way_to_decode_a_small_file_accepts_nothing_else(rng: random.Random, deep: bool) -> None:
    data = rng.randbytes(40)
    sound = Recipe(FileId(digest(data)), len(data), dict(recipes.INLINE), data).encode()
    letters = b'"{}:,=+/0149afAZ \n\\'
    for _ in range(20_000 if deep else 300):
        wrong = bytearray(sound)
        for _ in range(rng.randrange(1, 3)):
            at = rng.randrange(len(wrong))
            wrong[at : at + rng.randrange(2)] = bytes(rng.choices(letters, k=rng.randrange(2)))
        assert _decoded(Recipe.decode, bytes(wrong)) == _decoded(Recipe._decode, bytes(wrong)), bytes(wrong)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"size":2}', b'"size":3}'),
        (b'"size":2}', b'"size":02}'),
        (b'"inline":"eHk="', b'"inline":"eHl="'),
        (b'"inline":"eHk="', b'"inline":"eHk"'),
        (b'"inline":"eHk="', b'"inline":"eHo="'),
        (b'"version":1}', b'"version":1 }'),
    ],
)
def test_small_files_with_other_bytes_are_refused(old: bytes, new: bytes) -> None:
    data = Recipe(FileId(digest(b"xy")), 2, dict(recipes.INLINE), b"xy").encode()
    assert old in data
    with pytest.raises(errors.NotCanonical):
        Recipe.decode(data.replace(old, new))


def test_readers_prefer_recipes_with_segments() -> None:
    found = [recipe(), recipe(*SEGMENTS), recipe(*SEGMENTS[:1])]
    found.sort(key=Recipe.preference)
    assert [len(each.segments) for each in found] == [4, 1, 0]


@pytest.mark.parametrize("size", [0, -1, packformat.MAX_CHUNK + 1])
def test_no_chunk_is_empty_or_larger_than_a_chunk_may_be(size: int) -> None:
    whole = Recipe(
        FILE, packformat.MAX_CHUNK, {"name": "fastcdc", "version": 1}, chunks=((CHUNK, packformat.MAX_CHUNK),)
    )
    assert Recipe.decode(whole.encode()) == whole
    value = canonical.decode(whole.encode())
    with pytest.raises(errors.NotCanonical):
        Recipe.decode(canonical.encode({**value, "size": size, "chunks": [[CHUNK, size]]}))


def test_a_recipe_that_was_made_here_is_trusted_and_one_with_the_bytes_inline(
    tmp_path: Path, rng: random.Random
) -> None:
    parts = Parts(tmp_path)
    small, large = (parts.recipes.best(each.file) for each in parts.store(b"small", rng.randbytes(100_000)))
    assert small is not None
    assert large is not None
    assert (small.inline, large.inline) == (b"small", None)
    assert parts.recipes.is_own(small)
    assert parts.recipes.is_own(large)
    for path in (small.path, large.path):  # as they are once they are only in a pack of metadata
        (tmp_path / path).unlink()
    assert parts.recipes.is_own(small)
    assert not parts.recipes.is_own(large)


class _Failing(StoreDoor):
    """The disk fails when a file is read."""

    def read(self, name: str, limit: int = MAX_SMALL) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO), name)


def test_a_recipe_that_cannot_be_read_is_damaged(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    (stored,) = parts.store(b"small")
    found = Recipes(_Failing(tmp_path), parts.metapacks, parts.chunks)
    with pytest.raises(errors.Damaged, match=os.strerror(errno.EIO)):
        found.best(stored.file)
