"""`mvc export --link`: folders share their bytes with the cache of decoded files, which is verified before each use."""

from __future__ import annotations

import errno
import mmap
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import mvc
from mvc import errors
from mvc.storage.chunks.extract import Extract
from mvc.storage.decoded import FOLDER
from mvc.storage.disk import hashing, primitives, process
from mvc.storage.disk.door import StoreDoor
from mvc.storage.disk.exportdoor import ExportDoor
from mvc.storage.disk.file_stat import Stat
from mvc.storage.disk.temporary import Temporary
from mvc.storage.disk.timestamps import FileSystem
from tests.cli.shell import MODEL, Shell

SIZE = 60_000
NOTES = b"small files are written"


@pytest.fixture
def weights(shell: Shell, rng: random.Random) -> bytes:
    """v1 with weights, the same bytes as a program, and a small file."""
    content = rng.randbytes(SIZE)
    _commit(shell, content)
    return content


def _commit(shell: Shell, content: bytes) -> None:
    for path in ("weights/best.bin", "run.sh"):
        shell.write(path, content)
        (shell.folder / path).chmod(0o755 if path == "run.sh" else 0o644)
    shell.write("notes.txt", NOTES)
    shell.ok("add", "weights/best.bin", "run.sh", "notes.txt", "--yes")
    shell.commit("one")


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are decoded from chunks, in order."""
    files: list[str] = []
    whole = Extract.to_temporary

    def counted(self: Extract, file: str, *arguments: object, **named: object) -> None:
        files.append(file)
        whole(self, file, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Extract, "to_temporary", counted)
    return files


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the reads with which cached files are hashed."""
    reads: list[int] = []
    monkeypatch.setattr(hashing, "on_read", reads.append)
    return reads


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command takes longer than a tick of the file system's clock, as with files of real size."""
    monkeypatch.setattr(FileSystem, "has_passed", lambda *_: True)
    monkeypatch.setattr(FileSystem, "is_later_than", lambda *_: True)


def _copied(target: int, source: int) -> None:
    """Stand in for a file system with reflinks."""
    os.lseek(target, 0, os.SEEK_SET)
    os.sendfile(target, source, 0, os.fstat(source).st_size)


def _lacking(code: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


def _assert_exported(folder: Path, content: bytes) -> None:
    assert (folder / "weights" / "best.bin").read_bytes() == content
    assert (folder / "run.sh").read_bytes() == content
    assert (folder / "notes.txt").read_bytes() == NOTES
    assert (folder / "model.toml").is_file()
    assert [os.access(folder / path, os.X_OK) for path in ("weights/best.bin", "run.sh")] == [False, True]


def _cached(shell: Shell, *, executable: bool = False) -> Path:
    """The cached file with or without the executable bit; the other files in the cache are records."""
    whole = [path for path in (shell.folder / ".mvc" / FOLDER).glob("*/*") if "." not in path.name]
    (found,) = [path for path in whole if path.name.endswith("-x") == executable]
    return found


def _inodes(*paths: Path) -> set[int]:
    return {path.stat().st_ino for path in paths}


def test_hard_links_are_read_only_and_take_no_space(shell: Shell, weights: bytes, decoded: list[str]) -> None:
    said = shell.ok("export", "--link=hard", "v1", "one")
    assert said.lines[-1].endswith("to one; 2 files shared with the cache")
    shell.ok("export", "v1", "two", "--link=hard")
    for name in ("one", "two"):
        _assert_exported(shell.folder / name, weights)
    one, two = shell.folder / "one", shell.folder / "two"
    assert len(_inodes(one / "weights/best.bin", two / "weights/best.bin", _cached(shell))) == 1
    assert len(_inodes(one / "run.sh", two / "run.sh", _cached(shell, executable=True))) == 1
    assert not (one / "weights/best.bin").stat().st_mode & 0o222
    assert (one / "notes.txt").stat().st_mode & 0o200
    assert len(decoded) == 4, "each kind of cached file once, and the small file twice"


@pytest.mark.usefixtures("slow")
def test_a_cached_file_with_its_recorded_stat_is_not_read(shell: Shell, weights: bytes, hashed: list[int]) -> None:
    for name in ("one", "two", "three"):
        shell.ok("export", "--link=hard", "v1", name)
    assert hashed == []
    shutil.rmtree(shell.folder / "one")
    shell.ok("export", "--link=hard", "v1", "four")
    assert sum(hashed) == 2 * SIZE, "a removed link changes the ctime, so the file is hashed, and not decoded"
    _assert_exported(shell.folder / "four", weights)


def _in_place(path: Path) -> None:
    with open(path, "r+b") as file:
        file.write(b"edited")


def _through_a_map(path: Path) -> None:
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as pages:
        pages[:6] = b"edited"


def _replaced(path: Path) -> None:
    path.unlink()
    path.write_bytes(b"another file")
    path.chmod(0o444)


def _linked(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


def _truncated(path: Path) -> None:
    os.truncate(path, 100)


def _writable(path: Path) -> None:
    path.chmod(0o644)


@pytest.mark.parametrize("edit", [_in_place, _through_a_map, _replaced, _linked, _truncated, _writable])
@pytest.mark.parametrize("link", ["reflink", "hard"])
def test_an_edited_cached_file_is_replaced(
    shell: Shell, weights: bytes, edit: Callable[[Path], None], link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(primitives, "share_blocks", _copied)
    shell.ok("export", f"--link={link}", "v1", "one")
    cached = _cached(shell)
    before = cached.stat()
    cached.chmod(0o644)
    edit(cached)
    if not cached.is_symlink() and edit is not _writable:
        cached.chmod(0o444)
        os.utime(cached, ns=(before.st_atime_ns, before.st_mtime_ns))
    shell.ok("export", f"--link={link}", "v1", "two")
    _assert_exported(shell.folder / "two", weights)
    assert _cached(shell).read_bytes() == weights
    assert not _cached(shell).stat().st_mode & 0o222


@pytest.mark.usefixtures("slow")
def test_a_record_of_another_user_or_file_does_not_count(shell: Shell, weights: bytes, hashed: list[int]) -> None:
    shell.ok("export", "--link=hard", "v1", "one")
    cached = _cached(shell)
    record = cached.with_name(f"{cached.name}.{os.geteuid()}")
    sound = record.read_bytes()
    for number, forged in enumerate((b"", b"[]", sound[:-1], sound.replace(b'"inode"', b'"idone"'))):
        record.write_bytes(forged)
        hashed.clear()
        shell.ok("export", "--link=hard", "v1", f"again{number}")
        assert sum(hashed) == SIZE
    if os.geteuid() == 0:
        shell.ok("export", "--link=hard", "v1", "two")
        shell.ok("export", "--link=hard", "v1", "three")
        os.chown(record, 12345, -1)
        hashed.clear()
        shell.ok("export", "--link=hard", "v1", "four")
        assert sum(hashed) == SIZE


def _edited(path: Path) -> None:
    """Edit a file as `rsync --times` does, which sets the mtime back."""
    before = path.stat()
    path.chmod(0o644)
    _in_place(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    path.chmod(before.st_mode & 0o777)


def test_a_file_that_is_edited_while_it_is_shared_is_not_handed_out(
    shell: Shell, weights: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    edits = [3]

    def edited(target: int, source: int) -> None:
        _copied(target, source)
        if os.fstat(source).st_size == SIZE and edits[0]:
            edits[0] -= 1
            _edited(Path(os.readlink(f"/proc/self/fd/{source}")))

    monkeypatch.setattr(primitives, "share_blocks", edited)
    said = shell("export", "--link", "v1", "one")
    assert said.code == 128
    assert "kept changing" in said.err
    assert not (shell.folder / "one").exists()
    edits = [1]
    shell.ok("export", "--link", "v1", "one")
    assert edits == [0]
    _assert_exported(shell.folder / "one", weights)


def test_a_file_that_is_edited_before_it_is_linked_is_not_handed_out(
    shell: Shell, weights: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.ok("export", "--link=hard", "v1", "one")
    edits, link = [2], ExportDoor.link

    def edited(self: ExportDoor, path: str, source: Path, fd: int) -> tuple[Stat, Stat]:
        if FOLDER in str(source) and edits[0]:
            edits[0] -= 1
            _edited(source)
        return link(self, path, source, fd)

    monkeypatch.setattr(ExportDoor, "link", edited)
    shell.ok("export", "--link=hard", "v1", "two")
    assert edits == [0]
    _assert_exported(shell.folder / "two", weights)


@pytest.mark.parametrize("code", [errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL], ids=errno.errorcode.get)
def test_without_reflinks_files_are_copied_and_nothing_is_cached(
    shell: Shell, weights: bytes, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(primitives, "share_blocks", _lacking(code))
    said = shell.ok("export", "--link", "v1", "one")
    assert said.err.splitlines() == [f"Copied: no reflinks from the repository to one ({os.strerror(code)})."]
    _assert_exported(shell.folder / "one", weights)
    assert not (shell.folder / ".mvc" / FOLDER).exists()
    document = shell.ok("export", "--link", "v1", "two", "--json").json
    assert (document["linked"], document["copied"]) == (0, os.strerror(code))


def test_hard_links_that_cannot_be_made_are_an_error(
    shell: Shell, weights: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", _lacking(errno.EXDEV))
    said = shell("export", "--link=hard", "v1", "one")
    assert said.code == 128
    assert os.strerror(errno.EXDEV) in said.err
    assert not (shell.folder / "one").exists()
    assert not (shell.folder / ".mvc" / FOLDER).exists()
    assert not [path for path in shell.folder.iterdir() if "mvc-tmp" in path.name]


@pytest.mark.parametrize("link", ["reflink", "hard"])
def test_a_link_that_fails_later_is_an_error(
    shell: Shell, weights: bytes, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_link = os.link

    def shared(target: int, source: int) -> None:
        if os.fstat(source).st_size == SIZE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        _copied(target, source)

    def linked(source: Path, target: Path, **named: bool) -> None:
        if FOLDER in str(source):
            raise OSError(errno.EMLINK, os.strerror(errno.EMLINK))
        real_link(source, target, **named)

    monkeypatch.setattr(primitives, "share_blocks", shared)
    monkeypatch.setattr(os, "link", linked)
    said = shell("export", f"--link={link}", "v1", "one")
    assert said.code == 128
    assert os.strerror(errno.EMLINK if link == "hard" else errno.ENOSPC) in said.err
    assert not (shell.folder / "one").exists()


def test_a_read_only_store_has_no_cache(shell: Shell, weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: StoreDoor) -> None:
        raise errors.ReadOnlyStore(reason="mounted read-only")

    monkeypatch.setattr(StoreDoor, "temporary", refused)
    assert "mounted read-only" in shell.ok("export", "--link", "v1", "one").err
    _assert_exported(shell.folder / "one", weights)
    assert shell("export", "--link=hard", "v1", "two").code == 128


def test_the_group_of_a_shared_store_reads_the_cache(
    shell: Shell, weights: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shell.folder / ".mvc").chmod(0o770)
    monkeypatch.setattr(process, "umask", lambda: 0o077)
    shell.ok("export", "--link=hard", "v1", "one")
    modes = [_cached(shell, executable=executable).stat().st_mode & 0o777 for executable in (False, True)]
    assert modes == [0o440, 0o550]


def test_link_is_refused_with_a_form_of_a_hub(shell: Shell, weights: bytes) -> None:
    assert shell("export", "--link", "--oci", "v1", "one").code == 2
    assert shell("export", "--link=soft", "v1", "one").code == 2
    with pytest.raises(ValueError, match="form"):
        mvc.open(shell.folder).model(MODEL)["v1"].export("one", form="oci", link="hard")


def test_the_python_interface_links_too(shell: Shell, weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    version = mvc.open(shell.folder).model(MODEL)["v1"]
    done = version.export(shell.folder / "one", link="hard")
    assert (done.linked, done.copied) == (2, None)
    monkeypatch.setattr(os, "link", _lacking(errno.EMLINK))
    with pytest.raises(errors.CannotLink):
        version.export(shell.folder / "two", link="hard")
    monkeypatch.setattr(primitives, "share_blocks", _copied)
    assert version.export(shell.folder / "two", link="reflink").linked == 2
    _in_place(shell.folder / "two" / "run.sh")
    assert _cached(shell, executable=True).read_bytes() == weights


def test_several_jobs_at_once_hold_the_bytes_once(shell: Shell, weights: bytes) -> None:
    program = [sys.executable, "-m", "mvc", "export", "--link=hard", "v1"]
    jobs = [subprocess.Popen([*program, f"job{number}"], cwd=shell.folder) for number in range(3)]
    assert [job.wait(timeout=120) for job in jobs] == [0, 0, 0]
    for number in range(3):
        _assert_exported(shell.folder / f"job{number}", weights)
    paths = [shell.folder / f"job{number}" / "weights" / "best.bin" for number in range(3)]
    assert len(_inodes(_cached(shell), *paths)) == 1


# --- du, gc, prune


def test_gc_removes_unused_files_of_the_cache_and_du_shows_it(shell: Shell, weights: bytes) -> None:
    shell.ok("export", "--link=hard", "v1", "one")
    cached = shell.ok("du", "--json").json["bytes_cached"]
    assert 2 * SIZE < cached < 2 * SIZE + 2000
    assert [line for line in shell.ok("du").lines if line.startswith("cache  ")]
    assert "cache" not in shell.ok("gc").out
    shell.ok("config", "gc.cache-expire", "0")
    assert shell.ok("gc", "-n").lines[0].startswith("Would remove 2 files from the cache of decoded files")
    assert _cached(shell).exists()
    document = shell.ok("gc", "--json").json
    assert (document["cached_files"], document["bytes_cached"]) == (2, cached)
    assert shell.ok("du", "--json").json["bytes_cached"] == 0
    _assert_exported(shell.folder / "one", weights)


def test_dropped_bytes_leave_the_cache_at_any_age(shell: Shell, weights: bytes, rng: random.Random) -> None:
    shell.ok("export", "--link=hard", "v1", "one")
    old = _cached(shell)
    _commit(shell, rng.randbytes(SIZE))
    shell.ok("export", "--link=hard", "v2", "two")
    shell.ok("prune", "--keep-last", "1", "--yes", "--unpushed")
    assert not old.exists()
    assert _cached(shell).exists()
    assert shell("export", "--link=hard", "v1", "three").code == 14


def test_strange_files_in_the_cache_do_not_stop_gc(shell: Shell, weights: bytes) -> None:
    shell.ok("export", "--link=hard", "v1", "one")
    folder = shell.folder / ".mvc" / FOLDER
    (folder / "stray").write_bytes(b"")
    stray = _cached(shell).with_name("stray")
    stray.write_bytes(b"")
    (folder / "ab").symlink_to(shell.folder)
    shell.ok("gc")
    assert not stray.exists()
    assert (shell.folder / "notes.txt").exists()


# --- a file system with reflinks


@pytest.fixture(scope="module")
def btrfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Btrfs in a file, where this user may mount one."""
    folder = tmp_path_factory.mktemp("btrfs")
    program = shutil.which("mkfs.btrfs")
    if program is None or os.geteuid() != 0:
        pytest.skip("needs root and mkfs.btrfs")
    with open(folder / "image", "wb") as image:
        image.truncate(128 << 20)
    subprocess.run([program, "-q", folder / "image"], check=True)
    (folder / "mounted").mkdir()
    if subprocess.run(["mount", "-o", "loop", folder / "image", folder / "mounted"], check=False).returncode != 0:
        pytest.skip("cannot mount a file here")
    yield folder / "mounted"
    subprocess.run(["umount", "--lazy", folder / "mounted"], check=True)  # the test's repository may still be open


def test_reflinks_share_blocks_and_not_permissions(btrfs: Path, tmp_path: Path, rng: random.Random) -> None:
    content = rng.randbytes(8 << 20)
    model = mvc.init(btrfs / "repository", model=MODEL).model(MODEL)
    (btrfs / "repository" / "w.bin").write_bytes(content)
    model.add(btrfs / "repository" / "w.bin", role="weights")
    version = model.commit("one", author="Ana <ana@example.org>")
    used = _used(btrfs)
    folders = [btrfs / f"out{number}" for number in range(5)]
    for folder in folders:
        assert model["v1"].export(folder, link="reflink").linked == 1
    assert _used(btrfs) - used < 1.5 * len(content)
    with open(folders[0] / "w.bin", "r+b") as file:
        file.write(b"edited")
    assert [(folder / "w.bin").read_bytes() == content for folder in folders] == [False, True, True, True, True]
    done = model["v1"].export(tmp_path / "elsewhere", link="reflink")
    assert (done.linked, done.copied) == (0, os.strerror(errno.EXDEV))
    assert version is not None


def _used(folder: Path) -> int:
    os.sync()
    status = os.statvfs(folder)
    return (status.f_blocks - status.f_bfree) * status.f_frsize


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="open files are not listed here")
def test_a_file_that_cannot_be_placed_in_the_cache_is_closed(
    shell: Shell, weights: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    still_open: list[str] = []

    def fail(_: StoreDoor, temporary: Temporary, name: str) -> None:
        still_open.append(str(temporary.path))
        raise errors.DiskFailed(path=name, reason="no space left")

    monkeypatch.setattr(StoreDoor, "give_cache_name", fail)
    assert shell("export", "--link=hard", "v1", "one").code == 128
    opened = {
        os.path.realpath(f"/proc/self/fd/{name}").removesuffix(" (deleted)") for name in os.listdir("/proc/self/fd")
    }
    assert still_open
    assert not opened & set(still_open)


@pytest.mark.usefixtures("slow")
def test_a_cached_file_that_cannot_be_flushed_is_read_each_time(
    shell: Shell, weights: bytes, hashed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    shell.ok("export", "--link=hard", "v1", "one")
    shutil.rmtree(shell.folder / "one")  # changes the ctimes
    monkeypatch.setattr(FileSystem, "flush", property(lambda _: fail))
    for name in ("two", "three"):
        hashed.clear()
        shell.ok("export", "--link=hard", "v1", name)
        assert sum(hashed) == 2 * SIZE
