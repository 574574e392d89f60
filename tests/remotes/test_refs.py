"""Names on a remote: found by galloping, moved by whoever is first, judged rightly when answers are lost."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.version import Timestamp
from mvc.remotes.backends.backend import Backend, Outcome
from mvc.remotes.backends.local import LocalBackend
from mvc.remotes.refs import Listing, RemoteRefs
from mvc.storage.records.reflog import HEADS, Move, RefName, Seen
from tests.remotes.faults import Fault, Faulty

MAIN = RefName("Night/Shift", HEADS, "release/Main")
A = VersionId("a" * 64)


def _refs(backend: Backend) -> RemoteRefs:
    return RemoteRefs(backend, lambda _: None)


def _move(rng: random.Random, by: str = "Ana <a@b>") -> Move:
    return Move(by, Timestamp(1_770_000_000), "push", f"{rng.getrandbits(128):032x}")


def _grow(refs: RemoteRefs, count: int, rng: random.Random) -> None:
    tip = None
    for number in range(count):
        tip = refs.move(MAIN, tip, VersionId(f"{number:064x}"), _move(rng))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 9, 31, 100])
def test_the_tip_is_found_from_wherever_one_begins(tmp_path: Path, rng: random.Random, count: int) -> None:
    refs = _refs(LocalBackend(tmp_path / "there"))
    _grow(refs, count, rng)
    tip = refs.tip(MAIN)
    assert (tip.seq if tip else 0) == count
    for seen in {1, count // 2, count} - {0}:
        if seen <= count:
            entry = refs.entry(MAIN, seen)
            assert entry is not None
            assert refs.tip(MAIN, Seen(entry.seq, entry.id)) == tip


def test_few_reads_find_the_tip_of_a_long_log(tmp_path: Path, rng: random.Random) -> None:
    _grow(_refs(LocalBackend(tmp_path / "there")), 300, rng)
    backend = Faulty(LocalBackend(tmp_path / "there"))
    tip = _refs(backend).tip(MAIN)
    assert tip is not None
    assert len(backend.calls) <= 20
    again = Faulty(LocalBackend(tmp_path / "there"))
    _refs(again).tip(MAIN, Seen(tip.seq, tip.id))
    assert len(again.calls) == 2


def test_a_log_that_is_another_than_was_seen_is_told(tmp_path: Path, rng: random.Random) -> None:
    refs = _refs(LocalBackend(tmp_path / "there"))
    _grow(refs, 3, rng)
    for seen in (Seen(3, A), Seen(4, A)):
        with pytest.raises(errors.RemoteRewritten):
            refs.tip(MAIN, seen)
        with pytest.raises(errors.RemoteRewritten):
            refs.at(MAIN, 3, seen)


def test_the_names_are_listed_with_their_newest_numbers(tmp_path: Path, rng: random.Random) -> None:
    refs = _refs(LocalBackend(tmp_path / "there"))
    _grow(refs, 11, rng)
    assert refs.numbers() == {MAIN: 11}
    assert refs.numbers("Night/Shift") == {MAIN: 11}
    assert refs.numbers("other") == {}


@pytest.mark.parametrize("folder", ["Night/heads/main", "night/heads/a%zz", "%/tags/main", "night/aliases/%ff"])
def test_names_that_stand_for_none_are_listed_beside(tmp_path: Path, rng: random.Random, folder: str) -> None:
    backend = LocalBackend(tmp_path / "there")
    refs = _refs(backend)
    _grow(refs, 2, rng)
    for number in (1, 2):
        backend.create(f"refs/{folder}/{number:010}", b"x")
    backend.create("refs/notes.txt", b"no entry of any name")
    assert refs.everything() == Listing({MAIN: 2}, {}, {}, {folder})
    assert refs.numbers() == {MAIN: 2}


class _Lossy(Faulty):
    """Half of all answers to a create are lost, after it was done or before; of reads, some."""

    def __init__(self, inner: Backend, rng: random.Random) -> None:
        super().__init__(inner)
        self._rng = rng
        self._lossy = inner
        self._lock = threading.Lock()

    def create(self, name: str, body: bytes) -> Outcome:
        done = self._lossy.create(name, body) if self._draw() < 0.75 else None
        if done is None or self._draw() < 0.5:
            raise errors.RemoteUnreachable(remote=self.where, reason="lost on purpose")
        return done

    def read(self, name: str, limit: int) -> bytes:
        if self._draw() < 0.1:
            raise errors.RemoteUnreachable(remote=self.where, reason="lost on purpose")
        return self._lossy.read(name, limit)

    def _draw(self) -> float:
        with self._lock:
            return self._rng.random()


def test_every_verdict_is_right_when_half_of_the_answers_are_lost(tmp_path: Path, rng: random.Random) -> None:
    truth = _refs(LocalBackend(tmp_path / "there"))
    verdicts: dict[str, str] = {}
    seeds = [rng.getrandbits(64) for _ in range(3)]

    def push(seed: int) -> None:
        mine = random.Random(seed)
        refs = _refs(_Lossy(LocalBackend(tmp_path / "there"), mine))
        for _ in range(60):
            move = _move(mine, f"{seed}")
            verdicts[move.nonce] = _verdict(lambda move=move: refs.move(MAIN, truth.tip(MAIN), A, move))  # type: ignore[misc]

    threads = [threading.Thread(target=push, args=(seed,)) for seed in seeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tip = truth.tip(MAIN)
    assert tip is not None
    entries = [truth.entry(MAIN, seq) for seq in range(1, tip.seq + 1)]
    there = [entry.move.nonce for entry in entries if entry is not None]
    assert len(there) == len(set(there)) == tip.seq
    assert len(verdicts) == 180
    for nonce, verdict in verdicts.items():
        assert verdict in ("accepted", "unknown") if nonce in there else verdict in ("told", "unknown")
    assert list(verdicts.values()).count("unknown") < 10
    assert list(verdicts.values()).count("accepted") > 20


def _verdict(move: Callable[[], object]) -> str:
    try:
        move()
    except errors.RefMoved:
        return "told"
    except errors.PushUncertain:
        return "unknown"
    return "accepted"


def test_a_store_that_never_answers_leaves_it_open(tmp_path: Path, rng: random.Random) -> None:
    refs = _refs(Faulty(LocalBackend(tmp_path / "there"), Fault.REFUSED, 1, 1_000))
    with pytest.raises(errors.PushUncertain):
        refs.move(MAIN, None, A, _move(rng))
