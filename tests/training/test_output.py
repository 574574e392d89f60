"""The training log is whole to its last line, whatever happens; the files of a run disturb no other run."""

from __future__ import annotations

import csv
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mvc import errors
from mvc.storage.disk import primitives
from mvc.training.engine import output
from mvc.training.engine.output import LOG, OutputFolder, TrainingLog


@pytest.fixture
def folder(tmp_path: Path) -> OutputFolder:
    return OutputFolder(tmp_path / "mvc-runs" / "x")


def _rows(log: TrainingLog) -> list[dict[str, str]]:
    assert log.path is not None
    with open(log.path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_new_metric_is_a_new_column_of_all_rows(folder: OutputFolder) -> None:
    log = TrainingLog(folder)
    log.add({"epoch": 0, "a": 0.1})
    log.add({"epoch": 1, "step": 7, "a": 0.2, 'odd, "name"': 1e-9})
    log.add({"b": float("nan")})
    assert log.path is not None
    assert log.path.read_text() == ('epoch,step,a,"odd, ""name""",b\n0,,0.1,,\n1,7,0.2,1e-09,\n,,,,nan\n')


def test_random_rows_read_back_as_they_were(folder: OutputFolder, rng: random.Random) -> None:
    log = TrainingLog(folder)
    rows = []
    names = ["a", "b,", 'c"', "d é", "metrics/mAP50(B)"]
    for epoch in range(200):
        row: dict[str, float] = {
            name: rng.choice([rng.random(), rng.randrange(9), 1e300]) for name in rng.sample(names, rng.randrange(4))
        }
        rows.append({"epoch": epoch, **row})
        assert log.add(rows[-1])
    found = [{name: float(text) for name, text in row.items() if text} for row in _rows(log)]
    assert found == rows


def test_the_log_is_bounded(folder: OutputFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "MAX_COLUMNS", 4)
    monkeypatch.setattr(output, "MAX_BYTES", 60)
    log = TrainingLog(folder)
    assert not log.add({"a": 1, "b": 2, "c": 3})
    assert _rows(log) == [{"epoch": "", "step": "", "a": "1", "b": "2"}]
    while log.add({"a": 1}):
        pass
    assert log.path is not None
    assert 60 <= log.path.stat().st_size < 70


def test_a_full_disk_leaves_whole_lines(folder: OutputFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    log = TrainingLog(folder)
    log.add({"a": 1})
    assert log.path is not None
    before = log.path.read_bytes()
    real = os.writev

    def full(fd: int, parts: list[bytes]) -> int:
        if os.fstat(fd).st_size > len(before):
            raise OSError(28, "No space left on device")
        return real(fd, [bytes(parts[0])[:3]])

    monkeypatch.setattr(os, "writev", full)
    with pytest.raises(errors.DiskFailed):
        log.add({"a": 2})
    monkeypatch.undo()
    assert log.path.read_bytes() == before
    log.add({"a": 3})
    assert [row["a"] for row in _rows(log)] == ["1", "3"]


def test_a_kill_at_any_step_leaves_whole_lines(folder: OutputFolder) -> None:
    """Each process writes the same log, and is killed before another step."""
    number, lines = 0, list[str]()
    while True:
        number += 1
        own = OutputFolder(folder.folder.with_name(f"{number}"))
        child = os.fork()
        if child == 0:
            _logging_until(own, number)
        _, status = os.waitpid(child, 0)
        path = own.folder / LOG
        if path.exists():
            lines = path.read_text().splitlines(keepends=True)
            assert all(line.endswith("\n") for line in lines)
            assert len({line.count(",") for line in lines}) == 1
        if os.WIFEXITED(status):
            break
    assert number > 8
    assert len(lines) == 5


def _logging_until(own: OutputFolder, number: int) -> None:
    """Write a log, and kill the process before step `number`."""
    count = 0

    def step(_: str, __: str) -> None:
        nonlocal count
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)

    primitives.on_step = step
    log = TrainingLog(own)
    for row in ({"a": 1.0}, {"a": 2.0}, {"a": 3.0, "b": 1.0}, {"b": 2.0}):
        log.add(row)
    os._exit(0)


def test_a_log_that_is_killed_at_random_has_whole_lines(tmp_path: Path, rng: random.Random, deep: bool) -> None:
    code = """
import sys
from pathlib import Path
from mvc.training.engine.output import OutputFolder, TrainingLog
log = TrainingLog(OutputFolder(Path(sys.argv[1])))
for epoch in range(10**9):
    log.add({"epoch": epoch, "loss": epoch / 7, **({f"m{epoch}": 1.0} if epoch % 50 == 0 and epoch < 2000 else {})})
    if epoch == 100:
        print("begun", flush=True)
"""
    for number in range(20 if deep else 3):
        process = subprocess.Popen(
            [sys.executable, "-c", code, tmp_path / str(number)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.stdout.close()
        for _ in range(rng.randrange(2_000)):
            os.sched_yield()
        process.kill()
        process.wait()
        with open(tmp_path / str(number) / LOG, encoding="utf-8", newline="") as file:
            text = file.read()
        rows = list(csv.reader(text.splitlines()))
        assert text.endswith("\n")
        assert {len(row) for row in rows} == {len(rows[0])}
        assert [int(row[0]) for row in rows[1:]] == list(range(len(rows) - 1))


def test_names_that_are_taken_get_a_number(folder: OutputFolder) -> None:
    one, other = folder, OutputFolder(folder.folder)
    assert one.write("a.json", lambda path: path.name.encode()).name == "a.json"
    assert other.write("a.json", lambda path: path.name.encode()).name == "a-2.json"
    one.write("a.json", lambda _: b"new")
    assert {path.name: path.read_bytes() for path in folder.folder.iterdir()} == {
        "a.json": b"new",
        "a-2.json": b"a-2.json",
    }
    one.remove()
    assert [path.name for path in folder.folder.iterdir()] == ["a-2.json"]
    other.remove()
    assert not folder.folder.parent.exists()


def test_nothing_is_written_inside_a_store(tmp_path: Path) -> None:
    (tmp_path / ".mvc").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / ".mvc")
    for place in (tmp_path / ".mvc" / "x", tmp_path / "link" / "x"):
        with pytest.raises(errors.InsideStore):
            OutputFolder(place).write("a", lambda _: b"")
    assert not list((tmp_path / ".mvc").iterdir())
