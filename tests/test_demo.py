"""The tour runs to its end without a network, on our own models, and says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.demo import typed
from tests.docs import forks

TOP = Path(__file__).resolve().parents[1]


def test_the_tour_without_a_network(tmp_path: Path) -> None:
    environment = os.environ | {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "PYTHONPATH": str(TOP)}
    environment.pop("PIP_FIND_LINKS", None)
    with forks.program(tmp_path / "bin", load=["picsellia"]) as program:
        done = subprocess.run(
            [sys.executable, "-m", "tests.demo.tour"],
            cwd=tmp_path,
            env=environment | {typed.PROGRAM: str(program)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The package registry cannot be reached: the tour runs on our own small models" in done.stdout
    assert "files, SHA-256 equal to release 3-narrow" in done.stdout
    assert "No problems found." in done.stdout
    assert "Everything up to date." in done.stdout
    assert "experiment  finetune-1  reading" in done.stdout
    assert "hmean" in done.stdout
    assert "as the SDK alone reads it: experiment finetune-1, datasets train" in done.stdout
    assert "renamed on the web" in done.stdout
    assert "is new on the registry" in done.stdout
    assert "in both repositories" in done.stdout
    page = tmp_path / "build" / "demo-page" / "index.html"
    assert done.stdout.endswith(f"Open in a browser: {page.as_uri()}\n")
    assert page.exists()
