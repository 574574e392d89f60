"""A command that is stopped, or whose disk fails, at any one of its steps leaves the old state or the new one."""

from __future__ import annotations

import errno
import itertools
import random
import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mvc.storage.chunks.encodings import BLOCKS, DIFFERENCE
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records import journal
from tests.crash.harness import (
    KILLED,
    ORIGIN,
    Fail,
    KillBefore,
    Record,
    Repeat,
    State,
    assert_settings_between,
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
from tests.required import encodings_of

FATAL = 128


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


KILLS = 3
"""How many of the states that a kill may leave are looked at, drawn anew each time, unless `--deep` asks for all."""


REMOVED = "unlink-journal"


def test_killed_before_any_step(
    scenario: Scenario, prepared: Path, place: Path, rng: random.Random, *, deep: bool
) -> None:
    old = state(prepared)
    work, killed = place / "work", place / "killed"
    killed.mkdir()
    outcome = command(fresh_copy(prepared, work), scenario.verb, Record(str(killed)))
    assert outcome.code == scenario.code, outcome.output
    checks = Checks(scenario, old, state(work))
    checks.sound(work)
    states = {int(path.name): path for path in killed.iterdir()}
    for number in sorted(states) if deep else _some(states.keys(), outcome.names, rng):
        shutil.rmtree(work)
        when = f"killed before step {number} of {outcome.steps}, {outcome.names[number - 1]}"
        checks.check(states[number].rename(work), when, at_once=rng.random() < 0.5)
    number = rng.randint(1, outcome.steps)
    killed_here = command(fresh_copy(prepared, work), scenario.verb, KillBefore(number))
    if (
        killed_here.code == KILLED
    ):  # files as young as the cache are not cached: how many steps there are depends on the clock
        checks.check(work, f"killed before step {number} of {outcome.steps}, really", at_once=True)


def _some(numbers: Collection[int], names: Sequence[str], rng: random.Random) -> list[int]:
    """Draw some steps by their numbers: each kind of step in turn, so that one of which there are few is not left out.

    What is left once the journal was removed is always among them, as nothing repairs it.
    """
    kinds: dict[str, list[int]] = {}
    for number in rng.sample(sorted(numbers), len(numbers)):
        kinds.setdefault(names[number - 1], []).append(number)
    turns = (number for turn in itertools.zip_longest(*kinds.values()) for number in turn if number is not None)
    without = [number for number in numbers if number > 1 and names[number - 2] == REMOVED][:1]
    return sorted({*without, *itertools.islice(turns, KILLS - len(without))})


class Checks:
    """What must hold of a repository in which one command was interrupted, from the states before and after it."""

    def __init__(self, scenario: Scenario, old: State, new: State) -> None:
        self._scenario, self._old, self._new = scenario, old, new
        self._sound: set[str] = set()

    def check(self, root: Path, when: str, *, at_once: bool = False) -> None:
        """Check the state, and that of the command repeated: after the journal was rolled forward, or `at_once`."""
        scenario, new = self._scenario, self._new
        self.sound(root)
        pending = journal.pending(StoreDoor(root / ".mvc"))
        if pending is not None:
            assert scenario.verb[0] == pending.verb, when
        if pending is not None and not at_once:
            finish(root)
            assert _rolled_forward(state(root), scenario) == _rolled_forward(new, scenario), f"{when}: rolled forward"
        if pending is None or not at_once:
            _assert_between(state(root), self._old, new, when)
        again = command(root, scenario.verb, Repeat())
        assert again.code in scenario.again, f"{when}, then repeated: {again.code}\n{again.output}"
        assert state(root) == new, f"{when}, then repeated"
        self.sound(root, scenario.check)

    def sound(self, root: Path, survey: tuple[str, ...] | None = None) -> None:
        """Check every byte and the remote, unless a disk that was found sound has the same bytes."""
        left = disk(root, leftovers=False)
        if left not in self._sound:
            assert_sound(root)
            if survey is not None:
                mvc(root, *survey)
            self._sound.add(left)


@pytest.mark.parametrize("name", ["commit of tuned weights", "gc", "prune", "prune --remote"])
def test_the_sweeps_write_the_newest_encodings(name: str, place: Path) -> None:
    (scenario,) = (each for each in SCENARIOS if each.name == name)
    scenario.prepare(place)
    folder = place / (ORIGIN if "--remote" in scenario.verb else ".mvc")
    before = encodings_of(folder)
    mvc(place, *scenario.verb)
    after = encodings_of(folder)
    assert {encoding for pack in after.keys() - before.keys() for encoding in after[pack]} >= {DIFFERENCE, BLOCKS}


def _rolled_forward(now: State, scenario: Scenario) -> State:
    """What a roll forward completes: all of it; of a push that rebases, what is here, since it goes to the remote later.

    Of a stash, the files: it is dropped later, and then no longer required in the settings.
    """
    if scenario.verb[0] == "stash":
        return replace(now, settings=b"")
    if scenario.verb[0] != "push":
        return now
    return replace(now, names=frozenset(name for name in now.names if not name[1].startswith("remotes/")))


def _assert_between(now: State, old: State, new: State, when: str) -> None:
    """Old or new, each name of it: several names of one command are set one after the other."""
    assert now.names <= old.names | new.names, when
    assert now.heads in (old.heads, new.heads), when
    assert now.files in (old.files, new.files) or now.files <= old.files | new.files, when
    assert_settings_between(now, old, new, when)


FAILURES = [(code, on) for code in (errno.ENOSPC, errno.EIO) for on in (False, True)]
"""The disk is full, or broken: at one step, or from one step on."""
FAILED_STEPS = 2
"""How many steps of a command fail, drawn anew each time and each with one of these, unless `--deep` asks for all."""


def test_a_failing_disk_at_any_step(
    scenario: Scenario, prepared: Path, place: Path, rng: random.Random, *, deep: bool
) -> None:
    old = state(prepared)
    done = fresh_copy(prepared, place / "work")
    steps = command(done, scenario.verb).steps
    checks = Checks(scenario, old, state(done))
    seen: set[str] = set()
    every = range(1, steps + 1)
    for number in every if deep else rng.sample(every, min(steps, FAILED_STEPS)):
        for code, on in FAILURES if deep else [rng.choice(FAILURES)]:
            root = fresh_copy(prepared, place / "work")
            failed = command(root, scenario.verb, Fail(number, code, on))
            when = f"{errno.errorcode[code]} at step {number} of {steps}{' and after' if on else ''}"
            assert failed.code in (0, 3, FATAL, scenario.code), f"{when}: {failed.code}\n{failed.output}"
            assert "Traceback" not in failed.output, f"{when}\n{failed.output}"
            left = disk(root)
            if left not in seen:
                seen.add(left)
                checks.check(root, when)
