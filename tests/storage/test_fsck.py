"""A finding of fsck hides no other: of several faults of a kind, each is reported."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from mvc.storage.disk.door import StoreDoor
from mvc.storage.records import operations
from tests.cli.shell import MODEL, Shell, begin


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random) -> Shell:
    """A store with a version and three operations."""
    shell = begin(tmp_path, monkeypatch)
    shell.write("a.bin", rng.randbytes(100))
    shell.ok("add", "a.bin")
    shell.commit("one")
    shell.ok("branch", "other")
    shell.ok("tag", "first")
    assert shell("fsck").code == 0
    return shell


def _findings(shell: Shell) -> list[tuple[str, str]]:
    found = shell("--json", "fsck").json["findings"]
    return sorted((each["kind"], each["path"]) for each in found)


def test_operations(shell: Shell) -> None:
    folder = shell.folder / ".mvc" / "operations"
    first, *_, last = sorted(folder.iterdir())
    damaged = last.read_bytes()[:-2]
    strays = ("0", "00", "9999999999", "zero")  # names that are not usual, before and after, and a number far beyond
    for name in strays:
        (folder / name).write_bytes(first.read_bytes())
    last.unlink()
    last.write_bytes(damaged)
    assert _findings(shell) == [
        ("operation", f"operations/{last.name}"),
        *[("stray", f"operations/{name}") for name in strays],
    ]


def test_an_operation_that_expires_meanwhile(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is none of the findings, and the next ones are checked."""
    folder = shell.folder / ".mvc" / "operations"
    first, *_, last = sorted(folder.iterdir())
    last.unlink()
    last.write_bytes(b"")
    whole = operations.read

    def read(door: StoreDoor, number: int) -> operations.Operation:
        first.unlink(missing_ok=True)
        return whole(door, number)

    monkeypatch.setattr(operations, "read", read)
    assert _findings(shell) == [("operation", f"operations/{last.name}")]


def test_objects(shell: Shell) -> None:
    folder = shell.folder / ".mvc" / "objects"
    first, *_, last = sorted(path for path in folder.rglob("*") if path.is_file())
    for name in ("!", "0" * 64):  # one is listed before all others, one is not of this folder
        (last.parent / name).write_bytes(b"{}")
    (first.parent / "!").write_bytes(b"{}")
    last.chmod(0o600)
    last.write_bytes(b"{}")
    strays = {first.parent / "!", last.parent / "!", last.parent / ("0" * 64)}
    expected = [("stray", str(each.relative_to(folder.parent))) for each in strays]
    found = _findings(shell)
    assert [each for each in found if each[0] == "stray"] == sorted(expected)
    assert ("object", str(last.relative_to(folder.parent))) in found


@pytest.mark.parametrize(
    ("folder", "noun"), [("remarks", "note"), ("evaluations", "evaluation"), ("signatures", "signature")]
)
def test_annotations(shell: Shell, folder: str, noun: str) -> None:
    """Of models whose names are none, and of a model that is there."""
    top = shell.folder / ".mvc" / folder
    for model in ("!a", "!b", MODEL):
        (top / model / ("1" * 64)).mkdir(parents=True)
    (top / MODEL / ("1" * 64) / "0000000001").write_bytes(b"{}")
    assert _findings(shell) == [
        (noun, f"{folder}/!a"),
        (noun, f"{folder}/!b"),
        (noun, f"{folder}/{MODEL}/{'1' * 64}/0000000001"),
    ]


def test_refs_of_models_whose_names_are_none(shell: Shell) -> None:
    refs = shell.folder / ".mvc" / "refs"
    for model in ("!a", "!b"):
        (refs / model / "heads" / "main").mkdir(parents=True)
    entry = min((refs / MODEL / "heads" / "other").iterdir())
    data = entry.read_bytes()
    entry.unlink()
    entry.write_bytes(data[:-2])
    expected = {"refs/!a", "refs/!b", f"refs/{MODEL}/heads/other/{entry.name}"}
    assert expected <= {path for kind, path in _findings(shell) if kind == "ref"}


def test_history_without_a_head(shell: Shell) -> None:
    for head in (shell.folder / ".mvc" / "heads").iterdir():
        head.unlink()
    (found,) = [each for each in shell("--json", "fsck").json["findings"] if each["kind"] == "head"]
    assert "has history, but no head" in json.dumps(found)
