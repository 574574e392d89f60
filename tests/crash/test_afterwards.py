"""A command that was killed, then any other one: exit code 0 means that both are done, not that the first looked done."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from mvc.storage.disk.door import StoreDoor
from mvc.storage.records import journal
from tests.crash.harness import KILLED, KillBefore, assert_sound, command, finish, fresh_copy, memory_folder, mvc, state
from tests.crash.scenarios import SCENARIOS, Scenario, two_versions

EXPORTS = ("ui", "export", "export --link", "export --oci")
EVERYWHERE: tuple[tuple[str, ...], ...] = (
    ("add", "model.toml", "--as", "described"),
    ("alias", "set", "later", "HEAD", "--force"),
    ("branch", "later"),
    ("commit", "--allow-empty", "-m", "later"),
    ("commit", "--amend", "-m", "later"),
    ("config", "core.lock-timeout", "5"),
    ("gc",),
    ("init", "--model", "helmets"),
    ("models", "rename", "helmets", "later"),
    ("remote", "add", "later", "/later"),
    ("reset", "HEAD"),
    ("restore",),
    ("set", "parameters.later=1"),
    ("switch", "-c", "later"),
    ("tag", "later"),
)
"""Commands that make sense after most others, besides those of the scenarios."""
AFTER = (
    *EVERYWHERE,
    *(each.verb for each in SCENARIOS if each.name not in ("gc", "archive", *EXPORTS)),
)
POINTS = 18
"""Points that are tried at least; with `--deep`, every step of every command, each with four others."""
JOURNALLED = [
    scenario
    for scenario in SCENARIOS
    if scenario.name not in ("init", "push", "push of a removal", "archive", *EXPORTS)
]


def test_any_command_rolls_an_interrupted_one_forward_before_it_decides(
    tmp_path: Path, rng: random.Random, *, deep: bool
) -> None:
    with memory_folder(tmp_path) as place:
        points = 0
        for scenario in rng.sample(JOURNALLED, len(JOURNALLED)):
            points += _sweep(scenario, place, rng, deep=deep)
            if points >= POINTS and not deep:
                break
        assert points >= POINTS


def _sweep(scenario: Scenario, place: Path, rng: random.Random, *, deep: bool) -> int:
    """Kill the command at steps with a journal, and run others; the number of points that were tried."""
    prepared = place / "prepared"
    shutil.rmtree(prepared, ignore_errors=True)
    prepared.mkdir()
    scenario.prepare(prepared)
    window = _journalled(scenario, prepared, place)
    chosen = window if deep else rng.sample(window, min(len(window), 6))
    for number in chosen:
        killed = fresh_copy(prepared, place / "killed")
        assert command(killed, scenario.verb, KillBefore(number)).code == KILLED
        if journal.pending(StoreDoor(killed / ".mvc")) is None:
            continue  # files as young as the cache are not cached: how many steps there are depends on the clock
        for second in rng.sample(AFTER, 4 if deep else 1):
            _compare(killed, place, second, f"{scenario.verb} killed before step {number}, then {second}")
    return len(chosen)


def _journalled(scenario: Scenario, prepared: Path, place: Path) -> list[int]:
    """The steps of a command before which there is a journal."""
    log = place / "steps"
    log.write_text("")

    def note(number: int, name: str, path: str) -> None:
        if path.endswith(f"/.mvc/{journal.NAME}"):
            with log.open("a") as file:
                file.write(f"{number} {name}\n")

    root = fresh_copy(prepared, place / "work")
    assert command(root, scenario.verb, note).code == scenario.code
    steps = {name: int(number) for number, name in (line.split() for line in log.read_text().splitlines())}
    return list(range(steps["link"] + 1, steps["unlink"] + 1)) if steps else []


def _compare(killed: Path, place: Path, second: tuple[str, ...], when: str) -> None:
    """The command ends as it does where the journal was rolled forward first."""
    expected = fresh_copy(killed, place / "expected")
    finish(expected)
    wanted = command(expected, second)
    actual = fresh_copy(killed, place / "actual")
    done = command(actual, second)
    assert done.code == wanted.code, f"{when}: {done.output}\ninstead of {wanted.code}: {wanted.output}"
    assert "Traceback" not in done.output, f"{when}: {done.output}"
    if done.code == 0:
        assert journal.pending(StoreDoor(actual / ".mvc")) is None, when
        assert state(actual) == state(expected), when
        assert_sound(actual)


@pytest.mark.parametrize("options", [(), ("--link=hard",)], ids=["", "link"])
def test_what_a_killed_export_left_goes_with_the_next_one_into_that_folder(
    tmp_path: Path, rng: random.Random, options: tuple[str, ...]
) -> None:
    with memory_folder(tmp_path) as place:
        root = place / "root"
        root.mkdir()
        two_versions(root)
        out = place / "out"
        steps = command(root, ("export", *options, "v1", "../out")).steps
        shutil.rmtree(out)
        left = 0
        for number in rng.sample(range(3, steps + 1), 4):
            shutil.rmtree(root / ".mvc" / "cache" / "files", ignore_errors=True)
            assert command(root, ("export", *options, "v1", "../out"), KillBefore(number)).code == KILLED
            left += len(list(place.glob(".*.mvc-tmp")))
            mvc(root, "cat", "v1:notes", "-o", "../notes.txt")
            assert sorted(path.name for path in place.iterdir() if path != out) == ["notes.txt", "root"]
            complete = out.exists()
            mvc(root, "export", *options, "v1", "../out", code=16 if complete else 0)
            assert complete or not options or not list((root / ".mvc" / "tmp").iterdir())
            assert sorted(path.name for path in place.iterdir()) == ["notes.txt", "out", "root"]
            shutil.rmtree(out)
        assert left


def test_what_is_being_built_beside_its_place_is_not_tracked(tmp_path: Path) -> None:
    two_versions(tmp_path)
    (tmp_path / "epochs" / "1").mkdir(parents=True)
    (tmp_path / "epochs" / "1" / "w.bin").write_bytes(b"first")
    mvc(tmp_path, "add", "epochs", "--as", "all")
    (tmp_path / "epochs" / "out.txt").write_bytes(b"old")
    cat = ("cat", "v1:notes", "-o", "epochs/out.txt")
    rename = command(tmp_path, cat, _stop_before_rename)
    assert rename.code == KILLED, rename.output
    assert list((tmp_path / "epochs").glob(".*.mvc-tmp"))
    mvc(tmp_path, "commit", "-m", "all")
    listed = mvc(tmp_path, "ls")
    assert "w.bin" in listed
    assert "mvc-tmp" not in listed


def _stop_before_rename(_: int, name: str, path: str) -> None:
    if name == "rename" and path.endswith("out.txt"):
        os._exit(KILLED)
