"""`mvc scan --format sarif`: places as URIs, and what was not scanned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shell import Shell
from tests.formats.pickles import STOP
from tests.scan.structures import RUN


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    (tmp_path / "here").mkdir()
    return Shell(tmp_path / "here", monkeypatch)


def _run(shell: Shell, *words: str) -> Any:
    (run,) = json.loads(shell("scan", "--format", "sarif", *words).out)["runs"]
    return run


def _uri(located: Any) -> str:
    return str(located["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])


def test_paths_are_uris(shell: Shell) -> None:
    shell.write("a b#%?.pkl", RUN + STOP)
    assert {_uri(each) for each in _run(shell)["results"]} == {"a%20b%23%25%3F.pkl"}
    path = shell.folder / "a b#%?.pkl"
    assert {_uri(each) for each in _run(shell, str(path))["results"]} == {path.as_uri()}


def test_what_was_not_scanned_is_a_notification(shell: Shell) -> None:
    (shell.folder / "a loop").symlink_to("a loop")
    (shell.folder / "gone").symlink_to("nothing")
    (invocation,) = _run(shell)["invocations"]
    shown = [(each["level"], _uri(each)) for each in invocation["toolExecutionNotifications"]]
    assert (invocation["executionSuccessful"], shown) == (False, [("error", "a%20loop"), ("warning", "gone")])


def test_two_forms_of_output_are_refused(shell: Shell) -> None:
    said = shell("scan", "--json", "--format", "sarif")
    assert (said.code, "--json and --format sarif" in said.err) == (2, True)
