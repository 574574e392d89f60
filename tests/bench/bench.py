"""How fast mvc is and how little it stores, beside other tools, against its goals. Run by `make bench`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.bench import machine, runs
from tests.bench.chain import chain, huge
from tests.bench.deltas import deltas
from tests.bench.growth import growth
from tests.bench.history import history
from tests.bench.large import large
from tests.bench.overhead import overhead
from tests.bench.page import page
from tests.bench.peers import BUILD
from tests.bench.report import Report
from tests.bench.scan import scan
from tests.bench.share import share
from tests.bench.small import small

PARTS = ("small", "training", "history", "large", "chain", "share", "scan", "site")
ALONE = ("growth", "deltas")
"""Parts that run only by `--only`."""


def measure(report: Report, place: Path, asked: argparse.Namespace) -> None:
    """The parts that were asked for."""
    parts = [asked.only] if asked.only else PARTS
    rounds, megabytes = asked.rounds or (1 if asked.quick else 5), 100 if asked.quick else 1000
    if "small" in parts:
        small(report, place, quick=asked.quick)
    if "training" in parts:
        overhead(report, place, 3 if asked.quick else 9)
    if "history" in parts:
        history(report, place, quick=asked.quick)
    for part, run in (("large", large), ("chain", chain)):
        for dtype in ("BF16", "F32"):
            if part in parts:
                run(report, place, rounds, megabytes, dtype)
    if "share" in parts:
        share(report, place, rounds, megabytes, 100 if asked.quick else 1000)
    if "scan" in parts:
        scan(report, place, rounds, megabytes)
    if "site" in parts:
        page(report, place, quick=asked.quick)
    if "deltas" in parts:
        for dtype in ("BF16", "F32"):
            deltas(report, place, rounds, megabytes, dtype, asked.against or "HEAD^")
    if "growth" in parts:
        growth(report, place, rounds, quick=asked.quick, against=asked.against, acts=asked.acts)
    if asked.huge:
        huge(report, place)


def main() -> int:
    """Measure all; 1 when a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds and tools, 100 versions, 100 MB")
    parser.add_argument("--rounds", type=int, help="rounds with large weights (default 5)")
    parser.add_argument("--only", choices=(*PARTS, *ALONE), help="one part of it")
    parser.add_argument(
        "--against", metavar="COMMIT", help="growth, deltas: measure the code of that commit, too, in turns"
    )
    parser.add_argument("--acts", default="", metavar="TEXT", help="growth: only acts whose line has this text")
    parser.add_argument("--huge", action="store_true", help="10 GB too; takes 30 GB of disk")
    parser.add_argument(
        "--keep", type=Path, default=BUILD / "bench.jsonl", metavar="FILE", help="add the figures there"
    )
    parser.add_argument(
        "--compare", nargs="*", metavar="FILE", help="measure nothing; compare the last runs of one file, or of two"
    )
    asked = parser.parse_args()
    if asked.compare is not None:
        runs.compare([Path(each) for each in asked.compare] or [asked.keep])
        return 0
    BUILD.mkdir(exist_ok=True)
    report = Report()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=BUILD) as name:
        place = Path(name)
        described = machine.describe(place)
        print(f"mvc on {described}")
        print("Medians of interleaved rounds; in parentheses the fastest and the slowest.")
        measure(report, place, asked)
    runs.keep(asked.keep, described, report.figures)
    print(f"\nGoals missed: {', '.join(report.failed)}" if report.failed else "\nEvery goal was met.")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
