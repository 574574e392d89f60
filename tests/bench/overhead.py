"""What mvc takes of a training: the processor time of `mvc.run` beside 100 epochs of 5 seconds, which are not waited for.

    overhead.py WEIGHTS       trains nothing, gives WEIGHTS to a run each fourth epoch, and prints its seconds as JSON

Run by the benchmark as a process of its own, so that loading mvc counts.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.bench.measure import ENVIRONMENT, command
from tests.bench.peers import MVC
from tests.bench.report import Report
from tests.bench.weights import SPREAD, Tensor, encoded, header

EPOCHS, SECONDS = 100, 5.0
"""The training beside which the share is computed."""
SHARE, END = 2.0, 0.3
"""Per cent of the training, and seconds at its end, at most."""
METRICS = ("loss", "precision", "recall", "mAP50", "mAP50-95")


def overhead(report: Report, place: Path, rounds: int) -> None:
    """The share of a training, and the end of it with 26 MB of weights, of which all moved since the version before."""
    report.title(f"A training of {EPOCHS} epochs of {SECONDS:.0f} s with mvc.run, processor time")
    folder = place / "training"
    folder.mkdir()
    weights = [folder / f"{number}.safetensors" for number in range(rounds + 2)]
    make(weights)
    for words in ("init --model helmets", f"add {weights[0].name} --as model-latest", "commit -m 1"):
        command([MVC, *words.split()], folder)
    figures = [_figures(path, folder) for path in weights[1:]][1:]  # the first one compiles
    for name in figures[0]:
        report.say(f"{name:34} {1000 * statistics.median(each[name] for each in figures):7.0f} ms")
    total = statistics.median(sum(each.values()) for each in figures)
    report.goal("mvc's share of the training", 100 * total / (EPOCHS * SECONDS), SHARE, "%")
    report.goal("its end, 26 MB", statistics.median(each["end"] for each in figures), END, "s")


def make(files: Sequence[Path]) -> None:
    """Write weights of 26 MB in 52 tensors; in each file every weight moved since the one before, by 1 % of the spread."""
    rng = np.random.default_rng(1)
    tensors: list[Tensor] = [(f"model.{number}.conv.weight", (256, 488)) for number in range(52)]
    values = rng.standard_normal(52 * 256 * 488, dtype=np.float32) * SPREAD
    for file in files:
        file.write_bytes(header(tensors, "F32") + encoded(values, "F32"))
        values += rng.standard_normal(len(values), dtype=np.float32) * SPREAD / 100


def _figures(weights: Path, folder: Path) -> dict[str, float]:
    words = [sys.executable, __file__, os.fspath(weights)]
    done = subprocess.run(words, cwd=folder, env=ENVIRONMENT, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def _used() -> float:
    """Seconds of the processor, also in programs that ended."""
    return sum(os.times()[:4])


def train(weights: str) -> dict[str, float]:
    """Run a training without the training; return the seconds of each part."""
    marks = [_used()]
    import mvc  # noqa: PLC0415 - its loading is measured

    run = mvc.run("helmets", parameters={"lr": 0.1, "epochs": EPOCHS}, report=lambda _: None).begin()
    marks.append(_used())
    for epoch in range(EPOCHS):
        run.log(dict.fromkeys(METRICS, epoch / 7), epoch=epoch, step=epoch * 1000)
        if epoch % 4 == 0:
            run.best(weights)
    marks.append(_used())
    assert run.finish() is not None
    marks.append(_used())
    return dict(zip(("start", f"{EPOCHS} epochs", "end"), (b - a for a, b in itertools.pairwise(marks)), strict=True))


if __name__ == "__main__":
    print(json.dumps(train(sys.argv[1])))
