"""Stores and remotes that earlier versions of mvc wrote stay readable, every byte of them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from mvc.porcelain.fsck import fsck
from mvc.repository.repository import Repository

STORES = Path(__file__).resolve().parents[1] / "stores"


def _check(root: Path) -> None:
    """Read and verify every byte of a copy of the example."""
    report = fsck(Repository(root), read_data=True)
    assert not report.findings
    assert report.counts["versions"] == 8


def test_a_store_is_read(tmp_path: Path) -> None:
    shutil.copytree(STORES / "example", tmp_path / ".mvc")
    _check(tmp_path)


def test_a_remote_is_cloned(tmp_path: Path) -> None:
    shutil.copytree(STORES / "example-remote", tmp_path / "remote")
    _mvc("clone", str(tmp_path / "remote"), str(tmp_path / "clone"))
    _mvc("-C", str(tmp_path / "clone"), "fsck", "--remote", "origin", "--read-data")
    _mvc("-C", str(tmp_path / "clone"), "switch", "--model", "helmet-classifier", "main")
    _check(tmp_path / "clone")


def _mvc(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "mvc", *arguments], check=True, capture_output=True)
