"""The one door to the disk: exclusive creation, the barrier's order, leftovers."""

from __future__ import annotations

import errno
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from mvc import errors
from mvc.storage.disk import outside, primitives, process, rename
from mvc.storage.disk.door import StoreDoor

pytestmark = pytest.mark.usefixtures("real_sync")
_NAMES = 50
"""How many names are fought for."""


@pytest.fixture
def door(tmp_path: Path) -> StoreDoor:
    (tmp_path / ".mvc" / "tmp").mkdir(parents=True)
    return StoreDoor(tmp_path / ".mvc")


@pytest.fixture
def steps() -> Iterator[list[tuple[str, str]]]:
    seen: list[tuple[str, str]] = []
    primitives.on_step = lambda name, path: seen.append((name, path))
    yield seen
    primitives.on_step = None


def test_create_refuses_a_name_that_is_taken_and_leaves_it_as_it_was(door: StoreDoor) -> None:
    assert door.create("refs/1", b"first")
    assert not door.create("refs/1", b"second")
    assert door.read("refs/1") == b"first"
    assert door.names("tmp") == []


def _create(root: Path, worker: int, start: Barrier, results: multiprocessing.Queue[tuple[int, bool]]) -> None:
    door = StoreDoor(root)
    for number in range(_NAMES):
        start.wait(30)
        results.put((number, door.create(f"refs/{number}", str(worker).encode())))


def test_of_many_processes_that_create_one_name_exactly_one_wins(door: StoreDoor) -> None:
    context = multiprocessing.get_context("fork")
    start, results = context.Barrier(4), context.Queue()
    workers = [context.Process(target=_create, args=(door.root, worker, start, results)) for worker in range(4)]
    for worker in workers:
        worker.start()
    won = [number for number, is_created in (results.get(timeout=30) for _ in range(4 * _NAMES)) if is_created]
    for worker in workers:
        worker.join()
    assert sorted(won) == list(range(_NAMES))


def test_what_was_staged_is_durable_before_a_ref_is_created(door: StoreDoor, steps: list[tuple[str, str]]) -> None:
    door.stage("objects/aa/aabb", b"data")
    door.create("refs/1", b"entry")
    names = [(name, Path(path).name) for name, path in steps]
    published = names.index(("rename", "aabb"))
    assert "fsync" in [name for name, _ in names[:published]]
    linked = names.index(("link", "1"))
    assert ("fsync-folder", "aa") in names[published:linked]
    for folder, above in ((".mvc", "objects"), ("objects", "aa")):  # durable before anything is put into it
        assert ("fsync-folder", folder) in names[: names.index(("mkdir", "aa"))] + names[:published]
        assert names.index(("mkdir", above)) < names.index(("fsync-folder", folder)) < published
    assert names[-1][0] in ("fsync-folder", "unlink")


def test_a_staged_name_appears_only_whole_and_replaces_wrong_bytes(door: StoreDoor) -> None:
    door.stage("objects/aa/aabb", b"right")
    assert not door.exists("objects/aa/aabb")
    door.barrier()
    door.path("objects/aa/aabb").chmod(0o600)
    door.path("objects/aa/aabb").write_bytes(b"wrong")
    door.stage("objects/aa/aabb", b"right")
    door.barrier()
    assert door.read("objects/aa/aabb") == b"right"


def _stopped(door: StoreDoor, name: str, *, write: bool) -> None:
    """A command that made a folder, or also gave a name in it, and was stopped before it synced anything."""
    door.path(name).parent.mkdir(parents=True)
    if write:
        door.path(name).write_bytes(b"data")


@pytest.mark.parametrize("write", [False, True])
def test_what_a_stopped_command_left_is_synced_by_the_one_that_uses_it(
    door: StoreDoor, steps: list[tuple[str, str]], write: bool
) -> None:
    _stopped(door, "objects/aa/aabb", write=write)
    door.stage("objects/aa/aabb", b"data")
    door.create("refs/1", b"entry")
    synced = [Path(path).name for name, path in steps[: _index(steps, "link")] if name == "fsync-folder"]
    assert "aa" in synced
    assert write or "objects" in synced


def test_a_folder_that_a_stopped_command_made_is_synced_before_something_else_is_put_into_it(
    door: StoreDoor, steps: list[tuple[str, str]]
) -> None:
    _stopped(door, "objects/aa/aabb", write=False)
    temporary = door.temporary()
    temporary.close()
    door.give_name(temporary, "objects/aa/aacc")
    assert "objects" in [Path(path).name for name, path in steps[: _index(steps, "rename")] if name == "fsync-folder"]


def _index(steps: list[tuple[str, str]], wanted: str) -> int:
    return [name for name, _ in steps].index(wanted)


def test_what_is_relied_on_is_synced_at_the_next_barrier_while_it_is_young(
    door: StoreDoor, steps: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _stopped(door, "packs/aa/1.pack", write=True)
    door.make_packs_durable()
    door.barrier()
    assert [Path(path).name for name, path in steps if name == "fsync-folder"] == ["aa", "packs"]
    steps.clear()
    monkeypatch.setattr("mvc.storage.disk.primitives.now_ns", lambda: time.time_ns() + 2 * 3600 * 10**9)
    door.make_packs_durable()
    door.barrier()
    assert steps == []


def _left(door: StoreDoor, other: dict[str, str], *, days: float = 0) -> Path:
    """A file in `tmp/` that differs from one of this process in some parts of its name, written some days ago."""
    own = door.temporary()
    own.discard()
    parts = dict(
        zip(("machine", "boot", "namespace", "pid", "start", "token", "number"), own.path.name.split("."), strict=True)
    )
    path = own.path.with_name(".".join((parts | other).values()))
    path.write_bytes(b"x")
    then = time.time() - days * 24 * 3600
    os.utime(path, (then, then))
    return path


GONE, OLD = {"pid": "999999999"}, 4


def test_leftovers_of_processes_that_have_ended_are_swept(door: StoreDoor) -> None:
    own = door.temporary()
    left = [_left(door, GONE), _left(door, {"start": "1"}), _left(door, GONE, days=OLD)]
    door.sweep()
    assert not [path for path in left if path.exists()]
    assert own.path.exists()
    own.discard()


@pytest.mark.parametrize("part", ["machine", "boot", "namespace"])
def test_leftovers_of_other_machines_boots_and_containers_are_kept_until_they_are_old(
    door: StoreDoor, part: str
) -> None:
    """A container may have this one's host name, and its processes numbers that nobody has here."""
    young, old = _left(door, {**GONE, part: "00000000"}), _left(door, {**GONE, part: "00000001"}, days=OLD)
    door.sweep()
    assert young.exists()
    assert not old.exists()
    assert os.listdir(young.parent) == [young.name]


def test_where_the_system_does_not_tell_containers_apart_only_age_counts(
    door: StoreDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_namespace", lambda: "0")
    young, old, own = _left(door, GONE), _left(door, GONE, days=OLD), door.temporary()
    door.sweep()
    assert young.exists()
    assert own.path.exists()
    assert not old.exists()
    own.discard()


def test_an_old_file_of_a_living_process_is_kept(door: StoreDoor) -> None:
    own = door.temporary()
    os.utime(own.path, (0, 0))
    door.sweep()
    assert own.path.exists()
    own.discard()


def test_processes_that_another_user_hides_are_alive(door: StoreDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `hidepid` a process of somebody else has no folder in /proc."""
    own = door.temporary()
    monkeypatch.setattr(process, "_start_of", lambda _: "0")
    door.sweep()
    assert own.path.exists()
    own.discard()


def test_a_container_with_the_same_host_name_sweeps_nothing_of_this_one(tmp_path: Path) -> None:
    door = StoreDoor(tmp_path)
    own = door.temporary()
    sweep = "import sys; from pathlib import Path; from mvc.storage.disk.door import StoreDoor; StoreDoor(Path(sys.argv[1])).sweep()"
    apart = ["unshare", "--pid", "--fork", "--mount-proc"]
    if shutil.which("unshare") is None or subprocess.run([*apart, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no namespaces can be made here")
    done = subprocess.run(
        [*apart, sys.executable, "-c", sweep, str(tmp_path)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert own.path.exists()
    own.discard()


def test_a_failing_write_leaves_no_temporary_file_and_names_the_path(door: StoreDoor) -> None:
    def fail(name: str, path: str) -> None:
        if name == "fsync":
            raise OSError(28, "No space left on device", path)

    primitives.on_step = fail
    try:
        with pytest.raises(errors.DiskFailed, match="No space left"):
            door.create("refs/1", b"entry")
    finally:
        primitives.on_step = None
    assert not door.exists("refs/1")
    assert door.names("tmp") == []


def test_a_second_writer_is_told_who_holds_the_lock(door: StoreDoor) -> None:
    with (
        door.lock(0),
        pytest.raises(errors.LockTimeout, match=f"process {os.getpid()}"),
        StoreDoor(door.root).lock(0.05),
    ):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_store_that_cannot_be_written_is_named_so(door: StoreDoor) -> None:
    door.root.chmod(0o500)
    with pytest.raises(errors.ReadOnlyStore):
        door.create("refs/1", b"entry")
    door.root.chmod(0o700)


def test_a_file_outside_never_takes_the_place_of_a_folder_a_pipe_or_a_link(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(errors.NotRegularFile):
            outside.replace_outside(tmp_path / name, b"x")
    assert (tmp_path / "pipe").is_fifo()
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    outside.replace_outside(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


@pytest.mark.parametrize("fails", [False, True])
def test_room_that_was_reserved_and_not_written_is_no_part_of_the_file(
    door: StoreDoor, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    def partly(fd: int, offset: int, size: int) -> None:
        os.ftruncate(fd, offset + size // 2)
        raise OSError(errno.ENOSPC, "no space left")

    if fails:
        monkeypatch.setattr(os, "posix_fallocate", partly)
    temporary = door.temporary()
    temporary.reserve(100_000)
    temporary.write(b"all of it")
    temporary.close()
    assert door.give_name(temporary, "packs/77/x")
    assert door.read("packs/77/x") == b"all of it"
    assert door.names("tmp") == []


def test_a_name_is_durable_though_another_process_made_its_folder(
    door: StoreDoor, steps: list[tuple[str, str]]
) -> None:
    door.path("packs/77").mkdir(parents=True)
    assert door.publish("packs/77/x", lambda temporary: temporary.write(b"x"), exclusive=False)
    synced = [path for step, path in steps if step == "fsync-folder"]
    assert {str(door.path("packs/77")), str(door.path("packs"))} <= set(synced)


def test_the_stat_of_a_link_is_its_own(door: StoreDoor, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"outside")
    (tmp_path / ".mvc" / "link").symlink_to(tmp_path / "outside")
    (tmp_path / ".mvc" / "file").write_bytes(b"inside")
    assert (door.stat("file").is_file, door.stat("file").size) == (True, 6)
    assert not door.stat("link").is_file


@pytest.mark.parametrize("old", [None, b"a", b"b", b"c", b""])
def test_a_staged_file_replaces_any_other_content(door: StoreDoor, tmp_path: Path, old: bytes | None) -> None:
    path = tmp_path / ".mvc" / "objects" / "name"
    if old is not None:
        path.parent.mkdir()
        path.write_bytes(old)
    before = path.stat().st_ino if old == b"b" else None
    door.stage("objects/name", b"b")
    door.barrier()
    assert path.read_bytes() == b"b"
    assert before in (None, path.stat().st_ino), "the same content is not written again"


def test_the_last_file_of_a_folder_is_never_what_a_link_leads_to(door: StoreDoor, tmp_path: Path) -> None:
    for name in ("files", "link"):
        (door.root / "refs" / name).mkdir(parents=True)
        (door.root / "refs" / name / "1").write_bytes(b"one")
    (tmp_path / "outside").write_bytes(b"another")
    (door.root / "refs" / "link" / "2").symlink_to(tmp_path / "outside")
    last = door.last_files("refs")
    assert last["files"] is not None
    assert last["files"][0] == "1"
    assert last["link"] is None


def test_a_rename_that_fails_for_another_reason_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system without hard links, where exclusive renames work."""

    def link(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(FileNotFoundError):
        rename.exclusively(tmp_path / "absent", tmp_path / "target")
