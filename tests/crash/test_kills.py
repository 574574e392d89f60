"""Real kills and errors at real system calls, from outside the door: then the same command again, and all is done."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mvc.porcelain import fsck
from mvc.repository.repository import Repository
from tests.crash import syscalls
from tests.crash.harness import KILLED, assert_sound, command, fresh_copy, memory_folder, state
from tests.crash.scenarios import SCENARIOS, Scenario

POINTS, SCENARIOS_AT_ONCE = 20, 4
ACTIONS = ("signal=SIGKILL", "error=EIO", "error=ENOSPC")
TOLD = (2, 3, 10, 11, 12, 13, 14, 15, 16, 128)
"""Exit codes with which a command may say that the disk failed it."""


@pytest.fixture
def strace(requires: Callable[[str], str]) -> str:
    return requires("strace")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """With --deep each scenario is a test of its own, so that they share the cores."""
    if metafunc.config.getoption("--deep"):
        metafunc.parametrize("scenarios", [[each] for each in SCENARIOS], ids=[each.name for each in SCENARIOS])
    else:
        metafunc.parametrize("scenarios", [SCENARIOS], ids=["some of each"])


def test_killed_or_failed_at_any_system_call_and_repeated(
    scenarios: Sequence[Scenario],
    tmp_path: Path,
    rng: random.Random,
    strace: str,
    record_property: Callable[[str, object], None],
    *,
    deep: bool,
) -> None:
    hit = points = 0
    with memory_folder(tmp_path) as place:
        for scenario in scenarios if deep else rng.sample(scenarios, SCENARIOS_AT_ONCE):
            here = _sweep(scenario, place, strace, rng, None if deep else POINTS // SCENARIOS_AT_ONCE)
            hit, points = hit + sum(here), points + len(here)
    record_property("points", points)
    record_property("hit", hit)
    assert hit > points // 4  # the others did not come to the call this time: a cache, or the clock


def _sweep(scenario: Scenario, place: Path, strace: str, rng: random.Random, most: int | None) -> list[bool]:
    """Tamper with calls of one command; which of them were hit."""
    prepared = place / "prepared"
    fresh_copy(_nothing(place), prepared)
    scenario.prepare(prepared)
    root, log = fresh_copy(prepared, place / "work"), place / "log"
    outcome = syscalls.run(strace, root, scenario.verb, log=log, calls=syscalls.TAMPERED)
    assert outcome.code == scenario.code, outcome.output
    done = fresh_copy(root, place / "done")
    points = syscalls.points(log, root)
    by_name = {name: [point for point in points if point[0] == name] for name, _ in points}
    if most is not None:  # each call in turn, so that one of which there are few is not left out
        points = [rng.choice(by_name[name]) for name in rng.choices(sorted(by_name), k=most)]
    return [_try(scenario, place, strace, rng, prepared, done, point) for point in points]


def _nothing(place: Path) -> Path:
    (place / "nothing").mkdir(exist_ok=True)
    return place / "nothing"


def _try(
    scenario: Scenario,
    place: Path,
    strace: str,
    rng: random.Random,
    prepared: Path,
    done: Path,
    point: tuple[str, int],
) -> bool:
    """Tamper with one call, look, and repeat the command; whether the call was hit."""
    action = rng.choice(ACTIONS)
    root = fresh_copy(prepared, place / "work")
    first = syscalls.run(strace, root, scenario.verb, inject=f"{point[0]}:{action}:when={point[1]}")
    when = f"{scenario.name}, {action} at {point[0]} number {point[1]}"
    new = state(done)
    assert first.code in (KILLED, scenario.code, *scenario.again, *TOLD), f"{when}: {first.code}\n{first.output}"
    assert "Traceback" not in first.output, f"{when}: {first.output}"
    if "cannot open shared object file" not in first.output:  # a library of Python's, which the loader opened instead
        assert "internal error" not in first.output, f"{when}: {first.output}"
    if first.code == scenario.code:
        assert state(root) == new, f"{when}, and exit code {first.code} all the same: {first.output}"
    if (root / ".mvc" / "config.toml").exists():
        findings = fsck.fsck(Repository(root), read_data=True).findings
        assert not findings, f"{when}: {findings}"
    again = command(root, scenario.verb)
    assert again.code in (scenario.code, *scenario.again), f"{when}, then repeated: {again.code}\n{again.output}"
    assert state(root) == new, f"{when}, then repeated: {again.output}"
    assert_sound(root)
    return first.code != scenario.code
