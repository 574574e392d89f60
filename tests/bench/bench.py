"""How fast mvc is, beside other tools on the same files, against its goals. Run by `make bench`."""

from __future__ import annotations

import argparse
import filecmp
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import machine, repositories
from tests.bench.measure import Times, command, interleaved
from tests.bench.peers import BUILD, COPY, MVC, MVC_ITSELF, OTHERS, Peer

MEMORY = 400_000_000


@dataclass
class Report:
    """What was printed, and whether the goals held."""

    failed: list[str] = field(default_factory=list)

    def title(self, text: str) -> None:
        """Begin a section."""
        print(f"\n{text}", flush=True)

    def line(self, name: str, times: Times, note: str = "") -> None:
        """One contestant's figures."""
        print(f"  {name:34} {times!s:34} {note}".rstrip(), flush=True)

    def goal(self, name: str, found: float, most: float, unit: str) -> None:
        """Hold a figure against its goal."""
        held = found <= most
        print(f"  {'PASS' if held else 'FAIL'}  {name}: {found:.0f} {unit}, goal {most:.0f} {unit}", flush=True)
        if not held:
            self.failed.append(name)


def contest(report: Report, folder: Path, programs: dict[str, list[str]], rounds: int) -> dict[str, Times]:
    """Run programs in turns and print their times."""
    runs: dict[str, Callable[[], float]] = {}
    for name, words in programs.items():
        runs[name] = lambda words=words: command(words, folder)  # type: ignore[misc]
    results = interleaved(runs, rounds)
    for name, times in results.items():
        report.line(name, times)
    return results


def start_up(report: Report, place: Path, rounds: int) -> float:
    """Start-up and a small repository; returns the milliseconds of `mvc status` there."""
    small = place / "small"
    repositories.with_files(small, 10)
    report.title("Start-up, and status of a small repository (10 files)")
    programs = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "mvc --version": [MVC, "--version"],
        "mvc status": [MVC, "status"],
        "git status": ["git", "status"],
    }
    _grow_old(small)
    results = contest(report, small, programs, rounds)
    report.goal("mvc --version", 1000 * results["mvc --version"].median, 80, "ms")
    report.goal("mvc status", 1000 * results["mvc status"].median, 120, "ms")
    return 1000 * results["mvc status"].median


def many_files(report: Report, place: Path, rounds: int, base: float) -> None:
    """Status of 10,000 untouched files."""
    many = place / "many"
    repositories.with_files(many, 10_000)
    report.title("Status of 10,000 untouched files")
    _grow_old(many)
    results = contest(report, many, {"mvc status": [MVC, "status"], "git status": ["git", "status"]}, rounds)
    report.goal("status beyond start-up", 1000 * results["mvc status"].median - base, 150, "ms")


def _grow_old(folder: Path) -> None:
    """Wait until no file is as young as what remembers it, then let both tools look once."""
    time.sleep(2.1)
    for words in ([MVC, "status"], ["git", "status"]):
        command(words, folder)


def history(report: Report, place: Path, rounds: int, versions: int) -> None:
    """Log of many versions, without classes and with 1,200."""
    for classes in (0, 1200):
        long = place / f"history-{classes}"
        repositories.with_versions(long, versions, classes)
        report.title(f"Log of {versions:,} versions with {classes:,} classes each")
        programs = {
            "mvc log": [MVC, "log"],
            "git log": ["git", "log"],
            "mvc log --oneline -n 20": [MVC, "log", "--oneline", "-n", "20"],
            "git log --oneline -n 20": ["git", "log", "--oneline", "-n", "20"],
        }
        results = contest(report, long, programs, rounds)
        report.goal(f"mvc log, {classes:,} classes", 1000 * results["mvc log"].median, 250, "ms")
        short = results["mvc log --oneline -n 20"]
        report.goal(f"mvc log --oneline -n 20, {classes:,} classes", 1000 * short.median, 150, "ms")


def large_files(report: Report, place: Path, rounds: int, megabytes: int) -> None:
    """Commit and checkout of new weights, in turns with the other tools."""
    report.title(f"{megabytes:,} MB of new bf16 weights (normally distributed), {rounds} rounds")
    first, second = place / "first", place / "second"
    if not _make_weights(megabytes, first, second):
        print("  left out: numpy cannot be installed, and it makes the weights")
        return
    present = [COPY, MVC_ITSELF, *(peer for peer in OTHERS if peer.absent() is None)]
    for peer in OTHERS:
        if absent := peer.absent():
            print(f"  left out: {absent}")
    results: dict[tuple[str, str], list[Times]] = {}
    sizes: dict[str, tuple[int, int]] = {}
    for _ in range(rounds):
        for peer in present:
            sizes[peer.name] = _one_round(peer, place / "peer", first, second, results)
    _print_large(report, [peer.name for peer in present], results, sizes)


def _one_round(
    peer: Peer, folder: Path, first: Path, second: Path, results: dict[tuple[str, str], list[Times]]
) -> tuple[int, int]:
    peer.begin(folder, first)
    results.setdefault(("commit", peer.name), []).append(peer.store(folder))
    once = peer.size(folder)
    results.setdefault(("checkout", peer.name), []).append(peer.restore(folder))
    if not filecmp.cmp(folder / "work" / "weights", first, shallow=False):
        raise SystemExit(f"{peer.name} brought back other bytes")
    peer.change(folder, second)
    results.setdefault(("commit again, 2 % changed", peer.name), []).append(peer.store(folder))
    twice = peer.size(folder)
    shutil.rmtree(folder)
    return once, twice


def _print_large(
    report: Report, names: list[str], results: dict[tuple[str, str], list[Times]], sizes: dict[str, tuple[int, int]]
) -> None:
    for act in ("commit", "checkout", "commit again, 2 % changed"):
        merged = {name: _merge(results[act, name]) for name in names}
        print(f"  {act}")
        for name, times in merged.items():
            ratio = f"{times.median / merged[COPY.name].median:5.2f} x cp"
            stored = "" if act == "checkout" else f"   store {sizes[name][act != 'commit'] / 1e6:7,.0f} MB"
            report.line(f"  {name}", times, f"{ratio}   {(times.memory or 0) / 1e6:5,.0f} MB of memory{stored}")
    memory = max(times.memory or 0 for (_, name), all_ in results.items() if name == "mvc" for times in all_)
    report.goal("memory of mvc", memory / 1e6, MEMORY / 1e6, "MB")


def _merge(rounds: Iterable[Times]) -> Times:
    every = list(rounds)
    return Times(tuple(seconds for times in every for seconds in times.seconds), max(t.memory or 0 for t in every))


def _make_weights(megabytes: int, first: Path, second: Path) -> bool:
    python = BUILD / "numpy" / "bin" / "python"
    if not python.exists():
        venv.create(python.parents[1], with_pip=True)
    installed = subprocess.run([str(python), "-m", "pip", "install", "-qq", "numpy"], check=False)
    if installed.returncode != 0:
        return False
    words = [str(python), str(Path(__file__).with_name("weights.py")), str(megabytes), "7", str(first), str(second)]
    subprocess.run(words, check=True)
    return True


def main() -> int:
    """Measure all; 1 when a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds, 100 versions, 100 MB")
    parser.add_argument("--rounds", type=int, help="rounds with large weights (default 5)")
    parser.add_argument("--only", choices=("small", "large"), help="one half of it")
    asked = parser.parse_args()
    BUILD.mkdir(exist_ok=True)
    report = Report()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=BUILD) as name:
        place = Path(name)
        print(f"mvc on {machine.describe(place)}")
        print("Medians of interleaved rounds; in parentheses the fastest and the slowest.")
        if asked.only != "large":
            base = start_up(report, place, 5 if asked.quick else 21)
            many_files(report, place, 5 if asked.quick else 11, base)
            history(report, place, 5 if asked.quick else 11, 100 if asked.quick else 1000)
        if asked.only != "small":
            large_files(report, place, asked.rounds or (1 if asked.quick else 5), 100 if asked.quick else 1000)
    print(f"\nGoals missed: {', '.join(report.failed)}" if report.failed else "\nEvery goal was met.")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
