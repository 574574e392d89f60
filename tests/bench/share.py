"""Sharing: pushes and fetches of 1 GB beside what bare fsspec reaches, what a fine-tune costs to push, and many versions."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mvc.model.ids import VersionId
from mvc.model.version import Timestamp
from mvc.porcelain.commit import commit
from mvc.porcelain.push import push
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from mvc.storage.records.reflog import HEADS, RefName
from mvc.transport import connection
from mvc.transport.refspec import RefUpdate
from tests.bench import training
from tests.bench.large import FULL, MEMORY, NAME, make_weights
from tests.bench.measure import ENVIRONMENT, Times, command, have_memory_at_hand, merged
from tests.bench.peers import DVC, MVC, MVC_ITSELF, below, find, remove
from tests.bench.report import Report
from tests.bench.repositories import ANA, MODEL, START
from tests.servers.cloud import AWS, moto

STREAMS = 4
"""As many as mvc itself has."""
PIECE = 64 << 20
"""Bytes of each file that bare fsspec carries: as long as a pack."""
BLOCK = 1 << 20
SHARE = 1 / 0.8
"""The most that mvc may take of what bare fsspec takes: 80 % of its speed."""
FINE_TUNED = 0.35
"""Of the file, the most that a push after a full fine-tune in fp32 sends."""
META_SECONDS = 3.0
BARE = "fsspec + fsync"
PUSH, FETCH, CLONE = "push", "fetch of the files", "clone, with checkout"
CARRY = [sys.executable, "-m", "tests.bench.carry"]


@dataclass(frozen=True)
class Site:
    """Where to: `url(name)` is an empty place, `settings` are mvc's, `options` fsspec's."""

    kind: str
    name: str
    url: Callable[[str], str]
    settings: tuple[str, ...]
    options: str


def share(report: Report, place: Path, rounds: int, megabytes: int, versions: int) -> None:
    """All of it."""
    file = place / "shared"
    make_weights("new", "F32", megabytes, 21, file)
    _cut(file, place / "pieces")
    MVC_ITSELF.begin(place / "from", file, NAME)
    MVC_ITSELF.store(place / "from", "v1")
    folder = Site("folder", "a folder", lambda name: str(place / "remotes" / name), (), "{}")
    _transfers(report, place, folder, rounds, megabytes)
    with _s3(place) as site:
        _transfers(report, place, site, rounds, megabytes)
    remove(place / "from")
    remove(place / "pieces")
    _dvc(report, place, file, rounds)
    file.unlink()
    _fine_tuned(report, place)
    _many(report, place, rounds, versions)


def _cut(file: Path, folder: Path) -> None:
    """The same bytes as many files, so that a bare filesystem has something to carry in each stream."""
    folder.mkdir()
    with open(file, "rb") as whole:
        for number in range(-(-file.stat().st_size // PIECE)):
            with open(folder / f"{number:03}", "wb") as piece:
                piece.writelines(whole.read(BLOCK) for _ in range(PIECE // BLOCK))


@contextlib.contextmanager
def _s3(place: Path) -> Iterator[Site]:
    """A server of S3 that has one core, while all else has another."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:1])
    try:
        with moto(place) as server:
            os.sched_setaffinity(0, cores[1:2] or cores)
            ENVIRONMENT.update(AWS)
            options = json.dumps({"endpoint_url": server.options["endpoint"], "skip_instance_cache": True})
            settings = ("-o", f"endpoint={server.options['endpoint']}")
            yield Site("s3", "moto's S3, one core each", lambda name: f"{server.bucket}/{name}", settings, options)
    finally:
        os.sched_setaffinity(0, cores)


def _transfers(report: Report, place: Path, site: Site, rounds: int, megabytes: int) -> None:
    report.title(f"{megabytes:,} MB of new F32 weights to and from {site.name}, {STREAMS} streams, rounds: {rounds}")
    times: dict[tuple[str, str], list[Times]] = {}
    for number in range(rounds):
        for key, each in _round(place, site, f"{site.kind}-{number}"):
            times.setdefault(key, []).append(each)
    found = {key: merged(each) for key, each in times.items()}
    for (act, tool), each in found.items():
        report.line(f"{act}: {tool}", each, f"{each.memory / 1e6:5,.0f} MB of memory")
    for act in (PUSH, FETCH) if megabytes >= FULL else ():
        ratio = found[act, "mvc"].median / found[act, BARE].median
        report.goal(f"{act}, {site.name}, beside bare fsspec", ratio, SHARE, "x")
    memory = max(each.memory for (_, tool), each in found.items() if tool == "mvc")
    report.goal(f"memory, {site.name}", memory / 1e6, MEMORY / 1e6, "MB")


def _round(place: Path, site: Site, name: str) -> Iterator[tuple[tuple[str, str], Times]]:
    source, to, bare = place / "from" / "work", place / "to", place / "bare"
    url, other = site.url(name), site.url(f"{name}-bare")
    command([MVC, "remote", "add", name, url, *site.settings], source)
    command([MVC, "remote", "check", name], source)
    yield (PUSH, BARE), _timed([*CARRY, "put", other, site.options, str(STREAMS), str(place / "pieces")])
    yield (PUSH, "mvc"), _timed([MVC, "-C", str(source), "push", name, "main"])
    yield (FETCH, BARE), _timed([*CARRY, "get", other, site.options, str(STREAMS), str(bare)])
    command([MVC, "clone", "--meta", *site.settings, url, str(to)], place)
    yield (FETCH, "mvc"), _timed([*CARRY, "fetch", str(to)])
    remove(to)
    yield (CLONE, "mvc"), _timed([MVC, "clone", *site.settings, url, str(to)])
    for folder in (to, bare, place / "remotes"):
        remove(folder)


def _timed(arguments: list[str]) -> Times:
    """Run a program when nothing is left to write, and memory is at hand."""
    os.sync()
    have_memory_at_hand()
    return command(arguments, Path(__file__).resolve().parents[2])


def _dvc(report: Report, place: Path, file: Path, rounds: int) -> None:
    """The same to a folder, by dvc."""
    report.title("dvc, the same weights to and from a folder")
    if DVC.absent():
        report.say(f"left out: {DVC.absent()}")
        return
    folder, dvc = place / "dvc", find("dvc") or "dvc"
    DVC.begin(folder, file, NAME)
    DVC.store(folder, "v1")
    command([dvc, "remote", "add", "-d", "there", str(place / "dvc-remote")], folder / "work")
    times: dict[str, list[Times]] = {}
    for _ in range(rounds):
        remove(place / "dvc-remote")
        times.setdefault("push", []).append(_timed([dvc, "--cd", str(folder / "work"), "push", "-q"]))
        remove(folder / "work" / ".dvc" / "cache")
        remove(folder / "work" / "weights")
        times.setdefault("pull", []).append(_timed([dvc, "--cd", str(folder / "work"), "pull", "-q"]))
    for act, each in times.items():
        report.line(f"  {act}: dvc", merged(each))
    remove(folder)
    remove(place / "dvc-remote")


def _fine_tuned(report: Report, place: Path) -> None:
    """What a push sends after a network was trained on in full."""
    report.title("A push after a full fine-tune in fp32, really trained")
    files = training.made()
    if files is None:
        report.say("left out: torch cannot be installed, and it trains the network")
        return
    folder, remote = place / "tuned", place / "tuned-remote"
    MVC_ITSELF.begin(folder, files[1], NAME)
    MVC_ITSELF.store(folder, "v1")
    command([MVC, "remote", "add", "origin", str(remote)], folder / "work")
    command([MVC, "push"], folder / "work")
    before = below()(remote)
    MVC_ITSELF.change(folder, files[2], NAME)
    MVC_ITSELF.store(folder, "v2")
    report.line("  push", command([MVC, "push"], folder / "work"))
    sent = below()(remote) - before
    report.goal("sent after a full fine-tune", 100 * sent / files[2].stat().st_size, 100 * FINE_TUNED, "% of the file")
    remove(folder)
    remove(remote)


def _many(report: Report, place: Path, rounds: int, versions: int) -> None:
    """A clone of the metadata of many versions, each pushed by itself."""
    report.title(f"{versions:,} versions of 3 files each, pushed one by one to a folder")
    source, to = place / "many" / "work", place / "many" / "to"
    source.mkdir(parents=True)
    rng = random.Random(7)
    _write(source, rng)
    command([MVC, "init", "--model", MODEL], source)
    command([MVC, "add", *(f"{number}.bin" for number in range(3))], source)
    command([MVC, "remote", "add", "origin", str(place / "many" / "remote")], source)
    repository = Repository(source)
    for number in range(versions):
        _write(source, rng)
        actor = Actor(ANA, Timestamp(START + 60 * number, 0))
        made = commit(Model(repository, MODEL), f"Version {number}", actor).id
        assert made is not None
        _push(repository, made, actor)
    times = []
    for _ in range(rounds):
        times.append(_timed([MVC, "clone", "--meta", str(place / "many" / "remote"), str(to)]))
        remove(to)
    report.line("  mvc clone --meta", merged(times))
    report.goal(f"clone --meta of {versions:,} versions", merged(times).median, META_SECONDS, "s")
    shutil.rmtree(place / "many")


def _write(folder: Path, rng: random.Random) -> None:
    for number in range(3):
        (folder / f"{number}.bin").write_bytes(rng.randbytes(2_000))


def _push(repository: Repository, version: VersionId, actor: Actor) -> None:
    with connection.open_remote(repository, "origin") as remote:
        push(Model(repository, MODEL), remote, [RefUpdate(RefName(MODEL, HEADS, "main"), version, "main")], actor)
