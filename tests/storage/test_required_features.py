"""Whatever writes chunks in a new encoding has the store require it first, so that an mvc of before refuses it by name."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mvc.storage.chunks.encodings import DIFFERENCE
from mvc.storage.records import config
from tests.cli.shell import Shell, begin
from tests.older import PLAIN, REFUSED, Older
from tests.remotes.clones import WEIGHTS, Weights
from tests.required import needed, required, stored

CASTS = Path(__file__).resolve().parents[1] / "stores" / "casts"
Way = Callable[[Path, pytest.MonkeyPatch, random.Random], Path]
"""Makes a store below a folder, whose last command alone writes differences."""


def _edited(folder: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random) -> Shell:
    """A version of weights, and the next ones, not committed."""
    shell = begin(folder, monkeypatch)
    weights = Weights(shell, rng, layers=1, width=64)
    shell.commit("one")
    weights.train()
    assert DIFFERENCE not in stored(folder)
    return shell


def _made(path: Path) -> Path:
    path.mkdir()
    return path


def _by(*command: str) -> Way:
    def way(folder: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random) -> Path:
        _edited(folder, monkeypatch, rng).ok(*command)
        return folder

    return way


def _imported(folder: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random) -> Path:
    """Two files of weights, whose history is imported."""
    shell = _edited(_made(folder / "source"), monkeypatch, rng)
    runs, target = _made(folder / "runs"), _made(folder / "target")
    (shell.folder / WEIGHTS).rename(runs / "best.safetensors")
    shell.ok("restore", WEIGHTS)
    (shell.folder / WEIGHTS).rename(runs / "first.safetensors")
    shell.folder = target
    shell.ok("init")
    shell.ok("import", "--folders", "../runs/first.safetensors", "../runs/best.safetensors")
    return target


def _fetched(folder: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random) -> Path:
    """A clone without files, which then fetches one."""
    shell = _edited(folder, monkeypatch, rng)
    shell.commit("two")
    shell.ok("remote", "add", "origin", "origin")
    shell.ok("push", "origin", "main")
    shell.ok("clone", "--meta", "origin", "clone")
    assert needed(folder / "clone") == set()
    Shell(folder / "clone", monkeypatch).ok("restore", WEIGHTS)
    return folder / "clone"


def _pruned(folder: Path, monkeypatch: pytest.MonkeyPatch, _: random.Random) -> Path:
    """A store of before, in which a chunk gets another base."""
    shutil.copytree(CASTS, folder / ".mvc")
    shell = Shell(folder, monkeypatch)
    shell.ok("switch", "--force", "main")
    assert DIFFERENCE not in stored(folder)
    shell.ok("prune", "--yes", "v2", "v3")
    return folder


WAYS: dict[str, Way] = {
    "commit": _by("commit", "-m", "two"),
    "record": _by("record", "-m", "two", "--branch", "run/1", "--file", f"weights={WEIGHTS}", "--parent", "v1"),
    "stash": _by("stash"),
    "import": _imported,
    "fetch": _fetched,
    "prune": _pruned,
}


def test_an_older_mvc_refuses_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = {}
    for name, way in WAYS.items():
        made[name] = way(_made(tmp_path / name), monkeypatch, rng)
        assert DIFFERENCE in stored(made[name]), name
        assert needed(made[name]) <= required(made[name]), name
    refused = Older(PLAIN, tmp_path_factory.mktemp("plain"))("status", folder=made["commit"])
    assert refused.returncode == REFUSED
    assert "difference" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_every_setting_is_in_the_checksum() -> None:
    assert config.checksum({"format": 1, "undo": {"keep-bytes": 1}}) != config.checksum({"format": 1})
    assert config.checksum({"format": 1, "sum": "x"}) == config.checksum({"format": 1})
