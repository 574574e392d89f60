"""Figures of the benchmark are kept, and two runs are compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench import runs
from tests.bench.measure import Times
from tests.bench.report import Report


def test_a_run_is_one_line_with_every_figure_by_its_name(tmp_path: Path) -> None:
    report = Report()
    report.title("New weights")
    report.act("commit")
    report.line("  mvc", Times((3.0, 1.0, 2.0)))
    report.table("stored, MB", ["mvc", "git"], {"v1": ["1,000.5", "-"]})
    report.goal("memory", 120, 100, "MB")
    for _ in range(2):
        runs.keep(tmp_path / "new" / "bench.jsonl", "a machine", report.figures)
    first, _ = map(json.loads, (tmp_path / "new" / "bench.jsonl").read_text().splitlines())
    assert first["machine"] == "a machine"
    assert first["figures"] == {
        "New weights: commit: mvc, s": 2.0,
        "New weights: commit: stored, MB, v1, mvc": 1000.5,
        "New weights: commit: memory, MB": 120,
    }


def test_the_last_two_runs_are_compared_figure_by_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bench.jsonl"
    for figures in ({"old": 1.0}, {"status, ms": 100.0, "gone": 1.0}, {"status, ms": 150.0, "new": 1.0}):
        runs.keep(file, "a machine", figures)
    capsys.readouterr()
    runs.compare([file])
    assert capsys.readouterr().out.splitlines()[2:] == ["       100.000      150.000    1.50 x  status, ms"]
    runs.compare([file, file])
    assert "1.00 x  status, ms" in capsys.readouterr().out


def test_one_run_alone_is_not_compared(tmp_path: Path) -> None:
    runs.keep(tmp_path / "bench.jsonl", "a machine", {})
    with pytest.raises(SystemExit, match="two runs are compared"):
        runs.compare([tmp_path / "bench.jsonl"])
