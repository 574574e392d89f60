"""Runs of the benchmark, kept as one JSON line each: when, of which commit, on which machine, and every figure."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def keep(file: Path, machine: str, figures: Mapping[str, float]) -> None:
    """Add a run to `file`."""
    date = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    run = {"date": date, "commit": _commit(), "machine": machine, "figures": figures}
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "a", encoding="utf-8") as opened:
        opened.write(json.dumps(run) + "\n")
    print(f"\nKept in {file}")


def compare(files: Sequence[Path]) -> None:
    """Print every figure of the last two runs of a file, or of the last run of each of two, and their ratio."""
    runs = _runs(files[0])[-2:] if len(files) == 1 else [run for file in files for run in _runs(file)[-1:]]
    if len(runs) != 2:
        raise SystemExit("two runs are compared: the last two of one file, or the last of each of two")
    old, new = runs
    for run in (old, new):
        print(f"{run['date']}  {run['commit']}  {run['machine']}")
    for name, before in old["figures"].items():
        after = new["figures"].get(name)
        if after is not None:
            ratio = f"{after / before:7.2f} x" if before else ""
            print(f"  {before:12,.3f} {after:12,.3f} {ratio:>9}  {name}")


def _runs(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def _commit() -> str:
    """The commit that is checked out, with a `+` where files differ from it."""
    asked = ["git", "describe", "--always", "--abbrev=10", "--exclude=*", "--dirty=+"]
    done = subprocess.run(asked, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
