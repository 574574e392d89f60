"""`mvc log --where`, `--sort`, `--columns` and `--values`: which version is best, and why."""

from __future__ import annotations

import csv

import click
import pytest

import mvc
from mvc import errors
from mvc.cli.app import complete
from tests.cli.conftest import History
from tests.cli.shell import Shell

KEYED = "v{number} {metrics.mAP50}"


@pytest.fixture
def third(shell: Shell, history: History) -> str:
    """v3 on main: a loss, a nested parameter, and no mAP50."""
    shell.ok("set", 'metrics."val/loss(B)"=0.2', "parameters.aug.flip=0.5", "model.tags=night")
    shell.ok("unset", "metrics.mAP50")
    return shell.commit("Third", "--alias", "prod")


def test_sort_lists_the_best_of_all_branches_first(shell: Shell, history: History, third: str) -> None:
    assert shell.ok("log", "--sort", "metrics.mAP50").lines == [
        "version     id          metrics.mAP50  date        names       subject",
        f"v2 on side  {history.side[:10]}           0.61  2026-02-05  side        Side work",
        f"v2          {history.second[:10]}            0.5  2026-02-06              Night images",
        f"v1          {history.first[:10]}            0.5  2026-02-04  2026.1      First baseline",
        f"v3          {third[:10]}              -  2026-02-07  main, prod  Third",
    ]


CASES = [
    (["--sort", "metrics.mAP50", "-n", "1"], ["v2 0.61"]),
    (["--sort", "-metrics.mAP50", "-n", "1"], ["v2 0.5"]),
    (["--sort", "metrics.mAP50", "-n", "1", "main"], ["v2 0.5"]),
    (["--sort", "metrics.mAP50", "--sort", "-number"], ["v2 0.61", "v1 0.5", "v2 0.5", "v3 "]),
    (["--sort", "metrics.mAP50", "-n", "2", "--reverse"], ["v2 0.5", "v2 0.61"]),
    (["--where", "metrics.mAP50 > 0.6"], ["v2 0.61"]),
    (["--where", "metrics.mAP50 > 0.6", "HEAD"], []),
    (["--where", "not metrics.mAP50 > 0.6"], ["v2 0.5", "v1 0.5"]),
    (["--where", "not has metrics.mAP50"], ["v3 "]),
    (["--where", 'metrics."val/loss(B)" < 0.3 and parameters.aug.flip == 0.5'], ["v3 "]),
    (["--where", "alias == prod or tag == 2026.1"], ["v3 ", "v1 0.5"]),
    (["--where", "file.weights.size == 150000"], ["v2 0.61"]),
    (["--where", "labelmap.helmet == 0", "-n", "1"], ["v2 0.61"]),
    (["--where", "time >= 2026-02-06", "--author", "ana"], ["v3 ", "v2 0.5"]),
    (["--where", "number > 1", "--graph"], ["* v3", "* v2 0.5", "* v2 0.61"]),
    (["--where", "ready(training)"], []),
]


def test_which_versions_in_which_order(shell: Shell, history: History, third: str) -> None:
    answers = [(arguments, shell.ok("log", "--format", KEYED, *arguments).lines) for arguments, _ in CASES]
    assert answers == CASES


def test_columns_values_and_branches(shell: Shell, history: History, third: str) -> None:
    assert shell.ok("log", "--oneline", "--where", "metrics.mAP50 >= 0.6").lines == [
        f"{history.side[:10]} v2 on side (side) Side work"
    ]
    columns = 'number,metrics."val/loss(B)",labelmap,tag,time'
    assert shell.ok("log", "--columns", columns, "-n", "1").lines == [
        'version  id          number  metrics."val/loss(B)"  labelmap      tag  time',
        f"v3       {third[:10]}       3                    0.2  head, helmet       2026-02-07",
    ]
    assert shell.ok("log", "--values", "-n", "1").lines[2:] == [
        '    metrics."val/loss(B)" = 0.2',
        "    parameters.aug.flip = 0.5",
    ]
    lines = shell.ok("log", "--sort", "metrics.mAP50", "--columns", "author").lines
    assert lines[0].split() == ["version", "id", "metrics.mAP50", "author"]
    assert shell.ok("log", "--sort", "metrics.mAP50", "--columns", "author", "--csv").lines[0] == "version,id,author"


def test_csv_markdown_and_json(shell: Shell, history: History, third: str) -> None:
    rows = list(csv.reader(shell.ok("log", "--where", "metrics.mAP50 > 0", "--csv").lines))
    assert rows[:2] == [
        ["version", "id", "metrics.mAP50", "date", "names", "subject"],
        ["v2", history.second, "0.5", "2026-02-06", "", "Night images"],
    ]
    shell.set(metrics__mAP50=0.7)
    shell.commit("a | b <i>, \u202eno")
    assert shell.ok("log", "--sort", "metrics.mAP50", "-n", "1", "--md").lines[1:] == [
        "| --- | --- | ---: | --- | --- | --- |",
        f"| v4 | {shell.ok('log', '-q', '-n', '1').out[:10]} | 0.7 | 2026-02-08 | main | a &#124; b &lt;i&gt;, \\\\u202eno |",
    ]
    [best] = shell.ok("log", "--sort", "metrics.mAP50", "-n", "1", "side", "--json").json["versions"]
    assert (best["id"], best["values"], best["branch"]) == (history.side, {"metrics.mAP50": 0.61}, "side")
    assert "values" not in shell.ok("log", "--json").json["versions"][0]


REFUSED = [
    (["--where", "metrics.map50 > 1"], "No version of helmets has metrics.map50.", "Did you mean metrics.mAP50?"),
    (["--sort", "mAP50"], "No version of helmets has mAP50.", "Did you mean metrics.mAP50?"),
    (["--columns", "metrics.precision"], "No version of helmets has metrics.precision.", "Their metrics are metrics.mAP50."),
    (["--format", "{labelmap.hemlet}"], "No version of helmets has labelmap.hemlet.", "Did you mean labelmap.helmet?"),
    (["--where", "metrics.mAP50 = 1"], "Invalid expression 'metrics.mAP50 = 1': write == at '= 1'.", "Write KEY"),
    (["--where", "ready(nothing)"], "Unknown use 'nothing'.", "Define your own uses"),
    (["--graph", "--sort", "number"], "--graph cannot be combined with --sort", "Run `mvc log --help`"),
    (["--oneline", "--csv"], "--oneline and --format cannot be combined with", "Run `mvc log --help`"),
]  # fmt: skip


def test_the_keys_of_ultralytics_are_written_as_they_are(shell: Shell, history: History) -> None:
    shell.set(**{'metrics__"metrics/mAP50-95(B)"': 0.5, 'metrics__"metrics/mAP50(B)"': 0.7})
    shell.commit("from results.csv")
    key = "metrics.metrics/mAP50-95(B)"
    newest = shell.ok("log", "-q", "-n", "1").out
    assert shell.ok("log", "-q", "--sort", key, "-n", "1").out == newest
    assert shell.ok("log", "-q", "--where", f"{key} > 0.4").out == newest
    assert "0.5" in shell.ok("log", "--columns", f"number,{key}", "--csv").out
    assert shell.ok("get", key).out == "0.5\n"
    shell.ok("set", f"{key}=0.6")
    for name, code in (("mAP50-95", 2), ("metrics.mAP50-95", 1)):
        said = shell("get", name)
        assert (said.code, """Did you mean 'metrics."metrics/mAP50-95(B)"'?""" in said.err) == (code, True), said
    for meant in (["log", "--sort", "mAP50-95"], ["prune", "-n", "--keep-best", "mAP50-95=1"]):
        said = shell(*meant)
        assert said.code == 2, said
        assert """Did you mean 'metrics."metrics/mAP50-95(B)"'?""" in said.err
    said = shell("prune", "-n", "--keep-best", "mAP50")
    assert "KEY=N" in said.err
    assert "set-url" not in said.err


def test_a_wrong_request_names_the_next_step(shell: Shell, history: History) -> None:
    for arguments, message, hint in REFUSED:
        answer = shell("log", *arguments)
        assert (answer.code, answer.out) == (2, ""), arguments
        assert message in answer.err
        assert hint in answer.err


def test_python_selects_and_sorts_too(shell: Shell, history: History, third: str) -> None:
    assert shell.ok("log", "side", "--where", "has parameters.aug").out == ""  # another branch has the key
    model = mvc.open(shell.folder).model("helmets")
    found = model.log(where="metrics.mAP50 > 0", sort="metrics.mAP50", values=["metrics.mAP50", "number"])
    assert [version.id for version in found] == [history.side, history.second, history.first]
    assert found.entries[0].values == {"metrics.mAP50": 0.61, "number": 2}
    with pytest.raises(errors.NoVersionHasKey):
        model.log(sort=["number", "metrics.f1"])


def test_a_shell_completes_keys(shell: Shell, history: History, third: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shell.folder)
    context = click.Context(click.Command("log"))
    for begun, completed in (
        ("metrics.m", ["metrics.mAP50"]),
        ("-par", ["-parameters.aug.flip"]),
        ("number,file.weights.s", ["number,file.weights.size"]),
        ("alias == prod and labelmap.he", ["alias == prod and labelmap.head", "alias == prod and labelmap.helmet"]),
    ):
        assert complete.query_keys(context, click.Argument(["key"]), begun) == completed
