"""Packs, recipes and chunks that somebody altered by hand: what comes is checked before it is kept, and within bounds."""

from __future__ import annotations

import itertools
import os
import random
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mvc.model.ids import ChunkId, FileId, PackId, digest
from mvc.model.segment import Segment
from mvc.model.tree import Tree, TreeEntry
from mvc.storage.chunks import codec, encodings
from mvc.storage.chunks.recipes import Recipe
from mvc.storage.packs import packformat
from mvc.storage.packs.packformat import Entry
from tests.remotes.clones import WEIGHTS
from tests.remotes.hostile import (
    ANY,
    DAMAGED,
    Case,
    Made,
    World,
    check_sound,
    index_of,
    inline,
    made,
    pack,
    raw,
    recipe_entry,
    registering,
)

CASES: list[Case] = []
_case = registering(CASES)
DATA = random.Random(5).randbytes(3000)
FIXED = {"name": "fixed", "version": 1}
MIB = 1 << 20


def _file(*chunks: tuple[str, int], file: str | None = None) -> Recipe:
    """The recipe of a file of chunks, each an id and a size."""
    pairs = tuple((ChunkId(id_), size) for id_, size in chunks)
    return Recipe(FileId(file or ANY), sum(size for _, size in pairs), FIXED, chunks=pairs)


def _one(entry: Made, *others: Made, size: int | None = None, file: str | None = None) -> Callable[[World], object]:
    """A file of one chunk, which `entry` gives."""

    def alter(world: World) -> None:
        world.put_chunks(entry, *others)
        world.put_file(_file((entry.entry.id, size or entry.entry.raw), file=file or entry.entry.id))

    return alter


def _as(made_: Made, **fields: Any) -> Made:
    """The same with other fields; its stored bytes stay."""
    return Made(replace(made_.entry, **fields), made_.stored)


GOOD = made(packformat.CHUNK, DATA)
ZSTD = made(packformat.CHUNK, bytes(1000))
BOMB = made(packformat.CHUNK, bytes(256 * MIB))


def _delta(id_: str, base: str, depth: int, *, stored: bytes = b"\x00" * 40, encoding: int = encodings.DELTA) -> Made:
    return Made(Entry(id_, packformat.CHUNK, encoding, 1000, len(stored), depth, 4, base), stored)


A, B = digest(b"a"), digest(b"b")

CASES += [
    Case("chunk-good", _one(GOOD), 0),
    Case("chunk-of-another-hash", _one(_as(GOOD, id=ANY)), DAMAGED, ANY[:10]),
    Case("chunk-that-unfolds-to-more", _one(_as(ZSTD, raw=500, id=ANY)), DAMAGED, ANY[:10]),
    Case("chunk-that-unfolds-to-less", _one(_as(ZSTD, raw=2000, id=ANY)), DAMAGED, ANY[:10]),
    Case("chunk-bomb", _one(_as(BOMB, raw=16 * MIB, id=ANY)), DAMAGED, ANY[:10]),
    Case("chunk-above-the-limit", _one(_as(BOMB, id=ANY), size=16 * MIB), DAMAGED),
    Case("chunk-of-no-zstd", _one(Made(replace(ZSTD.entry, id=ANY, stored=20), b"x" * 20)), DAMAGED, ANY[:10]),
    Case("chunk-of-no-planes", _one(_as(GOOD, id=ANY, encoding=encodings.PLANES, width=4)), DAMAGED, ANY[:10]),
    Case("chunk-of-another-size-than-the-recipe-says", _one(GOOD, size=2999, file=ANY), DAMAGED),
    Case("chunk-of-no-bytes", _one(_as(made(packformat.CHUNK, b""), id=ANY), size=1), DAMAGED),
    Case("chunk-that-is-an-object", _one(_as(GOOD, kind=packformat.OBJECT)), DAMAGED),
    Case("file-of-another-hash", _one(GOOD, file=ANY), DAMAGED, ANY[:10]),
    Case("delta-on-a-missing-base", _one(_delta(A, ANY, 1)), DAMAGED, "lacks"),
    Case("delta-on-itself", _one(_delta(A, A, 1)), DAMAGED, "lacks"),
    Case("deltas-in-a-circle", _one(_delta(A, B, 2), _delta(B, A, 1)), DAMAGED, "lacks"),
    Case("deltas-of-the-same-depth", _one(_delta(A, B, 1), _delta(B, GOOD.entry.id, 1), GOOD), DAMAGED, "lacks"),
    Case("delta-too-deep", _one(_delta(A, GOOD.entry.id, 65), GOOD), DAMAGED),
    Case("delta-of-no-depth", _one(_as(GOOD, id=A, base=ANY)), DAMAGED),
    Case("delta-of-rubbish", _one(_delta(A, GOOD.entry.id, 1), GOOD), DAMAGED, A[:10]),
    Case("cast-of-rubbish", _one(_delta(A, GOOD.entry.id, 1, encoding=encodings.BFLOAT), GOOD), DAMAGED, A[:10]),
    Case(
        "difference-of-rubbish", _one(_delta(A, GOOD.entry.id, 1, encoding=encodings.DIFFERENCE), GOOD), DAMAGED, A[:10]
    ),
    Case(
        "difference-at-a-phase-beyond-its-width",
        _one(_as(_delta(A, GOOD.entry.id, 1, encoding=encodings.DIFFERENCE), width=0x44), GOOD),
        DAMAGED,
    ),
    Case("planes-at-phase-0", _one(_as(GOOD, id=ANY, encoding=encodings.PHASED, width=4)), DAMAGED),
    Case(
        "planes-at-a-phase-of-rubbish",
        _one(_as(GOOD, id=ANY, encoding=encodings.PHASED, width=0x14)),
        DAMAGED,
        ANY[:10],
    ),
    Case("chunk-twice-in-a-pack", _one(GOOD, GOOD), 0),
    Case("chunk-twice-one-wrong", _one(_as(ZSTD, id=GOOD.entry.id), GOOD, size=3000), 0),
]


@_case("chain-that-is-64-deep", DAMAGED)
def _chain(world: World) -> None:
    ids = [GOOD.entry.id, *(digest(bytes([depth])) for depth in range(64))]
    chain = [_delta(id_, base, depth + 1) for depth, (base, id_) in enumerate(itertools.pairwise(ids))]
    world.put_chunks(GOOD, *chain)
    world.put_file(_file((ids[-1], 1000)))


@_case("chain-in-many-packs", DAMAGED)
def _many_chains(world: World) -> None:
    ids = [GOOD.entry.id, *(digest(bytes([depth])) for depth in range(60))]
    for copy in range(4):
        chain = [_delta(id_, base, depth + 1 + copy) for depth, (base, id_) in enumerate(itertools.pairwise(ids))]
        world.put_chunks(GOOD, *chain)
    world.put_file(_file((ids[-1], 1000)))


# --- packs


def _pack(change: Callable[[bytes], bytes]) -> Callable[[World], object]:
    """A pack that Carl needs, altered under its name."""

    def alter(world: World) -> None:
        for path in world.packs:
            data = change(path.read_bytes())
            path.unlink()
            path.write_bytes(data)

    return alter


PACKS: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda data: data[:-1],
    "empty": lambda _: b"",
    "longer": lambda data: data + b"x",
    "flipped": lambda data: data[:5000] + bytes([data[5000] ^ 1]) + data[5001:],
    "zeros": lambda data: bytes(len(data)),
    "shifted": lambda data: b"\x00" + data[:-1],
}
CASES += [Case(f"pack-{name}", _pack(change), 0, clone=DAMAGED) for name, change in PACKS.items()]


@_case("pack-gone", 0, clone=DAMAGED)
def _gone(world: World) -> None:
    for path in world.packs:
        path.unlink()


@_case("pack-that-another-took-the-place-of", DAMAGED)
def _other_pack(world: World) -> None:
    first, second = [GOOD], [made(packformat.CHUNK, DATA[::-1])]
    name = world.put_chunks(*first)
    world.put(f"packs/{name[:2]}/{name}.pack", pack(second))
    world.put_file(_file((GOOD.entry.id, 3000), file=GOOD.entry.id))


def _index(index: Callable[[World, str], bytes]) -> Callable[[World], object]:
    """A good pack whose metadata has another index of it."""

    def alter(world: World) -> None:
        entries = [made(packformat.CHUNK, DATA[::-1]), GOOD]
        data = pack(entries)
        name = digest(data)
        world.put(f"packs/{name[:2]}/{name}.pack", data)
        world.put_meta(made(packformat.PACK_INDEX, index(world, name), id_=name))
        world.put_file(_file((GOOD.entry.id, 3000), file=GOOD.entry.id))

    return alter


OTHER = made(packformat.CHUNK, random.Random(6).randbytes(3000))
CASES += [
    Case("index-in-another-order", _index(lambda *_: index_of([GOOD, OTHER])), DAMAGED, "index"),
    Case(
        "index-of-other-sizes",
        _index(lambda *_: index_of([_as(OTHER, raw=2000, stored=2000), _as(GOOD, raw=4000, stored=4000)])),
        DAMAGED,
    ),
    Case("index-of-half", _index(lambda *_: index_of([GOOD])), DAMAGED),
    Case("index-of-nothing", _index(lambda *_: b""), DAMAGED),
    Case("index-of-rubbish", _index(lambda *_: b"\xff" * 168), DAMAGED),
    Case(
        "index-of-offsets-far-away",
        _index(lambda *_: packformat.INDEXED.pack(1 << 62, GOOD.entry.header()) * 2),
        DAMAGED,
    ),
    Case("index-of-many", _index(lambda *_: index_of([GOOD]) * 100_000), DAMAGED),
]


@_case("index-that-is-a-bomb-a-hundred-times", 0)
def _index_bombs(world: World) -> None:
    name = world.packs[0].stem
    bomb = made(packformat.PACK_INDEX, index_of([made(packformat.CHUNK, b"")] * 50_000), id_=name)
    world.put_meta(*[bomb] * 20)


@_case("pack-of-a-terabyte", DAMAGED)
def _terabyte(world: World) -> None:
    size = 1 << 40
    entries = [_as(GOOD, raw=16 * MIB, stored=16 * MIB)] * 10
    name = digest(b"terabyte")
    path = world.put(f"packs/{name[:2]}/{name}.pack", b"")
    os.truncate(path, size)
    world.put_meta(made(packformat.PACK_INDEX, index_of(entries), id_=name))
    world.put_file(_file((GOOD.entry.id, 3000), file=GOOD.entry.id))


# --- recipes


def _recipe(change: Callable[[dict[str, Any]], dict[str, Any] | bytes]) -> Callable[[World], object]:
    """A file whose recipe is altered."""

    def alter(world: World) -> None:
        good = _file((GOOD.entry.id, 3000), file=GOOD.entry.id)
        world.put_chunks(GOOD)
        record = {
            "kind": "recipe", "file": good.file, "size": good.size, "segmenter": dict(FIXED), "chunks": [[GOOD.entry.id, 3000]],
        }  # fmt: skip
        changed = change(record)
        data = changed if isinstance(changed, bytes) else raw(changed)
        entry = TreeEntry("new.bin", "new", 3000, good.file)
        tree = Tree.of([*world.tree.entries, entry]).encode()
        world.put_version(made(packformat.RECIPE, data, base=good.file), tree=tree)

    return alter


SEGMENT = {"offset": 0, "size": 3000, "name": "w", "dtype": "F32", "shape": [750]}
RECIPES: dict[str, Callable[[dict[str, Any]], dict[str, Any] | bytes]] = {
    "kind": lambda record: {**record, "kind": "tree"},
    "without-chunks": lambda record: {key: value for key, value in record.items() if key != "chunks"},
    "both": lambda record: {**record, "inline": ""},
    "another-size": lambda record: {**record, "size": 2999},
    "negative": lambda record: {**record, "size": -1},
    "chunk-of-0": lambda record: {**record, "chunks": [[GOOD.entry.id, 0], [GOOD.entry.id, 3000]]},
    "chunk-above-the-limit": lambda record: {**record, "size": 1 << 40, "chunks": [[GOOD.entry.id, 1 << 40]]},
    "chunk-of-minus": lambda record: {**record, "chunks": [[GOOD.entry.id, 4000], [GOOD.entry.id, -1000]]},
    "chunk-of-no-id": lambda record: {**record, "chunks": [["../../x", 3000]]},
    "segmenter": lambda record: {**record, "segmenter": []},
    "nested": lambda record: raw(record).replace(b'"version":1', b'"version":' + b"[" * 50_000 + b"]" * 50_000),
    "digits": lambda record: raw(record).replace(b'"version":1', b'"version":' + b"1" * 5000),
    "spaces": lambda record: b" " + raw(record),
    "rubbish": lambda _: b"\x00\xff",
    "segments-beyond": lambda record: {**record, "segments": [{**SEGMENT, "size": 3001}]},
    "segments-over-each-other": lambda record: {**record, "segments": [SEGMENT, SEGMENT]},
    "segments-that-are-huge": lambda record: {**record, "segments": [{**SEGMENT, "offset": (1 << 63) - 1}]},
    "segments-none": lambda record: {**record, "segments": []},
}
CASES += [Case(f"recipe-{name}", _recipe(change), DAMAGED) for name, change in RECIPES.items()]
CASES += [
    Case(
        "recipe-segment-of-a-huge-shape",
        _recipe(lambda record: {**record, "segments": [{**SEGMENT, "shape": [1 << 62] * 9}]}),
        0,
    ),
    Case(
        "recipe-segment-of-an-unknown-dtype",
        _recipe(lambda record: {**record, "segments": [{**SEGMENT, "dtype": "\x1b[31m"}]}),
        0,
    ),
    Case(
        "recipe-segment-named-for-a-terminal",
        _recipe(lambda record: {**record, "segments": [{**SEGMENT, "name": "\x1b]0;x\x07\u202e"}]}),
        0,
    ),
    Case(
        "recipe-segment-of-another-digest",
        _recipe(lambda record: {**record, "segments": [{**SEGMENT, "digest": ANY}]}),
        0,
    ),
]


@_case("recipe-inline-of-another-hash", DAMAGED)
def _inline(world: World) -> None:
    good = inline(b"abc")
    record = {
        "kind": "recipe",
        "file": good.file,
        "size": 3,
        "segmenter": {"name": "inline", "version": 1},
        "inline": "YWJk",
    }
    tree = Tree.of([*world.tree.entries, TreeEntry("new.bin", "new", 3, good.file)]).encode()
    world.put_version(made(packformat.RECIPE, raw(record), base=good.file), tree=tree)


@_case("file-whose-tree-says-another-size", 0)
def _other_size(world: World) -> None:
    world.put_file(inline(b"abc"), size=1 << 50)


@_case("recipe-of-a-file-that-a-better-one-hides", 0)
def _hidden(world: World) -> None:
    lie = Recipe(world.weights.file, 3000, FIXED, chunks=((ChunkId(ANY), 3000),))
    world.put_meta(recipe_entry(lie))


# --- the test of all of them


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_told_and_nothing_is_lost(world: World, case: Case) -> None:
    case.check(world)


def test_a_bomb_takes_no_memory(world: World) -> None:
    _one(_as(BOMB, raw=16 * MIB, id=ANY))(world)
    tracemalloc.start()
    try:
        assert world.run("pull").code == DAMAGED
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100 * MIB


def test_what_lies_about_a_chunk_is_not_kept(world: World) -> None:
    """Or commits would leave the chunk out for good."""
    _one(_as(made(packformat.CHUNK, DATA[::-1]), id=GOOD.entry.id))(world)
    assert world.run("pull").code == DAMAGED
    assert GOOD.entry.id not in {chunk for path in _local_packs(world) for chunk in _chunks(path)}


def _link(number: int, depth: int) -> Made:
    """A chunk that rests on the one before it, at a depth of choice."""
    raws = [max(each, 0).to_bytes(4, "little") + DATA[:996] for each in (number, number - 1)]
    if number == 0:
        return made(packformat.CHUNK, raws[0])
    encoding, parts = codec.encode_numbers(raws[0], 4, (encodings.DELTA, raws[1]))
    assert encoding == encodings.DELTA
    stored = b"".join(parts)
    return Made(
        Entry(digest(raws[0]), packformat.CHUNK, encoding, 1000, len(stored), depth, 4, digest(raws[1])), stored
    )


def test_a_chain_that_lies_here_twice_is_found_in_time(world: World) -> None:
    """Two fetches can bring this about; each link has two places, and each of these two to rest on."""
    for twin in range(2):
        data = pack(_link(number, 2 * number - twin) for number in range(twin, 31))
        path = world.ben.folder / ".mvc" / packformat.path(PackId(digest(data)))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    chunk = _link(30, 60)
    world.put_file(_file((chunk.entry.id, 1000), file=chunk.entry.id), path="long.bin")
    assert world.run("pull").code == 0
    assert digest(world.ben_has()["long.bin"]) == chunk.entry.id
    check_sound(world)


def _planted(world: World) -> Recipe:
    """A recipe of the weights that Ben has, which gives other bytes of the same number; its chunk comes with a new version."""
    other = random.Random(7).randbytes(world.weights.size)
    chunk = made(packformat.CHUNK, other)
    segment = Segment(0, len(other), "a", "U8", (len(other),))
    lie = replace(_file((chunk.entry.id, len(other)), file=world.weights.file), segments=(segment,))
    world.put_chunks(chunk)
    world.put_file(_file((chunk.entry.id, len(other)), file=chunk.entry.id), recipe_entry(lie))
    return lie


def test_a_recipe_that_lies_hides_no_file(world: World) -> None:
    _planted(world)
    good = world.ben_has()[WEIGHTS]
    world.ben.ok("pull")
    (world.ben.folder / WEIGHTS).unlink()
    world.ben.ok("restore", WEIGHTS)
    assert world.ben_has()[WEIGHTS] == good


def test_a_recipe_that_lies_gives_no_wrong_bytes(world: World) -> None:
    _planted(world)
    good = world.ben_has()[WEIGHTS]
    world.ben.ok("pull")
    code, data, _ = world.ben.raw("cat", f"HEAD:{WEIGHTS}")
    assert code == DAMAGED or data == good


def test_a_recipe_that_lies_does_not_keep_a_commit_from_storing_the_file(world: World) -> None:
    data = random.Random(8).randbytes(50_000)
    chunk = made(packformat.CHUNK, random.Random(9).randbytes(50_000))
    world.put_chunks(chunk)
    lie = _file((chunk.entry.id, 50_000), file=digest(data))
    world.put_file(_file((chunk.entry.id, 50_000), file=chunk.entry.id), recipe_entry(lie))
    world.ben.ok("pull")
    world.ben.write("known.bin", data)
    world.ben.ok("add", "known.bin")
    world.ben.commit("has a file that the remote knew")
    (world.ben.folder / "known.bin").unlink()
    world.ben.ok("restore", "known.bin")
    assert world.ben_has()["known.bin"] == data


def _local_packs(world: World) -> list[Path]:
    return sorted((world.ben.folder / ".mvc" / "packs").rglob("*.pack"))


def _chunks(path: Path) -> set[str]:
    data = path.read_bytes()
    start, count, _, _ = packformat.TRAILER.unpack(data[-packformat.TRAILER.size :])
    index = data[start : start + count * packformat.INDEXED.size]
    return {Entry.parse(header, offset).id for offset, header in packformat.INDEXED.iter_unpack(index)}
