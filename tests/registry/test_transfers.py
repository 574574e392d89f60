"""Transfers in threads: their limits, their order, and what an error leaves."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from mvc.remotes.remote import JOBS
from mvc.transport import transfers
from mvc.transport.transfers import BYTES


class Gate:
    """Transfers that wait for each other: each ends when `at_once` are in progress, or it is the last."""

    def __init__(self, sizes: dict[str, int]) -> None:
        self.sizes = sizes
        self.begun: list[str] = []
        self.most: list[int] = []
        self.running: set[str] = set()
        self.lock = threading.Lock()

    def begin(self, name: str) -> Callable[[], str]:
        with self.lock:
            self.begun.append(name)
            self.running.add(name)
            self.most.append(sum(self.sizes[each] for each in self.running))

        def transfer() -> str:
            with self.lock:
                self.running.discard(name)
            return name.upper()

        return transfer


def test_no_more_than_the_limits_are_in_progress() -> None:
    barrier = threading.Barrier(JOBS, timeout=10)

    def begin(_: int) -> Callable[[], int]:
        return barrier.wait  # passes only if as many as allowed run at once

    assert len(list(transfers.results(begin, range(2 * JOBS), lambda _: 1))) == 2 * JOBS


def test_large_files_are_transferred_alone_and_together_they_stay_within_the_bytes() -> None:
    sizes = {"a": BYTES // 2, "b": BYTES // 2, "c": 3 * BYTES, "d": 1, "e": BYTES}
    gate = Gate(sizes)
    done = list(transfers.results(gate.begin, sizes, sizes.__getitem__))
    assert sorted(done) == [(name, name.upper()) for name in sizes]
    assert gate.begun == list(sizes)
    assert max(gate.most) == 3 * BYTES
    assert all(most <= BYTES or most == 3 * BYTES for most in gate.most)


def test_results_come_as_they_finish_or_in_order() -> None:
    released = threading.Event()

    def begin(name: str) -> Callable[[], bool]:
        return lambda: released.wait(10) if name == "slow" else True

    results = transfers.results(begin, ["slow", "quick"], lambda _: 1)
    assert next(results) == ("quick", True)
    released.set()
    assert next(results) == ("slow", True)
    ordered = transfers.results(begin, ["slow", "quick"], lambda _: 1, in_order=True)
    assert [name for name, _ in ordered] == ["slow", "quick"]


def test_after_an_error_those_in_progress_are_counted_and_no_more_begin() -> None:
    begun, failing = list[int](), threading.Event()

    def begin(number: int) -> Callable[[], int]:
        begun.append(number)

        def transfer() -> int:
            if number == 1:
                failing.set()
                raise ValueError("refused")
            failing.wait(10)
            return number

        return transfer

    got: list[int] = []
    with pytest.raises(ValueError, match="refused"):
        got.extend(number for number, _ in transfers.results(begin, range(50), lambda _: 1))
    assert set(range(JOBS)) - {1} <= set(got) == set(begun) - {1}
    assert len(begun) < 50
