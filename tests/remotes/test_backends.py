"""What every backend does, on the real thing."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import Buffer
from mvc.remotes.backends.backend import Backend, Outcome
from mvc.remotes.backends.retry import RetryingBackend

ODD = "refs/a%2Fb/heads/n%20ight/0000000001"


def test_a_name_is_created_once_and_keeps_its_bytes(backend: Backend) -> None:
    assert backend.create(ODD, b"first") is Outcome.CREATED
    assert backend.create(ODD, b"second, longer") is Outcome.TAKEN
    assert backend.read(ODD, 100) == b"first"


def test_of_eight_threads_one_creates_and_its_bytes_are_whole(backend: Backend) -> None:
    bodies = [bytes([65 + number]) * 40_000 for number in range(8)]
    outcomes: dict[int, Outcome] = {}
    start = threading.Barrier(8)

    def race(number: int) -> None:
        start.wait()
        outcomes[number] = backend.create("refs/m/heads/main/0000000001", bodies[number])

    threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 8
    winners = [number for number, outcome in outcomes.items() if outcome is Outcome.CREATED]
    assert [backend.read("refs/m/heads/main/0000000001", 100_000)] == [bodies[number] for number in winners]


def test_what_is_absent_says_so(backend: Backend) -> None:
    with pytest.raises(FileNotFoundError):
        backend.read("meta/none", 10)
    with pytest.raises(FileNotFoundError):
        backend.read_range("meta/none", 0, 10)
    with pytest.raises(FileNotFoundError):
        backend.get("meta/none", lambda block: None, 10)
    assert list(backend.list("")) == []
    assert list(backend.list("meta")) == []
    backend.delete(["meta/none"])


def test_a_read_has_limits_and_ranges_end_with_the_file(backend: Backend) -> None:
    backend.create("meta/x", b"0123456789")
    assert backend.read("meta/x", 10) == b"0123456789"
    assert backend.read("meta/x", 3) == b"0123"
    assert backend.read_range("meta/x", 2, 3) == b"234"
    assert backend.read_range("meta/x", 8, 5) == b"89"


def test_a_big_file_comes_back_whole_and_may_be_put_again(backend: Backend, tmp_path: Path, rng: random.Random) -> None:
    data = rng.randbytes(6 * 1024 * 1024 + 1)
    (tmp_path / "source").write_bytes(data)
    backend.put("packs/77/big", tmp_path / "source")
    backend.put("packs/77/big", tmp_path / "source")
    got = bytearray()

    def sink(block: Buffer) -> None:
        got.extend(block)

    backend.get("packs/77/big", sink, len(data))
    assert bytes(got) == data
    assert backend.read_range("packs/77/big", 5_000_000, 70_000) == data[5_000_000:5_070_000]
    assert [(each.name, each.size) for each in backend.list("")] == [("packs/77/big", len(data))]


def test_a_pack_that_lies_there_cut_is_put_whole(backend: Backend, tmp_path: Path, rng: random.Random) -> None:
    data = rng.randbytes(100_000)
    for size in (0, 60_000, 100_000):
        (tmp_path / "source").write_bytes(data[:size])
        backend.put("packs/77/cut", tmp_path / "source")
    assert [(each.name, each.size) for each in backend.list("")] == [("packs/77/cut", len(data))]
    assert backend.read_range("packs/77/cut", 0, len(data)) == data


def test_a_get_stops_soon_after_its_limit(backend: Backend, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(bytes(6 * 1024 * 1024))
    backend.put("packs/00/big", tmp_path / "source")
    sizes: list[int] = []
    backend.get("packs/00/big", lambda block: sizes.append(len(block)), 100)
    assert 100 < sum(sizes) < 6 * 1024 * 1024


def test_a_listing_is_fresh_and_knows_sizes_and_times(backend: Backend) -> None:
    names = ["deep/a/b/c/d/e", "deep/f", ODD]
    for name in names:
        backend.create(name, name.encode())
        assert name in [each.name for each in backend.list("")]
    listed = {each.name: each for each in backend.list("")}
    assert {name: each.size for name, each in listed.items()} == {name: len(name) for name in names}
    assert all(abs(each.modified - time.time()) < 600 for each in listed.values())
    assert sorted(each.name for each in backend.list("deep")) == names[:2]


def test_what_is_deleted_is_gone_and_its_name_free(backend: Backend) -> None:
    backend.create("gc/active", b"x")
    backend.create("gc/other", b"y")
    backend.delete(["gc/active", "gc/none"])
    assert [each.name for each in backend.list("gc")] == ["gc/other"]
    assert backend.create("gc/active", b"z") is Outcome.CREATED


def test_of_a_range_that_begins_at_the_end_there_is_nothing(backend: Backend) -> None:
    backend.create("x", b"0123456789")
    assert backend.read_range("x", 8, 5) == b"89"
    assert backend.read_range("x", 10, 5) == b""
    assert backend.read_range("x", 20, 5) == b""


@pytest.mark.parametrize("given", [0, 4, 10], ids=["at-once", "in-the-middle", "at-the-end"])
def test_a_get_that_was_cut_goes_on_where_it_was(backend: Backend, monkeypatch: pytest.MonkeyPatch, given: int) -> None:
    def cut(_: str, sink: Callable[[bytes], None], __: int) -> None:
        sink(b"0123456789"[:given])
        raise errors.RemoteUnreachable(remote=backend.where, reason="cut on purpose")

    backend.create("x", b"0123456789")
    monkeypatch.setattr(backend, "get", cut)
    for limit in (10, 50):
        came: list[bytes] = []
        RetryingBackend(backend, lambda _: None).get("x", lambda block, came=came: came.append(bytes(block)), limit)  # type: ignore[misc]
        assert b"".join(came) == b"0123456789"


def test_a_get_that_failed_goes_on_no_sooner_than_the_server_asks(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        failed = errors.RemoteUnreachable(remote=backend.where, reason="busy on purpose")
        failed.after = 7
        raise failed

    backend.create("x", b"0123456789")
    monkeypatch.setattr(backend, "get", busy)
    waited: list[float] = []
    RetryingBackend(backend, waited.append).get("x", lambda _: None, 10)
    assert waited == [7]
