"""Each rule is needed: without any one of them a test fails; so does one without any call of the gate."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mvc
from mvc import errors
from mvc.repository.record import scanned
from mvc.scan import opinion
from tests.cli.shell import begin
from tests.formats.pickles import STOP
from tests.scan.structures import RUN

HERE = Path(__file__).parent
SKIPPED = ("test_fuzz.py", "test_buffers.py", "test_rules.py", "test_loaders.py")
"""Tests of random files, which no rule fails for sure, and of loaders, which need none."""
OPINIONS = {rule.id for rule in opinion.RULES}
"""Rules that no scanner reports: `tests/cli/test_scan_command.py` has their tests."""
GATES = {
    "porcelain/commit.py": ("commit", "-m", "x"),
    "repository/record/files.py": ("record", "--file", "w=best.pt", "-m", "x", "--branch", "run/a"),
    "repository/imports/scanned.py": ("import", "--folders", "runs"),
}
"""The modules that ask the gate, and a command that each refuses."""


def test_without_any_rule_a_test_fails(deep: bool, tmp_path: Path) -> None:
    if not deep:
        pytest.skip("--deep runs the tests again without each rule")
    skipped = [f"--ignore={HERE / name}" for name in SKIPPED]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.scan.sweep", "-p", "no:cacheprovider", *skipped, str(HERE)],
        cwd=HERE.parents[1],
        env={**os.environ, "MVC_SWEEP": str(tmp_path / "unneeded")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert set((tmp_path / "unneeded").read_text(encoding="utf-8").split()) == OPINIONS


def _gates() -> set[str]:
    """The modules of mvc that call the gate."""
    top = Path(mvc.__file__).parent
    return {
        path.relative_to(top).as_posix()
        for path in top.rglob("*.py")
        if "scanned" in (text := path.read_text(encoding="utf-8"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "scanned.check"
    }


def test_every_module_that_calls_the_gate_has_a_command() -> None:
    assert _gates() == GATES.keys()


@pytest.mark.parametrize("place", GATES)
def test_without_a_call_of_the_gate_its_command_stores_a_hostile_file(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.write("best.pt", RUN + STOP)
    shell.write("runs/train/weights/best.pt", RUN + STOP)
    shell.write("runs/train/args.yaml", b"task: detect\nmode: train\nmodel: yolo11n.pt\n")
    shell.write("runs/train/results.csv", b"epoch,metrics/mAP50(B)\n1,0.5\n")
    if place == "porcelain/commit.py":
        shell.ok("add", "best.pt", "--as", "w")
    assert shell(*GATES[place]).code == errors.ScanRefused.exit_code == 17
    asked = scanned.check

    def unasked(*given: object, **named: object) -> object:
        is_place = sys._getframe(1).f_code.co_filename.endswith(place)
        return () if is_place else asked(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(scanned, "check", unasked)
    assert shell(*GATES[place]).code == 0
