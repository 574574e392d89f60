"""Each verb gives progress the total of a stage before it begins, and then exactly that many bytes."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from mvc.cli.app.progress import Progress
from tests.cli.shell import Shell, begin


class Stages:
    """What every progress of a run was given: total and bytes done of each stage."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._all: list[list[int]] = []
        made, expected, called = Progress.__init__, Progress.expect, Progress.__call__

        def init(told: Progress, label: str, total: int, mode: str) -> None:
            made(told, label, total, mode)
            self._all.append([total, 0])

        def expect(told: Progress, total: int, label: str = "") -> None:
            expected(told, total, label)
            self._all.append([total, 0])

        def call(told: Progress, count: int) -> None:
            called(told, count)
            self._all[-1][1] += count

        for name, function in (("__init__", init), ("expect", expect), ("__call__", call)):
            monkeypatch.setattr(Progress, name, function)

    def of(self, run: Callable[[], object]) -> list[int]:
        """The totals of the stages of `run` that have one; each was done exactly."""
        self._all.clear()
        run()
        assert all(total in (0, done) for total, done in self._all), self._all  # 0: nobody can know
        return [total for total, _ in self._all if total]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    (tmp_path / "a").mkdir()
    return begin(tmp_path / "a", monkeypatch)


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Stages:
    return Stages(monkeypatch)


def test_totals_are_right_at_every_stage(shell: Shell, stages: Stages, rng: random.Random, tmp_path: Path) -> None:
    def done(*arguments: str) -> list[int]:
        return stages.of(lambda: shell.ok(*arguments))

    first, second = rng.randbytes(300_000), rng.randbytes(200_000)
    for number in range(20):
        shell.write(f"small/{number}.txt", bytes([number]) * 2000)
    shell.write("w.bin", first)
    shell.write("twin.bin", first)
    shell.ok("add", "w.bin", "twin.bin", "small")
    files = 2 * len(first) + 20 * 2000
    assert done("commit", "-m", "one")[0] >= files
    again = done("commit", "--allow-empty", "-m", "nothing new")
    assert len(again) <= 1
    assert sum(again) <= files  # those that are young are read again, all or some
    shell.write("w.bin", first[:100_000] + second)
    assert done("commit", "-m", "two")[0] >= 300_000
    assert len(done("switch", "v1")) == 1
    assert len(done("switch", "main")) == 1
    (shell.folder / "w.bin").unlink()
    assert done("restore", "w.bin") == [300_000]
    assert done("cat", "v1:w", "-o", "../out") == [300_000]
    assert done("export", "v1", "../exported") == [files]
    assert len(done("fsck")) <= 1
    assert len(done("fsck", "--read-data")) == 1
    assert len(done("gc")) <= 1
    shell.ok("remote", "add", "origin", f"{tmp_path}/share")
    assert len(done("push")) == 1
    assert len(done("fsck", "--remote", "origin")) <= 1
    assert len(done("fsck", "--remote", "origin", "--read-data")) == 1
    assert len(done("clone", f"{tmp_path}/share", "../whole")) == 2
    assert len(done("clone", "--meta", f"{tmp_path}/share", "../meta")) <= 1
    assert len(done("-C", f"{tmp_path}/meta", "cat", "v1:w", "-o", f"{tmp_path}/out2")) >= 1
    assert len(done("-C", f"{tmp_path}/meta", "export", "v1", f"{tmp_path}/exported2")) >= 1
    assert len(done("-C", f"{tmp_path}/meta", "restore", ".")) >= 1
    shell.write("w.bin", second)
    shell.commit("three")
    assert len(done("push")) == 1
    assert len(done("-C", f"{tmp_path}/whole", "pull")) == 2
    assert len(done("-C", f"{tmp_path}/meta", "fetch")) <= 1
