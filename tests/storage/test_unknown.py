"""Files of unknown format: cut as the version before was cut where deltas pay, by content elsewhere; every byte comes back."""

from __future__ import annotations

import random
import struct
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mvc.model.ids import ChunkId, FileId
from mvc.storage.chunks import chunking, codec, encodings, inherited
from mvc.storage.chunks.alignment import Aligner, StoredFile
from mvc.storage.chunks.bases import Bases, Candidate
from mvc.storage.chunks.encoder import DEPTH, Under, encode_unknown
from mvc.storage.chunks.guess import Guess
from mvc.storage.chunks.ingest import MOST_UNLIKE, Ingest, Stored
from mvc.storage.chunks.inherited import Inherited, NewFile
from mvc.storage.chunks.recipes import Recipe
from mvc.storage.packs.packformat import Entry
from tests.storage.parts import Parts
from tests.weights import Tensors, network, rounded, safetensors, tuned

TINY = 1e-5
"""The size of a training step that leaves the upper half of most weights as it is."""


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path)


def _raw(tensors: Tensors) -> bytes:
    """The numbers alone, as darknet and OpenVINO write them: nothing says where a tensor begins."""
    return struct.pack("<iiiq", 0, 2, 5, 512) + b"".join(data for _, _, data in tensors.values())


def _packed(tensors: Tensors) -> bytes:
    """Each tensor behind its name and length, so at any offset, as in a pickle or a msgpack."""
    parts = [
        struct.pack(">B", len(name)) + name.encode() + struct.pack(">I", len(data)) + data
        for name, (_, _, data) in tensors.items()
    ]
    return b"\x81" + b"".join(parts)


def _bases(parts: Parts, *before: Stored, role: str = "w") -> Bases:
    return Bases([Candidate(role, each.file, each.size) for each in before], parts.recipes.best)


def _store(parts: Parts, data: bytes, *before: Stored, role: str = "w") -> Stored:
    (stored,) = parts.store(data, bases=_bases(parts, *before, role=role))
    assert parts.load(stored.file) == data
    return stored


def _together(parts: Parts, files: Mapping[str, bytes], bases: Bases | None = None) -> list[Stored]:
    """Store the files of one commit by role."""
    ingest = Ingest(parts.door, parts.recipes, parts.reader, None, bases)
    done = []
    for role, data in files.items():
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.flush()
            done.append(ingest.add(file.fileno(), role=role))
    ingest.close()
    parts.door.barrier()
    assert [parts.load(each.file) for each in done] == list(files.values())
    return done


def _recipe(parts: Parts, stored: Stored) -> Recipe:
    recipe = parts.recipes.best(stored.file)
    assert recipe is not None
    return recipe


def _entries(parts: Parts) -> list[Entry]:
    return [entry for path in parts.packs() for entry in parts.entries(path)]


@pytest.mark.parametrize("form", [_raw, _packed])
@pytest.mark.parametrize("dtype", ["F32", "F16"])
def test_each_version_costs_about_what_it_costs_where_the_format_is_known(
    tmp_path: Path, rng: random.Random, form: Callable[[Tensors], bytes], dtype: str
) -> None:
    versions = [network(rng)]
    versions += [tuned(versions[0], rng)]
    made = versions if dtype == "F32" else [rounded(each, dtype) for each in versions]
    unknown, known = Parts(tmp_path / "unknown"), Parts(tmp_path / "known")
    first, best = _store(unknown, form(made[0])), _store(known, safetensors(made[0]))
    assert first.new_bytes < 1.05 * best.new_bytes
    second = _store(unknown, form(made[1]), first)
    assert second.new_bytes < 1.1 * _store(known, safetensors(made[1]), best).new_bytes
    assert _recipe(unknown, second).segmenter == inherited.SEGMENTER
    head = {**made[1], "head.weight": made[0]["head.weight"]}
    assert _store(unknown, form(head), second).new_bytes < 0.2 * first.size


@pytest.mark.parametrize("edits", [[(0.4, 0, 4_000)], [(0.4, 0, 4_001)], [(0.3, 0, 4_000), (0.8, 0, 9_000)], [(0.5, 70_000, 0)],
                                   [(0.2, 0, 5_000), (0.7, 5_000, 0)], [(1.0, 0, 30_000)], [(0.0, 20, 3)]])  # fmt: skip
def test_what_was_put_in_or_taken_out_does_not_cost_the_deltas_of_the_rest(
    parts: Parts, rng: random.Random, edits: Sequence[tuple[float, int, int]]
) -> None:
    tensors = network(rng, layers=8)
    first = _store(parts, _raw(tensors))
    data = _raw(tuned(tensors, rng, TINY))
    whole = _store(Parts(parts.door.root / "whole"), _raw(tensors))
    plain = _store(Parts(parts.door.root / "whole"), data, whole).new_bytes
    inserted = 0
    for share, gone, count in sorted(edits, reverse=True):
        place = int(share * len(data))
        data = data[:place] + rng.randbytes(count) + data[place + gone :]
        inserted += count
    second = _store(parts, data, first)
    assert second.new_bytes < plain + inserted + len(edits) * 300_000
    assert second.new_bytes < 0.8 * first.new_bytes
    assert _store(parts, data[:-8] + b"changed!", second).new_bytes < 20_000


def test_the_place_of_an_insertion_is_located_to_a_few_kib(rng: random.Random) -> None:
    old = np.array([rng.gauss(0, 0.02) for _ in range(500_000)], "<f4")
    raw, new = old.tobytes(), (old * np.float32(1 + TINY)).tobytes()
    place, more = 4 * rng.randrange(100_000, 400_000), rng.randbytes(50_000)
    file = new[:place] + more + new[place:]
    recipe = Recipe(FileId("0" * 64), len(raw), {}, chunks=((ChunkId("1" * 64), len(raw)),))
    aligner = Aligner(StoredFile(recipe, lambda _: raw), lambda at, size: file[at : at + size], len(file))
    found = aligner.align()
    assert found is not None
    before, after = found.matches
    assert (before.start, before.shift, after.shift, after.end) == (0, 0, len(more), len(raw))
    assert abs(before.end - place) <= 8 * 1024
    assert abs(after.start - place) <= 8 * 1024


def test_a_file_that_shrank_to_other_numbers_is_stored(parts: Parts, rng: random.Random) -> None:
    large, small = (_raw(network(rng, layers=8)) for _ in range(2))
    first = _store(parts, large)
    _store(parts, small[: len(small) // 10], first)  # a place of the first has none here, also not nearby


def test_tensors_that_only_moved_are_found_by_content(parts: Parts, rng: random.Random) -> None:
    tensors = network(rng, layers=12)
    first = _store(parts, _raw(tensors))
    names = list(tensors)
    moved = _store(parts, _raw({name: tensors[name] for name in (*names[9:], *names[:9])}), first)
    assert moved.new_bytes < 0.6 * first.new_bytes
    assert _recipe(parts, moved).segmenter["name"] == "fastcdc"


def test_text_that_grows_costs_what_is_new(parts: Parts, rng: random.Random) -> None:
    trees = [f"Tree={n}\nvalue={' '.join(repr(rng.random()) for _ in range(60))}\n\n" for n in range(1_200)]
    first = _store(parts, "".join(trees[:1_000]).encode())
    second = _store(parts, "".join(trees).encode(), first)
    assert second.new_bytes < first.new_bytes / 2
    assert {entry.encoding for entry in _entries(parts)} <= {encodings.ZSTD, encodings.DIFFERENCE}


def test_compressed_bytes_stay_as_they_are(parts: Parts, rng: random.Random) -> None:
    first = _store(parts, rng.randbytes(1 << 20))
    second = _store(parts, rng.randbytes(1 << 20), first)
    assert _recipe(parts, second).segmenter["name"] == "fastcdc"
    assert {entry.encoding for entry in _entries(parts)} == {encodings.RAW}


def test_small_integers_are_deltas_though_they_look_random(parts: Parts, rng: random.Random) -> None:
    numbers = np.random.default_rng(rng.getrandbits(64))
    data = numbers.integers(-127, 128, 1 << 20, np.int8)
    first = _store(parts, data.tobytes())
    moved = data + (numbers.random(data.size) < 0.1).astype(np.int8)
    assert _store(parts, moved.tobytes(), first).new_bytes < 0.1 * first.size


def test_a_chain_stays_as_shallow_as_that_of_tensors(parts: Parts, rng: random.Random) -> None:
    tensors: Tensors = network(rng, layers=1)
    stored: tuple[Stored, ...] = ()
    files = []
    for _ in range(6):
        stored = (_store(parts, _raw(tensors), *stored),)
        files.append((stored[0].file, _raw(tensors)))
        tensors = tuned(tensors, rng, TINY)
    assert {entry.depth for entry in _entries(parts)} == set(range(DEPTH + 1))
    for file, data in files:
        assert Parts(parts.door.root).load(file) == data


def test_the_first_version_of_a_role_has_a_file_of_about_its_size_as_base(parts: Parts, rng: random.Random) -> None:
    tensors = network(rng)
    first = _store(parts, _raw(tensors))
    other = _store(parts, _raw(tuned(tensors, rng, TINY)), first, role="ema")
    assert other.new_bytes < 0.7 * first.new_bytes


def test_files_of_one_commit_are_bases_of_each_other(parts: Parts, rng: random.Random) -> None:
    tensors = network(rng)
    first, other = _together(parts, {"best": _raw(tensors), "ema": _raw(tuned(tensors, rng, TINY))})
    assert other.new_bytes < 0.7 * first.new_bytes


def test_files_that_are_like_no_other_are_soon_not_compared(
    parts: Parts, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []
    inherit = inherited.inherit

    def counted(new: NewFile, *rest: Any) -> Inherited | None:
        compared.append(new.size)
        return inherit(new, *rest)

    monkeypatch.setattr(inherited, "inherit", counted)
    sizes = {f"{number}.jpg": 20_000 + number for number in range(3 * MOST_UNLIKE)} | {"weights": chunking.MAX}
    before = _together(parts, {role: rng.randbytes(size) for role, size in sizes.items()})
    files = [Candidate(role, each.file, each.size) for role, each in zip(sizes, before, strict=True)]
    _together(parts, {role: rng.randbytes(size) for role, size in sizes.items()}, Bases(files, parts.recipes.best))
    assert compared == [*list(sizes.values())[:MOST_UNLIKE], chunking.MAX]


def test_equal_files_of_one_commit_are_stored_once_whatever_they_were_before(parts: Parts, rng: random.Random) -> None:
    tensors = network(rng)
    best, last = _raw(tensors), _raw(tuned(tensors, rng, TINY))
    before = parts.store(best, last)
    data = _raw(tuned(tensors, rng, TINY))
    roles = ("best", "last")
    bases = [Candidate(role, each.file, each.size) for role, each in zip(roles, before, strict=True)]
    new = _together(parts, dict.fromkeys(roles, data), Bases(bases, parts.recipes.best))
    assert new[0].new_bytes > 0
    assert new[1].new_bytes == 0
    assert parts.load(new[1].file) == data


def test_the_same_versions_give_the_same_packs(tmp_path: Path, rng: random.Random) -> None:
    tensors = network(rng, layers=16)
    files = [_raw(tensors), _raw(tuned(tensors, rng)), _packed(tensors)]
    names = []
    for name in ("one", "other"):
        parts = Parts(tmp_path / name)
        stored: tuple[Stored, ...] = ()
        for data in files:
            stored = (_store(parts, data, *stored),)
        names.append([path.name for path in parts.packs()])
    assert names[0] == names[1]


def test_a_base_that_cannot_be_read_is_none(parts: Parts, rng: random.Random) -> None:
    tensors = network(rng)
    first = _store(parts, _raw(tensors))
    (pack,) = parts.packs()
    pack.chmod(0o644)
    whole = pack.read_bytes()
    pack.write_bytes(bytes(len(whole) // 2) + whole[len(whole) // 2 :])
    again = Parts(parts.door.root)
    data = _raw(tuned(tensors, rng, TINY))
    (second,) = again.store(data, bases=_bases(again, first))
    assert Parts(parts.door.root).load(second.file) == data


def test_a_file_that_becomes_shorter_while_it_is_read_is_stored_as_it_was_read(
    parts: Parts, rng: random.Random
) -> None:
    tensors = network(rng)
    first = _store(parts, _raw(tensors))
    data = _raw(tuned(tensors, rng, TINY))
    for left in (0, 700_000, len(data) - 1):
        (cut,) = parts.store(data, bases=_bases(parts, first), cut_to=left)
        assert cut.size == left
        assert parts.load(cut.file) == data[:left]
        assert _recipe(parts, cut).segmenter["name"] in ("fastcdc", "inline")


def test_bases_by_recipe_are_those_that_a_commit_chose(parts: Parts, rng: random.Random) -> None:
    tensors = network(rng, layers=16)
    first = _store(parts, _raw(tensors))
    data = _raw(tuned(tensors, rng, TINY))
    second = _store(parts, data[: len(data) // 2] + rng.randbytes(4_001) + data[len(data) // 2 :], first)
    bases = inherited.placed(_recipe(parts, second), _recipe(parts, first))
    chosen = {entry.id: entry.base for entry in _entries(parts) if entry.base}
    offset, agreed = 0, 0
    for chunk, size in _recipe(parts, second).chunks:
        agreed += chunk in chosen and offset in bases and bases[offset].chunk == chosen[chunk]
        offset += size
    assert len(chosen) >= 4
    assert agreed == len(chosen)


_EDIT = st.tuples(st.sampled_from(["insert", "delete", "replace", "nudge"]), st.floats(0, 1), st.integers(1, 200_000))


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    seed=st.integers(0, 1 << 32),
    kind=st.sampled_from(["floats", "text", "random"]),
    versions=st.lists(st.lists(_EDIT, max_size=4), min_size=1, max_size=4),
)
def test_random_files_with_random_edits_come_back(
    tmp_path_factory: pytest.TempPathFactory, seed: int, kind: str, versions: list[list[tuple[str, float, int]]]
) -> None:
    rng = random.Random(seed)
    data = _content(rng, kind, rng.randrange(1, 1 << 20))
    parts = Parts(tmp_path_factory.mktemp("store"))
    stored = [(data, _store(parts, data))]
    for edits in versions:
        for edit in edits:
            data = _edited(data, rng, kind, *edit)
        stored.append((data, _store(parts, data, *[each for _, each in stored[:-3:-1]])))
    fresh = Parts(parts.door.root)
    for content, each in stored:
        assert fresh.load(each.file) == content
        assert b"".join(map(bytes, fresh.extract.stream(each.file))) == content


def _content(rng: random.Random, kind: str, size: int) -> bytes:
    if kind == "random":
        return rng.randbytes(size)
    if kind == "text":
        return b" ".join(b"%d" % rng.randrange(10_000) for _ in range(size // 5))[:size]
    return bytes(
        np.random.default_rng(rng.getrandbits(64)).standard_normal(size // 4 + 1).astype("<f4").tobytes()[:size]
    )


def _edited(data: bytes, rng: random.Random, kind: str, how: str, share: float, count: int) -> bytes:
    place = int(share * len(data))
    if how == "insert":
        return data[:place] + _content(rng, kind, count) + data[place:]
    if how == "delete":
        return data[:place] + data[place + count :]
    if how == "replace":
        return data[:place] + _content(rng, kind, count)[: len(data) - place] + data[place + count :]
    numbers = np.frombuffer(data, np.uint8) ^ (np.random.default_rng(rng.getrandbits(64)).random(len(data)) < 0.05)
    return numbers.astype(np.uint8).tobytes()


def test_a_chunk_comes_back_whatever_it_and_its_base_are(rng: random.Random, deep: bool) -> None:
    kinds = ("<f2", "<f4", "<f8", "<i8", "i1")
    for _ in range(5_000 if deep else 150):
        guess = Guess()
        for size in (rng.randrange(1, 300), 16_384 + rng.randrange(-9, 9), rng.randrange(1, 100_000)):
            numbers = np.random.default_rng(rng.getrandbits(64))
            floats = numbers.normal(0, 30, size).astype(rng.choice(kinds)).tobytes()
            raw = rng.choice([rng.randbytes(size), bytes(size), floats[-size:]])
            moved = np.frombuffer(raw, np.uint8) + (numbers.random(size) < 0.1).astype(np.uint8)
            base = moved.tobytes()[: rng.choice([size, size, rng.randrange(size)])] + bytes(rng.choice([0, 0, 999]))
            under = Under(ChunkId("0" * 64), 1, (encodings.DIFFERENCE, base)) if rng.random() < 0.8 else None
            entry, parts = encode_unknown(ChunkId("1" * 64), raw, under, partial(guess.choose, rng.randrange(1 << 40)))
            stored = b"".join(parts)
            assert len(stored) == entry.stored <= size
            assert (
                codec.decode(entry.encoding, stored, size, width=entry.width, base=base if entry.base else None) == raw
            )


def test_a_file_of_the_same_bytes_is_cut_like_the_first(parts: Parts, rng: random.Random) -> None:
    data = rng.randbytes(1_000_000)
    (stored,) = parts.store(data)
    recipe = parts.recipes.best(stored.file)
    assert recipe is not None
    same = inherited.same(NewFile(lambda offset, count: data[offset : offset + count], len(data)), [recipe])
    assert same is not None
    assert [found.chunk for found in same.bases().values()] == [chunk for chunk, _ in recipe.chunks]
    other = data[:1] + bytes(len(data) - 2) + data[-1:]
    assert inherited.same(NewFile(lambda offset, count: other[offset : offset + count], len(data)), [recipe]) is None
