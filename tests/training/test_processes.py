"""Runs in several processes: pickled to others, on other ranks, several of one model at once, and a push of its own."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cloudpickle
import pytest

import mvc
from mvc.training.engine import background
from tests.training.conftest import WEIGHTS, Reports

LIMIT = 10_000
"""Bytes of a pickled run, at most."""


def _fresh(code: str, folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a program in another process."""
    words = [sys.executable, "-c", code, *arguments]
    return subprocess.run(words, cwd=folder, env={**os.environ, **environ}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("library", [pickle, cloudpickle])
def test_a_run_goes_on_in_a_process_that_gets_its_pickle(model: mvc.Model, weights: Path, library: Any) -> None:
    run = mvc.run("helmets", parameters={"lr": 0.1}).begin()
    run.log(epoch=1, m=1)
    before = {os.path.realpath(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")}
    assert not [path for path in before if str(model.folder) in path]
    text = library.dumps(run)
    assert len(text) < LIMIT
    code = """
import pickle, sys
run = pickle.loads(bytes.fromhex(sys.argv[1]))
run.log(epoch=2, m=2)
run.best(sys.argv[2])
assert run.finish() is not None
"""
    done = _fresh(code, model.folder.parent, text.hex(), str(weights))
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("mvc: recorded helmets v2 ")
    version = model["main"]
    assert (version.metrics, version.parameters) == ({"m": 2}, {"lr": 0.1})
    assert version.files["training-log"].read() == b"epoch,step,m\n1,,1\n2,,2\n"


def _worker(run: mvc.Run, results: Any) -> None:
    run.log(epoch=2, m=2)
    results.put(run.active)


def test_a_worker_that_is_spawned_with_a_run_does_not_end_it(model: mvc.Model, weights: Path, reports: Reports) -> None:
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    with mvc.run("helmets") as run:
        run.log(epoch=1, m=1)
        worker = context.Process(target=_worker, args=(run, results))
        worker.start()
        assert results.get(timeout=60)
        worker.join()
        run.best(weights)
    assert [version.number for version in model.log()] == [2, 1]


@pytest.mark.parametrize("variable", ["RANK", "LOCAL_RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK"])
def test_another_rank_than_0_does_nothing(
    model: mvc.Model, weights: Path, reports: Reports, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    with mvc.run("nobody", strict=True, report=reports) as run:
        run.log(epoch=1, m=1)
        assert not run.best("nowhere")
        run.file("x", "nowhere")
        run.set(nonsense=1)
    assert (run.recorded, reports.texts, run.active) == (None, [], False)
    assert not Path("mvc-runs").exists()
    monkeypatch.setenv(variable, "0")
    with mvc.run("helmets", report=reports) as run:
        run.best(weights, m=1)
    assert run.recorded is not None


def test_the_process_group_of_torch_decides_also_when_it_is_gone(
    model: mvc.Model, weights: Path, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = SimpleNamespace(is_available=lambda: True, is_initialized=lambda: True, get_rank=lambda: 1)
    monkeypatch.setitem(sys.modules, "torch.distributed", group)
    with mvc.run("helmets", report=reports) as run:
        run.best(weights, m=1)
        group.is_initialized = lambda: False
    assert (run.recorded, reports.texts) == (None, [])


# --- several at once


def _runs(folder: Path, weights: Path, number: int, rounds: int, start: Barrier) -> None:
    os.chdir(folder)
    for count in range(rounds):
        start.wait(60)
        with mvc.run("helmets", name=f"{number}-{count}", parameters={"number": number}, report=lambda _: None) as run:
            run.log(epoch=count, m=count)
            weights.write_bytes(WEIGHTS + f"{number} {count}".encode())
            run.best(weights, m=count)
        assert run.recorded is not None


def test_four_runs_of_one_model_at_once_lose_nothing(model: mvc.Model, tmp_path: Path, deep: bool) -> None:
    rounds = 200 if deep else 15
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(4)
    paths = [tmp_path / f"{number}.pt" for number in range(4)]
    processes = [
        context.Process(target=_runs, args=(model.folder, path, number, rounds, start))
        for number, path in enumerate(paths)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    versions = list(model.log())
    assert [version.number for version in versions] == list(range(4 * rounds + 1, 0, -1))
    found = {(version.parameters.get("number"), version.metrics.get("m")): version for version in versions[:-1]}
    assert found.keys() == {(number, count) for number in range(4) for count in range(rounds)}
    for (number, count), version in found.items():
        assert version.files["model-latest"].read() == WEIGHTS + f"{number} {count}".encode()
        assert version.files["training-log"].read() == f"epoch,step,m\n{count},,{count}\n".encode()
    assert not mvc.open(model.folder).fsck(read_data=True).findings
    assert not Path("mvc-runs").exists()


# --- push


def test_the_version_is_pushed_in_the_background(
    model: mvc.Model, weights: Path, tmp_path: Path, reports: Reports
) -> None:
    mvc.open().remotes.add("origin", str(tmp_path / "store"))
    with mvc.run("helmets", push="origin", alias="prod", report=reports) as run:
        run.best(weights, m=1)
    assert run.wait(60)
    assert reports.texts[-1] == "pushed main, prod to origin"
    there = mvc.open((tmp_path / "store").as_uri()).model("helmets")
    assert there["main"].id == there["prod"].id == model["main"].id


def test_a_push_that_fails_is_reported_with_the_command_that_pushes_later(
    model: mvc.Model, weights: Path, tmp_path: Path, reports: Reports
) -> None:
    with mvc.run("helmets", push="origin", report=reports) as run:
        run.best(weights, m=1)
    assert run.recorded is not None
    assert run.wait(60)
    assert reports.texts[-1].startswith("the push to origin failed: ")
    command = reports.texts[-1].partition("Push later: ")[2].split()
    mvc.open().remotes.add("origin", str(tmp_path / "store"))
    subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True, cwd="/")
    assert mvc.open((tmp_path / "store").as_uri()).model("helmets")["main"].id == model["main"].id


def test_the_end_of_the_process_does_not_wait_for_a_push_that_hangs(
    model: mvc.Model, weights: Path, monkeypatch: pytest.MonkeyPatch, reports: Reports, tmp_path: Path
) -> None:
    sleeper = tmp_path / "python"
    sleeper.write_text("#!/bin/sh\nexec sleep 600\n")
    sleeper.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(sleeper))
    push = background.BackgroundPush(model.folder, "helmets", "origin", ["main"], reports)
    assert not push.wait(0)
    assert os.getsid(push._child.pid) == push._child.pid  # no signal to the training's terminal reaches it
    assert reports.texts[0].startswith("the push to origin goes on in process ")
    push.stop()
    assert push.wait(60)


# --- the decorator


def test_each_call_of_a_decorated_function_becomes_a_version(model: mvc.Model, weights: Path, reports: Reports) -> None:
    @mvc.versioned("helmets", report=reports)
    def train(lr: float, epochs: int = 100) -> Sequence[Any]:
        return weights, {"m": lr}

    assert train(0.5) == (weights, {"m": 0.5})
    assert (model["main"].parameters, model["main"].metrics) == ({"lr": 0.5, "epochs": 100}, {"m": 0.5})

    @mvc.versioned("helmets", report=reports)
    def more() -> dict[str, Any]:
        return {"path": weights, "metrics": {"m": 2}, "labelmap": ["x"], "about": {"license": "MIT"}}

    more()
    assert (model["main"].labelmap, model["main"].about["license"], model["main"].number) == ({0: "x"}, "MIT", 3)

    @mvc.versioned("helmets", report=reports)
    def wrong() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        wrong()
    assert model["main"].number == 3
