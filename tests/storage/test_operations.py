"""Records of operations expire but for the newest, so that numbers never begin anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from mvc.storage.records import operations
from tests.cli.shell import begin


def test_all_but_the_newest_expire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = begin(tmp_path, monkeypatch)
    shell.write("a.bin", b"a")
    shell.ok("add", "a.bin")
    shell.commit("one")
    for name in ("b", "c", "d"):
        shell.ok("branch", name)
    door = shell.repository.door
    numbers = operations.numbers(door)
    times = [operations.read(door, number).at.seconds for number in numbers]
    assert len(numbers) >= 4
    operations.expire(door, min(times) - 1)
    assert operations.numbers(door) == numbers
    operations.expire(door, max(times))
    assert operations.numbers(door) == numbers[-1:]
