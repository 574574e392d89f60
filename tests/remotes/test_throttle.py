"""`--limit`: whatever is transferred takes as long as the rate says, on every kind of remote. The clock is the test's own."""

from __future__ import annotations

import random
import threading
from functools import partial
from pathlib import Path

import pytest

from mvc.remotes.backends.backend import Backend
from mvc.remotes.backends.local import LocalBackend
from mvc.remotes.backends.throttle import LEAST_READ, ThrottledBackend
from tests.cli.shell import Shell, begin
from tests.remotes.backends import Place
from tests.remotes.clones import clone

RATE = 100_000


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = threading.Lock()

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        with self._lock:
            self.seconds += seconds

    def now(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_every_transfer_is_paid_for(tmp_path: Path, clock: Clock) -> None:
    backend: Backend = ThrottledBackend(LocalBackend(tmp_path / "there"), RATE, sleep=clock.sleep, now=clock.now)
    (tmp_path / "source").write_bytes(bytes(300_000))
    paid = 0.0
    for transfer, size in (
        (lambda: backend.put("packs/a", tmp_path / "source"), 300_000),
        (lambda: backend.create("refs/1", bytes(500)), 500),
        (lambda: backend.read("refs/1", 1_000), 500),
        (lambda: backend.read_range("packs/a", 5, 70_000), 70_000),
        (lambda: backend.read_range("packs/a", 250_000, 70_000), 50_000),
        (lambda: backend.get("packs/a", lambda _: None, 300_000), 300_000),
    ):
        transfer()
        paid += size / RATE
        assert clock.seconds == pytest.approx(paid)
    assert len(list(backend.list(""))) == 2
    backend.delete(["refs/1"])
    assert clock.seconds == pytest.approx(paid)


def test_threads_share_one_budget_and_reads_are_short(tmp_path: Path) -> None:
    waits: list[float] = []
    backend = ThrottledBackend(LocalBackend(tmp_path), RATE, sleep=waits.append, now=lambda: 0.0)
    (tmp_path / "a").write_bytes(bytes(RATE))
    for _ in range(3):  # as three threads at one moment: the second waits for the first, the third for both
        backend.read_range("a", 0, RATE)
    assert waits == pytest.approx([1.0, 2.0, 3.0])
    assert backend.read_size == RATE
    assert ThrottledBackend(LocalBackend(tmp_path), 10.0).read_size == LEAST_READ
    assert ThrottledBackend(LocalBackend(tmp_path), 1e9).read_size == LocalBackend(tmp_path).read_size


@pytest.mark.parametrize("place", ["file", "s3", "sftp"], indirect=True)
def test_clone_fetch_pull_and_push_keep_to_the_limit(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random, clock: Clock
) -> None:
    (tmp_path / "ana").mkdir()
    ana = begin(tmp_path / "ana", monkeypatch)
    url, settings = place
    ana.ok("remote", "add", "origin", url, *(part for key in settings for part in ("-o", f"{key}={settings[key]}")))
    sizes = [400_000, 300_000, 200_000]
    clones = ["early", "late"]
    monkeypatch.setattr(
        "mvc.transport.connection.ThrottledBackend", partial(ThrottledBackend, sleep=clock.sleep, now=clock.now)
    )

    def seconds(shell: Shell, *arguments: str) -> float:
        before = clock.seconds
        shell.ok(*arguments)
        return clock.seconds - before

    for number, size in enumerate(sizes):
        ana.write("w.bin", rng.randbytes(size))
        if not number:
            ana.ok("add", "w.bin", "--as", "weights")
        ana.commit(f"version {number + 1}")
        assert seconds(ana, "push", "--limit", "100K") >= size / 102_400
        if number < len(clones):
            before = clock.seconds
            clone(tmp_path, monkeypatch, clones[number], "--limit", "100K", place=place)
            assert size / 102_400 <= clock.seconds - before <= 1.2 * size / 102_400
    early, late = (Shell(tmp_path / name, monkeypatch) for name in clones)
    assert 0 < seconds(early, "fetch", "--limit", "100K") < 1
    for shell in (early, late):
        took = seconds(shell, "pull", "--limit", "100K")
        assert sizes[-1] / 102_400 <= took <= 1.2 * sizes[-1] / 102_400
        assert (shell.folder / "w.bin").read_bytes() == (ana.folder / "w.bin").read_bytes()
