"""The export of the page: processor time the first time and after one more commit, and the size of the index."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from statistics import median

from tests.bench import repositories
from tests.bench.measure import Times, command, merged
from tests.bench.peers import MVC
from tests.bench.report import Report
from tests.weights import safetensors

FIRST, AGAIN, INDEX = 3.0, 0.3, 1.0
"""Goals: processor seconds of the first export and of one after one more commit, and MB of the index."""
EXPORT = [MVC, "ui", "--export", "../page"]
_TENSORS = 64


def page(report: Report, place: Path, *, quick: bool) -> None:
    """1,000 versions that change values, 1,000 that change their weights, then 5,000."""
    versions = 100 if quick else 1000
    root = place / "site" / "versions"
    root.mkdir(parents=True)
    repositories.with_history(root, versions, _weights(0))
    report.title(f"The page of {versions:,} versions, processor time")
    _exports(report, root)
    changed = place / "weights" / "versions"
    changed.mkdir(parents=True)
    repositories.with_history(changed, versions, _weights(0), _weights)
    report.title(f"The page of {versions:,} versions with weights of their own, processor time")
    _exports(report, changed)
    if quick:
        return
    many = place / "many" / "versions"
    many.mkdir(parents=True)
    repositories.with_history(many, 5000)
    report.title("The page of 5,000 versions")
    _processor(report, "mvc ui --export", _first(many))
    (index,) = (many.parent / "page" / "data" / "models").iterdir()
    report.goal("index of the model", index.stat().st_size / 1e6, INDEX, "MB")


def _exports(report: Report, root: Path) -> None:
    """The first export, and those after one more commit each."""
    report.goal("first export", _processor(report, "mvc ui --export", _first(root)), FIRST, "s")
    again = [_after_a_commit(root, number) for number in range(3)]
    report.goal("export after one more commit", _processor(report, "  again", merged(again)), AGAIN, "s")


def _weights(seed: int) -> bytes:
    rng = random.Random(seed)
    return safetensors({f"layer.{n}.weight": ("F32", (32, 32), rng.randbytes(4096)) for n in range(_TENSORS)})


def _first(root: Path) -> Times:
    shutil.rmtree(root.parent / "page", ignore_errors=True)
    shutil.rmtree(root / ".mvc" / "cache", ignore_errors=True)
    return command(EXPORT, root)


def _after_a_commit(root: Path, number: int) -> Times:
    command([MVC, "set", f"metrics.mAP50=0.5{number}"], root)
    command([MVC, "commit", "-m", "One more"], root)
    return command(EXPORT, root)


def _processor(report: Report, name: str, times: Times) -> float:
    """Print a line; return the median of processor seconds."""
    seconds = median(times.processor)
    report.line(name, times, f"processor {seconds:.2f} s")
    return seconds
