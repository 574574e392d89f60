from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.cli.conftest import History
from tests.cli.shell import MODEL, Shell


def test_shows_number_id_names_day_author_and_message(shell: Shell, history: History) -> None:
    assert shell.ok("log").lines == [
        f"v2  {history.second[:10]}  (HEAD -> main)  2026-02-06  Ana",
        "    Night images",
        "",
        "    swapped \\x1b[31mclasses",
        "",
        f"v1  {history.first[:10]}  (tag: 2026.1)  2026-02-04  Ana",
        "    First baseline",
    ]


def test_oneline(shell: Shell, history: History) -> None:
    assert shell.ok("log", "--oneline").lines == [
        f"{history.second[:10]} v2 (HEAD -> main) Night images",
        f"{history.first[:10]} v1 (tag: 2026.1) First baseline",
    ]


def test_a_detached_head_is_named_alone(shell: Shell, history: History) -> None:
    shell.ok("switch", "2026.1")
    assert shell.ok("log", "--oneline").lines == [f"{history.first[:10]} v1 (HEAD, tag: 2026.1) First baseline"]


def test_graph_of_all_names_with_what_each_changed(shell: Shell, history: History) -> None:
    lines = shell.ok("log", "--all", "--graph", "--stat").lines
    assert lines[0] == f"* v2  {history.second[:10]}  (HEAD -> main)  2026-02-06  Ana"
    assert "|     2 classes re-indexed (breaking)" in lines
    assert f"| * v2 on side  {history.side[:10]}  (side)  2026-02-05  Ana" in lines
    assert "|/      Side work" in lines
    assert any("+0 -0 ~1 files" in line and "mAP50 0.61 (+0.11)" in line for line in lines)
    assert "+1 -0 ~0 files" in lines[-1]


@pytest.mark.parametrize(
    ("arguments", "subjects"),
    [
        (["main..side"], ["Side work"]),
        (["main...side"], ["Night images", "Side work"]),
        (["side"], ["Side work", "First baseline"]),
        (["--all", "-n", "1"], ["Night images"]),
        (["--all", "--grep", "BASE.*"], ["First baseline"]),
        (["--author", "ana@"], ["Night images", "First baseline"]),
        (["--author", "bob"], []),
        (["--since", "2026-02-05"], ["Night images"]),
        (["--until", "2026-02-05"], ["First baseline"]),
        (["--reverse"], ["First baseline", "Night images"]),
        (["--reverse", "-n", "1"], ["Night images"]),
        (["--all", "--graph", "--grep", "baseline"], ["* First baseline"]),
    ],
)
def test_which_versions(shell: Shell, history: History, arguments: list[str], subjects: list[str]) -> None:
    assert shell.ok("log", "--format", "{subject}", *arguments).lines == subjects


def test_graph_draws_through_versions_that_are_not_shown(shell: Shell, history: History) -> None:
    shell.set(parameters__epochs=3)
    shell.commit("Third image")
    lines = shell.ok("log", "--graph", "--format", "{subject}", "--grep", "image|base").lines
    assert lines == ["* Third image", "* Night images", "* First baseline"]
    lines = shell.ok("log", "--all", "--graph", "--format", "{subject}", "--grep", "third|base|side").lines
    assert lines == ["* Third image", "| * Side work", "|/", "* First baseline"]


def test_format_fields(shell: Shell, history: History) -> None:
    line = shell.ok("log", "-n", "1", "--format", r"{number}\t{short}\n{author} {email} {date} {time} {names}").out
    assert line == f"2\t{history.second[:10]}\nAna ana@example.org 2026-02-06 2026-02-06T09:00:00Z main\n"
    said = shell("log", "--format", "{bogus}")
    assert said.code == 2
    assert "{bogus}" in said.err


def test_json(shell: Shell, history: History) -> None:
    document = shell.ok("log", "--json", "--stat").json
    assert document["schema"] == "mvc.log/1"
    assert document["model"] == MODEL
    newest, oldest = document["versions"]
    assert (newest["id"], newest["number"], newest["parents"]) == (history.second, 2, [history.first])
    assert newest["message"] == "Night images\n\nswapped \x1b[31mclasses"
    assert newest["time"] == "2026-02-06T09:00:00Z"
    assert newest["changes"]["labelmap"]["breaking"] is True
    assert oldest["names"] == [{"kind": "tag", "name": "2026.1"}]
    assert (oldest["bytes_new"], oldest["bytes_total"]) == (120_000, 120_000)


def test_quiet_gives_ids(shell: Shell, history: History) -> None:
    assert shell.ok("log", "-q").lines == [history.second, history.first]


def test_without_a_version_or_with_a_bad_request(empty: Shell) -> None:
    assert empty("log").code == 2
    assert "no version yet" in empty("log").err
    assert empty("log", "--all").code == 2
    assert empty("log", "--graph", "--reverse").code == 2


def test_bad_patterns_and_dates_are_usage_errors(shell: Shell, history: History) -> None:
    assert shell("log", "--grep", "(").code == 2
    assert shell("log", "--since", "yesterday-ish").code == 2
    assert shell("log", "nowhere").code == 2


def test_a_reader_that_went_away_is_no_error(shell: Shell, history: History) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-m", "mvc", "log"], cwd=shell.folder, stdout=writer, stderr=-1, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")
