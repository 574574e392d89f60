"""A download that was stopped or failed at any step is resumed by the same command; no file is ever partial under its name."""

from __future__ import annotations

import errno
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.harness import KILLED, Fail, KillBefore, at_once, command, memory_folder, mvc
from tests.crash.scenarios import side

VERB = ("download", "origin#helmets@v1", "out", "--lock", "mvc.lock")
Files = dict[str, bytes]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder with a remote."""
    with memory_folder(tmp_path) as folder:
        made = folder / "made"
        made.mkdir()
        side(made)
        mvc(made, "remote", "add", "origin", "../origin")
        mvc(made, "push", "origin", "--all", "--tags")
        shutil.rmtree(made)
        yield folder


def _named(place: Path) -> Files:
    """The files with names of their own."""
    out = place / "out"
    inside = [path for path in out.rglob("*") if path.is_file()]
    return {name: path.read_bytes() for path in inside if ".mvc-tmp" not in (name := path.relative_to(out).as_posix())}


def _done(place: Path) -> tuple[Files, bytes, int]:
    """What an uninterrupted download writes, its lock, and its number of steps."""
    outcome = command(place, VERB)
    assert outcome.code == 0, outcome.output
    files, lock = _named(place), (place / "mvc.lock").read_bytes()
    assert sorted(files) == ["model.toml", "notes.txt", "weights/best.onnx"]
    assert {path.name for path in place.iterdir()} == {"origin", "out", "mvc.lock"}
    _clear(place)
    return files, lock, outcome.steps


def _clear(place: Path) -> None:
    shutil.rmtree(place / "out", ignore_errors=True)
    (place / "mvc.lock").unlink(missing_ok=True)


def _check(place: Path, done: tuple[Files, bytes, int], when: str) -> None:
    """What is there has the right bytes, and the same command completes it and leaves nothing else."""
    files, lock, _ = done
    assert _named(place).items() <= files.items(), when
    assert not (place / "mvc.lock").exists() or (place / "mvc.lock").read_bytes() == lock, when
    again = command(place, VERB)
    assert again.code == 0, f"{when}, then repeated: {again.output}"
    assert _named(place) == files, when
    assert (place / "mvc.lock").read_bytes() == lock, when
    assert not list(place.rglob("*.mvc-tmp")), when
    _clear(place)


def test_killed_before_any_step_and_repeated(place: Path, rng: random.Random, *, deep: bool) -> None:
    done = _done(place)
    steps = done[-1]
    for number in range(1, steps + 1) if deep else sorted(rng.sample(range(1, steps + 1), 20)):
        when = f"killed before step {number} of {steps}"
        assert command(place, VERB, KillBefore(number)).code == KILLED, when
        _check(place, done, when)


def test_a_failing_disk_at_any_step_and_repeated(place: Path, rng: random.Random, *, deep: bool) -> None:
    done = _done(place)
    steps = done[-1]
    for number in range(1, steps + 1) if deep else sorted(rng.sample(range(1, steps + 1), 10)):
        when = f"EIO at step {number} of {steps}"
        failed = command(place, VERB, Fail(number, errno.EIO, rng.random() < 0.5))
        assert failed.code in (0, 128), f"{when}: {failed.output}"
        assert "Traceback" not in failed.output, failed.output
        _check(place, done, when)


def test_two_at_once_into_one_folder(place: Path) -> None:
    done = _done(place)
    outcomes = at_once(place, [VERB, VERB, ("download", "origin#helmets@v1", "notes", "out")])
    assert [outcome.code for outcome in outcomes] == [0, 0, 0], outcomes
    _check(place, done, "three at once")
