"""The payloads of hostile files run under their real loaders, so that what the scan finds is no straw man."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.scan import calls, containers, readers, structures

LOADERS = Path(__file__).with_name("loaders.py")


def test_each_payload_runs_under_its_loader(tmp_path: Path) -> None:
    """In one process for all; each makes a file in a folder of its own."""
    cases = [
        case for case in (*calls.cases(), *structures.cases(), *containers.cases(), *readers.cases()) if case.loader
    ]
    for number, case in enumerate(cases):
        (tmp_path / f"{number}.bin").write_bytes(case.data)
    lines = [f"{case.loader} {number}.bin\n" for number, case in enumerate(cases)]
    (tmp_path / "list.txt").write_text("".join(lines), encoding="utf-8")
    done = subprocess.run([sys.executable, LOADERS, tmp_path], capture_output=True, text=True, check=True)
    ran = {int(line) for line in done.stdout.splitlines() if line.isdecimal()}
    assert [case.id for number, case in enumerate(cases) if number not in ran] == []
