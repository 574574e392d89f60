"""Absent files with a reason, and metadata packs as a place to read from."""

from __future__ import annotations

from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import FileId, digest
from mvc.model.version import Timestamp
from mvc.storage.chunks.recipes import INLINE, Recipe
from mvc.storage.packs import packformat
from mvc.storage.packs.metapacks import MetaPacks, MetaWriter
from mvc.storage.records.promised import EXPIRED, PROMISED, State, read_log
from tests.storage.parts import Parts

A, B = FileId("a" * 64), FileId("b" * 64)
NOW = Timestamp(1_770_000_000)


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path)


def test_a_file_is_complete_promised_expired_or_missing(parts: Parts) -> None:
    (stored,) = parts.store(b"here")
    parts.promised.add(PROMISED, [A, stored.file], reason="origin", by="Ana <a@b>", at=NOW)
    parts.promised.add(EXPIRED, [B], reason="prune --keep-last 1", by="Ana <a@b>", at=NOW)
    fresh = Parts(parts.door.root).promised
    states = [fresh.state(file) for file in (stored.file, A, B, FileId("c" * 64))]
    assert states == [State.COMPLETE, State.PROMISED, State.EXPIRED, State.MISSING]
    record = fresh.record(EXPIRED, B)
    assert record is not None
    assert record.reason == "prune --keep-last 1"


def test_a_log_with_a_hole_or_a_flip_is_damaged(parts: Parts) -> None:
    for number in range(3):
        parts.promised.add(EXPIRED, [A], reason=str(number), by="", at=NOW)
    assert [record.seq for record in read_log(parts.door, EXPIRED)] == [1, 2, 3]
    second = parts.door.path("expired/0000000002")
    data = second.read_bytes()
    second.unlink()
    with pytest.raises(errors.Damaged):
        read_log(parts.door, EXPIRED)
    second.write_bytes(data.replace(b'"1"', b'"7"'))
    with pytest.raises(errors.Damaged, match="checksum"):
        read_log(parts.door, EXPIRED)


def test_a_damaged_log_hides_no_complete_file(parts: Parts) -> None:
    (stored,) = parts.store(bytes(100_000))
    parts.promised.add(PROMISED, [A], reason="origin", by="", at=NOW)
    record = parts.door.path("promised/0000000001")
    record.chmod(0o600)
    record.write_bytes(record.read_bytes().replace(b"origin", b"orygin"))
    fresh = Parts(parts.door.root).promised
    assert fresh.state(stored.file) is State.COMPLETE
    assert not fresh.is_presumed(stored.file, stored.size)
    with pytest.raises(errors.Damaged, match="checksum"):
        fresh.state(A)


def test_a_file_is_presumed_complete_without_a_record_or_if_it_is_small(parts: Parts) -> None:
    small, large, recorded = parts.store(b"here", bytes(100_000), bytes(100_001))
    parts.promised.add(PROMISED, [small.file, recorded.file], reason="origin", by="", at=NOW)
    fresh = Parts(parts.door.root).promised
    assert [fresh.is_presumed(each.file, each.size) for each in (small, large, recorded)] == [True, True, False]


def test_objects_and_recipes_are_read_from_metadata_packs(parts: Parts) -> None:
    recipe = Recipe(FileId(digest(b"small")), 5, INLINE, inline=b"small")
    writer = MetaWriter(parts.door)
    writer.add(packformat.OBJECT, b'{"kind":"tree"}')
    writer.add(packformat.RECIPE, recipe.encode(), file=recipe.file)
    writer.finish()
    parts.door.barrier()
    fresh = Parts(parts.door.root)
    assert fresh.metapacks.object(digest(b'{"kind":"tree"}')) == b'{"kind":"tree"}'
    assert fresh.extract.small(recipe.file) == b"small"
    assert fresh.metapacks.object(A) is None
    (pack,) = parts.door.root.glob("meta/*.pack")
    pack.chmod(0o644)
    pack.write_bytes(pack.read_bytes().replace(b"tree", b"tred"))
    with pytest.raises(errors.Damaged):
        MetaPacks(parts.door).object(digest(b'{"kind":"tree"}'))
