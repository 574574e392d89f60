"""`mvc show --curve`: a metric over a training, drawn for the terminal, the locale and other programs."""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

import mvc
from mvc import errors
from mvc.cli.output import plot
from tests.cli.shell import Shell
from tests.intake import runs

LOG = "epoch,step,loss,mAP50\n" + "".join(f"{n},{n * 10},{1 / n},{n / 100}\n" for n in range(1, 101))


@pytest.fixture
def trained(empty: Shell) -> Shell:
    """A version with a training log."""
    empty.write("log.csv", LOG.encode())
    empty.write("w.pt", b"weights")
    empty.ok("record", "-m", "x", "--file", "training-log=log.csv", "--file", "model-latest=w.pt")
    return empty


def test_a_metric_is_drawn(trained: Shell) -> None:
    lines = trained.ok("show", "--curve", "metrics.mAP50").lines
    assert lines[0] == "helmets v1 mAP50: 100 points, best 1 at epoch 100"
    assert lines[1].startswith("    1 ┤")
    assert lines[1].endswith("⡠⠤⠒⠊")
    assert lines[plot.HEIGHT].startswith(" 0.01 ┤⡠⠤⠒")
    assert lines[-1].split() == ["1", "epoch", "100"]
    assert {len(line) <= plot.WIDTH for line in lines} == {True}
    assert "best 0.01 at epoch 100" in trained.ok("show", "v1", "--curve", "loss").lines[0]


def test_other_programs_get_the_points(trained: Shell) -> None:
    found = trained.ok("show", "--curve", "mAP50", "--json").json
    assert (found["metric"], found["axis"], found["role"]) == ("mAP50", "epoch", "training-log")
    assert found["points"][1] == {"x": 2, "y": 0.02}
    assert found["best"] == {"x": 100, "y": 1.0}


def test_from_python(trained: Shell) -> None:
    curve = mvc.open(trained.folder).model("helmets")["HEAD"].curve("mAP50")
    assert [(point.x, point.y) for point in curve.points][:2] == [(1, 0.01), (2, 0.02)]
    with pytest.raises(errors.NoCurve, match="loss, mAP50"):
        mvc.open(trained.folder).model("helmets")["HEAD"].curve("mAP")


def test_an_ascii_locale_gets_ascii(trained: Shell) -> None:
    source = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2]), "LC_ALL": "C"}
    command = [sys.executable, "-m", "mvc", "show", "--curve", "mAP50"]
    said = subprocess.run(command, cwd=trained.folder, env=source, capture_output=True, check=True).stdout.decode(
        "ascii"
    )
    assert "\\" not in said
    assert said.splitlines()[1].rstrip().endswith("*")


def test_the_log_of_a_trainer_is_read_and_a_training_log_is_preferred(trained: Shell) -> None:
    runs.ultralytics(trained.folder / "exp1")
    trained.ok("record", "-m", "x", "--run", "exp1", "--branch", "runs")
    assert (
        "metrics/mAP50-95(B): 3 points, best 0.58 at epoch 2" in trained.ok("show", "runs", "--curve", "mAP50-95").out
    )
    trained.ok("record", "-m", "x", "--run", "exp1", "--file", "training-log=log.csv", "--branch", "runs")
    assert "mAP50: 100 points" in trained.ok("show", "runs", "--curve", "mAP50").out
    assert "3 points" in trained.ok("show", "runs", "--curve", "mAP50-95").out  # only the other file has it


def test_a_version_without_the_curve_is_answered(trained: Shell) -> None:
    said = trained("show", "--curve", "nope")
    assert (said.code, "log.csv has loss, mAP50" in said.err) == (2, True)
    trained.ok("record", "-m", "x", "--file", "model-latest=w.pt", "--branch", "other")
    assert "has no training log" in trained("show", "other", "--curve", "loss").err
    trained.write("bad.csv", b"a,a\x1b[31m\n")
    trained.ok("record", "-m", "x", "--file", "training-log=bad.csv", "--branch", "bad")
    said = trained("show", "bad", "--curve", "loss")
    assert (said.code, "\x1b" in said.err, "Traceback" in said.err) == (2, False, False)


def test_a_partial_clone_fetches_the_log(trained: Shell) -> None:
    trained.write("log.csv", LOG.encode() + b"# " * 20_000)
    trained.ok("record", "-m", "x", "--file", "training-log=log.csv", "--set", "metrics.a=1")
    trained.ok("remote", "add", "origin", "../origin")
    trained.ok("push", "origin", "main")
    trained.ok("clone", "--meta", "../origin", "../copy")
    copy = mvc.open(trained.folder.parent / "copy").model("helmets")
    assert len(copy["v1"].curve("loss").points) == 100


# --- drawing


@pytest.mark.parametrize("columns", [20, 60, 200])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_any_points_fit_any_width(rng: random.Random, columns: int, ascii_only: bool) -> None:
    for points in (
        [(1.0, 1.0)],
        [(1.0, 0.0), (2.0, 0.0)],
        [(0.0, -1.7e308), (1.0, 1.7e308)],
        [(1.0, 5e-324), (1.0, 0.0)],
        [(float(n), rng.gauss(0, 1)) for n in range(3_000)],
        [(rng.random() * 1e9, math.exp(rng.gauss(0, 40))) for _ in range(500)],
    ):
        rows = list(plot.plot(points, "epoch", columns=columns, ascii_only=ascii_only))
        assert len(rows) == plot.HEIGHT + 2
        assert max(map(len, rows)) <= max(columns, 12 + 14)
        assert any(set(row) & ({"*"} if ascii_only else set(map(chr, range(0x2801, 0x2900)))) for row in rows[:-2])


def test_nothing_is_drawn_without_points() -> None:
    assert list(plot.plot([], "epoch")) == []
