"""Stores and remotes that earlier versions of mvc wrote stay readable, every byte of them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mvc.porcelain.fsck import fsck
from mvc.repository.repository import Repository
from mvc.storage.disk.door import StoreDoor
from mvc.storage.packs import packformat
from mvc.storage.packs.packfile import PackFile

STORES = Path(__file__).resolve().parents[1] / "stores"


VERSIONS = {"example": 8, "casts": 4}
MODELS = {"example": "helmet-classifier", "casts": "classifier"}


def _check(root: Path, store: str) -> None:
    """Read and verify every byte of a copy of a store."""
    report = fsck(Repository(root), read_data=True)
    assert not report.findings
    assert report.counts["versions"] == VERSIONS[store]


@pytest.mark.parametrize("store", VERSIONS)
def test_a_store_is_read(store: str, tmp_path: Path) -> None:
    shutil.copytree(STORES / store, tmp_path / ".mvc")
    _check(tmp_path, store)


@pytest.mark.parametrize("store", VERSIONS)
def test_a_remote_is_cloned(store: str, tmp_path: Path) -> None:
    shutil.copytree(STORES / f"{store}-remote", tmp_path / "remote")
    _mvc("clone", str(tmp_path / "remote"), str(tmp_path / "clone"))
    _mvc("-C", str(tmp_path / "clone"), "fsck", "--remote", "origin", "--read-data")
    _mvc("-C", str(tmp_path / "clone"), "switch", "--model", MODELS[store], "main")
    _check(tmp_path / "clone", store)


def test_the_casts_are_kept() -> None:
    door = StoreDoor(STORES / "casts")
    packs = sorted((STORES / "casts" / "packs").glob("*/*.pack"))
    entries = [
        each
        for pack in packs
        for each in packformat.read_index(PackFile(door, f"packs/{pack.parent.name}/{pack.name}"))
    ]
    assert {each.encoding for each in entries} == {1, 2, 3, 4, 5}


def _mvc(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "mvc", *arguments], check=True, capture_output=True)
