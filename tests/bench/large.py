"""Weights of 1 GB: their first commit, a small change, no change, a checkout, beside the other tools."""

from __future__ import annotations

import filecmp
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.measure import Times, command, merged
from tests.bench.peers import ANNEX, COPY, DVC, LFS, MVC, MVC_ITSELF, Peer, borg, present, remove, restic
from tests.bench.report import Report

MEMORY = 400_000_000
NOTHING = 10_000_000
"""What a command may read that reads no weights: Python itself, its libraries and what the store knows of the weights."""
FULL = 1000
"""The megabytes from which on times are held against goals; below, start-up decides them."""
NAME = "model.safetensors"
EVERY = (COPY, MVC_ITSELF, borg("zstd,1"), restic("auto"), DVC, LFS, ANNEX)
FIRST, CHANGED, UNCHANGED, CHECKOUT = "commit", "commit again, 2 % changed", "commit again, unchanged", "checkout"


@dataclass
class Seen:
    """What one tool did: the times of each act, and how large its store was after it."""

    times: dict[str, list[Times]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def did(self, act: str, times: Times, size: int | None = None) -> None:
        """One round of an act."""
        self.times.setdefault(act, []).append(times)
        if size is not None:
            self.sizes[act] = size

    def all_of(self, act: str) -> Times:
        """Every round of an act."""
        return merged(self.times[act])


def large(report: Report, place: Path, rounds: int, megabytes: int, dtype: str) -> None:
    """Commit and checkout of new weights, in turns with the other tools."""
    report.title(f"{megabytes:,} MB of new {dtype} weights (normally distributed, 389 tensors), rounds: {rounds}")
    first, second = place / "first", place / "second"
    make_weights("new", dtype, megabytes, 7, first)
    make_weights("changed", first, 8, second)
    peers, reasons = present(*EVERY)
    for reason in reasons:
        report.say(f"left out: {reason}")
    seen = {peer.name: Seen() for peer in peers}
    for _ in range(rounds):
        for peer in peers:
            _round(peer, place / "peer", (first, second), seen[peer.name])
    first.unlink()
    second.unlink()
    _print(report, seen)
    _goals(report, f"{megabytes:,} MB {dtype}", seen)
    if megabytes >= FULL:
        _goals_of_speed(report, f"{megabytes:,} MB {dtype}", seen)


def make_weights(*words: object) -> None:
    """Let weights.py write a file."""
    script = str(Path(__file__).with_name("weights.py"))
    subprocess.run([sys.executable, script, *map(str, words)], check=True)


def grow_old(folder: Path) -> None:
    """Wait until no file is as young as what remembers it, then let mvc look once."""
    time.sleep(2.1)
    command([MVC, "status"], folder)


def _round(peer: Peer, folder: Path, files: tuple[Path, Path], seen: Seen) -> None:
    peer.begin(folder, files[0], NAME)
    for act, version, file in zip((FIRST, CHANGED), ("v1", "v2"), files, strict=True):
        peer.change(folder, file, NAME)
        times = peer.store(folder, version)
        seen.did(act, times, peer.size(folder))
        seen.did(CHECKOUT, restored(peer, folder, version, file))
    if peer is MVC_ITSELF:
        grow_old(folder / "work")
        seen.did(UNCHANGED, command([MVC, "commit", "--allow-empty", "-m", "unchanged"], folder / "work"))
    remove(folder)


def restored(peer: Peer, folder: Path, version: str, file: Path) -> Times:
    """Bring a version back, which must be that file."""
    times = peer.restore(folder, version)
    if not filecmp.cmp(folder / "work" / "weights" / NAME, file, shallow=False):
        raise SystemExit(f"{peer.name} brought back other bytes of {version}")
    return times


def _print(report: Report, seen: dict[str, Seen]) -> None:
    for act in (FIRST, CHANGED, UNCHANGED, CHECKOUT):
        report.act(act)
        for name, each in seen.items():
            if act in each.times:
                report.line(f"  {name}", each.all_of(act), _note(act, each, seen[COPY.name]))


def _note(act: str, each: Seen, copy: Seen) -> str:
    memory = f"{each.all_of(act).memory / 1e6:5,.0f} MB of memory"
    if act == UNCHANGED:
        return f"            {memory}   read {each.all_of(act).read / 1e6:,.0f} MB"
    stored = f"   store {each.sizes[act] / 1e6:7,.0f} MB" if act in each.sizes else ""
    times = each.all_of(act)
    ratio = f"{times.median / copy.all_of(act).median:5.2f} x cp"
    return f"{ratio}   on disk after {times.until_on_disk:5.2f} s   {memory}{stored}"


def _goals(report: Report, what: str, seen: dict[str, Seen]) -> None:
    ours = seen[MVC_ITSELF.name]
    memory = max(each.memory for rounds in ours.times.values() for each in rounds)
    report.goal(f"{what}: memory", memory / 1e6, MEMORY / 1e6, "MB")
    report.goal(f"{what}: read by an unchanged commit", ours.all_of(UNCHANGED).read / 1e6, NOTHING / 1e6, "MB")


def _goals_of_speed(report: Report, what: str, seen: dict[str, Seen]) -> None:
    """Each contestant's time ends when all is on disk; what it is at the prompt is told too."""
    ours, copy = seen[MVC_ITSELF.name].all_of, seen[COPY.name].all_of
    for act in (FIRST, CHANGED, CHECKOUT):
        best = min(map(sum, zip(copy(act).seconds, copy(act).later, strict=True)))
        report.say(f"      {act}, beside the fastest round of cp: {ours(act).until_on_disk / best:.3g} x")
    for act, most in ((FIRST, 0.45), (CHANGED, 0.6), (CHECKOUT, 0.5)):
        rivals = _rivals(act, seen)
        if not rivals:
            continue
        fastest = min(rivals, key=lambda name: rivals[name].all_of(act).until_on_disk)
        found = ours(act).until_on_disk / rivals[fastest].all_of(act).until_on_disk
        report.goal(f"{what}: {act}, beside {fastest}", found, most, "x")
        first = min(rivals, key=lambda name: rivals[name].all_of(act).median)
        prompt = ours(act).median / rivals[first].all_of(act).median
        report.say(f"      at the prompt, beside {first}: {prompt:.3g} x")


def _rivals(act: str, seen: dict[str, Seen]) -> dict[str, Seen]:
    """Return the other tools; for a checkout those that look at the bytes, as dvc, git-lfs and git-annex do not."""
    others = {name: each for name, each in seen.items() if name not in {MVC_ITSELF.name, COPY.name}}
    return {name: each for name, each in others.items() if act != CHECKOUT or name.startswith(("borg", "restic"))}
