"""Several processes that verify one remote in parts, or that collect its garbage at the same time."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mvc.porcelain import fsck_remote
from mvc.remotes.gc_session import Ages, GcSession
from tests.cli.shell import Shell
from tests.remotes.clones import ana, clone, folder, push_and_delete, set_origin

VERSIONS = 5
SURVEY = ("fsck", "--remote", "origin", "--read-data")


class Job(NamedTuple):
    """How a process of an array ended."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository, and a remote with a pack from each of several pushes."""
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as monkeypatch:
        shell, weights = ana(folder, monkeypatch, random.Random(7), versions=1)
        shell.ok("push", "origin", "main")
        for number in range(1, VERSIONS):
            weights.train()
            shell.commit(f"version {number + 1}")
            shell.ok("push", "origin", "main")
    return folder


@pytest.fixture
def shell(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A copy of the prepared repository, with a copy of its remote."""
    for name in ("ana", "origin"):
        shutil.copytree(prepared / name, tmp_path / name)
    shell = Shell(tmp_path / "ana", monkeypatch)
    set_origin(shell, (str(tmp_path / "origin"), {}))
    return shell


def _at_once(shell: Shell, *commands: tuple[str, ...]) -> list[Job]:
    """Run all commands at the same time."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "mvc", *command],
            cwd=shell.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    ended = [process.communicate(timeout=120) for process in started]
    return [Job(process.returncode, *texts) for process, texts in zip(started, ended, strict=True)]


def _packs(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "origin" / "packs").rglob("*.pack"))


def _joined(documents: list[dict[str, Any]]) -> set[str]:
    return {json.dumps(finding, sort_keys=True) for document in documents for finding in document["findings"]}


def test_the_parts_have_every_pack_once(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(fsck_remote, "fault", lambda _, __, pack, ___: read.append(pack))
    for parts in (1, 2, 7):
        read.clear()
        for part in range(1, parts + 1):
            document = shell.ok(*SURVEY, "--subset", f"{part}/{parts}", "--json").json
            assert document["subset"] == (f"{part}/{parts}" if parts > 1 else None)
        assert sorted(read) == sorted(path.stem for path in _packs(tmp_path))
        assert len(read) >= VERSIONS


def test_an_array_of_jobs_finds_what_one_job_finds(shell: Shell, tmp_path: Path, monkeypatch: Any) -> None:
    meta = clone(tmp_path, monkeypatch, "meta", "--meta")
    damaged = _packs(tmp_path)[0]
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.chmod(0o644)
    damaged.write_bytes(content)
    jobs = _at_once(meta, *((*SURVEY, "--subset", f"{part}/3", "--json") for part in (1, 2, 3)))
    assert sorted(job.code for job in jobs) == [0, 0, 14]
    documents = [json.loads(job.out) for job in jobs]
    whole = meta(*SURVEY, "--json")
    assert whole.code == 14
    assert _joined(documents) == _joined([whole.json])
    assert damaged.stem in str(_joined(documents))
    assert sum(each["counts"]["packs read"] for each in documents) == whole.json["counts"]["packs read"]
    assert {each["subset"] for each in documents} == {"1/3", "2/3", "3/3"}


def test_a_collection_in_progress_is_named_and_nothing_changes(shell: Shell, tmp_path: Path) -> None:
    before = _packs(tmp_path)
    with GcSession(folder(tmp_path / "origin").backend, shell.actor.move("gc"), Ages(0, 0)):
        said = shell("gc", "--remote", "origin", "--grace", "0s")
        assert said.code == 15
        assert "Garbage collection has been running on" in said.err
        document = json.loads(shell("gc", "--remote", "origin", "--json").err)
        assert document["kind"] == "remote-busy"
    assert _packs(tmp_path) == before
    shell.ok("gc", "--remote", "origin")


def test_of_several_collections_at_once_one_runs_at_a_time(shell: Shell, tmp_path: Path, rng: random.Random) -> None:
    reachable = _packs(tmp_path)
    push_and_delete(shell, rng)
    shell.ok("gc", "--remote", "origin", "--grace", "0s")
    jobs = _at_once(shell, *[("gc", "--remote", "origin", "--grace", "0s")] * 3)
    assert {job.code for job in jobs} <= {0, 15}
    assert 0 in {job.code for job in jobs}
    for job in jobs:
        assert (job.code == 0) == (job.err == ""), job
        assert job.code == 0 or "Garbage collection has been running on" in job.err
    assert not (tmp_path / "origin" / "gc" / "active").exists()
    assert set(reachable) <= set(_packs(tmp_path))
    shell.ok(*SURVEY)
