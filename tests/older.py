"""An mvc of before, taken from the history of the project, and remotes as it makes them."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from mvc.remotes import remote as remotes
from mvc.storage.records import sealed

PLAIN = "e2cac2dd5e885800f951cdb2e22ffe53f3cb2ecd"
"""The last commit that knew the encodings 0 to 5 only."""
PLAIN_FEATURES = ["cast", "delta", "planes"]
REFUSED = 128
"""The exit code for a store that needs a newer mvc."""
_ROOT = Path(__file__).resolve().parents[1]


class Older:
    """Runs the mvc of a commit, whose code is put into `folder`. Skips the test in a clone without that history."""

    def __init__(self, commit: str, folder: Path) -> None:
        archived = subprocess.run(["git", "-C", _ROOT, "archive", commit, "mvc"], capture_output=True, check=False)
        if archived.returncode:
            pytest.skip(f"the history of this clone does not reach {commit[:10]}")
        with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as archive:
            archive.extractall(folder, filter="data")
        self._code = folder

    def __call__(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mvc", *arguments]
        environ = {**os.environ, "PYTHONPATH": str(self._code), "PYTHONSAFEPATH": "1"}
        return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)

    def ok(self, *arguments: str, folder: Path) -> str:
        """Run a command that must succeed; return its output."""
        done = self(*arguments, folder=folder)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout


def plain_record() -> bytes:
    """The record of a remote that an mvc of before began."""
    return sealed.seal({"kind": "remote", "v": remotes.VERSION, "hash": "blake3", "requires": PLAIN_FEATURES})


def mark_plain(folder: Path) -> None:
    """Write that record in a folder."""
    folder.mkdir(exist_ok=True)
    (folder / remotes.NAME).unlink(missing_ok=True)
    (folder / remotes.NAME).write_bytes(plain_record())
