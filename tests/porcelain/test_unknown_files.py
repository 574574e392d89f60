"""Versions of files of unknown format, with random edits: every byte comes back, here and from a remote, also after prune."""

from __future__ import annotations

import random
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from mvc.model.ids import digest
from mvc.porcelain.fsck import fsck
from tests.cli.shell import Shell, begin

FILES = ("best.weights", "last.weights", "trees.txt")


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    (tmp_path / "here").mkdir()
    return begin(tmp_path / "here", monkeypatch)


def _numbers(rng: random.Random, count: int) -> bytes:
    return bytes((np.random.default_rng(rng.getrandbits(64)).standard_normal(count) * 0.02).astype("<f4").tobytes())


def _first(rng: random.Random, name: str) -> bytes:
    if name.endswith(".txt"):
        return b" ".join(b"%.6f" % rng.random() for _ in range(20_000))
    return struct.pack("<HI", 7, 1) + _numbers(rng, rng.randrange(60_000, 160_000))


def _edited(rng: random.Random, data: bytes) -> bytes:
    """The file after a step of training, or with bytes put in, taken out or replaced somewhere."""
    place, count = rng.randrange(len(data)), rng.randrange(1, 60_000)
    how = rng.choice(("train", "train", "insert", "delete", "replace", "copy"))
    if how == "train":
        start = len(data) % 4
        weights = np.frombuffer(data[start:], "<f4")
        step = np.frombuffer(_numbers(rng, weights.size), "<f4") * 1e-3
        return data[:start] + np.where(np.isfinite(weights), weights + step, weights).astype("<f4").tobytes()
    if how == "insert":
        return data[:place] + rng.randbytes(count) + data[place:]
    if how == "delete":
        return data[:place] + data[place + count :]
    if how == "replace":
        return data[:place] + rng.randbytes(min(count, len(data) - place)) + data[place + count :]
    return data[place:] + data[:place]


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_random_histories_come_back_from_here_and_from_a_remote(
    shell: Shell, rng: random.Random, monkeypatch: pytest.MonkeyPatch, deep: bool
) -> None:
    versions = 30 if deep else 6
    data = {name: _first(rng, name) for name in FILES}
    made = []
    for number in range(versions):
        for name in FILES:
            shell.write(name, data[name])
        if not number:
            shell.ok("add", *FILES)
        shell.commit(f"v{number + 1}")
        made.append(dict(data))
        for name in rng.sample(FILES, rng.randrange(1, 4)):
            data[name] = _edited(rng, data[rng.choice((name, name, name, "best.weights"))])
    assert not fsck(shell.repository, read_data=True).findings
    shell.ok("remote", "add", "origin", "../remote")
    shell.ok("push")
    shell.ok("clone", "../remote", "../clone")
    clone = Shell(shell.folder.parent / "clone", monkeypatch)
    _check(clone, made)
    assert not fsck(clone.repository, read_data=True).findings
    shell.ok("prune", "--keep-last", "2", "--yes", "--unpushed")
    assert not fsck(shell.repository, read_data=True).findings
    _check(shell, made, first=versions - 2)


def _check(shell: Shell, made: Sequence[Mapping[str, bytes]], first: int = 0) -> None:
    for number, files in enumerate(made[first:], first):
        for name, content in files.items():
            _, out, _ = shell.raw("cat", f"v{number + 1}:{name}")
            assert digest(out) == digest(content), (number, name)
