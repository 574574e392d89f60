"""Power that goes at any moment leaves the previous state or the next one; what a command had said is done stays done."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mvc.porcelain import fsck
from mvc.repository.repository import Repository
from tests.crash import syscalls
from tests.crash.harness import (
    KILLED,
    assert_settings_between,
    assert_sound,
    command,
    finish,
    fresh_copy,
    memory_folder,
    mvc,
    state,
)
from tests.crash.powerloss import Disk, lost
from tests.crash.scenarios import SCENARIOS, SURVEY, Scenario, shared, two_versions
from tests.crash.syscalls import Call

STATES, STATES_DEEP = 51, 4_000
"""How many are looked at, of all commands together."""


def _at_first(root: Path) -> None:
    """Three versions, checked out at the first, which lacks folders of the third."""
    two_versions(root)
    (root / "new" / "deeper").mkdir(parents=True)
    (root / "new" / "deeper" / "log.txt").write_bytes(b"deep")
    mvc(root, "add", "new/deeper/log.txt", "--as", "deep")
    mvc(root, "commit", "-m", "three")
    mvc(root, "switch", "v1")


CLONE = Scenario("clone", shared, ("clone", ".mvc-origin", ".mvc-copy"))
NAMES = (
    "commit with names", "switch", "merge", "pull", "fetch", "gc", "tag", "set", "config", "push", "models rename", "restore from",
    "prune", "stash", "undo",
)  # fmt: skip
VERBS = (
    *(each for each in SCENARIOS if each.name in NAMES),
    Scenario("switch to new folders", _at_first, ("switch", "main")),
    CLONE,
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """With --deep each command is a test of its own, so that they share the cores."""
    if metafunc.config.getoption("--deep"):
        metafunc.parametrize("scenarios", [[each] for each in VERBS], ids=[each.name for each in VERBS])
    else:
        metafunc.parametrize("scenarios", [list(VERBS)], ids=["all"])


@pytest.fixture
def strace(requires: Callable[[str], str]) -> str:
    return requires("strace")


def test_a_loss_of_power_at_any_moment(
    scenarios: Sequence[Scenario], tmp_path: Path, rng: random.Random, strace: str, *, deep: bool
) -> None:
    with memory_folder(tmp_path) as place:
        for scenario in scenarios:
            _sweep(scenario, place, strace, rng, -(-(STATES_DEEP if deep else STATES) // len(VERBS)))


def _sweep(scenario: Scenario, place: Path, strace: str, rng: random.Random, states: int) -> None:
    prepared = _prepared(scenario, place)
    done, calls = _recorded(strace, scenario, prepared, place / "work")
    changes = _changes(prepared, calls)
    for number in range(states):
        cut = None if number % 3 == 0 else rng.randrange(changes + 1)
        _check(scenario, prepared, done, calls, cut, place, rng)


def test_a_loss_of_power_after_a_command_was_killed_and_repeated(
    scenarios: Sequence[Scenario], tmp_path: Path, rng: random.Random, strace: str, *, deep: bool
) -> None:
    """What the first one left without syncing it is synced by the second, which says that it is done."""
    hit = 0
    with memory_folder(tmp_path) as place:
        for scenario in scenarios if deep else rng.sample(scenarios, 2):
            prepared = _prepared(scenario, place)
            done, _ = _recorded(strace, scenario, prepared, place / "work")
            syncs = [number for name, number in syscalls.points(place / "log", place / "work") if name == "fsync"]
            for number in syncs if deep else rng.sample(syncs, 1):
                root = fresh_copy(prepared, place / "work")
                log = place / "log"
                killed = syscalls.run(
                    strace, root, scenario.verb, log=log, inject=f"fsync:signal=SIGKILL:when={number}"
                )
                hit += killed.code == KILLED
                if killed.code != KILLED:
                    continue  # how many there are depends on the clock
                first = list(syscalls.read(log, root))
                again = syscalls.run(strace, root, scenario.verb, log=log)
                if again.code != scenario.code:
                    continue
                every = first + list(syscalls.read(log, root))
                for _ in range(4):
                    _check(scenario, prepared, done, every, None, place, rng)
    assert hit


def _prepared(scenario: Scenario, place: Path) -> Path:
    for name in ("prepared", "work"):
        shutil.rmtree(place / name, ignore_errors=True)
    root = place / "work"
    root.mkdir()
    scenario.prepare(root)
    return fresh_copy(root, place / "prepared")


def _recorded(strace: str, scenario: Scenario, prepared: Path, root: Path) -> tuple[Path, list[Call]]:
    """The folder that an uninterrupted run leaves, and its calls."""
    fresh_copy(prepared, root)
    log = root.parent / "log"
    outcome = syscalls.run(strace, root, scenario.verb, log=log)
    assert outcome.code == scenario.code, outcome.output
    return fresh_copy(root, root.parent / "done"), list(syscalls.read(log, root))


def _changes(prepared: Path, calls: list[Call]) -> int:
    work = prepared.parent / "work"
    disk = Disk(fresh_copy(prepared, work))
    return sum(map(disk.play, calls))


def _check(
    scenario: Scenario, prepared: Path, done: Path, calls: list[Call], cut: int | None, place: Path, rng: random.Random
) -> None:
    """Play the calls on a fresh copy at the place where they were recorded, lose power, and look at what is left."""
    work = fresh_copy(prepared, place / "work")
    left = place / "left"
    shutil.rmtree(left, ignore_errors=True)
    lost(work, calls, cut, left, rng)
    shutil.rmtree(work)
    left.rename(work)  # remotes are named by where they lie
    when = f"{scenario.name}, power lost {'after its end' if cut is None else f'before change {cut}'}"
    if scenario is CLONE:
        _check_clone(work, done, when, ended=cut is None)
        return
    old, new = state(prepared), state(done)
    report = fsck.fsck(Repository(work), read_data=True)
    assert not report.findings, f"{when}: {report.findings}"
    finish(work)
    now = state(work)
    assert_sound(work)
    if cut is None:
        assert now == new, (when, now.names ^ new.names, now.heads ^ new.heads, now.settings == new.settings)
    assert now.names <= old.names | new.names, when
    assert now.heads in (old.heads, new.heads), when
    assert now.files <= old.files | new.files, when
    assert_settings_between(now, old, new, when)
    if scenario.check is not None:
        mvc(work, *SURVEY)
        mvc(work, "fetch")
    if scenario.name == "push" and cut is None:
        mvc(work, "clone", ".mvc-origin", ".mvc-copy")
        assert state(work / ".mvc-copy").files == state(work).files, when
    again = command(work, scenario.verb)
    assert again.code in (scenario.code, *scenario.again), f"{when}, then repeated: {again.output}"
    assert state(work) == new, f"{when}, then repeated"


def _check_clone(work: Path, done: Path, when: str, *, ended: bool) -> None:
    copy, new = work / ".mvc-copy", state(done / ".mvc-copy")
    if ended:
        assert state(copy) == new, when
        assert_sound(copy)
        return
    if not (copy / "model.toml").exists() or (copy / ".mvc" / "clone").exists():
        mvc(work, *CLONE.verb)
    assert state(copy) == new, when
    assert_sound(copy)
