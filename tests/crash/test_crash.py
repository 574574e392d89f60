"""A command that is stopped, or whose disk fails, at any one of its steps leaves the old state or the new one."""

from __future__ import annotations

import errno
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from mvc.storage import journal
from mvc.storage.door import StoreDoor
from tests.crash.harness import (
    KILLED,
    Fail,
    KillBefore,
    State,
    assert_sound,
    command,
    disk,
    finish,
    fresh_copy,
    memory_folder,
    mvc,
    state,
)
from tests.crash.scenarios import SCENARIOS, Scenario

FATAL = 128
SYNCS = ("fsync", "fsync-folder")


@pytest.fixture(params=SCENARIOS, ids=lambda scenario: scenario.name.replace(" ", "-"))
def scenario(request: pytest.FixtureRequest) -> Scenario:
    chosen: Scenario = request.param
    return chosen


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    with memory_folder(tmp_path) as folder:
        yield folder


@pytest.fixture
def prepared(scenario: Scenario, place: Path) -> Path:
    root = place / "prepared"
    root.mkdir()
    scenario.prepare(root)
    return root


def test_killed_before_any_step(scenario: Scenario, prepared: Path, place: Path) -> None:
    old = state(prepared)
    done = fresh_copy(prepared, place / "work")
    outcome = command(done, scenario.verb)
    assert outcome.code == scenario.code, outcome.output
    new = state(done)
    assert_sound(done)
    seen: set[str] = set()
    for number in range(1, outcome.steps + 1):
        if number > 1 and outcome.names[number - 2] in SYNCS:
            continue  # the step before changed nothing that a kill leaves: only a loss of power could tell
        root = fresh_copy(prepared, place / "work")
        killed = command(root, scenario.verb, KillBefore(number))
        if killed.code == scenario.code and killed.steps < number:
            continue  # files as young as the cache are not cached: how many steps there are depends on the clock
        assert killed.code == KILLED, f"step {number}: {killed}"
        left = disk(root)
        if left not in seen:
            seen.add(left)
            when = f"killed before step {number} of {outcome.steps}"
            _check(root, scenario, old, new, when, at_once=bool(len(seen) % 2))


def _check(root: Path, scenario: Scenario, old: State, new: State, when: str, *, at_once: bool = False) -> None:
    """Check the state, and that of the command repeated: after the journal was rolled forward, or `at_once`."""
    assert_sound(root)
    pending = journal.pending(StoreDoor(root / ".mvc"))
    if pending is not None:
        assert scenario.verb[0] == pending.verb, when
    if pending is not None and not at_once:
        finish(root)
        assert state(root) == new, f"{when}: rolled forward"
    if pending is None or not at_once:
        _assert_between(state(root), old, new, when)
    again = command(root, scenario.verb)
    assert again.code in scenario.again, f"{when}, then repeated: {again.code}\n{again.output}"
    assert state(root) == new, f"{when}, then repeated"
    assert_sound(root)
    if scenario.check is not None:
        mvc(root, *scenario.check)


def _assert_between(now: State, old: State, new: State, when: str) -> None:
    """Old or new, each name of it: several names of one command are set one after the other."""
    assert now.names <= old.names | new.names, when
    assert now.heads in (old.heads, new.heads), when
    assert now.files in (old.files, new.files) or now.files <= old.files | new.files, when
    assert now.settings in (old.settings, new.settings), when


FAILURES = [(code, on) for code in (errno.ENOSPC, errno.EIO) for on in (False, True)]
"""The disk is full, or broken: at one step, or from one step on; one of these at every third step, unless `--deep` asks for all."""


def test_a_failing_disk_at_any_step(
    scenario: Scenario, prepared: Path, place: Path, rng: random.Random, *, deep: bool
) -> None:
    old = state(prepared)
    done = fresh_copy(prepared, place / "work")
    steps = command(done, scenario.verb).steps
    new = state(done)
    seen: set[str] = set()
    for number in range(1, steps + 1) if deep else range(rng.randint(1, 3), steps + 1, 3):
        for code, on in FAILURES if deep else [rng.choice(FAILURES)]:
            root = fresh_copy(prepared, place / "work")
            failed = command(root, scenario.verb, Fail(number, code, on))
            when = f"{errno.errorcode[code]} at step {number} of {steps}{' and after' if on else ''}"
            assert failed.code in (0, 3, FATAL, scenario.code), f"{when}: {failed.code}\n{failed.output}"
            assert "Traceback" not in failed.output, f"{when}\n{failed.output}"
            left = disk(root)
            if left not in seen:
                seen.add(left)
                _check(root, scenario, old, new, when)
