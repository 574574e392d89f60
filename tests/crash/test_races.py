"""Several commands at once on one repository: each lands or is told, and nothing is lost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mvc.repository.repository import Repository
from mvc.storage.records.reflog import HEADS, RefName
from tests.crash.harness import assert_sound, at_once, memory_folder, mvc
from tests.crash.scenarios import tracked

ROUNDS, DEEP_ROUNDS = 40, 600
TOLD = (11, 13)
"""The lock was not free in time; the branch moved meanwhile."""


def _at_once(root: Path, commands: Sequence[Sequence[str]]) -> list[int]:
    """The exit codes of commands started together."""
    return [outcome.code for outcome in at_once(root, commands)]


def test_two_processes_commit_to_one_branch(tmp_path: Path, deep: bool) -> None:
    with memory_folder(tmp_path) as root:
        _commit_at_once(root, DEEP_ROUNDS if deep else ROUNDS)


def _commit_at_once(root: Path, rounds: int) -> None:
    tracked(root)
    mvc(root, "commit", "-m", "first")
    landed = {"first"}
    for number in range(rounds):
        messages = [f"{letter} {number}" for letter in "ab"]
        codes = _at_once(root, [("commit", "--allow-empty", "-m", message) for message in messages])
        assert set(codes) <= {0, *TOLD}, codes
        assert 0 in codes, codes
        landed |= {message for message, code in zip(messages, codes, strict=True) if code == 0}
    repository = Repository(root)
    entries = repository.refs.entries(RefName("helmets", HEADS, "main"))
    versions = [repository.objects.version(entry.new) for entry in entries if entry.new is not None]
    assert {version.message for version in versions} == landed
    assert len(versions) == len(landed)
    assert [version.number for version in versions] == list(range(1, len(landed) + 1))
    assert_sound(root)


def test_a_commit_beside_a_switch_is_whole_or_told(tmp_path: Path) -> None:
    tracked(tmp_path)
    mvc(tmp_path, "commit", "-m", "one")
    mvc(tmp_path, "branch", "other")
    for number in range(20):
        target = ("other", "main")[number % 2]
        codes = _at_once(tmp_path, [("commit", "--allow-empty", "-m", f"c{number}"), ("switch", target)])
        assert set(codes) <= {0, *TOLD}, codes
    assert_sound(tmp_path)
