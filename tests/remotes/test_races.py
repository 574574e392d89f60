"""Several processes push to one branch at once: what was accepted is there, all of it, once, in one line."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mvc.porcelain.fsck_remote import survey
from mvc.repository import history
from tests.cli.shell import Shell, begin
from tests.docs import forks
from tests.remotes.backends import PLACES, Place
from tests.remotes.clones import MAIN, clone, origin, set_origin
from tests.servers.cloud import SERVERS

PROCESSES = 4
FEW = 2
"""Processes on a cloud, unless `--deep` asks for all."""
PUSHES = {"file": 12, "sftp": 4, "s3": 4, "gs": 2, "az": 4}
"""Pushes of each process."""
DEEP = {"file": 350, "sftp": 50, "s3": 50, "gs": 50, "az": 50}


PUSHER = "tests.remotes.pusher"


@pytest.fixture(scope="module")
def pusher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[str]]:
    """The command of a process that pushes; they begin within milliseconds, as the program is loaded once."""
    folder = tmp_path_factory.mktemp("pusher") / "bin"
    with forks.program(folder, PUSHER, ["s3fs", "gcsfs", "adlfs", "paramiko"]) as program:
        yield [str(program)]


def _start(tmp_path: Path, monkeypatch: Any, place: Place) -> Shell:
    (tmp_path / "ana").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.write("w.bin", b"begin")
    shell.ok("add", "w.bin", "--as", "weights")
    shell.commit("begin")
    set_origin(shell, place)
    shell.ok("push")
    return shell


def _processes(
    tmp_path: Path,
    monkeypatch: Any,
    place: Place,
    count: int,
    seed: int,
    pusher: Sequence[str] = (sys.executable, "-m", PUSHER),
    *,
    processes: int = PROCESSES,
    rebasing: int = 0,
) -> list[subprocess.Popen[str]]:
    names = [f"p{number}" for number in range(processes)]
    for name in names:
        clone(tmp_path, monkeypatch, name, place=place)
    return [
        subprocess.Popen(
            [*pusher, str(tmp_path), name, str(count), str(seed), *(["--rebase"] if number < rebasing else [])],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number, name in enumerate(names)
    ]


def _accepted(shell: Shell, verdicts: list[str]) -> set[str]:
    """The versions that were said to be accepted, after a look at what is on the remote."""
    shell.ok("pull", "--meta")
    repository = shell.repository
    tip = repository.refs.target(MAIN.tracking_ref("origin"))
    line = [id_ for id_, _ in history.line(repository.objects, tip)]
    numbers = [repository.objects.version(id_).number for id_ in line]
    assert numbers == list(range(len(line), 0, -1))
    accepted = [verdict.split()[1] for verdict in verdicts if verdict.startswith("accepted")]
    assert len(set(accepted)) == len(accepted)
    assert set(accepted) <= set(line)
    with origin(shell) as remote:
        report = survey(repository, remote, read_data=True)
        assert not report.findings
        assert report.counts["entries"] == 1 + len(accepted)
    return set(accepted)


@pytest.mark.parametrize(
    ("place", "rebasing"), [("file", 0.0), ("file", 1.0), *((kind, 0.5) for kind in sorted(PLACES))], indirect=["place"]
)
def test_of_all_pushes_those_that_were_accepted_are_there(
    tmp_path: Path,
    monkeypatch: Any,
    rng: random.Random,
    pusher: Sequence[str],
    place: Place,
    rebasing: float,
    *,
    deep: bool,
) -> None:
    """`rebasing` is the part of the processes that rebase and push again: none, all, and half beside the others."""
    shell = _start(tmp_path, monkeypatch, place)
    kind = place[0].partition("://")[0] if "://" in place[0] else "file"
    count = (DEEP if deep else PUSHES)[kind]
    processes = FEW if kind in SERVERS and not deep else PROCESSES
    patient = round(processes * rebasing)
    seed = rng.getrandbits(32)
    running = _processes(tmp_path, monkeypatch, place, count, seed, pusher, processes=processes, rebasing=patient)
    verdicts = [line for process in running for line in process.communicate()[0].splitlines()]
    assert [process.returncode for process in running] == [0] * processes
    assert len(verdicts) == processes * count
    told = verdicts.count("told")
    accepted = _accepted(shell, verdicts)
    assert len(accepted) + told == len(verdicts)
    assert len(accepted) >= max(patient * count, len(verdicts) / 4)
    shell.ok("pull")
    set_here = shell.ok("get", "parameters", "--json").json["value"] if patient else {}
    assert set_here == {f"p{number}-{each}": each for number in range(patient) for each in range(count)}


def test_one_that_is_killed_loses_nothing_of_the_others(tmp_path: Path, monkeypatch: Any, rng: random.Random) -> None:
    place = (str(tmp_path / "origin"), dict[str, str]())
    shell = _start(tmp_path, monkeypatch, place)
    running = _processes(tmp_path, monkeypatch, place, 12, rng.getrandbits(32))
    victim = running.pop(rng.randrange(PROCESSES))
    assert victim.stdout is not None
    said = [victim.stdout.readline() for _ in range(rng.randrange(1, 6))]
    victim.kill()
    said += victim.communicate()[0].splitlines()
    verdicts = [line for process in running for line in process.communicate()[0].splitlines()]
    assert len(verdicts) == 12 * len(running)
    shell.ok("pull", "--meta")
    repository = shell.repository
    line = {id_ for id_, _ in history.line(repository.objects, repository.refs.target(MAIN.tracking_ref("origin")))}
    for verdict in [*verdicts, *said]:
        if verdict.startswith("accepted"):
            assert verdict.split()[1] in line
    with origin(shell) as remote:
        assert not survey(repository, remote, read_data=True).findings
    shell.set(parameters__after=1)
    shell.commit("after")
    shell.ok("push")


def test_whoever_clones_meanwhile_has_all_that_they_see(
    tmp_path: Path, monkeypatch: Any, rng: random.Random, pusher: Sequence[str]
) -> None:
    place = (str(tmp_path / "origin"), dict[str, str]())
    _start(tmp_path, monkeypatch, place)
    running = _processes(tmp_path, monkeypatch, place, 40, rng.getrandbits(32), pusher)
    clones = 0
    while any(process.poll() is None for process in running) or not clones:
        reader = clone(tmp_path, monkeypatch, f"reader-{clones}")
        assert reader("fsck", "--read-data").code == 0
        assert reader.ok("status", "--json").json["clean"]
        clones += 1
    for process in running:
        process.communicate()
    assert [process.returncode for process in running] == [0] * PROCESSES
