"""Start-up, status of small and of many files, and the log of many versions, beside Git."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from mvc.storage.records import querycache
from tests.bench import repositories
from tests.bench.measure import Times, command, interleaved
from tests.bench.peers import MVC
from tests.bench.report import Report


def small(report: Report, place: Path, *, quick: bool) -> None:
    """All of it; fewer rounds and 100 versions when quick."""
    rounds = 5 if quick else 11
    base = start_up(report, place, 5 if quick else 21)
    many_files(report, place, rounds, base)
    long_log(report, place, rounds, 100 if quick else 1000)
    queries(report, place, 3 if quick else rounds, 1_000 if quick else 10_000)


def contest(report: Report, folder: Path, programs: dict[str, list[str]], rounds: int) -> dict[str, Times]:
    """Run programs in turns and print their times."""
    runs: dict[str, Callable[[], Times]] = {name: partial(command, words, folder) for name, words in programs.items()}
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


def long_log(report: Report, place: Path, rounds: int, versions: int) -> None:
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


def queries(report: Report, place: Path, rounds: int, versions: int) -> None:
    """The best of many versions, and those whose values fulfil an expression: every manifest, then the query cache."""
    many = place / "queries"
    repositories.with_history(many, versions)
    report.title(f"Queries over {versions:,} versions")
    programs = {
        "mvc log --sort": [MVC, "log", "--sort", "metrics.mAP50", "-n", "10"],
        "mvc log --where": [MVC, "log", "--where", "metrics.mAP50 > 0.999 and parameters.epochs > 3"],
    }
    runs: dict[str, Callable[[], Times]] = {}
    for name, words in programs.items():
        runs[f"{name}, cold"] = partial(_without_cache, words, many)
        runs[f"{name}, warm"] = partial(command, words, many)
    for name, times in interleaved(runs, rounds).items():
        report.line(name, times)
        report.goal(name, times.median, 1.0 if name.endswith("cold") else 0.2, "s")


def _without_cache(words: list[str], folder: Path) -> Times:
    """Run a query that writes its cache."""
    shutil.rmtree(folder / ".mvc" / querycache.FOLDER, ignore_errors=True)
    return command(words, folder)
