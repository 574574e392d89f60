"""Bytes go in and come out the same, whatever they are; only what is new is stored; damage is named."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mvc import errors
from mvc.model.ids import digest
from mvc.storage.chunks import chunking
from mvc.storage.chunks.chunking import Buffers
from mvc.storage.chunks.ingest import DEPTH, MANY
from mvc.storage.packs import packformat
from mvc.storage.packs.packfile import PackFile
from tests.storage.parts import Parts, mixed


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path)


@pytest.mark.parametrize("size", [0, 1, 16_383, 16_384, 16_385, 65_536, 1 << 20, (8 << 20) - 1, 8 << 20, (8 << 20) + 1])
def test_sizes_around_every_limit_come_back(parts: Parts, rng: random.Random, size: int) -> None:
    data = rng.randbytes(size)
    (stored,) = parts.store(data)
    assert stored.file == digest(data)
    assert stored.size == size
    fresh = Parts(parts.door.root)
    assert fresh.load(stored.file) == data
    assert b"".join(map(bytes, fresh.extract.stream(stored.file))) == data


def test_mixed_content_comes_back_and_ranges_of_it(parts: Parts, rng: random.Random) -> None:
    data = mixed(rng.randbytes)
    (stored,) = parts.store(data)
    assert parts.load(stored.file) == data
    for _ in range(50):
        offset, size = rng.randrange(len(data) + 10), rng.randrange(1 << rng.randrange(22))
        assert parts.extract.read_range(stored.file, offset, size) == data[offset : offset + size], (offset, size)


def test_a_second_version_stores_only_what_is_new(parts: Parts, rng: random.Random) -> None:
    data = rng.randbytes(20 << 20)
    parts.store(data)
    changed = data[: 5 << 20] + b"inserted" + data[5 << 20 :]
    (again, other) = parts.store(data, changed)
    assert again.new_bytes == 0
    assert other.new_bytes < 3 * chunking.MAX
    assert parts.load(other.file) == changed


def test_the_same_chunk_within_one_file_is_stored_once(parts: Parts) -> None:
    (stored,) = parts.store(bytes(64 << 20))
    assert stored.new_bytes < 10_000
    assert parts.load(stored.file) == bytes(64 << 20)


def test_zero_chunks_become_holes(parts: Parts) -> None:
    (stored,) = parts.store(bytes(64 << 20) + b"end")
    temporary = parts.door.temporary()
    parts.extract.to_temporary(stored.file, temporary)
    temporary.close()
    assert temporary.path.stat().st_size == (64 << 20) + 3
    assert temporary.path.stat().st_blocks * 512 < 4 << 20
    temporary.discard()


def _reader(data: bytes, sizes: Iterator[int]) -> chunking.ReadInto:
    place = 0

    def read_into(view: memoryview) -> int:
        nonlocal place
        count = min(len(view), next(sizes), len(data) - place)
        view[:count] = data[place : place + count]
        place += count
        return count

    return read_into


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 32), block=st.sampled_from([chunking.MAX, 3 << 20, 8 << 20]))
def test_cuts_do_not_depend_on_blocks_or_on_how_much_a_read_gives(seed: int, block: int) -> None:
    rng = random.Random(seed)
    data = rng.randbytes(rng.randrange(6 << 20))

    def cut(size: int, reads: Iterator[int]) -> list[int]:
        buffers = Buffers(size)
        found = []
        for each in chunking.blocks(_reader(data, reads), buffers):
            found += [len(chunk) for chunk in each.chunks]
            buffers.give(each.buffer)
        return found

    whole = cut(16 << 20, iter(lambda: 1 << 30, None))
    assert cut(block, iter(lambda: rng.randrange(1, 1 << 20), None)) == whole
    assert sum(whole) == len(data)
    assert all(chunking.MIN <= size <= chunking.MAX for size in whole[:-1])


def test_a_damaged_chunk_is_named_and_no_byte_of_it_given_out(parts: Parts, rng: random.Random) -> None:
    data = rng.randbytes(4 << 20)
    (stored,) = parts.store(data)
    (pack,) = parts.packs()
    whole = pack.read_bytes()
    pack.chmod(0o644)
    pack.write_bytes(whole[:2_000_000] + bytes([whole[2_000_000] ^ 1]) + whole[2_000_001:])
    fresh = Parts(parts.door.root)
    with pytest.raises(errors.Damaged, match=pack.name):
        fresh.load(stored.file)
    given: list[bytes] = []
    with pytest.raises(errors.Damaged, match=pack.name):
        given.extend(bytes(piece) for piece in fresh.extract.stream(stored.file))
    assert data.startswith(b"".join(given))


def test_a_damaged_copy_is_passed_over_when_another_is_whole(parts: Parts, rng: random.Random) -> None:
    data = rng.randbytes(200_000)
    (stored,) = parts.store(data)
    (first,) = parts.packs()
    whole = first.read_bytes()
    first.unlink()
    Parts(parts.door.root).store(data)  # the same chunks again, in a pack of its own: equal content, equal name
    (second,) = parts.packs()
    assert second == first
    other = Parts(parts.door.root / "other")
    other.store(b"first in the pack" * 2_000, data)
    (third,) = other.packs()
    first.with_name(third.name).write_bytes(third.read_bytes())
    first.chmod(0o644)
    first.write_bytes(whole[:1_000] + bytes([whole[1_000] ^ 1]) + whole[1_001:])
    fresh = Parts(parts.door.root)
    assert b"".join(map(bytes, fresh.extract.stream(stored.file))) == data


def test_a_missing_pack_is_missing_and_not_wrong(parts: Parts, rng: random.Random) -> None:
    (stored,) = parts.store(rng.randbytes(1 << 20))
    parts.packs()[0].unlink()
    with pytest.raises(errors.Missing, match="chunk"):
        Parts(parts.door.root).load(stored.file)


@pytest.mark.parametrize("how", ["deleted", "garbled", "truncated", "of another store"])
def test_the_index_cache_may_be_anything(parts: Parts, rng: random.Random, tmp_path: Path, how: str) -> None:
    data = rng.randbytes(3 << 20)
    (stored,) = parts.store(data)
    cache = parts.door.path("cache/chunks.sqlite")
    Parts(parts.door.root).load(stored.file)
    whole = cache.read_bytes()
    if how == "deleted":
        cache.unlink()
    elif how == "garbled":
        cache.write_bytes(rng.randbytes(len(whole)))
    elif how == "truncated":
        cache.write_bytes(whole[: len(whole) // 2])
    else:
        other = Parts(tmp_path / "other")
        other.store(rng.randbytes(3 << 20))
        Parts(other.door.root).chunks.known([])
        cache.write_bytes(other.door.path("cache/chunks.sqlite").read_bytes())
    assert Parts(parts.door.root).load(stored.file) == data


def test_the_index_of_a_pack_can_be_rebuilt_from_its_entries(parts: Parts, rng: random.Random) -> None:
    parts.store(mixed(rng.randbytes))
    for pack in parts.packs():
        file = PackFile(parts.door, pack.relative_to(parts.door.root).as_posix())
        assert packformat.scan(file) == packformat.read_index(file) == packformat.verify(file)


def test_memory_stays_bounded_by_the_blocks_in_flight(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    most = 0

    class Counting(Buffers):
        def take(self) -> bytearray:
            taken.append(1)
            return super().take()

        def give(self, buffer: bytearray) -> None:
            taken.pop()
            super().give(buffer)

    def progress(_: int) -> None:
        nonlocal most
        most = max(most, len(taken))

    monkeypatch.setattr("mvc.storage.chunks.ingest.Buffers", Counting)
    parts.store(random.Random(1).randbytes(1 << 20) * 150, progress=progress)
    assert 0 < most <= 2 * DEPTH + 2


def test_a_chunk_that_a_truncated_pack_no_longer_has_is_stored_again(parts: Parts, rng: random.Random) -> None:
    data = rng.randbytes(1 << 20)
    (stored,) = parts.store(data)
    (pack,) = parts.packs()
    pack.chmod(0o644)
    pack.write_bytes(pack.read_bytes()[:1_000])
    (again,) = Parts(parts.door.root).store(data)
    assert again.new_bytes > len(data) // 2
    assert Parts(parts.door.root).load(stored.file) == data


def test_a_damaged_recipe_is_replaced_when_its_file_is_stored_again(parts: Parts, rng: random.Random) -> None:
    data = rng.randbytes(1_000)
    (stored,) = parts.store(data)
    (recipe,) = parts.door.root.glob("recipes/*/*/*")
    recipe.chmod(0o644)
    recipe.write_bytes(recipe.read_bytes()[:-1])
    with pytest.raises(errors.Damaged):
        Parts(parts.door.root).load(stored.file)
    Parts(parts.door.root).store(data)
    assert Parts(parts.door.root).load(stored.file) == data


@pytest.mark.parametrize("count", [MANY - 1, MANY, MANY + 1])
def test_of_about_as_many_small_files_as_are_packed_each_comes_back(parts: Parts, count: int) -> None:
    files = [number.to_bytes(2, "little") for number in range(count)]
    stored = parts.store(*files)
    again = Parts(parts.door.root)
    assert [again.load(each.file) for each in stored] == files
    assert len(parts.door.names("meta")) == (count >= MANY)
