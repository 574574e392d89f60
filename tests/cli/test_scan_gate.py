"""A commit or a recording of a file that a loader would run is refused, before anything is stored."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

import mvc
from mvc import errors
from mvc.porcelain import commit as commits
from mvc.repository.record import scanned
from tests.cli.shell import Shell, begin
from tests.cli.test_scan import MODULE
from tests.formats.pickles import STOP
from tests.intake import runs
from tests.scan import containers
from tests.scan.structures import RUN

HOSTILE = RUN + STOP


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.write("best.pt", containers.PLAIN)
    shell.ok("add", "best.pt", "--as", "model-latest")
    shell.ok("commit", "-m", "one")
    return shell


def _store(shell: Shell) -> dict[str, bytes]:
    """The whole store, but for caches and temporary files."""
    top = shell.folder / ".mvc"
    found = (path for path in top.rglob("*") if path.is_file())
    return {
        str(p.relative_to(top)): p.read_bytes() for p in found if p.relative_to(top).parts[0] not in ("cache", "tmp")
    }


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("cut.pkl", b"\x80\x04}\x94(\x8c\x01a\x94K\x01\x8c"),
        ("model.safetensors", b"not tensors"),
        ("empty.onnx", b""),
    ],
)
def test_a_damaged_file_is_stored_with_one_warning_and_is_damaged_for_the_scan(
    shell: Shell, path: str, data: bytes
) -> None:
    shell.write(path, data)
    shell.ok("add", path)
    said = shell.ok("commit", "-m", path)
    assert len([line for line in said.err.splitlines() if line.startswith("warning:") and path in line]) == 1, said.err
    scan = shell("scan", f"HEAD:{path}")
    assert (scan.code, scan.out.split()[:1]) == (14, ["damaged"]), scan


def test_a_refused_recording_names_the_file_that_was_given(shell: Shell, tmp_path: Path) -> None:
    outside = tmp_path / "its own.pt"
    outside.write_bytes(HOSTILE)
    shell.write("other/new.pt", HOSTILE)
    for given in ("../its own.pt", "other/new.pt"):
        shown = str(shell.folder / given)
        said = shell("record", "--file", f"model-latest={given}", "-m", "x", "--branch", "run/a")
        assert (said.code, f"{shown} is hostile" in said.err) == (17, True), said.err
        assert f"`mvc scan --explain -- {shlex.quote(shown)}`" in said.err


def test_a_refused_run_names_the_path_of_its_file(shell: Shell, tmp_path: Path) -> None:
    for name in ("runs/exp 1", "../exp2"):
        place = runs.ultralytics(shell.folder / name)
        (place / "weights" / "best.pt").write_bytes(HOSTILE)
        said = shell("record", "--run", name, "-m", "x", "--branch", "run/a")
        assert said.code == 17, said
        (command,) = re.findall(r"`mvc (scan --explain .+?)`", said.err)
        assert shell(*shlex.split(command)).lines[0].split()[0] == "hostile"


def test_a_hostile_file_is_refused_and_the_store_stays_as_it_was(shell: Shell) -> None:
    (shell.folder / "elsewhere").mkdir()
    before = _store(shell)
    for data in (HOSTILE, containers.ALONE["zip-gap"], containers.TORCH["the object, compressed"][0]):
        shell.write("best.pt", data)
        for words in (
            ("commit", "-m", "x"),
            ("commit", "--amend"),
            ("commit", "--dry-run"),
            ("commit", "-m", "x", "--tag", "t"),
        ):
            said = shell(*words)
            assert (said.code, "Nothing was stored" in said.err) == (17, True), said
        (command,) = re.findall(r"`mvc (scan --explain .+?)`", shell("commit", "-m", "x").err)
        assert shell("-C", "elsewhere", *shlex.split(command)).lines[0].split()[1] == "best.pt"
        said = shell("record", "--file", "model-latest=best.pt", "-m", "x", "--branch", "run/a")
        assert (said.code, "Nothing was stored" in said.err) == (17, True)
        assert _store(shell) == before
    with pytest.raises(errors.ScanRefused):
        mvc.open(shell.folder).model("helmets").commit("x")
    assert _store(shell) == before


def test_the_option_passes_and_what_was_passed_is_a_warning(shell: Shell) -> None:
    shell.write("best.pt", HOSTILE)
    said = shell.ok("commit", "-m", "x", "--allow-unsafe")
    assert "warning: scan: best.pt is hostile" in said.err
    shell.write("notes.txt", b"notes")
    shell.ok("add", "notes.txt")
    assert "hostile" not in shell.ok("commit", "-m", "y").err, "it is in the parent"
    shell.write("other.pt", HOSTILE + b" ")
    said = shell.ok("record", "--file", "w=other.pt", "-m", "x", "--branch", "run/a", "--allow-unsafe")
    assert "is hostile" in said.err
    model = mvc.open(shell.folder).model("helmets")
    shell.write("best.pt", HOSTILE + b"  ")
    assert model.commit("z", allow_unsafe=True).warnings[0].key == "scan"


def test_a_file_that_needs_code_is_stored_with_a_note_unless_the_level_says_otherwise(shell: Shell) -> None:
    shell.write("best.pt", MODULE.read_bytes())
    said = shell.ok("commit", "--dry-run")
    assert "warning: scan: best.pt is code" in said.err
    assert "`mvc scan --explain best.pt` lists all" in said.err
    shell.ok("config", "--global", "scan.level", "code")
    assert shell("commit", "-m", "x").code == 17
    shell.ok("config", "--global", "scan.allow", "__main__.Network, torch.nn.modules.*")
    assert "scan" not in shell.ok("commit", "-m", "x").err
    shell.write("best.pt", containers.ALONE["zip-gap"])
    shell.ok("config", "--global", "scan.level", "hostile")
    assert "warning: scan: best.pt is unreadable" in shell.ok("commit", "-m", "y").err
    shell.write("best.pt", HOSTILE)
    assert shell("commit", "-m", "z").code == 17
    shell.ok("config", "--global", "scan.level", "off")
    assert "scan" not in shell.ok("commit", "-m", "z").err
    assert shell("config", "scan.level", "off").code != 0, "a repository cannot lower it"
    assert shell("config", "--global", "scan.level", "safe").code == 2


def test_a_damaged_file_is_stored_and_reported_as_before(shell: Shell) -> None:
    shell.write("best.pt", containers.PLAIN[:-30])
    said = shell.ok("commit", "-m", "cut")
    assert "truncated" in said.err
    assert "scan" not in said.err


def slow_write(shell: Shell) -> None:
    """Replace the content of a file, and keep its size and its time."""
    path = shell.folder / "best.pt"
    times = os.stat(path)
    path.write_bytes(HOSTILE + bytes(times.st_size - len(HOSTILE)))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_a_file_that_changes_between_its_scan_and_its_storing_is_not_committed(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = commits._scanned

    def slow(*arguments: object) -> object:
        warnings = scan(*arguments)  # type: ignore[arg-type]
        slow_write(shell)
        return warnings

    shell.write("best.pt", containers.PLAIN + b" ")
    monkeypatch.setattr(commits, "_scanned", slow)
    before = _store(shell)
    with pytest.raises(errors.FileChanged):
        mvc.open(shell.folder).model("helmets").commit("x")
    assert {name: data for name, data in _store(shell).items() if name in before} == before
    assert shell.ok("rev-parse", "v1").out == shell.ok("rev-parse", "HEAD").out
    shell.write("best.pt", containers.PLAIN + b"  ")
    check = scanned.check

    def slow_check(*given: Any, **named: Any) -> object:
        warnings = check(*given, **named)
        slow_write(shell)
        return warnings

    monkeypatch.setattr(scanned, "check", slow_check)
    assert shell("record", "--file", "w=best.pt", "-m", "x", "--branch", "run/a").code == 128
