"""A disk that loses power: of recorded calls, what was synced is there, and of the rest any part.

    calls ─► Disk.play ─► files: bytes, and those that are durable      names: changes, each durable or not
                                         └─► Disk.lose ─► durable ones, and of the others some, drawn at random

A change of a name is durable once a folder that it is in was synced (its own, not the file); the bytes of a file once the file
was. Bytes that were not synced may be there, in part, as zeros, or not; names may be there or not, in whatever order.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.syscalls import Call

_MODE = 0o600


@dataclass(eq=False)
class File:
    """A file: its bytes, and those that were synced."""

    data: bytearray
    durable: bytes
    mode: int = _MODE

    def write(self, offset: int, data: bytes) -> None:
        """Write at an offset."""
        self.truncate(max(len(self.data), offset + len(data)))
        self.data[offset : offset + len(data)] = data

    def truncate(self, size: int) -> None:
        """Cut off, or append zeros."""
        del self.data[size:]
        self.data.extend(bytes(size - len(self.data)))

    def survive(self, rng: random.Random) -> bytes:
        """What is left of it."""
        now = bytes(self.data)
        if now == self.durable:
            return now
        kept = rng.randrange(len(now) + 1)
        return rng.choice([self.durable, b"", bytes(len(now)), now[:kept], now[:kept] + bytes(len(now) - kept), now])


@dataclass(eq=False)
class Folder:
    """A folder: what its names are now."""

    entries: dict[str, File | Folder] = field(default_factory=dict)


@dataclass(eq=False)
class Change:
    """Names set (or removed, None) in folders by one call; `durable` once one of the folders was synced."""

    names: list[tuple[Folder, str, File | Folder | None]]
    durable: bool = False


class Disk:
    """All below one folder, as it was when recording began (durable), and what calls made of it."""

    def __init__(self, top: Path) -> None:
        """Take in what is there."""
        self.top = os.fspath(top)
        self._changes: list[Change] = []
        self._begin: list[tuple[Folder, dict[str, File | Folder]]] = []
        self._offsets: dict[int, int] = {}
        self._root = self._take(top)

    def _take(self, path: Path) -> Folder:
        folder = Folder()
        for entry in sorted(path.iterdir()):
            if entry.is_dir():
                folder.entries[entry.name] = self._take(entry)
            else:
                data = entry.read_bytes()
                folder.entries[entry.name] = File(bytearray(data), data, entry.stat().st_mode & 0o777)
        self._begin.append((folder, dict(folder.entries)))
        return folder

    # --- playing

    def play(self, call: Call) -> bool:
        """Carry out a call; False when it is about something else, or changes nothing."""
        paths = [path for path in call.paths if path.startswith(f"{self.top}/") or path == self.top]
        if not paths:
            return False
        if call.name == "openat":
            return self._open(paths[0], call)
        if call.name in ("rename", "renameat", "renameat2"):
            return self._rename(*paths)
        if call.name in ("link", "linkat"):
            return self._set((paths[1], self._find(paths[0])))
        if call.name in ("unlink", "unlinkat", "rmdir"):
            return self._set((paths[0], None))
        if call.name in ("mkdir", "mkdirat"):
            return self._set((paths[0], Folder()))
        node = self._find(paths[0])
        if call.name in ("fsync", "fdatasync"):
            return self._sync(node)
        return isinstance(node, File) and self._write(node, call)

    def _open(self, path: str, call: Call) -> bool:
        self._offsets[call.fd] = 0
        node = self._find(path)
        if node is None and "O_CREAT" in call.flags:
            return self._set((path, File(bytearray(), b"")))
        if isinstance(node, File) and "O_TRUNC" in call.flags:
            node.truncate(0)
        return False

    def _write(self, file: File, call: Call) -> bool:
        if call.name == "lseek":
            self._offsets[call.fd] = call.result
            return False
        if call.name == "ftruncate":
            file.truncate(call.numbers[-1])
        elif call.name == "fallocate":
            file.truncate(max(len(file.data), call.numbers[-2] + call.numbers[-1]))
        elif call.name == "pwrite64":
            file.write(call.numbers[-1], call.data)
        elif call.name in ("write", "writev"):
            offset = self._offsets.get(call.fd, 0)
            file.write(offset, call.data)
            self._offsets[call.fd] = offset + len(call.data)
        else:
            raise AssertionError(f"nobody has said what {call.name} does to a disk")
        return True

    def _rename(self, source: str, target: str) -> bool:
        node = self._find(source)
        return self._set((source, None), (target, node))

    def _set(self, *names: tuple[str, File | Folder | None]) -> bool:
        change = Change([])
        for path, node in names:
            folder, _, name = path.rpartition("/")
            parent = self._find(folder)
            assert isinstance(parent, Folder), path
            change.names.append((parent, name, node))
        self._changes.append(change)
        _apply(change)
        return True

    def _sync(self, node: File | Folder | None) -> bool:
        if isinstance(node, File):
            node.durable = bytes(node.data)
        for change in self._changes:
            change.durable = change.durable or any(folder is node for folder, _, _ in change.names)
        return True

    def _find(self, path: str) -> File | Folder | None:
        node: File | Folder | None = self._root
        for part in path.removeprefix(self.top).strip("/").split("/"):
            if part and isinstance(node, Folder):
                node = node.entries.get(part)
            elif part:
                return None
        return node

    # --- losing power

    def lose(self, target: Path, rng: random.Random) -> None:
        """Write what is left after a loss of power to `target`."""
        whole = rng.choice((0.0, 0.1, 0.5, 0.9))  # of what may be lost: how much is not
        for folder, entries in self._begin:
            folder.entries = dict(entries)
        for change in self._changes:
            for folder, name, _ in change.names:
                folder.entries.pop(name, None) if not self._began_with(folder) else None
        for change in self._changes:
            if change.durable or rng.random() < whole:
                _apply(change)
        self._write_out(self._root, target, rng)

    def _began_with(self, folder: Folder) -> bool:
        return any(folder is each for each, _ in self._begin)

    def _write_out(self, folder: Folder, target: Path, rng: random.Random) -> None:
        target.mkdir()
        for name, node in folder.entries.items():
            path = target / name
            if isinstance(node, Folder):
                self._write_out(node, path, rng)
            else:
                path.write_bytes(node.survive(rng))
                path.chmod(node.mode)


def _apply(change: Change) -> None:
    for folder, name, node in change.names:
        if node is None:
            folder.entries.pop(name, None)
        else:
            folder.entries[name] = node


def lost(top: Path, calls: Iterable[Call], cut: int | None, target: Path, rng: random.Random) -> Path:
    """What is left in `target` when the power goes before the change number `cut` of what is played on `top` (None: after all)."""
    disk = Disk(top)
    count = 0
    for call in calls:
        if count == cut:
            break
        count += disk.play(call)
    disk.lose(target, rng)
    return target
