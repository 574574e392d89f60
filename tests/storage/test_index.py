"""The index of chunks: many are looked up at once, and what it says is looked at in the packs."""

from __future__ import annotations

import random
from pathlib import Path

from mvc.model.ids import ChunkId, digest
from mvc.storage.chunks import encodings
from mvc.storage.disk.door import StoreDoor
from mvc.storage.packs import index as chunkindex
from mvc.storage.packs import packformat
from mvc.storage.packs.index import ChunkIndex
from mvc.storage.packs.packformat import Entry
from mvc.storage.packs.packwriter import PackWriter
from mvc.storage.packs.reader import ChunkReader


def _stored(door: StoreDoor, count: int, expected: int = 0) -> list[ChunkId]:
    """So many chunks in a pack."""
    writer = PackWriter(door)
    writer.expect(expected)
    ids = []
    for number in range(count):
        data = number.to_bytes(4, "little")
        ids.append(ChunkId(digest(data)))
        writer.add(Entry(ids[-1], packformat.CHUNK, encodings.RAW, len(data), len(data)), data[:1], data[1:])
    writer.finish()
    door.barrier()
    return ids


def _door(folder: Path) -> StoreDoor:
    folder.mkdir()
    return StoreDoor(folder)


def test_more_chunks_than_one_query_takes_are_known(tmp_path: Path, rng: random.Random) -> None:
    door = _door(tmp_path / ".mvc")
    there = _stored(door, 2 * chunkindex._AT_ONCE + 1)
    others = [ChunkId(digest(rng.randbytes(8))) for _ in range(chunkindex._AT_ONCE)]
    asked = [*there, *others, *there]
    rng.shuffle(asked)
    index = ChunkIndex(door)
    assert index.known(asked) == set(there)
    assert index.has_all([*there, *there])
    assert not index.has_all([*there, others[0]])


def test_a_chunk_whose_pack_says_something_else_is_not_known(tmp_path: Path) -> None:
    door = _door(tmp_path / ".mvc")
    ids = _stored(door, 3)
    index = ChunkIndex(door)
    second = index.find(ids[1])[0]
    path = door.path(second.pack)
    data = bytearray(path.read_bytes())
    data[second.entry.offset] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)
    assert index.known(ids) == {ids[0], ids[2]}


def test_a_chunk_whose_pack_cannot_be_read_is_not_known(tmp_path: Path) -> None:
    door = _door(tmp_path / ".mvc")
    ids = _stored(door, 3)
    index = ChunkIndex(door)
    path = door.path(index.find(ids[0])[0].pack)
    path.unlink()
    path.mkdir()
    assert index.known(ids) == set()


def test_room_taken_for_what_did_not_come_changes_no_pack(tmp_path: Path) -> None:
    plain, roomy = _door(tmp_path / "plain"), _door(tmp_path / "roomy")
    _stored(plain, 5)
    _stored(roomy, 5, expected=1 << 20)
    (one,), (other,) = chunkindex.pack_names(plain), chunkindex.pack_names(roomy)
    assert one == other
    assert plain.read(one) == roomy.read(other)


def test_packs_are_read_again_only_for_an_answer_that_must_be_sure(tmp_path: Path) -> None:
    door = _door(tmp_path / ".mvc")
    (chunk,) = _stored(door, 1)
    reader = ChunkReader(door, ChunkIndex(door))
    (place,) = reader.locate(chunk)
    door.path(place.location.pack).unlink()
    assert reader.locate(chunk) == (place,)
    assert reader.locate(chunk, sure=True) == ()


def test_the_cache_is_ignored_on_request(tmp_path: Path) -> None:
    door = _door(tmp_path / ".mvc")
    (chunk,) = _stored(door, 1)
    index = ChunkIndex(door)
    (place,) = index.find(chunk)
    door.path(place.pack).unlink()
    assert index.find(chunk) == [place]
    index.ignore_cache()
    assert index.find(chunk) == []


def test_a_cache_that_is_corrupt_is_made_again(tmp_path: Path) -> None:
    door = _door(tmp_path / ".mvc")
    ids = _stored(door, 1000)
    assert ChunkIndex(door).known(ids) == set(ids)
    path = door.path(chunkindex.NAME)
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + bytes(len(whole) - 8192))
    assert ChunkIndex(door).known(ids) == set(ids)


def test_a_pack_that_is_in_the_cache_is_not_read_again(tmp_path: Path) -> None:
    door = _door(tmp_path / ".mvc")
    (chunk,) = _stored(door, 1)
    places = ChunkIndex(door).find(chunk)
    path = door.path(places[0].pack)
    path.chmod(0o600)
    path.write_bytes(b"")
    assert ChunkIndex(door).find(chunk) == places
