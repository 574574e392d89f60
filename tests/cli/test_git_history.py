"""History as users of Git ask for it: `log`, `show` and `diff` with Git's options, paths and formats."""

from __future__ import annotations

import pytest

from tests.cli.conftest import History
from tests.cli.shell import Shell

ROLE, PATH = "weights", "weights/best.onnx"


def subjects(shell: Shell, *arguments: str) -> list[str]:
    return shell.ok("log", "--pretty=format:%s", *arguments).lines


@pytest.fixture(autouse=True)
def _made(history: History) -> None:
    assert history.first


def test_a_number_limits_the_log(shell: Shell) -> None:
    assert subjects(shell, "-1") == subjects(shell, "-n", "1") == ["Night images"]


@pytest.mark.parametrize("name", [PATH, ROLE, "weights/", "*.onnx"])
def test_a_path_selects_the_versions_that_change_it(shell: Shell, name: str) -> None:
    assert subjects(shell, "--all", "--", name) == ["Side work", "First baseline"]


def test_a_path_needs_no_dashes_unless_it_is_a_revision(shell: Shell) -> None:
    assert subjects(shell, "side", PATH) == ["Side work", "First baseline"]
    shell.write("side", b"x")
    assert subjects(shell, "side") == ["Side work", "First baseline"]
    assert subjects(shell, "--", "side") == []


def test_model_toml_stands_for_the_values(shell: Shell) -> None:
    assert subjects(shell, "--", "model.toml") == ["Night images", "First baseline"]


def test_a_file_is_followed_across_a_rename(shell: Shell) -> None:
    (shell.folder / "weights" / "best.onnx").rename(shell.folder / "weights" / "new.onnx")
    shell.ok("set", "files.weights=weights/new.onnx")
    shell.commit("Renamed")
    assert subjects(shell, "--", "weights/new.onnx") == ["Renamed"]
    assert subjects(shell, "--follow", "weights/new.onnx") == ["Renamed", "First baseline"]
    assert shell("log", "--follow").code == 2


def test_a_text_selects_the_versions_that_add_or_remove_it(shell: Shell) -> None:
    assert subjects(shell, "--all", "-S", "0.61") == ["Side work"]
    assert subjects(shell, "--all", "-S", "helmet") == ["First baseline"]


def test_merges_and_first_parents(shell: Shell) -> None:
    shell.ok("merge", "side", "--ours", "-m", "Merged")
    assert subjects(shell, "--merges") == ["Merged"]
    assert subjects(shell, "--first-parent") == ["Merged", "Night images", "First baseline"]
    assert subjects(shell, "--no-merges", "-1") == ["Night images"]


def test_the_changes_of_each_version(shell: Shell) -> None:
    assert "re-indexed" in shell.ok("log", "-p", "-1").out
    assert shell.ok("log", "--format", "%h", "--name-status", "side").lines[1:3] == ["M\tmodel.toml", f"M\t{PATH}"]
    assert shell.ok("log", "--oneline", "--name-only", "-1").lines[1:] == ["model.toml"]


def test_formats_of_git(shell: Shell, history: History) -> None:
    said = shell.ok("log", "--pretty=format:%H|%h|%an|%ae|%d|{%s}%n%%", "-1", "2026.1")
    first = history.first
    assert said.lines == [f"{first}|{first[:10]}|Ana|ana@example.org| (2026.1)|{{First baseline}}", "%"]
    assert shell.ok("log", "--pretty=oneline", "-1").lines == shell.ok("log", "--oneline", "-n1").lines
    assert shell.ok("log", "--pretty", "main").out == shell.ok("log", "main").out
    unknown = shell("log", "--pretty=format:%Q")
    assert (unknown.code, "%Q" in unknown.err, "%h" in unknown.err) == (2, True, True)


@pytest.mark.parametrize("since", ["1.day.ago", "an hour ago", "yesterday", "today"])
def test_dates_before_now(shell: Shell, since: str) -> None:
    assert subjects(shell, "--since", since) == []
    assert subjects(shell, "--until", since) == ["Night images", "First baseline"]


def test_show_prints_a_file_or_the_names(shell: Shell) -> None:
    assert shell.raw("show", f"side:{PATH}") == shell.raw("cat", f"side:{ROLE}")
    assert shell.ok("show", "side", "--name-only").lines[-2:] == ["model.toml", PATH]
    assert shell.ok("show", "--stat", "side").lines[-1].startswith("+0 -0 ~1 files")
    assert "re-indexed" not in shell.ok("show", "-s").out


def test_a_name_too_long_for_a_file_is_no_path(shell: Shell) -> None:
    assert shell("diff", "a" * 5_000).code == shell("log", "a" * 5_000).code == 2


def test_diff_is_narrowed_to_paths(shell: Shell) -> None:
    assert shell.ok("diff", "main", "side", "--name-only").lines == ["model.toml", PATH]
    assert shell.ok("diff", "main", "side", "--name-only", "--", PATH).lines == [PATH]
    assert "labelmap" not in shell.ok("diff", "side", PATH).out
    assert "files" not in shell.ok("diff", "side", "--", "model.toml").out
    assert shell.ok("diff", "--cached", "side").out == shell.ok("diff", "side").out
    assert shell.ok("-C", "weights", "diff", "side", "--name-only", "best.onnx").lines == [PATH]
