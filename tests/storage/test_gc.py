"""Garbage collection of packs: among copies of chunks whose bases differ, and one collection after the other."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.model.ids import FileId
from mvc.model.version import Timestamp
from mvc.storage.chunks.bases import Bases, Candidate
from mvc.storage.chunks.ingest import Ingest
from mvc.storage.packs import gc
from mvc.storage.packs.gc import Live, Plan, Store
from mvc.storage.packs.reencode import Group
from mvc.storage.records.promised import PROMISED
from tests.storage.parts import Parts
from tests.weights import network, safetensors, tuned

FOREVER = 1 << 62


def _line(root: Path, files: Sequence[bytes]) -> Parts:
    """A store with each file resting on the one before."""
    parts = Parts(root)
    before: list[Candidate] = []
    for data in files:
        (stored,) = parts.store(data, bases=Bases(before, parts.recipes.best))
        before = [Candidate("w", stored.file)]
    return parts


def _reads(parts: Parts, file: FileId) -> bytes | None:
    try:
        return parts.load(file)
    except errors.Damaged:
        return None


def _plan(parts: Parts, files: Iterable[FileId]) -> tuple[Store, Plan]:
    store = Store(parts.door, parts.recipes, parts.metapacks, parts.chunks)
    return store, gc.plan(store, Live(set(), set(files)), FOREVER)


def _collect(parts: Parts, files: Iterable[FileId]) -> Plan:
    store, plan = _plan(parts, files)
    gc.act(store, plan, b"mark")
    return plan


def test_whatever_copies_there_are_what_could_be_read_can_be_read_after(tmp_path: Path, rng: random.Random) -> None:
    first = network(rng, layers=1, width=128)
    second = tuned(first, rng, 1e-6)
    files = [safetensors(each) for each in (first, second, tuned(second, rng, 1e-6))]
    lines = [_line(tmp_path / "there", files), _line(tmp_path / "back", files[::-1])]
    packs = [(line, path) for line in lines for path in line.packs()]
    assert len(packs) == 6
    both_ways = {entry.depth for line in lines for pack in line.packs() for entry in line.entries(pack)}
    assert both_ways == {0, 1, 2}
    ids = [FileId(path.name) for path in (lines[0].door.root / "recipes").glob("*/*")]
    for number, chosen in enumerate(itertools.product((False, True), repeat=len(packs))):
        root = tmp_path / str(number)
        shutil.copytree(lines[0].door.root / "recipes", root / "recipes")
        for (line, path), taken in zip(packs, chosen, strict=True):
            if taken:
                (root / line.name(path)).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, root / line.name(path))
        parts = Parts(root)
        readable = {file: data for file in ids if (data := _reads(parts, file)) is not None}
        if absent := set(ids) - set(readable):
            with pytest.raises(errors.Missing):
                _plan(parts, ids)
            parts.promised.add(PROMISED, absent, reason="origin", by="Ana", at=Timestamp(0))
        _collect(parts, ids)
        after = Parts(root)
        for file, data in readable.items():
            assert after.load(file) == data, chosen
            assert data in files
        if all(chosen):
            assert sum(path.stat().st_size for path in after.packs()) < 0.7 * sum(
                path.stat().st_size for _, path in packs
            )
        shutil.rmtree(root)


def _damage(path: Path) -> bytes:
    """Change a byte of a pack's first entry; the bytes as they were."""
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    return whole


def _twice(root: Path, data: bytes, other: bytes) -> Parts:
    """A store with two copies of a file's one chunk, one of them in a pack that begins with it and has more."""
    parts, elsewhere = Parts(root / "here"), Parts(root / "elsewhere")
    parts.store(data)
    elsewhere.store(data, other)
    for path in elsewhere.packs():
        (parts.door.root / elsewhere.name(path)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, parts.door.root / elsewhere.name(path))
    return Parts(root / "here")


@pytest.mark.parametrize("which", [0, 1])
def test_of_two_copies_the_damaged_one_goes(tmp_path: Path, rng: random.Random, which: int) -> None:
    data = rng.randbytes(60_000)
    parts = _twice(tmp_path, data, rng.randbytes(30_000))
    (file,) = [FileId(path.name) for path in (parts.door.root / "recipes").glob("*/*")]
    assert len(parts.packs()) == 2
    _damage(parts.packs()[which])
    plan = _collect(parts, [file])
    assert len(plan.packs) + len(plan.rewritten) == 1
    assert Parts(parts.door.root).load(file) == data


def test_when_both_copies_are_damaged_neither_goes(tmp_path: Path, rng: random.Random) -> None:
    parts = _twice(tmp_path, rng.randbytes(60_000), rng.randbytes(30_000))
    (file,) = [FileId(path.name) for path in (parts.door.root / "recipes").glob("*/*")]
    for path in parts.packs():
        _damage(path)
    with pytest.raises(errors.Damaged):
        _plan(parts, [file])


def test_a_recipe_goes_only_when_the_better_one_gives_the_file(tmp_path: Path, rng: random.Random) -> None:
    data = safetensors(network(rng, layers=1, width=128))
    parts = Parts(tmp_path)
    ingest = Ingest(parts.door, parts.recipes, parts.reader)
    file = ingest.add_bytes(data)
    ingest.close()
    parts.door.barrier()
    before = set(parts.packs())
    parts.store(data)
    (better,) = set(parts.packs()) - before
    whole = _damage(better)
    with pytest.raises(errors.Damaged):
        _plan(Parts(tmp_path), [file])
    better.write_bytes(whole)
    plan = _collect(Parts(tmp_path), [file])
    assert len(plan.recipes) == 1
    (recipe,) = Parts(tmp_path).recipes.for_file(file)
    assert recipe.segments
    assert Parts(tmp_path).packs() == [better]
    assert Parts(tmp_path).load(file) == data


def _packs_of(parts: Parts, rng: random.Random, *sizes: tuple[int, ...]) -> list[list[FileId]]:
    """Store one pack for each of `sizes`, which has a file of each size."""
    return [[stored.file for stored in parts.store(*map(rng.randbytes, pack))] for pack in sizes]


def _size(parts: Parts) -> int:
    return sum(path.stat().st_size for path in parts.packs())


def test_the_pack_that_thin_ones_become_counts_among_the_small_ones(tmp_path: Path, rng: random.Random) -> None:
    parts = Parts(tmp_path)
    *small, thin = _packs_of(parts, rng, *[(20_000,)] * gc.MANY, (20_000, 60_000))
    files = [*itertools.chain(*small), thin[0]]
    assert len(_collect(Parts(tmp_path), files).rewritten) == gc.MANY + 1
    assert len(parts.packs()) == 1
    assert _plan(Parts(tmp_path), files)[1].is_empty


def test_a_pack_of_one_small_chunk_is_not_rewritten(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    (stored,) = parts.store(bytes(60_000))
    (path,) = parts.packs()
    (entry,) = parts.entries(path)
    assert 2 * entry.stored < path.stat().st_size - entry.stored
    assert _plan(Parts(tmp_path), [stored.file])[1].is_empty


@pytest.mark.parametrize("number", range(2, 4))
def test_a_second_collection_finds_nothing_to_do(tmp_path: Path, rng: random.Random, number: int) -> None:
    parts = Parts(tmp_path)
    shape = [tuple(rng.choice([20_000, 30_000, 90_000]) for _ in range(rng.randint(1, 4))) for _ in range(6 + number)]
    files = [*itertools.chain(*_packs_of(parts, rng, *shape))]
    kept = {file: parts.load(file) for file in files if rng.random() < 0.6}
    before = _size(parts)
    plan = _collect(Parts(tmp_path), kept)
    after = Parts(tmp_path)
    assert {file: after.load(file) for file in kept} == kept
    assert (_size(after) < before) == bool(plan.packs or plan.rewritten)
    assert _plan(after, kept)[1].is_empty


def test_a_damaged_recipe_of_a_spared_file_stops_no_prune(tmp_path: Path, rng: random.Random) -> None:
    first = network(rng, layers=1, width=128)
    data = [safetensors(each) for each in (first, tuned(first, rng, 1e-6), network(rng, layers=1, width=64))]
    dropped, kept, spared = (stored.file for stored in Parts(tmp_path).store(*data))
    for recipe in (tmp_path / "recipes").glob(f"*/{spared}/*"):
        _damage(recipe)
    parts = Parts(tmp_path)
    store = Store(parts.door, parts.recipes, parts.metapacks, parts.chunks)
    live = Live(set(), {dropped, kept}, {spared}, {dropped}, (Group((Candidate("w", kept),)),))
    plan = gc.plan(store, live, FOREVER)
    assert {change.chunk for change in plan.changes} <= {
        id_ for each in parts.recipes.for_file(kept) for id_, _ in each.chunks
    }
    assert plan.changes


@pytest.mark.parametrize("field", ["versions", "objects", "recipes", "packs", "rewritten", "metapacks"])
def test_a_collection_of_anything_is_something_to_do(tmp_path: Path, field: str) -> None:
    _, nothing = _plan(Parts(tmp_path), [])
    assert nothing.is_empty
    some: dict[str, Any] = {field: ("name",)}
    assert not replace(nothing, **some).is_empty
