"""What was read once is not read again, unless it could have changed unseen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mvc.model.ids import FileId
from mvc.storage import door as doors
from mvc.storage.door import Stat, StoreDoor
from mvc.storage.statcache import SETTLED_NS, StatCache

A = FileId("a" * 64)
OLD_NS = 1_700_000_000_000_000_000


def _stat(time_ns: int = OLD_NS) -> Stat:
    return Stat(10, time_ns, time_ns, 7, 0o100644)


def _saved(tmp_path: Path, stat: Stat, *, settled: bool = False) -> StatCache:
    cache = StatCache(StoreDoor(tmp_path))
    cache.remember("x", stat, A, settled=settled)
    cache.save()
    return StatCache(StoreDoor(tmp_path))


def test_an_untouched_file_is_known(tmp_path: Path) -> None:
    assert _saved(tmp_path, _stat()).lookup("x", _stat()) == A


@pytest.mark.parametrize("field", ["size", "mtime_ns", "ctime_ns", "inode"])
def test_a_file_that_looks_different_is_not(tmp_path: Path, field: str) -> None:
    changed = _stat()._replace(**{field: getattr(_stat(), field) + 1})
    assert _saved(tmp_path, _stat()).lookup("x", changed) is None


def test_a_file_as_young_as_the_cache_is_read_again(tmp_path: Path) -> None:
    _saved(tmp_path, _stat())
    os.utime(tmp_path / "cache" / "stat", ns=(OLD_NS, OLD_NS))  # written in the same tick as the file
    assert StatCache(StoreDoor(tmp_path)).lookup("x", _stat()) is None


def test_a_file_changed_just_before_it_was_read_is_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "now_ns", lambda: OLD_NS + SETTLED_NS - 1)
    assert _saved(tmp_path, _stat()).lookup("x", _stat()) is None
    monkeypatch.setattr(doors, "now_ns", lambda: OLD_NS + SETTLED_NS)
    assert _saved(tmp_path, _stat()).lookup("x", _stat()) == A


def test_what_mvc_has_just_placed_is_recorded_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "now_ns", lambda: OLD_NS)
    assert _saved(tmp_path, _stat(), settled=True).lookup("x", _stat()) == A


def test_a_cache_of_wrong_bytes_knows_nothing(tmp_path: Path) -> None:
    _saved(tmp_path, _stat())
    path = tmp_path / "cache" / "stat"
    path.write_bytes(path.read_bytes().replace(b"a" * 64, b"b" * 64))
    assert StatCache(StoreDoor(tmp_path)).lookup("x", _stat()) is None
