"""Licenses that weights name: `mvc commit` and `mvc record` warn of a contradiction, `mvc check` and `mvc ls` list them."""

from __future__ import annotations

from pathlib import Path

import pytest

import mvc
from tests.cli.shell import Shell, begin
from tests.formats.test_licenses import AGPL, CHECKPOINT, MIT, onnx

SAYS = "warning: model.license: it is MIT, but best.pt says AGPL-3.0 (license)"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.write("best.pt", CHECKPOINT)
    shell.write("notes.txt", b"notes")
    shell.ok("add", "best.pt", "--as", "model-latest")
    shell.ok("add", "notes.txt")
    return shell


def test_a_commit_warns_of_a_contradiction_when_file_or_license_is_new(shell: Shell) -> None:
    assert "license" not in shell.ok("commit", "-m", "one").err  # the model names none
    shell.set(model__license="MIT")
    assert SAYS in shell.ok("commit", "--dry-run", "-m", "dry").err
    said = shell.ok("commit", "-m", "two", "--json").json
    assert [each["key"] for each in said["warnings"]] == ["model.license"]
    shell.write("notes.txt", b"other")
    assert "license" not in shell.ok("commit", "-m", "three").err, "neither the weights nor the license changed"
    shell.write("best.onnx", onnx(AGPL))
    shell.ok("add", "best.onnx", "--as", "onnx")
    said_again = shell.ok("commit", "-m", "four").err
    assert "but best.onnx says AGPL-3.0 (metadata_props.license) (`mvc ls --licenses`" in said_again
    assert "best.pt" not in said_again
    shell.set(model__license="AGPL-3.0-or-later")
    assert "license" not in shell.ok("commit", "-m", "five").err


def test_record_warns_too_and_check_of_a_version_or_the_working_tree(shell: Shell) -> None:
    recorded = shell.ok(
        "record", "--file", "weights=best.pt", "--set", "model.license=MIT", "-m", "r", "--branch", "run/a"
    )
    assert "it is MIT, but weights.pt says AGPL-3.0 (license)" in recorded.err
    shell.set(model__license="MIT")
    assert SAYS in shell("check").out
    shell.commit("one")
    assert SAYS in shell("check", "HEAD").out
    shell.set(model__license="AGPL-3.0")
    assert "model.license: it is" not in shell("check").out
    assert SAYS in shell("check", "HEAD").out


def test_ls_lists_the_licenses_and_marks_contradictions(shell: Shell) -> None:
    shell.write("LICENSE", MIT)
    shell.write("own.onnx", onnx("ask Ana"))
    shell.ok("add", "LICENSE", "own.onnx")
    shell.commit("one")
    assert shell.ok("ls", "--licenses").lines == [
        "model.license: not set",
        "LICENSE   MIT       text",
        "best.pt   AGPL-3.0  license",
        "own.onnx  ask Ana   metadata_props.license: no known license",
    ]
    shell.set(model__license="MIT")
    shell.commit("two")
    assert shell.ok("ls", "--licenses", "HEAD", "best.pt").lines == [
        "model.license: MIT",
        "best.pt  AGPL-3.0  license  contradicts model.license",
    ]
    found = shell.ok("ls", "--licenses", "--json").json
    assert (found["license"], [each["path"] for each in found["contradicting"]]) == ("MIT", ["best.pt"])
    said = {"path": "best.pt", "place": "license", "text": AGPL, "expression": "AGPL-3.0"}
    assert {each["path"]: each.get("licenses") for each in found["files"]}["best.pt"] == [said]
    assert shell("ls", "--licenses", "-l").code == 2
    assert "licenses" not in shell.ok("ls", "--json").out


def test_plain_files_of_a_download_are_listed_as_well(shell: Shell) -> None:
    shell.write("../download/best.onnx", onnx(AGPL))
    shell.write("../download/own.onnx", onnx("ask Ana"))
    shell.write("../download/LICENSE", MIT)
    assert shell.ok("ls", "--licenses", "--no-index", "../download").lines == [
        "../download/LICENSE    MIT       text",
        "../download/best.onnx  AGPL-3.0  metadata_props.license",
        "../download/own.onnx   ask Ana   metadata_props.license: no known license",
    ]
    assert shell.ok("ls", "--licenses", "--no-index", "notes.txt").lines == ["No file names a license."]
    (found,) = mvc.list_files(shell.folder.parent / "download" / "LICENSE", licenses=True).files
    assert [claim.license.expression for claim in found.licenses] == ["MIT"]


def test_files_that_are_not_here_are_not_fetched(shell: Shell, tmp_path: Path) -> None:
    shell.write("best.pt", CHECKPOINT + bytes(20_000))
    shell.set(model__license="MIT")
    shell.commit("one")
    shell.ok("remote", "add", "origin", "../origin")
    shell.ok("push")
    shell.folder = tmp_path
    shell.ok("clone", "--meta", "origin", "meta")
    shell.folder = tmp_path / "meta"
    assert "best.pt  ?  not here" in shell.ok("ls", "--licenses").lines
    assert "model.license: it is" not in shell("check", "HEAD").out
