"""picklescan as the second opinion: its no is a finding, whatever mvc itself says about a file."""

from __future__ import annotations

import json
import os
import pickle
import sys
from pathlib import Path

import pytest

from mvc.scan import scan as scans
from mvc.scan.verdict import Report, Verdict
from tests.cli.shell import begin


class Call:
    """An object whose pickle calls `os.system`."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("true",)


def test_a_file_that_picklescan_reports_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ana").mkdir()
    monkeypatch.setenv("MVC_CONFIG", str(tmp_path / "own" / "config.toml"))
    shell = begin(tmp_path / "ana", monkeypatch)
    program = Path(sys.executable).with_name("picklescan")
    shell.ok("config", "--global", "scan.command", f"'{program}' --strict -p {{}}")
    shell.write("fine.pkl", pickle.dumps({"weights": [1.0, 2.0]}))
    shell.ok("add", "fine.pkl", "--as", "fine")
    shell.ok("commit", "-m", "fine")
    shell.write("call.pkl", pickle.dumps(Call()))
    shell.ok("add", "call.pkl", "--as", "call")
    monkeypatch.setattr(scans.Scan, "result", lambda _: Report(Verdict.PLAIN, (), ()))  # mvc itself sees nothing
    said = shell("commit", "-m", "call")
    assert said.code == 17, said
    assert "call.pkl is hostile: The program of scan.command reports it: picklescan" in said.err
    files = {row["path"]: row for row in json.loads(shell("scan", "--json").out)["files"]}
    assert [finding["rule"] for finding in files["call.pkl"]["findings"]] == ["second-opinion"]
    assert files["fine.pkl"]["findings"] == []
