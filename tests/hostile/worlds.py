"""Small repositories in the states that a hostile one may be in, with things of somebody's beside them that must not change.

top/outside/precious   top/outside/folder/precious   top/home      canaries
top/deep/root/.mvc  .mvc-origin  linked -> top/outside/folder      the repository, which is altered and restored
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from mvc.model.ids import digest
from mvc.model.version import Timestamp
from mvc.repository.repository import Repository
from mvc.storage.records import import_notes, promised, sparse
from mvc.storage.records.annotations.remarks import Note
from mvc.storage.records.unfinished import publications
from mvc.storage.records.unfinished.publications import Publishing
from tests.crash import scenarios
from tests.crash.harness import ORIGIN, KillBefore, command, mvc
from tests.crash.scenarios import Scenario


def _pending(root: Path) -> None:
    """A switch that was killed once its journal was there."""
    scenarios.edited(root)
    for number in range(1, 200):
        command(root, ("switch", "--force", "v1"), KillBefore(number))
        if (root / ".mvc" / "journal").exists():
            return
    raise AssertionError


def _partial(root: Path) -> None:
    """A clone without large files, of what a folder beside `.mvc` has: metadata packs, promised and sparse files."""
    scenarios.shared(root)
    mvc(root, "push")
    (root / ORIGIN).rename(root.parent / "kept")
    shutil.rmtree(root)
    root.mkdir()
    (root.parent / "kept").rename(root / ORIGIN)
    mvc(root, "clone", "--meta", ORIGIN, "clone")
    for path in (root / "clone").iterdir():
        path.rename(root / path.name)
    (root / "clone").rmdir()
    mvc(root, "remote", "set-url", "origin", ORIGIN)


def _records(root: Path) -> None:
    """As `side`, with a record of each other kind."""
    scenarios.side(root)
    repository = Repository(root)
    tip = repository.current("helmets")
    assert tip is not None
    repository.remarks.append("helmets", Note(tip, 1, "Ana", Timestamp(0), "0" * 32, text="text", values={"k": 1}))
    with repository.writing():
        publications.record(
            repository.door, Publishing(tip, "https://app", "acme", "helmets", "0197", {"notes": "0198"})
        )
        import_notes.write(repository.door, "picsellia", "0197", {"name": "night"})
        sparse.record(repository.door, "helmets", ["weights/never.onnx"])
        for folder in promised.FOLDERS:
            ids = (digest(folder.encode()),)
            promised.append(repository.door, folder, ids, promised.Cause("origin", "Ana", Timestamp(0)))


PREPARATIONS: tuple[Callable[[Path], None], ...] = (
    scenarios.merging, _pending, _partial, _records, scenarios.behind, scenarios.tuned_twice,
)  # fmt: skip


class Known(NamedTuple):
    """A file, folder or link as it is to be: mode, inode, time, and bytes or target."""

    mode: int
    inode: int
    mtime_ns: int
    size: int
    content: bytes


class World:
    """One repository in memory, restored after each change of it by what differs."""

    def __init__(self, top: Path, prepare: Callable[[Path], None]) -> None:
        self.top = top
        self.root = top / "deep" / "root"
        self.outside = top / "outside"
        (self.outside / "folder").mkdir(parents=True)
        (top / "home").mkdir()
        self.root.mkdir(parents=True)
        prepare(self.root)
        (self.root / "linked").symlink_to(self.outside / "folder")
        for path in (self.outside / "precious", self.outside / "folder" / "precious", top / "home" / "precious"):
            path.write_bytes(b"precious\n")
        self._known = {path: _known(path) for path in _walk(self.root)}
        self._canaries = self.canaries()
        self.files = sorted(
            os.path.relpath(path, self.root) for path, known in self._known.items() if stat.S_ISREG(known.mode)
        )

    def canaries(self) -> dict[str, tuple[int, int, int, bytes]]:
        """All outside of the repository, which is there always."""
        found = {}
        for path in _walk(self.top, avoid=str(self.root)):
            known = _known(path)
            mtime = 0 if path == str(self.root) else known.mtime_ns
            found[path] = (known.mode, mtime, known.size, known.content)
        return found

    def touched(self) -> set[str]:
        """What outside was created, changed or removed."""
        now = self.canaries()
        return {path for path in now.keys() | self._canaries.keys() if now.get(path) != self._canaries.get(path)}

    def restore(self) -> None:
        """Have the repository be as it was made."""
        here = list(_walk(self.root))
        for path in reversed(here):
            known = self._known.get(path)
            if known is None or not _same(path, known):
                _remove(path)
        for path, known in self._known.items():
            if not os.path.lexists(path):
                self._known[path] = _make(path, known)


def _walk(top: Path | str, avoid: str = "") -> Iterator[str]:
    with os.scandir(top) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        yield entry.path
        if entry.is_dir(follow_symlinks=False) and entry.path != avoid:
            yield from _walk(entry.path, avoid)


def _known(path: str | Path) -> Known:
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        content = os.fsencode(os.readlink(path))
    else:
        content = Path(path).read_bytes() if stat.S_ISREG(status.st_mode) and status.st_size < 1 << 20 else b""
    size = status.st_size if stat.S_ISREG(status.st_mode) else 0
    return Known(status.st_mode, status.st_ino, status.st_mtime_ns, size, content)


def _same(path: str, known: Known) -> bool:
    status = os.lstat(path)
    if stat.S_ISDIR(known.mode):
        return status.st_mode == known.mode
    now = (status.st_mode, status.st_ino, status.st_mtime_ns, status.st_size if stat.S_ISREG(known.mode) else 0)
    return now == known[:4] and status.st_nlink == 1


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def _make(path: str, known: Known) -> Known:
    if stat.S_ISDIR(known.mode):
        os.mkdir(path)
    elif stat.S_ISLNK(known.mode):
        os.symlink(os.fsdecode(known.content), path)
        return _known(path)
    else:
        Path(path).write_bytes(known.content)
        os.utime(path, ns=(known.mtime_ns, known.mtime_ns))
    os.chmod(path, stat.S_IMODE(known.mode))
    return _known(path)._replace(content=known.content)


__all__ = ["PREPARATIONS", "Scenario", "World"]
