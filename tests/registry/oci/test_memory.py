"""A large file is published within a bounded memory: with --deep, 5 GB within 200 MB."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.shell import begin
from tests.servers.forgetful import forgetful


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
        command = [sys.executable, "-m", "mvc", "publish", f"oci://{host}/team/large"]
        with subprocess.Popen(command, cwd=shell.folder, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            said = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert "Published 1 version" in said
    assert usage.ru_maxrss < 200 << 10, f"{usage.ru_maxrss >> 10} MiB"
