"""Progress: nothing for quick work; then how much, how fast, how long still, as a bar or as lines."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import pytest

from mvc.cli.app import progress
from mvc.cli.app.progress import Progress

MIB = 1 << 20


@dataclass
class Clock:
    now: float = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    monkeypatch.setenv("COLUMNS", "200")
    return clock


def work(told: Progress, clock: Clock, seconds: int, count: int = MIB) -> None:
    """`count` bytes a second."""
    with told:
        for _ in range(seconds):
            clock.now += 1
            told(count)


def test_quick_work_shows_nothing(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("Storing", 10 * MIB, "plain") as told:
        clock.now += 0.9
        told(10 * MIB)
    assert capsys.readouterr() == ("", "")


def test_plain_lines_come_every_ten_seconds(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    work(Progress("Storing", 100 * MIB, "plain"), clock, 25)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "Storing   1%  1.0 MiB of 100.0 MiB, 1.0 MiB/s, 99 s left",
        "Storing  11%  11.0 MiB of 100.0 MiB, 1.0 MiB/s, 89 s left",
        "Storing  21%  21.0 MiB of 100.0 MiB, 1.0 MiB/s, 79 s left",
        "Storing 100%  25.0 MiB of 25.0 MiB, 1.0 MiB/s, done",
    ]


def test_a_bar_is_drawn_over_itself_and_goes_at_the_end(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    work(Progress("Storing", 4 * MIB, "bar"), clock, 4)
    shown = capsys.readouterr().err.split("\r\x1b[K")
    assert shown[1] == "Storing [######..................]  25%  1.0 MiB of 4.0 MiB, 1.0 MiB/s, 3 s left"
    assert shown[-2].endswith("100%  4.0 MiB of 4.0 MiB, 1.0 MiB/s, finishing")
    assert shown[-1] == ""


def test_a_bar_is_no_wider_than_the_terminal(
    clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    work(Progress("Storing", 4 * MIB, "bar"), clock, 4)
    assert max(map(len, capsys.readouterr().err.split("\r\x1b[K"))) == 29


def test_without_a_total_there_is_still_a_rate(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    work(Progress("Storing", 0, "plain"), clock, 2)
    last = "Storing 100%  2.0 MiB of 2.0 MiB, 1.0 MiB/s, done"
    assert capsys.readouterr().err.splitlines() == ["Storing 1.0 MiB, 1.0 MiB/s", last]


def test_none_is_none_and_auto_is_plain_without_a_terminal(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    work(Progress("Storing", MIB, "none"), clock, 30)
    assert capsys.readouterr().err == ""
    work(Progress("Storing", 100 * MIB, "auto"), clock, 2)
    assert "\x1b" not in capsys.readouterr().err


def test_a_bar_goes_when_the_work_fails(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.suppress(KeyboardInterrupt), Progress("Storing", 4 * MIB, "bar") as told:
        clock.now += 2
        told(MIB)
        raise KeyboardInterrupt
    assert capsys.readouterr().err.endswith("\r\x1b[K")


def test_plain_lines_end_with_all_of_it(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("Storing", 40 * MIB, "plain") as told:
        clock.now += 2
        told(MIB)
        clock.now += 2
        told(39 * MIB)
    assert capsys.readouterr().err.splitlines() == [
        "Storing   2%  1.0 MiB of 40.0 MiB, 512.0 KiB/s, 78 s left",
        "Storing 100%  40.0 MiB of 40.0 MiB, 10.0 MiB/s, done",
    ]


def test_a_failure_is_not_called_done(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.suppress(OSError), Progress("Storing", 40 * MIB, "plain") as told:
        clock.now += 2
        told(MIB)
        raise OSError
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_each_stage_begins_at_nothing(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("Fetching files", 0, "plain") as told:
        for total, label in ((10, ""), (30, "Writing files")):
            told.expect(total * MIB, label)
            clock.now += 10
            told(total * MIB)
    assert capsys.readouterr().err.splitlines() == [
        "Fetching files 100%  10.0 MiB of 10.0 MiB, 1.0 MiB/s, finishing",
        "Writing files 100%  30.0 MiB of 30.0 MiB, 3.0 MiB/s, finishing",
        "Writing files 100%  30.0 MiB of 30.0 MiB, 3.0 MiB/s, done",
    ]
