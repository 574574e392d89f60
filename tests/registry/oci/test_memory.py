"""A large file is published within a bounded memory: with --deep, 5 GB within 200 MB."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.shell import begin
from tests.servers.forgetful import forgetful

_RUN = """
import re, sys
from mvc.cli.app.main import run
code = run(sys.argv[1:])
print(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1], file=sys.stderr)
sys.exit(code)
"""
"""Runs mvc, and prints the most memory that it had, in KiB: what the system counts of a child includes its parent's."""


def test_a_large_file_is_published_within_a_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deep: bool
) -> None:
    size = (5 << 30) if deep else (256 << 20)
    shell = begin(tmp_path, monkeypatch)
    with open(shell.folder / "best.pt", "wb") as file:
        file.truncate(size)  # a hole takes no space, and is sent as bytes
    shell.ok("add", "best.pt", "--as", "model-latest")
    shell.commit("Large")
    with forgetful() as host:
        command = [sys.executable, "-c", _RUN, "publish", f"oci://{host}/team/large"]
        done = subprocess.run(command, cwd=shell.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Published 1 version" in done.stdout
    most = int(done.stderr.split()[-1])
    assert most < 200 << 10, f"{most >> 10} MiB"
