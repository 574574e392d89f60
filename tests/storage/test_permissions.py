"""Shared stores: every member of the group can use what another wrote; other stores are left to the umask."""

from __future__ import annotations

import os
import random
import shutil
import stat
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mvc.remotes.backends.local import LocalBackend
from mvc.storage.disk import process
from mvc.storage.packs.index import NAME as CHUNKS
from mvc.storage.records.statcache import NAME as STATS
from tests.cli.shell import Shell, begin
from tests.conftest import absent

GROUP, ANA, BEN, CARL = 47_110, 47_111, 47_112, 47_113
"""Ids that nobody has."""


@pytest.fixture
def top() -> Iterator[Path]:
    """A folder that other users can get to, which pytest's own are not."""
    if os.geteuid() != 0:
        absent("only root can be several users")
    folder = Path(tempfile.mkdtemp(prefix="mvc-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _as(uid: int, act: Callable[[], object], *, umask: int = 0o077, group: int = GROUP) -> None:
    """Act as a member of the group, whose own group is another one; in a child, which has loaded by now what it needs."""
    said, child_says = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([group])
            os.setgid(uid)
            os.setuid(uid)
            os.umask(umask)
            process.umask.cache_clear()
            act()
        except BaseException:  # noqa: BLE001 - whatever it is, the parent says it
            os.write(child_says, traceback.format_exc().encode())
        finally:
            os._exit(0)
    os.close(child_says)
    with open(said, "rb") as file:
        failure = file.read().decode()
    os.waitpid(child, 0)
    assert not failure, failure


def _repository(top: Path, uid: int, name: str) -> Path:
    folder = top / name
    folder.mkdir()
    os.chown(folder, uid, uid)
    folder.chmod(0o700)
    return folder


def _run(monkeypatch: Any, folder: Path, *lines: str) -> Callable[[], None]:
    def act() -> None:
        shell = Shell(folder, monkeypatch)
        for line in lines:
            shell.ok(*line.split())

    return act


@pytest.fixture
def loaded(top: Path, tmp_path: Path, monkeypatch: Any, rng: random.Random) -> Path:
    """The same folder, once all that mvc loads late was loaded: other users may not be able to read the libraries."""
    monkeypatch.setenv("HOME", str(top))
    monkeypatch.setenv("MVC_CONFIG", str(top / "mvc.toml"))
    (tmp_path / "warm").mkdir()
    warm = tmp_path / "warm" / "a"
    warm.mkdir()
    (warm / "w.bin").write_bytes(rng.randbytes(50_000))
    share = tmp_path / "warm" / "share"
    _run(monkeypatch, warm, "init --model m", "add w.bin", "commit -m one", f"remote add origin {share}", "push")()
    _run(monkeypatch, tmp_path / "warm", f"clone {share} b")()
    _run(
        monkeypatch, tmp_path / "warm" / "b", "set parameters.lr=1", "commit -m two", "push", "tag x", "log", "status"
    )()
    _run(monkeypatch, warm, "pull", "fsck --read-data", "fsck --remote origin --read-data", "gc --remote origin")()
    return top


@pytest.mark.parametrize("mode", [0o2770, 0o770, 0o777])
def test_a_group_pushes_to_one_folder_with_any_umask(
    loaded: Path, monkeypatch: Any, rng: random.Random, mode: int
) -> None:
    share = loaded / "share"
    share.mkdir()
    os.chown(share, 0, GROUP)
    share.chmod(mode)
    ana, ben = _repository(loaded, ANA, "ana"), _repository(loaded, BEN, "ben")
    (ana / "w.bin").write_bytes(rng.randbytes(50_000))
    (ana / "w.bin").chmod(0o644)
    first = ("init --model m", "add w.bin", "commit -m one", f"remote add origin {share}", "push")
    _as(ANA, _run(monkeypatch, ana, *first))
    _as(BEN, _run(monkeypatch, ben, f"clone {share} copy"), umask=0o022)
    _as(BEN, _run(monkeypatch, ben / "copy", "set parameters.lr=1", "commit -m two", "push"), umask=0o027)
    last = ("pull", "fsck --remote origin --read-data", "gc --remote origin --grace 0")
    _as(ANA, _run(monkeypatch, ana, *last))
    for path in share.rglob("*"):
        assert path.stat().st_gid == GROUP, path
        assert _mode(path) & 0o770 == (0o770 if path.is_dir() else 0o440), (path, oct(_mode(path)))
        assert not path.is_dir() or _mode(path) == mode, (path, oct(_mode(path)))
        assert mode & 0o004 or path.is_dir() or _mode(path) in (0o440, 0o444), (path, oct(_mode(path)))


def test_a_folder_that_the_first_push_makes_inherits_from_a_shared_one(loaded: Path) -> None:
    above = loaded / "models"
    above.mkdir()
    os.chown(above, 0, GROUP)
    above.chmod(0o2770)
    _as(ANA, _creates(above / "team" / "vision", "packs/77/a"))
    _as(BEN, _creates(above / "team" / "vision", "packs/77/b"), umask=0o022)
    made = (above / "team", above / "team/vision", above / "team/vision/packs/77")
    assert [_mode(each) for each in made] == [0o2770] * 3


def _creates(folder: Path, name: str) -> Callable[[], object]:
    return lambda: LocalBackend(folder).create(name, b"x")


def test_who_is_no_member_does_not_open_it_to_a_group_of_their_own(loaded: Path) -> None:
    share = loaded / "share"
    share.mkdir()
    os.chown(share, 0, GROUP)
    share.chmod(0o777)
    _as(CARL, _creates(share, "packs/77/c"), group=CARL)
    path = share / "packs" / "77" / "c"
    assert path.stat().st_gid == CARL
    assert not _mode(path) & 0o040


@pytest.mark.parametrize("mode", [0o1777, 0o755, 0o700])
def test_what_is_not_shared_is_left_to_the_umask(tmp_path: Path, monkeypatch: Any, mode: int) -> None:
    """A folder that the first push makes in /tmp is not shared because /tmp is writable for all."""
    monkeypatch.setattr(process, "umask", lambda: 0o027)
    (tmp_path / "above").mkdir()
    (tmp_path / "above").chmod(mode)
    before = os.umask(0o027)
    try:
        LocalBackend(tmp_path / "above" / "origin").create("packs/77/a", b"x")
    finally:
        os.umask(before)
    origin = tmp_path / "above" / "origin"
    assert [_mode(each) for each in (origin, origin / "packs", origin / "packs/77/a")] == [0o750, 0o750, 0o440]


def test_of_two_who_make_a_folder_one_makes_it(tmp_path: Path, monkeypatch: Any) -> None:
    share = tmp_path / "share"
    share.mkdir()
    share.chmod(0o770)
    backend = LocalBackend(share)
    backend.create("packs/77/a", b"x")
    real = os.rename

    def late(source: Any, target: Any) -> None:
        Path(target).mkdir()
        (Path(target) / "theirs").write_bytes(b"x")
        real(source, target)

    monkeypatch.setattr(os, "rename", late)
    backend.create("packs/78/a", b"x")
    assert {path.name for path in (share / "packs" / "78").iterdir()} == {"theirs", "a"}
    assert not list((share / "tmp").iterdir())


# --- the caches of a repository


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: Any, rng: random.Random) -> Shell:
    (tmp_path / "ana").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.write("w.bin", rng.randbytes(100_000))
    shell.ok("add", "w.bin", "--as", "weights")
    return shell


def _commits(shell: Shell, mode: int) -> Callable[[str], int]:
    (shell.folder / ".mvc").chmod(mode)
    shutil.rmtree(shell.folder / ".mvc" / "cache", ignore_errors=True)
    shell.commit("one")
    shell.repository.door.cache(STATS, b"rows")
    return lambda name: _mode(shell.folder / ".mvc" / name)


@pytest.mark.parametrize(
    ("mode", "stats", "chunks"),
    [(0o755, 0o644, 0o644), (0o700, 0o600, 0o600), (0o750, 0o640, 0o640), (0o2770, 0o640, 0o660)],
)
def test_who_may_read_the_repository_may_read_its_caches(shell: Shell, mode: int, stats: int, chunks: int) -> None:
    of = _commits(shell, mode)
    assert (of(STATS), of(CHUNKS)) == (stats, chunks)


def test_a_group_works_in_one_repository(loaded: Path, monkeypatch: Any, rng: random.Random) -> None:
    folder = loaded / "repository"
    folder.mkdir()
    os.chown(folder, ANA, GROUP)
    folder.chmod(0o2775)
    (folder / "w.bin").write_bytes(rng.randbytes(50_000))
    _as(ANA, _run(monkeypatch, folder, "init --model m"), umask=0o002)
    (folder / ".mvc" / "lock").unlink()
    _as(ANA, _run(monkeypatch, folder, "add w.bin", "commit -m one"))
    (folder / "model.toml").chmod(0o664)  # a file of the working tree, which is left to the umask
    _as(BEN, _run(monkeypatch, folder, "status", "fsck --read-data", "tag first"))
    _as(ANA, _run(monkeypatch, folder, "log", "tag second"))
    caches = [path for path in (folder / ".mvc" / "cache").rglob("*") if path.is_file()]
    assert folder / ".mvc" / CHUNKS in caches
    assert all(_mode(path) & 0o044 == 0o044 for path in caches)
