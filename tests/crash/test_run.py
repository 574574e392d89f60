"""`mvc run`, killed: the command goes on, the store is sound, and what was not recorded is recorded afterwards."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import mvc
from tests.crash.harness import ENVIRONMENT, KILLED, KillBefore, assert_sound, command, fresh_copy, memory_folder
from tests.crash.scenarios import two_versions

KILLS = 6
VERB = ("run", "--name", "7", "--", "cp", "weights/best.onnx", "weights/last.onnx")


def _versions(root: Path) -> int:
    return len(mvc.open(root).model("helmets").log(all_refs=True))


def test_killed_while_it_records(tmp_path: Path, rng: random.Random, *, deep: bool) -> None:
    with memory_folder(tmp_path) as place:
        prepared = place / "prepared"
        prepared.mkdir()
        two_versions(prepared)
        steps = command(fresh_copy(prepared, place / "work"), VERB).steps
        every = range(1, steps + 1)
        for number in every if deep else sorted(rng.sample(every, min(steps, KILLS))):
            root = fresh_copy(prepared, place / "work")
            assert command(root, VERB, KillBefore(number)).code == KILLED
            when = f"killed before step {number} of {steps}"
            assert (root / "weights/last.onnx").read_bytes() == (root / "weights/best.onnx").read_bytes(), when
            assert_sound(root)
            requests = [
                os.fspath(path) for path in root.glob("mvc-runs/7/*.json") if path.read_bytes().endswith(b"}\n")
            ]
            later = ("record", "--resume", *requests) if requests else ("record", "-m", "again", "--run", "weights")
            done = command(root, later)
            assert done.code == 0, f"{when}: {done.output}"
            assert _versions(root) == 3 or not requests, when
            assert_sound(root)


def test_the_command_goes_on_when_mvc_is_killed(tmp_path: Path) -> None:
    two_versions(tmp_path)
    script = "import pathlib, sys; print('on', flush=True); sys.stdin.readline(); pathlib.Path('weights/last.onnx').write_bytes(b'new'); print('done')"
    wrapper = subprocess.Popen(
        [sys.executable, "-m", "mvc", "run", "--", sys.executable, "-c", script], cwd=tmp_path,
        env=os.environ | ENVIRONMENT | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert wrapper.stdin is not None
    assert wrapper.stdout is not None
    assert wrapper.stdout.readline() == "on\n"
    wrapper.kill()
    assert wrapper.wait() == -signal.SIGKILL
    assert wrapper.communicate("go\n")[0] == "done\n"
    assert _versions(tmp_path) == 2
    assert (
        command(
            tmp_path, ("record", "-m", "three", "--run", "weights", "--file", "model-latest=weights/last.onnx")
        ).code
        == 0
    )
    assert mvc.open(tmp_path).model("helmets").head is not None
    assert _versions(tmp_path) == 3
    assert_sound(tmp_path)
