"""No object that somebody else made takes gigabytes or minutes, however small it is: each decoder at and above its limits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mvc.model import canonical
from mvc.storage.chunks.ingest import Ingest
from tests import effort
from tests.cli.shell import Shell, begin
from tests.refusals import hostile

MIB = 300
"""What an object may take, and a part for the interpreter's own allocations beside it."""
SLACK = 40
TOP = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system tells no peak of memory")


def _measured(name: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.refusals.hostile", name], cwd=TOP, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", hostile.ABOVE)
def test_what_is_beyond_a_limit_is_refused_soon(name: str) -> None:
    found = _measured(name)
    assert found["outcome"] != "decoded"
    assert int(str(found["mib"])) < MIB
    assert float(str(found["seconds"])) < effort.HANG


@pytest.mark.parametrize("name", hostile.AT)
def test_what_is_at_a_limit_takes_bounded_memory(name: str, deep: bool) -> None:
    if not deep and name != "the largest tree":
        pytest.skip("--deep decodes every object at its limit")
    found = _measured(name)
    assert int(str(found["mib"])) < MIB + SLACK
    assert float(str(found["seconds"])) < effort.HANG


# --- writers refuse first


def test_a_file_of_too_many_chunks_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell: Shell = begin(tmp_path, monkeypatch)
    shell.write("large.bin", bytes(range(256)) * 30_000)
    shell.write("small.bin", b"x" * 100_000)
    shell.ok("add", "large.bin", "small.bin")
    monkeypatch.setattr(canonical, "MAX_CONTAINERS", 4)
    said = shell("commit", "-m", "one")
    assert said.code == 2
    assert "large.bin is too large" in said.err
    assert "4 chunks" in said.err
    assert "several files" in said.err


def test_too_many_files_are_refused_before_any_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell: Shell = begin(tmp_path, monkeypatch)
    for number in range(4):
        shell.write(f"d/{number}.txt", b"%d" % number)
    shell.ok("add", "d")
    stored: list[object] = []
    monkeypatch.setattr(Ingest, "add", lambda *arguments, **_: stored.append(arguments))
    for limit, said_so in (("MAX_ENTRIES", "tracks 4 files, and a version has at most 3"),):
        monkeypatch.setattr(f"mvc.repository.worktree.snapshot.{limit}", 3)
        said = shell("commit", "-m", "one")
        assert said.code == 2
        assert said_so in said.err
        assert shell("status").code == 0
    monkeypatch.setattr("mvc.repository.worktree.snapshot.MAX_ENTRIES", 200_000)
    monkeypatch.setattr(canonical, "MAX_BYTES", 400)
    said = shell("commit", "-m", "one")
    assert said.code == 2
    assert "paths and roles of its 4 files" in said.err
    assert not stored
