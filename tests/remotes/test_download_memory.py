"""Fetching: the ranges in memory stay within one budget, whatever the plan, and every plan comes to its end."""

from __future__ import annotations

import random
import threading
from pathlib import Path
from typing import Any

import pytest

from mvc.remotes import download, download_plan
from mvc.remotes.backends.local import LocalBackend
from mvc.remotes.budget import Budget, Share
from tests.remotes.clones import WEIGHTS
from tests.remotes.test_download import _fill, _pushed


class _Bytes(bytes):
    """Bytes of a range that count as long as they are in memory."""

    counter: _Counting

    def __del__(self) -> None:
        self.counter.gone(len(self))


class _Counting(LocalBackend):
    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._lock = threading.Lock()
        self.held = self.most = self.longest = self.total = 0

    def read_range(self, name: str, offset: int, size: int) -> bytes:
        data = super().read_range(name, offset, size)
        if not name.startswith("packs/"):
            return data
        with self._lock:
            self.held += size
            self.total += size
            self.most, self.longest = max(self.most, self.held), max(self.longest, size)
        counted = _Bytes(data)
        counted.counter = self
        return counted

    def gone(self, size: int) -> None:
        with self._lock:
            self.held -= size


@pytest.mark.parametrize("_", range(3))
def test_no_more_than_the_budget_and_one_batch_is_held(
    tmp_path: Path, monkeypatch: Any, rng: random.Random, _: int
) -> None:
    shell = _pushed(tmp_path, monkeypatch, rng)
    batch, read, jobs = rng.choice([20_000, 60_000]), rng.choice([1, 15_000]), rng.choice([1, 4])
    size = rng.choice([1, 40_000])
    taken: list[int] = []
    made: list[Budget] = []

    class Watched(Budget):
        def __init__(self, _: int) -> None:
            super().__init__(size)
            made.append(self)

        def _take(self, share: Share, size: int, *, wait: bool) -> bool:
            done = super()._take(share, size, wait=wait)
            if done:
                taken.append(size)
            return done

    monkeypatch.setattr(download_plan, "BATCH", batch)
    monkeypatch.setattr(download, "Budget", Watched)
    backend = _Counting(tmp_path / "origin")
    backend.read_size = read
    _fill(tmp_path / "clone", backend, shell, monkeypatch, jobs)
    assert (tmp_path / "clone" / WEIGHTS).read_bytes() == (shell.folder / WEIGHTS).read_bytes()
    assert sum(taken) == backend.total > 0, "every range is counted"
    assert all(each._free == size and not each._shares for each in made), "all is given back"
    largest = batch + batch // 16 + 2 * backend.longest
    assert backend.most <= size + largest + jobs * backend.longest, "a thread may still end its read"
    assert backend.held == 0


def test_only_the_oldest_share_may_go_over(rng: random.Random) -> None:
    budget = Budget(100)
    shares = [budget.share().__enter__() for _ in range(3)]
    held = [0, 0, 0]
    for _ in range(300):
        number, size = rng.randrange(3), rng.randrange(1, 60)
        wait = number == 0 and rng.random() < 0.3
        fits = sum(held) + size <= 100
        assert shares[number].take(size, wait=wait) == (fits or wait)
        held[number] += size if fits or wait else 0
        if rng.random() < 0.5:
            given = rng.choice(range(3))
            shares[given].give(held[given])
            held[given] = 0


def test_a_share_waits_until_bytes_are_given_back_or_it_is_the_oldest() -> None:
    budget, done = Budget(10), threading.Event()
    first = budget.share().__enter__()
    second = budget.share().__enter__()
    assert first.take(10, wait=False)

    def wait() -> None:
        second.take(50, wait=True)
        done.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert not done.is_set()
    first.__exit__()
    thread.join()
    assert done.is_set()
