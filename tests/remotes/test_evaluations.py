"""Evaluations travel with push, fetch, pull and clone, by the code that notes travel by: `test_notes.py` has the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mvc.model.ids import VersionId
from mvc.model.version import Timestamp
from mvc.porcelain.fetch import fetch
from mvc.remotes.backends.local import LocalBackend
from mvc.storage.records.annotations.evaluations import Evaluation
from mvc.storage.records.annotations.remarks import Note
from tests.cli.shell import MODEL, Shell, begin
from tests.remotes.clones import clone, push_main, remote_on, set_origin
from tests.remotes.faults import Faulty

FOLDER = f"refs/{MODEL}/evaluations"


@pytest.fixture
def ana(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """v1 with an evaluation, and a remote with v1 and without the evaluation."""
    (tmp_path / "ana").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.commit("one")
    set_origin(shell, (str(tmp_path / "origin"), {}))
    shell.ok("push")
    _add(shell, 0.5)
    return shell


def _add(shell: Shell, value: float) -> None:
    shell.write("results.json", f'{{"mAP50": {value}}}'.encode())
    shell.ok("eval", "add", "v1", "--dataset", "night@3", "--file", "results.json")


def _values(shell: Shell, *options: str) -> list[float]:
    return [each["metrics"]["mAP50"] for each in shell.ok("eval", "show", "v1", *options, "--json").json["evaluations"]]


def _about(backend: Faulty) -> list[str]:
    return [call for call in backend.calls if "/evaluations" in call]


def test_they_travel_with_their_removal(ana: Shell, tmp_path: Path, monkeypatch: Any) -> None:
    early = clone(tmp_path, monkeypatch, "early")
    assert "Uploaded 1 evaluation." in ana.ok("push").out
    late = clone(tmp_path, monkeypatch, "late", "--meta")
    assert early.ok("fetch", "--json").json["evaluations"] == 1
    assert _values(early) == _values(late) == [0.5]
    early.ok("eval", "rm", "v1", "1")
    early.ok("notes", "add", "v1", "a note beside it")
    assert early.ok("push", "--json").json["notes"] == 1
    assert "1 new note" in ana.ok("pull").out
    assert (_values(ana), _values(ana, "--all")) == ([], [0.5])
    assert ana("fsck", "--remote", "origin").code == 0


def test_both_of_two_who_add_at_once_are_kept_in_one_order(ana: Shell, tmp_path: Path, monkeypatch: Any) -> None:
    ben = clone(tmp_path, monkeypatch, "ben")
    for value in (0.6, 0.7):
        _add(ben, value)
        _add(ana, value + 0.01)
    ben.ok("push")
    ana.ok("push")
    ben.ok("fetch")
    assert _values(ana) == _values(ben)
    assert sorted(_values(ana)) == [0.5, 0.6, 0.61, 0.7, 0.71]


def test_a_fetch_reads_new_ones_only(ana: Shell, tmp_path: Path, monkeypatch: Any) -> None:
    backend = Faulty(LocalBackend(tmp_path / "origin"))
    push_main(ana, remote_on(backend))
    assert [call.partition(" ")[0] for call in _about(backend)] == ["list", "create"]
    ben = clone(tmp_path, monkeypatch, "ben")
    _add(ana, 0.6)
    ana.ok("push")
    for shell, reads in ((ben, 1), (ben, 0), (ana, 0)):
        backend.calls.clear()
        fetch(shell.repository, remote_on(backend), shell.actor)
        assert len(_about(backend)) == reads, _about(backend)
    backend.calls.clear()
    push_main(ana, remote_on(backend))
    assert not _about(backend)


def test_a_hostile_remote_spoils_no_fetch(ana: Shell, tmp_path: Path, monkeypatch: Any) -> None:
    ben = clone(tmp_path, monkeypatch, "ben")
    (one,) = ana.ok("log", "-q").lines
    log = tmp_path / "origin" / FOLDER / one
    log.mkdir(parents=True)

    def entry(version: str, seq: int) -> bytes:
        results: dict[str, Any] = {"dataset": "night", "dataset_version": "3", "metrics": {"mAP50": 0.9}}
        return Evaluation(VersionId(version), seq, "Eve", Timestamp(0), f"{seq:032x}", **results).encode()

    datas = [entry(one, 1), b"{}", entry("0" * 64, 3), entry(one, 9), b"x" * (Evaluation.MAX_BYTES + 1)]
    datas.append(Note(VersionId(one), 6, "Eve", Timestamp(0), "6" * 32, text="a note").encode())
    for seq, data in enumerate(datas, start=1):
        (log / f"{seq:010d}").write_bytes(data)
    done = fetch(ben.repository, remote_on(LocalBackend(tmp_path / "origin")), ben.actor)
    assert (done.evaluations, len(done.unreadable)) == (1, 5)
    assert all(reason.startswith("Evaluation") or "evaluation" in reason for reason in done.unreadable)
    assert _values(ben) == [0.9]
    assert ben("fsck").code == 0
    kinds = {finding["kind"] for finding in ana("fsck", "--remote", "origin", "--json").json["findings"]}
    assert kinds == {"evaluation"}


def _damage(shell: Shell, number: int, size: int = 100) -> None:
    (log,) = (shell.folder / ".mvc" / "evaluations" / MODEL).iterdir()
    path = log / f"{number:010d}"
    path.write_bytes(path.read_bytes()[:size])


def test_a_damaged_evaluation_is_skipped_with_a_warning(ana: Shell, tmp_path: Path) -> None:
    _add(ana, 0.6)
    _damage(ana, 1)
    ana.set(metrics__x=1)
    ana.commit("two")
    for line in (
        *("push", "pull", "fetch", "eval list", "eval show v1", "show v1", "compare --eval night v1 v2"),
        *("changelog v1..v2", "ci report v1 v2", f"ui --export {tmp_path / 'page'}"),
        *("log --where eval.night.mAP50>0.5", "eval add v2 --dataset night@3 --file results.json"),
    ):
        said = ana(*line.split(" "))
        assert said.code == 0, (line, said)
        quiet = ("fetch", "pull") if line in ("fetch", "pull") else ()
        assert quiet or "add v2" in line or "warning: skipped .mvc/evaluations/" in said.err, (line, said)
    assert _values(ana) == [0.6]
    assert ana("prune", "--keep-best", "eval.night.mAP50=1", "-n").code == 14, "the damaged one may be the best"
    assert ana.ok("rev-parse", "origin/main").out == ana.ok("rev-parse", "main").out


def test_a_damaged_evaluation_can_be_removed(ana: Shell, tmp_path: Path, monkeypatch: Any) -> None:
    ana.ok("push")
    _damage(ana, 1)
    assert "which was damaged," in ana.ok("eval", "rm", "v1", "1").out
    assert (ana("fsck").code, _values(ana), ana("eval", "rm", "v1", "1").code) == (0, [], 2)
    ana.ok("push")
    assert _values(ana) == [0.5], "the bytes did not say which one it was, and the remote has a copy"
    assert ana("fsck", "--remote", "origin").code == 0
    ana.ok("eval", "rm", "v1", "--all")
    ana.ok("push")
    assert _values(clone(tmp_path, monkeypatch, "ben")) == []


@pytest.mark.parametrize("keep", [100, -2])
def test_fsck_repairs_an_evaluation_from_a_remote(ana: Shell, keep: int) -> None:
    ana.ok("push")
    ana.ok("notes", "add", "v1", "a note beside it")
    _damage(ana, 1, keep)
    said = ana("fsck", "--repair", "--from", "origin")
    assert (said.code, _values(ana), ana("fsck").code) == (0, [0.5], 0), said
    _add(ana, 0.6)
    _damage(ana, 2, keep)
    assert (ana("fsck", "--repair", "--from", "origin").code, _values(ana)) == (14, [0.5]), "the remote has no copy"
