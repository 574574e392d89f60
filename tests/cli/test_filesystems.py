"""File systems that lack a step, or invent the bits of files: used with one warning, or refused for that reason."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mvc.porcelain.init import init
from mvc.repository.repository import Repository
from mvc.storage.disk.door import StoreDoor
from mvc.storage.disk.file_stat import Stat
from mvc.storage.records import config
from tests.cli.shell import MODEL, Said, Shell, begin

LACKING = [errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM]


def _failing(code: int, applies: Callable[[int], bool] = lambda _: True) -> Callable[..., None]:
    """A system call on a descriptor that fails where `applies` says so, and else does nothing."""

    def call(fd: int, *_: object) -> None:
        if applies(fd):
            raise OSError(code, os.strerror(code))

    return call


def _is_folder(fd: int) -> bool:
    return stat.S_ISDIR(os.fstat(fd).st_mode)


def _warnings(said: Said) -> list[str]:
    return [line for line in said.err.splitlines() if line.startswith("warning:")]


def _work(shell: Shell) -> list[Said]:
    """Every way in which files are changed, once."""
    shell.write("a.txt", b"one")
    said = [shell.ok("add", "a.txt"), shell.ok("commit", "-m", "one")]
    shell.write("a.txt", b"two")
    said += [shell.ok("commit", "-m", "two"), shell.ok("switch", "--detach", "v1"), shell.ok("switch", "main")]
    said += [shell.ok("export", "v1", "out"), shell.ok("remote", "add", "origin", "remote"), shell.ok("push")]
    shell.ok("fsck")
    return said


@pytest.mark.parametrize("code", LACKING, ids=errno.errorcode.get)
def test_folders_that_cannot_be_synced_are_used_with_one_warning(
    empty: Shell, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", _failing(code, _is_folder))
    if code == errno.EINVAL:
        for said in _work(empty):
            assert ["cannot sync a folder" in line for line in _warnings(said)] == [True], said
    empty.write("b.txt", b"one")
    empty.ok("add", "b.txt")
    said = empty.ok("commit", "-m", "more")
    (warning,) = _warnings(said)
    assert str(empty.folder / ".mvc") in warning
    assert os.strerror(code) in warning
    assert "power cut" in warning
    assert not _warnings(empty.ok("status"))
    assert not empty.ok("tag", "-q", "t").err


def test_a_folder_that_fails_to_sync_is_no_folder_that_cannot(empty: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    empty.write("a.txt", b"one")
    empty.ok("add", "a.txt")
    monkeypatch.setattr(os, "fsync", _failing(errno.EIO, _is_folder))
    said = empty("commit", "-m", "one")
    assert said.code == 128
    assert "Input/output error" in said.err


@pytest.mark.parametrize("code", [errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.ENOSYS], ids=errno.errorcode.get)
def test_permissions_that_cannot_be_set_are_done_without(
    empty: Shell, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fchmod", _failing(code))
    monkeypatch.setattr(os, "chmod", _failing(code))
    if code == errno.EPERM:
        for said in _work(empty)[:-2]:
            assert ["cannot set permissions" in line for line in _warnings(said)] in ([True], []), said
    empty.write("b.txt", b"one")
    empty.ok("add", "b.txt")
    (warning,) = _warnings(empty.ok("commit", "-m", "more"))
    assert "cannot set permissions" in warning
    empty.ok("config", "core.filemode", "false")
    empty.write("b.txt", b"two")
    assert not _warnings(empty.ok("commit", "-m", "quiet"))


def test_files_that_cannot_be_locked_are_used_with_one_warning(empty: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", _failing(errno.ENOLCK))
    empty.write("a.txt", b"one")
    empty.ok("add", "a.txt")
    (warning,) = _warnings(empty.ok("commit", "-m", "one"))
    assert "cannot lock a file" in warning
    assert "mvc gc" in warning


def test_names_that_cannot_be_made_exclusively_are_refused(empty: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", link)
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())  # a C library without renameat2
    empty.write("a.txt", b"one")
    empty.ok("add", "a.txt")
    said = empty("commit", "-m", "one")
    assert said.code == 128
    assert "it lacks hard links and exclusive rename" in said.err
    assert empty.repository.current(MODEL) is None


def test_really_no_chmod(tmp_path: Path, requires: Callable[[str], str]) -> None:
    """The system calls themselves fail, as on a FAT that belongs to somebody else."""
    inject = [requires("strace"), "-f", "-qq", "-o", os.devnull, "-e", "trace=fchmod,chmod,fchmodat"]
    inject += ["-e", "inject=fchmod,chmod,fchmodat:error=EPERM", sys.executable, "-c"]
    inject += ["import sys; from mvc.cli.app.main import run; sys.exit(run(sys.argv[1:]))"]
    (tmp_path / "a.txt").write_bytes(b"one")
    if subprocess.run([*inject, "--version"], cwd=tmp_path, capture_output=True, check=False).returncode:
        pytest.skip("strace may trace nothing here")
    for arguments in (["init", "--model", "m"], ["add", "a.txt"], ["commit", "-m", "one"], ["fsck"]):
        done = subprocess.run([*inject, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert ("cannot set permissions" in done.stderr) == (arguments[0] == "init"), done.stderr
    assert Repository(tmp_path).config.get("core.filemode") is False


# --- executable bits that the file system invents


@pytest.fixture
def inventing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is executable, whatever is done to it, as on FAT."""
    monkeypatch.setattr(Stat, "executable", property(lambda _: True))
    monkeypatch.setattr(os, "fchmod", lambda *_: None)
    monkeypatch.setattr(os, "chmod", lambda *_: None)


def _entries(shell: Shell) -> dict[str, bool]:
    repository = shell.repository
    tip = repository.current(MODEL)
    assert tip is not None
    return {each.path: each.exec for each in repository.objects.tree(repository.objects.version(tip).tree).entries}


def test_init_finds_out_whether_executable_bits_are_kept(tmp_path: Path) -> None:
    init(tmp_path, model=MODEL)
    assert Repository(tmp_path).config.get("core.filemode") is None
    assert "filemode" not in (tmp_path / ".mvc" / config.NAME).read_text(encoding="utf-8")
    assert StoreDoor(tmp_path / ".mvc").keeps_executable_bits()


@pytest.mark.usefixtures("inventing")
def test_where_they_are_invented_files_are_as_they_were_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = begin(tmp_path, monkeypatch)
    assert shell.repository.config.get("core.filemode") is False
    shell.write("a.txt", b"one")
    shell.ok("add", "a.txt")
    shell.commit("one")
    assert _entries(shell) == {"a.txt": False}
    shell.ok("status", "--exit-code")
    shell.write("a.txt", b"two")
    assert "executable" not in shell.ok("diff").out
    shell.commit("two")
    assert _entries(shell) == {"a.txt": False}
    shell.ok("switch", "--detach", "v1")
    shell.ok("status", "--exit-code")


def test_a_recorded_bit_outlives_a_clone_that_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    (tmp_path / "first").mkdir()
    first = begin(tmp_path / "first", monkeypatch)
    first.write("run.sh", b"one")
    first.write("a.txt", b"one")
    (tmp_path / "first" / "run.sh").chmod(0o755)
    first.ok("add", "run.sh", "a.txt")
    first.commit("one")
    first.ok("remote", "add", "origin", str(tmp_path / "remote"))
    first.ok("push")
    monkeypatch.setattr(Stat, "executable", property(lambda _: False))  # bits that are never kept
    request.addfinalizer(monkeypatch.undo)
    first.ok("clone", str(tmp_path / "remote"), str(tmp_path / "second"))
    second = Shell(tmp_path / "second", monkeypatch)
    assert second.repository.config.get("core.filemode") is False
    second.ok("status", "--exit-code")
    second.write("run.sh", b"two")
    second.commit("two")
    assert _entries(second) == {"run.sh": True, "a.txt": False}


@pytest.mark.parametrize("value", ["maybe", "", "1"])
def test_the_setting_is_true_or_false(empty: Shell, value: str) -> None:
    said = empty("config", "core.filemode", value)
    assert said.code == 2
    assert "true or false" in said.err or "empty" in said.err
    empty.ok("config", "core.filemode", "true")
    assert empty.repository.config.get("core.filemode") is True
