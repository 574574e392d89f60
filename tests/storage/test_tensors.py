"""Files of tensors: only what is new is stored, beside what it resembles; and every byte comes back."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.model.ids import ChunkId, FileId, digest
from mvc.model.segment import Segment, listed
from mvc.storage.chunks import bases, encodings, ingest
from mvc.storage.chunks.bases import Bases, Candidate
from mvc.storage.chunks.chunking import BLOCK
from mvc.storage.chunks.encoder import CAST_DEPTH, DEPTH
from mvc.storage.chunks.ingest import Stored
from mvc.storage.packs.packformat import Entry
from mvc.storage.packs.packwriter import PackWriter
from mvc.storage.packs.reader import ChunkReader, Place
from tests.formats import pickles
from tests.storage.parts import Parts
from tests.weights import Tensors, network, rounded, safetensors, tuned


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path)


def _store(parts: Parts, data: bytes, *before: Stored) -> Stored:
    (stored,) = parts.store(data, bases=Bases([Candidate("w", each.file) for each in before], parts.recipes.best))
    assert parts.load(stored.file) == data
    return stored


def _entries(parts: Parts) -> list[Entry]:
    return [entry for path in parts.packs() for entry in parts.entries(path)]


def test_the_bases_of_a_block_are_located_at_once(
    parts: Parts, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensors = network(rng)
    first = _store(parts, safetensors(tensors))
    asked: list[int] = []

    def locate_all(reader: ChunkReader, chunks: Iterable[ChunkId], **options: Any) -> dict[ChunkId, tuple[Place, ...]]:
        wanted = list(chunks)
        asked.append(len(wanted))
        return original(reader, wanted, **options)

    original = ChunkReader.locate_all
    bases = Bases([Candidate("w", first.file)], parts.recipes.best)
    monkeypatch.setattr(ChunkReader, "locate_all", locate_all)
    parts.store(safetensors(tuned(tensors, rng, 1e-5)), bases=bases)
    assert sum(asked) > 10
    assert len(asked) == math.ceil(first.size / BLOCK)


def _reordered(tensors: Tensors) -> Tensors:
    return dict(list(tensors.items())[::-1])


def test_other_metadata_another_order_or_a_new_tensor_cost_only_themselves(parts: Parts, rng: random.Random) -> None:
    tensors = network(rng)
    _store(parts, safetensors(tensors))
    small = 1 << 15  # the header, and a few groups of small tensors
    assert _store(parts, safetensors(tensors, {"note": "exported again"})).new_bytes < small
    assert _store(parts, safetensors(_reordered(tensors))).new_bytes < small
    added = {"new": ("F32", (50_000,), rng.randbytes(200_000)), **tensors}
    assert 200_000 < _store(parts, safetensors(added)).new_bytes < 200_000 + small


def test_a_fine_tune_is_stored_as_what_differs(parts: Parts, rng: random.Random) -> None:
    tensors = network(rng)
    first = _store(parts, safetensors(tensors))
    alone = _store(parts, safetensors(tuned(tensors, rng))).new_bytes
    beside = _store(parts, safetensors(tuned(tensors, rng, 1e-5)), first).new_bytes
    assert alone > 0.8 * first.size
    assert beside < 0.7 * alone


@pytest.mark.parametrize("dtype", ["BF16", "F16"])
def test_a_copy_in_half_the_bits_is_stored_as_next_to_nothing(parts: Parts, rng: random.Random, dtype: str) -> None:
    tensors = network(rng)
    first = _store(parts, safetensors(tensors))
    copy = _store(parts, safetensors(rounded(tensors, dtype)), first)
    assert copy.new_bytes < 0.02 * copy.size
    after = _store(parts, safetensors(rounded(tuned(tensors, rng, 1e-6), dtype)), copy)
    assert after.new_bytes < 0.25 * after.size
    longer = _store(parts, safetensors(tuned(tensors, rng, 1e-6)), after)  # fp32 again: rests on the first
    assert longer.new_bytes < 0.6 * longer.size


def test_a_long_line_of_versions_never_gets_deep(parts: Parts, rng: random.Random) -> None:
    tensors: Tensors = network(rng, layers=2)
    line: list[tuple[Stored, bytes]] = []
    for number in range(7):
        data = safetensors(rounded(tensors, "BF16") if number % 3 == 2 else tensors)
        line.append((_store(parts, data, *(each for each, _ in line[-1:])), data))
        tensors = tuned(tensors, rng, 1e-5)
    depths = {entry.depth: entry.encoding for entry in _entries(parts)}
    assert set(depths) == set(range(CAST_DEPTH + 1))
    assert all(entry.depth <= DEPTH for entry in _entries(parts) if entry.encoding == encodings.DIFFERENCE)
    fresh = Parts(parts.door.root)
    for stored, data in line:
        assert fresh.load(stored.file) == data


def test_digests_are_those_of_the_bytes(parts: Parts, rng: random.Random) -> None:
    tensors = network(rng, layers=1)
    stored = _store(parts, safetensors(tensors))
    recipe = parts.recipes.best(stored.file)
    assert recipe is not None
    data = safetensors(tensors)
    for segment, (name, (dtype, shape, raw)) in zip(recipe.segments, tensors.items(), strict=True):
        assert data[segment.offset : segment.end] == raw
        assert (segment.name, segment.dtype, segment.shape) == (name, dtype, shape)
        assert segment.digest == _digest(raw, segment)
    assert any(len(raw) > Segment(0, 1, dtype="F32").step for _, _, raw in tensors.values())


def _digest(raw: bytes, segment: Segment) -> str:
    pieces = [raw[start : start + segment.step] for start in range(0, len(raw), segment.step)]
    return digest(raw) if len(pieces) == 1 else digest(b"".join(bytes.fromhex(digest(piece)) for piece in pieces))


def test_a_file_that_lies_is_stored_by_content_with_a_note(parts: Parts, rng: random.Random) -> None:
    whole = safetensors(network(rng))
    for data in (whole[:-1], whole + b"x", whole[:8] + whole[8:].replace(b'"F32"', b'"F64"')):
        assert parts.load(parts.store(data)[0].file) == data
        assert len(parts.notes) == 1


def test_a_file_that_becomes_shorter_while_it_is_stored_is_stored_as_it_was_read(
    parts: Parts, rng: random.Random
) -> None:
    data = safetensors(network(rng))
    for left in (len(data) - 1, 1 << 20, 20_000):
        (stored,) = parts.store(data, cut_to=left)
        assert parts.load(stored.file) == data[:left]


def _damage(parts: Parts, entry: Entry) -> None:
    for path in parts.packs():
        if entry in parts.entries(path):
            path.chmod(0o644)
            data = bytearray(path.read_bytes())
            data[entry.end - entry.stored // 2] ^= 1
            path.write_bytes(data)


def test_a_damaged_base_is_named_by_what_rests_on_it_and_nothing_new_rests_on_it(
    parts: Parts, rng: random.Random
) -> None:
    tensors = network(rng)
    first = _store(parts, safetensors(tensors))
    second = _store(parts, safetensors(tuned(tensors, rng)), first)
    bases = {entry.base for entry in _entries(parts) if entry.base}
    base = next(entry for entry in _entries(parts) if entry.id in bases)
    _damage(parts, base)
    fresh = Parts(parts.door.root)
    for stored in (first, second):
        with pytest.raises(errors.Damaged, match=base.id[:10]):
            fresh.load(FileId(stored.file))
    third = _store(fresh, safetensors(tuned(tensors, rng)), first)
    assert fresh.load(third.file)
    assert base.id not in _rested_on(fresh, third)


def _rested_on(parts: Parts, stored: Stored) -> Sequence[str | None]:
    recipe = parts.recipes.best(stored.file)
    assert recipe is not None
    return [parts.chunks.find(chunk)[0].entry.base for chunk, _ in recipe.chunks]


@pytest.mark.parametrize("dtype", ["BF16", "F16"])
def test_a_copy_in_half_the_bits_in_the_same_version_is_stored_as_next_to_nothing(
    parts: Parts, rng: random.Random, dtype: str
) -> None:
    old = network(rng)
    (before,) = parts.store(safetensors(rounded(old, dtype)))
    tensors = tuned(old, rng)
    files = [safetensors(tensors), safetensors(rounded(tensors, dtype))]
    _, copy = parts.store(*files, bases=Bases([Candidate("w", before.file)], parts.recipes.best))
    assert copy.new_bytes < 0.02 * copy.size
    fresh = Parts(parts.door.root)
    assert [fresh.load(FileId(digest(data))) for data in files] == files


def test_half_the_bits_of_other_weights_have_their_parent_as_base(parts: Parts, rng: random.Random) -> None:
    other, tensors = network(rng), network(rng)
    before, after = (safetensors(rounded(each, "BF16")) for each in (tensors, tuned(tensors, rng, 1e-6)))
    (parent,) = parts.store(before)
    bases = [Candidate("w", parent.file)]
    _, beside = parts.store(safetensors(other), after, bases=Bases(bases, parts.recipes.best))
    assert beside.new_bytes < 0.25 * beside.size
    assert Parts(parts.door.root).load(beside.file) == after


def test_a_second_file_of_a_version_has_the_first_as_base(parts: Parts, rng: random.Random) -> None:
    tensors = network(rng)
    files = [safetensors(each) for each in (tensors, tuned(tensors, rng, 1e-5), tuned(tensors, rng, 1e-5))]
    first, *others = parts.store(*files)
    assert first.new_bytes > 0.8 * first.size
    assert all(each.new_bytes < 0.7 * first.new_bytes for each in others)
    assert max(entry.depth for entry in _entries(parts)) <= DEPTH
    fresh = Parts(parts.door.root)
    assert [fresh.load(FileId(digest(data))) for data in files] == files


def test_a_base_in_a_full_pack_of_the_same_version_is_read(
    parts: Parts, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "PackWriter", partial(PackWriter, cut=300_000))
    tensors = network(rng)
    files = [safetensors(tensors), safetensors(rounded(tensors, "BF16"))]
    _, copy = parts.store(*files)
    assert len(parts.packs()) > 3
    assert copy.new_bytes < 0.02 * copy.size
    fresh = Parts(parts.door.root)
    assert [fresh.load(FileId(digest(data))) for data in files] == files


def _archive(tensors: Tensors) -> bytes:
    """A file of torch.save, whose small tensors have 44 other bytes between them, a multiple of 4 as in PyTorch's own."""
    views = {
        name: pickles.tensor(pickles.storage(f"{number:05}", len(raw) // 4), 0, shape, _strides(shape))
        for number, (name, (_, shape, raw)) in enumerate(tensors.items())
    }
    stored = {f"{number:05}": raw for number, (_, _, raw) in enumerate(tensors.values())}
    return pickles.checkpoint(pickles.mapping(views), stored)


def _strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(math.prod(shape[place + 1 :]) for place in range(len(shape)))


def test_a_group_of_small_tensors_that_grows_or_shrinks_comes_back(parts: Parts, rng: random.Random) -> None:
    def small(*counts: int) -> bytes:
        return _archive({f"layer.{count}.bias": ("F32", (count,), rng.randbytes(4 * count)) for count in counts})

    before: list[Stored] = []
    for counts in ((6000, 30, 40), (6000, 30, 40, 50), (6000, 30), (6000, 30, 41), (6000, 30, *range(100, 140))):
        before.insert(0, _store(parts, small(*counts), *before[:1]))


def test_tied_and_strided_tensors_are_in_the_recipe(parts: Parts, rng: random.Random) -> None:
    views = {
        "embedding": pickles.tensor(pickles.storage("0", 6000), 0, (60, 100), (100, 1)),
        "head": pickles.tensor(pickles.storage("0", 6000), 0, (60, 100), (100, 1)),
        "conv": pickles.tensor(pickles.storage("1", 480), 0, (2, 3, 8, 10), (240, 1, 30, 3)),
    }
    data = pickles.checkpoint(pickles.mapping(views), {"0": rng.randbytes(24_000), "1": rng.randbytes(1920)})
    recipe = parts.recipes.best(_store(parts, data).file)
    assert recipe is not None
    assert {each.name: (each.shape, each.strides) for each in listed(recipe.segments)} == {
        "embedding": ((60, 100), None),
        "head": ((60, 100), None),
        "conv": ((2, 3, 8, 10), (240, 1, 30, 3)),
    }
    assert {digest(data[each.offset : each.end]) for each in recipe.segments} == {
        each.digest for each in recipe.segments
    }


def test_small_tensors_with_other_bytes_between_them_get_planes_and_deltas(parts: Parts, rng: random.Random) -> None:
    tensors = network(rng, layers=40, width=48)
    del tensors["embedding.weight"]
    first = _store(parts, _archive(tensors))
    assert first.new_bytes < 0.9 * first.size
    second = _store(parts, _archive(tuned(tensors, rng, 1e-5)), first)
    assert second.new_bytes < 0.6 * second.size
    assert {entry.encoding for entry in _entries(parts)} >= {encodings.PLANES, encodings.DIFFERENCE}


@pytest.mark.parametrize("exported", ["model", "ema"])
def test_weights_alone_have_the_nearer_tensors_of_a_checkpoint_as_bases(
    parts: Parts, rng: random.Random, exported: str
) -> None:
    copies = {"model": network(rng), "ema": network(rng)}
    both = {f"{prefix}.{name}": tensor for prefix, tensors in copies.items() for name, tensor in tensors.items()}
    first = _store(parts, safetensors(both))
    alone = _store(parts, safetensors(tuned(copies[exported], rng, 1e-6)), first)
    assert alone.new_bytes < 0.5 * alone.size


def test_segments_are_counted_by_their_shape() -> None:
    segments = [Segment(0, 8, name, "F32", shape) for name, shape in (("a", (2,)), ("b", (1, 2)), ("c", (2,)))]
    assert bases._orders(segments) == [0, 0, 1]
