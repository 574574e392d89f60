"""A commit stores what changed of its files, whatever command has read them before."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np

from mvc.model.ids import FileId, digest
from mvc.storage.chunks.encodings import DIFFERENCE
from mvc.storage.records.statcache import StatCache
from tests.cli.shell import begin
from tests.required import stored
from tests.weights import safetensors


def test_a_commit_of_files_whose_ids_are_known_stores_differences(
    tmp_path: Path, monkeypatch: Any, rng: random.Random
) -> None:
    """As after a command that read the new bytes once they were old enough for the cache."""
    shell = begin(tmp_path, monkeypatch)
    weights = np.frombuffer(rng.randbytes(40_000), "<u4") & np.uint32(0x3FFFFFFF)
    path = shell.folder / "best.safetensors"
    path.write_bytes(safetensors({"layer.weight": ("F32", (100, 100), weights.tobytes())}))
    shell.ok("add", path.name, "--as", "model-latest")
    shell.ok("commit", "-q", "-m", "one")
    path.write_bytes(safetensors({"layer.weight": ("F32", (100, 100), (weights + np.uint32(3)).tobytes())}))
    known = FileId(digest(path.read_bytes()))
    monkeypatch.setattr(StatCache, "lookup", lambda *_: known)
    shell.ok("commit", "-q", "-m", "two")
    assert DIFFERENCE in stored(shell.folder)
