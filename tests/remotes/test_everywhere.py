"""Two people share versions, on every kind of backend."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from mvc.porcelain.gc_remote import gc_remote
from mvc.transport import connection
from tests.remotes.backends import Place
from tests.remotes.clones import WEIGHTS, ana, clone, set_origin


def test_clone_push_fetch_pull_and_merge(tmp_path: Path, monkeypatch: Any, rng: random.Random, place: Place) -> None:
    hers, weights = ana(tmp_path, monkeypatch, rng)
    set_origin(hers, place)
    hers.ok("push")
    his = clone(tmp_path, monkeypatch, "ben", place=place)
    assert (his.folder / WEIGHTS).read_bytes() == (hers.folder / WEIGHTS).read_bytes()
    weights.train()
    hers.commit("tuned")
    hers.ok("push")
    his.ok("fetch")
    his.ok("pull")
    assert (his.folder / WEIGHTS).read_bytes() == (hers.folder / WEIGHTS).read_bytes()
    hers.set(parameters__lr=1)
    hers.commit("hers")
    hers.ok("push")
    his.set(parameters__epochs=2)
    his.commit("his")
    assert his("push").code == 13
    assert his("pull").code == 13
    his.ok("merge", "origin/main")
    his.ok("push")
    hers.ok("pull")
    assert hers.ok("get", "parameters.epochs").out.strip() == "2"
    assert hers.ok("get", "parameters.lr").out.strip() == "1"
    assert hers.ok("fsck", "--remote", "origin", "--read-data").code == 0
    few = clone(tmp_path, monkeypatch, "few", "--meta", place=place)
    assert few.raw("cat", "v1:weights")[1] == hers.raw("cat", "v1:weights")[1]
    few.folder = tmp_path
    url, options = place
    given = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    few.ok("download", f"{url}#@v1", "weights", "device", "--lock", "mvc.lock", *given)
    assert (tmp_path / "device" / WEIGHTS).read_bytes() == hers.raw("cat", "v1:weights")[1]
    few.ok("download", "--locked", "mvc.lock", "again")
    assert (tmp_path / "again" / WEIGHTS).read_bytes() == (tmp_path / "device" / WEIGHTS).read_bytes()


def test_a_collection_removes_what_a_removed_branch_had(
    tmp_path: Path, monkeypatch: Any, rng: random.Random, place: Place
) -> None:
    hers, _ = ana(tmp_path, monkeypatch, rng)
    set_origin(hers, place)
    hers.ok("push")
    monkeypatch.setattr("mvc.porcelain.gc_remote.ENTRIES", 0)
    monkeypatch.setattr("mvc.porcelain.gc_remote.DAYS", -1)
    hers.ok("switch", "-c", "night")
    hers.write(WEIGHTS, rng.randbytes(300_000))
    hers.commit("another network")
    hers.ok("push", "origin", "night")
    hers.ok("push", "origin", "--delete", "night")
    with connection.open_remote(hers.repository, "origin") as remote:
        before = {each.name for each in remote.backend.list("packs")}
        removed: set[str] = set()
        for _ in range(2):
            removed |= set(gc_remote(hers.repository, remote, hers.actor, grace=0).removed)
        after = {each.name for each in remote.backend.list("packs")}
        assert before - after
        assert before - after <= removed
    assert hers.ok("fsck", "--remote", "origin", "--read-data").code == 0
    assert (clone(tmp_path, monkeypatch, "ben", place=place).folder / WEIGHTS).exists()
