"""An mvc of before, run beside this one: it works on what it knows, and refuses the rest by name.

The older mvc is the last commit that had no notes, operations, stashes and pruned versions. It comes from the history of the
project, so these tests are skipped in a shallow clone.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mvc.storage.packs import loose
from tests.cli.conftest import History
from tests.cli.shell import Shell
from tests.older import REFUSED, Older, mark_plain

OLDER = "02c13c469e6cfa4a1fc6c77d2edfa50e2d73f958"
STRAYS = 14
"""The exit code of `fsck` for folders that it does not know."""


@pytest.fixture(scope="session")
def older(tmp_path_factory: pytest.TempPathFactory) -> Older:
    return Older(OLDER, tmp_path_factory.mktemp("older"))


def test_it_goes_on_with_notes_evaluations_and_operations(
    older: Older, shell: Shell, history: History, tmp_path: Path
) -> None:
    bucket = tmp_path / "bucket"
    mark_plain(bucket)
    shell.ok("remote", "add", "origin", str(bucket))
    shell.ok("notes", "add", "v1", "bad in rain")
    shell.write("results.json", b'{"mAP50": 0.5}')
    shell.ok("eval", "add", "v1", "--dataset", "night@3", "--file", "results.json")
    shell.ok("push", "--all", "origin")
    assert older("clone", str(bucket), str(tmp_path / "clone"), folder=tmp_path).returncode == 0
    shell.set(metrics__mAP50=0.7)
    worked = older("commit", "-m", "By the older one", "--json", folder=shell.folder)
    assert worked.returncode == 0, worked.stderr
    for line in (["push", "origin"], ["fetch", "origin"], ["gc"], ["fsck", "--remote", "origin"], ["status"]):
        done = older(*line, folder=shell.folder)
        assert done.returncode == 0, (line, done.stderr)
    strays = older(
        "fsck", "--repair", "--from", "origin", folder=shell.folder
    )  # it knows no folder of notes and evaluations, and leaves both
    assert strays.returncode == STRAYS, strays.stdout
    shell.ok("fetch", "origin")
    shell.ok("fsck")
    shell.ok("fsck", "--remote", "origin")
    assert "bad in rain" in shell.ok("log").out
    assert "night@3" in shell.ok("show", "v1").out
    assert shell.ok("log", "-1", "--format", "{subject}").out == "By the older one\n"


@pytest.mark.parametrize(
    ("feature", "lines"),
    [
        ("stashes", [["set", "metrics.mAP50=0.1"], ["stash"]]),
        ("operations", [["set", "metrics.mAP50=0.1"], ["reset", "--hard"]]),
        ("expired", [["set", "metrics.mAP50=0.1"], ["commit", "-m", "More"], ["prune", "--yes", "main~1"]]),
    ],
)
def test_it_refuses_by_name_what_it_would_lose(
    feature: str, lines: list[list[str]], older: Older, shell: Shell, history: History
) -> None:
    assert older("status", folder=shell.folder).returncode == 0
    for line in lines:
        shell.ok(*line)
    refused = older("gc", folder=shell.folder)
    assert (refused.returncode, "Traceback" in refused.stderr) == (REFUSED, False), refused.stderr
    required = refused.stderr.partition("requires ")[2].partition(", which")[0]
    assert feature in required.split(", ")
    shell.ok("fsck")


def test_it_calls_a_pruned_remote_damaged_and_loses_nothing(
    older: Older, shell: Shell, history: History, tmp_path: Path
) -> None:
    bucket, clone = tmp_path / "bucket", tmp_path / "clone"
    mark_plain(bucket)
    shell.ok("remote", "add", "origin", str(bucket))
    for day in (b"Monday", b"Tuesday"):
        shell.write("weights/best.onnx", day * 50_000)
        shell.commit(day.decode())
    shell.ok("push", "--all", "origin")
    assert older("clone", str(bucket), str(clone), folder=tmp_path).returncode == 0
    shell.ok("prune", "--yes", "main~1")
    shell.ok("prune", "--remote", "origin", "--yes", "main~1")
    shell.tick(10_000_000)
    for _ in range(2):  # marked by the first, removed by the second
        shell.ok("gc", "--remote", "origin", "--grace", "0")
    damaged = older("fsck", "--remote", "origin", folder=clone)
    assert damaged.returncode not in (0, 1), damaged.stderr
    assert older("set", "metrics.mAP50=0.9", folder=clone).returncode == 0
    assert older("commit", "-m", "Meanwhile", folder=clone).returncode == 0
    pushed = older("push", "origin", folder=clone)
    assert pushed.returncode == 0, pushed.stderr
    shell.ok("pull", "origin")
    shell.ok("fsck", "--read-data")
    shell.ok("fsck", "--remote", "origin")


def test_it_reads_what_gc_packed(older: Older, shell: Shell, history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loose, "LEAST", 4)
    monkeypatch.setattr(loose, "RECOGNIZED", 4)
    assert "Packed" in shell.ok("gc").out
    for line in (["log", "--all"], ["show", "v1"], ["cat", "v1:weights"], ["gc"], ["switch", "side"]):
        done = older(*line, folder=shell.folder)
        assert done.returncode == 0, (line, done.stderr)
    checked = older("fsck", folder=shell.folder)
    assert (checked.returncode, checked.stdout.count("stray"), "1 problem" in checked.stdout) == (STRAYS, 1, True)
    shell.ok("fsck")
    assert history.first[:10] in shell.ok("log").out
