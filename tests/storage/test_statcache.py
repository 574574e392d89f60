"""The stat cache: a file that was read is not read again, and no edit is ever missed."""

from __future__ import annotations

import mmap
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mvc.model.ids import FileId, digest
from mvc.storage.disk import hashing, primitives, timestamps
from mvc.storage.disk.door import StoreDoor
from mvc.storage.disk.file_stat import Stat
from mvc.storage.disk.timestamps import FileSystem
from mvc.storage.disk.treedoor import TreeDoor
from mvc.storage.records.statcache import StatCache
from tests.conftest import is_tmpfs

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
SIZE = 8
TICKS = (1, 100, 1_000, 4_000_000, 10_000_000, 100_000_000, SECOND, 2 * SECOND)
"""Nanoseconds: ext4, NTFS, some FUSE, the kernel's own clock at 250 Hz and 100 Hz, ext4 with small inodes, FAT."""


class Simulated:
    """Real files whose stamps are those of a simulated file system: of any tick, with a clock that is not the machine's.

    A page that was written and not flushed since is dirty: a write to it through a map leaves the stamps as they are.
    """

    def __init__(self, root: Path, patch: pytest.MonkeyPatch, tick_ns: int, *, ahead_ns: int = 0) -> None:
        (root / ".mvc" / "cache").mkdir(parents=True, exist_ok=True)
        self.root = root
        self.now_ns = 1_700_000_000 * SECOND + 123_456_789
        self.tick_ns = tick_ns
        # the ticks of a kernel's own clock begin at no whole millisecond
        self.offset_ns = 123_457 if 1_000_000 <= tick_ns < 10_000_000 else 0
        self._stamps: dict[int, tuple[int, int]] = {}
        self._dirty: set[int] = set()
        self._freed: set[int] = set()
        patch.setattr(Stat, "of", self._stat)
        patch.setattr(primitives, "now_ns", lambda: self.now_ns - ahead_ns)
        patch.setattr(FileSystem, "flush", self._flush)
        self.reopen()

    def reopen(self) -> None:
        """As another process sees it."""
        door = StoreDoor(self.root / ".mvc")
        self.tree = TreeDoor(self.root, door)
        self.cache = StatCache(door, self.tree)

    # --- what a person, a program and a kernel do

    def write(self, name: str, data: bytes) -> None:
        (self.root / name).touch()
        with (self.root / name).open("r+b") as file:
            file.write(data)
        self._touch(name)

    def write_through_map(self, name: str, data: bytes) -> None:
        inode, was = self._inode(name), self._stamps[self._inode(name)]
        dirty = inode in self._dirty
        self.write(name, data)
        if dirty:
            self._stamps[inode] = was

    def write_and_date_back(self, name: str, data: bytes) -> None:
        if not timestamps.is_coarse(self._tick()):
            self.now_ns += self.tick_ns  # nobody does both within a tick of milliseconds
        mtime = self._stamps[self._inode(name)][0]
        self.write(name, data)
        self._stamps[self._inode(name)] = (mtime, self._tick())

    def replace(self, name: str, data: bytes) -> None:
        """As `cp -p` and a rename do."""
        mtime, _ = self._stamps.pop(self._inode(name))
        self.write("new", data)
        if self._inode("new") in self._freed:
            self.now_ns += self.tick_ns  # nobody replaces a file twice within a tick, and keeps its time
        self._freed.add(self._inode(name))
        os.replace(self.root / "new", self.root / name)
        self._stamps[self._inode(name)] = (mtime, self._tick())

    def write_back(self) -> None:
        self._dirty.clear()

    def place(self, name: str, data: bytes, later_ns: int) -> None:
        """As `switch` does: the file was written before, and flushed."""
        self.write("staged", data)
        self._dirty.discard(self._inode("staged"))
        self.now_ns += later_ns
        place = self.tree.place

        def placed(staged: Path, path: str) -> None:
            mtime = self._stamps[staged.stat().st_ino][0]
            if (self.root / path).exists():
                self._freed.add(self._inode(path))
                self._stamps.pop(self._inode(path))
            place(staged, path)
            self._stamps[self._inode(path)] = (mtime, self._tick())

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.tree, "place", placed)
            self.cache.place(name, self.root / "staged", FileId(digest(data)))

    # --- what mvc does

    def stat(self, name: str) -> Stat:
        return Stat.of((self.root / name).stat())

    def known(self, name: str) -> FileId | None:
        return self.cache.lookup(name, self.stat(name))

    def read(self, name: str, read: Callable[[int], FileId] = hashing.file_id) -> FileId | None:
        fd = self.tree.open(name)
        try:
            return self.cache.read(name, fd, read)
        finally:
            os.close(fd)

    def save(self) -> None:
        self.cache.save()
        self.reopen()

    # --- inside

    def _tick(self) -> int:
        return (self.now_ns - self.offset_ns) // self.tick_ns * self.tick_ns + self.offset_ns

    def _inode(self, name: str) -> int:
        return (self.root / name).stat().st_ino

    def _touch(self, name: str) -> None:
        self._stamps[self._inode(name)] = (self._tick(), self._tick())
        self._dirty.add(self._inode(name))

    def _stat(self, found: os.stat_result) -> Stat:
        mtime, ctime = self._stamps.get(found.st_ino, (self._tick(), self._tick()))
        return Stat(found.st_size, mtime, ctime, found.st_ino, found.st_mode)

    def _flush(self, fd: int) -> None:
        self._dirty.discard(os.fstat(fd).st_ino)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Simulated:
    return Simulated(tmp_path, monkeypatch, 1)


def test_a_file_that_was_read_is_known(disk: Simulated) -> None:
    disk.write("w", b"weights!")
    assert disk.known("w") is None
    disk.now_ns += DAY
    assert disk.read("w") == digest(b"weights!")
    disk.save()
    assert disk.known("w") == digest(b"weights!")


@pytest.mark.parametrize("field", ["size", "mtime_ns", "ctime_ns", "inode"])
def test_a_file_that_looks_different_is_not(disk: Simulated, field: str) -> None:
    disk.write("w", b"weights!")
    disk.now_ns += DAY
    disk.read("w")
    changed = disk.stat("w")._replace(**{field: getattr(disk.stat("w"), field) + 1})
    assert disk.cache.lookup("w", changed) is None


@pytest.mark.parametrize(("tick_ns", "passed_ns"), [(1, timestamps.SETTLED_NS), (SECOND, timestamps.COARSE_NS)])
def test_a_file_is_recorded_when_the_tick_of_its_last_edit_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tick_ns: int, passed_ns: int
) -> None:
    disk = Simulated(tmp_path, monkeypatch, tick_ns)
    disk.now_ns = 1_700_000_000 * SECOND + (1 if tick_ns == 1 else 0)
    disk.write("w", b"weights!")
    disk.now_ns += passed_ns - 1
    disk.read("w")
    assert disk.known("w") is None
    disk.now_ns += 1
    disk.read("w")
    assert disk.known("w") == digest(b"weights!")


@pytest.mark.parametrize("ahead_ns", [-10 * SECOND, 10 * SECOND])
def test_the_clocks_of_the_file_system_and_of_the_machine_must_both_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead_ns: int
) -> None:
    disk = Simulated(tmp_path, monkeypatch, 1, ahead_ns=ahead_ns)
    disk.write("w", b"weights!")
    disk.read("w")
    assert disk.known("w") is None
    disk.now_ns += 20 * SECOND
    disk.read("w")
    assert disk.known("w") == digest(b"weights!")


def test_a_stamp_of_this_machine_is_young_also_where_the_server_is_ahead(disk: Simulated) -> None:
    """As a network file system makes them that leaves stamps to its clients."""
    stamp_ns = disk.now_ns
    disk.now_ns += 10 * SECOND
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(primitives, "now_ns", lambda: stamp_ns)
        file_system = FileSystem(disk.root.stat().st_dev, StoreDoor(disk.root / ".mvc").scratch)
        assert not file_system.has_passed(stamp_ns)


def test_a_file_that_its_flush_stamps_is_young(disk: Simulated, monkeypatch: pytest.MonkeyPatch) -> None:
    def flush_and_stamp(_: int) -> None:
        disk.write("w", b"weights!")

    monkeypatch.setattr(FileSystem, "flush", property(lambda _: flush_and_stamp))
    disk.write("w", b"weights!")
    disk.now_ns += DAY
    assert disk.read("w") == digest(b"weights!")
    assert disk.known("w") is None


def test_a_row_that_was_not_sure_does_not_become_so_when_the_cache_is_saved_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Simulated(tmp_path, monkeypatch, SECOND)
    disk.write("w", b"first!!!")
    disk.write("other", b"any")
    disk.now_ns += 100_000_000
    disk.read("w")
    disk.save()
    disk.write("w", b"second!!")
    disk.now_ns += DAY
    disk.read("other")
    disk.save()
    assert disk.known("w") is None


def test_a_file_with_a_stamp_in_the_future_is_always_read(disk: Simulated) -> None:
    disk.now_ns += DAY
    disk.write("w", b"weights!")
    disk.now_ns -= DAY
    disk.read("w")
    assert disk.known("w") is None


def test_nothing_is_known_while_the_clock_is_set_back(disk: Simulated) -> None:
    disk.write("w", b"weights!")
    disk.now_ns += DAY
    disk.read("w")
    disk.save()
    disk.now_ns -= 1
    disk.reopen()
    assert disk.known("w") is None


def test_a_file_that_changes_while_it_is_read_has_no_id(disk: Simulated) -> None:
    disk.write("w", b"weights!")
    disk.now_ns += DAY

    def read(fd: int) -> FileId:
        disk.write("w", b"changed!")
        return hashing.file_id(fd)

    assert disk.read("w", read) is None
    assert disk.known("w") is None


def test_a_file_that_was_placed_is_known_at_once(disk: Simulated) -> None:
    disk.place("w", b"weights!", later_ns=1)
    disk.save()
    assert disk.known("w") == digest(b"weights!")
    disk.place("w", b"the next", later_ns=0)  # an edit could have the stamps that it has
    assert disk.known("w") is None


def test_where_no_flush_makes_every_edit_show_nothing_is_recorded(
    disk: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FileSystem, "flush", None)
    disk.write("w", b"weights!")
    disk.now_ns += DAY
    assert disk.read("w") == digest(b"weights!")
    disk.place("x", b"weights!", later_ns=DAY)
    assert disk.known("w") is disk.known("x") is None


def test_a_file_that_cannot_be_flushed_is_not_recorded(disk: Simulated, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(FileSystem, "flush", property(lambda _: fail))
    disk.write("w", b"weights!")
    disk.now_ns += DAY
    assert disk.read("w") == digest(b"weights!")
    assert disk.known("w") is None


@pytest.mark.parametrize("data", [b"", b"{}", b"2 " + b"a" * 64 + b"\n{}"])
def test_a_cache_of_wrong_bytes_knows_nothing(disk: Simulated, data: bytes) -> None:
    disk.write("w", b"weights!")
    (disk.root / ".mvc" / "cache" / "stat").write_bytes(data)
    assert disk.known("w") is None


def test_the_cache_of_an_older_mvc_counts_no_more(disk: Simulated) -> None:
    disk.write("w", b"weights!")
    disk.now_ns += DAY
    body = f'{{"w":[{",".join(map(str, disk.stat("w")[:4]))},"{"a" * 64}"]}}'.encode()
    (disk.root / ".mvc" / "cache" / "stat").write_bytes(digest(body).encode() + b"\n" + body)
    assert disk.known("w") is None


@pytest.mark.parametrize("tick_ns", TICKS)
def test_no_edit_is_missed_whatever_the_tick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random, deep: bool, tick_ns: int
) -> None:
    known = 0
    for number in range(200 if deep else 12):
        (tmp_path / str(number)).mkdir()
        with monkeypatch.context() as patch:
            ahead_ns = rng.choice((0, 0, -10 * SECOND, 10 * SECOND, 7))
            known += _play(Simulated(tmp_path / str(number), patch, tick_ns, ahead_ns=ahead_ns), rng)
    assert known  # the cache is of use at all


def _play(disk: Simulated, rng: random.Random) -> int:
    """Edit, read, place and save in any order; after each step, what the cache knows is so. How much it knew."""
    names, known = ("a", "b"), 0
    for name in names:
        disk.write(name, rng.randbytes(SIZE))

    def edit(name: str) -> None:
        how = rng.choice((disk.write, disk.write_through_map, disk.write_through_map, disk.write_and_date_back))
        (how if rng.random() < 0.9 else disk.replace)(name, rng.randbytes(SIZE))

    def read_while_it_is_edited(name: str) -> None:
        def read(fd: int) -> FileId:
            if rng.random() < 0.5:
                edit(name)
                return hashing.file_id(fd)
            id_ = hashing.file_id(fd)
            edit(name)
            return id_

        disk.read(name, read)

    steps: list[Callable[[str], Any]] = [
        *(edit, edit, disk.read, disk.read, disk.read, read_while_it_is_edited),
        lambda name: disk.place(name, rng.randbytes(SIZE), rng.choice((0, 1, disk.tick_ns, DAY))),
        lambda _: disk.save(),
        lambda _: disk.write_back(),
    ]
    for _ in range(60):
        disk.now_ns += rng.choice((0, 0, 1, disk.tick_ns // 2, disk.tick_ns, 60_000_000, 2 * SECOND, 3 * SECOND))
        rng.choice(steps)(rng.choice(names))
        for name in names:
            id_ = disk.known(name)
            known += id_ is not None
            assert id_ in (None, digest((disk.root / name).read_bytes()))
    return known


# --- real maps on a real file system


@pytest.mark.parametrize("place", ["disk", "memory"])
def test_no_edit_through_a_map_is_missed(tmp_path: Path, memory: Path, rng: random.Random, place: str) -> None:
    root = tmp_path if place == "disk" else memory
    (root / ".mvc").mkdir()
    door = StoreDoor(root / ".mvc")
    cache = StatCache(door, TreeDoor(root, door))
    (root / "w").write_bytes(bytes(4 * mmap.PAGESIZE))
    known = 0
    with (root / "w").open("r+b") as file, mmap.mmap(file.fileno(), 0) as pages:
        for _ in range(12):
            for _ in range(rng.randrange(3)):
                pages[rng.randrange(len(pages))] = rng.randrange(256)
            if rng.random() < 0.6:
                _wait_until_settled(root / "w")
            cache.identify("w", Stat.of((root / "w").stat()))
            for edits in range(3):
                id_ = cache.lookup("w", Stat.of((root / "w").stat()))
                known += id_ is not None
                assert id_ in (None, digest(bytes(pages))), edits
                pages[rng.randrange(len(pages))] ^= 1
    assert bool(known) is not is_tmpfs(root)


def _wait_until_settled(path: Path) -> None:
    while time.time_ns() < path.stat().st_ctime_ns + timestamps.SETTLED_NS + 20_000_000:
        time.sleep(0.01)


def test_a_probe_tells_a_file_system_that_does_not_stamp_maps(tmp_path: Path, memory: Path) -> None:
    for folder in (tmp_path, memory):
        (folder / ".mvc").mkdir()
        probed = FileSystem(folder.stat().st_dev, StoreDoor(folder / ".mvc").scratch)
        assert (probed.flush is None) is is_tmpfs(folder)
        assert list((folder / ".mvc").rglob("*")) == []


def test_a_probe_on_another_file_system_says_nothing(tmp_path: Path) -> None:
    (tmp_path / ".mvc").mkdir()
    assert FileSystem(tmp_path.stat().st_dev + 1, StoreDoor(tmp_path / ".mvc").scratch).flush is None


def test_a_probe_tells_a_file_system_whose_ctime_is_its_mtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fstat

    def fstat(fd: int) -> Any:
        found = real(fd)
        return SimpleNamespace(st_dev=found.st_dev, st_mtime_ns=found.st_mtime_ns, st_ctime_ns=found.st_mtime_ns)

    (tmp_path / ".mvc").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", fstat)
        assert FileSystem(tmp_path.stat().st_dev, StoreDoor(tmp_path / ".mvc").scratch).flush is None


def test_a_probe_does_without_nameless_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_TMPFILE")
    (tmp_path / ".mvc").mkdir()
    probed = FileSystem(tmp_path.stat().st_dev, StoreDoor(tmp_path / ".mvc").scratch)
    assert (probed.flush is None) is is_tmpfs(tmp_path)
    assert list((tmp_path / ".mvc" / "tmp").iterdir()) == []


def test_a_probe_of_a_full_disk_fails_and_kills_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    (tmp_path / ".mvc").mkdir()
    monkeypatch.setattr(os, "readv", full)
    assert FileSystem(tmp_path.stat().st_dev, StoreDoor(tmp_path / ".mvc").scratch).flush is None


def test_the_file_system_of_the_store_is_probed_in_the_store(disk: Simulated, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(TreeDoor, "scratch", fail)
    disk.write("w", b"weights!")
    disk.now_ns += DAY
    assert disk.read("w") == digest(b"weights!")
    assert disk.known("w") == digest(b"weights!")
