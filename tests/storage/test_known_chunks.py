"""Known chunks: a delta whose base was collected is stored again."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mvc.porcelain import gc as verb
from mvc.porcelain.fsck import fsck
from tests.cli.shell import begin
from tests.weights import network, safetensors, tuned

WEIGHTS = "w.safetensors"


def test_a_delta_whose_base_was_collected_is_stored_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random
) -> None:
    shell = begin(tmp_path, monkeypatch)
    tensors = network(rng)
    shell.write(WEIGHTS, safetensors(tensors))
    shell.ok("add", WEIGHTS, "--as", "weights")
    shell.commit("base")
    after = safetensors(tuned(tensors, rng, 1e-6))
    shell.ok("switch", "-c", "side")
    shell.write(WEIGHTS, after)
    other = rng.randbytes(3_000_000)
    shell.write("other.bin", other)
    shell.ok("add", "other.bin")
    shell.commit("tuned, with another file in the same pack")
    shell.ok("switch", "main")
    shell.ok("rm", "weights")
    shell.write("other.bin", other)
    shell.ok("add", "other.bin")
    shell.commit("the other file alone", "--amend")
    shell.ok("branch", "-D", "side")
    shell.ok("config", "gc.reflog-expire", "0")
    shell.tick()
    done = verb.gc(shell.repository, shell.actor, grace=0)
    assert done.plan.packs, "the base's pack was to be collected, and the delta's to stay"
    assert not done.plan.rewritten
    shell.write(WEIGHTS, after)
    shell.ok("add", WEIGHTS, "--as", "weights")
    shell.commit("tuned again")
    assert not fsck(shell.repository, read_data=True).findings
    (tmp_path / WEIGHTS).unlink()
    shell.ok("restore", "weights")
    assert (tmp_path / WEIGHTS).read_bytes() == after
