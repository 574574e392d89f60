"""Versions in which every weight moved, by this code and by that of an earlier commit, in turns."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

from tests.bench.growth import NOW, TOP, Code, checked_out
from tests.bench.large import FULL, NAME, make_weights
from tests.bench.measure import Times, command, have_memory_at_hand, merged
from tests.bench.peers import remove
from tests.bench.report import Report

VERSIONS = 4
FIRST, ON_WHOLE, ON_DELTA, END = "first commit", "fine-tune", "fine-tune on a delta", "checkout at the end of the chain"
GOALS = {("BF16", ON_DELTA): 0.82, ("F32", ON_DELTA): 0.93, ("BF16", END): 0.78, ("F32", END): 0.78}
"""The largest ratio of the seconds to those of the commit before deltas were plain differences."""


def deltas(report: Report, place: Path, rounds: int, megabytes: int, dtype: str, against: str) -> None:
    """Commit and check out versions with both codes; their order turns with each round."""
    report.title(f"{VERSIONS} versions of {megabytes:,} MB {dtype}, every weight moved, now and at {against}")
    files = _weights(place / "files", megabytes, dtype)
    codes = [Code(NOW, TOP), checked_out(against, place / "code")]
    times: dict[tuple[str, str], list[Times]] = {}
    for number in range(rounds):
        for code in codes if number % 2 else reversed(codes):
            for act, each in _round(code, place / "round", files):
                times.setdefault((act, code.name), []).append(each)
    for act in (FIRST, ON_WHOLE, ON_DELTA, END):
        report.act(act)
        now, before = (merged(times[act, code.name]) for code in codes)
        for code, each in zip(codes, (now, before), strict=True):
            report.line(f"  {code.name}", each, f"processor {median(each.processor):5.2f} s")
        ratio = now.until_on_disk / before.until_on_disk
        report.ratio("  ratio", ratio, median(now.processor) / median(before.processor))
        if megabytes >= FULL and (dtype, act) in GOALS:
            report.goal(f"{dtype} {act}, beside {against}", ratio, GOALS[dtype, act], "x")
    for made in ("files", "code", "round"):
        remove(place / made)


def _weights(folder: Path, megabytes: int, dtype: str) -> list[Path]:
    folder.mkdir()
    files = [folder / f"v{number + 1}" for number in range(VERSIONS)]
    make_weights("new", dtype, megabytes, 11, files[0])
    for number in range(1, VERSIONS):
        make_weights("moved", files[number - 1], 11 + number, files[number])
    return files


def _round(code: Code, place: Path, files: list[Path]) -> Iterator[tuple[str, Times]]:
    """Yield each act of a new repository, and its times; the sizes of both stores are compared by the part `chain`."""
    remove(place)
    work = place / "work"
    work.mkdir(parents=True)
    code.run(work, "init", "--model", "m")
    for number, file in enumerate(files):
        shutil.copyfile(file, work / NAME)
        if not number:
            code.run(work, "add", NAME)
        times = _settled(code, work, "commit", "-m", file.name)
        yield (FIRST, ON_WHOLE, ON_DELTA, ON_DELTA)[number], times
    (work / NAME).unlink()
    yield END, _settled(code, work, "restore", ".")
    if subprocess.run(["cmp", "--silent", str(files[-1]), str(work / NAME)], check=False).returncode:
        raise AssertionError(f"{code.name} restored other bytes")


def _settled(code: Code, folder: Path, *arguments: str) -> Times:
    """Run a verb until all that it wrote is on disk."""
    command(["sync"], folder)
    have_memory_at_hand()
    times = code.run(folder, *arguments)
    return replace(times, later=command(["sync"], folder).seconds)
